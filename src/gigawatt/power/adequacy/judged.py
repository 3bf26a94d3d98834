"""Adequacy where stores answer outages: by simulation, where it is compiled; else by convolution."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gigawatt.power.adequacy.plan import Adequacy, adequacy_of
from gigawatt.power.adequacy.system import Loss, System, by_convolution, is_built
from gigawatt.power.plan.result import SupplyPlan

__all__ = ["adequacy_judged", "losses_of"]

_YEARS = 500
"""Simulated years of each number of units that is tried."""


def losses_of(plan: SupplyPlan) -> Callable[[System], Loss]:
    """What other numbers of units lose beside the stores of a plan: by simulation where it has some, else by
    convolution; with their events where a load pays for each."""
    events = plan.flexible is not None and plan.flexible.outage_event > 0.0
    if any(plant.storage is not None and is_built(plan, plant.id) for plant in plan.plants):
        from gigawatt.power.adequacy.simulated import simulation_of, stores_of  # brings numba

        stores = [store for store, _ in stores_of(plan)]

        def by_simulation(system: System) -> Loss:
            found = simulation_of(system, stores, years=_YEARS, error=0.0)
            most, often = found.interval("energy")[1], found.mean("events")
            return Loss(found.mean("hours"), found.mean("energy"), most, often)

        return by_simulation

    return partial(by_convolution, events=events)


def adequacy_judged(plan: SupplyPlan) -> Adequacy:
    """Adequacy of a plan: by simulation where it has stores, else by convolution, which is exact then."""
    found = adequacy_of(plan)
    if not found.stores:
        return found
    from gigawatt.power.adequacy.simulated import simulated  # brings numba

    return simulated(plan, found)
