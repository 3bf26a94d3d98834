"""Where a satellite is, whether the sun shines on it, and whether a place on the ground sees it.

Kepler motion with the drift of node and perigee that the Earth's flattening brings; the sun of the almanac;
the Earth's shadow with its half shadow as the overlap of two discs. All arrays are over time, (n,) or (n, 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError

__all__ = [
    "EARTH_RADIUS",
    "Orbit",
    "earth_orbit",
    "elevation_and_range",
    "geostationary",
    "in_earth_frame",
    "kepler",
    "lit_share",
    "node_rate",
    "period",
    "positions",
    "site_position",
    "sun",
    "sun_synchronous_inclination",
]

Array = npt.NDArray[np.float64]

# IAU and WGS 84 constants: gravity, equatorial radius, flattening term, radius of the sun, astronomical unit.
EARTH_GRAVITY = 3.986004418e14
EARTH_RADIUS = 6378137.0
EARTH_J2 = 1.08262668e-3
SUN_RADIUS = 6.957e8
ASTRONOMICAL_UNIT = 1.495978707e11
SIDEREAL_DAY = 86164.0905
DAY = 86400.0
TROPICAL_YEAR = 365.2421897 * DAY
_FULL = 2.0 * math.pi


@dataclass(frozen=True)
class Orbit:
    """Elements of an orbit at the start of the time that is looked at.

    ``semi_major_axis`` [m]; ``eccentricity`` []; ``inclination``, ``node`` (right ascension of the ascending
    node), ``perigee`` (argument), ``anomaly`` (mean) [rad]. ``kept``: the satellite is held against all
    drift.
    """

    semi_major_axis: float
    eccentricity: float = 0.0
    inclination: float = 0.0
    node: float = 0.0
    perigee: float = 0.0
    anomaly: float = 0.0
    kept: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.eccentricity < 1.0:
            raise InputError(
                "not an ellipse",
                key="eccentricity",
                given=f"{self.eccentricity:g}",
                allowed="0 to below 1; at 1 and above the satellite leaves the Earth",
            )
        nearest = self.semi_major_axis * (1.0 - self.eccentricity)
        if not (nearest > EARTH_RADIUS and math.isfinite(self.semi_major_axis)):
            raise InputError(
                "this orbit meets the Earth",
                key="semi_major_axis",
                given=f"perigee at {nearest / 1e3:,.0f} km from the centre",
                allowed=f"above {EARTH_RADIUS / 1e3:,.0f} km",
            )


def earth_orbit(
    *, perigee_altitude: float, apogee_altitude: float, inclination: float, **elements: float
) -> Orbit:
    """An orbit by its two altitudes.

    Parameters
    ----------
    perigee_altitude, apogee_altitude : float [m]
        Above the equator's radius, > 0.
    inclination : float [rad]
        Of the orbit's plane to the equator.
    **elements
        ``node``, ``perigee``, ``anomaly`` [rad], ``kept``: as in :class:`Orbit`.

    Raises
    ------
    InputError
        The apogee is below the perigee, or an altitude is not above 0.

    References
    ----------
    Montenbruck, O., Gill, E. (2000). Satellite Orbits. Springer, chapter 2.
    """
    if not 0.0 < perigee_altitude <= apogee_altitude:
        raise InputError(
            "the altitudes are not in order",
            key="perigee_altitude",
            given=f"{perigee_altitude / 1e3:g} km to {apogee_altitude / 1e3:g} km",
            allowed="above 0, perigee not above apogee",
        )
    low, high = EARTH_RADIUS + perigee_altitude, EARTH_RADIUS + apogee_altitude
    return Orbit(
        semi_major_axis=(low + high) / 2.0,
        eccentricity=(high - low) / (high + low),
        inclination=inclination,
        node=elements.get("node", 0.0),
        perigee=elements.get("perigee", 0.0),
        anomaly=elements.get("anomaly", 0.0),
        kept=bool(elements.get("kept", False)),
    )


def period(orbit: Orbit) -> float:
    """Time of one turn [s], by Kepler's third law."""
    return _FULL * math.sqrt(orbit.semi_major_axis**3 / EARTH_GRAVITY)


def node_rate(orbit: Orbit) -> float:
    """Drift of the node that the Earth's flattening brings [rad/s]; negative is westwards.

    References
    ----------
    Vallado, D. (2013). Fundamentals of Astrodynamics and Applications, 4th ed., section 9.4: first order in
    J2.
    """
    return -1.5 * _j2_rate(orbit) * math.cos(orbit.inclination)


def _perigee_rate(orbit: Orbit) -> float:
    return 0.75 * _j2_rate(orbit) * (5.0 * math.cos(orbit.inclination) ** 2 - 1.0)


def _j2_rate(orbit: Orbit) -> float:
    parameter = orbit.semi_major_axis * (1.0 - orbit.eccentricity**2)
    return _FULL / period(orbit) * EARTH_J2 * (EARTH_RADIUS / parameter) ** 2


def sun_synchronous_inclination(*, semi_major_axis: float, eccentricity: float = 0.0) -> float:
    """Inclination at which the node turns with the sun, once a year [rad].

    Parameters
    ----------
    semi_major_axis : float [m]
        Above the Earth's radius.
    eccentricity : float []
        0 for a circle.

    Raises
    ------
    InputError
        The orbit is so high that no inclination does it (above about 5,970 km where it is a circle).

    References
    ----------
    Vallado (2013), section 11.4.1.
    """
    polar = Orbit(semi_major_axis, eccentricity)
    cosine = -(_FULL / TROPICAL_YEAR) / (1.5 * _j2_rate(polar))
    if cosine < -1.0:
        raise InputError(
            "no orbit of this height follows the sun",
            key="semi_major_axis",
            given=f"{(semi_major_axis - EARTH_RADIUS) / 1e3:,.0f} km above ground",
            allowed="below about 5,970 km for a circle",
        )
    return math.acos(cosine)


def kepler(*, mean_anomaly: npt.ArrayLike, eccentricity: float) -> Array:
    """Eccentric anomaly [rad] of mean anomalies [rad], any shape, to rounding.

    Newton's method from Danby's start.

    References
    ----------
    Danby, J., Burkardt, T. (1983). The solution of Kepler's equation, I. Celestial Mechanics 31, 95-107.
    """
    mean = np.remainder(np.asarray(mean_anomaly, dtype=np.float64) + np.pi, _FULL) - np.pi
    found = mean + np.sign(mean) * 0.85 * eccentricity
    for _ in range(12):
        step = (found - eccentricity * np.sin(found) - mean) / (1.0 - eccentricity * np.cos(found))
        found = found - step
        if not np.any(np.abs(step) > 1e-13):
            break
    return found


def positions(orbit: Orbit, seconds: npt.ArrayLike) -> Array:
    """Where the satellite is, (n, 3) [m], in the frame of the equator and equinox.

    Parameters
    ----------
    orbit : Orbit
        Elements at time 0.
    seconds : (n,) [s]
        Since the orbit's elements.

    References
    ----------
    Montenbruck and Gill (2000), section 2.2; drift of node and perigee: Vallado (2013), section 9.4.
    """
    time = np.atleast_1d(np.asarray(seconds, dtype=np.float64))
    eccentric = kepler(
        mean_anomaly=orbit.anomaly + _FULL / period(orbit) * time, eccentricity=orbit.eccentricity
    )
    flat = math.sqrt(1.0 - orbit.eccentricity**2)
    along = orbit.semi_major_axis * (np.cos(eccentric) - orbit.eccentricity)
    beside = orbit.semi_major_axis * flat * np.sin(eccentric)
    drift = 0.0 if orbit.kept else 1.0
    node = orbit.node + drift * node_rate(orbit) * time
    perigee = orbit.perigee + drift * _perigee_rate(orbit) * time
    plane_x = along * np.cos(perigee) - beside * np.sin(perigee)
    plane_y = along * np.sin(perigee) + beside * np.cos(perigee)
    tilt, up = math.cos(orbit.inclination), math.sin(orbit.inclination)
    return np.stack(
        [
            plane_x * np.cos(node) - plane_y * tilt * np.sin(node),
            plane_x * np.sin(node) + plane_y * tilt * np.cos(node),
            plane_y * up,
        ],
        axis=-1,
    )


def sun(days_since_2000: npt.ArrayLike) -> tuple[Array, Array]:
    """(unit vector to the sun (n, 3), its distance (n,) [m]) in the frame of the equator and equinox.

    Parameters
    ----------
    days_since_2000 : (n,) [d]
        Universal time since 2000-01-01 12:00. Good to 0.01 deg for 1950 to 2050.

    References
    ----------
    Michalsky, J. J. (1988). Solar Energy 40(3), 227-235; distance: Astronomical Almanac, section C.
    """
    n = np.atleast_1d(np.asarray(days_since_2000, dtype=np.float64))
    anomaly = np.radians((357.528 + 0.9856003 * n) % 360.0)
    ecliptic = np.radians(
        (280.460 + 0.9856474 * n + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2.0 * anomaly)) % 360.0
    )
    obliquity = np.radians(23.439 - 0.0000004 * n)
    away = 1.00014 - 0.01671 * np.cos(anomaly) - 0.00014 * np.cos(2.0 * anomaly)
    direction = np.stack(
        [np.cos(ecliptic), np.cos(obliquity) * np.sin(ecliptic), np.sin(obliquity) * np.sin(ecliptic)], -1
    )
    return direction, away * ASTRONOMICAL_UNIT


def lit_share(position: npt.ArrayLike, sun_direction: npt.ArrayLike, sun_distance: npt.ArrayLike) -> Array:
    """Share of the sun's disc that the satellite sees beside the Earth, (n,) in [0, 1].

    Parameters
    ----------
    position : (n, 3) [m]
        From the Earth's centre, outside the Earth.
    sun_direction : (n, 3) []
        Unit vectors from the Earth's centre.
    sun_distance : (n,) [m]
        From the Earth's centre.

    Notes
    -----
    The Earth is a sphere without air; both discs are flat, which is good to 1e-4 of the half shadow.

    References
    ----------
    Montenbruck and Gill (2000), section 3.4.2.
    """
    place = np.asarray(position, dtype=np.float64)
    to_sun = np.asarray(sun_direction) * np.asarray(sun_distance)[..., None] - place
    far, near = np.linalg.norm(to_sun, axis=-1), np.linalg.norm(place, axis=-1)
    a, b = np.arcsin(SUN_RADIUS / far), np.arcsin(np.minimum(EARTH_RADIUS / near, 1.0))
    cosine = -np.einsum("...i,...i->...", place, to_sun) / (far * near)
    c = np.arccos(np.clip(cosine, -1.0, 1.0))
    partly = (c < a + b) & (c > np.abs(b - a))
    middle = np.where(partly, c, 1.0)
    x = (middle**2 + a**2 - b**2) / (2.0 * middle)
    y = np.sqrt(np.maximum(a**2 - x**2, 0.0))
    lens = (
        a**2 * np.arccos(np.clip(x / a, -1.0, 1.0))
        + b**2 * np.arccos(np.clip((middle - x) / b, -1.0, 1.0))
        - middle * y
    )
    hidden = np.where(partly, lens / (np.pi * a**2), np.where(c >= a + b, 0.0, np.minimum(b / a, 1.0) ** 2))
    return np.clip(1.0 - hidden, 0.0, 1.0)


def _sidereal_angle(days_since_2000: npt.ArrayLike) -> Array:
    """Turn of the Earth [rad] (Greenwich mean sidereal time, IAU 1982, linear part)."""
    n = np.asarray(days_since_2000, dtype=np.float64)
    return np.radians((280.46061837 + 360.98564736629 * n) % 360.0)


def site_position(
    *, latitude: float, longitude: float, days_since_2000: npt.ArrayLike
) -> tuple[Array, Array]:
    """(place (n, 3) [m], its zenith (n, 3) []) of a site at sea level, in the frame of :func:`positions`.

    Parameters
    ----------
    latitude, longitude : float [deg]
        Geodetic, north and east positive; WGS 84.
    days_since_2000 : (n,) [d]
        Universal time since 2000-01-01 12:00.

    Raises
    ------
    InputError
        No place on the Earth.
    """
    if not (abs(latitude) <= 90.0 and abs(longitude) <= 360.0):
        raise InputError(
            "no place on the Earth",
            key="latitude" if not abs(latitude) <= 90.0 else "longitude",
            given=f"{latitude:g}, {longitude:g}",
            allowed="-90 to 90 deg and -360 to 360 deg",
        )
    turn = _sidereal_angle(np.atleast_1d(days_since_2000)) + math.radians(longitude)
    phi, squared = math.radians(latitude), 6.69437999014e-3
    normal = EARTH_RADIUS / math.sqrt(1.0 - squared * math.sin(phi) ** 2)
    zenith = np.stack(
        [math.cos(phi) * np.cos(turn), math.cos(phi) * np.sin(turn), np.full_like(turn, math.sin(phi))], -1
    )
    return normal * zenith * np.array([1.0, 1.0, 1.0 - squared]), zenith


def elevation_and_range(position: Array, place: Array, zenith: Array) -> tuple[Array, Array]:
    """(elevation (n,) [rad], distance (n,) [m]) of a satellite seen from a site.

    Parameters
    ----------
    position, place, zenith : (n, 3)
        From :func:`positions` and :func:`site_position` of the same times.
    """
    beam = position - place
    distance = np.linalg.norm(beam, axis=-1)
    sine = np.einsum("...i,...i->...", beam, zenith) / distance
    return np.arcsin(np.clip(sine, -1.0, 1.0)), distance


def in_earth_frame(position: Array, days_since_2000: npt.ArrayLike) -> Array:
    """Longitude east of Greenwich below the satellite [rad], (n,) in [-pi, pi)."""
    angle = np.arctan2(position[..., 1], position[..., 0]) - _sidereal_angle(days_since_2000)
    return np.remainder(angle + np.pi, _FULL) - np.pi


@lru_cache(maxsize=64)
def geostationary(*, longitude: float, days_since_2000: float) -> Orbit:
    """The orbit that stays above a longitude [deg] on the equator, with its elements at a time [d].

    References
    ----------
    Soop, E. M. (1994). Handbook of Geostationary Orbits. Kluwer.
    """
    axis = (EARTH_GRAVITY * (SIDEREAL_DAY / _FULL) ** 2) ** (1.0 / 3.0)
    turn = float(_sidereal_angle(days_since_2000)) + math.radians(longitude)
    return Orbit(axis, anomaly=turn % _FULL, kept=True)
