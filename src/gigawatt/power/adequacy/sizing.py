"""A plan in whole units that fail: as many as reliability, or the price of energy not served, asks for.

The linear programme says which plants, at mean availability; its capacities are rounded up to whole units,
and units of the plant whose firm power is cheapest are added, or a connection made larger, until the load is
served as it was asked, by convolution of their outages, or by simulation where stores answer them. The
programme is then solved again with these sizes. Where one unit is much of the load, a plan with one unit less
is made too, from that further ones, and the cheapest of them is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InfeasibleError
from gigawatt.core.quantities import HOURS_PER_YEAR, compact
from gigawatt.power.adequacy.further_units import OutageTerms, candidates_of, is_grid, with_further_units
from gigawatt.power.adequacy.judged import losses_of
from gigawatt.power.adequacy.rows import PlantUnits, unit_size_row
from gigawatt.power.adequacy.system import (
    BUILT,
    System,
    is_built,
    system_of,
    yearly_cost,
)  # fmt: skip
from gigawatt.power.plan.kept_optima import KeptOptima, keeping, kept_optima
from gigawatt.power.plan.plan import solve_problem
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.result import SupplyPlan
from gigawatt.power.plants.plant import Plant

__all__ = ["WHOLE", "outage_bill", "plan_whole_units"]

WHOLE = "whole"
"""Value of ``supply.units`` for which plants come in whole units."""

_ROUNDS = 4
"""Times that the programme is solved again before all its sizes are held."""
_LUMP = 0.01
"""Cost of rounding one plant up, as a share of the bill, from which one unit less is tried."""
_LUMPS, _PLANS = 2, 6
"""Plants of which one unit less is tried; plans that are counted in whole units at most."""
_SLIGHT = 0.25
"""Part of a unit below which a plant is not rounded up."""


def plan_whole_units(asked: Problem, *, solver: str = "hours") -> SupplyPlan:
    """The plan of a problem in whole units with outages.

    Units are added while one more saves more energy not served, at its price, than it costs in a year; where
    a reliability is asked for, until the expected energy not served is within it. Sizes of plants without
    units (sun, wind, stores) are found again with them. Marginal prices and what binds are those of the plan
    whose sizes are free.

    ``asked`` and ``solver`` are as for :func:`gigawatt.power.plan`; ``by_mean`` of the plan is W by plant at
    mean availability, before units were counted.

    Raises
    ------
    InfeasibleError
        No number of the units that may be added reaches the reliability; says what they reach.
    """
    with keeping(kept_optima() or KeptOptima()):
        return _whole_units(asked, solver)


def _whole_units(asked: Problem, solver: str) -> SupplyPlan:
    asked = replace(asked, plants=tuple(_for_load(plant, asked) for plant in asked.plants))
    first = solve_problem(asked, solver=solver)
    search = _Search(OutageTerms(asked), solver)
    search.visit(asked, first)
    found = search.found()
    if found is first:
        return first
    return replace(
        found,
        plants=tuple(
            replace(new, minimum=old.minimum, maximum=old.maximum)
            for old, new in zip(asked.plants, found.plants, strict=True)
        ),
        price=first.price,
        carbon_shadow_price=first.carbon_shadow_price,
        binding=first.binding,
        by_mean=first.capacity,
        notices=(*found.notices, *_too_small(first, found)),
    )


def _for_load(plant: Plant, asked: Problem) -> Plant:
    """The plant with units of a part of the load at most, where its row has units as small."""
    if plant.kind == "grid" or (plant.kind != "dispatchable" and plant.unit_size <= 0.0):
        return plant
    row = unit_size_row(plant)
    if row.low is None:
        return plant
    most = float(asked.watts.max()) / entity("supply_plan", "plan").value("units_of_load")
    return replace(plant, unit_size=min(plant.unit_size or row.value, max(row.low, most)))


def _too_small(first: SupplyPlan, found: SupplyPlan) -> list[str]:
    """Notices of plants that would pay, were their limit not below their smallest unit."""
    notices: list[str] = []
    for plant in first.plants:
        if is_built(first, plant.id) and plant.unit_size > 0.0 and plant.maximum < plant.unit_size:
            least = unit_size_row(plant).low or plant.unit_size
            if not is_built(found, plant.id) and plant.maximum < least:
                notices.append(
                    f"{plant.name} is not built: its limit of {compact(plant.maximum, 'W')} is less than its "
                    f"smallest unit of {compact(least, 'W')}; supply.units: any plans without units"
                )
    return notices


def _outages(question: OutageTerms, plan: SupplyPlan) -> float:
    """$ over the plan's hours of what outages add to what the plan itself leaves unserved."""
    system = system_of(plan)
    loss = losses_of(plan)(system)
    more = max(question.counted(loss) - float(plan.not_served @ system.weight), 0.0)
    return question.worth(replace(loss, energy=more)) * plan.hours / HOURS_PER_YEAR


def outage_bill(plan: SupplyPlan) -> float:
    """$ over a plan's hours of what outages leave unserved, at what its load loses by them.

    Of a plan whose ``flexible`` has an ``outage_price``; without one 0.
    """
    if plan.flexible is None or plan.flexible.outage_price is None:
        return 0.0
    problem = Problem(
        load=plan.load, plants=plan.plants, not_served_price=plan.flexible.outage_price,
        flexible=plan.flexible, years=plan.years,
    )  # fmt: skip
    return _outages(OutageTerms(problem), plan)


class _Search:
    """The cheapest of plans in whole units, each counted from a plan of free sizes.

    From a plan in which a plant of large units has spare, one leads to that in which it has one unit less
    than its capacity rounded up, and so on, while one with free sizes costs less than the best so far.
    """

    def __init__(self, question: OutageTerms, solver: str) -> None:
        self.question, self.solver, self.left = question, solver, _PLANS
        self._best: tuple[float, SupplyPlan] | None = None
        self._failed: InfeasibleError | None = None

    def found(self) -> SupplyPlan:
        """The cheapest; raises why the first could not be where none could."""
        if self._best is None:
            assert self._failed is not None
            raise self._failed
        return self._best[1]

    def visit(self, asked: Problem, plan: SupplyPlan) -> bool:
        """Count a plan of ``asked`` and those with fewer units; whether one of them could be.

        One that needs a slight part of a further unit is not counted itself where that without it can be.
        """
        kinds = sorted(system_of(plan).kinds, key=lambda one: -one.spare * yearly_cost(one))[:_LUMPS]
        worth = _LUMP * plan.objective * HOURS_PER_YEAR / plan.hours
        lumps = [
            one
            for one in kinds
            if one.spare * yearly_cost(one) >= worth
            and one.plant.minimum <= (one.units.count - 1) * one.units.size
        ]
        slight = [one for one in lumps if one.units.size - one.spare < _SLIGHT * one.units.size]
        if slight and self._visit_less(asked, slight):
            return True
        could = self._count(plan)
        for one in lumps:
            if one not in slight:
                could |= self._visit_less(asked, [one])
        return could

    def _visit_less(self, asked: Problem, kinds: Sequence[PlantUnits]) -> bool:
        fewer = _with_one_less(asked, kinds)
        try:
            rough = self._best is not None  # a guess decides what is left out then: it is by a sample
            plan = solve_problem(fewer, solver=self.solver, rough=rough, varied=not rough)
        except InfeasibleError:
            return False
        if self._best is not None and plan.objective >= self._best[0]:
            return True
        return self.visit(fewer, plan)

    def _count(self, start: SupplyPlan) -> bool:
        if self.left <= 0 and self._best is not None:
            return True
        self.left -= 1
        try:
            found = _counted(self.question, start, self.solver)
            bill = found.objective + _outages(self.question, found)
        except InfeasibleError as error:
            self._failed = self._failed or error
            return False
        if self._best is None or bill < self._best[0]:
            self._best = (bill, found)
        return True


def _with_one_less(asked: Problem, kinds: Sequence[PlantUnits]) -> Problem:
    """The problem in which each of these plants has one unit less than a plan gives it."""
    less = {one.plant.id: one.units for one in kinds}
    plants = tuple(
        replace(plant, maximum=(one.count - 1) * one.size, unit_size=one.size)
        if (one := less.get(plant.id)) is not None
        else plant
        for plant in asked.plants
    )
    return replace(asked, plants=plants)


def _counted(question: OutageTerms, start: SupplyPlan, solver: str) -> SupplyPlan:
    """``start`` in whole units, with those that outages ask for, solved again.

    Plans on the way are solved roughly, the one that is returned is not.
    """
    plan, asked = start, replace(question.problem, plants=start.plants)
    for k in range(_ROUNDS):
        system = _within_limits(system_of(plan))
        grown = with_further_units(question, system, losses_of(plan), candidates_of(question.problem, system))
        rounded = any(one.units.total > one.capacity * (1.0 + 1e-9) for one in system.kinds)
        if grown is system and not rounded:
            break
        held = k == _ROUNDS - 1
        asked = _with_units(question.problem, plan, grown, hold=held)
        plan = solve_problem(asked, solver=solver, rough=not held)
    return plan if np.isfinite(plan.bound) else solve_problem(asked, solver=solver)


def _within_limits(system: System) -> System:
    """Units made smaller, or one fewer, where whole ones exceed the plant's limit."""
    kinds = [_within_limit(one) for one in system.kinds]
    if all(new is old for new, old in zip(kinds, system.kinds, strict=True)):
        return system
    return system.with_kinds([one for one in kinds if one.units.count])


def _within_limit(one: PlantUnits) -> PlantUnits:
    most = one.plant.maximum
    if one.units.total <= most * (1.0 + 1e-9) or is_grid(one):
        return one
    size, least = most / one.units.count, unit_size_row(one.plant).low
    if least is None or size >= least:
        return replace(one, units=replace(one.units, size=size))
    return replace(one, units=replace(one.units, count=one.units.count - 1))


def _with_units(asked: Problem, plan: SupplyPlan, system: System, *, hold: bool) -> Problem:
    """The problem with the units of a system as capacities; ``hold`` also holds all other sizes."""
    units = {one.plant.id: one for one in system.kinds}
    plants = list[Plant]()
    for plant in asked.plants:
        one = units.get(plant.id)
        if one is not None:
            size = max(one.units.total, plant.minimum)
            unit = one.units.size if plant.kind != "grid" else plant.unit_size
            plants.append(replace(plant, minimum=size, maximum=size, unit_size=unit))
        elif plant.storage is None and not _is_free(plant):
            plants.append(replace(plant, maximum=max(plant.minimum, 0.0)))
        elif hold:
            plants.append(_held(plant, plan))
        else:
            plants.append(plant)
    return replace(asked, plants=tuple(plants))


def _is_free(plant: Plant) -> bool:
    """Whether a plant comes in any size: sun and wind."""
    return plant.kind == "profile" and plant.unit_size == 0.0


def _held(plant: Plant, plan: SupplyPlan) -> Plant:
    size = plan.capacity[plant.id]
    if size <= BUILT * float(plan.load.max()) or plant.storage is None:
        return replace(plant, minimum=max(size, plant.minimum), maximum=max(size, plant.minimum))
    duration = plan.storage_energy[plant.id] / size
    store = replace(plant.storage, duration_min=duration, duration_max=max(duration, 1.0))
    return replace(plant, minimum=size, maximum=size, storage=store)
