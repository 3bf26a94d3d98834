"""Planning one training run: the best layouts on a number of accelerators, and what the run then takes.

Days are at goodput, energy at the facility's meter, money for as long as the run occupies the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.accelerator_price import Power, chip_second_price, power_of
from gigawatt.chain.reliability import Goodput, share_band
from gigawatt.chain.training import quantities as chain
from gigawatt.chain.training.budget import cap_within, drawn, machine_count
from gigawatt.chain.training.question import TrainingQuestion
from gigawatt.chain.training.size import fit_run
from gigawatt.chain.training.sizes import Fit
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption
from gigawatt.machine import Cluster
from gigawatt.performance import Search, StepTable, TrainingRun, capped_search, evaluate
from gigawatt.performance.exact import ExactSteps, exact_steps, first_rounds
from gigawatt.performance.power import chip_power_of
from gigawatt.performance.schedules.makespan import Timeline
from gigawatt.performance.step import evaluate_prepared, prepare

__all__ = [
    "Outcome",
    "Plan",
    "count_for_power",
    "outcome_of",
    "pipeline_timeline",
    "plan_training",
    "training_outcome",
]

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
class Plan:
    """The answer for ``count`` accelerators; rows of ``search.best`` and ``outcome`` correspond.

    The ``cluster`` is the part that trains, the others are spare.
    ``goodput`` says which share of the time makes progress and where the rest goes, ``share_band`` (low,
    high) is that share with 90 %; ``chip_second`` [$] is what one accelerator-second costs without
    electricity; ``cpu_seconds`` went into the search. ``clock`` is that of every row over the clock at the
    chip's own limit (pauses counted). ``exact`` are the best layouts with the exact schedule of their
    pipeline, which took ``exact_cpu_seconds``.
    """

    question: TrainingQuestion
    count: int
    cluster: Cluster
    run: TrainingRun
    search: Search
    goodput: Goodput
    share_band: tuple[float, float]
    outcome: Outcome
    power: Power
    chip_second: float
    cpu_seconds: float
    clock: Array
    exact: ExactSteps
    exact_cpu_seconds: float
    assumptions: tuple[Assumption, ...]
    notices: tuple[str, ...]
    fit: Fit

    @property
    def share(self) -> float:
        """Goodput: the share of time that makes progress."""
        return self.goodput.share

    @property
    def peak(self) -> float:
        """Power at the meter while it steps, in the hottest hour [W]."""
        return drawn(self.search.best, self.cluster, self.count) * self.question.pue_peak

    @property
    def days(self) -> float:
        """Days of the best layout, failures included."""
        return float(self.outcome.seconds[0]) / 86400.0


def count_for_power(question: TrainingQuestion, limit: float) -> int:
    """Accelerators that ``limit`` [W] at the meter feeds in the hottest hour, while they step.

    Rounded down to at most four significant binary digits, so that parallel degrees can divide it.

    Raises
    ------
    InputError
        Not even one accelerator.
    """
    return machine_count(
        {"count": None, "power": limit}, 1, question.trial, question.cap, question.pue_peak, None
    )


def training_outcome(
    question: TrainingQuestion,
    run: TrainingRun,
    table: StepTable,
    count: int,
    share: float,
    price: float,
    spare_power: float = 0.0,
) -> Outcome:
    """Time, energy and money of the whole run under every layout of ``table`` (with its energies).

    ``share`` is the goodput, ``price`` [$] that of an accelerator-second and ``spare_power`` [W] what spare
    accelerators draw.
    """
    return outcome_of(question, run.steps, table.energy, table.step_time, count, share, price, spare_power)


def outcome_of(
    question: TrainingQuestion,
    steps: float,
    energy: Mapping[str, Array],
    step_time: Array,
    count: int,
    share: float,
    price: float,
    spare_power: float = 0.0,
) -> Outcome:
    """:func:`training_outcome` of steps of these joules by component and seconds, ``(L,)`` each."""
    stepping = chain.step_power(energy, step_time, 1, spare_power)  # type: ignore[arg-type]
    standing = chain.standing_power(energy, step_time, 1, spare_power)  # type: ignore[arg-type]
    seconds = question.seconds(steps, step_time, share)
    power = np.asarray(chain.power_it(stepping, standing, share), dtype=np.float64)
    drawn = power * seconds * question.pue_mean
    return Outcome(
        seconds=seconds,
        energy=drawn,
        power_it=power,
        capital=seconds * count * price,
        electricity=drawn * question.electricity,
    )


def _within(question: TrainingQuestion, count: int, limit: float, notices: list[str]) -> TrainingQuestion:
    """The question with the cap that keeps ``count`` accelerators within the limit [W], if one is needed."""
    found = cap_within(question.trial, count, limit, pue_peak=question.pue_peak, cap=question.cap)
    notices += found.notices
    return question if found.cap == question.cap else replace(question, cap=found.cap)


def _exact(
    question: TrainingQuestion, run: TrainingRun, cluster: Cluster, best: StepTable
) -> tuple[ExactSteps, float]:
    """(the best layouts with the exact schedule of their pipeline, CPU seconds that took)."""
    started = time.process_time()
    rows = np.arange(len(best))
    prepared = prepare(run, best.layouts, cluster, question.stack)
    found = exact_steps(prepared, best.layouts, rows, best)
    if question.cap is not None:
        free = evaluate_prepared(prepared, best.layouts, rows)
        bubble = found.bubble * _stretch(best, free)
        step_time = best.step_time - best.parts["pipeline_bubble"] + bubble
        found = replace(found, step_time=step_time, bubble=bubble)
    return found, time.process_time() - started


def _clocks(question: TrainingQuestion, run: TrainingRun, cluster: Cluster, best: StepTable) -> Array:
    if question.cap is None:
        return np.ones(len(best))
    free = evaluate(run, best.layouts, cluster, question.stack)
    settled = chip_power_of(free, cluster.chip, float(cluster.count), question.cap)
    return settled.clock * settled.duty


def _stretch(held: StepTable, free: StepTable) -> Array:
    """How many times as long the chips' own work takes under a cap."""
    mine, before = (one.parts["arithmetic"] + one.parts["memory_bandwidth"] for one in (held, free))
    return np.where(before > 0.0, mine / np.where(before > 0.0, before, 1.0), 1.0)


def pipeline_timeline(plan: Plan) -> Timeline:
    """The passes of the best layout's pipeline, of the first microbatches of a step: two rounds of stages."""
    best = plan.search.best.layouts.take(np.arange(1))
    prepared = prepare(plan.run, best, plan.cluster, plan.question.stack)
    found = first_rounds(prepared, best, 0, most=2 * int(best.pipeline[0]))
    if plan.question.cap is None:
        return found
    free = evaluate_prepared(prepared, best, np.arange(1))
    longer = float(_stretch(plan.search.best.take(np.arange(1)), free)[0])
    return replace(found, start=found.start * longer, end=found.end * longer)


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
        Power at the facility's meter [W] that they must not exceed: where they would, every accelerator gets
        the cap with which they do not.
    top : int
        Most layouts to return.
    progress : callable, optional
        Called with (layouts done, layouts in all).

    Raises
    ------
    InfeasibleError
        No cap keeps the accelerators within ``limit``, or the model fits in no layout.
    InputError
        A count or a pin that cannot divide.
    """
    if count < 1:
        raise InputError("not a count", key="count", given=count, allowed="a whole number of 1 or more")
    notices = list(question.notices)
    if limit is not None:
        question = _within(question, count, limit, notices)
    power = power_of(question, count, limit)
    started = time.process_time()
    part = fit_run(question, count)
    cluster, run = part.cluster, part.run
    _, told = question.cluster(part.used)
    found = capped_search(
        run, cluster, question.stack, question.fixed,
        top=top, progress=progress, widen=question.widen, cap=question.cap,
    )  # fmt: skip
    spent = time.process_time() - started
    expected = question.goodput(part.used, spares=part.spare)
    exact, scheduled = _exact(question, run, cluster, found.best)
    price, money = chip_second_price(question, question.cluster(count)[0], power)
    outcome = training_outcome(question, run, found.best, count, expected.share, price, part.spare_power)
    return Plan(
        question=question,
        count=count,
        cluster=cluster,
        run=run,
        search=found,
        goodput=expected,
        share_band=share_band(expected, run.steps * float(found.best.step_time[0])),
        outcome=outcome,
        power=power,
        chip_second=price,
        cpu_seconds=spent,
        clock=_clocks(question, run, cluster, found.best),
        exact=exact,
        exact_cpu_seconds=scheduled,
        assumptions=(
            *question.assumptions,
            *told,
            *part.assumptions,
            *money,
            *_further(question, expected),
        ),
        notices=(*notices, *part.notices, *expected.notices),
        fit=part,
    )


def _further(question: TrainingQuestion, expected: Goodput) -> tuple[Assumption, ...]:
    """What the goodput takes for granted and the question does not yet list: recovery and spares."""
    listed = {one.key for one in question.assumptions}
    return tuple(one for one in expected.assumptions if one.key not in listed)
