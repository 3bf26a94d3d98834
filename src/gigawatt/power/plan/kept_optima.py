"""Solved programmes that are kept, so that the same programme of another size is not solved again.

A capacity plan is homogeneous of degree one: with load and limits k times as large, capacities, dispatch,
cost and carbon are k times as large, and prices stay. :mod:`gigawatt.power.plan.programme` measures power in
the largest load, so that plans which differ in size alone have one programme, up to the rounding of that
division. Such a programme is recognised by its numbers, and its solution is taken as it is; what is made of
it is in the units of the plan at hand.

References
----------
Bertsimas & Tsitsiklis (1997), Introduction to Linear Optimization, section 5.2: the optimum as a function of
the right side, homogeneous of degree one.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gigawatt.power.plan.programme import Programme
from gigawatt.power.solve import Solution

__all__ = ["DEFAULT_BYTES", "KeptOptima", "keeping", "kept_optima"]

Array = npt.NDArray[np.float64]

DEFAULT_BYTES = 192 * 2**20
"""What is kept at most, about, in bytes."""
_SAME = 1e-12
"""Coefficients that differ by less, relative to the larger of themselves and 1, are rounding."""

_in_use: list[KeptOptima] = []


@dataclass(frozen=True)
class _Kept:
    data: Array
    b: Array
    cost: Array
    solution: Solution

    @property
    def size(self) -> int:
        own = (self.data, self.b, self.cost, self.solution.x, self.solution.z)
        return sum(array.nbytes for array in own)


@dataclass(eq=False)
class KeptOptima:
    """Optima by programme, the least recently used dropped first.

    Attributes
    ----------
    limit : int
        Bytes that are kept, about.
    hits, misses : int
        How often a programme was known, and how often not.
    """

    limit: int = DEFAULT_BYTES
    hits: int = 0
    misses: int = 0
    size: int = 0
    _kept: OrderedDict[tuple[bytes, int], _Kept] = field(
        default_factory=OrderedDict[tuple[bytes, int], _Kept], repr=False
    )
    _number: int = 0

    def __len__(self) -> int:
        """Optima that are kept now."""
        return len(self._kept)

    def find(self, programme: Programme) -> Solution | None:
        """The optimum of this programme, or of one that differs by rounding alone; ``None`` if unknown."""
        pattern = _pattern(programme)
        for place in [place for place in reversed(self._kept) if place[0] == pattern]:
            one = self._kept[place]
            pairs = ((one.cost, programme.cost), (one.b, programme.b), (one.data, programme.A.data))
            if all(_same(known, asked) for known, asked in pairs):
                self._kept.move_to_end(place)
                self.hits += 1
                return one.solution
        self.misses += 1
        return None

    def last(self, programme: Programme) -> Solution | None:
        """The optimum that was kept or found last, where it has the columns of this programme."""
        one = next(reversed(self._kept.values()), None)
        return None if one is None or one.cost.shape != programme.cost.shape else one.solution

    def keep(self, programme: Programme, solution: Solution) -> None:
        """Remember an optimum."""
        self._number += 1
        one = _Kept(programme.A.data, programme.b, programme.cost, solution)
        self._kept[_pattern(programme), self._number] = one
        self.size += one.size
        while self.size > self.limit and len(self._kept) > 1:
            self.size -= self._kept.popitem(last=False)[1].size


def _pattern(programme: Programme) -> bytes:
    """Where the matrix has numbers, and which rows are equalities."""
    A = programme.A
    sha = hashlib.blake2b(f"{A.shape}{programme.equalities}".encode(), digest_size=16)
    sha.update(A.indptr.data.cast("B"))
    sha.update(A.indices.data.cast("B"))
    return sha.digest()


def _same(known: Array, asked: Array) -> bool:
    if known.shape != asked.shape:
        return False
    equal = known == asked  # infinities too
    apart = np.flatnonzero(~equal)
    one, other = known[apart], asked[apart]
    with np.errstate(invalid="ignore"):
        near = np.abs(one - other) <= _SAME * np.maximum(1.0, np.abs(other))
    return bool(np.all(near & np.isfinite(one) & np.isfinite(other)))


@contextmanager
def keeping(optima: KeptOptima) -> Generator[KeptOptima]:
    """Plans made while the block runs take known programmes from ``optima`` and leave new ones there."""
    _in_use.append(optima)
    try:
        yield optima
    finally:
        _in_use.remove(optima)


def kept_optima() -> KeptOptima | None:
    """What :func:`keeping` put in force last, or ``None``."""
    return _in_use[-1] if _in_use else None
