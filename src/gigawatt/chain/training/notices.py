"""The chain's last part: notices in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gigawatt.catalog import Entity
from gigawatt.chain.machine.hybrids import training_notices
from gigawatt.chain.machine.sizing import Sizing, of_size
from gigawatt.chain.money import Campus
from gigawatt.chain.registry import training
from gigawatt.chain.site.capacity_chain import permit_notices
from gigawatt.chain.supply.arrivals import Arrivals, lead_time_notices
from gigawatt.chain.supply.flexibility import words_of_flexibility
from gigawatt.chain.training.budget import Held
from gigawatt.chain.training.reliability import Goodput
from gigawatt.chain.training.sizes import Fit
from gigawatt.facility import LoadShape
from gigawatt.facility.power_chain import served_share
from gigawatt.machine import Chip
from gigawatt.money import SECONDS_PER_YEAR
from gigawatt.power import SupplyPlan
from gigawatt.power.adequacy import Adequacy
from gigawatt.workload.architecture import Architecture

__all__ = ["beside_budget", "of_building", "of_caps", "of_supply", "unsold"]

#: A peak below this share of the power given is worth a word.
_WELL_BELOW = 0.95
_DAY = 86400.0
#: A clock above this share of the chip's own is that.
_FULL_CLOCK = 0.9999


@training("study.notices", "")
def notices(
    supply_plan: SupplyPlan,
    supply_adequacy: Adequacy,
    supply_arrivals: Arrivals,
    scenario_year: int,
    model_architecture: Architecture,
    machine_chip: Chip,
    facility_power_peak: float,
    machine_size: Mapping[str, float | None],
    machine_found: Sizing | None,
    machine_held: Held,
    machine_cap: float | None,
    machine_clock: float,
    training_fit: Fit,
    training_reliability: Goodput,
    training_spare: float | None,
    training_duration: float,
    training_runs: int,
    machine_count: int,
    ledger_campus: Campus,
    ledger_budget_left: float | None,
    facility_load: LoadShape,
    training_kept_speed: float,
    site_redundancy: Entity | None,
    load_pause_cost: float | None,
    load_pause_event_cost: float,
    supply_outage_price: float | None,
    supply_flexibility_saves: float | None,
) -> tuple[str, ...]:
    """The notices of a training run.

    Bindings and notices of the supply plan and of the building, lead times, a chip that is not yet sold, what
    a power cap does.
    """
    told = [*unsold(machine_chip, scenario_year), *training_notices(machine_chip, model_architecture)]
    told += machine_held.notices
    if machine_cap is not None:
        own = f"of the {machine_chip.power_limit:.4g} W of {machine_chip.name}"
        told.append(
            f"a power cap of {machine_cap:.4g} W {own} does not change the step"
            if machine_clock > _FULL_CLOCK
            else f"a power cap of {machine_cap:.4g} W {own} leaves {100.0 * machine_clock:.3g} % of its clock"
        )
    told.extend((*training_fit.notices, *training_fit.advice(), *training_reliability.notices))
    if training_spare is not None:
        days = training_spare / _DAY
        told.append(
            f"the deadline: {days:.3g} days to spare"
            if days >= 0.0
            else f"the deadline: {-days:.3g} days too late"
        )
    told.extend(
        outlasts(training_duration, ledger_campus.assets["chips"].life, machine_count // training_runs)
    )
    told.extend(of_size(machine_found, ledger_budget_left))
    told.extend(beside_budget(machine_size.get("power"), facility_power_peak, "these runs draw"))
    told.extend(of_caps(facility_load, f"runs keep {100.0 * training_kept_speed:.4g} % of their speed"))
    told.extend(of_building(facility_load, site_redundancy))
    gives = words_of_flexibility(
        supply_plan, pause_cost=load_pause_cost, event=load_pause_event_cost,
        outage_price=supply_outage_price, saves=supply_flexibility_saves,
    )  # fmt: skip
    told = [*told, *gives] if supply_flexibility_saves is None else [*gives, *told]
    told.extend(of_supply(supply_plan, supply_adequacy, scenario_year, supply_arrivals))
    return tuple(told)


def outlasts(duration: float, life: float, count: int) -> list[str]:
    """Notice of a run of ``duration`` [s] on ``count`` accelerators whose ``life`` [s] is shorter."""
    if duration <= life:
        return []
    return [
        f"the run takes {duration / SECONDS_PER_YEAR:.3g} years, and accelerators are written off after "
        f"{life / SECONDS_PER_YEAR:.3g}: some {math.ceil(count * duration / life):,} of them would end it by "
        "then (training.deadline in place of their number finds it)"
    ]


def of_building(load: LoadShape, redundancy: Entity | None) -> list[str]:
    """Notices of the building: hours beyond the cooling, availability of the power chain."""
    told = list(load.notices)
    if redundancy is not None:
        number = {name: int(redundancy.value(f"power_{name}")) for name in ("units", "spare", "paths")}
        out = 1.0 - served_share(availability=redundancy.value("unit_availability"), **number)
        told.append(
            f"the power chain, {redundancy.text('name')}, carries the full load except for {out:.1g} of "
            "the time, if its units fail independently"
        )
    return told


def of_caps(load: LoadShape, kept: str) -> list[str]:
    """Notices of an oversubscribed facility: when it caps, how deep, what is ``kept``."""
    hours = int((load.allowed < 1.0).sum())
    if not hours:
        return []
    least = 100.0 * float(load.allowed.min())
    told = (
        f"oversubscription: in {hours:,} hours of the year the IT is capped, to {least:.3g} % of what it "
        f"would draw at the least, for {load.peak / 1e6:.4g} MW firm; {kept}"
    )
    if hours == len(load.allowed):
        told += "; a load as flat as this one is capped in every hour, as by machine.power_cap"
    return [told]


def unsold(chip: Chip, year: int) -> list[str]:
    """Notice of a chip that is not yet sold in the scenario's year."""
    if chip.year <= year:
        return []
    return [f"{chip.name} is not sold before {chip.year}; the scenario is for {year}"]


def beside_budget(budget: float | None, peak: float, draw: str) -> list[str]:
    """Notice of a peak power far from the power limit."""
    if budget is None or _WELL_BELOW * budget <= peak <= budget:
        return []
    if peak > budget:
        return [
            f"the facility draws {peak / 1e6:.4g} MW in its highest hour, above the limit of "
            f"{budget / 1e6:.4g} MW"
        ]
    return [f"of {budget / 1e6:.4g} MW, {draw} {peak / 1e6:.4g} MW in their highest hour"]


def of_supply(optimum: SupplyPlan, adequacy: Adequacy, year: int, arrivals: Arrivals) -> list[str]:
    """Notices of the supply plan: notices, bindings, what it lacks with outages, late plants."""
    short = [adequacy.notice] if adequacy.notice else []
    return [
        *optimum.notices,
        *optimum.binding,
        *short,
        *permit_notices(optimum),
        *lead_time_notices(optimum, year, arrivals),
    ]
