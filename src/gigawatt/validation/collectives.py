"""Predicted times of collectives beside measured ones: rows that were fitted, and rows that judge.

Inside a domain: the sweeps of aiconfigurator-core (``nccl__DEVICE.parquet``), odd powers of two fitted, even
ones judged; a device whose link was fitted on another device judges whole. Between nodes: bus bandwidths that
others published (catalog table ``collectives_measured``), of which one sweep was fitted in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.calibration.kernel_rows import DEVICES
from gigawatt.calibration.link_fits import Measured, predict
from gigawatt.catalog.loader import entity
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.quantities import to_si
from gigawatt.machine.load import build_cluster, load_chip, load_link
from gigawatt.machine.machine import Link
from gigawatt.machine.topology import Topology
from gigawatt.performance.collectives import Fabric
from gigawatt.validation.card import Card, Group, Summary
from gigawatt.validation.files import Refusal, Refusals
from gigawatt.validation.rows import cells_of, check_columns, number_of

__all__ = [
    "COLUMNS",
    "Score",
    "between_nodes",
    "collectives_card",
    "published_parts",
    "scorecard",
    "sweep",
    "training_rows",
]

Array = NDArray[np.float64]

COLUMNS = ("op_name", "num_gpus", "message_size", "nccl_dtype", "latency_ms")
"""Columns of a sweep inside a domain."""
_BYTES = {"half": 2.0, "int8": 1.0}
_OPERATIONS = {
    "alltoall": "all_to_all", "all_to_all": "all_to_all", "all_reduce": "all_reduce",
    "all_gather": "all_gather", "reduce_scatter": "reduce_scatter",
}  # fmt: skip
_MOST_RANKS, _MOST_ELEMENTS = 1e6, 1e15
_DEVICES = {
    "a100_sxm": ("nvlink3", True),
    "h100_sxm": ("nvlink4", True),
    "h200_sxm": ("nvlink4", False),
    "b200_sxm": ("nvlink5", True),
    "gb200": ("nvlink5-nvl72", True),
    "l40s": ("pcie4", True),
}
"""Device → (its link, whether the link was fitted on it)."""
_PAIR = 2
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
    """Measured and predicted times [s] of one part; ``fitted`` where its link was fitted to them.

    ``median`` and ``p90`` are of the size of errors (predicted over measured time less one), ``bias`` is
    their median. ``of`` is the part that a part of one operation belongs to: such rows count there.
    """

    part: str
    fitted: bool
    measured: Array
    predicted: Array
    of: str = ""

    @property
    def rows(self) -> int:
        """Collectives."""
        return len(self.measured)

    @property
    def errors(self) -> Array:
        """Predicted over measured time less one."""
        return self.predicted / self.measured - 1.0

    @property
    def median(self) -> float:
        """Median size of the errors."""
        return float(np.median(np.abs(self.errors)))

    @property
    def p90(self) -> float:
        """Size of error that nine in ten are below."""
        return float(np.quantile(np.abs(self.errors), 0.9))

    @property
    def bias(self) -> float:
        """Median error."""
        return float(np.median(self.errors))

    def __str__(self) -> str:
        kind = "fitted" if self.fitted else "judges"
        return (
            f"{self.part:44s} {kind} n={self.rows:4d} median {self.median:6.1%}"
            f" p90 {self.p90:6.1%} bias {self.bias:+6.1%}"
        )


def sweep(file: Path) -> Measured:
    """The collectives of one device that can be timed, each the median of its repeats.

    Raises
    ------
    InputError
        No such file, or one of another shape.
    """
    return _read(file)[0]


def _read(file: Path, *, pairs: bool = False) -> tuple[Measured, Refusals]:
    """(collectives, why others cannot be timed) of one device, of ``pairs`` alone where it says so.

    ``message_size`` counts elements.
    """
    if not file.is_file():
        raise InputError("no such file of measured collectives", file=file, allowed="nccl__DEVICE.parquet")
    header, cells = cells_of(file)
    check_columns(file, header, COLUMNS)
    refused = Refusals()
    times: dict[tuple[str, float, float], list[float]] = {}
    for line, record in cells:
        operation, width = record["op_name"].strip(), _BYTES.get(record["nccl_dtype"].strip())
        ranks, count, latency = (
            number_of(record, name, file=file, line=line)
            for name in ("num_gpus", "message_size", "latency_ms")
        )
        if operation not in _OPERATIONS:
            refused.add(Refusal("an operation that is not timed", operation), line)
        elif width is None:
            refused.add(Refusal("a type of element whose size is not known", record["nccl_dtype"]), line)
        elif ranks is None or count is None or latency is None:
            refused.add("ranks, message size or latency are not given", line)
        elif not (2.0 <= ranks <= _MOST_RANKS and ranks == round(ranks)):
            refused.add(Refusal("num_gpus is out of range", record["num_gpus"]), line)
        elif not (1.0 <= count <= _MOST_ELEMENTS and 0.0 < latency <= _MOST_ELEMENTS):
            refused.add(
                Refusal("message_size or latency_ms is out of range", f"{count:g} and {latency:g}"), line
            )
        else:
            times.setdefault((_OPERATIONS[operation], ranks, count * width), []).append(latency / 1e3)
    keys = sorted(times)
    rows = Measured(
        np.array([key[0] for key in keys], dtype=str),
        np.array([key[2] for key in keys], dtype=float),
        np.array([key[1] for key in keys], dtype=float),
        np.ones(len(keys)),
        np.array([float(np.median(times[key])) for key in keys], dtype=float),
    )
    if pairs:
        kept = rows.inside <= _PAIR
        beyond = sum(len(times[key]) for key, pair in zip(keys, kept, strict=True) if not pair)
        refused.add("more than a pair over the host's memory", count=beyond)
        rows = rows.where(kept)
    return rows, refused


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


def _score(part: str, fitted: bool, rows: Measured, fabric: Fabric, of: str = "") -> Score:
    return Score(part, fitted, rows.seconds, predict(rows, fabric), of)


def scorecard(path: Path | None = None, *, links: Mapping[str, Link] | None = None) -> list[Score]:
    """Scores of every part, inside a domain (with a folder or file of sweeps) and between nodes.

    ``links`` replaces links of the catalog by id.
    """
    return _scores(path, links or {})[0]


def _scores(path: Path | None, given: Mapping[str, Link]) -> tuple[list[Score], Refusals]:
    def link(name: str) -> Link:
        return given.get(name) or load_link(name)

    found: list[Score] = []
    refused = Refusals()
    for device, file in _files(path).items():
        name, own = _DEVICES.get(device) or (build_cluster(chip=device, count=_PAIR)[0].scale_up.id, False)
        rows, lost = _read(file, pairs=device in _PAIRS)
        refused.include(lost)
        if not len(rows):
            continue
        fabric = Fabric(link(name), link(name), domain=float(rows.inside.max()))
        odd = _odd(rows)
        if own and odd.any():
            found.append(_score(f"{name} on {device}, odd sizes", True, rows.where(odd), fabric))
        judging = rows.where(~odd) if own else rows
        title = f"{name} on {device}, {'even sizes' if own else 'device left out'}"
        if not len(judging):
            continue
        found.append(_score(title, False, judging, fabric))
        for operation in dict.fromkeys(judging.operation.tolist()):
            part = judging.where(judging.operation == operation)
            found.append(_score(f"  {name} on {device}, {operation}", False, part, fabric, of=title))
        if device == "gb200":
            fabric = Fabric(link("nvlink5"), link("nvlink5"), domain=float(rows.inside.max()))
            found.append(_score("nvlink5 on gb200, device left out", False, rows, fabric, of=title))
    if path is None or path.is_dir():
        found.extend(_score(*one) for one in published_parts(given))
    return found, refused


def _device(file: Path) -> str | None:
    """The device of a sweep that is called ``nccl__DEVICE``, by any of its names; ``None`` for another name.

    Raises
    ------
    InputError
        A device that the catalog lacks.
    """
    start, _, device = file.stem.partition("__")
    if not file.is_file() or start != "nccl" or not device:
        return None
    if device in _DEVICES:
        return device
    try:
        chip = load_chip(device).id
    except GigawattError as error:
        raise InputError(
            "no such device in the catalog", file=file, given=device, nearest=nearest(device, _DEVICES),
            allowed=f"a name of a chip of the catalog, or {', '.join(_DEVICES)}",
        ) from error  # fmt: skip
    return next((name for name, id in DEVICES.items() if id == chip and name in _DEVICES), chip)


def _files(path: Path | None) -> dict[str, Path]:
    """Device → its sweep: of a folder, or the one file that was given."""
    if path is None:
        return {}
    if path.is_dir():
        found = {name: path / f"nccl__{name}.parquet" for name in _DEVICES}
        found = {name: file for name, file in found.items() if file.is_file()}
    else:
        device = _device(path)
        found = {} if device is None else {device: path}
    if not found:
        raise InputError(
            "no measured collectives here", key="--rows", given=str(path),
            allowed="nccl__DEVICE.parquet of a chip of the catalog, or a folder of those of "
            f"{', '.join(_DEVICES)}",
        )  # fmt: skip
    return found


def collectives_card(path: Path | None = None, progress: object = None) -> Card:
    """The scorecard of collectives in the shape of every table.

    Parameters
    ----------
    path : Path, optional
        A sweep inside a domain (``nccl__DEVICE.parquet``), or a folder of them, beside what is published
        between nodes.
    progress : object
        Not used: it takes no time.

    Raises
    ------
    InputError
        No such file, one of another shape, a cell that is no number: file, line, column.
    """
    scores, refused = _scores(path, {})
    whole = [score for score in scores if not score.of]
    predicted = sum(score.rows for score in whole)
    seen_by_none = [score for score in whole if not score.fitted]
    return Card(
        table="collectives",
        rows=predicted + sum(refused.values()),
        predicted=predicted,
        refusals=refused,
        parameters_fitted=None,
        overall=_summary(whole),
        groups=tuple(
            Group(f"{score.part.strip()} | {'fit' if score.fitted else 'judge'}", _summary([score]),
                  {"use": "fit" if score.fitted else "judge", "part_of": score.of or None,
                   "median_error": score.bias})
            for score in scores
        ),
        more={"held_out": _summary(seen_by_none)},
        notes=("Groups that are part of another count there. Repeats of a size are one row, their median.",),
        detail=scores,
    )  # fmt: skip


def _summary(scores: Sequence[Score]) -> Summary:
    if not scores:
        return Summary(0)
    return Summary.of(
        np.concatenate([score.predicted for score in scores]),
        np.concatenate([score.measured for score in scores]),
    )


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
