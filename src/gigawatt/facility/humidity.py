"""Moist air: vapour pressure, relative humidity, wet-bulb temperature, density."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "air_density",
    "air_pressure",
    "dew_point",
    "dew_point_from_daily_minimum",
    "relative_humidity",
    "saturation_pressure",
    "wet_bulb",
]

Array = NDArray[np.float64]
_ZERO_CELSIUS = 273.15
#: Magnus form over water, Alduchov & Eskridge 1996: pressure at 0 °C [Pa], slope, temperature [°C].
_MAGNUS = (610.94, 17.625, 243.04)


def saturation_pressure(*, temperature: ArrayLike) -> Array:
    """Vapour pressure of saturated air over water [Pa].

    Parameters
    ----------
    temperature : array [K]
        Good to 0.3 % for 238 to 323 K.

    References
    ----------
    Alduchov, O. A., Eskridge, R. E. (1996). Improved Magnus form approximation of saturation vapor
    pressure. J. Appl. Meteor. 35, 601-609.
    """
    celsius = np.asarray(temperature, dtype=np.float64) - _ZERO_CELSIUS
    pressure, slope, offset = _MAGNUS
    return pressure * np.exp(slope * celsius / (celsius + offset))


def dew_point(*, temperature: ArrayLike, humidity: ArrayLike) -> Array:
    """Dew point of air [K]: :func:`saturation_pressure` turned round.

    Parameters
    ----------
    temperature : array [K]
        Of the air, 238 to 323 K.
    humidity : array
        Relative humidity, used within 0.01 to 1.

    References
    ----------
    Alduchov & Eskridge 1996, as for :func:`saturation_pressure`.
    """
    _, slope, offset = _MAGNUS
    celsius = np.asarray(temperature, dtype=np.float64) - _ZERO_CELSIUS
    share = np.clip(np.asarray(humidity, dtype=np.float64), 0.01, 1.0)
    log = np.log(share) + slope * celsius / (celsius + offset)
    return offset * log / (slope - log) + _ZERO_CELSIUS


def relative_humidity(*, temperature: ArrayLike, dew_point: ArrayLike) -> Array:
    """Relative humidity, 0 to 1, of air at ``temperature`` [K] with a ``dew_point`` [K]."""
    share = saturation_pressure(temperature=dew_point) / saturation_pressure(temperature=temperature)
    return np.clip(share, 0.0, 1.0)


def wet_bulb(*, temperature: ArrayLike, humidity: ArrayLike) -> Array:
    """Wet-bulb temperature at sea-level pressure [K].

    Parameters
    ----------
    temperature : array [K]
        -20 to 50 degC.
    humidity : array []
        Relative humidity, used within 0.05 to 0.99.

    Notes
    -----
    An empirical fit, wrong by -1 to +0.65 K in its range; never above the air temperature here.

    References
    ----------
    Stull, R. (2011). Wet-bulb temperature from relative humidity and air temperature.
    J. Appl. Meteor. Climatol. 50, 2267-2269. doi:10.1175/JAMC-D-11-0143.1
    """
    dry = np.asarray(temperature, dtype=np.float64)
    celsius = dry - _ZERO_CELSIUS
    percent = 100.0 * np.clip(np.asarray(humidity, dtype=np.float64), 0.05, 0.99)
    fitted = (
        celsius * np.arctan(0.151977 * np.sqrt(percent + 8.313659))
        + np.arctan(celsius + percent)
        - np.arctan(percent - 1.676331)
        + 0.00391838 * percent**1.5 * np.arctan(0.023101 * percent)
        - 4.686035
    )
    return np.minimum(fitted + _ZERO_CELSIUS, dry)


def dew_point_from_daily_minimum(*, temperature: ArrayLike) -> Array:
    """A dew point where none was measured: the day's lowest temperature, all day [K].

    Parameters
    ----------
    temperature : array (24 n,) [K]
        Hourly. Air usually comes near saturation at dawn; in deserts the estimate is too humid by a
        few kelvin, so that water use is understated and wet-bulb temperature overstated.

    References
    ----------
    Allen, R. G. et al. (1998). Crop evapotranspiration. FAO Irrigation and drainage paper 56, eq. 48.
    """
    days = np.asarray(temperature, dtype=np.float64).reshape(-1, 24)
    return np.repeat(days.min(axis=1), 24)


def air_pressure(*, elevation: ArrayLike) -> Array:
    """Mean air pressure [Pa] at an ``elevation`` [m]: the standard atmosphere of ISO 2533."""
    return 101325.0 * (1.0 - 2.25577e-5 * np.asarray(elevation, dtype=np.float64)) ** 5.25588


def air_density(*, temperature: ArrayLike, pressure: ArrayLike) -> Array:
    """Density of dry air [kg/m³] at ``temperature`` [K] and ``pressure`` [Pa] (R = 287.05 J/kg/K)."""
    return np.asarray(pressure, dtype=np.float64) / (287.05 * np.asarray(temperature, dtype=np.float64))
