"""Adequacy of a supply plan: its capacities as whole units that fail, against the load of its hours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import entity
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import HOURS_PER_YEAR, compact, show
from gigawatt.power.adequacy.indices import Indices, convolve
from gigawatt.power.adequacy.maintenance import place_maintenance, units_out
from gigawatt.power.adequacy.rows import PlantUnits, plant_units
from gigawatt.power.adequacy.units import Units
from gigawatt.power.plan.result import SupplyPlan

if TYPE_CHECKING:
    from gigawatt.power.adequacy.simulate import Simulation

__all__ = ["HOUR", "Adequacy", "Nine", "System", "adequacy_of", "is_built", "nines_of", "system_of"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
HOUR, _DAY = 3600.0, 24
_BUILT = 1e-3
"""Below this share of the highest load a capacity is the solver's dust."""
_SOLVED = 1e-6
"""Accuracy of the plan's hours, as a share of the highest load."""
_NINES = (0.99, 0.999, 0.9999, 0.99999)
_MOST_UNITS = 64
"""Further units that are looked at for each nine, in multiples of those that the plan has."""


@dataclass(frozen=True)
class System:
    """What an adequacy study sees of a plan.

    ``kinds`` : plants in whole units. ``need`` (H,) [W] : what these must give, after sun, wind and other
    plants whose mean is there, after stores as planned (``discharge``, (H,)), and after what may be cut.
    ``share``, ``out`` (H, kinds). ``weight`` (H,) : hours of a mean year. ``first`` : day on which each
    unit's maintenance begins.
    """

    kinds: tuple[PlantUnits, ...]
    need: Array = field(repr=False)
    share: Array = field(repr=False)
    out: Ints = field(repr=False)
    weight: Array = field(repr=False)
    first: tuple[Ints, ...] = field(repr=False)
    discharge: Array = field(repr=False)
    years: int = 1

    @property
    def units(self) -> list[Units]:
        """Units by kind."""
        return [one.units for one in self.kinds]

    def indices(self, *, each: bool = False) -> Indices:
        """By convolution: exact where there is no store."""
        return convolve(self.units, self.need, share=self.share, out=self.out, weight=self.weight, each=each)

    def with_more(self, kind: int, count: int) -> System:
        """With further units of a kind; maintenance is placed again."""
        kinds = list(self.kinds)
        units = kinds[kind].units
        kinds[kind] = replace(kinds[kind], units=replace(units, count=units.count + count))
        return _placed(tuple(kinds), self.need, self.weight, self.discharge, self.years)


@dataclass(frozen=True)
class Nine:
    """``count`` further units of ``plant`` for a loss of load in at most ``hours`` a year, at ``cost`` [$ a
    year]; ``None`` where no number of them reaches it."""

    share: float
    plant: str
    count: int | None
    cost: float | None


@dataclass(frozen=True)
class Adequacy:
    """What a plan lacks in a mean year when its plants are whole units that fail.

    ``indices`` : energies in W·h. ``promised`` : share of the energy that the question asks for
    (``asked``), else that the plan serves. ``planned_hours`` : h a year in which the plan itself leaves load
    unserved. ``energy`` : W·h of the load. ``peak`` : W. ``stores`` : whether there are stores; without a
    ``simulation`` they discharge as planned, though outages would make them answer otherwise.
    """

    system: System
    indices: Indices
    promised: float
    planned_hours: float
    asked: bool
    energy: float
    peak: float
    stores: bool
    simulation: Simulation | None = field(default=None, repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)

    @property
    def served(self) -> float:
        """Share of the energy that is served."""
        return 1.0 - self.indices.energy / self.energy

    @property
    def firm(self) -> float:
        """Power of all whole units over the highest load."""
        return sum(one.units.total for one in self.system.kinds) / self.peak

    @property
    def largest(self) -> int | None:
        """The kind of which one unit's outages lose most energy in a year."""
        lost = [energy / one.units.count for one, (_, energy)
                in zip(self.system.kinds, self.indices.while_out, strict=True)]  # fmt: skip
        return int(np.argmax(lost)) if lost else None

    @property
    def worst_words(self) -> str:
        """The unit whose outages lose most: ``gas engine of 20 MW``."""
        return "none" if self.largest is None else unit_words(self.system.kinds[self.largest])

    @property
    def short_words(self) -> str:
        """``short 126 h a year (LOLH), 3.08 GWh not served (EUE)``."""
        found = self.indices
        hours = show(found.hours * HOUR, "h", 3)
        return f"short {hours} a year (LOLH), {compact(found.energy, 'Wh', 3)} not served (EUE)"

    @cached_property
    def words(self) -> str:
        """One sentence: units, what they serve, LOLH and EUE, the unit whose outages lose most."""
        kinds = ", ".join(units_words(one) for one in self.system.kinds)
        head = f"As {kinds} with outages" if kinds else "Without plants in whole units"
        text = f"{head}, {percent(self.served)} % of the energy is served: {self.short_words}"
        if self.indices.hours > 0.0 and self.largest is not None:
            out = 100.0 * self.indices.while_out[self.largest][0]
            text += (
                f"; the outage that loses most is of one {self.worst_words}: while it is out, {out:.3g} % of "
                "hours are short"
            )
        return text

    @property
    def notice(self) -> str | None:
        """A sentence where less is served than was asked for, or hours short are more than is usual."""
        usual = (1.0 - entity("supply_plan", "plan").value("promise")) * float(self.system.weight.sum())
        more = self.indices.hours - self.planned_hours
        if (self.served >= self.promised) if self.asked else (more <= usual):
            return None
        promised = f"{percent(self.promised)} %"
        said = f"{promised} was asked for" if self.asked else f"a mean availability gives {promised}"
        return (
            f"as whole units with outages the plan is {self.short_words}: {percent(self.served)} % of the "
            f"energy is served, where {said}"
        )


def percent(share: float) -> str:
    """A share near 1 with the digits that tell it from 1, never rounded up to it."""
    lost = 1.0 - share
    if lost <= 1e-12:
        return "100"
    digits = min(max(1, math.ceil(-math.log10(lost) - 1e-9) - 1), 9)
    text = f"{math.floor(share * 10 ** (digits + 2) + 1e-6) / 10**digits:.{digits}f}"
    return text.rstrip("0").rstrip(".")


def unit_words(kind: PlantUnits) -> str:
    """``gas engine of 20 MW``."""
    return f"{kind.plant.name} of {compact(kind.units.size, 'W')}"


def units_words(kind: PlantUnits) -> str:
    """``54 × gas engine of 20 MW``."""
    return f"{kind.units.count:,} × {unit_words(kind)}"


def is_built(plan: SupplyPlan, plant: str) -> bool:
    """Whether a plant is more than the solver's dust."""
    return plan.capacity[plant] > _BUILT * float(plan.load.max())


def system_of(plan: SupplyPlan) -> System:
    """The system that a plan builds: whole units rounded up, maintenance placed in its mild days."""
    hours = len(plan.load)
    need = plan.drawn + plan.cut
    if plan.flexible is not None and plan.flexible.cuts:
        need = need - plan.flexible.cut_share * plan.load
    kinds, discharge = list[PlantUnits](), np.zeros(hours)
    for i, plant in enumerate(plan.plants):
        size = plan.capacity[plant.id]
        if not is_built(plan, plant.id):
            continue
        if plant.storage is not None:
            discharge += plan.dispatch[:, i]
        elif plant.kind == "profile" and plant.unit_size == 0.0:
            need = need - size * plant.hourly("availability", hours)
        else:
            kinds.append(plant_units(plant, size, hours, float(plan.dispatch[:, i].mean()) / size))
    need = need - _SOLVED * float(plan.load.max())
    weight = plan.hour_weight * plan.weight * (HOURS_PER_YEAR / plan.hours)
    return _placed(tuple(kinds), need - discharge, weight, discharge, plan.years)


def _placed(
    kinds: tuple[PlantUnits, ...], need: Array, weight: Array, discharge: Array, years: int
) -> System:
    hours = len(need)
    share = np.stack([one.share for one in kinds], axis=1) if kinds else np.zeros((hours, 0))
    days = hours // years // _DAY
    whole = np.array([one.units.total for one in kinds])
    level = (need + (whole * (1.0 - share)).sum(1)).reshape(years, -1)[:, : days * _DAY]
    units = [one.units for one in kinds]
    first = place_maintenance(units, level.reshape(years, days, _DAY).max((0, 2)))
    hourly = np.repeat(units_out(units, first, days), _DAY, axis=0)
    hourly = np.pad(hourly, ((0, hours // years - len(hourly)), (0, 0)))
    return System(kinds, need, share, np.tile(hourly, (years, 1)), weight, first, discharge, years)


def adequacy_of(plan: SupplyPlan) -> Adequacy:
    """Adequacy of a plan by convolution, its stores discharging as planned."""
    system = system_of(plan)
    energy = float((plan.load - plan.cut) @ system.weight)
    lacking = float(plan.not_served @ system.weight) / energy
    limit = plan.not_served_limit
    return Adequacy(
        system=system,
        indices=system.indices(each=True),
        promised=1.0 - (lacking if limit is None else limit),
        planned_hours=float(system.weight @ (plan.not_served > _SOLVED * float(plan.load.max()))),
        asked=limit is not None,
        energy=energy,
        peak=float(plan.load.max()),
        stores=any(is_built(plan, p.id) for p in plan.plants if p.storage is not None),
        assumptions=tuple(one.assumption for one in system.kinds),
    )


def nines_of(adequacy: Adequacy) -> Sequence[Nine]:
    """Further units for each further nine of hours, of the kind whose firm power is cheapest.

    Kinds that may not grow (a connection, a plant at its limit) are left out.
    """
    system, hours = adequacy.system, float(adequacy.system.weight.sum())
    growing = [
        i for i, one in enumerate(system.kinds)
        if one.plant.kind == "dispatchable" and one.plant.maximum >= one.units.total + one.units.size
    ]  # fmt: skip
    if not growing:
        return ()
    kind = min(growing, key=lambda i: _yearly(system.kinds[i]) / (1.0 - system.units[i].forced))
    one, found = system.kinds[kind], list[Nine]()
    most = max(4, _MOST_UNITS // max(1, one.units.count)) * one.units.count
    lost: dict[int, float] = {0: adequacy.indices.hours}

    def enough(count: int, share: float) -> bool:
        if count not in lost:
            lost[count] = system.with_more(kind, count).indices().hours
        return lost[count] <= (1.0 - share) * hours

    least = 0
    for share in _NINES:
        if adequacy.indices.hours <= (1.0 - share) * hours:
            continue
        high = max(1, least)
        while high < most and not enough(high, share):
            least, high = high, min(2 * high, most)
        if not enough(high, share):
            found.append(Nine(share, one.plant.name, None, None))
            break
        while high - least > 1:
            middle = (least + high) // 2
            least, high = (least, middle) if enough(middle, share) else (middle, high)
        found.append(Nine(share, one.plant.name, high, high * one.units.size * _yearly(one)))
        least = high - 1
    return tuple(found)


def _yearly(kind: PlantUnits) -> float:
    """$ per W and year of capital and fixed costs of a further unit."""
    return kind.plant.capital + kind.plant.fixed
