"""Costs and carbon of a fixed supply plan under other prices and another load.

Capacities and dispatch of the plan stay. To first order in prices the cost equals that of a new optimum: the
derivative of an optimum with respect to a price is the quantity bought (envelope theorem).

References
----------
Milgrom & Segal (2002), Envelope theorems for arbitrary choice sets, Econometrica 70(2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gigawatt.power.plan.programme import stand_behind
from gigawatt.power.plan.result import Books, SupplyPlan, plant_books
from gigawatt.power.plants.plant import Plant

__all__ = ["repriced"]

Array = npt.NDArray[np.float64]
_OF_LOAD = ("energy not served", "load cut")
"""Entries of a plan's cost that are no plants."""


def repriced(
    plan: SupplyPlan, *, plants: Sequence[Plant], load: Array | None = None, carbon_price: float = 0.0
) -> SupplyPlan:
    """The plan with costs, carbon and water of other plant data and another load.

    Parameters
    ----------
    plan : SupplyPlan
        Its capacities [W] and dispatch are fixed. Under another load the output of every plant scales with
        the load of the hour, and its capacity with the peak.
    plants : sequence of Plant
        Plants with other prices, carbon or water; a plant of the plan that is missing here keeps its data.
        Their swaps are settled on the load.
    load : (H,), optional
        W, as many hours as the plan's.
    carbon_price : float
        $/kg, as when it was planned.

    Returns
    -------
    SupplyPlan
        With new ``cost``, ``objective``, ``upfront``, ``carbon``, ``construction_carbon`` and ``water``;
        prices and duals are those of ``plan``.
    """
    given = {plant.id: plant for plant in plants}
    grown = np.ones(len(plan.load)) if load is None else load / plan.load
    weights = plan.hour_weight.reshape(plan.years, -1).mean(1)
    now = tuple(
        given.get(plant.id, plant).settled(plan.load * grown, duty=plan.duty, weights=weights)
        for plant in plan.plants
    )
    largest = 1.0 if load is None else float(np.max(load) / np.max(plan.load))
    hourly = grown[:, None]
    held = replace(
        plan,
        plants=now,
        load=plan.load * grown,
        capacity={name: size * largest for name, size in plan.capacity.items()},
        storage_energy={name: size * largest for name, size in plan.storage_energy.items()},
        dispatch=plan.dispatch * hourly,
        charge=plan.charge * hourly,
        state_of_charge=plan.state_of_charge * hourly,
        curtailed=plan.curtailed * hourly,
        not_served=plan.not_served * grown,
        cut=plan.cut * grown,
        cut_steps=plan.cut_steps * hourly,
        reserve=plan.reserve * hourly,
        waiting=plan.waiting * grown,
        sold=plan.sold * hourly,
    )
    books = [_books(held, i, carbon_price) for i in range(len(now))]
    lost = float(np.mean(grown))
    cost = {plant.id: one.cost for plant, one in zip(now, books, strict=True)}
    cost |= {
        name: {part: value * lost for part, value in plan.cost[name].items()}
        for name in _OF_LOAD
        if name in plan.cost
    }
    return replace(
        held,
        cost=cost,
        objective=math.fsum(value for parts in cost.values() for value in parts.values()),
        upfront={plant.id: one.upfront for plant, one in zip(now, books, strict=True)},
        carbon={plant.id: one.carbon for plant, one in zip(now, books, strict=True)},
        construction_carbon={
            plant.id: one.construction_carbon for plant, one in zip(now, books, strict=True)
        },
        water={plant.id: one.water for plant, one in zip(now, books, strict=True)},
    )


def _books(plan: SupplyPlan, i: int, carbon_price: float) -> Books:
    plant = plan.plants[i]
    made = plan.dispatch if plant.kind == "profile" else plan.dispatch + plan.curtailed
    behind = stand_behind(plan.plants).get(i, ())
    return plant_books(
        plant,
        size=plan.capacity[plant.id],
        store=plan.storage_energy.get(plant.id, 0.0),
        output=made[:, i],
        through=made[:, [i, *behind]].sum(1),
        reserve=plan.reserve[:, i],
        sold=plan.sold[:, i],
        hour_weight=plan.hour_weight,
        years=plan.years,
        hours=plan.hours,
        drawn=plan.hours * plan.duty,
        carbon_price=carbon_price,
    )
