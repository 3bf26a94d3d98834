"""Sketches: quantiles by year of any number of draws, in constant memory.

Counts in bins of equal width (in the logarithm, for positive quantities). Counts of chunks add up exactly,
so the answer is the same for every chunking, to the last bit. A quantile is interpolated within its bin: it
is off by less than one bin, which ``error`` states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError

__all__ = ["Sketch"]

Array = NDArray[np.float64]

BINS = 4096
"""Bins of a sketch."""


@dataclass
class Sketch:
    """Counts of (years, bins) between ``low`` and ``high``; what lies outside counts in the end bins."""

    low: float
    high: float
    logarithmic: bool
    years: int
    bins: int = BINS
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.logarithmic and self.low <= 0.0):
            raise InputError("not a range", given=f"{self.low} to {self.high}", allowed="0 < low < high")
        if not self.counts.size:
            self.counts = np.zeros((self.years, self.bins), dtype=np.int64)

    @property
    def error(self) -> float:
        """Width of a bin: relative where logarithmic, else in the unit."""
        if self.logarithmic:
            return float((self.high / self.low) ** (1.0 / self.bins) - 1.0)
        return (self.high - self.low) / self.bins

    def add(self, values: Array) -> None:
        """Count ``values`` (draws, years) or (draws, 1).

        Raises
        ------
        InputError
            A value that is not a number.
        """
        scale = 1.0 / (self.low if self.logarithmic else self.high - self.low)
        place = np.maximum(values, 0.0) * scale if self.logarithmic else (values - self.low) * scale
        if self.logarithmic:  # single precision is a ten-thousandth of a bin, and three times as quick
            with np.errstate(divide="ignore", over="ignore"):
                place = np.log(place.astype(np.float32)) * np.float32(
                    self.bins / np.log(self.high / self.low)
                )
        else:
            place = place * self.bins
        if np.isnan(place).any():
            raise InputError("a draw is not a number", given="NaN")
        whole = np.broadcast_to(
            np.clip(place, 0.0, self.bins - 1.0).astype(np.int64), (len(values), self.years)
        )
        column = whole + self.bins * np.arange(self.years)
        self.counts += np.bincount(column.ravel(), minlength=self.years * self.bins).reshape(
            self.counts.shape
        )

    def quantiles(self, shares: Sequence[float]) -> Array:
        """Quantiles at ``shares`` in (0, 1), each year: (years, len(shares)).

        Raises
        ------
        InputError
            Nothing was counted yet.
        """
        total = self.counts.sum(axis=1)
        if not total.min():
            raise InputError("nothing was counted", given=0)
        edges = np.arange(self.bins + 1) / self.bins
        found = np.empty((self.years, len(shares)))
        for year in range(self.years):
            cumulative = np.concatenate([[0], np.cumsum(self.counts[year])]) / total[year]
            for i, share in enumerate(shares):
                right = int(np.searchsorted(cumulative, share, side="left"))
                left = right - 1
                width = cumulative[right] - cumulative[left]
                found[year, i] = edges[left] + (share - cumulative[left]) / width / self.bins
        if self.logarithmic:
            return self.low * (self.high / self.low) ** found
        return self.low + (self.high - self.low) * found

    def share_above(self, value: float) -> Array:
        """The share of draws above ``value``, each year (years,), interpolated within its bin."""
        if self.logarithmic:
            place = np.log(max(value, self.low) / self.low) / np.log(self.high / self.low) * self.bins
        else:
            place = (value - self.low) / (self.high - self.low) * self.bins
        place = float(np.clip(place, 0.0, self.bins))
        whole = int(place)
        above = self.counts[:, whole:].sum(axis=1).astype(float)
        if whole < self.bins:
            above -= (place - whole) * self.counts[:, whole]
        return above / np.maximum(self.counts.sum(axis=1), 1)
