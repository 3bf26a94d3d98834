"""What a place pays more than the hub that its market's hours are of: congestion and losses of the grid.

A row of ``basis`` has the mean of each year that is known, against the hub it names; ``basis_hours`` what the
hours of the day in each quarter add to the mean. A range is that of the years: where the market has them, of
its cheapest and its dearest, so that hub and place are of the same year.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.quantities import parse, show

__all__ = ["Basis", "basis_of"]

Array = NDArray[np.float64]

_KEY = "supply.grid.basis"
_EXAMPLE = "a price such as '4 $/MWh'"
_LATEST = 9999
_QUARTER = np.repeat(np.repeat(np.arange(4), (90, 91, 92, 92)), 24)
_CELL = _QUARTER * 24 + np.arange(8760) % 24
"""(8760,) which of the 96 hours of a day of a quarter an hour of the year is."""


@dataclass(frozen=True)
class Basis:
    """``hours`` (8760,) [$/J] that a place costs more than the hub; ``ends`` : what its mean is lower and
    higher at the ends of the price's range [$/J]; ``evidence`` and ``assumption`` of its row, ``None`` where
    the basis was given as a price."""

    hours: Array = field(repr=False)
    ends: tuple[float, float] = (0.0, 0.0)
    evidence: Evidence | None = None
    assumption: Assumption | None = None


def basis_of(given: str, grid: Entity, *, market: Entity | None, year: int, ranged: bool) -> Basis:
    """The basis of a place, by the hour of local standard time.

    Parameters
    ----------
    given : str
        A row of ``basis``, or a price such as ``4 $/MWh``, negative where the place is cheaper.
    grid : Entity
        Whose place it is.
    market : Entity or None
        Its row of ``grids_hours``, with the hub's mean of each year.
    year : int
        Of the prices, 0 where they are of none: the latest that is known.
    ranged : bool
        Whether the price has the range of the years.

    Raises
    ------
    InputError
        Of the key ``supply.grid.basis``: no row and no price, or a place of another grid.
    """
    rows = loader.table("basis")
    here = [one.id for one in rows.values() if one.text("grid") == grid.id]
    listed = ", ".join([*here, _EXAMPLE])
    if given not in rows:
        try:
            return Basis(np.full(len(_CELL), parse(given, "$/J")))
        except InputError:
            raise InputError("no such place, and no price", key=_KEY, given=given, allowed=listed,
                             nearest=nearest(given, here or rows)) from None  # fmt: skip
    row = rows[given]
    if given not in here:
        raise InputError(f"a place of {row.text('grid')}, the site's grid is {grid.id}", key=_KEY,
                         given=given, allowed=listed, nearest=nearest(given, here))  # fmt: skip
    proof = row.evidence("basis", year or _LATEST)
    low, high = _ends(row, proof, market) if ranged else (proof.value, proof.value)
    return Basis(
        proof.value + _shape(given),
        (low - proof.value, high - proof.value),
        proof,
        _told(row, proof),
    )


def _shape(name: str) -> Array:
    """(8760,) what an hour adds to the mean, 0 in the mean; 0 where the table has no hours of the place."""
    table = loader.table("basis_hours")
    if f"{name}-q1" not in table:
        return np.zeros(len(_CELL))
    quarters = [table[f"{name}-q{quarter}"] for quarter in range(1, 5)]
    each = np.array([[one.value(f"hour_{hour:02d}") for hour in range(24)] for one in quarters]).ravel()
    found = each[_CELL]
    return found - found.mean()


def _ends(row: Entity, proof: Evidence, market: Entity | None) -> tuple[float, float]:
    """Means at the low and the high end of the price: those of the hub's cheapest and dearest year, the row's
    own range where it is of one year; without a market's years the least and the most of its own."""
    known = row.numbers["basis"]
    if len(known) == 1:
        return (proof.value if proof.low is None else proof.low,
                proof.value if proof.high is None else proof.high)  # fmt: skip
    if market is None:
        return min(one.value for one in known), max(one.value for one in known)
    by_year = {one.year: one.value for one in known}
    years = sorted(market.numbers["price"], key=lambda one: one.value)
    return by_year.get(years[0].year, proof.value), by_year.get(years[-1].year, proof.value)


def _told(row: Entity, proof: Evidence) -> Assumption:
    said = f"{row.text('name')} over {row.text('hub')}, {row.text('hours')} prices, mean of {proof.year}"
    if "spread" in row.numbers:
        spread = row.evidence("spread", proof.year)
        said += f"; an hour is off it by {show(spread.value, '$/MWh', 3)} (standard deviation)"
    if f"{row.id}-q1" in loader.table("basis_hours"):
        said += "; hours of the day by quarter"
    return proof.assumption(_KEY, said, show(proof.value, "$/MWh", 3))
