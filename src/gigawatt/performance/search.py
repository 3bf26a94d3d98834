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
from gigawatt.performance.known_costs import KnownCosts
from gigawatt.performance.layouts import IndivisibleError, Layouts, TrainingRun, layouts_of
from gigawatt.performance.stacks import Stack
from gigawatt.performance.step import BUSY, Prepared, StepTable, Stepwise, evaluate_prepared, prepare

__all__ = ["Front", "Search", "floor_of", "front", "memory_of", "non_dominated", "search"]

Array = NDArray[np.float64]

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
    part = Stepwise(prepared, layouts, rows)
    total = np.zeros(len(part.layouts))
    for held in part.memory().values():
        total = total + held
    return total


def floor_of(prepared: Prepared, layouts: Layouts) -> Array:
    """Floor under the step time of every layout [s], ``(L,)``.

    What the layers take on the mean stage, communication that their own computation does not hide included,
    and the filling and draining of a 1F1B pipeline of such stages; exchange of gradients, optimizer and
    imbalance of stages come on top.
    """
    microbatches, pipeline = layouts.microbatches, layouts.pipeline.astype(float)
    floor = microbatches / pipeline * prepared.total[:BUSY].sum(axis=0)[prepared.costs.index]
    fill = (pipeline - 1.0) / (layouts.interleave * microbatches)
    fill = np.where(layouts.schedule == 0, np.minimum(fill, pipeline - 1.0), 0.0)
    return floor * (1.0 + fill) * (1.0 - ROUNDING)


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
    beyond: bool = False


def _screened(
    run: TrainingRun,
    cluster: Cluster,
    stack: Stack,
    fixed: Mapping[str, int] | None,
    progress: Callable[[int, int], None] | None,
    widen: tuple[str, ...],
    part: bool = False,
    fill: float = 0.0,
    counted: bool = True,
    known: KnownCosts | None = None,
) -> _Screened:
    """Of what the stack offers; where none of it divides or fits, of every layout."""
    try:
        layouts = layouts_of(run, cluster, stack, fixed, widen, part=part, fill=fill)
        prepared = prepare(run, layouts, cluster, stack, part=part, known=known)
        if not counted:
            every = np.arange(len(layouts))
            return _Screened(layouts, prepared, every, floor_of(prepared, layouts), 0.0, counted=False)
        rows, floors, lacking = _fitting(prepared, layouts, progress)
        if len(rows):
            return _Screened(layouts, prepared, rows, floors, lacking)
        if not stack.offers:
            raise _nothing_fits(run, cluster, len(layouts), lacking)
    except IndivisibleError:
        if not stack.offers:
            raise
    stack = replace(stack, offers=())
    found = _screened(run, cluster, stack, fixed, progress, widen, part, fill, counted, known)
    return replace(found, beyond=True)


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


def _nothing_fits(run: TrainingRun, cluster: Cluster, looked_at: int, lacking: float) -> InfeasibleError:
    return InfeasibleError(
        f"{run.architecture.name} fits in none of {looked_at} layouts: the closest lacks "
        f"{compact(lacking, 'B')} per device",
        given=f"{cluster.count} {cluster.chip.id} with {compact(cluster.chip.memory_bytes, 'B')} each",
        allowed="more accelerators, more memory each, or a smaller global batch",
    )


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
) -> Search:
    """The quickest layouts that fit.

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
    names = tuple(widen)
    found = _screened(run, cluster, stack, fixed, progress, names, part, fill, counted, known)
    kept, done, fit, lacking = _quickest(found, top, fill)
    if not len(kept) and stack.offers and not found.beyond:  # not counted: nothing that it offers fits
        stack = replace(stack, offers=())
        found = _screened(run, cluster, stack, fixed, progress, names, part, fill, counted, known)
        found = replace(found, beyond=True)
        kept, done, fit, lacking = _quickest(found, top, fill)
    if not len(kept):
        raise _nothing_fits(run, cluster, len(found.layouts), lacking)
    best = evaluate_prepared(found.prepared, found.layouts, kept)
    return Search(len(found.layouts), fit, best, found.lacking, done, found.beyond)


def _quickest(screened: _Screened, top: int, fill: float) -> tuple[NDArray[np.intp], int, int, float]:
    """(rows of the ``top`` quickest, how many were evaluated, how many fit, bytes that the closest lacks)."""
    layouts, prepared, rows, run = screened.layouts, screened.prepared, screened.rows, screened.prepared.run
    full = layouts.microbatches * layouts.data * layouts.microbatch
    room = np.minimum(full / run.global_batch, 1.0 + fill)
    floors = screened.floors / room[rows]
    order = np.argsort(floors, kind="stable")
    kept, times, done = np.zeros(0, dtype=np.intp), np.zeros(0), 0
    fit, closest = len(rows) if screened.counted else 0, np.inf
    # a small first chunk, since the lowest floors are likely the best and then cut the rest short
    size = max(CHUNK // 16, top)
    while done < len(order):
        chunk = order[done : done + size]
        if len(kept) >= top and floors[chunk[0]] > times[-1]:
            break
        if len(kept) >= top:
            chunk = chunk[floors[chunk] <= times[-1]]
        here = np.sort(rows[chunk])
        table = evaluate_prepared(prepared, layouts, here, energy=False)
        took = table.step_time / room[here]
        if not screened.counted:
            closest = min(closest, float(table.memory_total.min()))
            here, took = here[table.fits], took[table.fits]
            fit += len(here)
        kept, times = np.concatenate([kept, here]), np.concatenate([times, took])
        first = np.lexsort((kept, times))[:top]
        kept, times = kept[first], times[first]
        done, size = done + len(chunk), min(4 * size, CHUNK) if len(kept) < top else CHUNK
    return kept, done, fit, max(closest - prepared.cluster.chip.memory_bytes, 0.0)


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
    screened = _screened(run, cluster, stack, fixed, progress, tuple(widen))
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
