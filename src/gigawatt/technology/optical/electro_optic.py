"""The opto-electronic neuron, and second-harmonic generation that empties its pump."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.workload.operations import Array

__all__ = ["ElectroOpticNeuron", "electro_optic_field", "second_harmonic"]


def electro_optic_field(field: ArrayLike, *, tap: float, phase_gain: float, phase_bias: float) -> Array:
    """Field behind a modulator that a tapped share of the same light drives.

    j·√(1 − α)·e^(−jφ/2)·cos(φ/2)·z with φ = g·|z|² + φ_b.

    Parameters
    ----------
    field : array, complex [√W]
        z; its square is the power.
    tap : float
        α: share of the power that the photodiode takes, 0 to below 1.
    phase_gain : float [rad/W]
        g ≥ 0.
    phase_bias : float [rad]
        φ_b; π is dark without light.

    Returns
    -------
    array, complex [√W]

    Raises
    ------
    InputError
        A tap outside [0, 1), a gain that is negative.

    References
    ----------
    Williamson et al. 2020, IEEE JSTQE 26, 7700412, equation 6.
    """
    if not (np.isfinite(tap) and 0.0 <= tap < 1.0):
        raise InputError("not a tap", key="tap", given=tap, allowed="0 to below 1")
    if not (np.isfinite(phase_gain) and phase_gain >= 0.0 and np.isfinite(phase_bias)):
        raise InputError("not a phase gain", key="phase_gain", given=phase_gain, allowed="0 or more, finite")
    z = np.asarray(field, dtype=complex)
    half = 0.5 * (phase_gain * np.abs(z) ** 2 + phase_bias)
    return 1j * np.sqrt(1.0 - tap) * np.exp(-1j * half) * np.cos(half) * z


def second_harmonic(power: ArrayLike, *, efficiency: float, length: float) -> Array:
    """Second harmonic [W] of phase-matched light of ``power`` in a waveguide without loss: P·tanh²(L·√(ηP)).

    Parameters
    ----------
    power : array [W]
        ≥ 0.
    efficiency : float [1/(W·m²)]
        η, normalised, > 0.
    length : float [m]
        > 0.

    Raises
    ------
    InputError
        A number outside its range.

    References
    ----------
    Armstrong et al. 1962, Physical Review 127, 1918 (depletion of the pump).
    """
    p = check_range("power", power, 0.0, message="not a power")
    for key, value in (("efficiency", efficiency), ("length", length)):
        check_range(key, value, 0.0, open_low=True, message="not a size")
    return p * np.tanh(length * np.sqrt(efficiency * p)) ** 2


@dataclass(frozen=True)
class ElectroOpticNeuron:
    """Tap, photodiode, amplifier, modulator.

    Attributes
    ----------
    tap : float
        Share of the light that is detected, above 0 and below 1.
    responsivity : float [A/W]
    transimpedance : float [V/A]
    half_wave_voltage : float [V]
    bias : float
        Bias over the half-wave voltage; 1 is dark without light.
    rate : float [1/s]
        Of amplifier and modulator.
    amplifier_power : float [W]
    capacitance : float [F]
        Of the modulator.
    insertion : float
        Loss of the modulator where it is open [dB], ≥ 0.

    Raises
    ------
    InputError
        A number outside its range.

    References
    ----------
    Williamson et al. 2020.
    """

    tap: float
    responsivity: float
    transimpedance: float
    half_wave_voltage: float
    bias: float
    rate: float
    amplifier_power: float
    capacitance: float
    insertion: float

    def __post_init__(self) -> None:
        for key in ("responsivity", "transimpedance", "half_wave_voltage", "rate"):
            value = float(getattr(self, key))
            check_range(key, value, 0.0, open_low=True)
        for key in ("amplifier_power", "capacitance", "insertion", "bias"):
            value = float(getattr(self, key))
            check_range(key, value, 0.0)
        if not 0.0 < self.tap < 1.0:
            raise InputError("not a tap", key="tap", given=self.tap, allowed="above 0 and below 1")

    @property
    def phase_gain(self) -> float:
        """Phase [rad] a watt at the input: π·α·R·G/V_π."""
        volts = self.tap * self.responsivity * self.transimpedance
        return float(np.pi * volts / self.half_wave_voltage)

    @property
    def half_wave_power(self) -> float:
        """Input [W] that turns the modulator by π: from dark to open."""
        return float(np.pi / self.phase_gain)

    @property
    def energy(self) -> float:
        """Electric energy [J] of an activation: the amplifier for 1/rate, the modulator charged to V_π."""
        return self.amplifier_power / self.rate + self.capacitance * self.half_wave_voltage**2

    def transmitted(self, power: ArrayLike) -> Array:
        """Output [W] for ``power`` [W] ≥ 0."""
        p = check_range("power", power, 0.0, message="not a power")
        field = electro_optic_field(
            np.sqrt(p), tap=self.tap, phase_gain=self.phase_gain, phase_bias=np.pi * self.bias
        )
        return np.abs(field) ** 2 * 10.0 ** (-self.insertion / 10.0)
