"""Hourly prices of markets, as they happened: packed files of the catalog, read when they are asked for.

A file of ``grids/hours`` has every hour from 1 January 2020 to 31 December 2024 in UTC, in hundredths of the
market's currency per MWh, whole numbers of 32 bit, the bytes of a kind together, LZMA
(``benchmarks/make_grid_hours.py`` writes them). Negative and scarcity hours are as published.
"""

from __future__ import annotations

import lzma
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError, MissingDataError

__all__ = [
    "FIRST_YEAR",
    "MISSING",
    "STEP",
    "check_priced",
    "filled_year",
    "local_years",
    "market_year",
    "price_years",
]

Array = NDArray[np.float64]

FIRST_YEAR = 2020
"""Of the files."""
STEP = 0.01
"""Of the stored numbers, in currency per MWh."""
MISSING = -(2**31)
"""Stored where the market has no price."""
_DAY, _YEAR = 24, 8760
_FEBRUARY_29 = slice(59 * _DAY, 60 * _DAY)


def _leap(year: int) -> bool:
    return year % 4 == 0


def local_years(hours: NDArray[np.float64], time_zone: float) -> dict[int, Array]:
    """Hours from the start of :data:`FIRST_YEAR` in UTC → years (8760,) of local standard time without 29
    February; hours before and after the file are ``nan``. ``time_zone`` [h] is taken to the full hour."""
    shifted = np.full(len(hours), np.nan)
    shift = round(time_zone)
    if shift >= 0:
        shifted[shift:] = hours[: len(hours) - shift]
    else:
        shifted[:shift] = hours[-shift:]
    found: dict[int, Array] = {}
    year, first = FIRST_YEAR, 0
    while first < len(hours):
        length = _YEAR + (_DAY if _leap(year) else 0)
        one = shifted[first : first + length]
        found[year] = np.delete(one, _FEBRUARY_29) if _leap(year) else one
        year, first = year + 1, first + length
    return found


@lru_cache(maxsize=32)
def _stored(name: str) -> Array:
    file = loader.path(f"grids/hours/{name}.xz")
    if not file.exists():
        raise MissingDataError("the catalog lacks this file", file=file, allowed="a complete installation")
    planes = np.frombuffer(lzma.decompress(file.read_bytes()), dtype=np.uint8).reshape(4, -1)
    whole = np.ascontiguousarray(planes.T).view("<i4")[:, 0]
    return np.where(whole == MISSING, np.nan, whole * STEP)


def price_years(row: Entity) -> tuple[int, ...]:
    """The years of a row of ``grids_hours``, the first first; empty for a series without prices."""
    return tuple(sorted(one.year for one in row.numbers.get("price", ()) if one.year is not None))


def check_priced(row: Entity, year: int, message: str) -> None:
    """Refuse a year in which a row of ``grids_hours`` has no prices."""
    years = price_years(row)
    if year not in years:
        raise InputError(message, key="supply.grid.year", given=year, allowed=", ".join(map(str, years)))


def filled_year(hours: Array) -> tuple[Array, int]:
    """A year with gaps filled by the same hour of the nearest day that has it, and how many were filled."""
    days = hours.reshape(-1, _DAY).copy()
    lacking = np.isnan(days)
    count = int(lacking.sum())
    known = ~lacking
    for apart in range(1, len(days)):
        if not np.isnan(days).any():
            break
        for step in (apart, -apart):
            there, beside = np.roll(known, step, axis=0), np.roll(hours.reshape(-1, _DAY), step, axis=0)
            days = np.where(np.isnan(days) & there, beside, days)
    return days.ravel(), count


def market_year(row: Entity, year: int, time_zone: float) -> tuple[Array, int]:
    """((8760,) price over the mean of its year, hours that were filled) of a series that ships.

    Parameters
    ----------
    row : Entity
        Of ``grids_hours``, of kind ``series``.
    year : int
        One of :func:`price_years`.
    time_zone : float [h]
        Of the local standard time in which the hours are wanted.

    Raises
    ------
    InputError
        A year that the series lacks.
    """
    check_priced(row, year, f"no hours of {row.text('name')} in this year")
    hours, count = filled_year(local_years(_stored(row.id), time_zone)[year])
    return hours / hours.mean(), count
