"""Response tables: what the other rooms computed for the outlook, as plain arrays.

``studies.outlook.limits`` makes them; the outlook itself knows no chips, sites or plants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError

__all__ = ["Tables", "Utilisation"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Utilisation:
    """Runs that can be done, by chips' year, how the batch grows, how long, and the raw FLOPs of the machine.

    ``feasible`` (chips, batches, durations, sizes): log10 of the FLOPs done, of a machine that would do
    10^``sizes`` at its datasheet rate. ``latency`` (chips, batches, durations): log10 of the largest run
    where bandwidths and rates are unlimited and only latencies stay. ``plain`` (chips,): model FLOP
    utilisation of the smallest runs. ``years`` (chips,), ``exponents`` (batches,), ``durations`` (durations,)
    [s], ``sizes`` (sizes,): the axes, each rising, durations evenly in the logarithm, the last two evenly.
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

    def by_year(self, year: Array) -> tuple[Array, Array]:
        """(``feasible``, ``latency``) with years in the place of chips: (years, batches, durations, …).

        Between the years of two chips both count; before the first and after the last, that chip alone.

        Parameters
        ----------
        year : array (years,)
            Calendar years.
        """
        left = np.clip(np.searchsorted(self.years, year, side="right") - 1, 0, max(len(self.years) - 2, 0))
        right = np.minimum(left + 1, len(self.years) - 1)
        gap = np.where(right > left, self.years[right] - self.years[left], 1.0)
        part = np.clip((year - self.years[left]) / gap, 0.0, 1.0)
        found: list[Array] = []
        for table in (self.feasible, self.latency):
            weight = part.reshape(-1, *[1] * (table.ndim - 1))
            found.append((1.0 - weight) * table[left] + weight * table[right])
        return found[0], found[1]

    def _line(self, table: Array, exponent: Array, duration: Array, raw: Array | None) -> Array:
        """Linear in the exponent and in the logarithms of duration and raw FLOPs: (draws, years)."""
        if raw is None:
            table = table[..., None]
        years, batches, durations, sizes = table.shape
        b, wb = _place(self.exponents, exponent)
        t, wt = _place(np.log(self.durations), np.log(duration))
        x: NDArray[np.intp] | int = 0
        wx: Array | float = 0.0
        if raw is not None:
            step = float(self.sizes[1] - self.sizes[0])
            inside = np.clip((np.log10(np.maximum(raw, 1.0)) - self.sizes[0]) / step, 0.0, sizes - 1.0)
            x = np.minimum(inside.astype(np.intp), sizes - 2)
            wx = inside - x
        flat = table.ravel()
        rows: NDArray[np.intp] = np.arange(years, dtype=np.intp)[None, :] * batches
        found: Array | float = 0.0
        for i in (0, 1):
            here = (rows + np.minimum(b + i, batches - 1)) * durations
            weight = wb if i else 1.0 - wb
            for k in (0, 1):
                place = (here + np.minimum(t + k, durations - 1)) * sizes + x
                value = flat[place]
                if raw is not None:
                    value = value + wx * (flat[place + 1] - value)
                found = found + weight * (wt if k else 1.0 - wt) * value
        return np.asarray(found)

    def done(self, feasible: Array, raw: Array, exponent: Array, duration: Array) -> Array:
        """FLOPs of the run that a machine of ``raw`` FLOPs at its datasheet rate does.

        Parameters
        ----------
        feasible : array (years, batches, durations, sizes)
            Of :meth:`by_year`.
        raw : array (draws, years) [FLOP]
            Below the first of ``sizes`` the run is in proportion, above the last it is that of the last.
        exponent : array (draws, 1)
            How the batch grows with the run.
        duration : array (draws, years) [s]
            Clipped to the table's.

        Returns
        -------
        array (draws, years) [FLOP]
        """
        small = np.minimum(np.maximum(raw, 1.0) / 10.0 ** float(self.sizes[0]), 1.0)
        return 10.0 ** self._line(feasible, exponent, duration, raw) * small

    def latency_wall(self, latency: Array, exponent: Array, duration: Array) -> Array:
        """FLOPs of the largest run by latency alone, (draws, years); ``latency`` of :meth:`by_year`."""
        return 10.0 ** self._line(latency, exponent, duration, None)


def _place(axis: Array, values: Array) -> tuple[NDArray[np.intp], Array]:
    """(index of the left neighbour, part of the way to the right one), clipped to the axis."""
    if len(axis) == 1:
        return np.zeros(values.shape, dtype=np.intp), np.zeros(values.shape)
    left = np.clip(np.searchsorted(axis, values, side="right") - 1, 0, len(axis) - 2)
    return left, (np.clip(values, axis[0], axis[-1]) - axis[left]) / (axis[left + 1] - axis[left])


@dataclass(frozen=True)
class Tables:
    """What the rooms say: see :mod:`gigawatt.studies.outlook.limits`.

    ``overhead`` [W of IT per W of chips], by year (years,); ``pue_mean``, ``pue_peak`` (sites,) each site's;
    ``lead_times`` [s]: plant → (value, low, high); ``campus`` [W] (years,): largest tracked campus by the end
    of each year; ``site_lead_times`` [s] (sites,); ``scaling`` (rows, 5): E, A, B, α, β of the scaling law;
    ``joules_token`` (models,) [J]: joules of an output token of served models at system scope;
    ``growth``: series → (rows, years) ln of its value over that of 2025, one drawn future a row, those of one
    row drawn together; ``past_growth``: ln growth of the largest run from 2024 to 2025; ``value_exponent``
    (rows,): draws of the exponent of revenue over users.
    """

    utilisation: Utilisation
    overhead: Array
    pue_mean: Array
    pue_peak: Array
    lead_times: Mapping[str, tuple[float, float, float]]
    campus: Array
    site_lead_times: Array
    scaling: Array
    joules_token: Array
    growth: Mapping[str, Array] = field(repr=False)
    past_growth: float
    value_exponent: Array

    def future(self, series: str, row: Array) -> Array:
        """ln of a series over its value of 2025 by year, of the drawn futures ``row`` (draws, 1): (draws,
        years)."""
        paths = self.growth[series]
        return paths[np.minimum(row[:, 0].astype(np.intp), len(paths) - 1)]
