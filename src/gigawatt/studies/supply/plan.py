"""Planning the supply of one load at one site: the cheapest plants, their hours, and what it costs."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import HOURS_PER_YEAR, compact, show
from gigawatt.power import Plant, SupplyPlan, plan
from gigawatt.studies.supply.question import SupplyQuestion

__all__ = ["Range", "SupplyAnswer", "plan_supply", "priced"]

HOUR = 3600.0
#: A load above every limit by less than this share of itself is the solver's to judge.
_TIGHT = 1e-6


@dataclass(frozen=True)
class Range:
    """$ a year of the plants that were found, with all costs at their ``low`` and at their ``high`` ends, by
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
        """What brings a sum over the plan's hours to a mean year."""
        return HOURS_PER_YEAR / self.plan.hours


def priced(found: SupplyPlan, plants: tuple[Plant, ...], carbon_price: float) -> dict[str, float]:
    """$ by plant over the plan's hours with the costs of ``plants`` in place of the plan's own.

    Capacities and dispatch stay; ``plants`` have the plan's ids in its order.
    """
    of_year = found.hours / HOURS_PER_YEAR
    count = len(found.load)
    spent: dict[str, float] = {}
    for i, plant in enumerate(plants):
        size, store = found.capacity[plant.id], plant.storage
        yearly = size * (plant.capital + plant.fixed)
        if store is not None:
            yearly += found.storage_energy[plant.id] * (store.energy_capital + store.energy_fixed)
        made = found.dispatch[:, i] * HOUR * found.weight
        running = float(made @ (plant.hourly("variable", count) + plant.hourly("fuel", count)))
        spent[plant.id] = yearly * of_year + running + carbon_price * found.carbon[plant.id]
    return spent


def plan_supply(question: SupplyQuestion) -> SupplyAnswer:
    """The cheapest plants that carry the load of ``question`` and what they do in every hour.

    The range of the cost is that of the plants found: capital costs, fuel and grid prices all at their low
    ends, and all at their high ends, with capacities and dispatch held.

    Raises
    ------
    InfeasibleError
        The load is above every limit, or a limit on carbon or on energy not served cannot be met; the
        message says by how much.
    """
    _reachable(question)
    started = time.process_time()
    found = plan(
        load=question.load,
        plants=question.plants,
        not_served_price=question.not_served_price,
        carbon_limit=question.carbon_limit,
        carbon_price=question.carbon_price,
        not_served_limit=question.not_served_limit,
        years=question.weather_years,
        flexible=question.flexible,
        matching=question.matching,
    )
    spent = time.process_time() - started
    if not found.energy_served > 0.0:
        raise InfeasibleError(
            f"the plants serve nothing of a load of {show(float(np.mean(found.load)), 'MW')}",
            key="plants",
            given=", ".join(found.capacity),
            allowed="a plant, or a limit, or a price of energy not served, with which some of it is served",
        )
    low, high = (priced(found, plants, question.carbon_price) for plants in (question.low, question.high))
    return SupplyAnswer(question, found, Range(low, high), spent)


def _reachable(question: SupplyQuestion) -> None:
    """Refuse a load whose energy is above what all limits together allow."""
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
            f"the load is above every limit: of {compact(least, 'W')} in the mean the plants can give "
            f"{compact(mean, 'W')}, {compact(least - mean, 'W')} too little",
            key="limits",
            given=", ".join(bound),
            allowed="higher limits, or a plant without one",
        )
