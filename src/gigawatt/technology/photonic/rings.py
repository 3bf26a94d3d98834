"""Weights on rings: Lorentzian filters on a bus of many wavelengths, and what neighbours and heat do to them.

A ring takes the share T of one wavelength to its drop port and leaves 1 − T; two detectors read drop minus
through, so that its weight is 2T − 1. All angles are of the phase of a round trip: a free spectral range is
2π, the full width of a resonance is 2π over the finesse, and C channels stand 2π/C apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError

__all__ = ["bank_weights", "drop", "ring_phase"]

Array = NDArray[Any]


def _finesse(finesse: float) -> None:
    if not finesse > 1.0:
        raise InputError(
            "a resonance wider than its own spacing", key="finesse", given=finesse, allowed="above 1"
        )


def drop(phase: ArrayLike, *, finesse: float) -> Array:
    """Share of light that a ring drops, detuned by ``phase`` [rad] of a round trip: a Lorentzian.

    Parameters
    ----------
    phase : array [rad]
        From the resonance; taken to the nearest one.
    finesse : float
        Free spectral range over the full width at half maximum, > 1.

    Raises
    ------
    InputError
        A finesse of 1 or less.

    References
    ----------
    Bogaerts et al. 2012, "Silicon microring resonators", Laser & Photonics Reviews 6, 47 (the Lorentzian near
    a resonance, critically coupled and without loss).
    """
    _finesse(finesse)
    away = np.mod(np.asarray(phase, dtype=float) + np.pi, 2.0 * np.pi) - np.pi
    return 1.0 / (1.0 + (away * finesse / np.pi) ** 2)


def ring_phase(weight: ArrayLike, *, finesse: float) -> Array:
    """Detuning [rad] that gives a weight, −1 (far off) to 1 (on resonance).

    Far off is at most half a free spectral range away, so that the least weight is a little above −1.

    Raises
    ------
    InputError
        A weight outside −1 to 1.
    """
    _finesse(finesse)
    w = np.asarray(weight, dtype=float)
    if not np.all(np.abs(w) <= 1.0):
        raise InputError(
            "not a weight of a ring", key="weight", given=float(np.abs(w).max()), allowed="-1 to 1"
        )
    share = np.maximum(0.5 * (w + 1.0), drop(np.pi, finesse=finesse))
    return np.pi / finesse * np.sqrt(1.0 / share - 1.0)


def bank_weights(phases: Array, *, finesse: float, spacing: float | None = None) -> Array:
    """Weights that a bank gives to its channels, its rings standing one behind the other on a bus.

    Channel c meets ring after ring; each takes its share of what those before left. All drop ports end on one
    detector, the bus on the other.

    Parameters
    ----------
    phases : array (..., rings) [rad]
        Detuning of each ring from its own channel.
    finesse : float
        Of every ring.
    spacing : float [rad], optional
        Between channels; 2π over their number by default, infinite (``np.inf``) for rings that see their own
        channel alone.

    Returns
    -------
    array (..., rings)
        −1 to 1: dropped less passed of each channel.

    References
    ----------
    Tait et al. 2017, "Neuromorphic photonic networks using silicon photonic weight banks", Scientific Reports
    7, 7430. Tait et al. 2016, "Microring weight banks", IEEE JSTQE 22, 5900214 (crosstalk of channels).
    """
    tuned = np.asarray(phases, dtype=float)
    count = tuned.shape[-1]
    apart = 2.0 * np.pi / count if spacing is None else spacing
    if not apart > 0.0:
        raise InputError("channels on top of one another", key="spacing", given=apart, allowed="above 0 rad")
    if np.isinf(apart):
        return 2.0 * drop(tuned, finesse=finesse) - 1.0
    channel: Array = np.arange(count, dtype=float)
    passed = np.ones(tuned.shape)
    for ring in range(count):
        seen: Array = tuned[..., ring : ring + 1] + (channel - ring) * apart
        passed = passed * (1.0 - drop(seen, finesse=finesse))
    return 1.0 - 2.0 * passed
