"""A plan's plants in other hours: capacities stay, only what they do is solved again.

One linear programme as :func:`~gigawatt.power.plan.plan.plan` solves it, in which every plant has the size
that it has. Energy not served has its price, so that there is an answer in a year that is worse than planned
for. A carbon limit is of the plan and not of one year of it: in other hours its shadow price takes its
place, and carbon is more or less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gigawatt.power.plan.plan import solve_problem
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.repriced import repriced
from gigawatt.power.plan.result import SupplyPlan
from gigawatt.power.plants.plant import Plant

__all__ = ["operated"]

Array = npt.NDArray[np.float64]


def operated(
    plan: SupplyPlan,
    *,
    plants: Sequence[Plant],
    load: Array,
    not_served_price: float,
    carbon_price: float = 0.0,
    matching: float | None = None,
    years: int = 1,
) -> SupplyPlan:
    """The plan's capacities, dispatched at least cost through other hours.

    Parameters
    ----------
    plan : SupplyPlan
        Whose capacities [W] and stores [J] stay; ``flexible``, ``duty`` and ``fuel_lines`` are its own.
    plants : sequence of Plant
        Its plants in these hours; one of which it has nothing is left out.
    load : (H,)
        W.
    not_served_price : float
        $/J.
    carbon_price : float
        $/kg that is paid; dispatch counts the ``carbon_value`` of the plan beside it.
    matching : float, optional
        Share of every hour's load that must be clean, as of :func:`~gigawatt.power.plan.plan.plan`.
    years : int
        Weather years that the hours are of.

    Returns
    -------
    SupplyPlan
        Of the plants that are built; its books have their costs in full, whatever they do.

    Raises
    ------
    InfeasibleError
        Plants that must run break the hourly matching.
    """
    built = [plant for plant in plants if plan.capacity.get(plant.id, 0.0) > 0.0]
    problem = Problem(
        load=load,
        plants=tuple(_held(plant, plan, len(load)) for plant in built),
        not_served_price=not_served_price,
        carbon_price=carbon_price,
        years=years,
        flexible=plan.flexible,
        matching=matching,
        duty=plan.duty,
        fuel_lines=plan.fuel_lines,
    )
    found = solve_problem(problem)
    sized = replace(
        found,
        capacity={plant.id: plan.capacity[plant.id] for plant in built},
        storage_energy={
            plant.id: plan.storage_energy[plant.id] for plant in built if plant.storage is not None
        },
        carbon_shadow_price=plan.carbon_shadow_price,
        carbon_value=plan.carbon_value,
        by_mean=plan.by_mean,
    )
    return repriced(sized, plants=built, carbon_price=carbon_price)


def _held(plant: Plant, plan: SupplyPlan, hours: int) -> Plant:
    """The plant at the size that it has, which costs nothing more; its carbon at its value."""
    size, value = plan.capacity[plant.id], plan.carbon_value
    free = {"capital": 0.0, "fixed": 0.0, "credit": 0.0}
    if plant.storage is not None:
        seconds = plan.storage_energy[plant.id] / size
        store = replace(
            plant.storage,
            energy_capital=0.0,
            energy_fixed=0.0,
            credit=0.0,
            duration_min=0.0,
            duration_max=max(seconds, 1.0),
        )
        return replace(plant, minimum=0.0, maximum=size, storage=store, **free)
    priced = plant.variable if not value else plant.variable + value * plant.hourly("carbon", hours)
    return replace(plant, minimum=size, maximum=size, variable=priced, **free)
