"""Columns that border few hours each, in one place of the hour's border: the demand of a month.

An hour knows the demand of its own month and of no other. So the border of an hour is as narrow as with one
such column, and only the sums over hours tell the months apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Months", "packed"]

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Months:
    """Runs of hours in which a place of the border is one column: ``starts`` of the runs, ``place`` (slots,
    runs) the column, wide rows before them, and ``run`` (H,) of each hour."""

    starts: Ints
    place: Ints
    run: Ints

    def add_products(self, to: Array, one: Array, other: Array, sign: float) -> None:
        """Add ``sign · one @ other.T`` over hours to the border; both (slots, H)."""
        ends = [*self.starts[1:].tolist(), one.shape[1]]
        for k, (first, end) in enumerate(zip(self.starts.tolist(), ends, strict=True)):
            at = self.place[:, k]
            to[np.ix_(at, at)] += sign * (one[:, first:end] @ other[:, first:end].T)

    def add_sums(self, to: Array, over: Array) -> None:
        """Subtract the sums over hours of (slots, H) from the border."""
        np.subtract.at(to, self.place, np.add.reduceat(over, self.starts, axis=1))

    def spread(self, border: Array) -> Array:
        """(slots, H) of the border's values."""
        return border[self.place][:, self.run]

    def whole(self, edge: Array, outer: int) -> Array:
        """(outer, H) of the edge (slots, H) of an hour's column."""
        found = np.zeros((outer, edge.shape[1]))
        found[self.place[:, self.run], np.arange(edge.shape[1])] = edge
        return found


def packed(apart: Mask, border: Ints, hour: Ints, hours: int, wide: int) -> tuple[Ints, Months | None]:
    """(place of each bordering column in an hour, runs of months); ``None`` where each has its own place.

    ``border``, ``hour`` : bordering columns and the hours that know them, pair by pair.
    """
    own = np.arange(len(apart))
    if not np.any(apart):
        return own, None
    known = np.zeros((len(apart), hours), dtype=bool)
    known[border, hour] = True
    at, taken, free = np.zeros(len(apart), dtype=np.int64), list[Mask](), list[bool]()
    for k in own.tolist():
        fits = (g for g, there in enumerate(taken) if free[g] and not np.any(there & known[k]))
        g = next(fits, None) if apart[k] else None
        if g is None:
            taken.append(known[k].copy())
            free.append(bool(apart[k]))
            g = len(taken) - 1
        else:
            taken[g] |= known[k]
        at[k] = g
    column = np.empty((len(taken), hours), dtype=np.int64)
    for g in range(len(taken)):
        members = np.flatnonzero(at == g)
        column[g] = members[0]
        for k in members.tolist():
            first = int(np.argmax(known[k])) if np.any(known[k]) else hours
            column[g, first:] = k  # until the next one begins
    column = np.concatenate([np.repeat(np.arange(wide)[:, None], hours, axis=1), wide + column])
    change = np.any(column[:, 1:] != column[:, :-1], axis=0)
    starts = np.concatenate([[0], np.flatnonzero(change) + 1])
    return at, Months(starts, column[:, starts], np.concatenate([[0], np.cumsum(change)]))
