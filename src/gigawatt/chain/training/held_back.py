"""What a run loses while the facility holds it to less power than its steps draw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.machine.quantities import Machine
from gigawatt.chain.registry import training
from gigawatt.chain.training.budget import drawn
from gigawatt.chain.training.quantities import POWER
from gigawatt.core.errors import InfeasibleError
from gigawatt.facility import LoadShape
from gigawatt.machine.clocks import clock_model, least_cap
from gigawatt.performance import Search, Stack, TrainingRun, capped, evaluate

__all__ = ["Caps", "caps_of", "kept_speed"]

Array = NDArray[np.float64]

_FULL = 1.0
_CAPS = 33
"""Power caps between the least and the chip's own limit, between which speed is interpolated."""
_ABOVE = 1.001
"""How far above the least cap a chip still works."""


class Caps(NamedTuple):
    """``caps`` [W] of an accelerator from the least that it keeps to its own; ``power`` [W] of the IT of a
    run in a step, ``speed`` over that under the last."""

    caps: Array
    power: Array
    speed: Array


def caps_of(
    run: TrainingRun, search: Search, machine: Machine, stack: Stack, cap: float | None, count: int
) -> Caps:
    """The best layout under 33 caps, up to the ``cap`` [W] that it has; ``count`` accelerators of a run."""
    cluster = machine.cluster
    free = evaluate(run, search.best.layouts.take(np.arange(1)), cluster, search.offering(stack))
    highest = cluster.chip.power_limit if cap is None else cap
    least = min(_ABOVE * least_cap(clock_model(cluster.chip)), highest)
    caps = np.linspace(least, highest, _CAPS)
    steps = [capped(free, cluster, one) for one in caps]
    times = np.array([float(step.step_time[0]) for step in steps])
    return Caps(caps, np.array([drawn(step, cluster, count) for step in steps]), times[-1] / times)


@training("training.kept_speed", "percent")
def full_speed(site_oversubscription: float | None) -> float:
    """Speed of a run over that without the caps of an oversubscribed facility.

    100 %: no oversubscription is given.
    """
    assert site_oversubscription is None
    return _FULL


@training(
    "training.kept_speed",
    "percent",
    given=("site.oversubscription",),
    rows=POWER,
    method="""The best layout under 33 power caps from the least that the chip keeps: IT power and step time
    of each; linear between them.""",
)
def kept_speed(
    training_run: TrainingRun,
    machine_machine: Machine,
    software_stack: Stack,
    layouts_search: Search,
    machine_cap: float | None,
    machine_count: int,
    training_runs: int,
    facility_load: LoadShape,
) -> float:
    """Speed of a run over that without the caps of an oversubscribed facility, mean of the hours.

    Mean over the hours of step time / step time under the cap with which the IT draws what it may.
    """
    allowed = facility_load.allowed
    if allowed.min() >= 1.0:
        return _FULL
    count = machine_count // training_runs
    caps = caps_of(training_run, layouts_search, machine_machine, software_stack, machine_cap, count)
    speed, share = caps.speed, np.maximum.accumulate(caps.power / caps.power[-1])
    if allowed.min() < share[0]:
        raise InfeasibleError(
            "no power cap of the accelerators is low enough for the hottest hour",
            key="site.oversubscription",
            given=f"{100.0 / allowed.min() - 100.0:.3g} %",
            allowed=f"at most {100.0 / share[0] - 100.0:.3g} %",
        )
    return float(np.mean(np.interp(allowed, share, speed)))
