"""Further units of a system that fails: of the plant, and as many, as outages are cheapest answered by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from gigawatt.core.errors import InfeasibleError, MissingDataError
from gigawatt.power.adequacy.plan import HOUR, percent
from gigawatt.power.adequacy.rows import PlantUnits, plant_units
from gigawatt.power.adequacy.system import BUILT, Loss, System, yearly_cost
from gigawatt.power.plan.problem import Problem

__all__ = ["OutageTerms", "candidates_of", "fewest", "is_grid", "with_further_units"]

_STEPS, _SPECK = 8, 1e-6
"""Steps in which a connection grows; share of the load that one has which is not there."""
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
class OutageTerms:
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


def candidates_of(problem: Problem, system: System) -> list[PlantUnits]:
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


def is_grid(one: PlantUnits) -> bool:
    """Whether it is a connection: one unit of any size."""
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
        self.most = _STEPS if is_grid(one) else _most(self.system, one)
        self.step = (one.capacity - one.units.size) / _STEPS if is_grid(one) else one.units.size
        self.cost = self.step * yearly_cost(one)
        self._lost, self._known = lost, {0: known}

    def loss(self, count: int) -> Loss:
        if count not in self._known:
            self._known[count] = self._lost(self.grown(count))
        return self._known[count]

    def grown(self, count: int) -> System:
        if not is_grid(self.plant):
            return self.system.with_more(self.kind, count)
        kinds = list(self.system.kinds)
        units = replace(self.plant.units, size=self.plant.units.size + count * self.step)
        kinds[self.kind] = replace(self.plant, capacity=units.size, units=units)
        return self.system.with_kinds(kinds)

    def cost_below(self, bill: float) -> bool:
        """Look at no counts that alone cost more than ``bill``, but the first; whether there are some."""
        most = int(min(bill / self.cost, self.most)) + 1 if self.cost > 0.0 else self.most
        fewer, self.most = most < self.most, min(most, self.most)
        return fewer

    @property
    def least(self) -> float:
        """W·h that the best of those looked at loses."""
        return min(one.most for one in self._known.values())


def with_further_units(
    question: OutageTerms, system: System, lost: Callable[[System], Loss], candidates: Sequence[PlantUnits]
) -> System:
    """The system with the further units that cost least, itself where none are needed.

    ``lost`` : what a system loses in a year.
    """
    known = lost(system)
    if question.limit is not None and question.serves(known, system):
        return system
    best: tuple[float, System] | None = None
    looked = [_Counts(system, one, lost, known) for one in candidates]
    for counts in sorted(looked, key=lambda one: not is_grid(one.plant)):  # a connection has few steps
        dearer = best is not None and counts.cost_below(best[0])
        count = _needed(question, system, counts, likely_most=dearer)
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


def _needed(
    question: OutageTerms, system: System, counts: _Counts, *, likely_most: bool = False
) -> int | None:
    """Further units that are worth their cost, or that a reliability takes; ``None``: no number of them.

    ``likely_most`` : where two units will not do, the most units are looked at next: fewer hardly will.
    """

    def serves(count: int) -> bool:
        return question.serves(counts.loss(count), system)

    def one_too_many(count: int) -> bool:
        if question.worth(counts.loss(count - 1)) < counts.cost:  # nothing lost is the least
            return True
        saved = question.worth(counts.loss(count - 1)) - question.worth(counts.loss(count))
        return saved < counts.cost

    enough = one_too_many if question.limit is None else serves
    likely = not likely_most or any(enough(count) for count in (1, min(2, counts.most), counts.most))
    found = fewest(enough, counts.most) if likely else None
    if question.limit is not None:
        return found
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


def _refuse(question: OutageTerms, system: System, looked: Sequence[_Counts], least: float) -> NoReturn:
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
