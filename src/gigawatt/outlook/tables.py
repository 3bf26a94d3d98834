"""Response tables: what the other rooms computed for the outlook, as plain arrays.

``study.outlook_limits`` makes them; the outlook itself knows no chips, sites or plants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gigawatt.errors import InputError

__all__ = ["Tables", "Utilisation"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Utilisation:
    """Runs that can be done, by chips' year, how the batch grows, how long, and the raw FLOPs of the machine.

    ``feasible`` (chips, batches, durations, sizes): log10 of the FLOPs done, of a machine that would do
    10^``sizes`` at its datasheet rate. ``latency`` (chips, batches, durations): log10 of the largest run where
    bandwidths and rates are unlimited and only latencies stay. ``plain`` (chips,): model FLOP utilisation of
    the smallest runs. ``years`` (chips,), ``exponents`` (batches,), ``durations`` (durations,) [s], ``sizes``
    (sizes,): the axes, each rising, durations evenly in the logarithm, the last two evenly.
    """

    years: Array
    exponents: Array
    durations: Array
    sizes: Array
    feasible: Array
    latency: Array
    plain: Array

    def __post_init__(self) -> None:
        shape = (len(self.years), len(self.exponents), len(self.durations), len(self.sizes))
        if self.feasible.shape != shape or self.latency.shape != shape[:3] or self.plain.shape != shape[:1]:
            raise InputError("tables that do not fit", given=f"{self.feasible.shape}", allowed=f"{shape}")

    def _places(self, axis: Array, values: Array) -> tuple[NDArray[np.intp], Array]:
        if len(axis) == 1:
            return np.zeros(values.shape, dtype=np.intp), np.zeros(values.shape)
        left = np.clip(np.searchsorted(axis, values, side="right") - 1, 0, len(axis) - 2)
        part = (np.clip(values, axis[0], axis[-1]) - axis[left]) / (axis[left + 1] - axis[left])
        return left, part

    def _between(self, table: Array, exponent: Array, duration: Array) -> Array:
        """``table`` (chips, batches, durations, …) at each draw's batch and duration: (draws, chips, …)."""
        b, wb = self._places(self.exponents, exponent[:, 0])
        t, wt = self._places(np.log(self.durations), np.log(duration[:, 0]))
        found = np.zeros((len(b), table.shape[0], *table.shape[3:]), dtype=table.dtype)
        moved = np.moveaxis(table, 0, 2)  # (batches, durations, chips, …)
        for i in (0, 1):
            for k in (0, 1):
                weight = (wb if i else 1.0 - wb) * (wt if k else 1.0 - wt)
                rows = np.minimum(b + i, len(self.exponents) - 1), np.minimum(t + k, len(self.durations) - 1)
                part = weight.reshape(-1, *[1] * (found.ndim - 1)).astype(table.dtype)
                found += part * moved[rows]
        return found

    def _weights(self, year: Array) -> Array:
        """(years, chips): between which chips a year lies; before the first and after the last, those."""
        left, part = self._places(self.years, year)
        found = np.zeros((len(year), len(self.years)))
        found[np.arange(len(year)), left] = 1.0 - part
        right = np.minimum(left + 1, len(self.years) - 1)
        found[np.arange(len(year)), right] += part
        return found

    def prepare(self, year: Array, exponent: Array, duration: Array) -> Array:
        """``feasible`` along sizes for every draw and year of chips: (draws, len(year), sizes), float32.

        Parameters
        ----------
        year : array (years,)
            Calendar years of the chips.
        exponent, duration : array (draws, 1)
            How the batch grows with the run; length of the run [s].
        """
        chips = self._between(self.feasible.astype(np.float32), exponent, duration)
        return np.matmul(self._weights(year).astype(np.float32), chips)

    def latency_wall(self, year: Array, exponent: Array, duration: Array) -> Array:
        """FLOPs of the largest run by latency alone, (draws, years); parameters as of :meth:`prepare`."""
        return 10.0 ** np.matmul(self._between(self.latency, exponent, duration), self._weights(year).T)

    def done(self, prepared: Array, raw: Array) -> Array:
        """FLOPs of the run that a machine of ``raw`` FLOPs at its datasheet rate does, (draws, years)."""
        step = float(self.sizes[1] - self.sizes[0])
        place = (np.log10(np.maximum(raw, 1.0)) - float(self.sizes[0])) / step
        inside = np.clip(place, 0.0, len(self.sizes) - 1.0)
        left = np.minimum(inside.astype(np.intp), len(self.sizes) - 2)
        low = np.take_along_axis(prepared, left[..., None], axis=-1)[..., 0]
        high = np.take_along_axis(prepared, left[..., None] + 1, axis=-1)[..., 0]
        below = np.minimum(place, 0.0) * step  # smaller machines: in proportion
        return 10.0 ** (low + (inside - left) * (high - low) + below)


@dataclass(frozen=True)
class Tables:
    """What the rooms say: see :mod:`gigawatt.study.outlook_limits`.

    ``overhead`` [W of IT per W of chips], by year (years,); ``pue_mean``, ``pue_peak`` (sites,) each site's;
    ``lead_times`` [s]: plant → (value, low, high); ``campus`` [W] (years,): largest tracked campus by the end
    of each year; ``site_lead_times`` [s] (sites,); ``scaling`` (rows, 5): E, A, B, α, β of the scaling law;
    ``joules_token`` (models,) [J]: chip-level joules of an output token of served models.
    """

    utilisation: Utilisation
    overhead: Array
    pue_mean: Array
    pue_peak: Array
    lead_times: Mapping[str, tuple[float, float, float]]
    campus: Array
    site_lead_times: Array
    scaling: Array
    joules_token: Array = field(default_factory=lambda: np.zeros(0))
