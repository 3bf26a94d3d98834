"""Cooling against the weather, hour by hour: fans, pumps, compressors, towers, and what evaporates.

A loop brings heat outdoors. As far as the outdoor temperature allows, its exchanger does so freely, at the
fan speed that it needs; compressors lift the rest; where there are none, or too few, the loop grows warmer
than it should be, and those hours are told. All parts know their part load: fans and pumps the cube of their
speed, exchangers their effectiveness, chillers a curve and how many of them run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity
from gigawatt.core.errors import InputError
from gigawatt.facility.humidity import saturation_pressure

__all__ = [
    "approach_ratio",
    "chiller_power",
    "cooling_demand",
    "cube_law",
    "exchange_size",
    "fan_speed",
    "latent_heat",
    "saturated_enthalpy",
    "tower_evaporation",
]

Array = NDArray[np.float64]

_ZERO_CELSIUS = 273.15
_SPECIFIC_HEAT_AIR = 1006.0  # J/(kg K), dry air at 300 K
_SPECIFIC_HEAT_VAPOUR = 1860.0  # J/(kg K)
_SPECIFIC_HEAT_WATER = 4186.0  # J/(kg K)
_LATENT_AT_ZERO = 2501e3  # J/kg
_MASS_RATIO = 0.62198  # of water to dry air, by molar mass
_DENSITY_WATER = 1000.0  # kg/m³
_SEA_LEVEL = 101325.0  # Pa
_HOUR = 3600.0
_BISECTIONS = 20
_GRID = np.linspace(-60.0, 95.0, 1241) + _ZERO_CELSIUS  # K: where saturated air is tabulated for inversion


def latent_heat(*, temperature: ArrayLike) -> Array:
    """Heat of vaporisation of water [J/kg] at ``temperature`` [K], 0 to 50 degC, to 0.1 %.

    References
    ----------
    Rogers, R. R., Yau, M. K. (1989). A Short Course in Cloud Physics, 3rd ed., table 2.1.
    """
    celsius = np.maximum(np.asarray(temperature, dtype=np.float64) - _ZERO_CELSIUS, 0.0)
    return 1e3 * (2500.8 - 2.36 * celsius + 0.0016 * celsius**2 - 0.00006 * celsius**3)


def _saturated_moisture(temperature: Array, pressure: float) -> Array:
    """Water per dry air of saturated air [kg/kg]."""
    vapour = np.minimum(saturation_pressure(temperature=temperature), 0.9 * pressure)
    return _MASS_RATIO * vapour / (pressure - vapour)


def saturated_enthalpy(*, temperature: ArrayLike, pressure: float = _SEA_LEVEL) -> Array:
    """Enthalpy of saturated moist air per dry air [J/kg], 0 for dry air and water at 0 degC.

    Parameters
    ----------
    temperature : array [K]
        Below the boiling point.
    pressure : float [Pa]
        Of the air.

    References
    ----------
    ASHRAE Handbook Fundamentals, chapter Psychrometrics: h = 1.006 t + w (2501 + 1.86 t) [kJ/kg].
    """
    kelvin = np.asarray(temperature, dtype=np.float64)
    celsius = kelvin - _ZERO_CELSIUS
    vapour = _LATENT_AT_ZERO + _SPECIFIC_HEAT_VAPOUR * celsius
    return _SPECIFIC_HEAT_AIR * celsius + _saturated_moisture(kelvin, pressure) * vapour


def cube_law(*, share: ArrayLike, floor: float, static: float = 0.0) -> Array:
    """Power of a fan or pump at a ``share`` of its full flow, as a share of its full power.

    Parameters
    ----------
    share : array []
        Wanted flow, 0 to 1.
    floor : float []
        Least flow that the drive goes down to; 1 for one of constant speed.
    static : float []
        Share of the head that does not fall with the flow (valves, height).

    References
    ----------
    Affinity laws: flow ∝ speed, head ∝ speed², power ∝ speed³; the static share of the head leaves flow¹.
    """
    flow = np.maximum(np.asarray(share, dtype=np.float64), floor)
    return static * flow + (1.0 - static) * flow**3


def exchange_size(*, approach: float, loop_rise: float, air_ratio: float) -> float:
    """Number of transfer units, on the air's capacity, of a counterflow exchanger at its rating.

    Parameters
    ----------
    approach : float [K]
        Cold end: loop outlet above the outdoor sink.
    loop_rise : float [K]
        Range of the loop.
    air_ratio : float []
        Heat capacity flow of the air over that of the loop.

    Raises
    ------
    InputError
        No exchanger, however large, reaches that approach with that much air.
    """
    effectiveness = loop_rise / (approach + loop_rise) / min(air_ratio, 1.0)
    if not 0.0 < effectiveness < 1.0:
        raise InputError(
            "no exchanger reaches this approach",
            key="cooling.approach",
            given=f"{approach:g} K, loop rise {loop_rise:g} K, air rise {loop_rise / air_ratio:g} K",
            allowed="a larger approach, or a smaller rejector_air_rise (more air)",
        )
    ratio = min(air_ratio, 1.0 / air_ratio)
    if np.isclose(ratio, 1.0):
        units = effectiveness / (1.0 - effectiveness)
    else:
        units = np.log((1.0 - ratio * effectiveness) / (1.0 - effectiveness)) / (1.0 - ratio)
    return float(units * min(air_ratio, 1.0) / air_ratio)


def approach_ratio(
    *, speed: ArrayLike, size: float, air_ratio: float, heaviness: ArrayLike, exponent: float
) -> Array:
    """Approach over range of a counterflow exchanger whose fans run at ``speed``.

    Parameters
    ----------
    speed : array []
        Share of full air flow, above 0.
    size : float []
        :func:`exchange_size` at full air flow.
    air_ratio : float []
        Air's capacity flow over the loop's at the rating.
    heaviness : array []
        Capacity of a kilogram of air over that at the rating: 1 for dry air; for a tower that of saturated
        air, which falls by half from 25 to 5 degC and makes towers worse in the cold.
    exponent : float []
        With which heat and mass transfer grow with the air flow (0.4 to 0.8).

    References
    ----------
    Braun, J. E., Klein, S. A., Mitchell, J. W. (1989). Effectiveness models for cooling towers and cooling
    coils. ASHRAE Transactions 95(2), 164-174.
    """
    flow = np.asarray(speed, dtype=np.float64)
    capacity = air_ratio * flow * np.asarray(heaviness, dtype=np.float64)
    least = np.minimum(capacity, 1.0)
    ratio = np.minimum(np.minimum(capacity, 1.0 / capacity), 1.0 - 1e-7)
    units = size * flow ** (exponent - 1.0) * capacity / least
    fading = np.exp(-units * (1.0 - ratio))
    effectiveness = (1.0 - fading) / (1.0 - ratio * fading)
    return 1.0 / (effectiveness * least) - 1.0


def fan_speed(
    *, wanted: ArrayLike, floor: float, size: float, air_ratio: float, heaviness: ArrayLike, exponent: float
) -> Array:
    """Least fan speed, ``floor`` to 1, with :func:`approach_ratio` at most ``wanted``; 1 where there is none.

    Twenty halvings of the interval, for all hours at once that need neither the floor nor full speed.
    """
    aim, weight = np.broadcast_arrays(
        np.asarray(wanted, dtype=np.float64), np.asarray(heaviness, dtype=np.float64)
    )

    def approach(speed: ArrayLike, heaviness: Array) -> Array:
        return approach_ratio(
            speed=speed, size=size, air_ratio=air_ratio, heaviness=heaviness, exponent=exponent
        )

    found = np.where(approach(floor, weight) <= aim, floor, 1.0)
    between = (found > floor) & (approach(1.0, weight) <= aim)
    target, weight = aim[between], weight[between]
    low, high = np.full(target.shape, floor), np.ones(target.shape)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        enough = approach(middle, weight) <= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    found[between] = high
    return found


def chiller_power(*, load: ArrayLike, units: float, constant: float, linear: float) -> Array:
    """Power of a chiller plant at a ``load``, as a share of its power at full load in the same conditions.

    Parameters
    ----------
    load : array []
        Heat carried over the plant's capacity, 0 to 1.
    units : float
        How many equal chillers the plant has; they are switched so that those that run stay near their best.
    constant, linear : float []
        Of one chiller's power a + b x + (1 − a − b) x² at its own load x.

    References
    ----------
    Hydeman, M., Gillespie, K. (2002). Tools and techniques to calibrate electric chiller component models.
    ASHRAE Transactions 108(1): the curve EIRFPLR of DOE-2 and EnergyPlus.
    """
    share = np.asarray(load, dtype=np.float64)
    square = 1.0 - constant - linear
    best = float(np.clip(np.sqrt(constant / square), 0.0, 1.0)) if square > 0.0 else 1.0

    def curve(x: Array) -> Array:
        return constant + linear * x + square * x**2

    at_best = float(curve(np.asarray(best))) / best
    alone = np.where(share > 0.0, curve(share * units) / units, 0.0)
    return np.where(share >= best, curve(share), np.where(share * units >= best, share * at_best, alone))


def tower_evaporation(
    *, rejected: ArrayLike, air_flow: ArrayLike, dry_bulb: ArrayLike, wet_bulb: ArrayLike, pressure: float
) -> Array:
    """Water that a tower evaporates [kg/s]: what saturated air carries off beyond what it brought.

    Parameters
    ----------
    rejected : array [W]
        Heat that the air takes up.
    air_flow : array [kg/s]
        Of dry air.
    dry_bulb, wet_bulb : arrays [K]
        Outdoors.
    pressure : float [Pa]
        Outdoors.

    Notes
    -----
    The air leaves saturated with the heat taken up. In the cold a third of the heat is sensible and less
    evaporates; in hot dry air the air itself is cooled and more evaporates than the heat alone would.
    """
    heat, flow, dry, wet = (np.asarray(x, dtype=np.float64) for x in (rejected, air_flow, dry_bulb, wet_bulb))
    entering = saturated_enthalpy(temperature=wet, pressure=pressure)
    moving = np.maximum(flow, 1e-12)
    leaving = entering + heat / moving
    outlet = np.interp(leaving, saturated_enthalpy(temperature=_GRID, pressure=pressure), _GRID)
    celsius = dry - _ZERO_CELSIUS
    brought = (entering - _SPECIFIC_HEAT_AIR * celsius) / (_LATENT_AT_ZERO + _SPECIFIC_HEAT_VAPOUR * celsius)
    return flow * np.maximum(_saturated_moisture(outlet, pressure) - np.maximum(brought, 0.0), 0.0)


@dataclass(frozen=True)
class _OutdoorAir:
    """What a heat rejector sees: ``sink`` [K], what spraying takes off it (``precooling`` [K]), and heat that
    air takes up by the kelvin: ``capacity`` [J/(kg K)] at its rating, times ``heaviness`` now."""

    sink: Array
    precooling: Array
    heaviness: Array
    capacity: float


def _outdoor_air(
    cooling: Entity, dry: Array, wet: Array, supply: float, load: Array, pressure: float
) -> _OutdoorAir:
    kind, value = cooling.text("rejection"), cooling.value
    approach, rise = value("approach"), value("loop_rise")
    precooling, heaviness = np.zeros_like(dry), np.ones_like(dry)
    if kind == "tower":
        span, rating = approach + rise, value("rated_wet_bulb")

        def slope(at: Array, over: Array) -> Array:
            ends = [saturated_enthalpy(temperature=x, pressure=pressure) for x in (at, at + over)]
            return (ends[1] - ends[0]) / over

        capacity = float(slope(np.asarray(rating), np.asarray(span)))
        heaviness = slope(wet, np.maximum(supply - wet, approach) + load * rise) / capacity
        return _OutdoorAir(wet, precooling, heaviness, capacity)
    if kind not in ("dry", "adiabatic", "direct"):
        raise InputError(
            "unknown heat rejection",
            key=f"cooling.{cooling.id}",
            given=kind,
            allowed=("dry", "adiabatic", "direct", "tower"),
        )
    if kind != "dry":
        spraying = dry > value("adiabatic_threshold")
        precooling = np.where(spraying, value("adiabatic_effectiveness") * (dry - wet), 0.0)
    return _OutdoorAir(dry - precooling, precooling, heaviness, _SPECIFIC_HEAT_AIR)


def cooling_demand(
    *,
    heat: ArrayLike,
    supply: float,
    dry_bulb: ArrayLike,
    wet_bulb: ArrayLike,
    cooling: Entity,
    rated: float | None = None,
    spare: float = 1.0,
    trim: float = 1.0,
    pressure: float = _SEA_LEVEL,
) -> dict[str, Array]:
    """What it takes to bring ``heat`` from one loop outdoors.

    Parameters
    ----------
    heat : array [W]
        That the loop carries.
    supply : float [K]
        Temperature that the loop must be supplied with.
    dry_bulb, wet_bulb : arrays [K]
        Outdoors.
    cooling : Entity
        A row of ``cooling``. ``rejection`` is ``dry`` (air temperature), ``adiabatic`` (air cooled towards
        wet-bulb above a threshold), ``direct`` (the same air blown through the room) or ``tower`` (wet-bulb).
    rated : float, optional [W]
        Heat that the plant is made for; the largest of ``heat`` if none is given.
    spare : float []
        Installed over needed capacity (redundancy): all units share the load.
    trim : float []
        Compressor capacity over rated heat: 1 carries all of it, 0 is a plant without compressors.
    pressure : float [Pa]
        Of the outdoor air.

    Returns
    -------
    dict
        ``compressor``, ``rejector_fan``, ``pump``, ``rejected`` [W], ``evaporated``, ``blowdown``,
        ``withdrawn`` [m³/h], ``mechanical`` (share of the heat that a compressor lifts), ``fan_speed``,
        ``supply`` [K] that is reached.

    Notes
    -----
    The compressor is a share of Carnot between the loop and the heat rejector; approaches shrink with the
    load, as those of any exchanger at full flow do.

    Raises
    ------
    InputError
        A heat rejection that is none of these.
    """
    warm, dry, wet = (np.asarray(x, dtype=np.float64) for x in (heat, dry_bulb, wet_bulb))
    value = cooling.value
    full = float(np.max(warm)) if rated is None else rated
    load = warm / full / spare if full > 0.0 else np.zeros_like(warm)
    air = _outdoor_air(cooling, dry, wet, supply, load, pressure)
    free = _free_cooling(cooling, air, supply, load, trim)
    compressor = np.zeros_like(warm * dry)
    if trim > 0.0:
        cold = supply - value("evaporator_approach") * load
        lift = np.maximum(air.sink + value("condenser_approach") * load - cold, 1.0)
        performance = np.minimum(value("carnot_share") * cold / lift, value("cop_max"))
        plant = chiller_power(
            load=np.minimum(free.mechanical * load / trim, 1.0),
            units=value("chiller_units") * spare,
            constant=value("part_load_constant"),
            linear=value("part_load_linear"),
        )
        compressor = full * spare * trim * plant / performance
    rejected = warm + compressor
    flow = free.fan_speed * full * spare / (air.capacity * value("rejector_air_rise"))
    if cooling.text("rejection") == "tower":
        evaporated = tower_evaporation(
            rejected=rejected, air_flow=flow, dry_bulb=dry, wet_bulb=wet, pressure=pressure
        )
    else:
        evaporated = flow * _SPECIFIC_HEAT_AIR * air.precooling / latent_heat(temperature=air.sink)
    evaporated = np.where(warm > 0.0, evaporated, 0.0) * _HOUR / _DENSITY_WATER
    blowdown = evaporated / (value("cycles_of_concentration") - 1.0)
    drift = value("drift") * rejected / (_SPECIFIC_HEAT_WATER * value("loop_rise")) * _HOUR / _DENSITY_WATER
    pumped = cube_law(share=load, floor=value("pump_floor"), static=value("pump_static"))
    return {
        "compressor": compressor,
        "rejector_fan": value("rejector_fan") * (full * spare + compressor) * free.fan_speed**3,
        "pump": value("pump") * full * spare * pumped,
        "rejected": rejected,
        "evaporated": evaporated,
        "blowdown": blowdown,
        "withdrawn": evaporated + blowdown + np.where(evaporated > 0.0, drift, 0.0),
        "mechanical": free.mechanical,
        "fan_speed": free.fan_speed,
        "supply": free.supply,
    }


@dataclass(frozen=True)
class _FreeCooling:
    """What outdoor air does for a loop: ``mechanical`` share of the heat that is left to compressors,
    ``fan_speed`` of the rejector (share of full), temperature ``supply`` [K] that the loop reaches."""

    mechanical: Array
    fan_speed: Array
    supply: Array


def _free_cooling(cooling: Entity, air: _OutdoorAir, supply: float, load: Array, trim: float) -> _FreeCooling:
    """The part of the heat that needs no compressor, at ``load`` (share of what is installed)."""
    value, direct = cooling.value, cooling.text("rejection") == "direct"
    approach, rise = value("approach"), value("loop_rise")
    ratio = rise / value("rejector_air_rise")
    size = 0.0 if direct else exchange_size(approach=approach, loop_rise=rise, air_ratio=ratio)
    transfer = {"size": size, "air_ratio": ratio, "exponent": value("exchange_exponent")}
    if direct:
        coldest = air.sink + approach
    else:
        coldest = air.sink + load * rise * approach_ratio(speed=1.0, heaviness=air.heaviness, **transfer)
    excess = (coldest - supply) / np.maximum(load * rise, 1e-9)
    wanted = np.clip(excess, 0.0, 1.0) if value("economiser") > 0.0 else np.ones_like(air.sink)
    mechanical = np.minimum(wanted, trim / np.maximum(load, 1e-9))
    reached = supply + np.where(mechanical < wanted, excess - mechanical, 0.0) * load * rise
    floor = value("fan_speed_floor")
    if direct:
        return _FreeCooling(mechanical, np.maximum(load, floor), reached)
    aim = np.maximum(supply - air.sink, 0.0) / np.maximum(load * rise, 1e-9)
    speed = fan_speed(wanted=aim, floor=floor, heaviness=air.heaviness, **transfer)
    return _FreeCooling(mechanical, np.where(wanted > 0.0, 1.0, speed), reached)
