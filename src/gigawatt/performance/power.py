"""Steps under a power limit: the clock at which every layout settles, and what its step then takes.

At the chip's own limit no time changes; energies get what a training step draws beyond one large
multiplication, as far as the limit allows (see :mod:`gigawatt.machine.clocks`). A step that enters an
answer went through :func:`capped`, with a cap or without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.machine.clocks import Settled, clock_model, joules_per_step, settle
from gigawatt.machine.machine import Chip, Cluster
from gigawatt.performance.known_costs import KnownCosts
from gigawatt.performance.layouts import TrainingRun
from gigawatt.performance.search import Search, search
from gigawatt.performance.stacks import Stack
from gigawatt.performance.step import StepTable

__all__ = ["capped", "capped_search", "chip_power_of", "chip_work"]

Array = NDArray[np.float64]

_KNOWN = ("idle", "dram", "scale_up", "scale_out", "node", "network")
"""Components of a step's energy that are not work of the chip's core."""
_BOUND = ("arithmetic", "memory_bandwidth", "pipeline_bubble")
"""Parts of a step time that a clock changes or that wait for those; all others keep their seconds."""


def chip_work(step: StepTable, count: float) -> dict[str, Array]:
    """The work of one chip in every layout: keywords of :func:`gigawatt.machine.clocks.settle`.

    Parameters
    ----------
    step : StepTable
        With its energies.
    count : float
        Chips.

    Returns
    -------
    dict
        Energies [J] and times [s] of one chip and step, columns ``(L,)``. Links take their joules while the
        chip waits for them.
    """
    parts, energy = step.parts, step.energy
    nothing = np.zeros(len(step))
    core = sum((joules for name, joules in energy.items() if name not in _KNOWN), nothing)
    other = sum((seconds for name, seconds in parts.items() if name not in _BOUND), nothing)
    return {
        "dynamic_energy": core / count,
        "memory_energy": energy["dram"] / count,
        "other_energy": (energy["scale_up"] + energy["scale_out"]) / count,
        "arithmetic_time": parts["arithmetic"],
        "memory_time": parts["memory_bandwidth"],
        "other_time": other,
        "waiting_time": parts["pipeline_bubble"],
    }


def chip_power_of(step: StepTable, chip: Chip, count: float, cap: float | None = None) -> Settled:
    """Where a chip settles in every layout of a table of steps (with energies), under a ``cap`` [W]."""
    return settle(
        chip_power=clock_model(chip), cap=chip.power_limit if cap is None else cap, **chip_work(step, count)
    )


def capped(table: StepTable, cluster: Cluster, cap: float | None = None) -> StepTable:
    """The same layouts with every chip held to ``cap``: slower arithmetic, fewer joules.

    Parameters
    ----------
    table : StepTable
        Steps at the reference clock, with energies.
    cluster : Cluster
        Whose chips they are.
    cap : float, optional
        W per chip; the chip's own limit if left out, which leaves every time as it is.

    Returns
    -------
    StepTable
        ``parts`` still sum to ``step_time``: arithmetic at its clock (with the pauses where the least clock
        does not do), memory and links as they were, the bubble stretched as the work is. ``energy`` adds up
        to no more than the cap and what node and network draw.

    Raises
    ------
    InputError, InfeasibleError
        A cap that is not positive, or that the chip cannot keep.
    """
    model, count = clock_model(cluster.chip), float(cluster.count)
    settled = chip_power_of(table, cluster.chip, count, cap)
    energy = joules_per_step(
        energy=table.energy, settled=settled, chip_power=model, count=count, step_time=table.step_time
    )
    arithmetic, memory = table.parts["arithmetic"], table.parts["memory_bandwidth"]
    slower = arithmetic / settled.clock
    paused = (slower + memory) * (1.0 / settled.duty - 1.0)
    work = arithmetic + memory
    stretch = np.where(work > 0.0, (slower + memory + paused) / np.where(work > 0.0, work, 1.0), 1.0)
    parts: dict[str, Array] = {}
    for name, seconds in table.parts.items():
        parts[name] = seconds
        if name == "arithmetic":
            parts[name] = slower + paused
        elif name == "pipeline_bubble":
            parts[name] = seconds * stretch
    step_time = np.zeros(len(table))
    for part in parts.values():
        step_time = step_time + part
    ratio = table.step_time / step_time
    return replace(
        table,
        step_time=step_time,
        parts=parts,
        energy=energy,
        mfu=table.mfu * ratio,
        tokens_per_second=table.tokens_per_second * ratio,
    )


def capped_search(
    run: TrainingRun,
    cluster: Cluster,
    stack: Stack,
    fixed: Mapping[str, int] | None = None,
    top: int = 10,
    progress: Callable[[int, int], None] | None = None,
    widen: Iterable[str] = (),
    cap: float | None = None,
    counted: bool = True,
    known: KnownCosts | None = None,
    kinds: bool = False,
) -> Search:
    """:func:`~gigawatt.performance.search.search` with every chip held to ``cap`` [W].

    A cap never makes a layout quicker, so that the floors under the times without it are floors under those
    with it; the chip's own limit leaves every time as it is. Parameters and errors are those of ``search``
    and :func:`capped`.
    """

    def held(table: StepTable) -> StepTable:
        return capped(table, cluster, cap)

    found = search(
        run, cluster, stack, fixed, top=top, progress=progress, widen=widen, counted=counted, known=known,
        kinds=kinds, held=None if cap is None else held,
    )  # fmt: skip
    return replace(found, best=held(found.best)) if cap is None else found
