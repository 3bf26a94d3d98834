"""What sun and wind give: hourly capacity factors from the weather of a site.

Solar: sun position → angle on a fixed or tracking plane → Hay-Davies transposition → incidence losses →
cell temperature → PVWatts module and inverter with clipping. Wind: speed at hub height → air density →
power curve → losses. A site that carries capacity factors (ERA5) hands them on.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.errors import InputError, MissingDataError
from gigawatt.evidence import Assumption
from gigawatt.facility.humidity import air_density, air_pressure
from gigawatt.facility.sun import extraterrestrial_normal, hours_to_days_since_2000, sun_position
from gigawatt.facility.weather import HOURS, Weather

__all__ = [
    "plane_irradiance",
    "power_curve",
    "pv_output",
    "resource_assumptions",
    "solar_capacity_factor",
    "tracker_rotation",
    "wind_at_hub",
    "wind_capacity_factor",
]

Array = NDArray[np.float64]


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
) -> tuple[Array, Array]:
    """(beam, diffuse) radiation on a tilted plane [W/m²], sky by Hay and Davies, ground isotropic.

    Parameters
    ----------
    ghi, dni, dhi : arrays [W/m²]
        Global, direct normal and diffuse horizontal radiation.
    cos_incidence, cos_zenith, cos_tilt : arrays []
        Of the sun on the plane, of the sun, of the plane.
    extraterrestrial : array [W/m²]
        Normal to the sun, outside the atmosphere.
    albedo : float []
        Of the ground.

    References
    ----------
    Hay, J. E., Davies, J. A. (1980). Calculation of the solar radiation incident on an inclined
    surface. Proc. First Canadian Solar Radiation Data Workshop, 59-72.
    """
    facing = np.maximum(cos_incidence, 0.0)
    direct = np.asarray(dni, dtype=np.float64)
    anisotropy = direct / np.asarray(extraterrestrial, dtype=np.float64)
    ratio = facing / np.maximum(cos_zenith, 0.01745)  # cos(89 deg), the usual guard at sunrise
    tilt = np.asarray(cos_tilt, dtype=np.float64)
    sky = np.asarray(dhi) * (anisotropy * ratio + (1.0 - anisotropy) * (1.0 + tilt) / 2.0)
    ground = np.asarray(ghi) * albedo * (1.0 - tilt) / 2.0
    return direct * facing, np.maximum(sky, 0.0) + ground


def pv_output(
    *, effective: ArrayLike, plane: ArrayLike, temperature: ArrayLike, wind: ArrayLike, module: Entity
) -> Array:
    """AC power over AC rating of a PV plant [].

    Parameters
    ----------
    effective : array [W/m²]
        Radiation that reaches the cells.
    plane : array [W/m²]
        Radiation on the plane, which heats the module (Faiman 2008).
    temperature : array [K]
        Of the air.
    wind : array [m/s]
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
    dc = np.maximum(np.asarray(effective) / value("reference_irradiance") * gain, 0.0) * (
        1.0 - value("loss_share")
    )
    nominal = value("inverter_efficiency")
    load = (
        dc * value("dc_ac_ratio") * nominal
    )  # DC power over the inverter's DC rating, 1 / nominal of its AC rating
    safe = np.maximum(load, 1e-9)
    efficiency = (
        nominal
        / value("inverter_reference")
        * (value("inverter_a") * safe + value("inverter_b") / safe + value("inverter_c"))
    )
    return np.clip(np.where(load > 0.0, efficiency * load / nominal, 0.0), 0.0, 1.0)


def solar_capacity_factor(weather: Weather, module: Entity | str = "single-axis") -> Array:
    """AC output over AC rating of a PV plant, hour by hour, (8760,) [].

    Parameters
    ----------
    weather : Weather
        With ``ghi``, ``dni``, ``dhi``, or with a capacity factor, which is then handed on as it is.
    module : Entity or str
        A row of ``modules``: ``single-axis`` or ``fixed``.

    Raises
    ------
    MissingDataError
        The weather has neither radiation nor a capacity factor.
    """
    if weather.solar_capacity_factor is not None:
        return weather.solar_capacity_factor
    if weather.ghi is None or weather.dni is None or weather.dhi is None:
        raise MissingDataError(
            "this weather has no radiation",
            key=weather.id,
            allowed="a weather file with ghi, dni and dhi [W/m^2]",
        )
    row = loader.entity("modules", module) if isinstance(module, str) else module
    hour = np.arange(HOURS)
    days = hours_to_days_since_2000(
        hour_of_year=hour + weather.sun_time, year=weather.year, time_zone=weather.time_zone
    )
    position = sun_position(days_since_2000=days, latitude=weather.latitude, longitude=weather.longitude)
    elevation, azimuth = np.radians(position[0]), np.radians(position[1])
    up, east, north = (
        np.sin(elevation),
        np.cos(elevation) * np.sin(azimuth),
        np.cos(elevation) * np.cos(azimuth),
    )
    tracking = row.text("tracking")
    if tracking == "single-axis":
        rotation = tracker_rotation(
            elevation=elevation,
            azimuth=azimuth,
            max_rotation=row.value("max_rotation"),
            ground_cover=row.value("ground_cover"),
        )
        cos_tilt = np.cos(rotation)
        cos_incidence = up * cos_tilt - east * np.sin(rotation)
    elif tracking == "fixed":
        tilt = row.value("tilt")
        facing = row.value("azimuth") + (0.0 if weather.latitude >= 0.0 else np.pi)
        cos_tilt = np.full(HOURS, np.cos(tilt))
        cos_incidence = up * np.cos(tilt) + np.sin(tilt) * (east * np.sin(facing) + north * np.cos(facing))
    else:
        raise InputError(
            "unknown tracking", key=f"modules.{row.id}", given=tracking, allowed=("single-axis", "fixed")
        )
    beam, diffuse = plane_irradiance(
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
    )
    incidence = np.maximum(cos_incidence, 1e-6)
    modifier = np.clip(1.0 - row.value("iam_b0") * (1.0 / incidence - 1.0), 0.0, 1.0)
    temperature = np.full(HOURS, row.value("reference_temperature"))
    temperature = temperature if weather.temperature is None else weather.temperature
    wind = np.full(HOURS, row.value("wind_default")) if weather.wind_10m is None else weather.wind_10m
    return pv_output(
        effective=beam * modifier + diffuse,
        plane=beam + diffuse,
        temperature=temperature,
        wind=wind,
        module=row,
    )


@lru_cache(maxsize=64)
def _curve(text: str) -> tuple[Array, Array]:
    points = [pair.split(":") for pair in text.split("|")]
    return np.array([float(p[0]) for p in points]), np.array([float(p[1]) for p in points])


def power_curve(*, speed: ArrayLike, turbine: Entity) -> Array:
    """Output over rating of a turbine at a wind speed [m/s] of standard density; 0 beyond cut-out."""
    speeds, shares = _curve(turbine.text("curve"))
    return np.interp(np.asarray(speed, dtype=np.float64), speeds, shares, left=0.0, right=0.0)


def wind_at_hub(weather: Weather, turbine: Entity) -> Array:
    """Wind speed at hub height, (8760,) [m/s], by a power law from 100 m, or from 10 m where that is all.

    The exponent is that of the year's means at 10 and 100 m, kept within the row's bounds; with one
    height only, it is the row's.
    """
    hub, low, high = turbine.value("hub_height"), weather.wind_10m, weather.wind_100m
    exponent = turbine.value("shear_exponent")
    if low is not None and high is not None and low.mean() > 0.0:
        found = np.log(high.mean() / low.mean()) / np.log(10.0)
        exponent = float(np.clip(found, turbine.value("shear_low"), turbine.value("shear_high")))
    if high is not None:
        return high * (hub / 100.0) ** exponent
    if low is not None:
        return low * (hub / 10.0) ** exponent
    raise MissingDataError(
        "this weather has no wind",
        key=weather.id,
        allowed="a weather file with 'wind_100m [m/s]' or 'wind_10m [m/s]'",
    )


def wind_capacity_factor(weather: Weather, turbine: Entity | str = "nrel-atb-5.5mw-175") -> Array:
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
    return power_curve(speed=speed, turbine=row) * (1.0 - row.value("loss_share"))


def resource_assumptions(
    weather: Weather, module: str = "single-axis", turbine: str = "nrel-atb-5.5mw-175"
) -> tuple[Assumption, ...]:
    """What the two capacity factors take for granted, for the list of assumptions."""
    panel, machine = loader.entity("modules", module), loader.entity("turbines", turbine)
    found: list[Assumption] = []
    if weather.solar_capacity_factor is None:
        proof = panel.evidence("loss_share")
        found.append(
            Assumption("supply.solar_module", panel.id, panel.text("name"), proof.grade, proof.source_id)
        )
    if weather.wind_capacity_factor is None:
        proof = machine.evidence("loss_share")
        found.append(
            Assumption("supply.wind_turbine", machine.id, machine.text("name"), proof.grade, proof.source_id)
        )
        if weather.wind_100m is None:
            shear = machine.evidence("shear_exponent")
            found.append(
                Assumption(
                    "supply.wind_shear",
                    f"{shear.value:g}",
                    "wind is known at 10 m only and carried to the hub by a power law, which can be far off",
                    shear.grade,
                    shear.source_id,
                )
            )
    return tuple(found)
