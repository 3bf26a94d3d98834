"""Adequacy of a supply plan: what its whole units lack when they fail, in figures and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from gigawatt.catalog.loader import entity
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import compact, show
from gigawatt.power.adequacy.indices import Indices
from gigawatt.power.adequacy.rows import PlantUnits
from gigawatt.power.adequacy.system import SOLVED, System, is_built, system_of
from gigawatt.power.plan.result import SupplyPlan

if TYPE_CHECKING:
    from gigawatt.power.adequacy.simulate import Simulation

__all__ = ["HOUR", "Adequacy", "Outage", "adequacy_of", "percent"]

HOUR = 3600.0
_NOTHING = 0.01
"""Part of a unit that is none."""
_KEPT = 1e-9
"""Share of the energy that is the rounding of a convolution."""


@dataclass(frozen=True)
class Outage:
    """``words`` : what is out, ``size`` [W] of a unit; ``short`` : share of hours that are short while it is
    out; ``energy`` [W·h] that its outages lose in a year."""

    id: str
    words: str
    size: float | None
    short: float
    energy: float


@dataclass(frozen=True)
class Adequacy:
    """What a plan lacks in a mean year when its plants are whole units that fail.

    ``indices`` : energies in W·h. ``promised`` : share of the energy that the question asks for
    (``asked``), else that the plan serves. ``planned_hours`` : h a year in which the plan itself leaves load
    unserved. ``energy`` : W·h of the load. ``peak`` : W. ``stores`` : whether there are stores; without a
    ``simulation`` they discharge as planned, though outages would make them answer otherwise. ``by_mean`` : W
    by plant that mean availability would have.
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
    by_mean: Mapping[str, float] = field(default_factory=dict[str, float], repr=False)
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
    def worst(self) -> Outage:
        """The outage, of one unit or of what takes several, that loses most energy in a year."""
        kinds, modes = self.system.kinds, self.system.modes
        found = [
            Outage(one.plant.id, unit_words(one), one.units.size, short, energy / one.units.count)
            for one, (short, energy) in zip(kinds, self.indices.while_out, strict=True)
        ]
        found += [
            Outage(one.units.name, f"the {one.words}", None, short, energy)
            for one, (short, energy) in zip(modes, self.indices.modes_out, strict=True)
        ]
        return max(found, key=lambda one: one.energy)

    def mean_capacity(self, kind: PlantUnits) -> float:
        """W of a plant that mean availability would have."""
        return self.by_mean.get(kind.plant.id, kind.capacity)

    @property
    def short_words(self) -> str:
        """``short 126 h a year (LOLH), 3.08 GWh not served (EUE)``."""
        found = self.indices
        hours = show(found.hours * HOUR, "h", 3)
        return f"short {hours} a year (LOLH), {compact(found.energy, 'Wh', 3)} not served (EUE)"

    @cached_property
    def words(self) -> str:
        """One sentence: units, what they serve, LOLH and EUE, the unit whose outages lose most."""
        kinds = ", ".join(units_words(one, self._spare_words(one)) for one in self.system.kinds)
        head = f"As {kinds} with outages" if kinds else "Without plants in whole units"
        text = f"{head}, {percent(self.served)} % of the energy is served: {self.short_words}"
        worst = self.worst
        if self.indices.hours > 0.0 and worst.energy > 0.0:
            text += (
                f"; the outage that loses most is of {worst.words}: while it is out, "
                f"{100.0 * worst.short:.3g} % of hours are short"
            )
        return text

    def needed(self, kind: PlantUnits) -> int:
        """Units that mean availability would have, rounded up; 0 where it would have next to nothing."""
        units = self.mean_capacity(kind) / kind.units.size
        return 0 if units < _NOTHING else min(kind.units.count, math.ceil(units - 1e-6))

    def _spare_words(self, kind: PlantUnits) -> str:
        """`` (2 in reserve)``: units that mean availability does not need."""
        more = kind.units.count - self.needed(kind)
        if more <= 0:
            return ""
        return " (in reserve)" if more == kind.units.count else f" ({more:,} in reserve)"

    @property
    def notice(self) -> str | None:
        """A sentence where less is served than was asked for, or hours short are more than is usual."""
        usual = (1.0 - entity("supply_plan", "plan").value("promise")) * float(self.system.weight.sum())
        more = self.indices.hours - self.planned_hours
        if (self.served >= self.promised - _KEPT) if self.asked else (more <= usual):
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
    """``one gas engine of 20 MW``."""
    return f"one {kind.plant.name} of {compact(kind.units.size, 'W')}"


def units_words(kind: PlantUnits, spare: str = "") -> str:
    """``54 × gas engine of 20 MW``, and what is said of its spare units."""
    return f"{kind.units.count:,} × {unit_words(kind).removeprefix('one ')}{spare}"


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
        planned_hours=float(system.weight @ (plan.not_served > SOLVED * float(plan.load.max()))),
        asked=limit is not None,
        energy=energy,
        peak=float(plan.load.max()),
        stores=any(is_built(plan, p.id) for p in plan.plants if p.storage is not None),
        by_mean=plan.by_mean or {},
        assumptions=tuple(one.assumption for one in (*system.kinds, *system.modes)),
    )
