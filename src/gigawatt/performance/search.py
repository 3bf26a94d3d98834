"""The search over layouts: all that divide, in chunks, the best few kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gigawatt.errors import InfeasibleError
from gigawatt.hardware.machine import Cluster
from gigawatt.performance.layouts import TrainingRun, enumerate_layouts
from gigawatt.performance.stacks import Stack
from gigawatt.performance.step import StepTable, evaluate_prepared, prepare
from gigawatt.quantities import compact

__all__ = ["Search", "search"]

CHUNK = 8192
"""Layouts evaluated at a time: large enough for numpy, small enough for the cache."""


@dataclass(frozen=True)
class Search:
    """``looked_at`` layouts, of which ``fit`` in memory; ``best`` rows, quickest first.

    ``lacking_bytes`` [B per device] is what the closest layout lacks (0 where one fits).
    """

    looked_at: int
    fit: int
    best: StepTable
    lacking_bytes: float


def search(
    run: TrainingRun,
    cluster: Cluster,
    stack: Stack,
    fixed: Mapping[str, int] | None = None,
    top: int = 10,
    progress: Callable[[int, int], None] | None = None,
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

    Returns
    -------
    Search
        Every layout is evaluated in full; equal times keep the order of enumeration.

    Raises
    ------
    InfeasibleError
        Nothing fits; says how many bytes per device the closest layout lacks.
    InputError
        A pin that cannot divide.
    """
    layouts = enumerate_layouts(run, cluster, fixed)
    prepared = prepare(run, layouts, cluster, stack)
    looked_at, fit, closest = len(layouts), 0, float("inf")
    kept = np.zeros(0, dtype=np.intp)
    times = np.zeros(0)
    for start in range(0, looked_at, CHUNK):
        rows = slice(start, min(start + CHUNK, looked_at))
        table = evaluate_prepared(prepared, layouts, rows, energy=False)
        closest = min(closest, float(table.memory_total.min()))
        fitting = np.flatnonzero(table.fits)
        fit += len(fitting)
        kept = np.concatenate([kept, fitting + start])
        times = np.concatenate([times, table.step_time[fitting]])
        order = np.argsort(times, kind="stable")[:top]
        kept, times = kept[order], times[order]
        if progress is not None:
            progress(rows.stop, looked_at)
    lacking = max(closest - cluster.chip.memory_bytes, 0.0)
    if fit == 0:
        raise InfeasibleError(
            f"{run.architecture.name} fits in none of {looked_at} layouts: the closest lacks "
            f"{compact(lacking, 'B')} per device",
            given=f"{cluster.count} {cluster.chip.id} with {compact(cluster.chip.memory_bytes, 'B')} each",
            allowed="more accelerators, more memory each, or a smaller global batch",
        )
    return Search(looked_at, fit, evaluate_prepared(prepared, layouts, kept), lacking)
