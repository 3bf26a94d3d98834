"""Following a load: how fast a reactor may change, and the smallest store that lets it follow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power.plants.molten_salt.kinetics import Transient, simulate
from gigawatt.power.plants.molten_salt.system import System

__all__ = ["Following", "Store", "follow", "ramp_limit", "smallest_store"]

Array = npt.NDArray[np.float64]

_WINDOW = 300.0  # s: thick metal feels the mean of this, not the second
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Store:
    """The smallest store: ``energy`` J that it holds, ``supply`` (T,) W before it, ``level`` (T,) J in it."""

    energy: float
    supply: Array
    level: Array


@dataclass(frozen=True)
class Following:
    """A load that was followed, (T,) arrays.

    ``load`` W ; ``turbine`` W of electricity ; ``buffer`` J of electricity that the fastest steps need ;
    ``heat`` W of the reactors ; ``salt`` J of heat that the salt store holds ; ``salt_level`` J ; ``reactor``
    the transient of one unit ; ``units`` ; ``within`` : whether all temperatures and their rates kept their
    limits (rates to 5 %) ; ``margins`` : K to the upper and lower limit, share of the rate's limit left.
    """

    time: Array
    load: Array
    turbine: Array
    buffer: float
    heat: Array
    salt: float
    salt_level: Array
    reactor: Transient
    units: int
    within: bool
    margins: tuple[float, float, float]


def smallest_store(
    time: npt.ArrayLike, load: npt.ArrayLike, *, ramp: float, low: float, high: float
) -> Store:
    """The smallest lossless store behind which a supply that ramps slowly meets a load, day after day.

    A linear programme: least capacity such that the level stays within it and ends where it began. Many
    supplies may need the same store; one of them is given.

    Parameters
    ----------
    time, load : (T,)
        s, rising; W.
    ramp : float
        W/s, the most that the supply changes, >= 0.
    low, high : float
        W, limits of the supply.

    Raises
    ------
    InputError
        Wrong shapes, a negative ramp.
    InfeasibleError
        The mean load is outside the supply's limits: no store helps.

    References
    ----------
    Dantzig 1963 (linear programming); solved with HiGHS (Huangfu and Hall 2018).
    """
    instants, wanted = np.asarray(time, dtype=float), np.asarray(load, dtype=float)
    if instants.ndim != 1 or wanted.shape != instants.shape or len(instants) < 2:
        raise InputError(
            "one load an instant", key="load", given=str(wanted.shape), allowed=str(instants.shape)
        )
    steps = np.diff(instants)
    if not np.all(steps > 0.0):
        raise InputError("times must rise", key="time", allowed="at least two instants in s")
    if not ramp >= 0.0:
        raise InputError("a ramp below 0", key="ramp", given=ramp, allowed="at least 0 W/s")
    between = (wanted[1:] + wanted[:-1]) / 2.0
    mean = float(between @ steps / steps.sum())
    if not low <= mean <= high * (1.0 + _ROUNDING):
        raise InfeasibleError(
            "no store helps: the mean load is outside what the supply can give",
            key="load",
            given=f"{mean:g} W",
            allowed=f"{low:g} to {high:g} W",
        )
    unit = max(high, 1.0)
    count = len(instants)
    fits = np.all((wanted >= low) & (wanted <= high)) and np.all(
        np.abs(np.diff(wanted)) <= ramp * steps * (1.0 + _ROUNDING)
    )
    if fits:
        return Store(0.0, wanted.copy(), np.zeros(count))
    span = float(steps.sum())
    balance, limits = _matrices(steps / span / 2.0)
    right = np.append(-between * steps / span / unit, 0.0)
    most = np.concatenate([np.tile(ramp * steps / unit, 2), np.zeros(count)])
    cost = np.zeros(2 * count + 1)
    cost[-1] = 1.0
    bounds = [(low / unit, high / unit)] * count + [(0.0, None)] * (count + 1)
    found: Any = import_module("scipy.optimize").linprog(
        cost, A_ub=limits, b_ub=most, A_eq=balance, b_eq=right, bounds=bounds, method="highs"
    )
    if found.x is None:
        raise InfeasibleError("no store helps: the supply cannot follow", key="ramp", given=f"{ramp:g} W/s")
    best: Array = np.asarray(found.x, dtype=float)
    supply, level = best[:count] * unit, best[count : 2 * count] * unit * span
    return Store(float(best[-1]) * unit * span, supply, level)


def _matrices(share: Array) -> tuple[Any, Any]:
    """(rows of the store's balance, rows of ramps and capacity) of T instants, sparse.

    Unknowns are supply (T), level (T) and capacity; power in a unit, energy in units × span. ``share``
    (T − 1,): half of each step over the span.
    """
    coo_matrix: Any = import_module("scipy.sparse").coo_matrix
    count = len(share) + 1
    rows, levels, ones = np.arange(count - 1), np.arange(count), np.ones(count - 1)
    balance = coo_matrix(
        (
            np.concatenate([-share, -share, ones, -ones, [1.0, -1.0]]),
            (
                np.concatenate([rows, rows, rows, rows, [count - 1, count - 1]]),
                np.concatenate([
                    rows, rows + 1, count + rows + 1, count + rows, [count, 2 * count - 1],
                ]),
            ),
        ),
        shape=(count, 2 * count + 1),
    )  # fmt: skip
    limits = coo_matrix(
        (
            np.concatenate([ones, -ones, -ones, ones, np.ones(count), -np.ones(count)]),
            (
                np.concatenate(
                    [rows, rows, rows + count - 1, rows + count - 1, *(2 * [levels + 2 * count - 2])]
                ),
                np.concatenate([rows + 1, rows, rows + 1, rows, count + levels, np.full(count, 2 * count)]),
            ),
        ),
        shape=(3 * count - 2, 2 * count + 1),
    )
    return balance, limits


def ramp_limit(plant: System, *, rate: float | None = None, depth: float = 0.6) -> float:
    """The fastest steady change of heat that thick metal stands, 1/s of rated power.

    Ramps from full power down to 1 - ``depth`` are simulated; the answer is found by secants to 0.5 %.

    Parameters
    ----------
    plant : System
        A reactor.
    rate : float, optional
        K/s; the design's by default, > 0.
    depth : float
        Share of the power that is given up, [0.05, 0.9].

    Raises
    ------
    InputError
        A rate or depth out of range.

    References
    ----------
    ORNL-TM-728 (100 °F/h for slow heating of the vessel).
    """
    limit = plant.row.value("temperature_rate") if rate is None else rate
    check_range("rate", limit, 0.0, 1.0, "K/s", open_low=True, message="rate of temperature out of range")
    check_range("depth", depth, 0.05, 0.9, message="depth of a ramp out of range")

    def felt(ramp: float) -> float:
        length = depth / ramp
        time = np.linspace(0.0, length + 1800.0, 241)
        heat = plant.power * np.clip(1.0 - ramp * time, 1.0 - depth, 1.0)
        made = simulate(plant, time=time, power=plant.power, heat=heat, tolerance=1e-5)
        return float(_sustained(made).max())

    slow, fast = 1e-5, 0.02
    low, high = math.log(felt(slow) / limit), math.log(felt(fast) / limit)
    if low >= 0.0:
        raise InputError(
            "the rate allows no ramp", key="rate", given=limit, allowed=f"above {felt(slow):.3g} K/s"
        )
    if high <= 0.0:
        return fast
    start, end = math.log(slow), math.log(fast)
    for turn in range(25):
        middle = start - low * (end - start) / (high - low) if turn % 3 else (start + end) / 2.0
        value = math.log(felt(math.exp(middle)) / limit)
        if abs(value) < 0.005:
            return math.exp(middle)
        if value < 0.0:
            start, low = middle, value
        else:
            end, high = middle, value
    return math.exp(start)


def follow(
    plant: System,
    *,
    time: npt.ArrayLike,
    load: npt.ArrayLike,
    units: int | None = None,
    ramp: float | None = None,
    ramp_turbine: float | None = None,
    minimum_load: float | None = None,
) -> Following:
    """Follow a load with reactors, a salt store and what electricity must be buffered for the fastest steps.

    The turbine stands behind the salt: it follows the load as fast as it may, and what is faster is for a
    buffer of electricity. The reactors follow the turbine as fast as their metal may, and the rest is for the
    salt. Both stores are the smallest that do. Then one reactor is simulated under its share of the heat.

    Parameters
    ----------
    plant : System
        A reactor with a turbine.
    time, load : (T,)
        s, rising; W of electricity, >= 0.
    units : int, optional
        Reactors; by default as many as the peak needs.
    ramp, ramp_turbine : float, optional
        1/s of capacity; by default :func:`ramp_limit` and the design's.
    minimum_load : float, optional
        Least power over capacity, [0, 1]; by default the design's turbine.

    Raises
    ------
    InputError
        A design without turbine; a load that is negative.
    InfeasibleError
        More load than the units give, or less than their least.

    References
    ----------
    :func:`smallest_store`, :func:`ramp_limit`, :func:`gigawatt.power.plants.molten_salt.kinetics.simulate`.
    """
    row = plant.row
    efficiency = row.value("efficiency")
    if efficiency <= 0.0:
        raise InputError("this reactor has no turbine", key="design", given=plant.design)
    instants, wanted = np.asarray(time, dtype=float), np.asarray(load, dtype=float)
    if wanted.ndim != 1 or not (np.all(np.isfinite(wanted)) and float(wanted.min()) >= 0.0):
        raise InputError("a load below 0 or none", key="load", allowed="at least 0 W at each instant")
    one = efficiency * plant.power
    count = max(1, math.ceil(float(wanted.max()) / one - _ROUNDING)) if units is None else units
    least = row.value("turbine_minimum") if minimum_load is None else minimum_load
    if count < 1 or not 0.0 <= least <= 1.0:
        raise InputError("units or least load out of range", key="units", given=count, allowed="1 or more")
    capacity = one * count
    quick = row.value("turbine_ramp") if ramp_turbine is None else ramp_turbine
    slow = ramp_limit(plant) if ramp is None else ramp
    fast = smallest_store(instants, wanted, ramp=quick * capacity, low=0.0, high=capacity)
    most = capacity / efficiency
    salt = smallest_store(instants, fast.supply / efficiency, ramp=slow * most, low=least * most, high=most)
    share = np.clip(salt.supply / count, 0.0, plant.power)
    made = simulate(
        plant, time=instants, power=float(share[0]), heat=share, rods_at=plant.power, tolerance=1e-5
    )
    high = row.value("maximum_temperature") - float(made.outlet.max())
    low = float(np.minimum(made.inlet, made.outlet).min()) - row.value("minimum_temperature")
    left = 1.0 - float(_sustained(made).max()) / row.value("temperature_rate")
    return Following(
        time=instants,
        load=wanted,
        turbine=fast.supply,
        buffer=fast.energy,
        heat=salt.supply,
        salt=salt.energy,
        salt_level=salt.level,
        reactor=made,
        units=count,
        within=high >= 0.0 and low >= 0.0 and left >= -0.05,
        margins=(high, low, left),
    )


def _sustained(made: Transient) -> Array:
    """(places, T) K/s: mean rate over a window, at the hot and the cold end of both loops."""
    found: list[Array] = []
    for kelvin in (made.inlet, made.outlet, made.coolant_hot, made.coolant_cold):
        later = np.interp(made.time + _WINDOW, made.time, kelvin)
        inside = made.time + _WINDOW <= made.time[-1]
        found.append(np.where(inside, np.abs(later - kelvin) / _WINDOW, 0.0))
    whole = max(float(made.time[-1] - made.time[0]), _WINDOW)
    if made.time[-1] - made.time[0] < _WINDOW:
        found = [np.array([np.ptp(k) / whole]) for k in (made.inlet, made.outlet, made.coolant_hot)]
    return np.stack(found)
