"""What the sun gives: hourly capacity factors of a PV plant from the weather of a site.

Sun position → angle on a fixed or tracking plane → beam, sky and ground radiation, with what the rows take
from one another → what the glass lets through → cell temperature → PVWatts module, losses, and inverter with
clipping. A site that carries capacity factors (ERA5) hands them on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.facility.sun import (
    air_mass,
    extraterrestrial_normal,
    hours_to_days_since_2000,
    sun_position,
)
from gigawatt.facility.weather import HOURS, Weather

__all__ = [
    "SKIES",
    "Plane",
    "Sky",
    "glass_transmission",
    "low_light_loss",
    "perez_brightness",
    "plane_irradiance",
    "pv_output",
    "row_view",
    "shaded_share",
    "solar_capacity_factor",
    "tracker_rotation",
]

Array = NDArray[np.float64]
Sky = Literal["isotropic", "hay-davies", "perez"]
SKIES: tuple[Sky, ...] = ("isotropic", "hay-davies", "perez")


class Plane(NamedTuple):
    """Radiation on a tilted plane by where it comes from [W/m²], each (n,): ``beam`` of the sun's disc,
    ``circumsolar`` around it, ``sky`` of the dome, ``horizon`` brightening (may be negative), ``ground``."""

    beam: Array
    circumsolar: Array
    sky: Array
    horizon: Array
    ground: Array

    def total(self) -> Array:
        """All of it [W/m²], never below zero."""
        return np.maximum(self.beam + self.circumsolar + self.sky + self.horizon + self.ground, 0.0)


def tracker_rotation(
    *, elevation: ArrayLike, azimuth: ArrayLike, max_rotation: float, ground_cover: float
) -> Array:
    """Rotation of a horizontal north-south axis, west positive, with backtracking [rad].

    Parameters
    ----------
    elevation, azimuth : arrays [rad]
        Of the sun, azimuth clockwise from north.
    max_rotation : float [rad]
        Mechanical limit.
    ground_cover : float []
        Module width over row pitch; the rows turn back where they would shade one another.

    References
    ----------
    Anderson, K., Mikofski, M. (2020). Slope-aware backtracking for single-axis trackers.
    NREL/TP-5K00-76626.
    """
    up, beside = np.sin(elevation), -np.cos(elevation) * np.sin(azimuth)
    ideal = np.arctan2(beside, up)
    reach = np.abs(np.cos(ideal)) / ground_cover
    correction = np.where(reach < 1.0, np.arccos(np.clip(reach, -1.0, 1.0)), 0.0)
    rotation = ideal - np.sign(ideal) * correction
    return np.clip(np.where(up > 0.0, rotation, 0.0), -max_rotation, max_rotation)


def row_view(*, cos_tilt: ArrayLike, ground_cover: float) -> Array:
    """Share of the view of a row's front that is sky, the mean over its width, (n,) [].

    Parameters
    ----------
    cos_tilt : array (n,) []
        Of the rows; the front one rises as high as this one. With the sign turned round: what they see of
        the ground between them.
    ground_cover : float []
        Row width over pitch, above 0; towards 0 the result is (1 + cos tilt) / 2, a plane by itself.

    References
    ----------
    Hottel, H. C., Sarofim, A. F. (1967). Radiative Transfer, the method of crossed strings.
    """
    tilt = np.asarray(cos_tilt, dtype=np.float64)
    string = np.sqrt(np.maximum(1.0 - 2.0 * ground_cover * tilt + ground_cover**2, 0.0))
    return (1.0 + ground_cover - string) / (2.0 * ground_cover)


def shaded_share(*, up: ArrayLike, toward: ArrayLike, tilt: float, ground_cover: float) -> Array:
    """Share of a fixed row's width in the shadow of the row before it, (n,) [].

    Parameters
    ----------
    up, toward : arrays (n,) []
        Of the sun's direction: the part that points up, and the horizontal part towards where the rows face.
    tilt : float [rad]
        Of the rows.
    ground_cover : float []
        Row width over pitch.

    References
    ----------
    Anderson, K., Jensen, A. (2024). Shaded fraction and backtracking in single-axis trackers on rolling
    terrain. J. Renew. Sustain. Energy 16, 023504.
    """
    rise, ahead = np.asarray(up, dtype=np.float64), np.asarray(toward, dtype=np.float64)
    facing = rise * np.cos(tilt) + ahead * np.sin(tilt)
    lit = rise / np.maximum(ground_cover * facing, 1e-9)
    return np.where((rise > 0.0) & (facing > 0.0), np.clip(1.0 - lit, 0.0, 1.0), 0.0)


@lru_cache(maxsize=1)
def _perez() -> tuple[Array, Array]:
    rows = sorted(loader.table("sky_perez").values(), key=lambda row: row.value("clearness"))
    names = ("f11", "f12", "f13", "f21", "f22", "f23")
    return (
        np.array([row.value("clearness") for row in rows]),
        np.array([[row.value(name) for name in names] for row in rows]),
    )


def perez_brightness(
    *, dni: ArrayLike, dhi: ArrayLike, cos_zenith: ArrayLike, extraterrestrial: ArrayLike
) -> tuple[Array, Array]:
    """Brightening of the sky round the sun (0 to 1) and at the horizon, (n,) each [].

    Parameters
    ----------
    dni, dhi : arrays (n,) [W/m²]
        Direct normal and diffuse horizontal radiation.
    cos_zenith : array (n,) []
        Of the sun.
    extraterrestrial : array (n,) [W/m²]
        Normal to the sun, outside the atmosphere.

    References
    ----------
    Perez, R. et al. (1990). Modeling daylight availability and irradiance components from direct and global
    irradiance. Solar Energy 44(5), 271-289.
    """
    direct, diffuse = np.asarray(dni, dtype=np.float64), np.asarray(dhi, dtype=np.float64)
    zenith = np.arccos(np.clip(cos_zenith, 0.0, 1.0))
    lit = diffuse > 0.0
    bend = 1.041 * zenith**3  # kappa of Perez 1990, zenith in radians
    clearness = ((diffuse + direct) / np.where(lit, diffuse, 1.0) + bend) / (1.0 + bend)
    brightness = diffuse * air_mass(zenith=zenith) / np.asarray(extraterrestrial, dtype=np.float64)
    edges, table = _perez()
    row = table[np.clip(np.searchsorted(edges, clearness, side="right") - 1, 0, len(edges) - 1)]
    round_sun = row[..., 0] + row[..., 1] * brightness + row[..., 2] * zenith
    horizon = row[..., 3] + row[..., 4] * brightness + row[..., 5] * zenith
    return np.where(lit, np.clip(round_sun, 0.0, 1.0), 0.0), np.where(lit, horizon, 0.0)


def plane_irradiance(
    *,
    ghi: ArrayLike,
    dni: ArrayLike,
    dhi: ArrayLike,
    cos_incidence: ArrayLike,
    cos_zenith: ArrayLike,
    cos_tilt: ArrayLike,
    extraterrestrial: ArrayLike,
    albedo: float,
    sky: Sky = "perez",
) -> Plane:
    """Radiation on a tilted plane by itself, by where it comes from; the ground is isotropic.

    Parameters
    ----------
    ghi, dni, dhi : arrays (n,) [W/m²]
        Global, direct normal and diffuse horizontal radiation.
    cos_incidence, cos_zenith, cos_tilt : arrays (n,) []
        Of the sun on the plane, of the sun, of the plane.
    extraterrestrial : array (n,) [W/m²]
        Normal to the sun, outside the atmosphere.
    albedo : float []
        Of the ground.
    sky : str
        ``isotropic`` (Liu & Jordan), ``hay-davies`` or ``perez``.

    Raises
    ------
    InputError
        An unknown sky.

    References
    ----------
    Liu, B., Jordan, R. (1963). The long-term average performance of flat-plate solar energy collectors. Solar
    Energy 7. Hay, J. E., Davies, J. A. (1980). Calculation of the solar radiation incident on an inclined
    surface. Proc. First Canadian Solar Radiation Data Workshop, 59-72. Perez et al. 1990, see
    :func:`perez_brightness`.
    """
    facing = np.maximum(cos_incidence, 0.0)
    direct, diffuse = np.asarray(dni, dtype=np.float64), np.asarray(dhi, dtype=np.float64)
    tilt = np.asarray(cos_tilt, dtype=np.float64)
    if sky == "perez":
        share, edge = perez_brightness(
            dni=dni, dhi=dhi, cos_zenith=cos_zenith, extraterrestrial=extraterrestrial
        )
        lowest = np.cos(np.radians(85.0))  # the guard at sunrise of Perez 1990
    elif sky in ("hay-davies", "isotropic"):
        share = direct / np.asarray(extraterrestrial, dtype=np.float64)
        share = share if sky == "hay-davies" else np.zeros_like(share)
        edge = np.zeros_like(share)
        lowest = np.cos(np.radians(89.0))  # the usual guard at sunrise
    else:
        raise InputError("unknown sky", key="sky", given=sky, allowed=SKIES)
    return Plane(
        beam=direct * facing,
        circumsolar=diffuse * share * facing / np.maximum(cos_zenith, lowest),
        sky=diffuse * (1.0 - share) * (1.0 + tilt) / 2.0,
        horizon=diffuse * edge * np.sqrt(np.maximum(1.0 - tilt**2, 0.0)),
        ground=np.asarray(ghi) * albedo * (1.0 - tilt) / 2.0,
    )


def glass_transmission(*, cos_incidence: ArrayLike, b0: float) -> Array:
    """What a module's glass lets through at an angle, over that at right angles, (n,) [] (ASHRAE).

    Parameters
    ----------
    cos_incidence : array (n,) []
        Of the light on the glass.
    b0 : float []
        Of the module; 0.05 for plain glass.

    References
    ----------
    Souka, A. F., Safwat, H. H. (1966). Determination of the optimum orientations for the double-exposure
    flat-plate collector and its reflectors. Solar Energy 10, 170-174.
    """
    incidence = np.maximum(np.asarray(cos_incidence, dtype=np.float64), 1e-6)
    return np.clip(1.0 - b0 * (1.0 / incidence - 1.0), 0.0, 1.0)


def _through_glass(plane: Plane, cos_incidence: Array, cos_tilt: Array, b0: float) -> Array:
    """What reaches the cells, (n,) [W/m²]; sky and ground enter at the mean angles of Brandemuehl and
    Beckman (1980), Solar Energy 24, 511-513."""
    degrees = np.degrees(np.arccos(np.clip(cos_tilt, -1.0, 1.0)))
    dome = np.radians(59.7 - 0.1388 * degrees + 0.001497 * degrees**2)
    below = np.radians(90.0 - 0.5788 * degrees + 0.002693 * degrees**2)
    straight = glass_transmission(cos_incidence=cos_incidence, b0=b0)
    low = glass_transmission(cos_incidence=np.cos(below), b0=b0)
    reached = (plane.beam + plane.circumsolar) * straight + (plane.horizon + plane.ground) * low
    reached = reached + plane.sky * glass_transmission(cos_incidence=np.cos(dome), b0=b0)
    return np.maximum(reached, 0.0)


def low_light_loss(*, suns: ArrayLike, k: float) -> Array:
    """What a module lacks of its linear output in weak light, over its rating, (n,) [].

    Parameters
    ----------
    suns : array (n,) []
        Radiation that reaches the cells over the standard 1,000 W/m².
    k : float []
        The loss at 0.2 suns; 0 for a linear module, up to 0.033.

    References
    ----------
    Marion, B. (2010). Overview of the PV module model in PVWatts. NREL/PR-520-49607.
    """
    light = np.asarray(suns, dtype=np.float64)
    dim = 1.0 - (1.0 - np.minimum(light, 0.2) / 0.2) ** 4
    return k * np.where(light <= 0.2, dim, np.maximum(1.0 - light, 0.0) / 0.8)


def pv_output(
    *, effective: ArrayLike, plane: ArrayLike, temperature: ArrayLike, wind: ArrayLike, module: Entity
) -> Array:
    """AC power over AC rating of a PV plant, (n,) [].

    Parameters
    ----------
    effective : array (n,) [W/m²]
        Radiation that reaches the cells.
    plane : array (n,) [W/m²]
        Radiation on the plane, which heats the module (Faiman 2008).
    temperature : array (n,) [K]
        Of the air.
    wind : array (n,) [m/s]
        At the module.
    module : Entity
        A row of ``modules``.

    References
    ----------
    Dobos, A. P. (2014). PVWatts Version 5 Manual. NREL/TP-6A20-62641. Faiman, D. (2008). Assessing the
    outdoor operating temperature of photovoltaic modules. Prog. Photovolt. 16, 307-315.
    """
    value = module.value
    cell = np.asarray(temperature) + np.asarray(plane) / (
        value("faiman_u0") + value("faiman_u1") * np.asarray(wind)
    )
    gain = 1.0 + value("temperature_coefficient") * (cell - value("reference_temperature"))
    suns = np.asarray(effective, dtype=np.float64) / value("reference_irradiance")
    weak = low_light_loss(suns=suns, k=module.get("low_light", 0.0) or 0.0)
    dc = np.maximum(suns * gain - weak, 0.0) * (1.0 - value("loss_share"))
    nominal = value("inverter_efficiency")
    # DC power over the inverter's DC rating, 1 / nominal of its AC rating
    load = dc * value("dc_ac_ratio") * nominal
    safe = np.maximum(load, 1e-9)
    efficiency = (
        nominal
        / value("inverter_reference")
        * (value("inverter_a") * safe + value("inverter_b") / safe + value("inverter_c"))
    )
    return np.clip(np.where(load > 0.0, efficiency * load / nominal, 0.0), 0.0, 1.0)


class _Orientation(NamedTuple):
    """Sun and plane in the middle of each hour (8760,): sine of the sun's elevation, cosines of incidence and
    tilt, share of the rows that others shade.
    """

    up: Array
    cos_incidence: Array
    cos_tilt: Array
    shade: Array


def _orientation(weather: Weather, row: Entity) -> _Orientation:
    """Where the plane of a row of ``modules`` faces, and the sun on it."""
    days = hours_to_days_since_2000(
        hour_of_year=np.arange(HOURS) + weather.sun_time, year=weather.year, time_zone=weather.time_zone
    )
    position = sun_position(days_since_2000=days, latitude=weather.latitude, longitude=weather.longitude)
    elevation, azimuth = np.radians(position[0]), np.radians(position[1])
    up, east, north = (
        np.sin(elevation),
        np.cos(elevation) * np.sin(azimuth),
        np.cos(elevation) * np.cos(azimuth),
    )
    cover, tracking = row.value("ground_cover"), row.text("tracking")
    if tracking == "single-axis":
        rotation = tracker_rotation(
            elevation=elevation,
            azimuth=azimuth,
            max_rotation=row.value("max_rotation"),
            ground_cover=cover,
        )
        cos_tilt = np.cos(rotation)
        return _Orientation(up, up * cos_tilt - east * np.sin(rotation), cos_tilt, np.zeros(HOURS))
    check_word(f"modules.{row.id}", tracking, ("single-axis", "fixed"), "unknown tracking")
    tilt = row.value("tilt")
    facing = row.value("azimuth") + (0.0 if weather.latitude >= 0.0 else np.pi)
    toward = east * np.sin(facing) + north * np.cos(facing)
    shade = shaded_share(up=up, toward=toward, tilt=tilt, ground_cover=cover)
    return _Orientation(up, up * np.cos(tilt) + np.sin(tilt) * toward, np.full(HOURS, np.cos(tilt)), shade)


def solar_capacity_factor(
    weather: Weather, module: Entity | str = "single-axis", *, sky: Sky = "perez"
) -> Array:
    """AC output over AC rating of a PV plant, mean of each hour, (8760,) [].

    Parameters
    ----------
    weather : Weather
        With ``ghi``, ``dni``, ``dhi``, or with a capacity factor, which is then handed on as it is.
    module : Entity or str
        A row of ``modules``: ``single-axis`` or ``fixed``.
    sky : str
        ``isotropic``, ``hay-davies`` or ``perez``.

    Raises
    ------
    MissingDataError
        The weather has neither radiation nor a capacity factor.
    InputError
        An unknown module, tracking or sky.
    """
    if weather.solar_capacity_factor is not None:
        return weather.solar_capacity_factor
    if weather.ghi is None or weather.dni is None or weather.dhi is None:
        lacking = [name for name in ("ghi", "dni", "dhi") if getattr(weather, name) is None]
        raise MissingDataError(
            f"this weather has no radiation it can use, it lacks {', '.join(lacking)}",
            key=weather.id,
            allowed="a weather file with ghi, dni and dhi [W/m^2]",
        )
    row = loader.entity("modules", module) if isinstance(module, str) else module
    hour, cover = np.arange(HOURS), row.value("ground_cover")
    up, cos_incidence, cos_tilt, shade = _orientation(weather, row)
    plane = plane_irradiance(
        ghi=weather.ghi,
        dni=weather.dni,
        dhi=weather.dhi,
        cos_incidence=np.where(up > 0.0, cos_incidence, 0.0),
        cos_zenith=up,
        cos_tilt=cos_tilt,
        extraterrestrial=extraterrestrial_normal(
            day_of_year=hour // 24 + 1.0, solar_constant=row.value("solar_constant")
        ),
        albedo=row.value("albedo"),
        sky=sky,
    )
    plane = plane._replace(
        beam=plane.beam * (1.0 - shade),
        circumsolar=plane.circumsolar * (1.0 - shade),
        sky=plane.sky * row_view(cos_tilt=cos_tilt, ground_cover=cover) * 2.0 / (1.0 + cos_tilt),
        ground=weather.ghi * row.value("albedo") * row_view(cos_tilt=-cos_tilt, ground_cover=cover),
    )
    temperature = np.full(HOURS, row.value("reference_temperature"))
    temperature = temperature if weather.temperature is None else weather.temperature
    wind = np.full(HOURS, row.value("wind_default")) if weather.wind_10m is None else weather.wind_10m
    output = pv_output(
        effective=_through_glass(plane, cos_incidence, cos_tilt, row.value("iam_b0")),
        plane=plane.total(),
        temperature=temperature,
        wind=wind,
        module=row,
    )
    return _hour_mean(output, weather.sun_time)


def _hour_mean(output: Array, sun_time: float) -> Array:
    """Output in the middle of each hour, on straight lines between the moments ``sun_time`` [h] within it.

    Weather of instants gives output at instants: that of 12:00 is not the mean of the hour that begins then,
    but half of it, the other half that of 13:00.
    """
    late = sun_time - 0.5
    beside = np.roll(output, 1 if late > 0.0 else -1)
    return output + abs(late) * (beside - output)
