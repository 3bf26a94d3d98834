"""Weather of one year at one place, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.facility.humidity import dew_point, dew_point_from_daily_minimum, relative_humidity, wet_bulb
from gigawatt.facility.mend import check_clock
from gigawatt.facility.readers import HOURS, Raw, read_columns, read_file, read_hours
from gigawatt.facility.sites import Site, distance, load_site
from gigawatt.facility.stand_in import beside_site, design_place, stand_in
from gigawatt.facility.years import load_years

__all__ = ["HOURS", "Site", "Weather", "load_place_years", "load_site", "load_weather", "move_to_design"]

Array = NDArray[np.float64]

_SCALE = {
    "ghi": 1.0,
    "dni": 1.0,
    "dhi": 1.0,
    "temperature": 10.0,
    "dew_point": 10.0,
    "wind_10m": 100.0,
    "wind_100m": 100.0,
}
_ZERO = 273.15
"""0 °C in K (exact)."""
_MONTH_HOURS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) * 24
_YEAR = 2023  # of the sun, where a file does not say; any common year will do
_HOT = 0.99
"""The share of hours below the 1 % hot dry bulb of a year, by that name's definition."""
_HAPPENED = ("year", "ERA5")
"""Kinds of ``places_weather`` whose hours were once."""
_FILES = (".csv", ".epw", ".tmy3", ".txt")


@dataclass(frozen=True)
class Weather:
    """8,760 hours in local standard time without 29 February; hour i is [i, i+1).

    Radiation is in W/m², temperature and dew point in K, wind in m/s. ``None`` means that the series
    is not known. ``sun_time`` [h] is the moment within the hour whose sun the radiation belongs to
    (0.5 for means over the hour, 0 for instants). Where a site carries capacity factors instead of
    radiation, ``solar_capacity_factor`` and ``wind_capacity_factor`` hold them. ``happened`` is the year
    whose hours these were, ``None`` of a typical or modelled year (``year`` is of its sun). ``assumptions``
    lists what was filled in, ``warnings`` says in sentences where the year is of another place, or modelled.
    """

    id: str
    latitude: float
    longitude: float
    elevation: float
    time_zone: float
    year: int
    sun_time: float
    ghi: Array | None = field(default=None, repr=False)
    dni: Array | None = field(default=None, repr=False)
    dhi: Array | None = field(default=None, repr=False)
    temperature: Array | None = field(default=None, repr=False)
    dew_point: Array | None = field(default=None, repr=False)
    wind_10m: Array | None = field(default=None, repr=False)
    wind_100m: Array | None = field(default=None, repr=False)
    solar_capacity_factor: Array | None = field(default=None, repr=False)
    wind_capacity_factor: Array | None = field(default=None, repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = field(default=(), repr=False)
    happened: int | None = None

    def air_temperature(self) -> Array:
        """Air temperature [K]; raises ``MissingDataError`` where the weather has none."""
        if self.temperature is None:
            raise MissingDataError(
                "this weather has no temperature",
                key=self.id,
                allowed="a weather file with 'temperature [degC]'",
            )
        return self.temperature

    def wet_bulb(self) -> Array:
        """Wet-bulb temperature [K], from the dew point or, where none is known, from the day's minimum."""
        dry = self.air_temperature()
        dew = dew_point_from_daily_minimum(temperature=dry) if self.dew_point is None else self.dew_point
        humidity = relative_humidity(temperature=dry, dew_point=dew)
        return wet_bulb(temperature=dry, humidity=humidity)


def load_weather(source: str | Path | Site, *, fill: int = 0, site: Site | None = None) -> Weather:
    """Weather of a site (see :func:`load_site`), or of a file: CSV with named columns, EPW or TMY3.

    Parameters
    ----------
    source : str, Path or Site
        A site's name, or a path that ends in ``.csv``, ``.epw`` or ``.tmy3``.
    fill : int [h]
        The longest gap of a file to fill, listed as an assumption; 0 refuses every gap.
    site : Site, optional
        The one that a file is used for: a warning where the file's own place or zone is another.

    Raises
    ------
    InputError
        Unknown site, or a file that cannot be read: names file, line and column. Gaps longer than ``fill``,
        or sun at night: how many hours, which, and what would mend it.
    MissingDataError
        The site has no weather: names the mend.
    """
    if isinstance(source, Path) or (isinstance(source, str) and Path(source).suffix.lower() in _FILES):
        found = _of_file(Path(source), fill)
        if site is None:
            return found
        told = beside_site(
            site, latitude=found.latitude, longitude=found.longitude, time_zone=found.time_zone, file=found.id
        )
        return replace(found, warnings=told)
    return _of_site(source if isinstance(source, Site) else load_site(str(source)))


def _of_file(path: Path, fill: int) -> Weather:
    raw: Raw = read_file(path, fill=fill)
    series = dict(raw.series)
    assumptions: tuple[Assumption, ...] = tuple(
        Assumption(
            f"site.weather.{name}",
            f"{hours} hours filled",
            f"missing in {path.name}: gaps of up to 3 h by a straight line, longer ones from the days beside",
            Grade.modelled,
        )
        for name, hours in raw.filled.items()
    )
    if series.get("dew_point") is None and series.get("temperature") is not None:
        humidity = series.pop("humidity", None)
        if humidity is not None:
            series["dew_point"] = dew_point(temperature=series["temperature"], humidity=humidity)
        else:
            assumptions = (*assumptions, _no_humidity(path.name))
    series.pop("humidity", None)
    place = raw.place
    light = series.get("ghi", series.get("solar_capacity_factor"))
    if light is not None:
        check_clock(
            radiation=light,
            latitude=place["latitude"],
            longitude=place["longitude"],
            time_zone=place["time_zone"],
            year=int(place.get("year", _YEAR)),
            sun_time=place.get("sun_time", 0.5),
            file=path,
        )
    return Weather(
        id=path.stem,
        latitude=place["latitude"],
        longitude=place["longitude"],
        elevation=place.get("elevation", 0.0),
        time_zone=place["time_zone"],
        year=int(place.get("year", _YEAR)),
        sun_time=place.get("sun_time", 0.5),
        assumptions=assumptions,
        warnings=(),
        happened=int(place["year"]) if "year" in place else None,
        **series,
    )


def _of_site(site: Site) -> Weather:
    if not site.weather:
        raise MissingDataError(
            f"the site {site.id!r} has no weather",
            key="site.weather",
            allowed="the path of an EPW, TMY3 or CSV file in the scenario, or a catalog site with weather",
        )
    home = site.place or site.id
    if home == site.id and home in loader.table("sites"):
        return _of_own_files(site)
    if home in loader.table("sites"):
        year = _of_own_files(load_site(home))
    elif site.weather in loader.table("sites"):
        year = _of_own_files(load_site(site.weather))
    else:
        year = _of_place(site.weather)
    assert year.temperature is not None
    hot = float(np.quantile(year.temperature, _HOT))
    told, warnings = stand_in(site, latitude=year.latitude, longitude=year.longitude, hot=hot, of=year.id)
    found = replace(year, id=site.id, assumptions=(*told, *year.assumptions), warnings=warnings)
    place, limits = design_place(site), loader.entity("places_limits", "world")
    away = distance(site.latitude, site.longitude, year.latitude, year.longitude)
    if place is None or away <= limits.value("move_distance"):
        return found
    return move_to_design(found, hot=place.value("design_hot"), cold=place.value("design_cold"))


def move_to_design(weather: Weather, *, hot: float | None = None, cold: float | None = None) -> Weather:
    """A year moved to the design dry bulbs of a station [K], exceeded in 1 and in 99 % of its hours.

    Dry bulb x becomes a + b x; with one of the two, b is 1. Relative humidity, sun and wind stay.

    Raises
    ------
    InputError
        The hot one is not above the cold one.
    MissingDataError
        The weather has no temperature.
    """
    if hot is not None and cold is not None and hot <= cold:
        raise InputError("the hot dry bulb is not above the cold one", key="site.design_hot",
                         given=f"{hot - _ZERO:g} °C", allowed=f"above {cold - _ZERO:g} °C")  # fmt: skip
    air = weather.air_temperature()
    low, high = (float(value) for value in np.quantile(air, (1.0 - _HOT, _HOT)))
    factor = 1.0 if hot is None or cold is None or high <= low else (hot - cold) / (high - low)
    level = cold - factor * low if hot is None and cold is not None else (hot or high) - factor * high
    moved, dew = level + factor * air, weather.dew_point
    if dew is not None:
        humidity = np.clip(relative_humidity(temperature=air, dew_point=dew), 0.01, 1.0)
        dew = dew_point(temperature=moved, humidity=humidity)
    words = [f"1 % {hot - _ZERO:.1f} °C"] if hot is not None else []
    words += [f"99 % {cold - _ZERO:.1f} °C"] if cold is not None else []
    limits = loader.entity("places_limits", "world")
    left, _, most = limits.at("moved_pue", 0.0)
    told = Assumption(
        "site.design",
        ", ".join(words),
        f"the year's dry bulbs of as many hours were {high - _ZERO:.1f} and {low - _ZERO:.1f} °C; moved with "
        f"its relative humidity kept. The PUE of years so moved from 300 to 1000 km is off by {left:g} in "
        f"the median, {most:g} in one of ten; sun and wind stay the year's",
        Grade.guess,
    )
    return replace(weather, temperature=moved, dew_point=dew, assumptions=(*weather.assumptions, told))


def scale_wind(weather: Weather, mean: float) -> Weather:
    """A year whose wind at 100 m has a ``mean`` [m/s], as a wind atlas has it for the place.

    The hours are those of the year at 100 m, or at 10 m where that is all: speed · mean / its own mean.

    Raises
    ------
    MissingDataError
        The weather has capacity factors, or no wind.
    """
    known = weather.wind_100m if weather.wind_100m is not None else weather.wind_10m
    if weather.wind_capacity_factor is not None or known is None or not known.mean() > 0.0:
        raise MissingDataError(
            "this weather has no wind speed to scale",
            key="site.wind_speed",
            given=f"{mean:g} m/s",
            allowed="a weather with 'wind_100m [m/s]' or 'wind_10m [m/s]', or none of this field",
        )
    height = "10" if weather.wind_100m is None else "100"
    row = loader.entity("places_limits", "world")
    at, least, most = row.at("wind_scaled", 0.0)
    told = row.evidence("wind_scaled").assumption(
        "site.wind_speed",
        f"hours of {weather.id} at {height} m, mean {known.mean():.3g} m/s, scaled to that mean: five sites "
        f"whose hours at 100 m are known have {least:g} to {most:g} of the output so, {at:g} in the median",
        f"{mean:.3g} m/s at 100 m",
    )
    return replace(weather, wind_100m=known * (mean / known.mean()), assumptions=(*weather.assumptions, told))


def load_place_years(site: Site) -> tuple[Weather, ...]:
    """The weather years of the city whose weather a site has, the first first; empty where it has one."""
    rows = loader.table("places_weather")
    usual = rows.get(site.weather)
    if usual is None or "weather_year" not in usual.numbers:
        return ()
    same = [row for row in rows.values() if _series_of(row) == _series_of(usual)]
    same.sort(key=lambda row: row.value("weather_year"))
    return tuple(_of_place(row.id) for row in same) if len(same) > 1 else ()


def _series_of(row: Entity) -> tuple[str, ...]:
    """What the single years of one city have in common."""
    return tuple(map(row.text, ("name", "country", "kind", "source_id")))


def _of_place(name: str) -> Weather:
    """A row of ``places_weather``."""
    row = loader.entity("places_weather", name)
    series = {column: values / _SCALE[column] for column, values in read_hours(row).items()}
    for column in ("temperature", "dew_point"):
        series[column] = series[column] + _ZERO
    year = row.get("weather_year")
    return Weather(
        id=row.id,
        latitude=float(np.degrees(row.value("latitude"))),
        longitude=float(np.degrees(row.value("longitude"))),
        elevation=row.value("elevation"),
        time_zone=row.value("time_zone") / 3600.0,
        year=_YEAR if year is None else int(year),
        sun_time=0.5,
        assumptions=(),
        warnings=(),
        happened=int(year) if year is not None and row.text("kind") in _HAPPENED else None,
        **series,
    )


def _of_own_files(site: Site) -> Weather:
    """A row of ``sites``."""
    series = {name: values / _SCALE[name] for name, values in read_columns(f"weather/{site.weather}").items()}
    row = loader.entity("sites", site.id)
    assumptions: list[Assumption] = []
    for name in ("temperature", "dew_point"):
        if name in series:
            series[name] = series[name] + _ZERO
    normals = loader.table("sites_normals").get(site.id)
    if normals is not None and "temperature" in series:
        shift = _monthly_shift(series["temperature"], normals)
        series["temperature"] = series["temperature"] + shift
        if "dew_point" in series:
            series["dew_point"] = series["dew_point"] + shift
        grade = Grade(max(item.grade for item in normals.rows()))
        assumptions.append(
            Assumption(
                "site.temperature",
                normals.text("temperature_series"),
                "no hourly temperature is free for this place: a neighbour's typical year, moved month by "
                f"month to the site's normals ({np.min(shift):+.1f} to {np.max(shift):+.1f} K)",
                grade,
                normals.rows()[0].source_id,
            )
        )
    if "temperature" in series and "dew_point" not in series:
        assumptions.append(_no_humidity(site.id))
    if "wind_100m" not in series and "wind_10m" in series and "wind_100m_mean" in row.numbers:
        mean = row.evidence("wind_100m_mean")
        series["wind_100m"] = series["wind_10m"] * (mean.value / float(series["wind_10m"].mean()))
        assumptions.append(
            mean.assumption(
                "site.wind_100m",
                f"wind is known at 10 m only (mean {series['wind_10m'].mean():.1f} m/s): scaled to the mean "
                "that the catalog has at 100 m",
                f"{mean.value:.1f} m/s in the mean",
            )
        )
    year = int(row.value("weather_year"))
    solar: Array | None = None
    wind: Array | None = None
    if "ghi" not in series:
        (found,) = load_years(site.id, years=(year,))
        solar, wind = found.solar, found.wind
        assumptions.extend(found.assumptions[1:])
    return Weather(
        id=site.id,
        latitude=site.latitude,
        longitude=site.longitude,
        elevation=site.elevation,
        time_zone=site.time_zone,
        year=year,
        sun_time=row.value("sun_time") / 3600.0,
        solar_capacity_factor=solar,
        wind_capacity_factor=wind,
        assumptions=tuple(assumptions),
        warnings=(),
        happened=year,
        **series,
    )


def _no_humidity(where: str) -> Assumption:
    return Assumption(
        "site.dew_point",
        "the day's minimum temperature",
        f"{where} has no humidity: the air is taken to be saturated at the day's coldest hour (FAO-56)",
        Grade.modelled,
        "fao-56",
    )


def _monthly_shift(temperature: Array, normals: loader.Entity) -> Array:
    """What brings each month's mean to its normal, (8760,) [K], linear between mid-months."""
    edges = np.concatenate([[0], np.cumsum(_MONTH_HOURS)])
    means = np.array([temperature[a:b].mean() for a, b in pairwise(edges)])
    wanted = np.array([normals.value(f"temperature_{month:02d}") for month in range(1, 13)])
    middle = (edges[:-1] + edges[1:]) / 2.0
    return np.interp(np.arange(HOURS) + 0.5, middle, wanted - means, period=float(HOURS))
