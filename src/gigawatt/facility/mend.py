"""What is wrong with hourly weather, and what can be mended: missing hours, a clock of another time zone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.facility.sun import hours_to_days_since_2000, sun_position

__all__ = ["check_clock", "fill_gaps", "gaps", "night_share"]

Array = NDArray[np.float64]
_STRAIGHT = 3  # hours that a straight line may bridge; longer gaps take the same hours of the days beside
_NIGHT = 0.01  # share of the year's radiation that haze, refraction and stamps may put before sunrise
_SHOWN = 3


def gaps(values: Array) -> list[tuple[int, int]]:
    """(first hour, hours) of every run of missing values (NaN), in order."""
    missing = np.concatenate([[False], np.isnan(values), [False]])
    edges = np.flatnonzero(np.diff(missing.astype(np.int8)))
    return [(int(start), int(stop - start)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def fill_gaps(
    series: Mapping[str, Array], *, fill: int, file: str | Path, first_line: int
) -> tuple[dict[str, Array], dict[str, int]]:
    """Every series without gaps, and how many hours of each were filled.

    Parameters
    ----------
    series : mapping of arrays (n,)
        NaN where a value is missing; n a whole number of days.
    fill : int [h]
        The longest gap to fill: up to 3 h by a straight line, longer ones by the mean of the same hours of
        the nearest days on both sides. 0 fills nothing.
    file, first_line
        For the error: the file and the line of hour 0.

    Raises
    ------
    InputError
        A longer gap: says how many hours are missing, where, and which ``fill`` would do.
    """
    done: dict[str, Array] = {}
    counts: dict[str, int] = {}
    for name, values in series.items():
        found = gaps(values)
        done[name] = values
        if not found:
            continue
        total, longest = sum(hours for _, hours in found), max(hours for _, hours in found)
        if longest > fill:
            shown = ", ".join(f"{start} to {start + hours - 1}" for start, hours in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more gaps" if len(found) > _SHOWN else ""
            able = total < len(values) // 2
            raise InputError(
                f"{total} of {len(values)} hours are missing, the longest gap {longest} h: "
                f"hours {shown}{more}",
                file=file,
                line=first_line + found[0][0],
                key=name,
                allowed=f"fill={longest} to fill gaps up to that long, or a file without gaps"
                if able
                else "a file with this column filled in, or without the column",
            )
        counts[name] = total
        done[name] = _bridged(values, found)
    return done, counts


def _bridged(values: Array, found: list[tuple[int, int]]) -> Array:
    filled = values.copy()
    known = np.flatnonzero(~np.isnan(values))
    hours = np.arange(len(values))
    line = np.interp(hours, known, values[known], period=float(len(values)))
    for start, count in found:
        where = hours[start : start + count]
        if count <= _STRAIGHT:
            filled[where] = line[where]
            continue
        for hour in where:
            beside: list[float] = []
            for step in (-24, 24):
                other = hour + step
                while 0 <= other < len(values) and np.isnan(values[other]):
                    other += step
                if 0 <= other < len(values):
                    beside.append(float(values[other]))
            filled[hour] = float(np.mean(beside)) if beside else line[hour]
    return filled


def night_share(
    *,
    radiation: Array,
    latitude: float,
    longitude: float,
    time_zone: float,
    year: int,
    sun_time: float,
    shift: float = 0.0,
) -> float:
    """Share of the year's radiation that falls while the sun is down [].

    Parameters
    ----------
    radiation : array (8760,)
        Global radiation [W/m²], or a solar capacity factor.
    latitude : float [deg]
        North positive.
    longitude : float [deg]
        East positive.
    time_zone : float [h]
        That the hours are said to be in.
    year : int
        Of the sun.
    sun_time : float [h]
        See ``Weather``; half an hour of twilight is let pass on both sides.
    shift : float [h]
        Added to the clock before looking for the sun.
    """
    total = float(radiation.sum())
    if total <= 0.0:
        return 0.0
    up = np.zeros(len(radiation), dtype=bool)
    for around in (-0.5, 0.0, 0.5):
        hour = np.arange(len(radiation)) + sun_time + shift + around
        days = hours_to_days_since_2000(hour_of_year=hour, year=year, time_zone=time_zone)
        up |= sun_position(days_since_2000=days, latitude=latitude, longitude=longitude)[0] > 0.0
    return float(radiation[~up].sum()) / total


def check_clock(
    *,
    radiation: Array,
    latitude: float,
    longitude: float,
    time_zone: float,
    year: int,
    sun_time: float,
    file: str | Path,
) -> None:
    """Refuse a year whose sun shines at night, and say which time zone would mend it.

    Parameters
    ----------
    radiation : array (8760,)
        Global radiation [W/m²], or a solar capacity factor.
    latitude, longitude, time_zone, year, sun_time
        See :func:`night_share`.
    file : str or Path
        For the error.

    Raises
    ------
    InputError
        More than 1 % of the radiation falls at night, and another time zone, at least an hour off, has less.
    """

    def share(shift: float) -> float:
        return night_share(
            radiation=radiation,
            latitude=latitude,
            longitude=longitude,
            time_zone=time_zone,
            year=year,
            sun_time=sun_time,
            shift=shift,
        )

    now = share(0.0)
    if now <= _NIGHT:
        return
    # the sun's and the light's middles of the day give the shift; no search
    day = radiation.reshape(-1, 24).sum(axis=0)
    angle = np.angle(np.sum(day * np.exp(2j * np.pi * (np.arange(24) + sun_time) / 24.0)))
    noon = 12.0 + time_zone - longitude / 15.0
    late = (float(angle) * 12.0 / np.pi - noon + 12.0) % 24.0 - 12.0
    whole = float(np.round(late))
    if abs(whole) < 1.0 or share(-whole) >= now:
        return
    zone = time_zone + whole
    zone = zone - 24.0 if zone > 14.0 else zone + 24.0 if zone < -12.0 else zone
    raise InputError(
        f"sun at night: {now:.0%} of the radiation falls while the sun is down; the clock is "
        f"{abs(whole):g} h {'late' if whole > 0.0 else 'early'}",
        file=file,
        key="time_zone",
        given=f"{time_zone:g}",
        allowed=f"time_zone {zone:g}, or the rows moved by {-whole:+g} h, or a longitude of the right sign",
    )
