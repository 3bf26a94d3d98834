"""Planning the supply of one load at one site: the cheapest plants, their hours, and what it costs."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.chain.supply.grid_terms import check_reserve
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import HOURS_PER_YEAR, compact, show
from gigawatt.power import Plant, Problem, SupplyPlan, solve_problem
from gigawatt.power.adequacy import WHOLE, Adequacy, Nine, adequacy_of, losses_of, nines_of, plan_whole_units
from gigawatt.power.adequacy.elcc import Credit, credits_of
from gigawatt.studies.supply.question import SupplyQuestion

if TYPE_CHECKING:
    from gigawatt.power.adequacy.simulated import BadWeek

__all__ = ["Range", "SupplyAnswer", "plan_supply", "priced", "problem_of"]

HOUR = 3600.0
#: A load above every limit by less than this share of itself is the solver's to judge.
_TIGHT = 1e-6


@dataclass(frozen=True)
class Range:
    """Cost of the optimal plants [$/yr], with all costs at their ``low`` and at their ``high`` ends, by
    plant; energy not served left out."""

    low: dict[str, float]
    high: dict[str, float]


@dataclass(frozen=True)
class SupplyAnswer:
    """``plan`` answers ``question``; ``costs`` is its range; ``cpu_seconds`` went into the plan."""

    question: SupplyQuestion
    plan: SupplyPlan
    costs: Range
    cpu_seconds: float

    @property
    def year_share(self) -> float:
        """The factor from a sum over the plan's hours to a mean year."""
        return HOURS_PER_YEAR / self.plan.hours

    @cached_property
    def adequacy(self) -> Adequacy:
        """What the plan lacks as whole units that fail."""
        from gigawatt.power.adequacy.simulated import simulated  # brings numba

        return simulated(self.plan, adequacy_of(self.plan))

    @cached_property
    def credits(self) -> Sequence[Credit]:
        """What a further megawatt of each plant is worth."""
        return credits_of(self.plan, self.adequacy.system)

    @cached_property
    def bad_week(self) -> BadWeek:
        """The worst week of a year as bad as one in twenty."""
        from gigawatt.power.adequacy.simulated import bad_week  # brings numba

        return bad_week(self.plan, self.adequacy)

    @cached_property
    def nines(self) -> Sequence[Nine]:
        """Further units for further nines."""
        return nines_of(self.adequacy, losses_of(self.plan))


def priced(optimum: SupplyPlan, plants: tuple[Plant, ...], carbon_price: float) -> dict[str, float]:
    """$ by plant over the plan's hours with the costs of ``plants`` in place of the plan's own.

    Capacities and dispatch stay; ``plants`` have the plan's ids in its order.
    """
    of_year = optimum.hours / HOURS_PER_YEAR
    count = len(optimum.load)
    spent: dict[str, float] = {}
    weights = optimum.hour_weight.reshape(optimum.years, -1).mean(1)
    for i, one in enumerate(plants):
        plant = one.settled(optimum.load, duty=optimum.duty, weights=weights)
        size, store = optimum.capacity[plant.id], plant.storage
        yearly = size * (plant.capital + plant.fixed)
        if store is not None:
            yearly += optimum.storage_energy[plant.id] * (store.energy_capital + store.energy_fixed)
        made = optimum.dispatch[:, i]
        if plant.kind != "profile":  # what must run burns fuel for what is curtailed
            made = made + optimum.curtailed[:, i]
        energy = made * HOUR * optimum.weight
        running = float(energy @ (plant.hourly("variable", count) + plant.hourly("fuel", count)))
        running -= float(optimum.sold[:, i] @ plant.hourly("sale", count)) * HOUR * optimum.weight
        running -= float(optimum.reserve[:, i].sum()) * HOUR * optimum.weight * plant.reserve_price
        metered = optimum.metered(plant.id) if plant.kind == "grid" else made
        yearly += plant.demand_cost(metered, size, weights)
        spent[plant.id] = yearly * of_year + running + carbon_price * plant.levied * optimum.carbon[plant.id]
    return spent


def problem_of(question: SupplyQuestion) -> Problem:
    """The programme's question."""
    return Problem(
        load=question.load,
        plants=question.plants,
        not_served_price=question.not_served_price,
        carbon_limit=question.carbon_limit,
        carbon_price=question.carbon_price,
        not_served_limit=question.not_served_limit,
        years=question.weather_years,
        flexible=question.flexible,
        matching=question.matching,
        duty=question.duty,
        fuel_lines=question.fuel_lines,
    )


def plan_supply(question: SupplyQuestion) -> SupplyAnswer:
    """The cheapest plants that carry the load of ``question`` and what they do in every hour.

    The range of the cost is that of these plants: capital costs, fuel, carbon and grid prices all at
    their low ends, and all at their high ends, with capacities and dispatch fixed.

    Raises
    ------
    InfeasibleError
        The load exceeds the sum of all limits, or a limit on carbon or on energy not served cannot be met;
        the message says by how much.
    """
    _reachable(question)
    check_reserve(question.plants, question.flexible)
    started = time.process_time()
    problem = problem_of(question)
    optimum = plan_whole_units(problem) if question.units == WHOLE else solve_problem(problem)
    spent = time.process_time() - started
    if not optimum.energy_served > 0.0:
        raise InfeasibleError(
            f"the plants cannot serve any of a load of {show(float(np.mean(optimum.load)), 'MW')}",
            key="plants",
            given=", ".join(optimum.capacity),
            allowed="a plant, limit or price of energy not served with which some of the load is served",
        )
    low, high = (
        priced(optimum, plants, price)
        for plants, price in zip((question.low, question.high), question.carbon_ends, strict=True)
    )
    return SupplyAnswer(question, optimum, Range(low, high), spent)


def _reachable(question: SupplyQuestion) -> None:
    """Raise ``InfeasibleError`` where the load's energy exceeds the sum of all limits."""
    count = len(question.load)
    most = np.zeros(count)
    bound: list[str] = []
    for plant in question.plants:
        if plant.storage is not None:
            continue
        if math.isinf(plant.maximum):
            return
        most = most + plant.maximum * plant.hourly("availability", count)
        bound.append(f"{plant.id} {compact(plant.maximum, 'W')}")
    mean, least = float(most.mean()), float(question.load.mean())
    stores = any(plant.storage is not None for plant in question.plants)
    if not stores:  # then every hour stands alone
        mean = float(np.minimum(most, question.load).mean())
    allowed = (question.not_served_limit or 0.0) + _TIGHT
    if mean < least * (1.0 - allowed):
        raise InfeasibleError(
            f"the load exceeds the sum of all limits: its mean is {compact(least, 'W')}, the plants can "
            f"supply {compact(mean, 'W')}, {compact(least - mean, 'W')} too little",
            key="limits",
            given=", ".join(bound),
            allowed="higher limits, or a plant without one",
        )
