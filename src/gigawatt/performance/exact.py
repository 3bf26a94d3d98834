"""The best layouts once more, by the exact schedule of their pipeline.

The screening takes the pipeline's filling and draining by formula. Here every pass of every microbatch is
placed, chunk by chunk, with the layers, the embedding and the head that each holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.performance.layouts import SCHEDULES, Layouts
from gigawatt.performance.schedules.makespan import Timeline, exact_makespan, timeline
from gigawatt.performance.schedules.pipeline import chunks
from gigawatt.performance.step import BUSY, Prepared, StepTable, pass_shares

__all__ = ["ExactSteps", "Passes", "exact_steps", "first_rounds", "passes"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Passes:
    """Pipelines of ``L`` layouts: ``kind`` of schedule, passes ``(L, P, C)`` [s] by device and chunk."""

    kind: NDArray[np.str_]
    pipeline: NDArray[np.int64]
    interleave: NDArray[np.int64]
    microbatches: NDArray[np.int64]
    forward: Array
    input_gradient: Array
    weight_gradient: Array


@dataclass(frozen=True)
class ExactSteps:
    """``step_time`` (L,) [s] with the exact schedule, its ``bubble`` (L,) [s], idle of the mean device,
    and ``held`` (L,), most microbatches whose activations any device holds."""

    step_time: Array
    bubble: Array
    held: Array


def passes(prepared: Prepared, layouts: Layouts, rows: NDArray[np.intp] | slice) -> Passes:
    """How long each pass of one microbatch takes on each chunk of each device.

    A chunk's time is what its layers, the embedding (first) and the head (last) take, the communication
    inside them that nothing hides included. It is split between forward, input and weight gradient by
    their multiplications.
    """
    mine = layouts.take(rows)
    model, costs = prepared.run.architecture, prepared.costs
    each = costs.kinds[:, :BUSY].sum(axis=1)[:, costs.index[rows]]
    kinds = len(model.blocks)
    pipeline, interleave = mine.pipeline.astype(np.int64), mine.interleave.astype(np.int64)
    found = chunks(model, mine.pipeline, mine.interleave, times=prepared.times)
    time = np.einsum("ldvk,kl->ldv", found.layers[found.index], each[:kinds])
    time += found.embedding[found.index] * each[kinds][:, None, None]
    time += found.head[found.index] * each[kinds + 1][:, None, None]
    shares = [share[:, None, None] * time for share in np.broadcast_arrays(*pass_shares(mine.recompute))]
    kind = np.array(SCHEDULES)[mine.schedule]
    rounds = mine.microbatches.astype(np.int64)
    return Passes(kind, pipeline, interleave, rounds, shares[0], shares[1], shares[2])


def exact_steps(prepared: Prepared, layouts: Layouts, rows: NDArray[np.intp], table: StepTable) -> ExactSteps:
    """Step times of ``rows`` with the exact makespan in place of the formula for filling and draining.

    Parameters
    ----------
    prepared, layouts, rows
        As in :func:`~gigawatt.performance.step.evaluate_prepared`.
    table : StepTable
        What the screening found for these rows.

    Returns
    -------
    ExactSteps
        Everything but the bubble is that of the screening.
    """
    work = passes(prepared, layouts, rows)
    found = exact_makespan(
        kind=work.kind,
        forward=work.forward,
        input_gradient=work.input_gradient,
        weight_gradient=work.weight_gradient,
        microbatches=work.microbatches,
        pipeline=work.pipeline,
        interleave=work.interleave,
    )
    mean = found.busy.sum(axis=1) / work.pipeline
    bubble = found.makespan - mean
    step_time = table.step_time - table.parts["pipeline_bubble"] + bubble
    return ExactSteps(step_time, bubble, found.held.max(axis=1))


def first_rounds(prepared: Prepared, layouts: Layouts, row: int, *, most: int | None = None) -> Timeline:
    """When every pass of one layout runs, for a chart: of its microbatches at most ``most``, whole rounds.

    Parameters
    ----------
    prepared, layouts
        As in :func:`exact_steps`.
    row : int
        The layout.
    most : int, optional
        Microbatches to show; all where left out.
    """
    work = passes(prepared, layouts, np.array([row], dtype=np.intp))
    p, v = int(work.pipeline[0]), int(work.interleave[0])
    shown, wanted = int(work.microbatches[0]), most
    if wanted is not None and wanted < shown:
        least = 2 * p if str(work.kind[0]) == "dualpipe" else p
        shown = min(shown, max(wanted // p, 1) * p) if wanted >= least else min(shown, least)
    forward, inputs, weights = (
        one[0, :p, :v] for one in (work.forward, work.input_gradient, work.weight_gradient)
    )
    return timeline(
        kind=str(work.kind[0]),
        forward=forward,
        input_gradient=inputs,
        weight_gradient=weights,
        microbatches=shown,
    )
