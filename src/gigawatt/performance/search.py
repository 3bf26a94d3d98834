"""The search over layouts: all that divide, in chunks, the best few kept.

The time that no schedule and no overlap can take away is a floor under the step time; layouts that fit
are evaluated in full from the lowest floor on, until the floors pass the slowest layout that is kept. What
is skipped cannot be among the best. Where it is asked how many fit, memory comes first, for every layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import compact
from gigawatt.machine.machine import Cluster
from gigawatt.performance.degrees import key_of
from gigawatt.performance.known_costs import KnownCosts
from gigawatt.performance.layouts import SCHEDULES, IndivisibleError, Layouts, TrainingRun, layouts_of
from gigawatt.performance.stacks import Stack
from gigawatt.performance.step import BUSY, Prepared, StepTable, Stepwise, evaluate_prepared, prepare

__all__ = [
    "Front",
    "Search",
    "floor_of",
    "front",
    "kind_of",
    "lacking_bytes",
    "memory_of",
    "non_dominated",
    "search",
]

Array = NDArray[np.float64]
Held = Callable[[StepTable], StepTable]

CHUNK = 8192
"""Layouts looked at at a time: large enough for numpy, small enough for the cache."""
ROUNDING = 1e-9
"""By how much a floor is lowered, so that a sum in another order is no reason to skip a layout."""


@dataclass(frozen=True)
class Search:
    """``looked_at`` layouts, of which ``fit`` in memory; ``best`` rows, quickest first.

    ``lacking_bytes`` [B per device] is what the closest layout lacks (0 where one fits); ``in_full`` is how
    many could have been among the best, so that everything about them was computed; where what fits was not
    counted, ``fit`` is of these. ``beyond``: none that the stack offers fits, and every layout was looked at.
    """

    looked_at: int
    fit: int
    best: StepTable
    lacking_bytes: float
    in_full: int
    beyond: bool = False

    def offering(self, stack: Stack) -> Stack:
        """The stack with what was looked at: every layout where none that it offers fits."""
        return replace(stack, offers=()) if self.beyond else stack


@dataclass(frozen=True)
class Front:
    """Layouts that none beats in both step time and energy, quickest first, of ``looked_at``, ``fit``."""

    looked_at: int
    fit: int
    best: StepTable


def memory_of(prepared: Prepared, layouts: Layouts, rows: slice | NDArray[np.intp]) -> Array:
    """Memory of the worst device for some ``rows`` [B], ``(L,)``."""
    return Stepwise(prepared, layouts, rows).held.total()


def floor_of(prepared: Prepared, layouts: Layouts) -> Array:
    """Floor under the step time of every layout [s], ``(L,)``.

    What the layers take on the mean stage, communication that their own computation does not hide included,
    the filling and draining of a 1F1B pipeline of such stages, and the fixed overhead of a step; exchange of
    gradients, optimizer and imbalance of stages come on top.

    Notes
    -----
    That no step is shorter: with b the busy time of one microbatch on the mean stage and t ≥ b on the
    slowest, the step of :meth:`~gigawatt.performance.step.Stepwise.parts` is at least max(M, m b) + overhead,
    as what is exposed between stages, with the host and once a step, and the optimizer, are ≥ 0 and b is
    without them. Of 1F1B with p stages of v chunks the makespan is M = m t + (p b − t)/v, so that
    M − (m b + (p − 1) b / v) = (t − b)(m − 1/v) ≥ 0 for m, v ≥ 1. Of other schedules only M ≥ m b is used.
    """
    shapes, index = prepared.total[:BUSY].sum(axis=0), prepared.costs.index
    floors = np.empty(len(layouts))
    for start in range(0, len(layouts), CHUNK):
        rows = slice(start, start + CHUNK)
        some = layouts.take(rows)
        pipeline = some.pipeline.astype(float)
        busy = shapes[index[rows]] / pipeline
        fill = np.where(some.schedule == 0, (pipeline - 1.0) / some.interleave, 0.0)
        floors[rows] = (busy * (some.microbatches + fill) + prepared.stack.step_overhead) * (1.0 - ROUNDING)
    return floors


def kind_of(layouts: Layouts) -> NDArray[np.int64]:
    """A number for the kind of every layout, ``(L,)``.

    Layouts are of one kind that have the same tensor, pipeline, context, data and expert degrees, the same
    schedule (interleaved 1F1B is another than plain) and the same recomputation: they differ in chunks of a
    stage, microbatch, ZeRO stage, sequence parallelism, sharding or offload alone.
    """
    return key_of(
        (
            layouts.tensor,
            layouts.pipeline,
            layouts.context,
            layouts.data,
            layouts.expert,
            layouts.schedule + (len(SCHEDULES) * (layouts.interleave > 1)),
            layouts.recompute,
        )
    )


@dataclass(frozen=True)
class _Screened:
    """Layouts, what they share, the ``rows`` that fit with their ``floors``, and what the closest lacks.

    Where they are not ``counted``, all rows, whether they fit or not.
    """

    layouts: Layouts
    prepared: Prepared
    rows: NDArray[np.intp]
    floors: Array
    lacking: float
    counted: bool = True


@dataclass(frozen=True)
class _Question:
    """What is searched: the arguments of :func:`search` that say which layouts there are."""

    run: TrainingRun
    cluster: Cluster
    stack: Stack
    fixed: Mapping[str, int]
    widen: tuple[str, ...] = ()
    part: bool = False
    fill: float = 0.0
    counted: bool = True
    known: KnownCosts | None = None

    @property
    def later(self) -> _Question:
        """The same with every layout in place of those that the stack offers."""
        return replace(self, stack=replace(self.stack, offers=()))

    @property
    def free(self) -> _Question:
        """The same without pins, which only whether anything fits is asked of."""
        return replace(self, fixed={}, counted=False)


def _screened(question: _Question, progress: Callable[[int, int], None] | None) -> _Screened:
    """The layouts of a question; where they are counted those that fit, which may be none."""
    q = question
    layouts = layouts_of(q.run, q.cluster, q.stack, q.fixed, q.widen, part=q.part, fill=q.fill)
    prepared = prepare(q.run, layouts, q.cluster, q.stack, part=q.part, known=q.known)
    if not q.counted:
        every = np.arange(len(layouts))
        return _Screened(layouts, prepared, every, floor_of(prepared, layouts), 0.0, counted=False)
    rows, floors, lacking = _fitting(prepared, layouts, progress)
    return _Screened(layouts, prepared, rows, floors, lacking)


def _fitting(
    prepared: Prepared, layouts: Layouts, progress: Callable[[int, int], None] | None
) -> tuple[NDArray[np.intp], Array, float]:
    """(rows that fit, their floors, bytes that the closest layout lacks)."""
    kept: list[NDArray[np.intp]] = []
    count, closest = len(layouts), float("inf")
    for start in range(0, count, CHUNK):
        rows = slice(start, min(start + CHUNK, count))
        memory = memory_of(prepared, layouts, rows)
        closest = min(closest, float(memory.min()))
        fits = np.flatnonzero(memory <= prepared.cluster.chip.memory_bytes)
        kept.append(fits + start)
        if progress is not None:
            progress(rows.stop, count)
    lacking = max(closest - prepared.cluster.chip.memory_bytes, 0.0)
    found = np.concatenate(kept)
    return found, floor_of(prepared, layouts)[found], lacking


def lacking_bytes(
    run: TrainingRun, cluster: Cluster, stack: Stack, fixed: Mapping[str, int] | None = None
) -> float:
    """What the closest of all layouts lacks per device [B]; 0 where one fits."""
    return _screened(_Question(run, cluster, stack, dict(fixed or {})).later, None).lacking


def _fitted(question: _Question, progress: Callable[[int, int], None] | None) -> _Screened:
    """The layouts of a question that fit; raises where none does."""
    found = _screened(question, progress)
    if not len(found.rows):
        raise _nothing_fits(question, len(found.layouts), found.lacking)
    return found


def _nothing_fits(question: _Question, looked_at: int, lacking: float) -> InfeasibleError:
    cluster, pins = question.cluster, question.fixed
    those = f" with {', '.join(f'{name} {value}' for name, value in pins.items())}" if pins else ""
    return InfeasibleError(
        f"{question.run.architecture.name} fits in none of {looked_at} layouts{those}: the closest lacks "
        f"{compact(lacking, 'B')} per device",
        given=f"{cluster.count} {cluster.chip.id} with {compact(cluster.chip.memory_bytes, 'B')} each",
        allowed="more accelerators, more memory each, or a smaller global batch",
    )


def _found(
    question: _Question,
    progress: Callable[[int, int], None] | None,
    top: int,
    kinds: bool,
    held: Held | None,
) -> Search:
    """The quickest layouts of a question; raises where none divides or fits."""
    screened = _screened(question, progress)
    kept, done, fit, lacking = _quickest(screened, top, question.fill, kinds, held)
    if not len(kept):
        raise _nothing_fits(question, len(screened.layouts), screened.lacking or lacking)
    best = evaluate_prepared(screened.prepared, screened.layouts, kept)
    best = best if held is None else held(best)
    return Search(len(screened.layouts), fit, best, screened.lacking, done)


def _offered(question: _Question) -> bool:
    """Whether a layout of the question divides and fits."""
    try:
        _found(question, None, 1, False, None)
    except (IndivisibleError, InfeasibleError):
        return False
    return True


def search(
    run: TrainingRun,
    cluster: Cluster,
    stack: Stack,
    fixed: Mapping[str, int] | None = None,
    top: int = 10,
    progress: Callable[[int, int], None] | None = None,
    widen: Iterable[str] = (),
    part: bool = False,
    fill: float = 0.0,
    counted: bool = True,
    known: KnownCosts | None = None,
    kinds: bool = False,
    held: Held | None = None,
) -> Search:
    """The quickest layouts that fit.

    They are of what the stack offers. Where none of that divides or fits, with pins or without, they are of
    every layout; where it does without the pins, the pins are refused, so that no pin is answered with
    layouts that are quicker because a search without it does not look at them.

    Parameters
    ----------
    run, cluster, stack
        What is trained, on what, with what software.
    fixed : mapping, optional
        Pinned columns, as in :func:`~gigawatt.performance.layouts.enumerate_layouts`.
    top : int
        Most rows of ``best``.
    progress : callable, optional
        Called with (layouts done, layouts in all) after every chunk.
    widen : names
        Columns to search as well, as in :func:`~gigawatt.performance.layouts.enumerate_layouts`.
    part : bool
        Layouts of a part of the accelerators, as there, in place of those of all.
    fill : float
        By how much a batch may be larger that a layout fills up, as a share, as there: the least time for its
        sequences is looked for, not for a step.
    counted : bool
        Whether ``fit`` counts what fits: it takes half of the time.
    known : KnownCosts, optional
        Costs of layers of other searches, which are not computed again.
    kinds : bool
        Whether ``best`` has the quickest layout of each kind alone (:func:`kind_of`), so that its rows differ
        in more than the last digits.
    held : callable, optional
        What a table of steps becomes under a limit, such as that of power: never quicker. The quickest of
        those are looked for; ``best`` is that table.

    Returns
    -------
    Search
        The same rows as if every layout had been evaluated in full; equal times keep the order of
        enumeration.

    Raises
    ------
    InfeasibleError
        Nothing fits; says how many bytes per device the closest layout lacks.
    InputError
        A pin that cannot divide.
    """
    q = _Question(run, cluster, stack, dict(fixed or {}), tuple(widen), part, fill, counted, known)
    try:
        return _found(q, progress, top, kinds, held)
    except (IndivisibleError, InfeasibleError):
        if not stack.offers or (q.fixed and _offered(q.free)):
            raise
    return replace(_found(q.later, progress, top, kinds, held), beyond=True)


def _quickest(
    screened: _Screened, top: int, fill: float, kinds: bool, held: Held | None
) -> tuple[NDArray[np.intp], int, int, float]:
    """(rows of the ``top`` quickest, how many were evaluated, how many fit, bytes that the closest lacks).

    In the order of their floors, until the next floor is above the slowest that is kept: no step that was
    not looked at is shorter than its floor (:func:`floor_of`), nor is it under a limit.
    """
    layouts, prepared, rows, run = screened.layouts, screened.prepared, screened.rows, screened.prepared.run
    room = np.ones(len(layouts))
    if fill:
        full = layouts.microbatches * layouts.data * layouts.microbatch
        room = np.minimum(full / run.global_batch, 1.0 + fill)
    floors = screened.floors / room[rows]
    kind = kind_of(layouts) if kinds else np.arange(len(layouts))
    kept, times, done = np.zeros(0, dtype=np.intp), np.zeros(0), 0
    fit, closest = len(rows) if screened.counted else 0, np.inf
    # a small first chunk, since the lowest floors are likely the best and then cut the rest short
    size, left = max(CHUNK // 16, top), np.arange(len(rows))
    while len(left):
        if len(kept) >= top:
            left = left[floors[left] <= times[-1]]
            if not len(left):
                break
        chunk, left = _lowest(floors, left, size)
        here = rows[chunk]
        table = evaluate_prepared(prepared, layouts, here, energy=held is not None)
        took = (table if held is None else held(table)).step_time / room[here]
        if not screened.counted:
            closest = min(closest, float(table.memory_total.min()))
            here, took = here[table.fits], took[table.fits]
            fit += len(here)
        kept, times = np.concatenate([kept, here]), np.concatenate([times, took])
        first = np.lexsort((kept, times))
        _, of_kind = np.unique(kind[kept[first]], return_index=True)
        first = first[np.sort(of_kind)[:top]]
        kept, times = kept[first], times[first]
        done, size = done + len(chunk), min(4 * size, CHUNK) if len(kept) < top else CHUNK
    return kept, done, fit, max(closest - prepared.cluster.chip.memory_bytes, 0.0)


def _lowest(floors: Array, left: NDArray[np.intp], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(the ``size`` of the rows ``left`` that have the lowest floors, the others), each in order."""
    if len(left) <= size:
        return left, left[:0]
    lowest = np.zeros(len(left), dtype=bool)
    lowest[np.argpartition(floors[left], size - 1)[:size]] = True
    return left[lowest], left[~lowest]


def front(
    run: TrainingRun,
    cluster: Cluster,
    stack: Stack,
    fixed: Mapping[str, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
    widen: Iterable[str] = (),
) -> Front:
    """The layouts that no other beats in both step time and energy.

    With a given number of accelerators a run's cost rises with both, so that these hold every best
    compromise of time, energy and money. Parameters and errors are those of :func:`search`.
    """
    question = _Question(run, cluster, stack, dict(fixed or {}), tuple(widen))
    try:
        screened = _fitted(question, progress)
    except (IndivisibleError, InfeasibleError):
        if not stack.offers or (question.fixed and _offered(question.free)):
            raise
        screened = _fitted(question.later, progress)
    layouts, prepared, rows = screened.layouts, screened.prepared, screened.rows
    kept, points = np.zeros(0, dtype=np.intp), np.zeros((0, 2))
    for start in range(0, len(rows), CHUNK):
        here = rows[start : start + CHUNK]
        table = evaluate_prepared(prepared, layouts, here)
        joules = np.sum([np.broadcast_to(v, len(here)) for v in table.energy.values()], axis=0)
        kept = np.concatenate([kept, here])
        points = np.concatenate([points, np.column_stack([table.step_time, joules])])
        best = np.lexsort((kept, points[:, 1], points[:, 0]))
        energies = points[best, 1]
        lowest = np.minimum.accumulate(energies)
        better = np.concatenate([[True], energies[1:] < lowest[:-1]])
        kept, points = kept[best[better]], points[best[better]]
    return Front(len(layouts), len(rows), evaluate_prepared(prepared, layouts, kept))


def non_dominated(points: Array) -> NDArray[np.bool_]:
    """Which rows of ``points (N, D)`` no other row beats: smaller or equal in all, smaller in one.

    Of equal rows the first is kept.
    """
    kept = np.ones(len(points), dtype=bool)
    for i in np.lexsort(points.T[::-1]):
        if not kept[i]:
            continue
        worse = np.all(points >= points[i], axis=1)
        worse[i] = False
        kept &= ~worse
    return kept
