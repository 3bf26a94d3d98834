"""Planning one training run: the best layouts on a number of accelerators, and what the run then takes.

Days are at goodput, energy at the facility's meter, money for as long as the run occupies the machine. What
is computed of each layout is quantities of the graph, as ``gigawatt run`` computes them of the best.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.machine.accelerator_price import Power, chip_second_price, power_of
from gigawatt.chain.training.budget import Trial, cap_within, drawn
from gigawatt.chain.training.lasting import OF_TIME, of_time
from gigawatt.chain.training.question import TrainingQuestion
from gigawatt.chain.training.reliability import Goodput, share_band
from gigawatt.chain.training.sizes import Fit
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption
from gigawatt.core.subgraph import Subgraph, subgraph
from gigawatt.machine import Cluster
from gigawatt.performance import Search, StepTable, TrainingRun, evaluate
from gigawatt.performance.exact import ExactSteps, exact_steps, first_rounds
from gigawatt.performance.power import chip_power_of
from gigawatt.performance.schedules.makespan import Timeline
from gigawatt.performance.step import evaluate_prepared, prepare
from gigawatt.schema.fields import TRAINING

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

_PLANNED = ("training.fit", "machine.machine", "layouts.search", "training.reliability")
"""Quantities of a plan that are searched for: the part that trains, its layouts, its failures."""
_TAKEN = ("training.duration", "energy.facility", "machine.power_it", "ledger.run_owned",
          "ledger.run_electricity")  # fmt: skip
"""Quantities of every layout of a run."""
_OF_POWER = ("machine.energy", "training.runs", "machine.spare_power", "facility.pue")
_OF_MONEY = ("machine.count", "ledger.chip_hour_owned", "supply.electricity_cost")
"""What they follow from."""


@cache
def planned_by(goodput: bool) -> Subgraph:
    """The quantities of a plan from the terms of its run, where the ``goodput`` is given or is not."""
    given = ("training.terms", "machine.count", "training.runs_given", "machine.chip", "machine.options",
             "software.stack", "layout.fixed", "layout.widen", "machine.cap")  # fmt: skip
    by = ("training.goodput",) if goodput else (
        "machine.trial", "training.failures", "training.recovery", "scenario.year"
    )  # fmt: skip
    return subgraph(graph_of_branch(TRAINING, by[:1] if goodput else ()), (*given, *by), _PLANNED)


@cache
def counted_by() -> Subgraph:
    """Accelerators that a power feeds."""
    given = ("machine.size", "training.runs_given", "machine.sized", "machine.cap", "machine.pue_peak",
             "site.oversubscription")  # fmt: skip
    return subgraph(graph_of_branch(TRAINING, ("machine.power",)), given, ("machine.count",))


@cache
def taken_by() -> Subgraph:
    """What a run takes, from joules and seconds of a step, its goodput, the PUE and prices: arrays all."""
    return subgraph(graph_of_branch(TRAINING), (*OF_TIME, *_OF_POWER, *_OF_MONEY), _TAKEN)


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
    found = counted_by()({
        "machine.size": {"count": None, "power": limit}, "training.runs_given": 1,
        "machine.sized": question.trial, "machine.cap": question.cap, "machine.pue_peak": question.pue_peak,
        "site.oversubscription": None,
    })  # fmt: skip
    return int(found["machine.count"])


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
    return outcome_of(question, run, table.energy, table.step_time, count, share, price, spare_power)


def outcome_of(
    question: TrainingQuestion,
    run: TrainingRun,
    energy: Mapping[str, Array],
    step_time: Array,
    count: int,
    share: float,
    price: float,
    spare_power: float = 0.0,
) -> Outcome:
    """:func:`training_outcome` of steps of these joules by component and seconds, ``(L,)`` each."""
    powers = dict(zip(_OF_POWER, (energy, 1, spare_power, question.pue_mean), strict=True))
    money = dict(zip(_OF_MONEY, (count, price, question.electricity), strict=True))
    found = taken_by()(of_time(run, question.overhead, step_time, share) | powers | money)
    return Outcome(*(np.asarray(found[name], dtype=np.float64) for name in _TAKEN))


def _planned(
    question: TrainingQuestion, trial: Trial, count: int, top: int, progress: Progress | None
) -> dict[str, Any]:
    """Quantities of a plan by name, of ``top`` layouts."""
    terms: dict[str, Any] = {
        "training.terms": question, "machine.count": count, "training.runs_given": 1,
        "machine.chip": question.chip, "machine.options": question.options, "software.stack": question.stack,
        "layout.fixed": question.fixed, "layout.widen": question.widen, "machine.cap": question.cap,
    }  # fmt: skip
    given = question.given_goodput
    if given is None:
        terms |= {"machine.trial": trial, "training.failures": question.reliability,
                  "training.recovery": question.recovery, "scenario.year": question.year}  # fmt: skip
    else:
        terms["training.goodput"] = given
    return planned_by(given is not None)(terms, {"layouts.search": {"top": top, "progress": progress}})


def _within(
    question: TrainingQuestion, trial: Trial, count: int, limit: float, notices: list[str]
) -> TrainingQuestion:
    """The question with the cap that keeps ``count`` accelerators within the limit [W], if one is needed."""
    found = cap_within(trial, count, limit, pue_peak=question.pue_peak, cap=question.cap)
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
    trial = question.trial
    if limit is not None:
        question = _within(question, trial, count, limit, notices)
    power = power_of(question, count, limit)
    started = time.process_time()
    computed = _planned(question, trial, count, top, progress)
    part, machine, found, expected = (computed[name] for name in _PLANNED)
    spent = time.process_time() - started
    cluster, run = machine.cluster, part.run
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
            *machine.assumptions,
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
