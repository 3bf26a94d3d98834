"""Capacity outage probability table (COPT): how much power is out, by convolution of units.

References
----------
Billinton & Allan, Reliability Evaluation of Power Systems (1996), chapters 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from gigawatt.power.adequacy.units import Units

__all__ = ["OutageTable", "outage_table"]

Array = npt.NDArray[np.float64]
_POINTS = 4096
"""Points of the lattice where units have no common measure."""
_FINEST = 20_000
"""Points that a lattice with a common measure may have."""
_KEPT = 1024
"""Tables that are remembered, some 20 kB each."""
_PARTS = 1e6
"""Parts of the largest unit in which sizes are compared."""
_SAME = 1e-9
"""Difference of two powers, as a share of the capacity, that is rounding."""


@dataclass(frozen=True)
class OutageTable:
    """``probability[k]`` that ``k * step`` of ``capacity`` is out; powers in one unit throughout."""

    capacity: float
    step: float
    probability: Array = field(repr=False)

    @cached_property
    def _tails(self) -> tuple[Array, Array]:
        """Sums from each place on: of probability, and of place × probability."""
        places = np.arange(len(self.probability))
        return tuple(
            np.concatenate([np.cumsum(values[::-1])[::-1], [0.0]])
            for values in (self.probability, self.probability * places)
        )  # type: ignore[return-value]

    def _beyond(self, need: npt.ArrayLike) -> tuple[Array, npt.NDArray[np.int64]]:
        """Reserve in steps, and the first place that exceeds it."""
        reserve = (self.capacity - np.asarray(need, dtype=float)) / self.step
        first = np.floor(reserve + _SAME * self.capacity / self.step).astype(np.int64) + 1
        return reserve, np.clip(first, 0, len(self.probability))

    def short(self, need: npt.ArrayLike) -> Array:
        """LOLP: probability that less than ``need`` is available."""
        return self._tails[0][self._beyond(need)[1]]

    def lacking(self, need: npt.ArrayLike) -> Array:
        """Expected power that lacks to ``need``."""
        reserve, first = self._beyond(need)
        return np.maximum(self._tails[1][first] - reserve * self._tails[0][first], 0.0) * self.step


def _lattice_step(sizes: Sequence[float], capacity: float) -> float:
    """The common measure of ``sizes``; where they have none, a fine step that divides the smallest."""
    largest, finest = max(sizes), capacity / _FINEST
    whole = [round(size / largest * _PARTS) for size in sizes]
    common = math.gcd(*whole)
    exact = all(abs(size / largest * _PARTS - n) < 1e-3 for size, n in zip(sizes, whole, strict=True))
    if exact and (step := largest * common / _PARTS) > finest:
        return step
    return min(sizes) / math.ceil(min(sizes) * _POINTS / capacity)


def outage_table(units: Sequence[Units], step: float | None = None) -> OutageTable:
    """The table of all ``units``.

    Parameters
    ----------
    units : sequence of Units
        Kinds of units; those of count 0 are left out.
    step : float, optional
        Spacing of the lattice. A loss between two places is shared between them, so that its mean stays.
    """
    return _table(tuple(one for one in units if one.count), step)


@lru_cache(maxsize=_KEPT)
def _table(there: tuple[Units, ...], step: float | None) -> OutageTable:
    """The table of kinds with units; systems that differ little ask for the same ones."""
    capacity = sum(one.total for one in there)
    if not there:
        return OutageTable(0.0, 1.0, np.ones(1))
    parts = [part for one in there for part in one.losses()]
    if step is None:
        sizes = [float(loss) for lost, _ in parts for loss in lost[lost > 0.0][:2]]
        step = _lattice_step(sizes or [capacity], capacity)
    reaches = [math.ceil(float(lost.max()) / step - 1e-6) for lost, _ in parts]  # of each, shared upwards
    table = np.zeros(sum(reaches) + 2)
    table[0], reach = 1.0, 0
    for (lost, probability), far in zip(parts, reaches, strict=True):
        made = np.zeros_like(table)
        for place, share in zip((lost / step).tolist(), probability.tolist(), strict=True):
            first = math.floor(place + 1e-6)
            beyond = place - first if place - first > 1e-6 else 0.0
            last = reach + 1
            made[first : first + last] += (1.0 - beyond) * share * table[:last]
            if beyond:
                made[first + 1 : first + 1 + last] += beyond * share * table[:last]
        table, reach = made, reach + far
    return OutageTable(capacity, step, table[: reach + 2])
