"""A year of space solar power at a site, hour by hour: shadow, sight, distance.

Constellations of named orbits (table ``space_solar_orbits``), the share of the rated power that the best
satellite in sight can deliver, and how many satellites a share of the year needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.facility.sun import hours_to_days_since_2000
from gigawatt.power.plants.space_solar.orbit import (
    DAY,
    SIDEREAL_DAY,
    Orbit,
    earth_orbit,
    elevation_and_range,
    geostationary,
    in_earth_frame,
    lit_share,
    period,
    positions,
    site_position,
    sun,
    sun_synchronous_inclination,
)

__all__ = [
    "COLLECTORS",
    "constellation",
    "eclipse_by_day",
    "hourly_share",
    "list_orbits",
]

Array = npt.NDArray[np.float64]
HOURS = int(HOURS_PER_YEAR)
COLLECTORS = ("sun", "earth")
_FULL = 2.0 * math.pi


def list_orbits() -> list[str]:
    """Names of the orbits of the catalog."""
    return list(table("space_solar_orbits"))


def constellation(
    name: str, *, satellites: int, longitude: float, days_since_2000: float, spread: float = 0.0
) -> tuple[Orbit, ...]:
    """Orbits of ``satellites`` satellites that serve a site at ``longitude``.

    Parameters
    ----------
    name : str
        A row of ``space_solar_orbits``. By its ``arrangement``: ``slot``, geostationary above the site's
        longitude, ``spread`` apart; ``track``, all on one track over the ground whose apogee is above the
        site;
        ``walker``, circles in as many planes as the row says; ``dawn-dusk``, one plane that follows the sun.
    satellites : int
        >= 1.
    longitude : float [deg]
        Of the site, east positive.
    days_since_2000 : float [d]
        Time of the elements.
    spread : float [deg]
        Between slots, for geostationary satellites: their eclipses then come at different hours.

    Raises
    ------
    InputError
        An unknown orbit, or no satellite.

    References
    ----------
    Walker, J. G. (1984). Satellite constellations. J. British Interplanetary Society 37, 559-571.
    """
    if name not in table("space_solar_orbits"):
        known = list_orbits()
        raise InputError(
            "no such orbit", key="orbit", given=name, allowed=known, nearest=nearest(name, known)
        )
    if satellites < 1:
        raise InputError("no satellite", key="satellites", given=satellites, allowed="1 or more")
    row = entity("space_solar_orbits", name)
    arrangement = row.text("arrangement")
    if arrangement == "slot":
        slots = [(k - (satellites - 1) / 2.0) * spread for k in range(satellites)]
        return tuple(
            geostationary(longitude=longitude + slot, days_since_2000=days_since_2000) for slot in slots
        )
    low, high = row.value("perigee_altitude"), row.value("apogee_altitude")
    if arrangement == "dawn-dusk":
        axis = earth_orbit(perigee_altitude=low, apogee_altitude=high, inclination=0.0).semi_major_axis
        mean_sun = math.radians((280.460 + 0.9856474 * days_since_2000) % 360.0)
        made = earth_orbit(
            perigee_altitude=low,
            apogee_altitude=high,
            inclination=sun_synchronous_inclination(semi_major_axis=axis),
            node=mean_sun + math.pi / 2.0,
        )
        return tuple(replace(made, anomaly=_FULL * k / satellites) for k in range(satellites))
    tilt = row.value("inclination")
    if arrangement == "track":
        made = earth_orbit(
            perigee_altitude=low,
            apogee_altitude=high,
            inclination=tilt,
            perigee=row.value("perigee"),
            kept=True,
        )
        turns = round(SIDEREAL_DAY / period(made))
        axis = made.semi_major_axis * (SIDEREAL_DAY / turns / period(made)) ** (2.0 / 3.0)
        made = replace(made, semi_major_axis=axis, anomaly=math.pi)
        below = float(in_earth_frame(positions(made, [0.0]), days_since_2000)[0])
        start = math.radians(longitude) - below
        steps = [_FULL * k / satellites for k in range(satellites)]
        return tuple(
            replace(made, node=start + step, anomaly=(math.pi - turns * step) % _FULL) for step in steps
        )
    planes = min(int(row.value("planes")), satellites)
    each = -(-satellites // planes)
    made = earth_orbit(perigee_altitude=low, apogee_altitude=high, inclination=tilt)
    return tuple(
        replace(
            made,
            node=_FULL * (k // each) / planes,
            anomaly=_FULL * ((k % each) / each + (k // each) / satellites),
        )
        for k in range(satellites)
    )


def hourly_share(
    name: str,
    *,
    latitude: float,
    longitude: float,
    year: int = 2023,
    satellites: int = 1,
    collector: str = "sun",
    mask: float = math.radians(20.0),
    beam: Callable[[Array, Array], Array] | None = None,
    time_zone: float | None = None,
    step: float = 300.0,
    spread: float = 0.0,
) -> Array:
    """Share of the rated power that reaches the site in each hour of a year, (8760,) in [0, 1].

    At every moment the satellite serves that could deliver most: lit share × what the collector's angle to
    the sun leaves × ``beam``; none below ``mask``. Nothing is stored in orbit.

    Parameters
    ----------
    name : str
        An orbit of :func:`list_orbits`.
    latitude, longitude : float [deg]
        Of the rectenna.
    year : int
        Calendar year; hours are local standard time, 29 February left out.
    satellites : int
        In the constellation.
    collector : str
        ``sun``: turned or mirrored to the sun; ``earth``: a flat panel with cells on both sides that keeps
        facing the Earth, so that it takes abs(cos) of the sun's angle.
    mask : float [rad]
        Least elevation at which a beam is sent.
    beam : callable, optional
        (distance (n,) [m], elevation (n,) [rad]) → share of the rated power; everywhere 1 where left out.
    time_zone : float [h], optional
        Local standard time minus universal time; by the longitude where left out.
    step : float [s]
        Between samples within the hour; divides 3,600 s.
    spread : float [deg]
        As in :func:`constellation`.

    Raises
    ------
    InputError
        An unknown orbit or collector, no place on the Earth, a step that does not divide an hour.

    References
    ----------
    Shadow: Montenbruck and Gill (2000), section 3.4.2. Panel that faces the Earth: Sasaki, S. et al. (2006).
    A new concept of solar power satellite: Tethered-SPS. Acta Astronautica 60, 153-165.
    """
    check_word("collector", collector, COLLECTORS, "no such collector")
    if not (0.0 < step <= 3600.0 and math.isclose(3600.0 / step, round(3600.0 / step))):
        raise InputError(
            "the samples do not fill an hour",
            key="step",
            given=f"{step:g} s",
            allowed="3600 s over a whole number",
        )
    each = round(3600.0 / step)
    zone = round(longitude / 15.0) if time_zone is None else time_zone
    hours = (np.arange(HOURS * each) + 0.5) / each
    days = hours_to_days_since_2000(hour_of_year=hours, year=year, time_zone=float(zone))
    seconds = (days - days[0]) * DAY
    fleet = constellation(
        name, satellites=satellites, longitude=longitude, days_since_2000=float(days[0]), spread=spread
    )
    place, zenith = site_position(latitude=latitude, longitude=longitude, days_since_2000=days)
    direction, distance = sun(days)
    best = np.zeros(days.size)
    for orbit in fleet:
        spot = positions(orbit, seconds)
        elevation, away = elevation_and_range(spot, place, zenith)
        seen = np.flatnonzero(elevation >= mask)
        if not seen.size:
            continue
        share = lit_share(spot[seen], direction[seen], distance[seen])
        if collector == "earth":
            share = share * _facing(spot[seen], direction[seen])
        if beam is not None:
            share = share * np.clip(beam(away[seen], elevation[seen]), 0.0, 1.0)
        best[seen] = np.maximum(best[seen], share)
    return best.reshape(HOURS, each).mean(axis=1)


def _facing(spot: Array, direction: Array) -> Array:
    nadir = np.linalg.norm(spot, axis=-1)
    return np.abs(np.einsum("...i,...i->...", spot, direction)) / nadir


def eclipse_by_day(orbit: Orbit, *, days_since_2000: float, days: int = 365, step: float = 60.0) -> Array:
    """Minutes a day for which the sun is hidden, half shadow in part, (days,) [min].

    Parameters
    ----------
    orbit : Orbit
        Its elements are of the start.
    days_since_2000 : float [d]
        Start, the time of the orbit's elements. For a geostationary satellite start at its noon, so that no
        eclipse is cut in two by midnight.
    days : int
        How many.
    step : float [s]
        Between samples.

    References
    ----------
    Soop (1994): at most 72 min from the first to the last of the half shadow, in two seasons.
    """
    each = round(DAY / step)
    seconds = (np.arange(days * each) + 0.5) * DAY / each
    direction, distance = sun(days_since_2000 + seconds / DAY)
    hidden = 1.0 - lit_share(positions(orbit, seconds), direction, distance)
    return hidden.reshape(days, each).mean(axis=1) * DAY / 60.0
