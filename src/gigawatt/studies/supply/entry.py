"""The price at which a plant enters the cheapest supply: what its first watt saves at hourly prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.power import Plant
from gigawatt.studies.supply.plan import SupplyAnswer, plan_supply
from gigawatt.studies.supply.question import SupplyQuestion

__all__ = ["Entry", "entries", "entry_of"]

HOUR = 3600.0


@dataclass(frozen=True)
class Entry:
    """A plant outside a plan, and the price at which it would enter.

    ``worth`` [$/W/yr] is what its first watt saves in the operation of all others; ``enters_at`` [$/W] the
    capital cost at which it is built, its fixed cost falling alike; ``capital``, ``low``, ``high`` [$/W] what
    the catalog expects of the year; ``low_enters``: whether it is built at the low end of the range.
    """

    plant: str
    name: str
    worth: float
    enters_at: float
    capital: float
    low: float
    high: float
    low_enters: bool

    @property
    def enters(self) -> str:
        """``yes``, ``at its low end`` of the range, or ``no``."""
        if self.capital <= self.enters_at:
            return "yes"
        return "at its low end" if self.low_enters else "no"


def entry_of(supply: SupplyAnswer, plant: Plant, low: Plant, high: Plant) -> Entry:
    """What the first watt of ``plant`` would be worth beside the plants of ``supply``.

    The sum over the hours of availability × what the hour's price is above its running cost, carbon at its
    price among it. It is the reduced cost of the linear programme where the plant has neither least load nor
    ramp; with them it is worth less, so that ``enters_at`` is then the most that can be paid.

    Parameters
    ----------
    supply : SupplyAnswer
        A plan without the plant.
    plant, low, high : Plant
        In the middle and at both ends of the range of its capital cost.

    Raises
    ------
    InputError
        A store, whose worth is in no price of an hour alone.

    References
    ----------
    Bertsimas, D., Tsitsiklis, J. (1997). Introduction to Linear Optimization, ch. 5 (adding a column).
    """
    if plant.storage is not None:
        raise InputError(
            "the value of a store does not follow from single hours",
            key=plant.id,
            allowed="a plant that generates",
        )
    plan, count = supply.plan, len(supply.plan.load)
    carbon = supply.question.carbon_price * plant.levied + plan.carbon_shadow_price
    running = plant.hourly("variable", count) + plant.hourly("fuel", count)
    running = running + plant.hourly("carbon", count) * carbon
    gain = np.maximum(plan.price - running, 0.0) * plant.hourly("availability", count)
    worth = float(plan.hour_weight @ gain) * HOUR * plan.weight * supply.year_share
    return Entry(
        plant=plant.id,
        name=plant.name,
        worth=worth,
        enters_at=plant.investment * worth / (plant.capital + plant.fixed),
        capital=plant.investment,
        low=low.investment,
        high=high.investment,
        low_enters=low.capital + low.fixed <= worth,
    )


def entries(question: SupplyQuestion, newcomers: Sequence[str]) -> tuple[SupplyAnswer, tuple[Entry, ...]]:
    """(the plan without ``newcomers``, the entry of each of them); ids among the question's plants.

    Raises
    ------
    InputError
        A newcomer that is not among the plants.
    InfeasibleError
        As :func:`~gigawatt.studies.supply.plan.plan_supply`.
    """
    at = {plant.id: i for i, plant in enumerate(question.plants)}
    for name in newcomers:
        check_word("newcomers", name, at, "not among the plants")

    def without(plants: tuple[Plant, ...]) -> tuple[Plant, ...]:
        return tuple(plant for plant in plants if plant.id not in newcomers)

    alone = replace(
        question,
        plants=without(question.plants),
        low=without(question.low),
        high=without(question.high),
    )
    supply = plan_supply(alone)
    entered = tuple(
        entry_of(supply, question.plants[at[name]], question.low[at[name]], question.high[at[name]])
        for name in newcomers
    )
    return supply, entered
