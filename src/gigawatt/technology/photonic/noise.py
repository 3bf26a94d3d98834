"""How much light a product needs: shot noise, the receiver's own noise, the laser's, and losses on the way.

All powers are optical and in W, currents in A, losses in dB, bandwidths in Hz.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = [
    "BOLTZMANN",
    "CHARGE",
    "Receiver",
    "amplitude",
    "direct_noise",
    "effective_bits",
    "homodyne_noise",
    "laser_power",
    "needed_photons",
    "needed_power",
    "photon_energy",
    "signal_to_noise",
]

Array = NDArray[Any]

BOLTZMANN = 1.380649e-23
"""J/K, exact."""
CHARGE = 1.602176634e-19
"""C, exact."""
_PLANCK, _LIGHT = 6.62607015e-34, 299792458.0


def photon_energy(wavelength: float) -> float:
    """J of a photon of ``wavelength`` [m], > 0."""
    check_range("wavelength", wavelength, 0.0, unit="m", open_low=True, message="not a wavelength")
    return _PLANCK * _LIGHT / wavelength


def _positive(**values: ArrayLike) -> None:
    for key, value in values.items():
        check_range(key, value, 0.0, open_low=True)


def amplitude(loss: ArrayLike) -> Array:
    """Power that ``loss`` [dB] lets through, as a share."""
    return 10.0 ** (-np.asarray(loss, dtype=float) / 10.0)


def homodyne_noise(
    *, weights: ArrayLike, inputs: ArrayLike, rows: float, columns: float, photons: float
) -> Array:
    """Shot noise of each output of a matrix product in homodyne detection, in units of the output.

    Parameters
    ----------
    weights : array
        Frobenius norm of the matrix.
    inputs : array
        Norm of each input vector.
    rows, columns : float
        Outputs and inputs of the matrix.
    photons : float
        Detected, a multiply-accumulate, > 0.

    Returns
    -------
    array
        Standard deviation ‖A‖·‖x‖/√(rows·columns·photons). Relative to the outputs of a random matrix it is
        1/√photons whatever the size; outputs that add up in step are larger and need fewer photons.

    References
    ----------
    Hamerly et al. 2019, "Large-scale optical neural networks based on photoelectric multiplication", PRX 9,
    021032, section III (arXiv:1812.07614).
    """
    _positive(rows=rows, columns=columns, photons=photons)
    return np.asarray(weights, dtype=float) * np.asarray(inputs) / np.sqrt(rows * columns * photons)


def direct_noise(*, lit: ArrayLike, mean: ArrayLike, columns: float, photons: float) -> Array:
    """Shot noise where intensities carry the numbers: each detector counts all light that reaches it.

    Parameters
    ----------
    lit : array
        Σ|w||x| of an output (Σ|x|·max|w| where both ports of a ring are read).
    mean : array
        The same, over the outputs and inputs for which the photons are counted.
    columns : float
        Inputs.
    photons : float
        Detected, a multiply-accumulate, in that mean.

    Returns
    -------
    array
        Standard deviation √(lit·mean/(columns·photons)). Beside signed outputs that add up at random it is as
        large as in homodyne detection or larger; beside outputs that add up in step it falls with √columns.
    """
    _positive(columns=columns, photons=photons)
    return np.sqrt(np.asarray(lit, dtype=float) * mean / (columns * photons))


def needed_photons(
    weights: Array, inputs: Array, *, error: float = 0.1, detection: str = "homodyne"
) -> float:
    """Photons a multiply-accumulate at which shot noise is the share ``error`` of the outputs.

    Parameters
    ----------
    weights : array (rows, columns)
        The matrix.
    inputs : array (vectors, columns)
        What passes it.
    error : float
        Root mean square of the noise over that of the outputs, > 0.
    detection : str
        ``homodyne`` (:func:`homodyne_noise`) or ``direct`` (:func:`direct_noise`, signed numbers on two
        rails).

    Raises
    ------
    InputError
        Another detection; outputs that are all zero; sizes that do not fit.

    References
    ----------
    Hamerly et al. 2019, PRX 9, 021032; Anderson et al. 2024, "Optical transformers" (arXiv:2302.10360).
    """
    w, x = np.asarray(weights, dtype=float), np.asarray(inputs, dtype=float)
    if w.ndim != 2 or x.ndim != 2 or w.shape[1] != x.shape[1]:
        raise InputError(
            "sizes do not fit",
            key="inputs",
            given=f"{w.shape} and {x.shape}",
            allowed="(rows, k), (vectors, k)",
        )
    _positive(error=error)
    rows, columns = w.shape
    power = float(np.mean((x @ w.T) ** 2))
    if not power > 0.0:
        raise InputError("outputs are all zero", key="inputs", allowed="some output that is not")
    if detection == "homodyne":
        noise = homodyne_noise(
            weights=np.linalg.norm(w),
            inputs=np.linalg.norm(x, axis=1),
            rows=rows,
            columns=columns,
            photons=1.0,
        )
    elif detection == "direct":
        lit = np.abs(x) @ np.abs(w).T
        noise = direct_noise(lit=lit, mean=lit.mean(1, keepdims=True), columns=columns, photons=1.0)
    else:
        raise InputError(
            "no such detection", key="detection", given=detection, allowed=("homodyne", "direct")
        )
    return float(np.mean(noise**2)) / power / error**2


@dataclass(frozen=True)
class Receiver:
    """A photodiode with its amplifier.

    Attributes
    ----------
    responsivity : float [A/W]
        Above 0.
    bandwidth : float [Hz]
        Of the noise, above 0.
    current_noise : float [A/√Hz]
        Of the amplifier, referred to its input; 0: thermal noise of ``resistance`` alone.
    resistance : float [Ω]
        Load or feedback, above 0.
    temperature : float [K]
    intensity_noise : float [1/Hz]
        Relative intensity noise (RIN) of the laser.
    """

    responsivity: float = 1.0
    bandwidth: float = 1e9
    current_noise: float = 0.0
    resistance: float = 50.0
    temperature: float = 300.0
    intensity_noise: float = 0.0

    def __post_init__(self) -> None:
        _positive(
            responsivity=self.responsivity,
            bandwidth=self.bandwidth,
            resistance=self.resistance,
            temperature=self.temperature,
        )
        for key in ("current_noise", "intensity_noise"):
            if not 0.0 <= getattr(self, key) < np.inf:
                raise InputError("negative noise", key=key, given=getattr(self, key), allowed="0 or more")

    @property
    def thermal(self) -> float:
        """Variance of the current without light [A²]: 4kTB/R, or that of the amplifier."""
        if self.current_noise > 0.0:
            return self.current_noise**2 * self.bandwidth
        return 4.0 * BOLTZMANN * self.temperature * self.bandwidth / self.resistance


def signal_to_noise(power: ArrayLike, receiver: Receiver) -> Array:
    """(I²/σ²) of a current I = responsivity·power: σ² = 2qIB + thermal + RIN·I²·B.

    References
    ----------
    Agrawal 2010, "Fiber-optic communication systems", 4th edition, section 4.4.
    """
    current = receiver.responsivity * np.asarray(power, dtype=float)
    shot = 2.0 * CHARGE * current * receiver.bandwidth
    relative = receiver.intensity_noise * receiver.bandwidth * current**2
    return current**2 / (shot + receiver.thermal + relative)


def effective_bits(ratio: ArrayLike) -> Array:
    """Bits of a full range I whose noise is σ: log2(I/(σ·√12)), of a ratio (I/σ)²."""
    return 0.5 * np.log2(np.maximum(np.asarray(ratio, dtype=float), 1e-300) / 12.0)


def needed_power(bits: ArrayLike, receiver: Receiver) -> Array:
    """Optical power [W] of a full range that a receiver tells apart to ``bits``.

    The inverse of :func:`effective_bits` of :func:`signal_to_noise`.

    Raises
    ------
    InputError
        More bits than the laser's own noise allows at any power.
    """
    ratio = 12.0 * 4.0 ** np.asarray(bits, dtype=float)
    left = 1.0 - ratio * receiver.intensity_noise * receiver.bandwidth
    if not np.all(left > 0.0):
        most = float(effective_bits(1.0 / (receiver.intensity_noise * receiver.bandwidth)))
        raise InputError(
            "the laser's intensity noise allows fewer bits at any power",
            key="bits",
            given=float(np.max(bits)),
            allowed=f"below {most:.2f}",
        )
    half = ratio * CHARGE * receiver.bandwidth
    return (half + np.sqrt(half**2 + left * ratio * receiver.thermal)) / left / receiver.responsivity


def laser_power(
    detected: ArrayLike, *, losses: Iterable[ArrayLike], ways: float = 1.0, efficiency: float = 1.0
) -> Array:
    """Electrical power [W] of the laser that brings ``detected`` [W] to each of ``ways`` detectors.

    Parameters
    ----------
    detected : array [W]
        Optical, at one detector.
    losses : iterable of array [dB]
        On the way, each ≥ 0.
    ways : float
        Detectors among which the light is divided (without loss: what a splitter loses is in ``losses``).
    efficiency : float
        Of the laser from the wall, above 0 to 1.

    Raises
    ------
    InputError
        A gain among the losses; an efficiency that cannot be.
    """
    total = np.zeros(())
    for one in losses:
        value = np.asarray(one, dtype=float)
        if not np.all(value >= 0.0):
            raise InputError("a loss below nothing", key="losses", given=str(value), allowed="0 dB or more")
        total = total + value
    _positive(ways=ways)
    check_range("efficiency", efficiency, 0.0, 1.0, open_low=True, message="not an efficiency")
    passed = amplitude(total)
    if not np.all(passed > 0.0):
        raise InputError(
            "no light arrives",
            key="losses",
            given=f"{float(np.max(total)):,.0f} dB",
            allowed="fewer elements",
        )
    return np.asarray(detected, dtype=float) * ways / passed / efficiency
