"""What a planned supply is in a line: from when all of it gives power, and who gives how much."""

from __future__ import annotations

from gigawatt.chain.registry import shared
from gigawatt.chain.supply.arrivals import Arrivals
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.power import SupplyPlan

__all__ = ["complete", "mix"]

_WORTH = 1e-3
"""Share of the largest load below which a capacity is the solver's dust."""
_SAID = 0.005
"""A smaller share of the energy is left out of the words."""


def _built(plan: SupplyPlan) -> list[str]:
    least = _WORTH * float(plan.load.max())
    return [plant.id for plant in plan.plants if plan.capacity[plant.id] > least]


@shared("supply.complete", "yr")
def complete(supply_plan: SupplyPlan, supply_arrivals: Arrivals, scenario_year: int) -> float:
    """Decimal year from which every plant that is built gives power, in the median.

    The latest of the year of the question and the dates of the plants that are built.
    """
    there = [supply_arrivals.by[name].ready() for name in _built(supply_plan) if name in supply_arrivals.by]
    return max((float(scenario_year), *there)) * SECONDS_PER_YEAR


@shared("supply.mix", "")
def mix(supply_plan: SupplyPlan) -> str:
    """Share of the energy served that each plant gives, stores by their power.

    Output / energy served.
    """
    served, given = supply_plan.energy_served, supply_plan.energy()
    parts: list[tuple[float, str]] = []
    stores: list[str] = []
    for plant in supply_plan.plants:
        if plant.id not in _built(supply_plan):
            continue
        share = given[plant.id] / served if served > 0.0 else 0.0
        if plant.storage is not None:
            stores.append(f"{plant.name} {supply_plan.capacity[plant.id] / 1e6:.4g} MW")
        elif share >= _SAID:
            parts.append((share, f"{plant.name} {100.0 * share:.0f} %"))
    return ", ".join([*(words for _, words in sorted(parts, reverse=True)), *stores])
