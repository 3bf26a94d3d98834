"""The power that a fleet draws over time: by the second, and by the hour for what lies around it.

Accelerators only, as in :class:`gigawatt.serving.engine.Outcome`: hosts, fans and the building come after.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.serving.engine import Series

__all__ = ["HourlyProfile", "PowerSeries", "hourly_profile", "largest_step", "power_series"]

Array = NDArray[np.float64]

_HOUR = 3600.0
_HOURS = 24
_ROUND = 1e-9  # what two lengths of time may differ by and count as equal, relative


@dataclass(frozen=True)
class PowerSeries:
    """Mean power of steps: ``edges`` (T + 1,) [s], ``power`` (T,) [W]; the last step may be shorter."""

    edges: Array
    power: Array

    @property
    def energy(self) -> float:
        """Of all steps [J]."""
        return float(np.sum(self.power * np.diff(self.edges)))

    @property
    def whole(self) -> Array:
        """Power of the steps of full length [W]; of the only one where there is but one."""
        widths = np.diff(self.edges)
        return self.power[widths >= widths[0] * (1.0 - _ROUND)]


@dataclass(frozen=True)
class HourlyProfile:
    """Power by the hour.

    Attributes
    ----------
    mean, peak : array (H,) [W]
        Of each hour; the peak is the largest mean over ``step``.
    step : float [s]
    hours : array (H,) [h]
        How much of each hour was seen (less than 1 at the end of a run; more where days are laid over one
        another).
    """

    mean: Array
    peak: Array
    step: float
    hours: Array = field(repr=False)


def power_series(
    series: Series, *, step: float | None = None, window: tuple[float, float] | None = None
) -> PowerSeries:
    """Power of steps of ``step`` seconds, energy conserved.

    Parameters
    ----------
    series : Series
        Of an outcome.
    step : float [s], optional
        At least the series' own bin; that if left out. Not a multiple of it: energy counts as even in a bin.
    window : (start, end) [s], optional
        What of it; all if left out.

    Raises
    ------
    InputError
        A step below the bin, a window outside the series.
    """
    size = series.bin if step is None else step
    if not (math.isfinite(size) and size >= series.bin * (1.0 - _ROUND)):
        raise InputError(
            "finer than the outcome's bins",
            key="step",
            given=f"{size:g} s",
            allowed=f"{series.bin:g} s or more",
        )
    ends = np.arange(len(series) + 1) * series.bin
    start, end = (0.0, float(ends[-1])) if window is None else window
    if not 0.0 <= start < end <= ends[-1] * (1.0 + _ROUND):
        raise InputError(
            "not a window of the series",
            key="window",
            given=f"{start:g} to {end:g} s",
            allowed=f"0 to {ends[-1]:g} s",
        )
    total = np.concatenate([[0.0], np.cumsum(series.energy)])
    count = math.ceil((end - start) / size * (1.0 - _ROUND))
    edges = np.append(start + np.arange(count) * size, end)
    return PowerSeries(edges, np.diff(np.interp(edges, ends, total)) / np.diff(edges))


def largest_step(power: PowerSeries) -> float:
    """Largest change from one whole step to the next [W]: what a supply has to follow; 0 for one step."""
    whole = power.whole
    return float(np.abs(np.diff(whole)).max()) if len(whole) > 1 else 0.0


def hourly_profile(series: Series, *, step: float = 1.0, fold: bool = False) -> HourlyProfile:
    """Mean and peak power of each hour.

    Parameters
    ----------
    series : Series
        Of an outcome; time 0 is the start of an hour (of a day, where days are folded).
    step : float [s]
        Peaks are the largest mean over so long; the series' bin where that is longer.
    fold : bool
        Lay all days over one another: 24 hours, their means and largest peaks. Needs a whole day.

    Returns
    -------
    HourlyProfile
        (H,) hours from 0 on, or 24.
    """
    size = max(step, series.bin)
    found = power_series(series, step=size)
    width = np.diff(found.edges)
    middle = found.edges[:-1] + width / 2.0
    hour = (middle // _HOUR).astype(np.int64)
    if fold:
        if found.edges[-1] < _HOURS * _HOUR * (1.0 - _ROUND):
            raise InputError(
                "the run is shorter than a day",
                key="fold",
                given=f"{found.edges[-1] / _HOUR:.3g} h",
                allowed="a trace of a day, see scale_trace",
            )
        hour %= _HOURS
    count = int(hour.max()) + 1
    seen = np.bincount(hour, width, count)
    energy = np.bincount(hour, found.power * width, count)
    peak = np.zeros(count)
    np.maximum.at(peak, hour[: len(found.whole)], found.whole)
    return HourlyProfile(energy / np.where(seen > 0.0, seen, np.nan), peak, size, seen / _HOUR)
