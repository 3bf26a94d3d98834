"""A plan in whole units that fail: as many as reliability, or the price of energy not served, asks for.

The linear programme says which plants, at mean availability; its capacities are rounded up to whole units,
and units of the plant whose firm power is cheapest are added, or a connection made larger, until the load is
served as it was asked, by convolution of their outages, or by simulation where stores answer them. The
programme is then solved again with these sizes. Where one unit is much of the load, a plan with one unit less
is made too, from that further ones, and the cheapest of them is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from gigawatt.catalog.loader import entity
from gigawatt.core.errors import InfeasibleError, MissingDataError
from gigawatt.core.quantities import HOURS_PER_YEAR, compact
from gigawatt.power.adequacy.judged import losses_of
from gigawatt.power.adequacy.plan import HOUR, percent
from gigawatt.power.adequacy.rows import PlantUnits, plant_units, unit_size_row
from gigawatt.power.adequacy.system import (
    BUILT,
    Loss,
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

__all__ = ["WHOLE", "fewest", "outage_bill", "plan_whole_units"]

WHOLE = "whole"
"""Value of ``supply.units`` for which plants come in whole units."""

_ROUNDS = 4
"""Times that the programme is solved again before all its sizes are held."""
_LUMP = 0.01
"""Cost of rounding one plant up, as a share of the bill, from which one unit less is tried."""
_LUMPS, _PLANS = 2, 6
"""Plants of which one unit less is tried; plans that are counted in whole units at most."""
_STEPS, _SPECK = 8, 1e-6
"""Steps in which a connection grows; share of the load that one has which is not there."""
_SLIGHT = 0.25
"""Part of a unit below which a plant is not rounded up."""
_KEPT = 1e-9
"""Share of the energy by which a system may miss a reliability: rounding of the convolution."""


def fewest(enough: Callable[[int], bool], most: int, least: int = 0) -> int | None:
    """The least count above ``least`` that is ``enough``; ``None`` where ``most`` is not."""
    high = min(max(1, 2 * least), most)
    while high < most and not enough(high):
        least, high = high, min(2 * high, most)
    if not enough(high):
        return None
    while high - least > 1:
        middle = (least + high) // 2
        least, high = (least, middle) if enough(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class _Question:
    """A problem, and how much energy the units of a plan leave unserved; powers in W, energies in W·h."""

    problem: Problem

    @property
    def limit(self) -> float | None:
        """Share of the energy that may stay unserved, where a reliability is asked for."""
        return self.problem.not_served_limit

    @property
    def price(self) -> float:
        """$ per W·h that outages leave unserved."""
        gives = self.problem.flexible
        if gives is not None and gives.outage_price is not None:
            return gives.outage_price * HOUR
        return self.problem.not_served_price * HOUR

    def worth(self, loss: Loss) -> float:
        """$ a year of the energy and the events that are lost."""
        gives = self.problem.flexible
        event = 0.0 if gives is None else gives.outage_event
        return self.price * loss.energy + event * loss.events

    def energy(self, system: System) -> float:
        """Energy of the load in a mean year."""
        return float(self.problem.watts @ system.weight)

    def counted(self, loss: Loss) -> float:
        """W·h that are lost; where a reliability is asked for the upper end of what is known."""
        return loss.energy if self.limit is None else loss.most

    def serves(self, loss: Loss, system: System) -> bool:
        """Whether a loss is within the reliability that is asked for."""
        return self.limit is None or loss.most <= (self.limit + _KEPT) * self.energy(system)


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
    search = _Search(_Question(asked), solver)
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


def _outages(question: _Question, plan: SupplyPlan) -> float:
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
    return _outages(_Question(problem), plan)


class _Search:
    """The cheapest of plans in whole units, each counted from a plan of free sizes.

    From a plan in which a plant of large units has spare, one leads to that in which it has one unit less
    than its capacity rounded up, and so on, while one with free sizes costs less than the best so far.
    """

    def __init__(self, question: _Question, solver: str) -> None:
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
            plan = solve_problem(fewer, solver=self.solver, rough=self._best is not None)
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


def _counted(question: _Question, start: SupplyPlan, solver: str) -> SupplyPlan:
    """``start`` in whole units, with those that outages ask for, solved again.

    Plans on the way are solved roughly, the one that is returned is not.
    """
    plan, asked = start, replace(question.problem, plants=start.plants)
    for k in range(_ROUNDS):
        system = _within_limits(system_of(plan))
        grown = _grown(question, system, losses_of(plan), _candidates(question.problem, system))
        rounded = any(one.units.total > one.capacity * (1.0 + 1e-9) for one in system.kinds)
        if grown is system and not rounded:
            break
        held = k == _ROUNDS - 1
        asked = _with_units(question.problem, plan, grown, hold=held)
        plan = solve_problem(asked, solver=solver, rough=not held)
    return plan if np.isfinite(plan.bound) else solve_problem(asked, solver=solver)


def _candidates(problem: Problem, system: System) -> list[PlantUnits]:
    """Plants that may have further units: those there, and others that may be built."""
    there = {one.plant.id: one for one in system.kinds}
    found: list[PlantUnits] = []
    for plant in problem.plants:
        if plant.kind != "dispatchable":
            continue
        one = there.get(plant.id)
        if one is None:
            try:
                one = plant_units(plant, max(plant.unit_size, 1.0), len(problem.watts), 0.0)
            except MissingDataError:
                continue
            one = replace(one, capacity=0.0, units=replace(one.units, count=0))
        one = replace(one, plant=plant)  # with the limits of the question
        if plant.maximum >= one.units.total + one.units.size:
            found.append(one)
    return [*_undominated(found), *_connections(problem, there)]


def _connections(problem: Problem, there: Mapping[str, PlantUnits]) -> Iterator[PlantUnits]:
    """Connections that may be larger: ``capacity`` is what they may have, the highest load at most."""
    peak = float(problem.watts.max())
    for plant in problem.plants:
        if plant.kind == "grid":
            one = there.get(plant.id) or plant_units(plant, _SPECK * peak, len(problem.watts))
            most = min(plant.maximum, peak)
            if most > one.units.size + BUILT * peak:
                yield replace(one, plant=plant, capacity=most)


def _is_grid(one: PlantUnits) -> bool:
    return one.plant.kind == "grid"


def _undominated(plants: Sequence[PlantUnits]) -> list[PlantUnits]:
    """Those that no other beats in the price of firm power with units as small."""

    def firm(one: PlantUnits) -> float:
        there = (1.0 - one.units.forced) * (1.0 - one.units.planned) * float(one.share.min())
        return yearly_cost(one) / there if there > 0.0 else np.inf

    found: list[PlantUnits] = []
    for one in sorted(plants, key=lambda one: (firm(one), one.units.size)):
        if all(one.units.size < other.units.size for other in found):
            found.append(one)
    return found


class _Counts:
    """What a system loses with further units of one plant, or a connection that is larger by steps."""

    def __init__(self, system: System, one: PlantUnits, lost: Callable[[System], Loss], known: Loss) -> None:
        self.plant = one
        self.system, self.kind = _with_kind(system, one)
        self.most = _STEPS if _is_grid(one) else _most(self.system, one)
        self.step = (one.capacity - one.units.size) / _STEPS if _is_grid(one) else one.units.size
        self.cost = self.step * yearly_cost(one)
        self._lost, self._known = lost, {0: known}

    def loss(self, count: int) -> Loss:
        if count not in self._known:
            self._known[count] = self._lost(self.grown(count))
        return self._known[count]

    def grown(self, count: int) -> System:
        if not _is_grid(self.plant):
            return self.system.with_more(self.kind, count)
        kinds = list(self.system.kinds)
        units = replace(self.plant.units, size=self.plant.units.size + count * self.step)
        kinds[self.kind] = replace(self.plant, capacity=units.size, units=units)
        return self.system.with_kinds(kinds)

    @property
    def least(self) -> float:
        """W·h that the best of those looked at loses."""
        return min(one.most for one in self._known.values())


def _grown(
    question: _Question, system: System, lost: Callable[[System], Loss], candidates: Sequence[PlantUnits]
) -> System:
    """The system with the further units that cost least, itself where none are needed.

    ``lost`` : what a system loses in a year.
    """
    known = lost(system)
    if question.limit is not None and question.serves(known, system):
        return system
    best: tuple[float, System] | None = None
    looked = [_Counts(system, one, lost, known) for one in candidates]
    for counts in looked:
        count = _needed(question, system, counts)
        if count is None:
            continue
        bill = count * counts.cost
        if question.limit is None:
            bill += question.worth(counts.loss(count))
        if best is None or bill < best[0]:
            best = (bill, counts.grown(count) if count else system)
    if best is None and question.limit is not None:
        _refuse(question, system, looked, min([known.most, *(counts.least for counts in looked)]))
    return system if best is None else best[1]


def _needed(question: _Question, system: System, counts: _Counts) -> int | None:
    """Further units that are worth their cost, or that a reliability takes; ``None``: no number of them."""
    if question.limit is not None:
        return fewest(lambda count: question.serves(counts.loss(count), system), counts.most)

    def one_too_many(count: int) -> bool:
        saved = question.worth(counts.loss(count - 1)) - question.worth(counts.loss(count))
        return saved < counts.cost

    found = fewest(one_too_many, counts.most)
    return counts.most if found is None else found - 1


def _with_kind(system: System, one: PlantUnits) -> tuple[System, int]:
    """(the system with the plant among its kinds, which of them it is)."""
    for i, kind in enumerate(system.kinds):
        if kind.plant.id == one.plant.id:
            return system, i
    return system.with_kind(one), len(system.kinds)


def _most(system: System, one: PlantUnits) -> int:
    """Units of a plant that would carry the load twice over, or that its limit allows."""
    least = max(float(one.share.min()), 0.1) * one.units.size
    enough = 4 + int(np.ceil(2.0 * float(np.max(system.need, initial=0.0)) / least))
    if np.isfinite(one.plant.maximum):
        enough = min(enough, int((one.plant.maximum - one.units.total) / one.units.size + 1e-9))
    return max(enough, 1)


def _refuse(question: _Question, system: System, looked: Sequence[_Counts], least: float) -> NoReturn:
    """Say what the units reach, and what holds them there."""
    limit, energy = question.limit, question.energy(system)
    assert limit is not None
    reached = percent(1.0 - least / energy)
    names = ", ".join(one.plant.plant.id for one in looked)
    lines = [one.units for one in system.modes if not one.all and one.share > limit / 2.0]
    mend = "a higher limit of a plant or a further plant in units, such as gas-engine or diesel"
    if lines:
        mend = f"supply.fuel_lines={lines[0].count + 1} (all hang on the {lines[0].name}), {mend}"
        if any(one.plant.second_fuel and not one.plant.stock for one in system.kinds):
            mend = f"supply.fuel_stock, such as 3 days, {mend}"
    raise InfeasibleError(
        f"no number of units serves {percent(1.0 - limit)} % of the energy when they fail: {reached} % is "
        "reached",
        key="reliability",
        given=f"{percent(1.0 - limit)} %, "
        + (f"further units of {names}" if names else "none of these plants may have further units"),
        allowed=f"at most {reached} %, {mend}",
    )


def _within_limits(system: System) -> System:
    """Units made smaller, or one fewer, where whole ones exceed the plant's limit."""
    kinds = [_within_limit(one) for one in system.kinds]
    if all(new is old for new, old in zip(kinds, system.kinds, strict=True)):
        return system
    return system.with_kinds([one for one in kinds if one.units.count])


def _within_limit(one: PlantUnits) -> PlantUnits:
    most = one.plant.maximum
    if one.units.total <= most * (1.0 + 1e-9) or _is_grid(one):
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
