"""From the racks to the substation: which power each stage is rated for, in how many units.

Three powers are never one: racks and UPS carry the nameplate (and for milliseconds more), transformers the
nameplate at the meter, the substation and what feeds it the highest hour that runs. Each stage has a share of
its rating that it may carry for long, a power factor and spare units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gigawatt.catalog import Entity, entity
from gigawatt.facility.load import LoadShape

__all__ = ["TABLE", "Stage", "building_stages", "substation"]

TABLE = "capacity_chain"
_PARTS = 4
"""A stage has at least so many units, as far as its row has units as small."""


@dataclass(frozen=True)
class Stage:
    """One stage of the way of the power.

    ``follows`` : which power it is rated for, in words; ``power`` [W]. ``limit`` : share of the rating of the
    units in service that it may carry. ``units`` of ``size`` [VA] are needed, ``spare`` more are there;
    ``paths`` times all that. ``note`` : what else it must do.
    """

    id: str
    name: str
    follows: str
    power: float
    limit: float
    units: int
    spare: int
    size: float
    paths: int = 1
    note: str = ""

    @property
    def installed(self) -> float:
        """VA of all units."""
        return (self.units + self.spare) * self.paths * self.size

    @property
    def over(self) -> float:
        """Installed VA over W carried."""
        return self.installed / self.power


def building_stages(
    load: LoadShape, *, redundancy: Entity | None = None, nameplate: float | None = None
) -> tuple[Stage, ...]:
    """Racks, UPS, transformers and substation of a facility.

    Parameters
    ----------
    load : LoadShape
        Its hours; ``nameplate`` at the meter where it is known.
    redundancy : Entity, optional
        Row of ``cooling_redundancy``: units, spare units and paths of power; N+1 where left out.
    nameplate : float, optional
        W at the racks with every node at its rating; the highest hour of IT where left out.
    """
    spares = entity("cooling_redundancy", "n+1") if redundancy is None else redundancy
    at_racks = float(load.it.max()) if nameplate is None else nameplate
    known = "nameplate" if nameplate is not None else "highest hour of IT"
    entering = "nameplate at the meter" if nameplate is not None else "highest hour at the meter"
    short = entity(TABLE, "racks").value("short_peak")
    at_meter = load.peak if load.nameplate is None else max(load.nameplate, load.peak)
    found = [
        _stage("racks", "rack feeders", known, at_racks, spares, None,
               f"{short:.3g} × for milliseconds, from rack supplies and UPS"),
        _stage("ups", "UPS modules", known, at_racks, spares, "power"),
        _stage("transformer", "transformers to low voltage", entering, at_meter, spares,
               "power"),
    ]  # fmt: skip
    return (*found, substation(load.peak))


def substation(peak: float) -> Stage:
    """Transformers from high voltage: for the highest hour [W] at the meter, one of them spare."""
    return _stage("substation", "transformers from high voltage", "highest hour that runs", peak, None, None)


def _stage(
    row: str, name: str, follows: str, power: float, spares: Entity | None, part: str | None, note: str = ""
) -> Stage:
    one = entity(TABLE, row)
    size, limit, factor = one.evidence("unit_size"), one.value("load_limit"), one.value("power_factor")
    rated = power / limit / factor
    unit = min(size.value, max(size.low or size.value, rated / _PARTS))
    units = math.ceil(rated / unit - 1e-9)
    paths = 1 if spares is None else round(spares.value("power_paths"))
    spare = round(one.get("spare", 0.0) or 0.0)
    if part is not None and spares is not None:
        spare = math.ceil(units * spares.value(f"{part}_spare") / spares.value(f"{part}_units") - 1e-9)
    return Stage(row, name, follows, power, limit, units, spare, unit, paths, note)
