"""Degrees of parallelism of a machine or a part of it: tensor, pipeline, interleave, context, data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import entity
from gigawatt.machine.machine import Cluster
from gigawatt.workload.architecture import Architecture, Block

__all__ = ["ENDS", "Cross", "Filter", "Integers", "Table", "TrainingRun", "cross_with", "degrees_of_all",
           "degrees_of_part", "divisors", "either", "splits", "unlike"]  # fmt: skip

Integers = NDArray[np.int32]

_COUNTED = 16
"""Largest key over the number of keys up to which they are counted."""
ENDS = 2
"""Embedding and head, which may stand as pipeline chunks without a layer where the degrees are pinned."""

Table = dict[str, Integers]
Filter = Callable[[Table], NDArray[np.bool_]]


@dataclass(frozen=True)
class TrainingRun:
    """What is to be trained: ``tokens`` in all, ``global_batch`` sequences of ``sequence`` tokens a step.

    ``number_format`` is that of the multiplications, ``optimizer`` a row of the catalog's
    ``optimizers`` (empty: the software's own). ``uneven``: the batch need not divide, and a step takes as
    long as the replica with the most microbatches.
    """

    architecture: Architecture
    tokens: float
    sequence: int
    global_batch: int
    number_format: str = "bf16"
    optimizer: str = ""
    uneven: bool = False

    @property
    def tokens_per_step(self) -> float:
        """Tokens of one optimizer step."""
        return float(self.global_batch) * float(self.sequence)

    @property
    def steps(self) -> float:
        """Optimizer steps of the run."""
        return self.tokens / self.tokens_per_step


def divisors(n: int) -> list[int]:
    """Every divisor of a number, in order."""
    small = [d for d in range(1, isqrt(n) + 1) if n % d == 0]
    return sorted({*small, *(n // d for d in small)})


def cross_with(
    table: Table, name: str, values: list[int], keep: Filter, refused: dict[str, int] | None = None
) -> Table:
    """Every row with every value of a new column, those rows that pass ``keep``; the others are counted."""
    rows = len(next(iter(table.values()))) if table else 1
    many = len(values) != 1
    wide = {key: np.repeat(column, len(values)) if many else column for key, column in table.items()}
    wide[name] = np.tile(np.asarray(values, dtype=np.int32), rows)
    mask = keep(wide)
    kept = np.flatnonzero(mask)
    if refused is not None:
        refused[name] = refused.get(name, 0) + len(mask) - len(kept)
    return wide if len(kept) == len(mask) else {key: column[kept] for key, column in wide.items()}


Cross = Callable[[Table, str, list[int], Filter], Table]
"""Every row of a table with every value of a new column, those that pass a filter."""


def unlike(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.intp]]:
    """``np.unique`` of whole numbers ≥ 0, with the first place of each and where each key stands among them.

    Small numbers are counted, not sorted: keys of layouts are few and many share one.
    """
    top = int(keys.max(initial=0)) + 1
    if top > _COUNTED * len(keys):
        found, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return found, first, inverse.reshape(-1)
    place = np.full(top, -1, dtype=np.intp)
    place[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)
    found = np.flatnonzero(place >= 0)
    first = place[found]
    place[found] = np.arange(len(found))
    return found, first, place[keys]


def splits(block: Block, degree: int) -> bool:
    """Whether attention's heads (key-value heads may repeat) or a mixer's groups split ``degree`` ways."""
    a, mixer = block.attention, block.mixer
    if mixer is not None and mixer.splits % degree:
        return False
    if not a.heads:
        return True
    return a.heads % degree == 0 and (a.key_value_heads % degree == 0 or degree % a.key_value_heads == 0)


def degrees_of_all(
    run: TrainingRun,
    cluster: Cluster,
    pins: Mapping[str, int],
    cross: Cross,
    refused: dict[str, int] | None,
) -> Table:
    """Tensor, pipeline, interleave, context and data of all accelerators."""
    count, layers = cluster.count, run.architecture.layers
    degrees = divisors(count)
    tensors = either(pins, "tensor", _tensors(run, cluster, degrees))
    table = cross({}, "tensor", tensors, lambda w: count % w["tensor"] == 0)
    table = cross(
        table,
        "pipeline",
        either(pins, "pipeline", [p for p in degrees if p <= layers]),
        lambda w: count % (w["tensor"] * w["pipeline"]) == 0,
    )
    table = _interleaved(table, run, pins, cross)
    table = cross(
        table,
        "context",
        either(pins, "context", _contexts(run, degrees)),
        lambda w: count % (w["tensor"] * w["pipeline"] * w["context"]) == 0,
    )
    table["data"] = (count // (table["tensor"] * table["pipeline"] * table["context"])).astype(np.int32)
    mask = (run.global_batch % table["data"] == 0) | (run.uneven & (table["data"] <= run.global_batch))
    if refused is not None:
        refused["data"] = int(np.sum(~mask))
    if "data" in pins:
        mask &= table["data"] == pins["data"]
    return {key: column[mask] for key, column in table.items()}


def degrees_of_part(
    run: TrainingRun,
    cluster: Cluster,
    pins: Mapping[str, int],
    cross: Cross,
) -> Table:
    """Tensor, pipeline, interleave, context and data of a part of the accelerators, whole nodes of them.

    Stages of as equal layers as there are; for every product of the other degrees the most replicas that
    there is room for, brought down to the fewest that work through as few microbatches, or as few in whole
    rounds of the stages.
    """
    count, layers, batch = cluster.count, run.architecture.layers, run.global_batch
    few = sorted({-(-layers // k) for k in range(1, layers + 1)})
    powers = [2**k for k in range(int(count).bit_length())]
    table = cross(
        {}, "tensor", either(pins, "tensor", _tensors(run, cluster, powers)), lambda w: w["tensor"] <= count
    )
    table = cross(
        table, "pipeline", either(pins, "pipeline", few), lambda w: w["tensor"] * w["pipeline"] <= count
    )
    table = _interleaved(table, run, pins, cross)
    table = cross(
        table,
        "context",
        either(pins, "context", _contexts(run, powers)),
        lambda w: w["tensor"] * w["pipeline"] * w["context"] <= count,
    )
    ranks = (table["tensor"] * table["pipeline"] * table["context"]).astype(np.int64)
    step = cluster.node.chips // np.gcd(cluster.node.chips, ranks)  # replicas that fill whole nodes
    most = np.minimum(count // ranks // step * step, _ceil(batch, step) * step)
    if "data" in pins:
        most = np.where(pins["data"] <= count // ranks, pins["data"], 0)
        step = np.ones_like(step)
    rounds = _ceil(batch, np.maximum(most, 1))
    whole = _ceil(rounds, table["pipeline"]) * table["pipeline"]
    found = [most, *(_ceil(_ceil(batch, one), step) * step for one in (rounds, whole))]
    many = len(found)
    wide = {key: np.tile(column, many) for key, column in table.items()}
    wide["data"] = np.concatenate(found).astype(np.int32)
    fits = (wide["data"] > 0) & (wide["data"] <= np.minimum(np.tile(most, many), batch))
    columns = {key: column[fits] for key, column in wide.items()}
    keys = np.zeros(int(fits.sum()), dtype=np.int64)  # rows by all of their columns: less than 2^63
    for column in columns.values():
        keys = keys * (int(column.max(initial=0)) + 1) + column
    _, first = np.unique(keys, return_index=True)
    return {key: column[first] for key, column in columns.items()}


def _ceil(number: Any, by: Any) -> NDArray[np.int64]:
    return -(-number // by)


def either(pins: Mapping[str, int], name: str, free: list[int]) -> list[int]:
    """The pinned value of a column, or the free ones."""
    return [int(pins[name])] if name in pins else free


def _tensors(run: TrainingRun, cluster: Cluster, degrees: list[int]) -> list[int]:
    """Tensor degrees inside the fast domain that split every layer."""
    blocks = run.architecture.blocks
    return [t for t in degrees if t <= cluster.scale_up_size and all(splits(block, t) for block in blocks)]


def _contexts(run: TrainingRun, degrees: list[int]) -> list[int]:
    shortest = entity("stacks_search", "limits").value("context_tokens")
    return [c for c in degrees if c == 1 or (run.sequence % (2 * c) == 0 and run.sequence / c >= shortest)]


def _interleaved(
    table: Table,
    run: TrainingRun,
    pins: Mapping[str, int],
    cross: Cross,
) -> Table:
    layers = run.architecture.layers

    def fits(w: Table) -> NDArray[np.bool_]:
        chunks = w["pipeline"] * w["interleave"]
        if "interleave" in pins:
            return chunks <= layers + ENDS
        per_stage = -(-layers // w["pipeline"])
        alone = (w["interleave"] == 1) | (w["pipeline"] > 1)
        return (chunks <= layers) & (per_stage % w["interleave"] == 0) & alone

    return cross(table, "interleave", either(pins, "interleave", list(range(1, layers + 1))), fits)
