"""Sun and wind beside what others make of the same weather: pvlib, PVWatts (PySAM), the data's publishers."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from gigawatt.catalog import loader
from gigawatt.facility.weather import Weather, load_weather
from gigawatt.facility.years import load_years
from gigawatt.power.resource.solar import solar_capacity_factor
from gigawatt.power.resource.wind import power_curve

__all__ = [
    "fleet_target",
    "fleet_wind",
    "site_radiation",
    "site_solar",
    "site_wind",
    "turbine_power",
    "years_of",
]

_YEAR = 2013  # the calendar that pvlib and PySAM were given


@lru_cache(maxsize=4)
def _weather(place: str) -> Weather:
    return replace(load_weather(place), year=_YEAR)


def site_solar(place: str, module: str) -> float:
    """Capacity factor of a solar module over the year of a site."""
    return float(solar_capacity_factor(_weather(place), module).mean())


def site_radiation(place: str) -> float:
    """Global radiation of the year at a site, J/m²."""
    ghi = _weather(place).ghi
    assert ghi is not None
    return float(ghi.sum()) * 3600.0


def site_wind(place: str) -> float:
    """Mean wind at 100 m at a site, m/s."""
    wind = _weather(place).wind_100m
    assert wind is not None
    return float(wind.mean())


def fleet_wind(series: str) -> float:
    """Mean capacity factor of wind over all years of a series."""
    return float(np.mean([year.wind.mean() for year in load_years(series)]))


def fleet_target(series: str) -> float | None:
    """Mean capacity factor of wind that a series is scaled to, where one is published."""
    return loader.entity("sites_years", series).get("wind_capacity_factor")


def years_of(series: str) -> int:
    """How many years a series has."""
    return len(load_years(series))


def turbine_power(turbine: str, speed: float) -> float:
    """Power of a turbine at a wind speed in m/s, W."""
    row = loader.entity("turbines", turbine)
    return float(power_curve(speed=[speed], turbine=row)[0] * row.value("rated_power"))
