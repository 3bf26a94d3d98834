"""Where the sun stands: position, extraterrestrial radiation, angle of incidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["air_mass", "extraterrestrial_normal", "hours_to_days_since_2000", "sun_position"]

Array = NDArray[np.float64]


def hours_to_days_since_2000(*, hour_of_year: ArrayLike, year: int, time_zone: float) -> Array:
    """Days (UT) since 2000-01-01 12:00 of an hour of a year in local standard time.

    Parameters
    ----------
    hour_of_year : array [h]
        0 is the first midnight of ``year``; 29 February does not exist, so that day 59 of a leap
        year is 1 March.
    year : int
        Calendar year, for the slow drift of the almanac.
    time_zone : float [h]
        Local standard time minus UT.
    """
    hours = np.asarray(hour_of_year, dtype=np.float64)
    first = (np.datetime64(f"{year:04d}-01-01") - np.datetime64("2000-01-01")).astype(int)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    skipped = np.where(hours >= 59 * 24, 1.0, 0.0) if leap else 0.0
    return float(first) - 0.5 + skipped + (hours - time_zone) / 24.0


def sun_position(*, days_since_2000: ArrayLike, latitude: float, longitude: float) -> tuple[Array, Array]:
    """Geometric elevation and azimuth of the sun, without refraction.

    Parameters
    ----------
    days_since_2000 : array [d]
        Universal time in days since 2000-01-01 12:00.
    latitude, longitude : float [deg]
        North and east positive.

    Returns
    -------
    elevation, azimuth : arrays [deg]
        Azimuth clockwise from north.

    Notes
    -----
    Good to 0.01 deg for 1950 to 2050.

    References
    ----------
    Michalsky, J. J. (1988). The Astronomical Almanac's algorithm for approximate solar position
    (1950-2050). Solar Energy 40(3), 227-235.
    """
    n = np.asarray(days_since_2000, dtype=np.float64)
    mean_longitude = np.radians((280.460 + 0.9856474 * n) % 360.0)
    anomaly = np.radians((357.528 + 0.9856003 * n) % 360.0)
    ecliptic = mean_longitude + np.radians(1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly))
    obliquity = np.radians(23.439 - 0.0000004 * n)
    right_ascension = np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic))
    declination = np.arcsin(np.sin(obliquity) * np.sin(ecliptic))
    universal_hour = ((n + 0.5) % 1.0) * 24.0
    sidereal = 6.697375 + 0.0657098242 * n + universal_hour
    hour_angle = np.radians((sidereal * 15.0 + longitude) % 360.0) - right_ascension
    phi = np.radians(latitude)
    sin_elevation = np.sin(declination) * np.sin(phi) + np.cos(declination) * np.cos(phi) * np.cos(hour_angle)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.sin(declination) * np.cos(phi) - np.cos(declination) * np.sin(phi) * np.cos(hour_angle)
    elevation = np.degrees(np.arcsin(np.clip(sin_elevation, -1.0, 1.0)))
    return elevation, np.degrees(np.arctan2(east, north)) % 360.0


def extraterrestrial_normal(*, day_of_year: ArrayLike, solar_constant: float) -> Array:
    """Radiation on a plane facing the sun outside the atmosphere [W/m²].

    Parameters
    ----------
    day_of_year : array [d]
        1 on 1 January.
    solar_constant : float [W/m²]
        At one astronomical unit.

    References
    ----------
    Spencer, J. W. (1971). Fourier series representation of the position of the sun. Search 2(5), 172.
    """
    day = 2.0 * np.pi * (np.asarray(day_of_year, dtype=np.float64) - 1.0) / 365.0
    distance = (
        1.00011
        + 0.034221 * np.cos(day)
        + 0.00128 * np.sin(day)
        + 0.000719 * np.cos(2.0 * day)
        + 7.7e-05 * np.sin(2.0 * day)
    )
    return solar_constant * distance


def air_mass(*, zenith: ArrayLike) -> Array:
    """Path of sunlight through the air over that from the zenith, at sea level (n,) [].

    Parameters
    ----------
    zenith : array (n,) [rad]
        Of the sun, 0 to a right angle.

    References
    ----------
    Kasten, F., Young, A. T. (1989). Revised optical air mass tables and approximation formula. Applied Optics
    28(22), 4735-4738.
    """
    degrees = np.degrees(np.asarray(zenith, dtype=np.float64))
    return 1.0 / (np.cos(np.radians(degrees)) + 0.50572 * (96.07995 - degrees) ** -1.6364)
