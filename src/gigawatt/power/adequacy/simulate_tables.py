"""Tables of units that the simulation of adequacy reads: how they fail, and when they are maintained."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gigawatt.power.adequacy.units import Units

__all__ = ["rates", "unit_table"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_DAY = 24


def rates(kinds: Sequence[Units], often: Array) -> tuple[Array, Array]:
    """(kinds, 2) probability of a failure, in the hour in which it is highest, and of a repair; (H, kinds)
    failures of an hour over the highest, from those over their mean."""
    repair = np.minimum([1.0 / one.repair for one in kinds], 1.0)
    forced = np.array([one.forced for one in kinds])
    fail = np.minimum(repair * forced / (1.0 - forced) * often, 1.0)
    highest = fail.max(0)
    return np.stack([highest, repair], axis=1), np.where(
        highest > 0.0, fail / np.maximum(highest, 1e-300), 1.0
    )


def unit_table(kinds: Sequence[Units], first: Sequence[Ints] | None, hours: int) -> Ints:
    """(units, 4): kind, number in its kind, first hour of maintenance and the hour after it."""
    rows: list[tuple[int, int, int, int]] = []
    for k, one in enumerate(kinds):
        long = math.ceil(one.planned * (hours // _DAY) - 1e-9) * _DAY
        for i in range(one.count):
            day = -1 if first is None else int(first[k][i])
            begin = hours if day < 0 else day * _DAY
            rows.append((k, i, begin, min(begin + long, hours)))
    return np.array(rows, dtype=np.int64).reshape(-1, 4)
