"""The power that a fleet draws over time: by the second, and by the hour for what lies around it.

Accelerators only, as in :class:`gigawatt.serving.engine.Outcome`: hosts, fans and the building come after.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.serving.engine import Series

__all__ = ["PowerSeries", "largest_step", "power_series"]

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
