"""The chain's last part: what a reader has to know, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from gigawatt.hardware import Chip
from gigawatt.study.chain_supply import lead_time_notices
from gigawatt.study.names import q
from gigawatt.supply import SupplyPlan

__all__: list[str] = []

#: A peak below this share of the power given is worth a word.
_WELL_BELOW = 0.95
#: A clock above this share of the chip's own is that.
_FULL_CLOCK = 0.9999


@q("study.notices", "")
def notices(
    supply_plan: SupplyPlan,
    scenario_year: int,
    machine_chip: Chip,
    facility_power_peak: float,
    machine_size: Mapping[str, float | None],
    machine_power_cap: float | None,
    machine_clock: float,
) -> tuple[str, ...]:
    """What a reader has to know.

    Bindings and notices of the supply plan, lead times, a chip that is not yet sold, what a power cap does.
    """
    told: list[str] = []
    if machine_chip.year > scenario_year:
        told.append(
            f"{machine_chip.name} is not sold before {machine_chip.year}; the scenario is for {scenario_year}"
        )
    if machine_power_cap is not None:
        own = f"of the {machine_chip.power_limit:.4g} W of {machine_chip.name}"
        told.append(
            f"a power cap of {machine_power_cap:.4g} W {own} changes nothing in a step"
            if machine_clock > _FULL_CLOCK
            else f"a power cap of {machine_power_cap:.4g} W {own} leaves {100.0 * machine_clock:.3g} % of "
            "its clock"
        )
    budget = machine_size.get("power")
    if budget is not None and facility_power_peak > budget:
        told.append(
            f"the facility draws {facility_power_peak / 1e6:.4g} MW in its highest hour, "
            f"above the {budget / 1e6:.4g} MW given"
        )
    elif budget is not None and facility_power_peak < _WELL_BELOW * budget:
        told.append(
            f"{budget / 1e6:.4g} MW feed every accelerator at its power limit in the hottest hour; "
            f"these runs draw {facility_power_peak / 1e6:.4g} MW in their highest hour"
        )
    told.extend(supply_plan.notices)
    told.extend(supply_plan.binding)
    told.extend(lead_time_notices(supply_plan, scenario_year))
    return tuple(told)
