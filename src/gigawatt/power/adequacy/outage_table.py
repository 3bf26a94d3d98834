"""Capacity outage probability table (COPT): how much power is out, by convolution of units.

References
----------
Billinton & Allan, Reliability Evaluation of Power Systems (1996), chapters 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
    def _places(self) -> npt.NDArray[np.int64]:
        """Places that have a probability."""
        return np.flatnonzero(self.probability)

    @cached_property
    def _tails(self) -> Array:
        """(2, places + 1) sums from each of them on: of probability, and of place × probability."""
        found = np.zeros((2, len(self._places) + 1))
        found[0, -2::-1] = self.probability[self._places[::-1]]
        found[1, -2::-1] = found[0, -2::-1] * self._places[::-1]
        found[:, -2::-1] = np.cumsum(found[:, -2::-1], axis=1)
        return found

    def losses(self, need: npt.ArrayLike) -> tuple[Array, Array]:
        """(LOLP: probability that less than ``need`` is available, expected power that lacks to it)."""
        reserve = (self.capacity - np.asarray(need, dtype=float)) / self.step
        covered = np.floor(reserve + _SAME * self.capacity / self.step)
        short, places = self._tails[:, np.searchsorted(self._places, covered, side="right")]
        return short, np.maximum(places - reserve * short, 0.0) * self.step

    def short(self, need: npt.ArrayLike) -> Array:
        """LOLP: probability that less than ``need`` is available."""
        return self.losses(need)[0]

    def lacking(self, need: npt.ArrayLike) -> Array:
        """Expected power that lacks to ``need``."""
        return self.losses(need)[1]


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
    size = sum(reaches) + 2
    at, table = np.zeros(1, dtype=np.int64), np.ones(1)
    for places, shares in _on_lattice(parts, step):
        if len(at) * len(places) > size:  # more pairs than places of the lattice
            dense = np.bincount(at, table, minlength=size)
            made = np.zeros(size)
            for place, share in zip(places.tolist(), shares.tolist(), strict=True):
                made[place:] += share * dense[: size - place]
            at = np.flatnonzero(made)
            table = made[at]
        else:
            at, table = np.add.outer(at, places).ravel(), np.multiply.outer(table, shares).ravel()
    return OutageTable(capacity, step, np.asarray(np.bincount(at, table, minlength=size), dtype=float))


def _on_lattice(
    parts: Sequence[tuple[Array, Array]], step: float
) -> Iterator[tuple[npt.NDArray[np.int64], Array]]:
    """(whole places, probability) of each part; what lies between two is shared, so that the mean stays."""
    all_places = np.concatenate([lost for lost, _ in parts]) / step
    all_first = np.floor(all_places + 1e-6)
    all_beyond = all_places - all_first
    all_beyond[all_beyond <= 1e-6] = 0.0
    numbers, end = all_first.astype(np.int64), 0
    for _, probability in parts:
        here = slice(end, end + len(probability))
        first, beyond, end = numbers[here], all_beyond[here], here.stop
        if beyond.any():
            first = np.concatenate([first, first + 1])
            probability = np.concatenate([(1.0 - beyond) * probability, beyond * probability])
        yield first, probability
