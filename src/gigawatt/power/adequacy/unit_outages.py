"""Outages of units, year by year: drawn once, and kept for systems in which other units stand beside them.

Each unit is a two-state Markov chain of whole hours with a stream of random numbers of its own, so that its
outages are the same whatever else a system has. Failures are drawn at the rate of the worst hour, and kept
with the share of it that their hour has.

References
----------
L'Ecuyer, Efficient and portable combined random number generators, CACM 31(6), 1988.
Lewis & Shedler (1979), Naval Research Logistics Quarterly 26(3): thinning.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.compiled import compiled, compiled_and_kept

__all__ = ["BATCH", "FailingKind", "UnitOutages", "batch_years", "spells_of"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Spells = npt.NDArray[np.int32]

BATCH = 250
"""Years that are drawn together, rounded up to whole cycles of weather years."""
_KEPT = 4
"""Batches of a unit that are kept: further ones are asked for once, where a loss is rare."""
_A, _M, _B, _N = 40014, 2147483563, 40692, 2147483399


def batch_years(weather_years: int) -> int:
    """Years of a batch: each weather year as often as the others."""
    return -(-BATCH // weather_years) * weather_years


@dataclass(frozen=True)
class FailingKind:
    """How units of a kind fail: all that their outages depend on but their random numbers.

    Attributes
    ----------
    fail, mend : float
        Probability of a failure in the hour in which it is highest, and of a repair in any hour.
    out : (H,)
        Share of units that are out as a year begins in this hour.
    share : (H,)
        Failures of an hour over the highest.
    years : int
        Weather years that the hours are of.
    """

    fail: float
    mend: float
    out: Array = field(compare=False, repr=False)
    share: Array = field(compare=False, repr=False)
    years: int
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        text = hashlib.blake2b(self.out.tobytes(), digest_size=16)
        text.update(self.share.tobytes())
        object.__setattr__(self, "digest", text.digest())

    @property
    def hours(self) -> int:
        """Hours of a year."""
        return len(self.out) // self.years

    def outages(self, random: np.random.Generator) -> tuple[Spells, Ints]:
        """(outages, 2) first hour and the hour after the last, of the next batch of years of a unit; (years
        + 1,) which of them are of each year."""
        years = batch_years(self.years)
        seeds = random.integers(1, _N - 1, (years, 2))
        at = np.zeros(years + 1, dtype=np.int64)
        room = 64 + int(1.5 * years * (1.0 + self.hours * self.fail / (1.0 + self.fail / self.mend)))
        while True:
            spells = np.zeros((room, 2), dtype=np.int32)
            if _draw(self.fail, self.mend, self.out, self.share, self.hours, self.years, seeds, spells, at):
                return spells[: at[-1]].copy(), at
            room *= 2


@lru_cache(maxsize=2048)
def _kept(kind: FailingKind, stream: tuple[int, int, int], batch: int) -> tuple[Spells, Ints]:
    random = np.random.default_rng(stream)
    random.integers(1, _N - 1, (batch * batch_years(kind.years), 2))
    return kind.outages(random)


class UnitOutages:
    """Outages of one unit, in batches of years: ``stream`` says which random numbers are its own."""

    def __init__(self, kind: FailingKind, stream: tuple[int, int, int]) -> None:
        self.kind, self.stream = kind, stream
        self._random: np.random.Generator | None = None
        self._next = 0

    def batch(self, number: int) -> tuple[Spells, Ints]:
        """:meth:`FailingKind.outages` of a batch, counted from 0."""
        if number < _KEPT:
            return _kept(self.kind, self.stream, number)
        if self._random is None or number < self._next:
            self._random, self._next = np.random.default_rng(self.stream), 0
        self._random.integers(1, _N - 1, ((number - self._next) * batch_years(self.kind.years), 2))
        self._next = number + 1
        return self.kind.outages(self._random)


def spells_of(units: Sequence[UnitOutages], number: int, years: int) -> tuple[Spells, Ints]:
    """Outages (sum, 2) of all units in a batch; (units, years + 1) which of them are of each year."""
    drawn = [one.batch(number) for one in units]
    if not drawn:
        return np.zeros((0, 2), dtype=np.int32), np.zeros((0, years + 1), dtype=np.int64)
    ends = np.cumsum([0, *(len(spells) for spells, _ in drawn)])
    at = np.stack([at[: years + 1] + end for (_, at), end in zip(drawn, ends, strict=False)])
    return np.concatenate([spells for spells, _ in drawn]), at


@compiled
def _wait(chance: float, without: float, uniform: float, most: int) -> int:
    """Hours until something that happens with a chance each hour; ``without`` = log(1 - chance)."""
    if chance >= 1.0:
        return 1
    if chance <= 0.0:
        return most
    hours = math.log(uniform) / without
    return most if hours >= most else 1 + int(hours)


def _drawn(
    failing: float, mending: float, out: Any, share: Any, hours: int, years: int, seeds: Any, spells: Any,
    at: Any,
) -> bool:  # fmt: skip
    """Fill ``spells`` and ``at``; whether there was room."""
    sound = math.log1p(-failing) if failing < 1.0 else 0.0
    broken = math.log1p(-mending) if mending < 1.0 else 0.0
    made = 0
    for n in range(len(seeds)):
        base, one, two = (n % years) * hours, seeds[n, 0], seeds[n, 1]
        t, up, drawn, doubted = 0, True, False, False
        while t < hours:
            one, two = one * _A % _M, two * _B % _N
            z = one - two
            if z < 1:
                z += _M - 1
            uniform = z / _M
            if not drawn:
                up, drawn = uniform >= out[base], True
                continue
            if doubted:
                up, doubted = uniform >= share[base + t], False
                continue
            waited = _wait(failing, sound, uniform, hours) if up else _wait(mending, broken, uniform, hours)
            until = min(t + waited, hours)
            if up and until < hours and share[base + until] < 1.0:
                t, doubted = until, True
                continue
            if not up:
                if made == len(spells):
                    return False
                spells[made, 0], spells[made, 1] = t, until
                made += 1
            t, up = until, not up
        at[n + 1] = made
    return True


_draw = compiled_and_kept(_drawn)
