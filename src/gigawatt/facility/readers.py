"""Weather files that a user brings: CSV with named columns, EPW (EnergyPlus), TMY3 (NSRDB).

All become hours in local standard time without 29 February, in SI. An error names file, line, column.
"""

from __future__ import annotations

import csv
import lzma
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.core.quantities import same_dimension, to_si
from gigawatt.facility.mend import fill_gaps

__all__ = ["HOURS", "Raw", "read_columns", "read_csv", "read_epw", "read_file", "read_hours", "read_tmy3"]

Array = NDArray[np.float64]
HOURS = 8760

_UNITS = {
    "ghi": "W/m^2",
    "dni": "W/m^2",
    "dhi": "W/m^2",
    "temperature": "degC",
    "dew_point": "degC",
    "humidity": "1",
    "wind_10m": "m/s",
    "wind_100m": "m/s",
    "solar_capacity_factor": "1",
    "wind_capacity_factor": "1",
}
_RANGE = {
    "ghi": (-10.0, 1600.0),
    "dni": (-10.0, 1600.0),
    "dhi": (-10.0, 1600.0),
    "temperature": (180.0, 340.0),
    "dew_point": (150.0, 320.0),
    "humidity": (0.0, 1.2),
    "wind_10m": (0.0, 120.0),
    "wind_100m": (0.0, 120.0),
    "solar_capacity_factor": (0.0, 1.0),
    "wind_capacity_factor": (0.0, 1.0),
}
_PLACE = ("latitude", "longitude", "elevation", "time_zone", "year", "sun_time")
_EPW = {"temperature": 6, "dew_point": 7, "ghi": 13, "dni": 14, "dhi": 15, "wind_10m": 21}
_TMY3 = {
    "temperature": "Dry-bulb (C)",
    "dew_point": "Dew-point (C)",
    "ghi": "GHI (W/m^2)",
    "dni": "DNI (W/m^2)",
    "dhi": "DHI (W/m^2)",
    "wind_10m": "Wspd (m/s)",
}
_EPW_HEADER = 8
_NOTHING = ("", "nan", "na", "n/a", "null", "none", "-")


@dataclass(frozen=True)
class Raw:
    """A file as read: ``place`` (latitude, longitude [deg], elevation [m], time_zone [h], year, sun_time
    [h]), ``series`` in SI, each (8760,), and how many hours of each were ``filled``."""

    place: Mapping[str, float]
    series: Mapping[str, Array]
    filled: Mapping[str, int] = field(default_factory=dict[str, int])


@loader.read_once
def read_columns(name: str) -> Mapping[str, Array]:
    """The columns of a Parquet file of the catalog as floats, (n,) each; not to be changed."""
    import duckdb

    path = loader.path(name)
    if not path.exists():
        raise MissingDataError("the catalog lacks this file", file=name, allowed="a complete installation")
    with duckdb.connect() as connection:
        columns = connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchnumpy()
    return {column: np.asarray(values, dtype=np.float64) for column, values in columns.items()}


def read_hours(row: Entity) -> dict[str, Array]:
    """The hours of a row of ``places_weather``, (8760,) by column, in the units of the catalog's files.

    Small for a wheel: whole numbers of 16 bit as differences from hour to hour, column after column, the low
    bytes of one apart from its high bytes, then LZMA (``benchmarks/make_places.py`` writes them).
    """
    columns = row.text("columns").split("|")
    path = loader.path(f"weather/places/{row.id}.xz")
    if not path.exists():
        raise MissingDataError("the catalog lacks this file", file=path, allowed="a complete installation")
    planes = np.frombuffer(lzma.decompress(path.read_bytes()), dtype=np.uint8).reshape(len(columns), 2, HOURS)
    steps = np.ascontiguousarray(planes.transpose(0, 2, 1)).view("<i2")[..., 0]
    values = np.cumsum(steps, axis=1, dtype=np.int64)
    return {column: values[i].astype(np.float64) for i, column in enumerate(columns)}


def read_file(path: Path, *, fill: int = 0) -> Raw:
    """Read a weather file by its ending: ``.epw``, ``.tmy3`` or ``.csv`` (a TMY3 is known by its header).

    Gaps of up to ``fill`` hours are filled (``mend.fill_gaps``), longer ones refused."""
    if not path.is_file():
        raise InputError("no such weather file", file=path)
    kind = path.suffix.lower()
    if kind == ".epw":
        return read_epw(path, fill=fill)
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            stream.readline()
            second = stream.readline(200)
    except OSError as error:
        raise InputError(f"cannot read this file: {error.strerror}", file=path) from None
    if kind == ".tmy3" or second.startswith("Date (MM/DD/YYYY)"):
        return read_tmy3(path, fill=fill)
    return read_csv(path, fill=fill)


def read_csv(path: Path, *, fill: int = 0) -> Raw:
    """A CSV with a unit in each column's name and the place in comment lines before the header.

    ::

        # latitude: 32.33
        # longitude: -100.18
        # time_zone: -6
        ghi [W/m^2],dni [W/m^2],dhi [W/m^2],temperature [degC],wind_100m [m/s]

    ``latitude``, ``longitude`` [deg] and ``time_zone`` [h] are needed; ``elevation`` [m], ``year`` and
    ``sun_time`` [h] are not. 8,760 rows, or 8,784 with 29 February.
    """
    rows = _rows(path)
    place: dict[str, float] = {}
    start = 0
    while start < len(rows) and rows[start] and rows[start][0].lstrip().startswith("#"):
        name, _, value = ",".join(rows[start]).lstrip("# ").partition(":")
        if name.strip() in _PLACE:
            place[name.strip()] = _float(value, path, start + 1, name.strip())
        start += 1
    for name in ("latitude", "longitude", "time_zone"):
        if name not in place:
            raise InputError(
                "the place is missing",
                file=path,
                key=name,
                allowed=f"a line such as '# {name}: 32.3' before the header",
            )
    if start >= len(rows):
        raise InputError("the file has no header", file=path, allowed="named columns, see the manual")
    columns: list[tuple[int, str, str]] = []
    for index, written in enumerate(rows[start]):
        name, _, unit = written.strip().partition(" [")
        if name in ("time", "hour", ""):
            continue
        if name not in _UNITS:
            raise InputError(
                "unknown column",
                file=path,
                line=start + 1,
                key=written.strip(),
                allowed=_UNITS,
                nearest=nearest(name, _UNITS),
            )
        unit = unit.rstrip("] ") or ("1" if _UNITS[name] == "1" else "")
        if not unit or not same_dimension(unit, "K" if _UNITS[name] == "degC" else _UNITS[name]):
            raise InputError(
                "this column needs a unit",
                file=path,
                line=start + 1,
                key=written.strip(),
                allowed=f"{name} [{_UNITS[name]}]",
            )
        columns.append((index, name, unit))
    body = rows[start + 1 :]
    series = {name: _column(body, index, name, unit, path, start + 2) for index, name, unit in columns}
    if not series:
        raise InputError("the file has no weather column", file=path, line=start + 1, allowed=_UNITS)
    return _whole_year(place, series, path, start + 2, fill)


def read_epw(path: Path, *, fill: int = 0) -> Raw:
    """An EnergyPlus weather file; radiation is the mean of the hour that the stamp ends."""
    rows = _rows(path)
    head = rows[0] if rows else []
    if len(head) < 10 or head[0].strip().upper() != "LOCATION":
        raise InputError(
            "not an EPW file",
            file=path,
            line=1,
            allowed="a first line LOCATION,city,…,latitude,longitude,zone,elevation",
        )
    names = ("latitude", "longitude", "time_zone", "elevation")
    place = {name: _float(head[6 + i], path, 1, name) for i, name in enumerate(names)}
    body = rows[_EPW_HEADER:]
    if not body:
        raise InputError("the file has no hours", file=path, line=len(rows) + 1)
    place |= {"year": _float(body[0][0], path, _EPW_HEADER + 1, "year"), "sun_time": 0.5}
    missing = {
        "temperature": 99.9,
        "dew_point": 99.9,
        "ghi": 9999.0,
        "dni": 9999.0,
        "dhi": 9999.0,
        "wind_10m": 999.0,
    }
    series = {
        name: _column(body, index, name, _UNITS[name], path, _EPW_HEADER + 1, missing[name])
        for name, index in _EPW.items()
    }
    _check_dates([(row[1], row[2]) for row in body], path, _EPW_HEADER + 1)
    return _whole_year(place, series, path, _EPW_HEADER + 1, fill)


def read_tmy3(path: Path, *, fill: int = 0) -> Raw:
    """A TMY3 file of the NSRDB; radiation is the mean of the hour that the stamp ends."""
    rows = _rows(path)
    head = rows[0] if rows else []
    if len(head) < 7 or len(rows) < 3:
        raise InputError(
            "not a TMY3 file",
            file=path,
            line=1,
            allowed="a first line station,name,state,zone,latitude,longitude,elevation",
        )
    names = ("time_zone", "latitude", "longitude", "elevation")
    place = {name: _float(head[3 + i], path, 1, name) for i, name in enumerate(names)} | {"sun_time": 0.5}
    header = [name.strip() for name in rows[1]]
    series: dict[str, Array] = {}
    for name, column in _TMY3.items():
        if column not in header:
            raise InputError(
                "this column is missing", file=path, line=2, key=column, nearest=nearest(column, header)
            )
        series[name] = _column(rows[2:], header.index(column), name, _UNITS[name], path, 3, -9900.0)
    _check_dates([tuple(row[0].split("/")[:2]) for row in rows[2:]], path, 3)
    return _whole_year(place, series, path, 3, fill)


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return [row for row in csv.reader(stream) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("not a text file of values", file=path) from error
    except OSError as error:
        raise InputError(f"cannot read this file: {error.strerror}", file=path) from None


def _float(text: str, path: Path, line: int, key: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError("not a number", file=path, line=line, key=key, given=text.strip())
    return value


def _column(
    rows: Sequence[Sequence[str]],
    index: int,
    name: str,
    unit: str,
    path: Path,
    first: int,
    missing: float | None = None,
) -> Array:
    """One column in SI, NaN where nothing stands; an impossible value is an error with its line."""
    scale, offset = to_si(1.0, unit) - to_si(0.0, unit), to_si(0.0, unit)
    low, high = _RANGE[name]
    values = np.empty(len(rows))
    for i, row in enumerate(rows):
        if index >= len(row):
            raise InputError("this line is too short", file=path, line=first + i, key=name)
        if row[index].strip().lower() in _NOTHING:
            values[i] = np.nan
            continue
        written = _float(row[index], path, first + i, name)
        value = written * scale + offset
        if written == missing:
            value = np.nan
        elif not low <= value <= high:
            raise InputError(
                "impossible value",
                file=path,
                line=first + i,
                key=name,
                given=row[index].strip(),
                allowed=f"{(low - offset) / scale:g} to {(high - offset) / scale:g} {unit}",
            )
        values[i] = value
    return np.clip(values, 0.0, None) if name in ("ghi", "dni", "dhi") else values


def _check_dates(dates: Sequence[Sequence[str]], path: Path, first: int) -> None:
    """Refuse rows that leave out a day, or that keep 29 February and lack 31 December; by (month, day)."""
    seen = [date for i, date in enumerate(dates) if i == 0 or date != dates[i - 1]]
    days: list[tuple[int, int]] = []
    for month, day in seen:
        try:
            days.append((int(month), int(day)))
        except ValueError:
            return  # no dates to go by
    leap = (2, 29) in days
    if leap and len(dates) == HOURS:
        raise InputError(
            "29 February is there, but the year has 8,760 rows: another day is missing",
            file=path,
            line=first + [tuple(map(int, date)) for date in dates].index((2, 29)),
            allowed="8784 rows with 29 February, or 8760 without it",
        )


def _whole_year(
    place: Mapping[str, float], series: Mapping[str, Array], path: Path, first: int, fill: int
) -> Raw:
    """Exactly 8,760 hours: gaps filled or refused, 29 February of a leap year left out."""
    hours = len(next(iter(series.values())))
    if hours not in (HOURS, HOURS + 24):
        off = hours - HOURS
        often = (
            f"{round(hours / HOURS)} rows an hour: take the mean of each hour; " if hours >= 2 * HOURS else ""
        )
        raise InputError(
            "not a year of hours"
            if often
            else f"not a year of hours, {abs(off)} too {'many' if off > 0 else 'few'}",
            file=path,
            given=hours,
            allowed=f"{often}8760 rows, or 8784 with 29 February; an empty cell where a value is missing",
        )
    whole, filled = fill_gaps(series, fill=fill, file=path, first_line=first)
    february = (31 + 28) * 24
    if hours > HOURS:
        whole = {name: np.delete(values, slice(february, february + 24)) for name, values in whole.items()}
    return Raw(place, whole, filled)
