"""What outages act on: whole units of a plan, what they must give each hour, what takes several at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.adequacy.common import CommonMode, common_modes, with_modes
from gigawatt.power.adequacy.indices import Indices, convolve
from gigawatt.power.adequacy.maintenance import place_maintenance, units_out
from gigawatt.power.adequacy.rows import PlantUnits, plant_units
from gigawatt.power.adequacy.units import Units
from gigawatt.power.plan.result import SupplyPlan

__all__ = [
    "BUILT",
    "SOLVED",
    "Loss",
    "System",
    "by_convolution",
    "is_built",
    "system_of",
    "yearly_cost",
]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_DAY = 24
BUILT = 1e-3
"""Below this share of the highest load a capacity is the solver's dust."""
SOLVED = 1e-6
"""Accuracy of the plan's hours, as a share of the highest load."""


@dataclass(frozen=True)
class System:
    """What an adequacy study sees of a plan.

    ``kinds`` : plants in whole units. ``need`` (H,) [W] : what these must give, after sun, wind and other
    plants whose mean is there, after stores as planned (``discharge``, (H,)), and after what may be cut.
    ``share``, ``out``, ``risk``, ``hazard`` (H, kinds). ``weight`` (H,) : hours of a mean year. ``first`` :
    day on which each unit's maintenance begins. ``modes`` : what takes several units at once, one of each
    fuel's ``fuel_lines``.
    """

    kinds: tuple[PlantUnits, ...]
    need: Array = field(repr=False)
    share: Array = field(repr=False)
    out: Ints = field(repr=False)
    weight: Array = field(repr=False)
    first: tuple[Ints, ...] = field(repr=False)
    discharge: Array = field(repr=False)
    risk: Array = field(repr=False)
    hazard: Array = field(repr=False)
    modes: tuple[CommonMode, ...] = ()
    fuel_lines: int = 1
    years: int = 1

    @property
    def units(self) -> list[Units]:
        """Units by kind."""
        return [one.units for one in self.kinds]

    def indices(self, *, each: bool = False) -> Indices:
        """By convolution: exact where there is no store."""
        if not self.modes:
            return self.convolved(frozenset(), each=each)
        return with_modes(self.modes, self.need, self.weight, lambda gone: self.convolved(gone, each=each))

    def convolved(self, gone: frozenset[int], *, each: bool = False, need: Array | None = None) -> Indices:
        """By convolution without common modes and the kinds ``gone``; of another ``need`` (H,) [W]."""
        units = [replace(one, count=0) if i in gone else one for i, one in enumerate(self.units)]
        load = self.need if need is None else need
        return convolve(
            units, load, share=self.share, out=self.out, risk=self.risk, weight=self.weight, each=each
        )

    def with_more(self, kind: int, count: int) -> System:
        """With further units of a kind; maintenance is placed again."""
        kinds = list(self.kinds)
        units = kinds[kind].units
        kinds[kind] = replace(kinds[kind], units=replace(units, count=units.count + count))
        return self.with_kinds(kinds)

    def with_kind(self, one: PlantUnits) -> System:
        """With a further kind; maintenance is placed again."""
        return self.with_kinds([*self.kinds, one])

    def with_kinds(self, kinds: Sequence[PlantUnits]) -> System:
        """With other units; maintenance is placed again."""
        return _placed(tuple(kinds), self.need, self.weight, self.discharge, self.fuel_lines, self.years)


def is_built(plan: SupplyPlan, plant: str) -> bool:
    """Whether a plant is more than the solver's dust."""
    return plan.capacity[plant] > BUILT * float(plan.load.max())


def system_of(plan: SupplyPlan) -> System:
    """The system that a plan builds: whole units rounded up, maintenance placed in its mild days."""
    hours = len(plan.load)
    need = plan.drawn + plan.cut
    if plan.flexible is not None and plan.flexible.outage_price is not None:
        need = plan.drawn  # an outage is paid for, be the load cut or off
    elif plan.flexible is not None and plan.flexible.cuts:
        need = need - plan.flexible.share * plan.load
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
    need = need - SOLVED * float(plan.load.max())
    weight = plan.hour_weight * plan.weight * (HOURS_PER_YEAR / plan.hours)
    return _placed(tuple(kinds), need - discharge, weight, discharge, plan.fuel_lines, plan.years)


def _placed(
    kinds: tuple[PlantUnits, ...],
    need: Array,
    weight: Array,
    discharge: Array,
    fuel_lines: int,
    years: int,
) -> System:
    hours = len(need)
    share, risk, hazard = (
        np.stack([getattr(one, name) for one in kinds], axis=1) if kinds else np.zeros((hours, 0))
        for name in ("share", "risk", "hazard")
    )
    days = hours // years // _DAY
    whole = np.array([one.units.total for one in kinds])
    level = (need + (whole * (1.0 - share)).sum(1)).reshape(years, -1)[:, : days * _DAY]
    units = [one.units for one in kinds]
    first = place_maintenance(units, level.reshape(years, days, _DAY).max((0, 2)))
    hourly = np.repeat(units_out(units, first, days), _DAY, axis=0)
    hourly = np.pad(hourly, ((0, hours // years - len(hourly)), (0, 0)))
    return System(
        kinds=kinds,
        need=need,
        share=share,
        out=np.tile(hourly, (years, 1)),
        weight=weight,
        first=first,
        discharge=discharge,
        risk=risk,
        hazard=hazard,
        modes=common_modes(kinds, fuel_lines),
        fuel_lines=fuel_lines,
        years=years,
    )


@dataclass(frozen=True)
class Loss:
    """``hours`` [h] and ``energy`` [W·h] lost in a mean year; ``most`` : upper end of its 95 % interval;
    ``events`` a year, where they are asked for."""

    hours: float
    energy: float
    most: float
    events: float = 0.0


def by_convolution(system: System, *, events: bool = False) -> Loss:
    """What a system loses, its stores discharging as planned; ``events`` as well where they are asked for.

    Events of units without a time to repair are not known: none are counted.
    """
    found = system.indices(each=events)
    return Loss(found.hours, found.energy, found.energy, found.events or 0.0)


def yearly_cost(kind: PlantUnits) -> float:
    """$ per W and year: capital and fixed cost of a further unit."""
    return kind.plant.capital + kind.plant.fixed
