"""Predicted times of collectives beside measured ones: rows that were fitted, and rows that judge.

Inside a domain: the sweeps of aiconfigurator-core (``nccl__DEVICE.parquet``), odd powers of two fitted, even
ones judged; a device whose link was fitted on another device judges whole. Between nodes: bus bandwidths that
others published (catalog table ``collectives_measured``), of which one sweep was fitted in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gigawatt.calibration.link_fits import Measured, errors
from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import to_si
from gigawatt.machine.load import load_link
from gigawatt.machine.machine import Link
from gigawatt.machine.topology import Topology
from gigawatt.performance.collectives import Fabric

__all__ = ["Score", "between_nodes", "published_parts", "scorecard", "sweep", "training_rows"]

_BYTES = {"half": 2.0, "int8": 1.0}
_DEVICES = {
    "a100_sxm": ("nvlink3", True),
    "h100_sxm": ("nvlink4", True),
    "h200_sxm": ("nvlink4", False),
    "b200_sxm": ("nvlink5", True),
    "gb200": ("nvlink5-nvl72", True),
    "l40s": ("pcie4", True),
}
"""Device → (its link, whether the link was fitted on it)."""
_PAIRS = ("l40s",)
"""Devices of which only pairs count: over its host's memory eight L40S move 1.2 GB/s each where two move 20,
a property of that server and not of PCIe."""
_NETWORKS = {
    "h200-1x8": ("nvlink4", "ib-ndr-400"),
    "h200-1x4": ("nvlink4", "ib-ndr-400"),
    "a100-1x8": ("nvlink3", "ib-hdr-200"),
    "b200-1x8": ("nvlink5", "ib-ndr-400"),
    "b200-1x4": ("nvlink5", "ib-ndr-400"),
    "p6-b200-4x8": ("nvlink5", "efa-400"),
    "p5en-h200-4x8": ("nvlink4", "efa-400"),
    "h20-2x8": ("nvlink4", "ib-ndr-400"),
    "h100-2x1": ("nvlink4", "roce-400"),
}
"""Entry of ``collectives_measured`` → (link inside, link between)."""
_FITTED_NETWORK = "p6-b200-4x8"
_QUANTITY = re.compile(r"(all_reduce|all_gather|reduce_scatter)_(\d+)(KiB|MiB|GiB)")
_PLACE = re.compile(r"(\d+)x(\d+)$")
_COLD = 1e-3
"""Seconds: small messages that took longer are cold starts of a sweep."""
_SMALL = 1e6


@dataclass(frozen=True)
class Score:
    """Errors of one part, predicted over measured time less one: median and p90 of their size."""

    part: str
    fitted: bool
    rows: int
    median: float
    p90: float
    bias: float

    def __str__(self) -> str:
        kind = "fitted" if self.fitted else "judges"
        return (
            f"{self.part:44s} {kind} n={self.rows:4d} median {self.median:6.1%}"
            f" p90 {self.p90:6.1%} bias {self.bias:+6.1%}"
        )


def sweep(file: Path) -> Measured:
    """The collectives of one device, each the median of its repeats; ``message_size`` counts elements.

    Raises
    ------
    InputError
        No such file.
    """
    if not file.is_file():
        raise InputError("no such file of measured collectives", file=file, allowed="nccl__DEVICE.parquet")
    import duckdb

    size = " ".join(f"when '{name}' then {width}" for name, width in _BYTES.items())
    frame = (
        duckdb.connect()
        .execute(
            "select op_name as operation, num_gpus as ranks, "
            f"message_size * case nccl_dtype {size} end as size, median(latency_ms) / 1e3 as seconds "
            f"from '{file}' group by all order by all"
        )
        .fetchnumpy()
    )
    operation = np.asarray(frame["operation"], dtype=str)
    rows = Measured(
        np.where(operation == "alltoall", "all_to_all", operation),
        np.asarray(frame["size"], dtype=float),
        np.asarray(frame["ranks"], dtype=float),
        np.ones(len(operation)),
        np.asarray(frame["seconds"], dtype=float),
    )
    alone = any(file.stem.endswith(f"__{device}") for device in _PAIRS)
    return rows.where(rows.inside <= 2.0) if alone else rows


def _odd(rows: Measured) -> np.ndarray:
    return np.round(np.log2(rows.size)).astype(int) % 2 == 1


def training_rows(rows: Measured) -> Measured:
    """The rows that fits use: sizes that are odd powers of two."""
    return rows.where(_odd(rows))


def between_nodes(entry: str, *, up: Link, out: Link) -> tuple[Measured, Fabric]:
    """(collectives measured, fabric) of an entry of ``collectives_measured``, called NAME-NODESxGPUS."""
    place = _PLACE.search(entry)
    found = entity("collectives_measured", entry)
    if place is None:
        raise InputError("name ends in nodes x accelerators", key=entry, allowed="such as p6-b200-4x8")
    nodes, inside = float(place[1]), float(place[2])
    ranks = nodes * inside
    names, sizes, seconds = [], [], []
    for row in found.rows():
        match = _QUANTITY.fullmatch(row.quantity)
        if match is None:
            raise InputError("not a collective and size", file=row.where, key=row.quantity)
        size = to_si(float(match[2]), match[3])
        passes = 2.0 if match[1] == "all_reduce" else 1.0
        time = passes * (ranks - 1.0) / ranks * size / row.value
        if time > _COLD and size < _SMALL:
            continue
        names.append(match[1])
        sizes.append(size)
        seconds.append(time)
    flat = Topology("measured", "single_switch", "outer")
    count = len(names)
    rows = Measured(
        np.array(names), np.array(sizes), np.full(count, inside), np.full(count, nodes), np.array(seconds)
    )
    return rows, Fabric(up, out, domain=inside, outer=flat)


def _score(part: str, fitted: bool, rows: Measured, fabric: Fabric) -> Score:
    found = errors(rows, fabric)
    size = np.abs(found)
    median, p90 = float(np.median(size)), float(np.quantile(size, 0.9))
    return Score(part, fitted, len(rows), median, p90, float(np.median(found)))


def scorecard(folder: Path | None = None, *, links: Mapping[str, Link] | None = None) -> list[Score]:
    """Scores of every part, inside a domain (with ``folder``) and between nodes.

    ``links`` replaces links of the catalog by id.
    """
    given = links or {}

    def link(name: str) -> Link:
        return given.get(name) or load_link(name)

    found: list[Score] = []
    if folder is not None:
        for device, (name, own) in _DEVICES.items():
            rows = sweep(folder / f"nccl__{device}.parquet")
            fabric = Fabric(link(name), link(name), domain=float(rows.inside.max()))
            odd = _odd(rows)
            if own:
                found.append(_score(f"{name} on {device}, odd sizes", True, rows.where(odd), fabric))
            judging = rows.where(~odd) if own else rows
            title = "even sizes" if own else "device left out"
            found.append(_score(f"{name} on {device}, {title}", False, judging, fabric))
            for operation in dict.fromkeys(rows.operation.tolist()):
                part = judging.where(judging.operation == operation)
                found.append(_score(f"  {name} on {device}, {operation}", False, part, fabric))
        rows = sweep(folder / "nccl__gb200.parquet")
        fabric = Fabric(link("nvlink5"), link("nvlink5"), domain=float(rows.inside.max()))
        found.append(_score("nvlink5 on gb200, device left out", False, rows, fabric))
    found.extend(_score(*one) for one in published_parts(given))
    return found


def published_parts(
    links: Mapping[str, Link] | None = None,
) -> Iterator[tuple[str, bool, Measured, Fabric]]:
    """(part, whether a link was fitted to it, rows, fabric) of every published sweep between nodes."""
    given = links or {}
    for entry, (up, out) in _NETWORKS.items():
        rows, fabric = between_nodes(
            entry, up=given.get(up) or load_link(up), out=given.get(out) or load_link(out)
        )
        if entry == _FITTED_NETWORK:
            odd = _odd(rows)
            yield f"{entry}, odd sizes", True, rows.where(odd), fabric
            rows = rows.where(~odd)
        yield entry, False, rows, fabric
