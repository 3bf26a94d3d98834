"""A data centre in orbit: compute up there, tokens down.

Chips are arguments here (their power, price and mass); the plant's side is the array, the radiator, the
launch and the downlink, and what that makes of a kilowatt hour at the chips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.space_solar.chain import STEFAN_BOLTZMANN
from gigawatt.power.plants.space_solar.orbit import EARTH_RADIUS

__all__ = ["OrbitalCompute", "earth_view", "orbital_compute", "radiator_flux"]

_YEAR = HOURS_PER_YEAR * 3600.0
EARTH_ALBEDO, EARTH_GLOW = 0.30, 239.0  # [], W/m²: global means, Loeb et al. (2018), J. Climate 31, 895-918
SPACE = 2.7255  # K, Fixsen (2009), ApJ 707, 916


def earth_view(altitude: float, *, edge_on: bool = False) -> float:
    """View factor from a small plate to the Earth [].

    Parameters
    ----------
    altitude : float [m]
        Above the ground, >= 0.
    edge_on : bool
        Whether the plate's normal lies along the horizon, for each of its faces; else it faces the Earth.

    Raises
    ------
    InputError
        Below ground.

    References
    ----------
    Howell, J. (2010). A Catalog of Radiation Heat Transfer Configuration Factors, B-43: sphere and plate.
    """
    check_range("altitude", altitude, 0.0, unit="m", message="below ground")
    sine = EARTH_RADIUS / (EARTH_RADIUS + altitude)
    if not edge_on:
        return sine**2
    angle = math.asin(sine)
    return (angle - sine * math.cos(angle)) / math.pi


def radiator_flux(
    *,
    temperature: float,
    emittance: float,
    absorptance: float,
    fin: float,
    altitude: float,
    sunlight: float,
    sun_angle: float = 0.0,
) -> float:
    """Heat that a square metre of a radiator with two faces gives off, edge on to the Earth [W/m² of panel].

    Parameters
    ----------
    temperature : float [K]
        Of the coolant, above that of space.
    emittance, absorptance : float []
        Of heat and of sunlight, 0 to 1.
    fin : float []
        Mean over coolant temperature in radiated power, above 0 to 1.
    altitude : float [m]
        Above the ground.
    sunlight : float [W/m²]
        At the orbit.
    sun_angle : float []
        Sine of the sun's angle above the panel: 0 is edge on, 1 faces it.

    Raises
    ------
    InputError
        Out of range, or so cold that the panel takes in more than it gives.

    References
    ----------
    Stefan and Boltzmann; Gilmore, D. (2002). Spacecraft Thermal Control Handbook, chapter 6: radiators,
    albedo and the Earth's own heat.
    """
    for name, share in (
        ("emittance", emittance),
        ("absorptance", absorptance),
        ("fin", fin),
        ("sun_angle", sun_angle),
    ):
        check_range(name, share, 0.0, 1.0, message="not a share")
    if not (temperature > SPACE and sunlight >= 0.0):
        raise InputError(
            "not a sensible value", key="temperature", given=f"{temperature:g} K", allowed="above 2.7 K"
        )
    view = earth_view(altitude, edge_on=True)
    out = 2.0 * fin * emittance * STEFAN_BOLTZMANN * (temperature**4 - SPACE**4)
    glow = 2.0 * view * (emittance * EARTH_GLOW + absorptance * EARTH_ALBEDO * sunlight)
    net = out - glow - absorptance * sunlight * sun_angle
    if net <= 0.0:
        raise InputError(
            "the radiator takes in more than it gives off",
            key="radiator_temperature",
            given=f"{temperature:g} K",
            allowed=f"warmer, or turned away from the sun ({-net:.0f} W/m2 too much)",
        )
    return net


@dataclass(frozen=True)
class OrbitalCompute:
    """A satellite's worth of compute, SI units.

    ``array_power`` at the start [W]; ``radiator_area`` of panel [m²]; ``mass`` by part [kg]; ``investment``
    by part [$] without chips; ``yearly`` [$]: annuity of it and operation; ``energy_price`` [$/J] at the
    chips, without the chips; ``terrestrial_price`` [$/J] at chips on the ground;
    ``hour_price``, ``ground_hour_price`` [$/s for each W of chips], all in;
    ``tokens`` per second that the downlink carries; ``alive``: mean share of chips that work [].
    """

    array_power: float
    radiator_area: float
    mass: dict[str, float]
    investment: dict[str, float]
    yearly: float
    energy_price: float
    terrestrial_price: float
    hour_price: float
    ground_hour_price: float
    tokens: float
    alive: float


def orbital_compute(
    *,
    chip_power: float,
    chip_cost: float,
    chip_mass: float,
    overhead: float,
    remaining: float,
    lit: float,
    flux: float,
    radiator_mass: float,
    array_power: float,
    array_cost: float,
    bus_share: float,
    bus_cost: float,
    battery_energy: float,
    longest_eclipse: float,
    launch_price: float,
    life: float,
    failures: float,
    operations: float,
    link_rate: float,
    link_share: float,
    token_bytes: float,
    ground_price: float,
    ground_pue: float,
    ground_chip_life: float,
    rate: float,
) -> OrbitalCompute:
    """What compute costs in orbit, beside the ground.

    Parameters
    ----------
    chip_power : float [W]
        Of all chips of the satellite, > 0.
    chip_cost, chip_mass : float [$/W, kg/W]
        Of the servers, by the chips' power.
    overhead : float []
        Pumps, conversion, radio over chip power, >= 0.
    remaining : float []
        Array's power at the end of life over that at its start, above 0 to 1 (radiation).
    lit : float []
        Share of the time in the sun, above 0 to 1; the dark is bridged by a battery.
    flux : float [W/m²]
        :func:`radiator_flux`, > 0.
    radiator_mass : float [kg/m²]
        Of panel, with pumps and coolant.
    array_power, array_cost : float [W/kg, $/W]
        At the start of its life.
    bus_share, bus_cost : float [, $/kg]
        Of the mass of all else; price of bus and radiator.
    battery_energy, longest_eclipse : float [J/kg, s]
        The battery bridges the eclipse.
    launch_price : float [$/kg]
        To the satellite's orbit.
    life : float [s]
        Of satellite and chips in it.
    failures, operations : float []
        Chips lost in a year; yearly cost over the investment.
    link_rate, link_share : float [B/s, ]
        Downlink and its share of the time.
    token_bytes : float [B]
        That a token takes down.
    ground_price, ground_pue, ground_chip_life : float [$/J, , s]
        Of the supply to compare with.
    rate : float []
        Effective, a year, >= 0.

    Raises
    ------
    InputError
        A value out of range.

    References
    ----------
    Mass and energy balance; annuities as everywhere. Radiator: :func:`radiator_flux`.
    """
    above = {
        "chip_power": chip_power,
        "remaining": remaining,
        "lit": lit,
        "flux": flux,
        "array_power": array_power,
        "battery_energy": battery_energy,
        "life": life,
        "ground_chip_life": ground_chip_life,
        "token_bytes": token_bytes,
        "ground_pue": ground_pue,
    }
    for name, value in above.items():
        check_range(name, value, 0.0, open_low=True, message="not a sensible value")
    least = {
        "chip_cost": chip_cost,
        "chip_mass": chip_mass,
        "overhead": overhead,
        "radiator_mass": radiator_mass,
        "array_cost": array_cost,
        "bus_share": bus_share,
        "bus_cost": bus_cost,
        "launch_price": launch_price,
        "failures": failures,
        "operations": operations,
        "rate": rate,
        "longest_eclipse": longest_eclipse,
    }
    for name, value in least.items():
        check_range(name, value, 0.0, message="not a sensible value")
    for name, value in (("remaining", remaining), ("lit", lit), ("link_share", link_share)):
        if value > 1.0:
            raise InputError("not a share", key=name, given=f"{value:g}", allowed="at most 1")
    if failures >= 1.0:
        raise InputError("not a share", key="failures", given=f"{failures:g}", allowed="below 1")
    load = chip_power * (1.0 + overhead)
    array = load / (lit * remaining)
    area = load / flux
    mass = {
        "array": array / array_power,
        "battery": load * longest_eclipse / battery_energy,
        "radiator": area * radiator_mass,
        "chips": chip_power * chip_mass,
    }
    mass["bus"] = bus_share * sum(mass.values())
    total = sum(mass.values())
    investment = {
        "array": array * array_cost,
        "radiator, battery, bus": (mass["radiator"] + mass["bus"] + mass["battery"]) * bus_cost,
        "launch": total * launch_price,
    }
    years = life / _YEAR
    alive = 1.0 if failures == 0.0 else (1.0 - (1.0 - failures) ** years) / (-years * math.log1p(-failures))
    built = sum(investment.values())
    yearly = built * (_recovery(rate, years) + operations)
    energy = chip_power * alive * _YEAR
    chips = chip_power * chip_cost
    up = chips * _recovery(rate, years) / energy
    down = chips * _recovery(rate, ground_chip_life / _YEAR) / (chip_power * _YEAR)
    return OrbitalCompute(
        array_power=array,
        radiator_area=area,
        mass=mass,
        investment=investment,
        yearly=yearly,
        energy_price=yearly / energy,
        terrestrial_price=ground_price * ground_pue,
        hour_price=yearly / energy + up,
        ground_hour_price=ground_price * ground_pue + down,
        tokens=link_rate * link_share / token_bytes,
        alive=alive,
    )


def _recovery(rate: float, years: float) -> float:
    return 1.0 / years if rate == 0.0 else rate / -math.expm1(-years * math.log1p(rate))
