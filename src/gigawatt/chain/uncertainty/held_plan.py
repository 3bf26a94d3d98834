"""The supply plan of an answer under other inputs: capacities held, books made again.

Under other prices or another load its dispatch stays too, to first order without error
(:mod:`gigawatt.power.plan.repriced`). In another weather and market year nothing of the dispatch would fit:
it is solved once for each year, at the inputs of the answer, and then held like that of the plan. A carbon
limit is of the plan: in other years carbon counts as much as in its own hours, and may be more or less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gigawatt.chain.supply.quantities import HOUR, bought_plant
from gigawatt.power import SupplyPlan
from gigawatt.power.plan.operated import operated
from gigawatt.power.plan.repriced import repriced

__all__ = ["HeldPlan"]

_DUST = 1e-7
"""Share of the energy served below which energy not served is what the solver leaves."""


class HeldPlan:
    """Stands for the function of ``supply.plan``.

    Parameters
    ----------
    plan : SupplyPlan
        Of the answer.
    inputs : sequence of str
        Quantities that the function of ``supply.plan`` takes, in their order.
    """

    def __init__(self, plan: SupplyPlan, inputs: Sequence[str]) -> None:
        self.plan, self.inputs = plan, tuple(inputs)
        self.by_year: dict[int, SupplyPlan] = {}
        self._year: int | None = None
        self._solve = False

    def turn(self, year: int | None, *, alone: bool) -> None:
        """Book in a year by its number from now on, ``None``: that of the answer; where it moves ``alone``,
        its dispatch is solved."""
        self._year, self._solve = year, alone

    def __call__(self, *values: Any) -> SupplyPlan:
        """The plan with the books of these inputs."""
        known = dict(zip(self.inputs, values, strict=True))
        shape = known["facility.load"]
        if "supply.price" in known:
            plants = (bought_plant(shape, known["supply.price"], known["supply.grid"]),)
            return repriced(self.plan, plants=plants, load=np.tile(shape.running, self.plan.years))
        plan = self._plan(known)
        load = np.tile(shape.running, plan.years)
        price = known["supply.carbon_price"]
        return repriced(plan, plants=known["supply.candidates"], load=load, carbon_price=price)

    def not_served(self, year: int) -> tuple[float, float]:
        """(J that the plants leave unserved in a year by its number, their $ at the price of energy not
        served); nothing where it was not solved, and where it is the solver's dust."""
        found = self.by_year.get(year)
        if found is None:
            return 0.0, 0.0
        lost = float(found.hour_weight @ found.not_served) * HOUR * found.weight
        if not lost > _DUST * found.energy_served:
            return 0.0, 0.0
        return lost, found.cost["energy not served"]["not_served"]

    def _plan(self, known: dict[str, Any]) -> SupplyPlan:
        if self._year is None:
            return self.plan
        if self._solve and self._year not in self.by_year:
            years = len(known["site.weather_years"])
            self.by_year[self._year] = operated(
                self.plan,
                plants=known["supply.candidates"],
                load=np.tile(known["facility.load"].running, years),
                not_served_price=known["supply.not_served_price"],
                carbon_price=known["supply.carbon_price"],
                matching=known["supply.matching"],
                years=years,
            )
        return self.by_year.get(self._year, self.plan)
