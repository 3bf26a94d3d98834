"""Planned maintenance in the mild days of a year: units go out where the reserve is largest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gigawatt.power.adequacy.units import Units

__all__ = ["DAYS", "place_maintenance"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
DAYS = 365
_LOTS = 60
"""Units of one kind that go out apart from one another; more go out in lots."""


def place_maintenance(units: Sequence[Units], level: npt.ArrayLike) -> tuple[Ints, ...]:
    """First day of each unit's outage, by kind; -1 where none is planned.

    Each unit is out once, for ``planned`` of the days, rounded up. Largest outages are placed first, each
    where the highest day of load and of units that are out already is lowest (levelised reserve).

    Parameters
    ----------
    units : sequence of Units
        Kinds of units.
    level : (D,)
        Highest power that the units must give in each day.

    References
    ----------
    Billinton & Allan, Reliability Evaluation of Power Systems (1996), section 2.6.
    """
    out = np.array(level, dtype=float)
    first = [np.full(one.count, -1, dtype=np.int64) for one in units]
    for i in sorted(range(len(units)), key=lambda i: -units[i].size * units[i].planned):
        one = units[i]
        days = outage_days(one, len(out))
        if not days:
            continue
        lot = max(1, math.ceil(one.count / _LOTS))
        for k in range(0, one.count, lot):
            together = min(lot, one.count - k)
            windows = np.lib.stride_tricks.sliding_window_view(out, days)
            highest = windows.max(1)
            best = np.flatnonzero(highest <= highest.min() + 1e-9 * float(np.abs(highest).max()))
            day = int(best[np.argmin(windows[best].sum(1))])
            first[i][k : k + together] = day
            out[day : day + days] += together * one.size
    return tuple(first)


def outage_days(units: Units, days: int) -> int:
    """Days in a row that a unit is in maintenance, of a year of ``days``."""
    return math.ceil(units.planned * days - 1e-9) if units.planned > 0.0 else 0


def units_out(units: Sequence[Units], first: Sequence[Ints], days: int) -> Ints:
    """(D, kinds) units in maintenance in each day."""
    table = np.zeros((days, len(units)), dtype=np.int64)
    for i, one in enumerate(units):
        long = outage_days(one, days)
        for day in first[i][first[i] >= 0].tolist():
            table[day : day + long, i] += 1
    return table
