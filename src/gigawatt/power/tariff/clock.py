"""The calendar of a year's hours: months, days of the week, and the coincident peaks of a grid.

Hours are those of local standard time, 8,760 without 29 February; holidays are days like others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR

__all__ = ["COINCIDENT", "DAYS", "MONTHS", "Clock", "coincident_hours", "coincident_rule"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_YEAR = int(HOURS_PER_YEAR)
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH_OF_HOUR = np.repeat(np.arange(12), np.array(MONTH_DAYS) * 24)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = {
    "all": (0, 1, 2, 3, 4, 5, 6),
    "weekday": (0, 1, 2, 3, 4),
    "weekend": (5, 6),
    "saturday": (5,),
    "sunday": (6,),
}
"""Days of the week, Monday 0, by what a tariff calls them."""
COINCIDENT = {"4CP": (5, 6, 7, 8), "12CP": tuple(range(12))}
"""Months, from 0, of each of which the highest hour counts."""
_TRIAD_MONTHS, _TRIADS, _TRIAD_APART = (10, 11, 0, 1), 3, 10
_ON_DAYS = re.compile(r"(\d+)CP")


@dataclass(frozen=True)
class Clock:
    """The calendar of ``year``, for ``years`` years of hours one after another (each the same calendar)."""

    year: int
    years: int = 1

    @cached_property
    def month(self) -> Ints:
        """(H,) month of each hour, from 0."""
        return np.tile(_MONTH_OF_HOUR, self.years)

    @cached_property
    def weekday(self) -> Ints:
        """(H,) day of the week of each hour, Monday 0."""
        days = (date(self.year, 1, 1) + timedelta(days=n) for n in range(366))
        kept = [one.weekday() for one in days if one.year == self.year and (one.month, one.day) != (2, 29)]
        return np.tile(np.repeat(np.array(kept), 24), self.years)

    @cached_property
    def hour(self) -> Ints:
        """(H,) hour of the day, 0 to 23."""
        return np.tile(np.arange(_YEAR) % 24, self.years)

    @property
    def hours(self) -> int:
        """Hours in all."""
        return _YEAR * self.years

    def within(self, months: Iterable[int], days: Iterable[int], hours: Iterable[int]) -> Mask:
        """(H,) whether an hour lies in these months, days of the week and hours of the day."""
        there = np.zeros((12, 7, 24), dtype=bool)
        there[np.ix_(list(months), list(days), list(hours))] = True
        return there[self.month, self.weekday, self.hour]


def coincident_rule(text: str, *, key: str) -> str | int:
    """``4CP``, ``12CP``, ``triads``, ``5CP`` (hours of five different days), or a number of hours.

    Raises ``InputError`` of ``key``.
    """
    word = text.upper()
    if word in COINCIDENT or word == "TRIADS":
        return word
    days = _ON_DAYS.fullmatch(word)
    if days and 1 <= int(days[1]) <= _YEAR // 24:
        return word
    if text.isdigit() and 1 <= int(text) <= _YEAR:
        return int(text)
    raise InputError(
        "not a rule of coincident peaks",
        key=key,
        given=text,
        allowed=f"{', '.join(COINCIDENT)}, 5CP (hours of five days), triads, or a number of hours such as 5",
        nearest=nearest(text, (*COINCIDENT, "5CP", "triads")),
    )


def coincident_hours(price: Array, rule: str | int) -> Ints:
    """Hours of a year of prices (8760,) [$/J] that count, sorted: the dearest tell when a grid is highest.

    ``4CP``, ``12CP``: of each month of the rule one; ``5CP``: of five days one each; ``triads``: three from
    November to February, ten days apart; a number: the dearest hours of the year.
    """
    order = np.argsort(-price, kind="stable")
    if isinstance(rule, int):
        return np.sort(order[:rule])
    if rule in COINCIDENT:
        months = [np.flatnonzero(month == _MONTH_OF_HOUR) for month in COINCIDENT[rule]]
        return np.array([hours[int(np.argmax(price[hours]))] for hours in months])
    triads = rule == "TRIADS"
    most, apart = (_TRIADS, _TRIAD_APART) if triads else (int(rule[:-2]), 1)
    found: list[int] = []
    for hour in order.tolist():
        if triads and _MONTH_OF_HOUR[hour] not in _TRIAD_MONTHS:
            continue
        gaps = (abs(hour // 24 - other // 24) for other in found)
        if all(min(gap, _YEAR // 24 - gap) >= apart for gap in gaps):
            found.append(hour)
            if len(found) == most:
                break
    return np.sort(np.array(found))
