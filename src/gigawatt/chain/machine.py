"""The chain, first part: number of accelerators, their power, and the power provided for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gigawatt.catalog import Entity
from gigawatt.chain.registry import running, training
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import show
from gigawatt.facility import LoadShape, Weather, facility_load, with_pue
from gigawatt.machine import Chip, Cluster, build_cluster
from gigawatt.machine.clocks import clock_model, least_cap

__all__ = ["Machine", "cap_for_power", "cap_within", "design_power", "flat_year", "machine_count", "pue_peak"]

#: Rows that a cap for a power limit follows from.
_HOLDS = (
    "power_limit", "overhead_power", "network_power", "chips", "*_clock", "least_share", "boost_share",
    "knee_share", "voltage_slope", "clocked_idle",
)  # fmt: skip
#: A count at which no node or domain is cut short, for what one accelerator needs.
_WHOLE_NODES = 2**20


@dataclass(frozen=True)
class Machine:
    """The cluster of one run, with its assumptions."""

    cluster: Cluster
    count: int
    assumptions: tuple[Assumption, ...]


@running("machine.cap", "", rows=_HOLDS)
def machine_cap(
    machine_chip: Chip,
    machine_options: Mapping[str, Any],
    machine_size: Mapping[str, Any],
    machine_power_cap: float | None,
    machine_pue_peak: float,
) -> float | None:
    """Largest power of one accelerator, where it is held to less than its own limit [W].

    The cap that is given; where a number of accelerators is given with a power, the cap that keeps all of
    them within it in the hottest hour, if that is less.
    """
    count, limit = machine_size["count"], machine_size["power"]
    if count is None or limit is None:
        return machine_power_cap
    return cap_within(
        chip=machine_chip, options=machine_options, cap=machine_power_cap, count=count, limit=limit,
        pue_peak=machine_pue_peak,
    )[0]  # fmt: skip


@running("machine.design_power", "W", rows=("power_limit", "overhead_power", "network_power", "chips"))
def design_power(machine_chip: Chip, machine_options: Mapping[str, Any], machine_cap: float | None) -> float:
    """IT power provided for one accelerator.

    power limit of the chip, or the cap if that is less + node overhead / chips in a node + network power
    per accelerator
    """
    cluster, _ = build_cluster(chip=machine_chip, count=_WHOLE_NODES, **machine_options)
    node, limit = cluster.node, machine_chip.power_limit
    held = limit if machine_cap is None else min(machine_cap, limit)
    return held + node.overhead_power / node.chips + cluster.network_power


def cap_for_power(
    *, chip: Chip, options: Mapping[str, Any], count: int, limit: float, pue_peak: float
) -> float:
    """Cap of an accelerator [W] with which ``count`` of them stay within ``limit`` [W] at the meter.

    What is left of the limit in the hottest hour without nodes and network; it can be below what an
    accelerator can keep, and below zero.
    """
    return limit / (count * pue_peak) - (design_power(chip, options, None) - chip.power_limit)


def cap_within(
    *, chip: Chip, options: Mapping[str, Any], cap: float | None, count: int, limit: float, pue_peak: float
) -> tuple[float | None, tuple[str, ...]]:
    """(the cap [W] that keeps ``count`` accelerators within ``limit`` [W] at the meter, its notice).

    The given ``cap`` where it is enough.

    Raises
    ------
    InfeasibleError
        No cap is low enough: says how many accelerators fit.
    """
    each = design_power(chip, options, cap)
    most = _affordable(limit, each, pue_peak, 1)
    if each * count * pue_peak <= limit:
        return cap, (f"{show(limit, 'MW')} feeds {most:,} accelerators",) if most > count else ()
    found = cap_for_power(chip=chip, options=options, count=count, limit=limit, pue_peak=pue_peak)
    least = least_cap(clock_model(chip))
    if found < least:
        needed = show(each * count * pue_peak, "MW")
        low = design_power(chip, options, least)
        raise InfeasibleError(
            f"{count} accelerators need {needed} at the meter in the hottest hour ({show(each, 'W')} each "
            f"with node and network, PUE {pue_peak:.3g}), more than any power cap can save",
            key="power",
            given=show(limit, "MW"),
            allowed=f"at most {most} accelerators, {_affordable(limit, low, pue_peak, 1)} with the least cap "
            f"of {show(least, 'W', 3)}, or {needed}",
        )
    held = f"a cap of {show(cap, 'W')}" if cap is not None else "their own limit"
    return found, (
        f"{show(limit, 'MW')} feeds {most:,} accelerators with {held}: all {count:,} fit with a cap of "
        f"{show(found, 'W', 3)} each",
    )


def flat_year(
    weather: Weather, cooling: Entity, redundancy: Entity | None, given_pue: float | None = None
) -> LoadShape:
    """The facility's year under a constant IT load of one watt."""
    flat = np.ones(len(weather.air_temperature()))
    load = facility_load(it_power=flat, weather=weather, cooling=cooling, redundancy=redundancy)
    return with_pue(load, given_pue)


@running("machine.pue_peak", "1")
def pue_peak(
    site_weather: Weather, site_cooling: Entity, site_redundancy: Entity | None, site_pue: float | None
) -> float:
    """PUE in the hottest hour at full load, for sizing.

    Largest hourly PUE of a constant IT load under the site's weather, or the PUE that is given.
    """
    return float(np.max(flat_year(site_weather, site_cooling, site_redundancy, site_pue).pue))


@training("machine.count", "1", rows=("power_limit", "overhead_power", "network_power", "chips"))
def machine_count(
    machine_size: Mapping[str, Any],
    training_runs_given: int,
    machine_design_power: float,
    machine_pue_peak: float,
) -> int:
    """Accelerators of the campus.

    As given; or facility power / (design power × PUE in the hottest hour), rounded down for each run
    to a number with at most four significant binary digits, so that parallel degrees can divide it.
    """
    runs = max(training_runs_given, 1)
    if machine_size["count"] is not None:
        count = int(machine_size["count"])
        if count < runs:
            raise InputError(
                "more runs than accelerators", key="training.runs", given=runs, allowed=f"at most {count}"
            )
        return count
    count = _affordable(machine_size["power"], machine_design_power, machine_pue_peak, runs)
    if not count:
        raise InputError(
            "the power is too small for one accelerator per run",
            key="machine.power",
            given=f"{machine_size['power'] / 1e6:.4g} MW",
            allowed=f"at least {machine_design_power * machine_pue_peak * runs / 1e6:.4g} MW",
        )
    return count


def _affordable(power: float, per_unit: float, pue: float, runs: int) -> int:
    """Accelerators of ``each`` [W] that ``power`` [W] feeds, four significant binary digits a run; or 0."""
    affordable = power / (per_unit * pue) / runs
    if affordable < 1:
        return 0
    step = 2 ** max(0, math.floor(math.log2(affordable)) - 3)
    return int(affordable // step * step) * runs
