"""Pipeline stages: how layers are cut, which stages differ, how many microbatches wait in each."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.degrees import unlike
from gigawatt.performance.schedules.closed import held_activations
from gigawatt.workload.architecture import Architecture

__all__ = ["Chunks", "Cuts", "StageTimes", "balanced", "chunks", "cut", "cuts", "in_flight"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_SAME = 1e-12
"""Relative difference below which two times are one."""
_TOGETHER = 40.0
"""Rows, by their mean length over the longest, from which on arrays are quicker than plain numbers."""


def _equal(layers: int, runs: int) -> Integers:
    """Equal runs, those left over to the runs in the middle."""
    base, left = divmod(layers, runs)
    sizes = np.full(runs, base, dtype=np.int64)
    start = (runs - left) // 2
    sizes[start : start + left] += 1
    return sizes


def cut(
    *,
    order: tuple[int, ...],
    kinds: int,
    pipeline: int,
    interleave: int,
    sizes: ArrayLike | None = None,
    shape: str = "loop",
) -> Integers:
    """Layers of each kind in each stage, shape ``(pipeline, kinds)``.

    The layers are cut into ``pipeline · interleave`` runs, dealt out in turn. Layers left over go to the
    runs in the middle, so that the first (embedding) and the last (head) are the lighter ones.

    Parameters
    ----------
    order
        Kind of each layer.
    kinds, pipeline, interleave
        Numbers of kinds, stages, runs a stage.
    sizes : array (pipeline · interleave,), optional
        Layers of each run in the order of the model, instead of equal ones.
    shape : str
        ``loop``: run r is on stage ``r mod p``; ``v``: every other turn goes backwards (ZB-V).

    Raises
    ------
    InputError
        Sizes that are not one for each run, or not the layers in sum.
    """
    runs = pipeline * interleave
    given = _equal(len(order), runs) if sizes is None else np.asarray(sizes, dtype=np.int64).reshape(-1)
    if len(given) != runs or given.sum() != len(order) or (given < 0).any():
        raise InputError(
            "stage sizes are not the model's layers",
            key="stage_sizes",
            given=f"{len(given)} sizes, {given.sum()} layers",
            allowed=f"{runs} sizes of 0 or more, {len(order)} layers together",
        )
    stage = np.repeat(_device(pipeline, interleave, shape), given)
    counts = np.zeros((pipeline, kinds), dtype=np.int64)
    np.add.at(counts, (stage, np.asarray(order, dtype=np.int64)), 1)
    return counts


def _device(pipeline: int, interleave: int, shape: str) -> Integers:
    """Stage of every run."""
    turn, device = np.divmod(np.arange(pipeline * interleave, dtype=np.int64), pipeline)
    return np.where((turn % 2 == 1) & (shape == "v"), pipeline - 1 - device, device)


def balanced(*, layers: ArrayLike, runs: ArrayLike, first: float = 0.0, last: float = 0.0) -> list[Integers]:
    """Layers of each run such that the longest run is as short as it can be, for several numbers of runs.

    Parameters
    ----------
    layers : array (n,) [s]
        Time of every layer in order.
    runs : int or array (R,)
        Into how many runs of at least one layer they are cut; all are searched together.
    first, last : float [s]
        Work besides layers on the first run (embedding) and on the last one (head, loss, prediction).

    Returns
    -------
    list of array (runs,)
        One for each number of runs. Among equally good cuts the earlier runs are the lighter ones: they
        hold the most microbatches.

    Raises
    ------
    InputError
        More runs than layers.

    References
    ----------
    The linear partition problem by bisection: Pinar and Aykanat 2004, "Fast optimal load balancing
    algorithms for 1D partitioning", section 3.
    """
    times = np.asarray(layers, dtype=float)
    count: Integers = np.atleast_1d(np.asarray(runs, dtype=np.int64))
    n = len(times)
    if count.size and (count.max() > n or count.min() < 1):
        raise InputError(
            "more pipeline chunks than layers",
            key="pipeline · interleave",
            given=int(count.max()),
            allowed=f"1 to {n}",
        )
    # from the back, so that what is not needed stays with the first runs
    ends = np.concatenate([[0.0], np.cumsum(times[::-1])])
    low = np.maximum(times.max(), (ends[-1] + first + last) / count)
    high = np.full(len(count), ends[-1] + first + last)
    while (open_ := low < high * (1.0 - 4.0 * _SAME)).any():
        tried = np.flatnonzero(open_)
        middle = (low[tried] + high[tried]) / 2.0
        filled = _fill(ends, count[tried], middle, first, last)
        high[tried] = np.where(filled.fits, filled.longest, high[tried])
        low[tried] = np.where(filled.fits, low[tried], filled.wanted)
    cuts_at = _fill(ends, count, high, first, last).starts
    found: list[Integers] = []
    for row, number in zip(cuts_at, count.tolist(), strict=True):
        found.append(np.diff(np.append(row[:number], n))[::-1].astype(np.int64))
    return found


class _Filled(NamedTuple):
    """Runs filled from the back, each as long as a limit allows.

    ``starts`` (R, runs + 1) is the first layer of each from the back, ``fits`` whether all layers are taken,
    ``longest`` the longest run, ``wanted`` the least limit under which any run would be another.
    """

    starts: Integers
    fits: NDArray[np.bool_]
    longest: Array
    wanted: Array


def _fill(ends: Array, count: Integers, limit: Array, first: float, last: float) -> _Filled:
    """Row by row in plain numbers, or all rows at once where that is quicker: the same to the last bit."""
    if float(count.sum()) < _TOGETHER * float(count.max(initial=1)):
        return _fill_rows(ends, count, limit, first, last)
    return _fill_together(ends, count, limit, first, last)


def _fill_rows(ends: Array, count: Integers, limit: Array, first: float, last: float) -> _Filled:
    n, most = len(ends) - 1, int(count.max(initial=1))
    places: list[float] = ends.tolist()
    starts = np.zeros((len(count), most + 1), dtype=np.int64)
    fits = np.ones(len(count), dtype=np.bool_)
    longest, wanted = np.zeros(len(count)), np.full(len(count), np.inf)
    for row, (runs, bound) in enumerate(zip(count.tolist(), limit.tolist(), strict=True)):
        at, peak, least, whole = 0, 0.0, math.inf, True
        bound *= 1.0 + _SAME
        cuts = [0]
        for run in range(runs):
            behind = runs - 1 - run
            base = (first if behind == 0 else 0.0) + (last if run == 0 else 0.0) - places[at]
            reach = bisect_right(places, bound - base) - 1
            if reach >= n - behind:
                reach = max(n - behind, at)
            else:
                reach = max(reach, at)
                least = min(least, (places[reach + 1] if reach < n else math.inf) + base)
            whole &= reach > at
            peak = max(peak, places[reach] + base)
            at = reach
            cuts.append(at)
        starts[row] = cuts + [at] * (most - runs)
        fits[row], longest[row], wanted[row] = whole and at >= n, peak, least
    return _Filled(starts, fits, longest, wanted)


def _fill_together(ends: Array, count: Integers, limit: Array, first: float, last: float) -> _Filled:
    n, most = len(ends) - 1, int(count.max(initial=1))
    beyond = np.append(ends, np.inf)
    starts = np.zeros((len(count), most + 1), dtype=np.int64)
    fits = np.ones(len(count), dtype=np.bool_)
    at = np.zeros(len(count), dtype=np.int64)
    longest, wanted = np.zeros(len(count)), np.full(len(count), np.inf)
    for run in range(most):
        behind = count - 1 - run
        live = behind >= 0
        base = np.where(behind == 0, first, 0.0) + (last if run == 0 else 0.0) - ends[at]
        reach = ends.searchsorted(limit * (1.0 + _SAME) - base, side="right") - 1
        capped = reach >= n - behind
        reach = np.maximum(np.where(capped, n - behind, reach), at)
        fits &= ~live | (reach > at)
        wanted = np.where(live & ~capped, np.minimum(wanted, beyond[reach + 1] + base), wanted)
        longest = np.where(live, np.maximum(longest, ends[reach] + base), longest)
        at = np.where(live, reach, at)
        starts[:, run + 1] = at
    return _Filled(starts, fits & (at >= n), longest, wanted)


@dataclass(frozen=True)
class StageTimes:
    """What a balanced cut weighs, in seconds or any one unit: a layer of each kind (K,), the two ends."""

    kinds: Array
    embedding: float
    head: float


@dataclass(frozen=True)
class Cuts:
    """The unlike stages of every unlike (pipeline, interleave) pair, shape ``(P, C)`` or ``(P, C, K)``.

    ``layers`` counts by block kind (``K`` kinds, prediction modules included), ``first`` is the earliest
    stage of that make-up (it holds the most microbatches), ``number`` how many stages are like it,
    ``embedding`` and ``head`` are 0 or 1. Rows with fewer than ``C`` unlike stages repeat one of theirs
    with a ``number`` of 0. ``index (L,)`` leads from layouts to rows.
    """

    index: NDArray[np.intp]
    layers: Array
    first: Array
    number: Array
    embedding: Array
    head: Array


def _layer_kinds(architecture: Architecture) -> tuple[tuple[int, ...], Integers]:
    """Kind of every layer in order, and how many prediction modules of each kind follow them."""
    blocks = architecture.blocks
    extra = np.array([b.count if b.role == "prediction" else 0 for b in blocks], dtype=np.int64)
    return tuple(k for k in architecture.order if blocks[k].role != "prediction"), extra


@lru_cache(maxsize=32)
def _known_cuts(layers: tuple[float, ...], first: float, last: float) -> dict[int, Integers]:
    """Balanced cuts of these layers that were made before, by the number of runs."""
    return {}


def _balanced(layers: tuple[float, ...], runs: list[int], first: float, last: float) -> dict[int, Integers]:
    """:func:`balanced` by the number of runs, kept: searches and fits ask for the same cuts over and over."""
    known = _known_cuts(layers, first, last)
    if missing := [number for number in runs if number not in known]:
        made = balanced(layers=np.array(layers), runs=missing, first=first, last=last)
        known |= dict(zip(missing, made, strict=True))
    return {number: known[number] for number in runs}


def _sizes(
    architecture: Architecture,
    pairs: list[tuple[int, int]],
    sizes: Mapping[tuple[int, int], Sequence[int]] | None,
    times: StageTimes | None,
) -> dict[tuple[int, int], Integers]:
    """Layers of every run of each (pipeline, interleave): as given, else balanced, else equal."""
    order, extra = _layer_kinds(architecture)
    given = sizes or {}
    wanted = sorted({p * v for p, v in pairs if (p, v) not in given})
    if times is None:
        by_runs = {runs: _equal(len(order), runs) for runs in wanted}
    else:
        last = times.head + float(times.kinds @ extra)
        layers = tuple(times.kinds[np.asarray(order, dtype=np.int64)].tolist())
        inside = [runs for runs in wanted if runs <= len(order)]
        by_runs = _balanced(layers, inside, times.embedding, last)
        by_runs |= {runs: _equal(len(order), runs) for runs in wanted if runs > len(order)}
    return {
        (p, v): np.asarray(given[p, v], dtype=np.int64) if (p, v) in given else by_runs[p * v]
        for p, v in pairs
    }


@dataclass(frozen=True)
class Chunks:
    """Every run of layers of every unlike (pipeline, interleave) pair, by device and turn, 0 where none is.

    ``layers`` ``(P, D, V, K)`` counts by block kind, ``embedding`` and ``head`` ``(P, D, V)`` are 0 or 1;
    ``index (L,)`` leads from layouts to the first axis. Seconds of every run follow by
    ``einsum("ldvk,kl->ldv", layers[index], seconds_by_kind)``.
    """

    index: NDArray[np.intp]
    layers: Array
    embedding: Array
    head: Array


def chunks(
    architecture: Architecture,
    pipeline: NDArray[np.int32],
    interleave: NDArray[np.int32],
    *,
    shape: str = "loop",
    sizes: Mapping[tuple[int, int], Sequence[int]] | None = None,
    times: StageTimes | None = None,
) -> Chunks:
    """What :func:`~gigawatt.performance.schedules.makespan.exact_makespan` needs to know of a cut."""
    order, extra = _layer_kinds(architecture)
    key = pipeline.astype(np.int64) * (architecture.layers + 1) + interleave
    found, index = np.unique(key, return_inverse=True)
    pairs = [divmod(int(pair), architecture.layers + 1) for pair in found]
    known = _sizes(architecture, pairs, sizes, times)
    wide = (len(pairs), int(pipeline.max(initial=1)), int(interleave.max(initial=1)))
    layers = np.zeros((*wide, len(architecture.blocks)))
    embedding, head = np.zeros(wide), np.zeros(wide)
    for row, (p, v) in enumerate(pairs):
        runs = p * v
        alone = cut(order=order, kinds=layers.shape[-1], pipeline=runs, interleave=1, sizes=known[p, v])
        alone[-1] += extra
        device, turn = _device(p, v, shape), np.arange(runs, dtype=np.int64) // p
        layers[row, device, turn] = alone
        embedding[row, device[0], turn[0]] = 1.0
        head[row, device[-1], turn[-1]] = 1.0
    return Chunks(index.reshape(-1), layers, embedding, head)


def cuts(
    architecture: Architecture,
    pipeline: NDArray[np.int32],
    interleave: NDArray[np.int32],
    *,
    bidirectional: bool | NDArray[np.bool_] = False,
    sizes: Mapping[tuple[int, int], Sequence[int]] | None = None,
    times: StageTimes | None = None,
) -> Cuts:
    """The unlike stages of every layout; prediction modules (MTP) sit on the last stage.

    In a ``bidirectional`` pipeline (DualPipe; of all layouts or by layout) device i works half its time
    on stage i and half on stage p − 1 − i: its make-up is the mean of the two.

    Parameters
    ----------
    architecture
        Its layers and prediction modules.
    pipeline, interleave : array (L,)
        Stages and runs a stage of every layout.
    bidirectional : bool or array (L,)
        See above.
    sizes : mapping of (pipeline, interleave), optional
        Layers of each of the ``pipeline · interleave`` runs, for those pairs where they are known.
    times : StageTimes, optional
        Where given, the other pairs are cut so that the longest run is as short as it can be
        (:func:`balanced`), instead of into equal numbers of layers.
    """
    kinds = len(architecture.blocks)
    order, extra = _layer_kinds(architecture)
    both_ways = np.broadcast_to(np.asarray(bidirectional, dtype=np.int64), pipeline.shape)
    rows, index = unlike((pipeline, interleave, both_ways))
    stages_of = list(zip(pipeline[rows].tolist(), interleave[rows].tolist(), strict=True))
    known = _sizes(architecture, stages_of, sizes, times)
    more = tuple(extra.tolist())
    made = [
        _unlike(order, more, kinds, p, v, bool(both), known[p, v].tobytes())
        for both, (p, v) in zip(both_ways[rows].tolist(), stages_of, strict=True)
    ]
    width = max(len(rows) for rows in made)
    padded = np.stack([rows[np.arange(width) % len(rows)] for rows in made])
    for rows, one in zip(padded, made, strict=True):
        rows[len(one) :, -1] = 0.0
    return Cuts(
        index=index,
        layers=padded[..., :kinds],
        embedding=padded[..., kinds],
        head=padded[..., kinds + 1],
        first=padded[..., kinds + 2],
        number=padded[..., kinds + 3],
    )


@lru_cache(maxsize=4096)
def _unlike(
    order: tuple[int, ...],
    extra: tuple[int, ...],
    kinds: int,
    pipeline: int,
    interleave: int,
    both_ways: bool,
    sizes: bytes,
) -> Array:
    """The unlike stages of one cut: layers by kind, embedding, head, the first stage, how many are like it.

    Kept: searches ask for the same cuts over and over. ``extra`` layers are on the last stage, ``sizes`` are
    those of the runs, as bytes of integers.
    """
    runs = np.frombuffer(sizes, dtype=np.int64)
    counts = cut(order=order, kinds=kinds, pipeline=pipeline, interleave=interleave, sizes=runs)
    counts[-1] += np.array(extra, dtype=np.int64)
    ends = np.zeros((pipeline, 2))
    ends[0, 0], ends[-1, 1] = 1.0, 1.0
    stages = np.hstack([counts.astype(float), ends])
    if both_ways:
        stages = (stages + stages[::-1]) / 2.0
    unlike, first, number = np.unique(stages, axis=0, return_index=True, return_counts=True)
    return np.hstack([unlike, first[:, None].astype(float), number[:, None].astype(float)])


def in_flight(
    *,
    stage: ArrayLike,
    pipeline: ArrayLike,
    interleave: ArrayLike,
    microbatches: ArrayLike,
    kind: str | ArrayLike = "1f1b",
    weight_share: ArrayLike = 1.0,
) -> Array:
    """Microbatches whose activations a stage holds at most, in units of the whole stage's layers.

    1F1B: ``min(m, p − i)`` on stage ``i``. Interleaved by ``v``: ``2(p − i − 1) + (v − 1)p + 1`` runs of
    1/v of the stage each, so ``1 + (p − 1)/(p v)`` times the layers of the model on the first stage. Other
    kinds: :func:`~gigawatt.performance.schedules.closed.held_activations`.

    References
    ----------
    Narayanan et al. 2021, section 2.2; Korthikanti et al. 2022, section 4.2.3.
    """
    return held_activations(
        kind=kind,
        stage=stage,
        pipeline=pipeline,
        interleave=interleave,
        microbatches=microbatches,
        weight_share=weight_share,
    )
