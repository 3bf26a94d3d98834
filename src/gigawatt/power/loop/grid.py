"""What the load sees of the grid: the voltages that its own power makes, at one bus or all over a feeder.

The grid answers at once (its transients are over within cycles), so that it is a curve: power of the load →
voltages. It is computed once and looked up at every step of the loop.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_range
from gigawatt.power.loop.feeder import Feeder, solve
from gigawatt.power.seconds.flicker import voltage

__all__ = ["POINTS", "GridCurve", "feeder_grid", "reactive", "thevenin_grid"]

Array = NDArray[np.float64]

POINTS = 65
"""Powers at which a grid is solved; linear between them."""


@dataclass(frozen=True)
class GridCurve:
    """Voltages (K, N) [share of the rated ones] of ``nodes`` for a load of ``power`` (K,) [W], ascending.

    ``scales``: whether the source's voltage may move, which it may where nothing but this load lies behind
    it.
    """

    power: Array
    volts: Array
    nodes: tuple[str, ...]
    scales: bool

    def at(self, power: float, source: float = 1.0) -> Array:
        """(N,) voltages at a power [W] and a voltage of the source, linear between the points."""
        x = float(power) / (source * source)
        knots = self.power
        i = min(max(int(np.searchsorted(knots, x)) - 1, 0), len(knots) - 2)
        share = (x - knots[i]) / (knots[i + 1] - knots[i])
        return source * (self.volts[i] + share * (self.volts[i + 1] - self.volts[i]))

    def slope(self, power: float) -> Array:
        """(N,) change of the voltages with the power [1/W] there, negative where a load pulls them down."""
        i = min(max(int(np.searchsorted(self.power, power)) - 1, 0), len(self.power) - 2)
        return (self.volts[i + 1] - self.volts[i]) / (self.power[i + 1] - self.power[i])

    def ends(self, power: Array, source: Array) -> tuple[Array, Array]:
        """(lowest, highest) voltage (T,) over all nodes at each step."""
        volts = self.all(power, source)
        return volts.min(axis=1), volts.max(axis=1)

    def all(self, power: Array, source: Array) -> Array:
        """(T, N) voltages at each step."""
        x = power / source**2
        i = np.clip(np.searchsorted(self.power, x) - 1, 0, len(self.power) - 2)
        share = (x - self.power[i]) / (self.power[i + 1] - self.power[i])
        rise = self.volts[i + 1] - self.volts[i]
        return source[:, None] * (self.volts[i] + share[:, None] * rise)


def reactive(power_factor: float) -> float:
    """Reactive over active power of a load that lags.

    Raises
    ------
    InputError
        No power factor.
    """
    check_range("power_factor", power_factor, 0.0, 1.0, open_low=True, message="not a power factor")
    return math.sqrt(1.0 / power_factor**2 - 1.0)


def thevenin_grid(
    *,
    most: float,
    short_circuit: float,
    x_over_r: float,
    power_factor: float = 1.0,
    voltage_behind: float = 1.0,
) -> GridCurve:
    """A stiff source behind an impedance: two buses.

    Parameters
    ----------
    most : float
        W that the load may draw; where the connection cannot carry it (its voltage collapses), it is refused.
    short_circuit : float
        VA, at the rated voltage.
    x_over_r, power_factor : float
        Of the grid; of the load, lagging.
    voltage_behind : float
        Voltage of the source, share of the rated one.

    Raises
    ------
    InputError
        As :func:`gigawatt.power.seconds.voltage`.
    """
    knots = np.linspace(0.0, most, POINTS)
    volts = voltage(
        knots / voltage_behind**2, short_circuit=short_circuit, x_over_r=x_over_r, power_factor=power_factor
    )
    return GridCurve(knots, voltage_behind * volts[:, None], ("connection",), scales=True)


def feeder_grid(
    feeder: Feeder, bus: str, *, most: float, power_factor: float = 1.0, without: Collection[str] = ()
) -> GridCurve:
    """All nodes of a feeder with the load, balanced, at one of its buses.

    Parameters
    ----------
    feeder : Feeder
        With its own loads.
    bus : str
        With three phases.
    most : float
        W that the load may draw.
    power_factor : float
        Of the load, lagging.
    without : collection of str
        Buses without loads, whose voltage does not count: :attr:`Feeder.regulated`.

    Raises
    ------
    InputError, InfeasibleError
        No such bus; more than the feeder can carry.
    """
    name, ratio = feeder.check(bus), reactive(power_factor)
    knots = np.linspace(0.0, most, POINTS)
    rows = [solve(feeder, {name: complex(p, p * ratio)}).values for p in knots]
    kept = [i for i, node in enumerate(feeder.nodes) if node.rpartition(".")[0] not in without]
    return GridCurve(knots, np.array(rows)[:, kept], tuple(feeder.nodes[i] for i in kept), scales=False)
