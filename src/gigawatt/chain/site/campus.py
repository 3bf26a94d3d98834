"""Campus phases: when accelerators arrive and when halls for them are energised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gigawatt.chain.registry import running, shared
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import compact, parse
from gigawatt.facility import LoadShape
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.power.dates import year_of
from gigawatt.schema.values import YEARS

__all__ = ["Phased", "read_buildings", "read_deliveries"]

DELIVERIES, BUILDINGS = "machine.deliveries", "site.buildings"
_ROUNDING = 1e-6
_ENOUGH = 0.995
"""Share of the highest hour for which the last halls may be energised, as a count is found by a power."""


@dataclass(frozen=True)
class Phased:
    """Share of a whole that is there: ``first``, and ``shares`` from each of ``dates`` (decimal years) on."""

    first: float
    dates: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()

    def at(self, year: float) -> float:
        """The share at a decimal year."""
        return (self.first, *self.shares)[int(np.searchsorted(self.dates, year + _ROUNDING, side="right"))]

    @property
    def complete(self) -> float:
        """Decimal year from which the share no longer grows; before all, where it never does."""
        steps = zip(self.dates, (self.first, *self.shares), self.shares, strict=False)
        return max((date for date, before, after in steps if after > before), default=-np.inf)


def _dated(text: str, key: str, year: int, allowed: str) -> list[tuple[float, str]]:
    """(decimal year in which the date begins, what is written) of ``date: value, date: value``, rising."""
    found: list[tuple[float, str]] = []
    for part in text.split(","):
        when, colon, value = part.partition(":")
        if not colon or not value.strip():
            raise InputError("not a date and a value", key=key, given=part.strip(), allowed=allowed)
        try:
            date = year_of(when, begins=True)
        except InputError as error:
            raise error.at(key=key) from None
        if not year <= date < YEARS[1] + 1:
            raise InputError(
                "before the year of the question" if date < year else "out of range",
                key=key, given=when.strip(), allowed=f"{year}-01 to {YEARS[1]}-12",
            )  # fmt: skip
        if found and date <= found[-1][0]:
            raise InputError("the dates are not in order", key=key, given=text, allowed="rising dates")
        found.append((date, value.strip()))
    return found


def read_deliveries(text: str, *, count: int, year: int) -> Phased:
    """``2027-01: 40 %, 2027-07: 9830`` → share of the accelerators that is there.

    Parameters
    ----------
    text : str
        Dates, each with a share or a number of all accelerators that arrive.
    count : int
        All accelerators.
    year : int
        In whose beginning those are there that are not in the text.

    Raises
    ------
    InputError
        No dates and values, dates before the year or not in order, more than there are.
    """
    parts: list[float] = []
    dated = _dated(text, DELIVERIES, year, "such as 2027-01: 40 %, 2027-07: 60 %")
    for _, written in dated:
        try:
            number = parse(written, "1")
        except InputError as error:
            raise error.at(key=DELIVERIES) from None
        whole = "%" not in written
        if number <= 0.0 or (whole and number != int(number)):
            raise InputError("not a share or a number of accelerators", key=DELIVERIES, given=written,
                             allowed="40 %, or 8192")  # fmt: skip
        parts.append(number / count if whole else number)
    if sum(parts) > 1.0 + _ROUNDING:
        raise InputError(
            "more accelerators arrive than there are", key=DELIVERIES,
            given=f"{100.0 * sum(parts):.4g} % of {count:,}", allowed="100 % or less in all",
        )  # fmt: skip
    shares = np.minimum(1.0 - sum(parts) + np.cumsum(parts), 1.0)
    return Phased(max(1.0 - sum(parts), 0.0), tuple(date for date, _ in dated), tuple(map(float, shares)))


def read_buildings(text: str, *, peak: float, year: int) -> Phased:
    """``2027-01: 150 MW, 2027-06: 300 MW`` → share of the highest hour for which halls are energised.

    Parameters
    ----------
    text : str
        Dates, each with the power at the meter that all halls together may draw from then on.
    peak : float [W]
        Power at the meter in the highest hour of the whole load.
    year : int
        In whose beginning nothing is energised, unless a date says so.

    Raises
    ------
    InputError
        No dates and powers, dates before the year or not in order, halls that close, halls that never hold
        the load.
    """
    powers: list[float] = []
    dated = _dated(text, BUILDINGS, year, "such as 2027-01: 150 MW, 2027-06: 300 MW")
    for _, written in dated:
        try:
            powers.append(parse(written, "W"))
        except InputError as error:
            raise error.at(key=BUILDINGS) from None
        if powers[-1] <= max((0.0, *powers[:-1])):
            raise InputError("does not grow", key=BUILDINGS, given=text,
                             allowed="power of all halls together, rising from date to date")  # fmt: skip
    if powers[-1] < _ENOUGH * peak:
        raise InputError("the halls never hold the load", key=BUILDINGS, given=dated[-1][1],
                         allowed=f"a last of {compact(peak, 'W')}, its highest hour, or more")  # fmt: skip
    shares = np.minimum(np.array(powers) / peak, 1.0)
    shares[-1] = 1.0
    return Phased(0.0, tuple(date for date, _ in dated), tuple(map(float, shares)))


def _after(phased: Phased, year: int) -> float:
    return max(phased.complete - year, 0.0) * SECONDS_PER_YEAR


@running("machine.delivered", "", given=(DELIVERIES,))
def delivered(machine_deliveries: str, machine_count: int, scenario_year: int) -> Phased:
    """Share of the accelerators that has arrived, by date.

    1 − share of all deliveries + share of those until the date
    """
    return read_deliveries(machine_deliveries, count=machine_count, year=scenario_year)


@running("machine.complete", "yr", given=(DELIVERIES,))
def machine_complete(machine_delivered: Phased, scenario_year: int) -> float:
    """Time from the beginning of the year until the last accelerator has arrived.

    date of the last delivery − year, not below 0
    """
    return _after(machine_delivered, scenario_year)


@shared("site.energised", "", given=(BUILDINGS,))
def energised(site_buildings: str, facility_load: LoadShape, scenario_year: int) -> Phased:
    """Share of the highest hour for which halls are energised, by date.

    power of all halls together at the date / highest hour of the load, 1 at most
    """
    return read_buildings(site_buildings, peak=facility_load.peak, year=scenario_year)


@shared("site.complete", "yr", given=(BUILDINGS,))
def site_complete(site_energised: Phased, scenario_year: int) -> float:
    """Time from the beginning of the year until halls for the whole load are energised.

    date of the last hall − year, not below 0
    """
    return _after(site_energised, scenario_year)
