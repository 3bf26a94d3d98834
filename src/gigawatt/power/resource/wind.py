"""What the wind gives: hourly capacity factors of a wind farm from the weather of a site.

Speed at hub height by a power or a logarithmic law → density of the air → power curve → wake and other
losses. A site that carries capacity factors (ERA5) hands them on.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.facility.bias import LOSSES, curve_points, wind_loss
from gigawatt.facility.humidity import air_density, air_pressure
from gigawatt.facility.weather import Weather

__all__ = [
    "LOSSES",
    "curve_points",
    "log_law",
    "power_curve",
    "power_law",
    "raised_wind",
    "speed_scale",
    "wind_at_hub",
    "wind_capacity_factor",
    "wind_loss",
]

Array = NDArray[np.float64]
Shear = Literal["power", "log"]
_LOW, _HIGH = 10.0, 100.0  # heights [m] that a weather's wind_10m and wind_100m are of, by their names
_HALVINGS = 50
_TURBINE = "nrel-atb-5.5mw-175"


def power_curve(*, speed: ArrayLike, turbine: Entity) -> Array:
    """Output over rating of a turbine at a wind speed [m/s] of standard density; 0 beyond cut-out."""
    speeds, shares = curve_points(turbine)
    return np.interp(np.asarray(speed, dtype=np.float64), speeds, shares, left=0.0, right=0.0)


def power_law(*, speed: ArrayLike, height: float, target: float, exponent: float) -> Array:
    """Wind speed at ``target`` [m] from that at ``height`` [m], (n,) [m/s]: v (target / height)^exponent."""
    return np.asarray(speed, dtype=np.float64) * (target / height) ** exponent


def log_law(*, speed: ArrayLike, height: float, target: float, roughness: float) -> Array:
    """Wind speed at ``target`` [m] by the logarithmic law of neutral air, (n,) [m/s].

    Parameters
    ----------
    speed : array (n,) [m/s]
        At ``height`` [m].
    height, target : float [m]
        Above the ground, both above ``roughness``.
    roughness : float [m]
        Length of the ground.

    Raises
    ------
    InputError
        A height within the roughness.
    """
    if not 0.0 < roughness < min(height, target):
        raise InputError(
            "the roughness is not below the heights",
            key="roughness",
            given=f"{roughness:g} m",
            allowed=f"above 0 and below {min(height, target):g} m",
        )
    return np.asarray(speed, dtype=np.float64) * (np.log(target / roughness) / np.log(height / roughness))


def wind_at_hub(weather: Weather, turbine: Entity, *, shear: Shear = "power") -> Array:
    """Wind speed at hub height, (8760,) [m/s], from 100 m, or from 10 m where that is all.

    Parameters
    ----------
    weather : Weather
        With ``wind_100m`` or ``wind_10m``.
    turbine : Entity
        A row of ``turbines``.
    shear : str
        ``power``: the exponent is that of the year's means at 10 and 100 m, kept within the row's bounds;
        with one height only, it is the row's. ``log``: so too the roughness.

    Raises
    ------
    MissingDataError
        The weather has no wind.
    InputError
        An unknown law.
    """
    if shear not in ("power", "log"):
        raise InputError("unknown law of shear", key="shear", given=shear, allowed=("power", "log"))
    hub, low, high = turbine.value("hub_height"), weather.wind_10m, weather.wind_100m
    exponent, roughness = turbine.value("shear_exponent"), turbine.value("roughness")
    if low is not None and high is not None and low.mean() > 0.0:
        found = np.log(high.mean() / low.mean()) / np.log(_HIGH / _LOW)
        exponent = float(np.clip(found, turbine.value("shear_low"), turbine.value("shear_high")))
        ratio = (_HIGH / _LOW) ** exponent
        if ratio > 1.0:  # the roughness at which the logarithms have that ratio
            roughness = float(np.exp((ratio * np.log(_LOW) - np.log(_HIGH)) / (ratio - 1.0)))
    speed, height = (high, _HIGH) if high is not None else (low, _LOW)
    if speed is None:
        raise MissingDataError(
            "this weather has no wind",
            key=weather.id,
            allowed="a weather file with 'wind_100m [m/s]' or 'wind_10m [m/s]'",
        )
    if shear == "log":
        return log_law(speed=speed, height=height, target=hub, roughness=roughness)
    return power_law(speed=speed, height=height, target=hub, exponent=exponent)


def wind_capacity_factor(
    weather: Weather,
    turbine: Entity | str = _TURBINE,
    *,
    shear: Shear = "power",
    scale: float = 1.0,
) -> Array:
    """Output over rating of a wind farm, hour by hour, (8760,) [].

    Parameters
    ----------
    weather : Weather
        With ``wind_100m`` or ``wind_10m``, or with a capacity factor, which is then handed on as it is.
    turbine : Entity or str
        A row of ``turbines``.
    shear : str
        ``power`` or ``log``, see :func:`wind_at_hub`.
    scale : float []
        What the speed is multiplied with, see :func:`speed_scale`.

    Notes
    -----
    Speed is scaled by the cube root of the air's density over the curve's (IEC 61400-12-1).
    """
    if weather.wind_capacity_factor is not None:
        return weather.wind_capacity_factor
    row = loader.entity("turbines", turbine) if isinstance(turbine, str) else turbine
    speed = wind_at_hub(weather, row, shear=shear) * scale
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


def speed_scale(
    weather: Weather, *, mean: float, turbine: Entity | str = _TURBINE, shear: Shear = "power"
) -> float:
    """The factor on a reanalysis' wind speed that gives a published mean capacity factor [].

    Parameters
    ----------
    weather : Weather
        With wind speeds; one with capacity factors is mended by ``facility.bias``.
    mean : float []
        Capacity factor wanted, after losses.
    turbine, shear
        As for :func:`wind_capacity_factor`.

    Raises
    ------
    MissingDataError
        No factor from 1 to 3 or its inverse gives that mean, or the weather has no speeds.

    References
    ----------
    Staffell, I., Pfenninger, S. (2016). Using bias-corrected reanalysis to simulate current and future wind
    power output. Energy 114, 1224-1239: one factor a country, from its published capacity factor.
    """
    if weather.wind_capacity_factor is not None:
        raise MissingDataError(
            "this weather has no wind speed", key=weather.id, allowed="a weather with 'wind_100m [m/s]'"
        )

    def at(factor: float) -> float:
        return float(wind_capacity_factor(weather, turbine, shear=shear, scale=factor).mean())

    low, high = 1.0 / 3.0, 3.0
    least, most = at(low), at(high)
    if not least < mean < most:
        raise MissingDataError(
            "no factor on the wind's speed gives that mean",
            key=weather.id,
            given=mean,
            allowed=f"between {least:.3f} and {most:.3f}",
        )
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if at(middle) < mean else (low, middle)
    return (low * high) ** 0.5
