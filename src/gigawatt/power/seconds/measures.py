"""What a utility looks at in a load's seconds: ramp, dynamic range, and oscillations from 0.1 to 20 Hz."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError
from gigawatt.power.seconds.load import series

__all__ = ["Limits", "Measures", "Spectrum", "averaged", "largest_fall", "measure", "spectrum"]

Array = npt.NDArray[np.float64]

#: Periods of the lowest frequency in one segment of the spectrum.
_PERIODS = 4.0
_EXACT = 1e-9
_MINUTE = 60.0


@dataclass(frozen=True)
class Limits:
    """What the connection asks of the load; ``inf`` where it asks nothing.

    Attributes
    ----------
    ramp_up, ramp_down : float
        Largest slope [W/s], as a mean over ``ramp_window``.
    ramp_window : float
        s, above 0.
    dynamic_range : float
        Most W between the least and the highest power in any ``range_window`` [s].
    range_window : float
        s; ``inf`` is the whole series.
    amplitude : float
        Most W of any one oscillation between ``low`` and ``high`` [Hz].
    low, high : float
        Hz.
    """

    ramp_up: float = math.inf
    ramp_down: float = math.inf
    ramp_window: float = 1.0
    dynamic_range: float = math.inf
    range_window: float = math.inf
    amplitude: float = math.inf
    low: float = 0.1
    high: float = 20.0

    def __post_init__(self) -> None:
        for name in ("ramp_up", "ramp_down", "ramp_window", "dynamic_range", "range_window", "amplitude"):
            value = getattr(self, name)
            if not value > 0.0:
                raise InputError(
                    "a limit that no storage can meet", key=name, given=f"{value:g}", allowed="above 0"
                )
        if not 0.0 < self.low < self.high < math.inf:
            raise InputError(
                "not a band", key="low", given=f"{self.low:g} to {self.high:g} Hz", allowed="0 < low < high"
            )


@dataclass(frozen=True)
class Spectrum:
    """``frequency`` [Hz], ``amplitude`` [W] of a sine of it, ``density`` [W²/Hz], all ``(F,)``."""

    frequency: Array
    amplitude: Array
    density: Array

    def rms(self, low: float, high: float) -> float:
        """Root mean square [W] of what oscillates between ``low`` and ``high`` [Hz]."""
        inside = (self.frequency >= low) & (self.frequency <= high)
        return math.sqrt(float(self.density[inside].sum()) * float(self.frequency[1] - self.frequency[0]))

    def modes(self, low: float, high: float, most: int = 5) -> tuple[tuple[float, float], ...]:
        """(Hz, W) of the largest peaks between ``low`` and ``high``, the largest first."""
        signal: Any = import_module("scipy.signal")
        inside = np.flatnonzero((self.frequency >= low * (1.0 - _EXACT)) & (self.frequency <= high))
        if not len(inside):
            return ()
        found = self.amplitude[inside]
        padded = np.concatenate([[0.0], found, [0.0]])
        peaks = np.asarray(signal.find_peaks(padded)[0], dtype=int) - 1
        order = peaks[np.argsort(found[peaks])[::-1][:most]]
        return tuple((float(self.frequency[inside[i]]), float(found[i])) for i in order if found[i] > 0.0)


@dataclass(frozen=True)
class Measures:
    """What was measured in a series.

    ``peak``, ``mean``, ``least`` [W]; ``ramp_up``, ``ramp_down`` [W/s] over the limits' window,
    ``per_minute`` [W] the largest change over a minute (over half the series where it is shorter than two);
    ``step_drop`` [W] the largest fall from one sample to the next; ``dynamic_range`` [W]; ``amplitude`` [W]
    of the largest oscillation in the band, ``band_rms`` [W]; ``modes`` (Hz, W). The last three are 0 and
    empty where no limit asks for the band and the step is too coarse for it.
    """

    peak: float
    mean: float
    least: float
    ramp_up: float
    ramp_down: float
    per_minute: float
    step_drop: float
    dynamic_range: float
    amplitude: float
    band_rms: float
    modes: tuple[tuple[float, float], ...]

    def excess(self, limits: Limits) -> dict[str, float]:
        """Measure over limit for every limit that is broken; empty where all are met."""
        found = {
            name: getattr(self, name) / getattr(limits, name)
            for name in ("ramp_up", "ramp_down", "dynamic_range", "amplitude")
        }
        return {name: ratio for name, ratio in found.items() if ratio > 1.0 + _EXACT}


def spectrum(power: npt.ArrayLike, *, step: float, low: float = 0.1, high: float = 20.0) -> Spectrum:
    """Welch's spectrum with Hann windows of four periods of ``low``, half overlapping, means taken off.

    Parameters
    ----------
    power : (T,)
        W.
    step : float
        s, at most 1/(2 ``high``): 25 ms for 20 Hz.
    low, high : float
        Hz.

    Raises
    ------
    InputError
        A step too coarse for ``high``, a series shorter than two periods of ``low``.

    References
    ----------
    Welch, IEEE Trans. Audio Electroacoustics 15(2), 1967.
    """
    welch: Any = import_module("scipy.signal").welch
    values = series(power, "power")
    if not 0.0 < step <= 0.5 / high * (1.0 + _EXACT):
        raise InputError(
            f"the time step is too coarse for {high:g} Hz",
            key="step",
            given=f"{step:g} s",
            allowed=f"at most {0.5 / high:g} s, or a band that ends at {0.5 / step:.3g} Hz or below",
        )
    if len(values) * step < 2.0 / low * (1.0 - _EXACT):
        raise InputError(
            f"the series is too short for {low:g} Hz",
            key="duration",
            given=f"{len(values) * step:g} s",
            allowed=f"{2.0 / low:g} s or more",
        )
    segment = min(len(values), round(_PERIODS / low / step))
    options = {"fs": 1.0 / step, "nperseg": segment, "detrend": "constant"}
    frequency, density = welch(values, scaling="density", **options)
    _, power_of = welch(values, scaling="spectrum", **options)
    return Spectrum(frequency, np.sqrt(2.0 * power_of), density)


def measure(power: npt.ArrayLike, *, step: float, limits: Limits | None = None) -> Measures:
    """Ramp, dynamic range and oscillations of a load as the limits define them.

    Parameters
    ----------
    power : (T,)
        W.
    step : float
        s.
    limits : Limits, optional
        Windows and band; where an amplitude is limited the step must resolve the band.

    Raises
    ------
    InputError
        As :func:`spectrum`, where an amplitude is limited.

    References
    ----------
    Choukse et al., Power Stabilization for AI Training Datacenters, arXiv 2508.14318, 2025: ramp rate and
    dynamic range in the time domain, oscillations of 0.1 to 20 Hz in the frequency domain.
    """
    asked = limits if limits is not None else Limits()
    values = series(power, "power")
    up, down = _slopes(values, step, asked.ramp_window)
    minute = min(_MINUTE, len(values) * step / 2.0)
    per_minute = max(_slopes(values, step, minute)) * max(1, round(minute / step)) * step
    coarse = step > 0.5 / asked.high * (1.0 + _EXACT) or len(values) * step < 2.0 / asked.low * (1 - _EXACT)
    amplitude = rms = 0.0
    modes: tuple[tuple[float, float], ...] = ()
    if not (coarse and math.isinf(asked.amplitude)):
        found = spectrum(values, step=step, low=asked.low, high=asked.high)
        modes = found.modes(asked.low, asked.high)
        inside = (found.frequency >= asked.low * (1.0 - _EXACT)) & (found.frequency <= asked.high)
        amplitude = float(found.amplitude[inside].max())
        rms = found.rms(asked.low, asked.high)
    return Measures(
        peak=float(values.max()),
        mean=float(values.mean()),
        least=float(values.min()),
        ramp_up=up,
        ramp_down=down,
        per_minute=per_minute,
        step_drop=max(0.0, float(-np.diff(values).min())),
        dynamic_range=_range(values, step, asked.range_window),
        amplitude=amplitude,
        band_rms=rms,
        modes=modes,
    )


def averaged(power: npt.ArrayLike, *, step: float, window: float) -> Array:
    """What a meter shows that gives the mean of the last ``window`` [s], from the first full one on.

    Parameters
    ----------
    power : (T,)
        W.
    step, window : float
        s, above 0; a window of a step or less leaves the series as it is.

    Returns
    -------
    (T - round(window/step) + 1,) array
        W.

    Raises
    ------
    InputError
        A window that is longer than the series.
    """
    values = series(power, "power")
    width = max(1, round(window / step))
    if width >= len(values):
        raise InputError(
            "the meter's window is longer than the series", key="window", given=f"{window:g} s",
            allowed=f"below {len(values) * step:g} s",
        )  # fmt: skip
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return (sums[width:] - sums[:-width]) / width


def largest_fall(power: npt.ArrayLike, *, step: float, apart: float) -> float:
    """Largest fall [W] between two samples that lie ``apart`` [s] from each other; 0 where nothing falls."""
    return max(0.0, _slopes(series(power, "power"), step, apart)[1] * max(1, round(apart / step)) * step)


def _slopes(values: Array, step: float, window: float) -> tuple[float, float]:
    """Steepest (rise, fall) [W/s] over ``window``."""
    width = min(max(1, round(window / step)), len(values) - 1)
    change = (values[width:] - values[:-width]) / (width * step)
    return max(0.0, float(change.max())), max(0.0, float(-change.min()))


def _range(values: Array, step: float, window: float) -> float:
    if window >= (len(values) - 1) * step:
        return float(values.max() - values.min())
    ndimage: Any = import_module("scipy.ndimage")
    size = round(window / step) + 1
    return float((ndimage.maximum_filter1d(values, size) - ndimage.minimum_filter1d(values, size)).max())
