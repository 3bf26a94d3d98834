"""From the plants to the racks: units, ratings and spares of every stage of a campus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gigawatt.catalog import Entity, entity, table
from gigawatt.chain.registry import load_alone, running
from gigawatt.core.quantities import compact
from gigawatt.facility import LoadShape
from gigawatt.facility.capacity_chain import TABLE, Stage, building_stages
from gigawatt.power import SupplyPlan
from gigawatt.power.adequacy import BUILT, Adequacy

__all__ = ["CHAIN_COLUMNS", "chain_rows", "permit_notices", "source_stages"]

_HOUR, _MEGA = 3600.0, 1e6
CHAIN_COLUMNS = ("stage", "name", "follows", "power [MW]", "may carry []", "units", "spare", "paths",
                 "unit [MVA]", "installed [MVA]", "note")  # fmt: skip


def source_stages(plan: SupplyPlan, adequacy: Adequacy) -> tuple[Stage, ...]:
    """Connection and plants in whole units; of an island, what starts it from black.

    Generators are rated in VA at their power factor; a connection at what it asks for.
    """
    generator, peak = entity(TABLE, "generator"), float(plan.load.max())
    island = all(one.plant.kind != "grid" for one in adequacy.system.kinds)
    found: list[Stage] = []
    for one in adequacy.system.kinds:
        units, grid = one.units, one.plant.kind == "grid"
        factor = entity(TABLE, "substation" if grid else "generator").value("power_factor")
        needed = max(1, adequacy.needed(one))
        note = ""
        if island and one is adequacy.system.kinds[0]:
            start = generator.value("start_power") * units.size
            note = f"black start of one unit: {compact(start, 'W')} from engines or batteries of their own"
        found.append(
            Stage(
                one.plant.id, one.plant.name, "highest hour that runs, outages counted", peak, 1.0, needed,
                units.count - needed, units.size / factor, note=note,
            )
        )  # fmt: skip
    whole, factor = {one.plant.id for one in adequacy.system.kinds}, generator.value("power_factor")
    for plant in plan.plants:
        size = plan.capacity[plant.id]
        if plant.id not in whole and size > BUILT * peak:  # sun, wind, stores: of any size
            found.append(Stage(plant.id, plant.name, "its own capacity", size, 1.0, 1, 0, size / factor))
    return tuple(found)


def chain_rows(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Rows of :data:`CHAIN_COLUMNS`."""
    values = (
        (one.id, one.name, one.follows, one.power / _MEGA, one.limit, one.units, one.spare, one.paths,
         one.size / _MEGA, one.installed / _MEGA, one.note)
        for one in stages
    )  # fmt: skip
    return [dict(zip(CHAIN_COLUMNS, row, strict=True)) for row in values]


def permit_notices(plan: SupplyPlan) -> list[str]:
    """Plants that run longer than what their kind is usually allowed."""
    energy, notices = plan.energy(), list[str]()
    for plant in plan.plants:
        row = table(TABLE).get(plant.id)
        if row is None or "permit_hours" not in row.numbers:
            continue
        most = row.evidence("permit_hours")
        size = plan.capacity[plant.id]
        hours = energy[plant.id] / size / _HOUR if size > 0.0 else 0.0
        if energy[plant.id] > 0.0 and hours * _HOUR > most.value:
            notices.append(
                f"{plant.name} run {hours:,.0f} h a year at full load, above the {most.value / _HOUR:.0f} h "
                "that emergency engines are usually allowed: they need a permit of their own"
            )
    return notices


@running("facility.capacity_chain", "")
def capacity_chain(
    facility_load: LoadShape,
    machine_nameplate: float,
    machine_count: int,
    site_redundancy: Entity | None,
    supply_plan: SupplyPlan,
    supply_adequacy: Adequacy,
) -> tuple[Stage, ...]:
    """What each stage from plants to racks is rated for, in how many units with how many spare.

    power / (share of the rating that may be carried × power factor) / rating of a unit, rounded up, + spares.
    """
    return (
        *source_stages(supply_plan, supply_adequacy),
        *reversed(building_stages(
            facility_load, redundancy=site_redundancy, nameplate=machine_nameplate * machine_count
        )),
    )  # fmt: skip


@load_alone("facility.capacity_chain", "")
def capacity_chain_of_load(
    facility_building: LoadShape,
    site_redundancy: Entity | None,
    supply_plan: SupplyPlan,
    supply_adequacy: Adequacy,
) -> tuple[Stage, ...]:
    """What each stage from plants to racks is rated for, in how many units with how many spare.

    power / (share of the rating that may be carried × power factor) / rating of a unit, rounded up, + spares.
    """
    return (
        *source_stages(supply_plan, supply_adequacy),
        *reversed(building_stages(facility_building, redundancy=site_redundancy)),
    )
