"""The question turned round: the fewest accelerators for a deadline, the largest model for a power limit.

Nothing is assumed about how time falls with size: the numbers that cannot do for want of FLOP/s are left
out, the others are searched one after the other, from the best end on, until one does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gigawatt.chain.training.plan import Plan, count_for_power, plan_training
from gigawatt.chain.training.question import TrainingQuestion
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.quantities import compact, show
from gigawatt.workload import model_flops_per_token
from gigawatt.workload.sized import scaled_architecture

__all__ = ["Attempt", "Inverse", "largest_model", "smallest_cluster"]

Progress = Callable[[str, float], None]

_BITS = 4
"""Significant binary digits of a number of accelerators, as where a power limit gives it."""
_OCTAVES = 5
"""Doublings beyond the FLOPs' own need, after which a deadline counts as infeasible."""
_PATIENCE = 2**_BITS
"""Consecutive numbers of accelerators without gain that end the search (two doublings)."""


@dataclass(frozen=True)
class Attempt:
    """One number that was searched: ``count`` accelerators, ``parameters`` of the model, ``days`` of the run
    (``None``: it could not be trained at all, for the ``reason``)."""

    count: int
    parameters: int
    layers: int
    days: float | None
    reason: str = ""


@dataclass(frozen=True)
class Inverse:
    """What was found: its plan, the deadline [s], and everything that was searched on the way."""

    kind: str
    plan: Plan
    deadline: float
    attempts: tuple[Attempt, ...]


def _counts(least: float, node: int) -> Iterator[int]:
    """Whole nodes of accelerators with at most four significant binary digits, from ``least`` on."""
    count = node
    while True:
        if count >= least:
            yield count
        step = node
        while step * 2**_BITS <= count + node:
            step *= 2
        count = (count // step + 1) * step


def _attempt(
    question: TrainingQuestion, count: int, limit: float | None, top: int
) -> tuple[Plan | None, Attempt]:
    model = question.architecture
    try:
        plan = plan_training(question, count, limit=limit, top=top)
    except GigawattError as error:
        return None, Attempt(count, model.parameters.total, model.layers, None, str(error))
    return plan, Attempt(count, model.parameters.total, model.layers, plan.days)


def _flops(question: TrainingQuestion) -> float:
    return model_flops_per_token(question.architecture, question.sequence) * question.tokens


def smallest_cluster(
    question: TrainingQuestion,
    deadline: float,
    *,
    limit: float | None = None,
    top: int = 10,
    progress: Progress | None = None,
) -> Inverse:
    """The fewest accelerators that finish the run by a deadline.

    Numbers of whole nodes with at most four significant binary digits are searched from the fewest that
    could do it at their datasheet peak.

    Parameters
    ----------
    question : TrainingQuestion
        What is trained, on what.
    deadline : float
        Time on the clock [s], > 0, failures included.
    limit : float, optional
        Power at the meter [W]: no more accelerators than it feeds.
    top : int
        Most layouts to return.
    progress : callable, optional
        Called with (what is looked at, share done).

    Raises
    ------
    InfeasibleError
        No number of accelerators, or none within ``limit``, is quick enough; says the quickest.
    """
    if not deadline > 0.0:
        raise InputError("not a positive time", key="deadline", given=deadline, allowed="more than 0")
    peak = question.chip.peak[question.number_format]
    least = _flops(question) / (peak * deadline)
    if least > _most_degrees(question):
        raise _too_slow(question, deadline, limit, [], least)
    node = max(1, question.cluster(2**20)[0].node.chips)
    most = least * 2.0**_OCTAVES if limit is None else float(count_for_power(question, limit))
    most = max(most, float(node))
    attempts: list[Attempt] = []
    quickest, idle = float("inf"), 0
    for count in _counts(least, node):
        if count > most or idle >= _PATIENCE:
            break
        if progress is not None:
            progress(f"Searching layouts on {count:,} accelerators", min(len(attempts) / 20.0, 0.95))
        plan, tried = _attempt(question, count, limit, top)
        attempts.append(tried)
        if plan is not None and plan.days * 86400.0 <= deadline:
            return Inverse("smallest_cluster", plan, deadline, tuple(attempts))
        if plan is not None:
            idle = 0 if plan.days < quickest else idle + 1
            quickest = min(quickest, plan.days)
    raise _too_slow(question, deadline, limit, attempts, least)


def _most_degrees(question: TrainingQuestion) -> float:
    """More accelerators than this no layout can use: a token of a step and a layer for each."""
    counted, batch = question.batch
    tokens = batch if counted == "token" else batch * question.sequence
    return tokens * question.architecture.layers


def _too_slow(
    question: TrainingQuestion,
    deadline: float,
    limit: float | None,
    attempts: list[Attempt],
    least: float,
) -> InfeasibleError:
    done = [one for one in attempts if one.days is not None]
    given = show(deadline, "days") + ("" if limit is None else f" with {show(limit, 'MW')}")
    if not done:
        reason = attempts[-1].reason if attempts else f"the FLOPs alone need {least:,.0f} accelerators"
        if limit is not None and not attempts:
            reason += f", the power feeds {count_for_power(question, limit):,}"
        return InfeasibleError(
            "no number of accelerators meets the deadline", key="deadline", given=given, allowed=reason
        )
    best = min(done, key=lambda one: one.days or 0.0)
    most = max(one.count for one in attempts)
    return InfeasibleError(
        f"no number of {question.chip.id} up to {most:,} meets the deadline",
        key="deadline",
        given=given,
        allowed=f"{best.days:.4g} days, the shortest, on {best.count:,} accelerators",
    )


def largest_model(
    question: TrainingQuestion,
    deadline: float,
    *,
    limit: float | None = None,
    count: int | None = None,
    top: int = 10,
    progress: Progress | None = None,
) -> Inverse:
    """The largest model of a family that a power limit (or a number of accelerators) trains in time.

    Models are :func:`scaled_architecture` of the question's with an even number of layers, from the largest
    that the FLOPs allow downward; each is trained on the question's tokens per active parameter. A power
    limit is tried with the accelerators that it feeds and with the power of two below.

    Parameters
    ----------
    question : TrainingQuestion
        The family, by one of its models, and the machine.
    deadline : float
        Time on the clock [s], > 0.
    limit, count : optional
        Power at the meter [W], accelerators; at least one of them.
    top, progress
        As in :func:`smallest_cluster`.

    Raises
    ------
    InputError
        Neither power nor count.
    InfeasibleError
        Not even the smallest of the family.
    """
    if not deadline > 0.0:
        raise InputError("not a positive time", key="deadline", given=deadline, allowed="more than 0")
    if count is None:
        if limit is None:
            raise InputError(
                "the largest model needs a machine", key="largest-model", allowed="give --power or --count"
            )
        most = count_for_power(question, limit)
        round_count = 2 ** math.floor(math.log2(most))  # divides better, fails less
        found = [
            largest_model(question, deadline, limit=limit, count=one, top=top, progress=progress)
            for one in dict.fromkeys((most, round_count))
        ]
        return max(found, key=lambda one: one.plan.question.architecture.parameters.total)
    budget = count * question.chip.peak[question.number_format] * deadline
    layers = 2
    while _flops(question.of(scaled_architecture(question.architecture, layers + 2))) <= budget:
        layers += 2
    attempts: list[Attempt] = []
    first = layers
    while layers >= 2:
        one = question.of(scaled_architecture(question.architecture, layers))
        if progress is not None:
            size = compact(one.architecture.parameters.total, "parameters", 3)
            progress(f"Searching layouts of {size}", min((first - layers) / first, 0.95))
        plan, tried = _attempt(one, count, limit, top)
        attempts.append(tried)
        if plan is not None and plan.days * 86400.0 <= deadline:
            return Inverse("largest_model", plan, deadline, tuple(attempts))
        layers -= 2
    raise InfeasibleError(
        "no model of this family meets the deadline",
        key="deadline",
        given=show(deadline, "days"),
        allowed=attempts[-1].reason or f"{attempts[-1].days:.3g} days for two layers",
    )
