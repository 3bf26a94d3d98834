"""Own hours of price, carbon or both in a CSV file, with or without times.

Cells between commas, semicolons or tabs (:mod:`gigawatt.core.delimited`).
Columns ``price [$/MWh]`` and ``carbon [g/kWh]``, one or both, and ``time`` where the hours have dates: ISO
8601, with its offset (``2023-01-01T00:00Z``) or in local standard time without. Lines of comment before the
head may name the ``zone`` that the hours are of and the ``time_zone`` [h] of times without an offset::

    # zone: ercot
    # time_zone: -6
    time,price [$/MWh],carbon [g/kWh]
    2023-01-01T00:00,21.4,380

A year has 8,760 hours or, with 29 February, which is left out, 8,784. Prices may be negative.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.delimited import read_cells
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import same_dimension, to_si

__all__ = ["OwnHours", "read_own_hours"]

Array = NDArray[np.float64]

KEY = "supply.grid.hours"
_COLUMNS = {"price": ("$/MWh", -1e5, 1e6), "carbon": ("g/kWh", 0.0, 1e4)}
"""Column → unit where none is written, least and largest value in it."""
_TIME, _PLACE = "time", ("zone", "time_zone")
_YEAR, _DAY = 8760, 24
_FEBRUARY_29 = slice(59 * _DAY, 60 * _DAY)
_HOUR = timedelta(hours=1)
_DOTTED = re.compile(r"^(\d\d)\.(\d\d)\.(\d{4})")
"""Day, month and year between points, the order of all who write them so."""


@dataclass(frozen=True)
class OwnHours:
    """Hours of a file: ``price`` [$/J] and ``carbon`` [kg/J] (8760,) in local standard time, ``None`` where
    it has none; ``year`` of its times, ``None`` without; ``zone`` as it names it; ``name`` of the file."""

    name: str
    price: Array | None = field(repr=False)
    carbon: Array | None = field(repr=False)
    year: int | None = None
    zone: str = ""


def read_own_hours(file: Path, *, time_zone: float) -> OwnHours:
    """The hours of a file.

    Parameters
    ----------
    file : Path
        A CSV file as above.
    time_zone : float [h]
        Of the local standard time in which the hours are wanted.

    Raises
    ------
    InputError
        No such file, no column of price or carbon, a unit of something else, a cell that is no number or
        out of range, hours that are missing, twice or out of order, another number of hours than a year has:
        file, line and what would do. The key is ``supply.grid.hours``.
    """
    place, head, rows = _rows(file)
    columns, when = _columns(file, head)
    values = {name: np.empty(len(rows)) for name in columns}
    for i, (line, cells) in enumerate(rows):
        if len(cells) != len(head[1]):
            raise _error("another number of cells than the head", file, line, given=len(cells),
                         allowed=f"{len(head[1])} cells")  # fmt: skip
        for name, (at, _) in columns.items():
            values[name][i] = _number(file, line, name, cells[at])
    stamps = None
    if when is not None:
        stamps = [_time(file, line, cells[when], place.get("time_zone")) for line, cells in rows]
    index, year = _places(file, rows, stamps, time_zone, place.get("time_zone"))
    made: dict[str, Array] = {}
    for name, (_, unit) in columns.items():
        hours = np.empty(_YEAR)
        known = index >= 0
        hours[index[known]] = values[name][known]
        made[name] = hours * to_si(1.0, unit)
    return OwnHours(file.name, made.get("price"), made.get("carbon"), year, str(place.get("zone", "")))


def _error(what: str, file: Path, line: int | None = None, **more: object) -> InputError:
    return InputError(what, key=KEY, file=file, line=line, **more)  # type: ignore[arg-type]


def _rows(
    file: Path,
) -> tuple[Mapping[str, str | float], tuple[int, list[str]], list[tuple[int, list[str]]]]:
    """(comments, head, rows), each row with its line."""
    place: dict[str, str | float] = {}
    rows: list[tuple[int, list[str]]] = []
    for line, cells in read_cells(file, key=KEY, what="these hours"):
        if cells[0].startswith("#"):
            name, _, value = ",".join(cells).lstrip("# ").partition(":")
            if name.strip() in _PLACE:
                place[name.strip()] = _comment(file, line, name.strip(), value.strip())
        else:
            rows.append((line, cells))
    if not rows:
        raise _error("an empty file", file, allowed="a head such as 'price [$/MWh]' and 8,760 hours")
    return place, rows[0], rows[1:]


def _comment(file: Path, line: int, name: str, value: str) -> str | float:
    if name != "time_zone":
        return value
    try:
        hours = float(value)
    except ValueError:
        hours = math.nan
    if not -12.0 <= hours <= 14.0:
        raise _error("not a time zone", file, line, given=value, allowed="hours from UTC such as -6")
    return hours


def _columns(file: Path, head: tuple[int, list[str]]) -> tuple[dict[str, tuple[int, str]], int | None]:
    """(column and unit of price and carbon, column of the time)."""
    line, cells = head
    found: dict[str, tuple[int, str]] = {}
    when = None
    for at, cell in enumerate(cells):
        name, _, unit = cell.partition("[")
        name = name.strip().lower()
        if name == _TIME:
            when = at
        elif name in _COLUMNS:
            usual = _COLUMNS[name][0]
            written = unit.rstrip("] ") or usual
            if not _fits(written, usual):
                raise _error(f"not a unit of {name}", file, line, given=written,
                             allowed=f"{usual}; money is in dollars")  # fmt: skip
            found[name] = (at, written)
    if not found:
        near = next(
            (one for cell in cells if (one := nearest(cell.partition("[")[0].strip(), _COLUMNS))), None
        )
        raise _error("no column of price or carbon", file, line, given=", ".join(cells)[:60], nearest=near,
                     allowed="a head with 'price [$/MWh]', 'carbon [g/kWh]' or both")  # fmt: skip
    return found, when


def _fits(written: str, usual: str) -> bool:
    try:
        return same_dimension(written, usual)
    except InputError:
        return False


def _number(file: Path, line: int, name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    usual, low, high = _COLUMNS[name]
    if not low <= value <= high:
        what = f"not a {name}" if math.isnan(value) else f"a {name} out of range"
        raise _error(
            what, file, line, given=cell or "nothing", allowed=f"a number, {low:,.0f} to {high:,.0f} {usual}"
        )
    return value


def _time(file: Path, line: int, cell: str, zone: str | float | None) -> datetime:
    try:
        found = datetime.fromisoformat(_DOTTED.sub(r"\3-\2-\1", cell))
    except ValueError:
        raise _error("not a time", file, line, given=cell or "nothing",
                     allowed="2023-01-01T00:00 in local standard time, or with its offset: "
                     "2023-01-01T06:00Z") from None  # fmt: skip
    if found.minute or found.second:
        raise _error("not a full hour", file, line, given=cell, allowed="an hour by its beginning")
    if found.tzinfo is None and zone is not None:
        found = found.replace(tzinfo=timezone(timedelta(hours=float(zone))))
    return found


def _check_length(file: Path, count: int) -> None:
    if count not in (_YEAR, _YEAR + _DAY):
        raise _error("not a year", file, given=f"{count:,} hours",
                     allowed="8,760 hours, or 8,784 of a leap year")  # fmt: skip


def _places(
    file: Path,
    rows: Sequence[tuple[int, list[str]]],
    stamps: Sequence[datetime] | None,
    time_zone: float,
    written: str | float | None,
) -> tuple[NDArray[np.int64], int | None]:
    """(hour of the local year of each row, -1 on 29 February; year of the times)."""
    count = len(rows)
    if stamps is None:
        _check_length(file, count)
        shift = 0 if written is None else round(time_zone - float(written))
        places = np.arange(count)
        if count > _YEAR:
            places = np.concatenate([np.arange(59 * _DAY), np.full(_DAY, -1), np.arange(59 * _DAY, _YEAR)])
        return np.where(places >= 0, (places + shift) % _YEAR, -1), None
    for (line, cells), before, now in zip(rows[1:], stamps[:-1], stamps[1:], strict=True):
        if (now.tzinfo is None) != (before.tzinfo is None):
            raise _error("some times have an offset and others none", file, line, given=cells[0],
                         allowed="the same in all")  # fmt: skip
        if now - before != _HOUR:
            what = "a gap" if now - before > _HOUR else "an hour that is not after the one before"
            raise _error(f"{what}: after {before:%Y-%m-%d %H:%M} comes {now:%Y-%m-%d %H:%M}", file, line,
                         allowed="every hour once, in local standard time (no summer time) or with its "
                         "offset")  # fmt: skip
    _check_length(file, count)
    middle = stamps[count // 2]
    local = timezone(timedelta(hours=round(time_zone)))
    own = [one if one.tzinfo is None else one.astimezone(local) for one in stamps]
    days = np.array([one.timetuple().tm_yday - 1 for one in own])
    hours = np.array([one.hour for one in own])
    years = np.array([one.year for one in own])
    leap = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
    skipped = leap & (days == 59)
    days = np.where(leap & (days > 59), days - 1, days)
    places = np.where(skipped, -1, days * _DAY + hours)
    if np.count_nonzero(places >= 0) > _YEAR:
        raise _error("not a year", file, given=f"{count:,} hours of a year without 29 February",
                     allowed="8,760 hours, or 8,784 of a leap year")  # fmt: skip
    if len(np.unique(places[places >= 0])) != _YEAR:
        lacking = sorted(set(range(_YEAR)) - set(places.tolist()))[0]
        day = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(hours=lacking)
        raise _error("not a whole year", file, given=f"no hour of {day:%d %B, %H:00} local standard time",
                     allowed="12 months")  # fmt: skip
    return places, middle.year
