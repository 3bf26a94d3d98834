"""Which hours are dear: ranks within month and hour of the day, and prices dealt out by the weather.

Prices of one year and the weather of another go together by rank: among the days of a month, at each hour of
the day, the dearest price goes to the hour in which fossil plants have most to do. The distribution of every
month and every hour of the day stays as it was, to the last price.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = ["CELL", "deal", "dealing", "rank", "within"]

Array = NDArray[np.float64]

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
CELL = np.repeat(np.arange(12), np.array(_DAYS) * 24) * 24 + np.arange(8760) % 24
"""(8760,) which of the 288 hours of a day of a month an hour of the year is."""
_COUNT = np.bincount(CELL)
_FIRST = np.concatenate([[0], np.cumsum(_COUNT)])[:-1]


def rank(values: ArrayLike) -> Array:
    """Share of the values below each, (n,) in (0, 1); of equal ones the earlier is lower."""
    found = np.asarray(values, dtype=np.float64)
    ranks = np.empty(len(found))
    ranks[np.argsort(found, kind="stable")] = np.arange(len(found)) + 0.5
    return ranks / len(found)


def _order(values: Array) -> NDArray[np.int64]:
    """Hours of the year by month and hour of the day, within each from the lowest value to the highest."""
    return np.lexsort((values, CELL))


def within(values: ArrayLike) -> Array:
    """Rank of each hour of a year (8760,) among those of its month and hour of the day, -0.5 to 0.5."""
    found = np.asarray(values, dtype=np.float64)
    _check(found)
    ranks = np.empty(len(found))
    ranks[_order(found)] = (np.arange(len(found)) - np.repeat(_FIRST, _COUNT) + 0.5) / np.repeat(
        _COUNT, _COUNT
    )
    return ranks - 0.5


def dealing(prices: ArrayLike, driver: ArrayLike, *, weight: float) -> NDArray[np.int64]:
    """Which hour of the prices' year goes to each hour of the weather's, (8760,).

    Parameters
    ----------
    prices : array (8760,)
        Of a year, in local standard time without 29 February.
    driver : array (8760,) []
        What makes hours dear, such as the residual load of the weather, in the same hours.
    weight : float []
        Rank correlation of price and driver within month and hour of the day, 0 to 1: the rest of the order
        is that of the price's own year. 0 leaves the prices as they are, 1 goes by the driver alone.

    Raises
    ------
    InputError
        Series that are not of a year, a weight out of its range.
    """
    dear, need = np.asarray(prices, dtype=np.float64), np.asarray(driver, dtype=np.float64)
    _check(dear)
    _check(need)
    check_range("weight", weight, 0.0, 1.0, message="not a correlation of price and weather")
    if weight == 0.0 or not np.ptp(need) > 0.0:
        return np.arange(len(dear))
    score = weight * within(need) + np.sqrt(1.0 - weight**2) * within(dear)
    found = np.empty(len(dear), dtype=np.int64)
    found[_order(score)] = _order(dear)
    return found


def deal(prices: ArrayLike, driver: ArrayLike, *, weight: float) -> Array:
    """Prices of a year dealt out by the weather of another, (8760,): those of :func:`dealing`."""
    return np.asarray(prices, dtype=np.float64)[dealing(prices, driver, weight=weight)]


def _check(values: Array) -> None:
    if values.shape != CELL.shape or not np.all(np.isfinite(values)):
        raise InputError("not the hours of a year", given=f"{values.shape}", allowed="8,760 finite values")
