"""The adequacy of a plan by simulation: how long and how deep its losses are, and what stores do in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gigawatt.core.compiled import COMPILED
from gigawatt.core.evidence import Assumption
from gigawatt.power.adequacy.plan import HOUR, Adequacy
from gigawatt.power.adequacy.rows import mean_availability, plant_units
from gigawatt.power.adequacy.simulate import Simulation, Store, simulate
from gigawatt.power.adequacy.system import System, is_built
from gigawatt.power.adequacy.units import Units
from gigawatt.power.plan.result import SupplyPlan

__all__ = ["COMPILED", "simulated", "simulation_of", "stores_of"]

_YEARS, _FEW = 10_000, 2_000
"""Most simulated years, with stores and without: convolution knows LOLH then, only extremes are asked for."""


def stores_of(plan: SupplyPlan) -> list[tuple[Store, Assumption]]:
    """The stores that a plan builds."""
    return [
        _store(plan, i) for i, plant in enumerate(plan.plants) if plant.storage and is_built(plan, plant.id)
    ]


def simulation_of(system: System, stores: Sequence[Store], *, years: int, error: float = 0.025) -> Simulation:
    """Years of a system in which its stores answer outages; keywords of :func:`simulate`."""
    hours = len(system.need) // system.years
    weights = system.weight.reshape(system.years, hours).mean(1) * system.years
    return simulate(
        system.units,
        system.need + system.discharge,
        share=system.share,
        risk=system.risk,
        hazard=system.hazard,
        first=system.first,
        modes=[(one.units, None if one.all else one.kinds) for one in system.modes],
        stores=stores,
        weather_years=system.years,
        year_weights=weights,
        years=years,
        error=error,
    )


def simulated(plan: SupplyPlan, adequacy: Adequacy) -> Adequacy:
    """``adequacy`` of ``plan`` with a simulation, which gives its figures where there are stores."""
    made = stores_of(plan)
    stores = [store for store, _ in made]
    found = simulation_of(adequacy.system, stores, years=_YEARS if stores else _FEW)
    indices = adequacy.indices
    if stores:
        indices = replace(
            indices,
            hours=found.mean("hours"),
            days=found.mean("days"),
            energy=found.mean("energy"),
        )
    return replace(
        adequacy,
        indices=replace(indices, events=found.mean("events")),
        simulation=found,
        assumptions=(*adequacy.assumptions, *(said for _, said in made)),
    )


def _store(plan: SupplyPlan, i: int) -> tuple[Store, Assumption]:
    """The store of a plan's plant: many small units of which some are always out, or whole ones."""
    plant = plan.plants[i]
    assert plant.storage is not None
    power, energy = plan.capacity[plant.id], plan.storage_energy[plant.id] * plant.storage.mean_energy / HOUR
    if plant.unit_size > 0.0:
        whole = plant_units(plant, power, len(plan.load))
        units, said = whole.units, whole.assumption
    else:
        there, said = mean_availability(plant)
        units = Units(plant.name, 1, power * there, 0.0, repair=1.0)
    start = float(np.clip(plan.state_of_charge[-1, i] / HOUR, 0.0, energy))
    return (
        Store(
            units=units,
            energy=energy,
            charging=plant.storage.charge_efficiency,
            discharging=plant.storage.discharge_efficiency,
            start=start,
            loss=plant.storage.self_discharge,
        ),
        said,
    )
