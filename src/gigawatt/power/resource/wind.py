"""What the wind gives: hourly capacity factors of a wind farm from the weather of a site.

Speed at hub height by a power law → density of the air → power curve → wake and other
losses. A site that carries capacity factors (ERA5) hands them on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import MissingDataError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.facility.bias import LOSSES, curve_points, wind_loss
from gigawatt.facility.humidity import air_density, air_pressure
from gigawatt.facility.weather import Weather

__all__ = [
    "LOSSES",
    "curve_points",
    "power_curve",
    "power_law",
    "raised_wind",
    "wind_at_hub",
    "wind_capacity_factor",
    "wind_loss",
]

Array = NDArray[np.float64]
_LOW, _HIGH = 10.0, 100.0  # heights [m] that a weather's wind_10m and wind_100m are of, by their names
_TURBINE = "nrel-atb-5.5mw-175"


def power_curve(*, speed: ArrayLike, turbine: Entity) -> Array:
    """Output over rating of a turbine at a wind speed [m/s] of standard density; 0 beyond cut-out."""
    speeds, shares = curve_points(turbine)
    return np.interp(np.asarray(speed, dtype=np.float64), speeds, shares, left=0.0, right=0.0)


def power_law(*, speed: ArrayLike, height: float, target: float, exponent: float) -> Array:
    """Wind speed at ``target`` [m] from that at ``height`` [m], (n,) [m/s]: v (target / height)^exponent."""
    return np.asarray(speed, dtype=np.float64) * (target / height) ** exponent


def wind_at_hub(weather: Weather, turbine: Entity) -> Array:
    """Wind speed at hub height by the power law, (8760,) [m/s], from 100 m, or from 10 m where that is all.

    The exponent is that of the year's means at 10 and 100 m, kept within the row's bounds; with one height
    only, it is the row's.

    Parameters
    ----------
    weather : Weather
        With ``wind_100m`` or ``wind_10m``.
    turbine : Entity
        A row of ``turbines``.

    Raises
    ------
    MissingDataError
        The weather has no wind.
    """
    hub, low, high = turbine.value("hub_height"), weather.wind_10m, weather.wind_100m
    exponent = turbine.value("shear_exponent")
    if low is not None and high is not None and low.mean() > 0.0:
        found = np.log(high.mean() / low.mean()) / np.log(_HIGH / _LOW)
        exponent = float(np.clip(found, turbine.value("shear_low"), turbine.value("shear_high")))
    speed, height = (high, _HIGH) if high is not None else (low, _LOW)
    if speed is None:
        raise MissingDataError(
            "this weather has no wind",
            key=weather.id,
            allowed="a weather file with 'wind_100m [m/s]' or 'wind_10m [m/s]'",
        )
    return power_law(speed=speed, height=height, target=hub, exponent=exponent)


def wind_capacity_factor(
    weather: Weather,
    turbine: Entity | str = _TURBINE,
) -> Array:
    """Output over rating of a wind farm, hour by hour, (8760,) [].

    Parameters
    ----------
    weather : Weather
        With ``wind_100m`` or ``wind_10m``, or with a capacity factor, which is then handed on as it is.
    turbine : Entity or str
        A row of ``turbines``.

    Notes
    -----
    Speed is scaled by the cube root of the air's density over the curve's (IEC 61400-12-1).
    """
    if weather.wind_capacity_factor is not None:
        return weather.wind_capacity_factor
    row = loader.entity("turbines", turbine) if isinstance(turbine, str) else turbine
    speed = wind_at_hub(weather, row)
    if weather.temperature is not None:
        pressure = air_pressure(elevation=weather.elevation + row.value("hub_height"))
        density = air_density(temperature=weather.temperature, pressure=pressure)
        speed = speed * np.cbrt(density / row.value("reference_density"))
    return power_curve(speed=speed, turbine=row) * (1.0 - wind_loss(row))


def raised_wind(weather: Weather, turbine: str = _TURBINE) -> Assumption | None:
    """What is assumed of wind that is known near the ground only; ``None`` of any other weather."""
    if weather.wind_10m is None or weather.wind_100m is not None or weather.wind_capacity_factor is not None:
        return None
    row, limits = loader.entity("turbines", turbine), loader.entity("places_limits", "world")
    _, least, most = limits.at("wind_10m", 0.0)
    return Assumption(
        "site.wind_hub",
        f"from {_LOW:g} m to {row.value('hub_height'):g} m by the power law, exponent "
        f"{row.value('shear_exponent'):g}",
        "wind is known near the ground only, and how it rises differs from place to place: where both "
        f"heights are known such a farm has {least:g} to {most:g} of the output; site.wind_speed, the mean "
        "at 100 m of a wind atlas, mends most of it, a weather file with wind_100m all",
        Grade.guess,
        row.text("source_id"),
    )
