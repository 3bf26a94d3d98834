"""Power caps of a planned run: what every cap costs and saves, and which cap makes a machine fit a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.machine.quantities import spare_power_of
from gigawatt.chain.training.plan import Plan, count_for_power, outcome_of, plan_training
from gigawatt.chain.training.question import TrainingQuestion
from gigawatt.core.errors import GigawattError
from gigawatt.machine.clocks import clock_model, joules_per_step, least_cap, sweep
from gigawatt.performance import evaluate
from gigawatt.performance.power import chip_work

__all__ = ["CapSweep", "PowerChoice", "cap_sweep", "power_choice"]

Array = NDArray[np.float64]

_SHARES = np.arange(20, 5, -1) / 20.0
"""Caps to compare, over the chip's own limit: from all of it down to 30 % in steps of 5 %."""


@dataclass(frozen=True)
class CapSweep:
    """The best layout, held, under every cap [W] ``(K,)``, from the highest down.

    ``clock`` over that at the chip's own limit, ``step_time`` [s], ``seconds`` of the run, ``chip_power`` [W]
    mean of an accelerator in a step, ``energy`` [J] and ``cost`` [$] of the run; ``frugal`` and ``cheapest``
    are the rows of least energy and of least cost.
    """

    caps: Array
    clock: Array
    step_time: Array
    seconds: Array
    chip_power: Array
    energy: Array
    cost: Array
    frugal: int
    cheapest: int


@dataclass(frozen=True)
class PowerChoice:
    """Two ways to stay within a power limit: all accelerators ``capped``, or ``fewer`` at their own limit
    (``None`` where the model cannot be trained on those)."""

    capped: Plan
    fewer: Plan | None


def cap_sweep(plan: Plan) -> CapSweep:
    """Time, energy and money of the best layout under caps from the chip's own limit down.

    Parameters
    ----------
    plan : Plan
        The run as planned; its best layout is held.
    """
    question, cluster = plan.question, plan.cluster
    chip, count = cluster.chip, float(cluster.count)
    model = clock_model(chip)
    step = evaluate(plan.run, plan.search.best.layouts.take(np.arange(1)), cluster, question.stack)
    shares = _SHARES[_SHARES * chip.power_limit >= least_cap(model)]
    found = sweep(caps=shares * chip.power_limit, chip_power=model, **chip_work(step, count))
    energy = joules_per_step(
        energy=step.energy, settled=found.settled, chip_power=model, count=count, step_time=step.step_time
    )
    whole = outcome_of(
        question, plan.run, {name: joules[:, 0] for name, joules in energy.items()},
        found.settled.step_time[:, 0], plan.count, plan.share, plan.chip_second,
        spare_power_of(cluster, plan.count - cluster.count, plan.count),
    )  # fmt: skip
    return CapSweep(
        caps=found.caps,
        clock=found.settled.clock[:, 0] * found.settled.duty[:, 0],
        step_time=found.settled.step_time[:, 0],
        seconds=whole.seconds,
        chip_power=found.settled.power[:, 0],
        energy=whole.energy,
        cost=whole.cost,
        frugal=int(np.argmin(whole.energy)),
        cheapest=int(np.argmin(whole.cost)),
    )


def power_choice(plan: Plan, asked: TrainingQuestion) -> PowerChoice | None:
    """The other way to stay within the plan's power limit; ``None`` where no cap was needed for it.

    ``asked`` is the question before a cap was set on it.
    """
    limit = plan.power.limit
    if limit is None or plan.question.cap == asked.cap:
        return None
    try:
        fewer = plan_training(replace(asked), count_for_power(asked, limit), limit=limit, top=1)
    except GigawattError:
        fewer = None
    return PowerChoice(plan, fewer)
