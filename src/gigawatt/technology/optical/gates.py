"""Optical gates as transfer functions, and whether one can drive the next: gain, restored levels, bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import entity, table
from gigawatt.core.checks import check_range, check_word
from gigawatt.technology.optical.absorber import PLANCK_REDUCED
from gigawatt.technology.optical.activations import load_activation
from gigawatt.technology.optical.kerr import LIGHT
from gigawatt.workload.operations import Array

__all__ = [
    "TABLE",
    "Gate",
    "Levels",
    "Verdict",
    "levels",
    "list_gates",
    "load_gate",
    "verdict",
    "with_amplifier",
]

TABLE = "optical_elements"
_GRID = 4001
_MOST = 2.0  # inputs are looked at up to twice the level that switches
_WIDEST = 0.9
_MOST_INPUTS = 16  # an optical fan-out beyond this is not asked for


@dataclass(frozen=True)
class Gate:
    """One gate; powers are in units of the input that switches it.

    Attributes
    ----------
    id, name : str
    transfer : callable
        Input ≥ 0 → output, arrays.
    drive : float
        Largest output over the input that switches.
    supplied : bool
        Whether the gate has light of its own, which is set so that a following input gets what switches it.
    loss : float
        Share of the light that reaches the next gate, above 0, at most 1.
    noise : float
        Root mean square of a level, relative to it, that each stage adds.
    floor : float
        Light of the dark state, relative to the high output.
    inverts : bool
        Whether more light in can mean less light out: without it no complete logic.
    isolated : bool
        Whether what happens behind the gate stays behind it.
    photons : float
        Of the input that switches, in the time of one operation.
    energy, time : float [J, s]
        Of one operation; light and electricity.
    """

    id: str
    name: str
    transfer: Callable[[Array], Array] = field(repr=False)
    drive: float
    supplied: bool
    loss: float
    noise: float
    floor: float
    inverts: bool
    isolated: bool
    photons: float
    energy: float
    time: float

    def stage(self, power: ArrayLike, fan_out: float = 1.0) -> Array:
        """What of an input arrives at the input of one of ``fan_out`` following gates."""
        share = self.loss / fan_out
        if self.supplied:
            share = min(share, 1.0 / self.drive)
        return share * self.transfer(np.asarray(power, dtype=float))


@dataclass(frozen=True)
class Levels:
    """Where a long chain of equal gates ends up.

    Attributes
    ----------
    low, high : float
        The two stable inputs; equal where there is only one.
    between : float
        The unstable one that separates them.
    margin : float
        Distance of the nearer level to ``between`` over that of the levels; 0 with one level.
    """

    low: float
    high: float
    between: float
    margin: float


@dataclass(frozen=True)
class Verdict:
    """Miller's criteria, computed or read.

    Attributes
    ----------
    gain : float
        Largest slope from the input of a stage to that of the next.
    levels : Levels
        With the fan-out that was asked for.
    fan_out : int
        Most inputs that an output can drive with two levels left.
    bias_tolerance : float
        Share by which all light may be off, both ways, with two levels left.
    inverts, isolated : bool
    fails : tuple of str
        What is missing, in words; empty: cascadable.
    """

    gain: float
    levels: Levels
    fan_out: int
    bias_tolerance: float
    inverts: bool
    isolated: bool
    fails: tuple[str, ...]

    @property
    def cascadable(self) -> bool:
        """Whether nothing is missing."""
        return not self.fails


def list_gates() -> list[str]:
    """Ids of the gates that have a transfer function."""
    rows = table(TABLE).values()
    return [row.id for row in rows if row.text("kind") == "gate" and row.text("transfer")]


def load_gate(id: str, **changes: float) -> Gate:
    """The gate called ``id``; ``drive``, ``loss`` [dB], ``noise``, ``floor`` may be replaced.

    Inputs of a passive gate are in thresholds of its device. A gate with its own supply opens as sin² of the
    light that turns its interferometer.

    Parameters
    ----------
    id : str
        Of :func:`list_gates`.
    **changes : float
        Each ≥ 0.

    Raises
    ------
    InputError
        No such gate, an unknown or negative number.
    """
    row = entity(TABLE, id)
    check_word("gate", row.id, list_gates(), "this gate has no transfer function")
    known = ("drive", "loss", "noise", "floor")
    for key, value in changes.items():
        check_word(row.id, key, known, "no such number of a gate")
        check_range(f"{row.id}.{key}", value, 0.0)

    def number(key: str, otherwise: float) -> float:
        own = row.get(key, otherwise)
        return float(changes.get(key, otherwise if own is None else own))

    floor, drive = number("floor", 0.0), number("drive", 1.0)
    kind, rules = row.text("transfer"), entity(TABLE, "criteria")
    if kind == "interferometer":

        def transfer(power: Array) -> Array:
            return drive * (floor + (1.0 - floor) * np.sin(0.5 * np.pi * power) ** 2)

        named = row.text("device")
        if named:
            device = load_activation(named)
            energy, time, light = device.energy, device.time, device.threshold_energy
        else:
            energy, time, light = row.value("energy"), row.value("time"), row.value("switch_energy")
    else:
        device = load_activation(kind)
        energy, time, light = device.energy, device.time, device.threshold_energy

        def transfer(power: Array) -> Array:
            return drive * (device.relative(power) + floor * np.minimum(power, 1.0))

    return Gate(
        id=row.id,
        name=row.text("name", row.id),
        transfer=transfer,
        drive=drive,
        supplied=kind == "interferometer",
        loss=10.0 ** (-number("loss", 0.0) / 10.0),
        noise=number("noise", 0.0),
        floor=floor,
        inverts=kind == "interferometer",
        isolated=row.text("isolated") == "yes",
        photons=light / (2.0 * np.pi * PLANCK_REDUCED * LIGHT / rules.value("wavelength")),
        energy=float(energy),
        time=float(time),
    )


def levels(gate: Gate, fan_out: float = 1.0, light: float = 1.0) -> Levels:
    """Levels that a chain of ``gate`` keeps: fixed points of a stage with slopes within ±1.

    Parameters
    ----------
    gate : Gate
        Any.
    fan_out : float
        ≥ 1.
    light : float
        All light over what it should be, above 0.

    Raises
    ------
    InputError
        A fan-out below 1, light that is not above 0.

    References
    ----------
    Miller 2010, Nature Photonics 4, 3, box 1 (logic-level restoration); Hill 1968 (noise margins from
    repeated stages).
    """
    check_range("fan_out", fan_out, 1.0, message="not a fan-out")
    check_range("light", light, 0.0, open_low=True, message="not a share of light")
    p = np.linspace(0.0, _MOST, _GRID)
    out = light * gate.stage(p, fan_out)
    gap = out - p
    slope = np.gradient(out, p)
    places = np.flatnonzero(np.sign(gap[:-1]) != np.sign(gap[1:]))
    points: list[tuple[float, float]] = [(0.0, float(slope[1]))] if gap[0] == 0.0 else []
    for i in places:
        if gap[i] == 0.0:  # met from the left already, or the dark state
            continue
        step = float(gap[i] / (gap[i] - gap[i + 1]))
        place = float(p[i] + step * (p[i + 1] - p[i]))
        points.append((place, float(slope[i] + step * (slope[i + 1] - slope[i]))))
    stable = [point for point, bend in points if abs(bend) < 1.0]
    if len(stable) < 2:
        only = stable[0] if stable else 0.0
        return Levels(only, only, only, 0.0)
    low, high = stable[0], stable[1]
    inside = [point for point, bend in points if low < point < high and abs(bend) >= 1.0]
    between = inside[0] if inside else 0.5 * (low + high)
    return Levels(low, high, between, min(between - low, high - between) / (high - low))


def verdict(gate: Gate, fan_out: int | None = None) -> Verdict:
    """Whether ``gate`` can be cascaded, criterion by criterion.

    Parameters
    ----------
    gate : Gate
        Any.
    fan_out : int, optional
        Inputs that an output must drive; that of the catalog's ``criteria`` if left out.

    Raises
    ------
    InputError
        A fan-out below 1.

    References
    ----------
    Miller 2010, box 1: cascadability, fan-out, logic-level restoration, input and output isolation, absence
    of critical biasing, level independent of loss.
    """
    rules = entity(TABLE, "criteria")
    wanted = int(rules.value("fan_out")) if fan_out is None else fan_out
    found = levels(gate, wanted)
    p = np.linspace(0.0, _MOST, _GRID)
    gain = float(np.max(np.gradient(gate.stage(p), p)))
    most = max((n for n in range(1, _MOST_INPUTS + 1) if levels(gate, n).margin > 0.0), default=0)
    tolerance = _tolerance(gate, wanted) if found.margin > 0.0 else 0.0
    checks = (
        (gain >= 1.0, f"gain {gain:.2g} below 1: a stage weakens every change"),
        (most >= wanted, f"drives {most} inputs with two levels left, not {wanted}"),
        (found.margin > 0.0, f"no two levels are restored at a fan-out of {wanted}"),
        (
            tolerance >= rules.value("bias_tolerance"),
            f"light may be off by {100.0 * tolerance:.1f} % only: critical biasing",
        ),
        (gate.inverts, "no inversion: no complete logic"),
        (gate.isolated, "no isolation of input and output"),
    )
    fails = tuple(words for holds, words in checks if not holds)
    return Verdict(gain, found, most, tolerance, gate.inverts, gate.isolated, fails)


def _tolerance(gate: Gate, fan_out: int) -> float:
    """Largest share by which light may be off, up and down, with two levels left; by bisection."""

    def holds(share: float) -> bool:
        return all(levels(gate, fan_out, 1.0 + sign * share).margin > 0.0 for sign in (-1.0, 1.0))

    low, high = 0.0, _WIDEST
    if holds(high):
        return high
    for _ in range(12):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def with_amplifier(gate: Gate, gain: float, saturation: float) -> Gate:
    """``gate`` followed by an optical amplifier whose output saturates: g·p/(1 + g·p/s).

    Parameters
    ----------
    gate : Gate
        Any.
    gain : float
        g, small-signal, ≥ 1.
    saturation : float
        s, largest output, above 0.

    Returns
    -------
    Gate
        Its energy is that of ``gate``: the amplifier's comes on top.

    Raises
    ------
    InputError
        A gain below 1, a saturation that is not above 0.

    References
    ----------
    Siegman 1986, Lasers, chapter 7 (saturation of homogeneous gain, here lumped).
    """
    check_range("gain", gain, 1.0, message="not a gain")
    check_range("saturation", saturation, 0.0, open_low=True, message="not a saturation")
    p = np.linspace(0.0, 4.0 * _MOST, 4 * _GRID)
    tabled = gate.transfer(p)  # solved once, read many times

    def transfer(power: Array) -> Array:
        out = gain * np.interp(power, p, tabled)
        return out / (1.0 + out / saturation)

    return replace(gate, transfer=transfer, drive=gain * gate.drive, supplied=False)
