"""Planning one training run: the best layouts on a number of accelerators, and what the run then takes.

Days are at goodput, energy at the facility's meter, money for as long as the run occupies the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.economics import annuity, campus_assets
from gigawatt.economics.annuity import SECONDS_PER_YEAR
from gigawatt.errors import InfeasibleError, InputError
from gigawatt.evidence import Assumption
from gigawatt.hardware import Cluster
from gigawatt.performance import Search, Stack, StepTable, TrainingRun, goodput, search
from gigawatt.performance.exact import ExactSteps, exact_steps, first_rounds
from gigawatt.performance.goodput_runs import reliability_of, run_days
from gigawatt.performance.schedule import Timeline
from gigawatt.performance.step import prepare
from gigawatt.quantities import show
from gigawatt.study import chain_training as chain
from gigawatt.study.training_question import TrainingQuestion

__all__ = [
    "Outcome",
    "Plan",
    "Power",
    "chip_second_price",
    "count_for_power",
    "pipeline_timeline",
    "plan_training",
    "power_of",
    "run_share",
    "share_band",
    "training_outcome",
]

_DRAWS = 2000
"""Runs drawn for the band of the goodput."""

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What a run takes under some layouts, columns ``(L,)``.

    ``seconds`` on the clock, failures included; ``energy`` [J] at the facility's meter; ``power_it`` [W] mean
    of the run; ``capital`` [$] of the machine and building for that time, ``electricity`` [$]; ``cost`` [$]
    of both.
    """

    seconds: Array
    energy: Array
    power_it: Array
    capital: Array
    electricity: Array

    @property
    def cost(self) -> Array:
        """Money of the run [$]."""
        return self.capital + self.electricity


@dataclass(frozen=True)
class Power:
    """Power to be provided [W]: ``chip`` for one accelerator with its share of node and network, ``it`` for
    all, ``facility`` at the PUE of the hottest hour; ``limit`` is what is given, if any."""

    chip: float
    it: float
    facility: float
    limit: float | None = None


@dataclass(frozen=True)
class Plan:
    """The answer for one number of accelerators; rows of ``search.best`` and ``outcome`` correspond.

    ``share`` is the goodput, ``share_band`` (low, high) of it with 90 %, ``goodput`` where the rest of the
    time goes; ``chip_second`` [$] is what one accelerator-second costs without electricity; ``cpu_seconds``
    went into the search. ``exact`` are the best layouts with the exact schedule of their pipeline, which
    took ``exact_cpu_seconds``.
    """

    question: TrainingQuestion
    cluster: Cluster
    run: TrainingRun
    search: Search
    share: float
    share_band: tuple[float, float]
    goodput: Mapping[str, float]
    outcome: Outcome
    power: Power
    chip_second: float
    cpu_seconds: float
    exact: ExactSteps
    exact_cpu_seconds: float
    assumptions: tuple[Assumption, ...]
    notices: tuple[str, ...]

    @property
    def days(self) -> float:
        """Days of the best layout, failures included."""
        return float(self.outcome.seconds[0]) / 86400.0


def power_of(question: TrainingQuestion, count: int, limit: float | None = None) -> Power:
    """Power that ``count`` accelerators need."""
    each = chain.design_power(question.chip, question.options)
    return Power(each, each * count, each * count * question.pue_peak, limit)


def count_for_power(question: TrainingQuestion, limit: float) -> int:
    """Accelerators that ``limit`` [W] at the meter feeds in the hottest hour.

    Rounded down to at most four significant binary digits, so that parallel degrees can divide it.

    Raises
    ------
    InputError
        Not even one accelerator.
    """
    each = chain.design_power(question.chip, question.options)
    return chain.machine_count({"count": None, "power": limit}, 1, each, question.pue_peak)


def run_share(
    question: TrainingQuestion, count: int, *, failures: float = 1.0
) -> tuple[float, dict[str, float]]:
    """(share of time that makes progress, where the rest goes) on ``count`` accelerators.

    ``failures`` multiplies the rate of failures.
    """
    expected = reliability_of(question.reliability, accelerators=float(count)).values()
    expected["failure_rate"] *= failures
    share, parts = goodput(count=count, **expected)
    return float(share), {name: float(value) for name, value in parts.items()}


def share_band(question: TrainingQuestion, count: int, work: float) -> tuple[float, float]:
    """Goodput with 90 %: (low, high) of drawn runs of ``work`` [s] without any loss."""
    reliability = reliability_of(question.reliability, accelerators=float(count))
    drawn = run_days(work=work, accelerators=float(count), reliability=reliability, draws=_DRAWS)
    low, _, high = drawn.days
    return work / 86400.0 / high, work / 86400.0 / low


def chip_second_price(
    question: TrainingQuestion, cluster: Cluster, power: Power
) -> tuple[float, tuple[Assumption, ...]]:
    """What one accelerator costs for one second without electricity [$], and what that assumes.

    Annuities and upkeep of chips, nodes, network and building over their lives, every second of the year
    in use.
    """
    count = cluster.count
    assets, told = campus_assets(
        chip_count=count,
        chip_price=cluster.chip.price,
        node_count=count / cluster.node.chips,
        node_price=cluster.node.price,
        network_price=cluster.network_price * count,
        it_power=power.it,
        chip_embodied=cluster.chip.embodied_carbon,
        node_embodied=cluster.node.embodied_carbon,
    )
    yearly = sum(
        float(annuity(capital=asset.price, rate=question.rate, life=asset.life)) + asset.operating
        for asset in assets.values()
    )
    kept = tuple(item for item in told if "embodied" not in item.key)
    return yearly / SECONDS_PER_YEAR / count, kept


def training_outcome(
    question: TrainingQuestion, run: TrainingRun, table: StepTable, count: int, share: float, price: float
) -> Outcome:
    """Time, energy and money of the whole run under every layout of ``table`` (with its energies).

    ``share`` is the goodput and ``price`` [$] that of an accelerator-second.
    """
    steps = run.steps
    stepping = chain.step_power(table.energy, table.step_time, 1)  # type: ignore[arg-type]
    standing = chain.standing_power(table.energy, table.step_time, 1)  # type: ignore[arg-type]
    seconds = steps * table.step_time / share
    power = np.asarray(chain.power_it(stepping, standing, share), dtype=np.float64)
    energy = power * seconds * question.pue_mean
    return Outcome(
        seconds=seconds,
        energy=energy,
        power_it=power,
        capital=seconds * count * price,
        electricity=energy * question.electricity,
    )


def _exact(run: TrainingRun, cluster: Cluster, stack: Stack, best: StepTable) -> tuple[ExactSteps, float]:
    started = time.process_time()
    rows = np.arange(len(best))
    found = exact_steps(prepare(run, best.layouts, cluster, stack), best.layouts, rows, best)
    return found, time.process_time() - started


def pipeline_timeline(plan: Plan) -> Timeline:
    """The passes of the best layout's pipeline, of the first microbatches of a step: two rounds of stages."""
    best = plan.search.best.layouts.take(np.arange(1))
    prepared = prepare(plan.run, best, plan.cluster, plan.question.stack)
    return first_rounds(prepared, best, 0, most=2 * int(best.pipeline[0]))


def plan_training(
    question: TrainingQuestion,
    count: int,
    *,
    limit: float | None = None,
    top: int = 10,
    progress: Progress | None = None,
) -> Plan:
    """The best layouts of a run on ``count`` accelerators.

    Parameters
    ----------
    question : TrainingQuestion
        What is trained, on what.
    count : int
        Accelerators.
    limit : float, optional
        Power at the facility's meter [W] that they must not exceed.
    top : int
        Most layouts to return.
    progress : callable, optional
        Called with (layouts done, layouts in all).

    Raises
    ------
    InfeasibleError
        The accelerators need more than ``limit``, or the model fits in no layout.
    InputError
        A count or a pin that cannot divide.
    """
    if count < 1:
        raise InputError("not a count", key="count", given=count, allowed="a whole number of 1 or more")
    power = power_of(question, count, limit)
    if limit is not None and power.facility > limit:
        most = count_for_power(question, limit)
        raise InfeasibleError(
            f"{count} accelerators need {show(power.facility, 'MW')} at the meter in the hottest hour "
            f"({show(power.chip, 'W')} each with node and network, PUE {question.pue_peak:.3g})",
            key="power",
            given=show(limit, "MW"),
            allowed=f"at most {most} accelerators, or {show(power.facility, 'MW')}",
        )
    notices = list(question.notices)
    if limit is not None and (most := count_for_power(question, limit)) > count:
        notices.append(f"{show(limit, 'MW')} would feed {most:,} accelerators")
    cluster, told = question.cluster(count)
    run = question.run(count)
    started = time.process_time()
    found = search(
        run, cluster, question.stack, question.fixed, top=top, progress=progress, widen=question.widen
    )
    spent = time.process_time() - started
    share, parts = run_share(question, count)
    exact, scheduled = _exact(run, cluster, question.stack, found.best)
    price, money = chip_second_price(question, cluster, power)
    outcome = training_outcome(question, run, found.best, count, share, price)
    return Plan(
        question=question,
        cluster=cluster,
        run=run,
        search=found,
        share=share,
        share_band=share_band(question, count, run.steps * float(found.best.step_time[0])),
        goodput=parts,
        outcome=outcome,
        power=power,
        chip_second=price,
        cpu_seconds=spent,
        exact=exact,
        exact_cpu_seconds=scheduled,
        assumptions=(*question.assumptions, *told, *money),
        notices=tuple(notices),
    )
