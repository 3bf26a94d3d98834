"""The adequacy of a plan by simulation: how long and how deep its losses are, and what stores do in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.evidence import Assumption
from gigawatt.power.adequacy.plan import HOUR, Adequacy
from gigawatt.power.adequacy.rows import mean_availability, plant_units
from gigawatt.power.adequacy.simulate import FIGURES, Simulation, Store, simulate, simulated_year
from gigawatt.power.adequacy.system import System, is_built
from gigawatt.power.adequacy.units import Units
from gigawatt.power.plan.result import SupplyPlan

__all__ = ["BadWeek", "bad_week", "simulated", "simulation_of", "stores_of"]

Array = npt.NDArray[np.float64]
_WEEK, _BAD = 168, 0.95
_YEARS, _FEW = 10_000, 2_000
"""Most simulated years, with stores and without: convolution knows LOLH then, only extremes are asked for."""


def stores_of(plan: SupplyPlan) -> list[tuple[Store, Assumption]]:
    """The stores that a plan builds."""
    return [
        _store(plan, i) for i, plant in enumerate(plan.plants) if plant.storage and is_built(plan, plant.id)
    ]


def simulation_of(
    system: System, stores: Sequence[Store], *, years: int, error: float = 0.025, later: int = 0
) -> Simulation:
    """Years of a system in which its stores answer outages; keywords of :func:`simulate`."""
    return simulate(**_asked(system, stores), years=years, error=error, later=later)


def _asked(system: System, stores: Sequence[Store]) -> dict[str, Any]:
    hours = len(system.need) // system.years
    return {
        "units": system.units,
        "need": system.need + system.discharge,
        "share": system.share,
        "risk": system.risk,
        "hazard": system.hazard,
        "first": system.first,
        "modes": [(one.units, None if one.all else one.takes) for one in system.modes],
        "stores": stores,
        "weather_years": system.years,
        "year_weights": system.weight.reshape(system.years, hours).mean(1) * system.years,
    }


@dataclass(frozen=True)
class BadWeek:
    """The worst week of a year as bad as one in twenty, all (168,) in W.

    ``first`` : hour of the year at which it begins. ``load`` : what is asked for. ``other`` : sun, wind, and
    load that is cut. ``there`` : power of each plant's units that are in order, by id; ``stores`` : given by
    each store, charging below 0; ``lacking``.
    """

    first: int
    load: Array
    other: Array
    there: dict[str, Array]
    stores: dict[str, Array]
    lacking: Array


def bad_week(plan: SupplyPlan, adequacy: Adequacy) -> BadWeek:
    """The worst week of the simulated year that one in twenty exceeds; of ``adequacy`` with a simulation."""
    assert adequacy.simulation is not None
    lost = adequacy.simulation.by_year[:, FIGURES.index("energy")]
    year = int(np.argsort(lost, kind="stable")[int(_BAD * (len(lost) - 1))])
    system = adequacy.system
    weather, hours = simulated_year(**_asked(system, [store for store, _ in stores_of(plan)]), year=year)
    count = len(hours)
    here = slice(weather * count, (weather + 1) * count)
    load, need = plan.load[here], (system.need + system.discharge)[here]
    kinds = [one.plant.id for one in system.kinds]
    stores = [p.id for p in plan.plants if p.storage is not None and is_built(plan, p.id)]
    short = hours[:, -1] * count + np.maximum(need - hours[:, :-1].sum(1), -load.max()) / count
    week = np.convolve(short, np.ones(_WEEK), "valid")  # where nothing lacks, the week of least reserve
    first = int(np.argmax(week)) if week.size else 0
    at = slice(first, first + _WEEK)
    return BadWeek(
        first=first,
        load=load[at],
        other=np.maximum(load - need, 0.0)[at],
        there={name: hours[at, i] for i, name in enumerate(kinds)},
        stores={name: hours[at, len(kinds) + i] for i, name in enumerate(stores)},
        lacking=hours[at, -1],
    )


def simulated(plan: SupplyPlan, adequacy: Adequacy, *, years: int | None = None) -> Adequacy:
    """``adequacy`` of ``plan`` with a simulation, which gives its figures where there are stores.

    ``years`` : most years that are simulated; 10,000 with stores and 2,000 without where it is left out.
    """
    made = stores_of(plan)
    stores = [store for store, _ in made]
    found = simulation_of(adequacy.system, stores, years=years or (_YEARS if stores else _FEW))
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
