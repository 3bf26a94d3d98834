"""The question turned round: the fewest accelerators for a deadline, the largest model for a power limit.

Nothing is assumed about how time falls with size: the numbers that cannot do for want of FLOP/s are left
out, the others are searched one after the other, from the best end on, until one does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from gigawatt.chain.training.deadline import fewest_in_time, flops_of
from gigawatt.chain.training.plan import Plan, count_for_power, plan_training
from gigawatt.chain.training.question import TrainingQuestion
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.quantities import compact, show
from gigawatt.workload.sized import scaled_architecture

__all__ = ["Attempt", "Inverse", "largest_model", "smallest_cluster"]

Progress = Callable[[str, float], None]


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


def _attempt(
    question: TrainingQuestion, count: int, limit: float | None, top: int
) -> tuple[Plan | None, Attempt]:
    model = question.architecture
    try:
        plan = plan_training(question, count, limit=limit, top=top)
    except GigawattError as error:
        return None, Attempt(count, model.parameters.total, model.layers, None, str(error))
    return plan, Attempt(count, model.parameters.total, model.layers, plan.days)


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
    plans: dict[int, Plan] = {}
    attempts: list[Attempt] = []

    def seconds(count: int) -> float | GigawattError:
        plan, tried = _attempt(question, count, limit, top)
        attempts.append(tried)
        if plan is None:
            return InfeasibleError(tried.reason)
        plans[count] = plan
        return plan.days * 86400.0

    most = None if limit is None else count_for_power(question, limit)
    within = "" if limit is None else f" with {show(limit, 'MW')}"
    found = fewest_in_time(question, deadline, seconds, most=most, within=within, progress=progress)
    return Inverse("smallest_cluster", plans[found], deadline, tuple(attempts))


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
    while flops_of(question.of(scaled_architecture(question.architecture, layers + 2))) <= budget:
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
