"""A radial or meshed feeder in three phases: the voltages of all its nodes for the loads at its buses.

Every branch is an admittance between the phases of two buses, so that unbalanced lines, single phases and
regulators are one case. Constant impedances are part of the admittances; loads of constant power and constant
current are currents that follow the voltage, found by fixed point:

    V = Z · (I(V) − Y_source · V_source),   Z the inverse of the admittances of all nodes but the source's.

It converges wherever the feeder can carry its load, and says so where it cannot.

References
----------
Kersting, Distribution System Modeling and Analysis, CRC (lines, regulators, loads of the IEEE feeders). Chen
et al., Distribution system power flow analysis: a rigid approach, IEEE Trans. Power Delivery 6(3), 1991 (the
fixed point with the inverse).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InfeasibleError, InputError, nearest

__all__ = ["Branch", "Feeder", "Load", "Voltages", "solve"]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

_PHASES = "abc"
_TURN = {"a": 0.0, "b": -2.0 * math.pi / 3.0, "c": 2.0 * math.pi / 3.0}
_FREQUENCY = 60.0
_CLOSE, _ROUNDS = 1e-9, 300
_SWITCH = 1e-4
"""Ohm of a closed switch."""


@dataclass(frozen=True)
class Branch:
    """Between two buses: a line, a switch, a transformer or a regulator, on ``phases`` such as ``"abc"``.

    Of a line ``impedance`` (n, n) [ohm] and ``capacitance`` (n, n) [F], in all. Of a transformer or regulator
    ``leakage`` (R + jX, share of its rating), ``rating`` [VA], rated line ``voltages`` [V] of both sides and
    the ``tap`` by which the far side is raised. A switch has neither.
    """

    start: str
    end: str
    phases: str
    impedance: Complex | None = None
    capacitance: Array | None = None
    leakage: complex = 0.0
    rating: float = 0.0
    voltages: tuple[float, float] = (0.0, 0.0)
    tap: float = 1.0


@dataclass(frozen=True)
class Load:
    """``power`` [VA] (P + jQ) at a bus, ``connection`` ``wye`` or ``delta`` on ``phases``, in equal parts.

    ``kind``: ``power`` (constant), ``current`` (goes with the voltage), ``impedance`` (with its square),
    given at the line voltage ``voltage`` [V].
    """

    bus: str
    phases: str
    connection: str
    kind: str
    power: complex
    voltage: float


@dataclass(frozen=True)
class Voltages:
    """Magnitudes (N,), shares of the rated ones, by ``nodes`` such as ``"671.a"``; the rounds it took."""

    nodes: tuple[str, ...]
    values: Array
    rounds: int

    def of(self, bus: str) -> Array:
        """Those of one bus, phase by phase."""
        return self.values[[i for i, node in enumerate(self.nodes) if node.rpartition(".")[0] == bus]]


@dataclass(frozen=True)
class Feeder:
    """Branches and loads behind a stiff source of line voltage ``voltage`` [V] times ``source_voltage``."""

    name: str
    voltage: float
    source: str
    source_voltage: float
    branches: tuple[Branch, ...]
    loads: tuple[Load, ...]

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Nodes behind the source, in the order of the branches."""
        found = {
            f"{bus}.{phase}": None
            for one in self.branches
            for bus in (one.start, one.end)
            for phase in one.phases
            if bus != self.source
        }
        return tuple(found)

    @cached_property
    def buses(self) -> tuple[str, ...]:
        """Buses behind the source that have all three phases."""
        names = dict.fromkeys(node.rpartition(".")[0] for node in self.nodes)
        return tuple(bus for bus in names if all(f"{bus}.{p}" in self.index for p in _PHASES))

    @cached_property
    def regulated(self) -> frozenset[str]:
        """Buses right behind a regulator, raised for those far behind it: no load is there."""
        return frozenset(
            one.end for one in self.branches if one.rating > 0.0 and one.voltages[0] == one.voltages[1]
        )

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of a node in :attr:`admittance`."""
        every = [*self.nodes, *(f"{self.source}.{phase}" for phase in _PHASES)]
        return {node: i for i, node in enumerate(every)}

    @cached_property
    def base(self) -> Array:
        """Rated phase voltage (N,) [V] of every node: the far side of a transformer has its own."""
        rated = {self.source: self.voltage}
        for _ in self.branches:
            for one in self.branches:
                ratio = one.voltages[1] / one.voltages[0] if one.rating else 1.0
                if one.start in rated:
                    rated.setdefault(one.end, rated[one.start] * ratio)
                elif one.end in rated:
                    rated.setdefault(one.start, rated[one.end] / ratio)
            if len(rated) == len({bus for one in self.branches for bus in (one.start, one.end)}):
                break
        return np.array([rated[node.rpartition(".")[0]] for node in self.nodes]) / math.sqrt(3.0)

    @cached_property
    def admittance(self) -> Complex:
        """(N + 3, N + 3) [1/ohm], the source's three phases last."""
        n = len(self.index)
        y = np.zeros((n, n), dtype=np.complex128)
        for one in self.branches:
            at = [self.index[f"{bus}.{p}"] for bus in (one.start, one.end) for p in one.phases]
            y[np.ix_(at, at)] += _primitive(one)
        for load in self.loads:
            if load.kind == "impedance":
                for pair, power, rated in _parts(load):
                    value = power.conjugate() / rated**2
                    i = self.index[f"{load.bus}.{pair[0]}"]
                    y[i, i] += value
                    if len(pair) == 2:
                        j = self.index[f"{load.bus}.{pair[1]}"]
                        y[j, j] += value
                        y[i, j] -= value
                        y[j, i] -= value
        return y

    @cached_property
    def inverse(self) -> Complex:
        """(N, N) [ohm]: volts at the nodes for amperes into them."""
        n = len(self.nodes)
        return np.asarray(np.linalg.inv(self.admittance[:n, :n]), dtype=np.complex128)

    @cached_property
    def unloaded(self) -> Complex:
        """(N,) [V]: what the source alone makes of the nodes."""
        n, peak = len(self.nodes), self.voltage / math.sqrt(3.0) * self.source_voltage
        source = np.array([peak * np.exp(1j * _TURN[p]) for p in _PHASES])
        return -self.inverse @ (self.admittance[:n, n:] @ source)

    @cached_property
    def drawn(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Complex, Array, Array]:
        """Loads that are no impedance: node, other node (−1: earth), power, rated volts, exponent."""
        rows = [
            (self.index[f"{load.bus}.{pair[0]}"],
             self.index[f"{load.bus}.{pair[1]}"] if len(pair) == 2 else -1,
             power, rated, 1.0 if load.kind == "current" else 0.0)
            for load in self.loads if load.kind != "impedance" for pair, power, rated in _parts(load)
        ]  # fmt: skip
        columns = list(zip(*rows, strict=True)) if rows else [(), (), (), (), ()]
        return (
            np.array(columns[0], dtype=np.intp), np.array(columns[1], dtype=np.intp),
            np.array(columns[2], dtype=np.complex128), np.array(columns[3]), np.array(columns[4]),
        )  # fmt: skip

    def check(self, bus: str) -> str:
        """The bus as it is written here; one without three phases is an ``InputError``."""
        known = {name.lower(): name for name in self.buses}
        if bus.lower() not in known:
            raise InputError(
                f"no bus of {self.name} with three phases", key="feeder", given=bus, allowed=self.buses,
                nearest=nearest(bus, self.buses),
            )  # fmt: skip
        return known[bus.lower()]


def _primitive(one: Branch) -> Complex:
    """(2n, 2n) admittances of a branch, its start first."""
    n = len(one.phases)
    if one.rating > 0.0:
        share = one.rating / n if n > 1 else one.rating
        y = np.eye(n) * (share / (one.voltages[1] / math.sqrt(3.0)) ** 2 / one.leakage)
        ratio = one.voltages[0] / one.voltages[1] / one.tap
        return np.block([[y / ratio**2, -y / ratio], [-y / ratio, y]]).astype(np.complex128)
    z = np.eye(n, dtype=np.complex128) * _SWITCH if one.impedance is None else one.impedance
    series = np.linalg.inv(z)
    shunt = np.zeros((n, n), dtype=np.complex128)
    if one.capacitance is not None:
        shunt = 1j * math.pi * _FREQUENCY * one.capacitance.astype(np.complex128)
    return np.block([[series + shunt, -series], [-series, series + shunt]]).astype(np.complex128)


def _parts(load: Load) -> Sequence[tuple[str, complex, float]]:
    """(phase or pair of phases, power, rated volts) of each part of a load."""
    if load.connection == "wye":
        rated = load.voltage / math.sqrt(3.0)
        return [(p, load.power / len(load.phases), rated) for p in load.phases]
    pairs = ["ab", "bc", "ca"] if len(load.phases) == 3 else [load.phases]
    return [(pair, load.power / len(pairs), load.voltage) for pair in pairs]


def solve(feeder: Feeder, site: Mapping[str, complex] | None = None) -> Voltages:
    """Voltages of all nodes.

    Parameters
    ----------
    feeder : Feeder
        With its own loads.
    site : mapping, optional
        Bus with three phases → balanced constant power [VA] (P + jQ) drawn there besides.

    Raises
    ------
    InputError
        No such bus.
    InfeasibleError
        The feeder cannot carry this load.
    """
    node, other, power, rated, slope = feeder.drawn
    for bus, drawn in (site or {}).items():
        name = feeder.check(bus)
        at = np.array([feeder.index[f"{name}.{p}"] for p in _PHASES])
        node, other = np.append(node, at), np.append(other, [-1, -1, -1])
        power, slope = np.append(power, np.full(3, drawn / 3.0)), np.append(slope, np.zeros(3))
        rated = np.append(rated, feeder.base[at])
    z, alone = feeder.inverse, feeder.unloaded
    earth, paired = other < 0, other >= 0
    volts = alone
    for number in range(1, _ROUNDS + 1):
        across = volts[node] - np.where(earth, 0.0, volts[other])
        amperes = np.conj(power * (np.abs(across) / rated) ** slope / across)
        current = np.zeros(len(volts), dtype=np.complex128)
        np.subtract.at(current, node, amperes)
        np.add.at(current, other[paired], amperes[paired])
        found = alone + z @ current
        moved = float(np.max(np.abs(found - volts) / feeder.base))
        volts = found
        if moved < _CLOSE:
            return Voltages(feeder.nodes, np.abs(volts) / feeder.base, number)
        if not moved < 1e3:
            break
    asked = sum((abs(x) for x in (site or {}).values()), 0.0)
    raise InfeasibleError(
        "the feeder cannot carry this load: its voltage collapses", key=feeder.name,
        given=f"{asked / 1e6:.4g} MVA besides its own loads", allowed="less, or a bus nearer the source",
    )  # fmt: skip
