"""The Kerr effect in a resonator: detuned by its own light, bistable beyond √3 half linewidths.

Coupled-mode theory of one mode. Everything is a function of two numbers: the detuning δ = (ω₀ − ω)/γ in half
linewidths γ = 1/(2·lifetime), and the input x in units of the characteristic power; y is the energy in the
mode in units of the one that shifts it by a half linewidth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.workload.operations import Array

__all__ = [
    "CRITICAL_DETUNING",
    "CRITICAL_POWER",
    "LIGHT",
    "KerrCavity",
    "cavity_energy",
    "ring_up",
    "turning_points",
]

LIGHT = 299_792_458.0
"""Speed of light [m/s], exact."""
CRITICAL_DETUNING = 3.0**0.5
"""Half linewidths beyond which two states are stable."""
CRITICAL_POWER = 8.0 / (3.0 * 3.0**0.5)
"""Input at the critical detuning where the two turning points meet, in characteristic powers."""


def turning_points(detuning: float) -> tuple[float, float]:
    """Inputs (down, up) between which the cavity has two stable states, in characteristic powers.

    Parameters
    ----------
    detuning : float
        δ, half linewidths, at least √3.

    Returns
    -------
    (float, float)
        Where the upper state falls and where the lower one jumps.

    Raises
    ------
    InputError
        A detuning below √3: one state only.

    References
    ----------
    Soljačić et al. 2002, Physical Review E 66, 055601 (optimal bistable switching).
    """
    if not (np.isfinite(detuning) and detuning >= CRITICAL_DETUNING):
        raise InputError(
            "not bistable", key="detuning", given=detuning, allowed="√3 half linewidths or more, finite"
        )
    spread = float(np.sqrt(max(detuning**2 - 3.0, 0.0)))
    first, second = (2.0 * detuning - spread) / 3.0, (2.0 * detuning + spread) / 3.0

    def input_of(y: float) -> float:
        return y * (1.0 + (detuning - y) ** 2)

    return input_of(second), input_of(first)


def cavity_energy(power: ArrayLike, detuning: ArrayLike, *, upper: bool = False) -> Array:
    """Energy y in a Kerr cavity driven with ``power`` x: a real root of y·(1 + (δ − y)²) = x.

    Parameters
    ----------
    power : array
        x ≥ 0, in characteristic powers.
    detuning : array
        δ, half linewidths; broadcast with ``power``.
    upper : bool
        Of two stable states take the upper one; the lower one if not.

    Returns
    -------
    array
        y ≥ 0, in energies that shift the mode by a half linewidth.

    Raises
    ------
    InputError
        A power that is negative or not finite, a detuning that is not finite.

    References
    ----------
    Gibbs 1985, Optical Bistability (the cubic of dispersive bistability); Cardano's formula.
    """
    x, d = np.broadcast_arrays(np.asarray(power, dtype=float), np.asarray(detuning, dtype=float))
    check_range("power", x, 0.0, message="not a power")
    if not bool(np.all(np.isfinite(d))):
        raise InputError("not a detuning", key="detuning", given=str(detuning), allowed="finite")
    p = 1.0 - d**2 / 3.0
    q = 2.0 * d * (1.0 + d**2) / 3.0 - 16.0 * d**3 / 27.0 - x
    size = np.sqrt(np.maximum(np.abs(p), 1e-300) / 3.0)
    ratio = q / (2.0 * size**3)
    one = -2.0 * size * np.sinh(np.arcsinh(ratio) / 3.0)
    outer = -2.0 * np.sign(q) * size * np.cosh(np.arccosh(np.maximum(np.abs(ratio), 1.0)) / 3.0)
    angle = np.arccos(np.clip(-ratio, -1.0, 1.0)) / 3.0
    three = 2.0 * size * np.cos(angle if upper else angle + 2.0 * np.pi / 3.0)
    root = np.where(p >= 0.0, one, np.where(np.abs(ratio) > 1.0, outer, three))
    y = np.maximum(root + 2.0 * d / 3.0, 0.0)
    for _ in range(2):  # Newton takes off what the closed form lost to rounding
        slope = 1.0 + (d - y) ** 2 - 2.0 * y * (d - y)
        step = (y * (1.0 + (d - y) ** 2) - x) / np.where(np.abs(slope) < 1e-6, np.inf, slope)
        y = np.maximum(y - step, 0.0)
    return y


def ring_up(power: ArrayLike, detuning: float, *, start: ArrayLike = 0.0, until: float = 12.0) -> Array:
    """Energy y over time after the input steps to ``power``: the equation of motion by Runge–Kutta.

    da/dT = −(1 + i(δ − |a|²))·a + √x with y = |a|² and T in 1/γ (two photon lifetimes).

    Parameters
    ----------
    power : array, shape (n,)
        x ≥ 0.
    detuning : float
        δ.
    start : array, shape (n,)
        Field a at the beginning, complex; its square is y.
    until : float
        T, above 0; 200 steps a unit.

    Returns
    -------
    array, shape (steps + 1, n)
        y.

    Raises
    ------
    InputError
        A negative power, a duration that is not above 0.
    """
    x = np.atleast_1d(np.asarray(power, dtype=float))
    check_range("power", x, 0.0, message="not a power")
    check_range("until", until, 0.0, open_low=True, message="not a duration")
    drive = np.sqrt(x)
    steps = int(np.ceil(200.0 * until))
    h = until / steps

    def slope(a: np.ndarray) -> np.ndarray:
        return -(1.0 + 1j * (detuning - np.abs(a) ** 2)) * a + drive

    a = np.broadcast_to(np.asarray(start, dtype=complex), x.shape)
    found = [np.abs(a) ** 2]
    for _ in range(steps):
        k1 = slope(a)
        k2 = slope(a + 0.5 * h * k1)
        k3 = slope(a + 0.5 * h * k2)
        k4 = slope(a + h * k3)
        a = a + (h / 6.0) * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        found.append(np.abs(a) ** 2)
    return np.stack(found)


@dataclass(frozen=True)
class KerrCavity:
    """A cavity between two equal ports.

    Attributes
    ----------
    wavelength, mode_volume : float [m, m³]
    index : float
        Refractive (group) index.
    kerr_index : float [m²/W]
        n₂.
    lifetime : float [s]
        Of photons: Q/ω.
    coupled : float
        Share of the decay that goes into the two ports, above 0, at most 1.

    Raises
    ------
    InputError
        A number outside its range.

    References
    ----------
    Haus 1984, Waves and Fields in Optoelectronics, chapter 7; Soljačić et al. 2002.
    """

    wavelength: float
    index: float
    kerr_index: float
    mode_volume: float
    lifetime: float
    coupled: float = 1.0

    def __post_init__(self) -> None:
        for key in ("wavelength", "index", "kerr_index", "mode_volume", "lifetime", "coupled"):
            value = float(getattr(self, key))
            if not (np.isfinite(value) and value > 0.0 and (key != "coupled" or value <= 1.0)):
                allowed = "above 0, at most 1" if key == "coupled" else "above 0, finite"
                raise InputError("outside its range", key=key, given=value, allowed=allowed)

    @property
    def shift(self) -> float:
        """Shift of the mode [1/s] per joule in it: ω·n₂·c/(n²·V)."""
        omega = 2.0 * np.pi * LIGHT / self.wavelength
        return float(omega * self.kerr_index * LIGHT / (self.index**2 * self.mode_volume))

    @property
    def quality(self) -> float:
        """Q of the loaded cavity."""
        return float(2.0 * np.pi * LIGHT / self.wavelength * self.lifetime)

    @property
    def characteristic_energy(self) -> float:
        """Energy [J] in the mode that shifts it by a half linewidth."""
        return 1.0 / (2.0 * self.lifetime * self.shift)

    @property
    def characteristic_power(self) -> float:
        """Input [W] of x = 1: on resonance and without the Kerr effect it holds the characteristic energy."""
        half = 1.0 / (2.0 * self.lifetime)
        return float(self.characteristic_energy * half / self.coupled)

    @property
    def threshold_power(self) -> float:
        """Least input [W] at which the cavity can be bistable."""
        return CRITICAL_POWER * self.characteristic_power

    def transmitted(self, power: ArrayLike, detuning: float, *, upper: bool = False) -> Array:
        """Output [W] at the other port for ``power`` [W]; what is neither there nor lost is reflected."""
        x = np.asarray(power, dtype=float) / self.characteristic_power
        y = cavity_energy(x, detuning, upper=upper)
        return self.coupled**2 * self.characteristic_power * y
