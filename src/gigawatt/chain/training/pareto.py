"""The best compromises between time, accelerators, energy and money.

With a number of accelerators given, money rises with time and with energy, so that the layouts which none
beats in time and energy hold every best compromise; over numbers of accelerators all four are compared. Under
a power cap the layouts are those that none beats without it, held to the cap, and the quickest under it:
another that only the cap makes good can be missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.machine.accelerator_price import chip_second_price, power_of
from gigawatt.chain.training.plan import Plan, count_for_power, training_outcome
from gigawatt.chain.training.question import TrainingQuestion
from gigawatt.chain.training.size import fit_run
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.quantities import several
from gigawatt.performance import StepTable, capped, capped_search
from gigawatt.performance.search import front, non_dominated

__all__ = ["Compromise", "counts_around", "pareto_front"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Compromise:
    """One point: ``count`` accelerators under the one layout of ``table``; seconds, J, $."""

    count: int
    seconds: float
    energy: float
    cost: float
    share: float
    table: StepTable


def counts_around(question: TrainingQuestion, count: int, most: int | None = None) -> tuple[int, ...]:
    """Numbers of accelerators to compare: ``count`` times powers of two from 1/8 to 8, whole nodes only."""
    node = max(1, question.cluster(count)[0].node_chips)
    found = {count}
    for power in range(-3, 4):
        number = count * 2**power if power >= 0 else count // 2**-power
        if number >= node and number % node == 0 and (most is None or number <= most):
            found.add(number)
    return tuple(sorted(found))


def pareto_front(
    plan: Plan,
    *,
    counts: tuple[int, ...] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[tuple[Compromise, ...], int]:
    """(the compromises that none beats in time, accelerators, energy and money; layouts looked at).

    Parameters
    ----------
    plan : Plan
        The run as planned; its question is asked again for other numbers of accelerators.
    counts : tuple of int, optional
        Numbers of accelerators; :func:`counts_around` that of the plan if left out, within its power limit.
    progress : callable, optional
        Called with (what is looked at, share done).
    """
    question = plan.question
    most = None if plan.power.limit is None else count_for_power(question, plan.power.limit)
    chosen = counts or counts_around(question, plan.count, most)
    found: list[Compromise] = []
    looked_at = 0
    for i, count in enumerate(chosen):
        if progress is not None:
            progress(f"Pareto front on {several(count, 'accelerator')}", i / len(chosen))
        try:
            part = fit_run(question, count)
            run, cluster = part.run, part.cluster
            best = front(run, cluster, question.stack, question.fixed, widen=question.widen)
        except (InfeasibleError, InputError):
            continue  # too small for the model, or no degrees divide it
        looked_at += best.looked_at
        tables = [capped(best.best, cluster, question.cap)]
        if question.cap is not None:
            quickest = capped_search(
                run, cluster, question.stack, question.fixed,
                top=1, widen=question.widen, cap=question.cap,
            )  # fmt: skip
            tables.append(quickest.best)
        price, _ = chip_second_price(question, question.cluster(count)[0], power_of(question, count))
        for table in tables:
            outcome = training_outcome(question, run, table, count, part.share, price, part.spare_power)
            found += [
                Compromise(
                    count=count,
                    seconds=float(outcome.seconds[row]),
                    energy=float(outcome.energy[row]),
                    cost=float(outcome.cost[row]),
                    share=part.share,
                    table=table.take(np.array([row], dtype=np.intp)),
                )
                for row in range(len(table))
            ]
    points = np.array([[one.seconds, float(one.count), one.energy, one.cost] for one in found])
    kept = non_dominated(points) if found else np.zeros(0, dtype=bool)
    chosen_points = [one for one, keep in zip(found, kept, strict=True) if keep]
    return tuple(sorted(chosen_points, key=lambda one: (one.count, one.seconds))), looked_at
