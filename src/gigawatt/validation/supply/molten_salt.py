"""The molten-salt reactor beside what was measured at the MSRE and what textbooks give.

The numbers are rows of ``molten_salt_published``. Nothing of ours was fitted to any of them but where a check
says so. What disagrees is left in.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gigawatt.catalog import entity
from gigawatt.power.plants.molten_salt.cost import separative_work
from gigawatt.power.plants.molten_salt.kinetics import natural_flow, simulate
from gigawatt.power.plants.molten_salt.loop import (
    lost_by_group,
    lost_reactivity,
    lost_reactivity_plug,
    neutrons,
    ring,
)
from gigawatt.power.plants.molten_salt.pump import measured, pump_transient
from gigawatt.power.plants.molten_salt.sheet import sheet
from gigawatt.power.plants.molten_salt.system import decay_heat, system
from gigawatt.validation.check import Told

__all__ = [
    "decay_heat",
    "exchanged",
    "group_that_counts",
    "in_the_heads",
    "lost",
    "lost_with_plug_flow",
    "natural",
    "pump_distance",
    "pump_half",
    "pump_peak",
    "rod",
    "separation",
    "sheet",
    "step_distance",
    "step_rise",
    "step_settles",
]

Array = npt.NDArray[np.float64]

_TABLE = "molten_salt_published"


def lost(fuel: str) -> float:
    """Reactivity that the flow takes from the delayed neutrons of a fuel in the MSRE."""
    return lost_reactivity(neutrons(fuel), ring("msre"))


def lost_with_plug_flow(fuel: str) -> float:
    """The same with plug flow in all pipes."""
    return lost_reactivity_plug(neutrons(fuel))


def group_that_counts(fuel: str, group: int) -> float:
    """Delayed neutrons of a group, from 1 on, that the flow leaves."""
    loop = ring("msre")
    return float((neutrons(fuel).fraction - lost_by_group(neutrons(fuel), loop))[group - 1])


def in_the_heads() -> float:
    """Share of the fissions in the heads of the vessel."""
    loop = ring("msre")
    heads = loop.where("lower", "upper")
    return float((loop.source * loop.time)[heads].sum())


def pump_peak() -> tuple[float, float]:
    """(reactivity, time in s) of the rod's peak after the pump's start."""
    ours = pump_transient("startup")
    peak = int(ours.value.argmax())
    return float(ours.value[peak]), float(ours.time[peak])


def rod(name: str, start: float, end: float) -> float:
    """Mean reactivity of the rod between two times [s] of a pump's ``startup`` or ``coastdown``."""
    ours = pump_transient(name)
    return float(ours.value[(ours.time >= start) & (ours.time <= end)].mean())


def pump_half() -> float:
    """Time from the pump's stop until half of the rod's reactivity, s."""
    ours = pump_transient("coastdown")
    return float(np.interp(-0.5 * ours.value[0], -ours.value, ours.time))


def pump_distance(name: str) -> Told:
    """Root mean square distance of the measured curve over the loss by flow."""
    points, ours = measured(name), pump_transient(name)
    off = np.interp(points.time, ours.time, ours.value) - points.value
    loss = entity(_TABLE, "loss").value("u235")
    return Told(float(np.sqrt((off**2).mean())) / loss, note=points.source)


@lru_cache(maxsize=1)
def natural() -> tuple[float, float, float]:
    """(power [W], warming across the vessel [K], flow [m³/s]) of natural circulation as it was measured."""
    row, plant = entity(_TABLE, "natural"), system("msre", fuel="u233")
    power = row.value("power")
    time = np.linspace(0.0, 21600.0, 361)
    knots = np.array([0.0, 1200.0, 4500.0, 8400.0, 11700.0])
    steps = np.interp(np.arange(5), [0, 4], [0.1 * power, power])
    heat = np.interp(time, np.append(knots, time[-1]), np.append(steps, power))
    made = simulate(plant, time=time, power=float(heat[0]), heat=heat, natural=True)
    flow = natural_flow(plant, power) * plant.row.value("flow")
    return float(made.fission[-1]), float(made.outlet[-1] - made.inlet[-1]), flow


@lru_cache(maxsize=8)
def _step(megawatts: int) -> tuple[Array, Array]:
    """(time, rise of the power [W]) after the measured step at a power."""
    row, points = entity(_TABLE, f"step-{megawatts}"), measured(f"step-{megawatts}")
    time = np.concatenate([[0.0], np.linspace(0.1, max(160.0, float(points.time[-1])), 801)])
    size = np.where(time > 0.0, row.value("reactivity"), 0.0)
    plant = system("msre", fuel="u233")
    made = simulate(plant, time=time, power=megawatts * 1e6, reactivity=size)
    return time, made.fission - made.fission[0]


def step_rise(megawatts: int) -> float:
    """Largest rise of the power after the measured step, W."""
    return float(_step(megawatts)[1].max())


def step_distance(megawatts: int) -> Told:
    """Root mean square distance of the measured curve over its peak, ours scaled to fit."""
    (time, rise), points = _step(megawatts), measured(f"step-{megawatts}")
    inside = points.time <= time[-1]
    there = np.interp(points.time[inside], time, rise)
    best = float(there @ points.value[inside] / (there @ there))
    off = best * there - points.value[inside]
    value = float(np.sqrt((off**2).mean())) / float(points.value.max())
    note = f"{points.source}; one scale fitted, since the worth of the rod is uncertain"
    return Told(value, f", our curve scaled by {best:.2f}", note)


def step_settles(megawatts: int) -> float:
    """Time after the step until the rise stays within a fiftieth of its largest, s."""
    time, rise = _step(megawatts)
    return float(time[np.flatnonzero(np.abs(rise) > 0.02 * rise.max())[-1]])


def exchanged(megawatts: int, other: int) -> float:
    """Largest rise of the power were the reactivity that of another step, W.

    Figures 2 and 4 of ORNL-TM-2997 with their reactivities exchanged: a guess, made since at 8 MW the rise
    that is shown is less than the prompt jump of 24.8 pcm.
    """
    size = entity(_TABLE, f"step-{other}").value("reactivity")
    plant, time = system("msre", fuel="u233"), np.concatenate([[0.0], np.linspace(0.1, 60.0, 301)])
    made = simulate(plant, time=time, power=megawatts * 1e6, reactivity=np.where(time > 0.0, size, 0.0))
    return float((made.fission - made.fission[0]).max())


def separation() -> tuple[float, float]:
    """(separative work, natural uranium) of a kg of 3 %."""
    return separative_work(product=0.03, tails=0.002, feed=0.00711)
