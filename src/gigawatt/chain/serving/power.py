"""The serving chain: power of the campus by hour of the day and of the year, by component."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.machine.quantities import Machine
from gigawatt.chain.registry import serving
from gigawatt.chain.serving.day import Day, Profile, Week, power_profile
from gigawatt.chain.serving.service import SPEED

__all__ = ["POWER"]

Array = NDArray[np.float64]

#: Rows of power: those of times, of chips that serve, of nodes.
POWER = (
    *SPEED, "idle_power", "energy_*", "overhead_power", "network_power", "active", "active_share", "byte",
    "byte_share", "flop", "flop_*", "sustained_share", "base_share", "full_overhead",
)  # fmt: skip


@serving("machine.power_day", "", rows=POWER)
def power_day(serving_day: Day, machine_machine: Machine) -> Profile:
    """IT power of the campus by the hour of each kind of day: means, and the highest five minutes.

    Idle power of accelerators that are on + energy of all that they do + nodes + network, the slice that was
    simulated scaled to all replicas.
    """
    return power_profile(serving_day, machine_machine.cluster)


@serving("machine.power_hours", "", rows=POWER)
def power_hours(machine_power_day: Profile, serving_week: Week, scenario_year: int) -> Array:
    """IT power of the campus in every hour of the year.

    The hours of the day, weekdays and days of the weekend as they fall in the year.
    """
    return machine_power_day.of_year(serving_week.of_year(scenario_year))


@serving("machine.power_it", "MW", rows=POWER)
def power_it(machine_power_hours: Array) -> float:
    """Mean IT power of the campus.

    Mean over the hours of the year.
    """
    return float(np.mean(machine_power_hours))


@serving("machine.power_it_peak", "MW", rows=POWER)
def power_it_peak(machine_power_day: Profile) -> float:
    """IT power of the campus in its highest five minutes.

    The hour's course; what swings about it is each replica's own and levels out with their number.
    """
    return float(machine_power_day.peak.max())


@serving("machine.energy", "", rows=POWER)
def energy(machine_power_day: Profile, serving_week: Week, scenario_year: int) -> dict[str, float]:
    """Mean power by component [W]: idle accelerators, their work, nodes, network.

    Means over the days of the year; they add up to the IT power.
    """
    days = np.bincount(serving_week.of_year(scenario_year), minlength=len(serving_week.kinds))
    return {
        name: float(np.average(part.mean(axis=1), weights=days))
        for name, part in machine_power_day.parts.items()
    }


@serving("machine.chip_power", "W", rows=POWER)
def chip_power(machine_energy: Mapping[str, float], machine_count: int) -> float:
    """Mean power of one accelerator.

    (idle + at work) / accelerators
    """
    return (machine_energy["idle"] + machine_energy["at work"]) / machine_count


@serving("serving.energy_token", "J/token", rows=POWER)
def energy_token(machine_power_it: float, serving_throughput: float) -> float:
    """IT energy per output token, its share of prefill included.

    IT power / output tokens a second
    """
    return machine_power_it / serving_throughput
