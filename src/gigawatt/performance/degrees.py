"""Degrees of parallelism of a machine or a part of it: tensor, pipeline, interleave, context, data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import entity
from gigawatt.machine.machine import Cluster
from gigawatt.workload.architecture import Architecture, Block

__all__ = ["ENDS", "Cross", "Filter", "Integers", "Table", "TrainingRun", "cross_with", "degrees_of_all",
           "degrees_of_part", "divisible", "divisors", "either", "equal_chunks", "key_of", "splits",
           "unlike"]  # fmt: skip

Integers = NDArray[np.int32]

_COUNTED = 16
"""Largest key over the number of keys up to which they are counted."""
ENDS = 2
"""Embedding and head, each of which may stand in a pipeline chunk in place of a layer."""

Table = dict[str, Integers]
Filter = Callable[[Table], NDArray[np.bool_]]


@dataclass(frozen=True)
class TrainingRun:
    """What is to be trained: ``tokens`` in all, ``global_batch`` sequences of ``sequence`` tokens a step.

    ``number_format`` is that of the multiplications, ``optimizer`` a row of the catalog's
    ``optimizers`` (empty: the software's own). ``uneven``: the batch need not divide, and a step takes as
    long as the replica with the most microbatches. ``adapters`` is the rank of low-rank adapters that alone
    are trained; 0: all weights are.
    """

    architecture: Architecture
    tokens: float
    sequence: int
    global_batch: int
    number_format: str = "bf16"
    optimizer: str = ""
    uneven: bool = False
    adapters: int = 0

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
    table: Table,
    name: str,
    values: list[int],
    keep: Filter | None = None,
    refused: dict[str, int] | None = None,
) -> Table:
    """Every row with every value of a new column, those rows that pass ``keep``; the others are counted.

    ``keep`` sees the known columns as ``(R, 1)`` and the new one as ``(1, V)``, so that what does not depend
    on it is computed once a row.
    """
    rows, many = (len(next(iter(table.values()))) if table else 1), len(values)
    column = np.asarray(values, dtype=np.int32)
    if keep is not None:
        shaped = {key: known[:, np.newaxis] for key, known in table.items()} | {name: column[np.newaxis]}
        mask = np.broadcast_to(keep(shaped), (rows, many)).reshape(-1)
        kept = np.flatnonzero(mask)
        if refused is not None:
            refused[name] = refused.get(name, 0) + len(mask) - len(kept)
        if len(kept) < len(mask):
            row, place = np.divmod(kept, many)
            return {key: known[row] for key, known in table.items()} | {name: column[place]}
    wide = {key: np.repeat(known, many) if many != 1 else known for key, known in table.items()}
    return wide | {name: np.tile(column, rows)}


def divisible(whole: Integers, parts: Integers) -> NDArray[np.bool_]:
    """Whether whole numbers ``(R, 1)`` are multiples of parts ``(1, V)``: ``(R, V)``.

    Few of the numbers differ, and only those are divided.
    """
    first, place = _places(whole.reshape(-1).astype(np.int64))
    return (whole.reshape(-1)[first][:, np.newaxis] % parts == 0)[place]


class Cross(Protocol):
    """:func:`cross_with`, with what counts the rows that are refused."""

    def __call__(self, table: Table, name: str, values: list[int], keep: Filter | None = None) -> Table: ...


def unlike(columns: Iterable[NDArray[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(first row of every unlike combination of columns, which of these each row is), ``(U,)`` and ``(L,)``.

    Columns are whole numbers ≥ 0 or yes and no; the combinations are in their order, the first column first.
    Rows that follow one another are mostly alike, since options that the columns leave out vary quickest: a
    key is made and looked up once for every run of them.
    """
    held = [np.asarray(column) for column in columns]
    starts, lengths = _runs(held)
    first, place = _places(key_of(_ranked(column[starts].astype(np.intp)) for column in held))
    return starts[first], np.repeat(place, lengths)


def _runs(columns: list[NDArray[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(first row, number of rows) of every run of rows that are alike."""
    rows = len(columns[0])
    changes = np.zeros(rows, dtype=bool)
    changes[:1] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    starts = np.flatnonzero(changes)
    return starts, np.diff(starts, append=rows)


def _ranked(column: NDArray[Any]) -> NDArray[np.intp]:
    """Whole numbers ≥ 0 by their place among those that occur, so that keys of them are small."""
    occurs = np.zeros(int(column.max(initial=0)) + 1, dtype=np.intp)
    occurs[column] = 1
    return (np.cumsum(occurs) - 1)[column]


def _places(keys: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First place of every unlike key in order, and which of these each key is.

    Small numbers are counted, not sorted: keys of layouts are few and many share one.
    """
    top = int(keys.max(initial=0)) + 1
    if top > _COUNTED * len(keys):
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return first, inverse.reshape(-1)
    place = np.full(top, -1, dtype=np.intp)
    place[keys[::-1]] = np.arange(len(keys) - 1, -1, -1)
    found = np.flatnonzero(place >= 0)
    first = place[found]
    place[found] = np.arange(len(found))
    return first, place[keys]


def key_of(columns: Iterable[NDArray[Any]]) -> NDArray[np.int64]:
    """One number ``(L,)`` for every combination of columns of whole numbers ≥ 0: less than 2^63 together."""
    key = np.zeros((), dtype=np.int64)
    for column in columns:
        key = key * (int(column.max(initial=0)) + 1) + column
    return np.asarray(key, dtype=np.int64)


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
    tensors = either(pins, "tensor", _tensors(run, degrees))
    table = cross({}, "tensor", tensors, lambda w: count % w["tensor"] == 0)
    table = cross(
        table,
        "pipeline",
        either(pins, "pipeline", [p for p in degrees if p <= layers + ENDS]),
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

    Few of all: powers of two of tensor and context parallelism, stages of as equal layers as there are, and
    for every product of the other degrees the most replicas that there is room for, brought down to the
    fewest that work through as few microbatches, or as few in whole rounds of the stages.
    """
    count, layers, batch = cluster.count, run.architecture.layers, run.global_batch
    few = sorted({-(-layers // k) for k in range(1, layers + 1)})
    powers = [2**k for k in range(int(count).bit_length())]
    table = cross({}, "tensor", either(pins, "tensor", _tensors(run, powers)), lambda w: w["tensor"] <= count)
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
    step = cluster.node_chips // np.gcd(cluster.node_chips, ranks)  # replicas that fill whole nodes
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
    _, first = np.unique(key_of(columns.values()), return_index=True)
    return {key: column[first] for key, column in columns.items()}


def _ceil(number: Any, by: Any) -> NDArray[np.int64]:
    return -(-number // by)


def either(pins: Mapping[str, int], name: str, free: list[int]) -> list[int]:
    """The pinned value of a column, or the free ones."""
    return [int(pins[name])] if name in pins else free


def _tensors(run: TrainingRun, degrees: list[int]) -> list[int]:
    """Tensor degrees that split every layer, inside the fast domain and beyond it."""
    return [t for t in degrees if all(splits(block, t) for block in run.architecture.blocks)]


def _contexts(run: TrainingRun, degrees: list[int]) -> list[int]:
    shortest = entity("stacks_search", "limits").value("context_tokens")
    return [c for c in degrees if c == 1 or (run.sequence % (2 * c) == 0 and run.sequence / c >= shortest)]


def equal_chunks(model: Architecture, pipeline: ArrayLike, interleave: ArrayLike) -> NDArray[np.bool_]:
    """Whether the chunks of an interleaved pipeline are equal: layers, or an end in place of one.

    True of one chunk a stage. Of several, the chunks of all stages take turns, so that a longer one holds up
    all stages in its turn, forward and backward: unequal chunks lose more than they fill, and software asks
    for equal ones. Embedding, head and every prediction module may stand in place of a layer, as 126 layers
    in 128 chunks (Llama 3.1 405B) and 61 in 64 (DeepSeek-V3).

    Parameters
    ----------
    model : Architecture
        Its layers and prediction modules.
    pipeline, interleave : array of whole numbers ≥ 1
        Stages, and chunks of each.

    References
    ----------
    Narayanan et al. 2021, arXiv:2104.04473, section 2.2. Grattafiori et al. 2024, arXiv:2407.21783, section
    3.3.2 (one layer less on the first and the last stage).
    """
    stages, turns = np.asarray(pipeline, dtype=np.int64), np.asarray(interleave, dtype=np.int64)
    ends = ENDS + model.prediction_depth
    return (turns == 1) | ((stages > 1) & (-model.layers % (stages * turns) <= ends))


def _interleaved(
    table: Table,
    run: TrainingRun,
    pins: Mapping[str, int],
    cross: Cross,
) -> Table:
    model = run.architecture

    def fits(w: Table) -> NDArray[np.bool_]:
        inside = w["pipeline"] * w["interleave"] <= model.layers + ENDS
        return inside & equal_chunks(model, w["pipeline"], w["interleave"])

    return cross(table, "interleave", either(pins, "interleave", list(range(1, model.layers + 1))), fits)
