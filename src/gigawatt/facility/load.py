"""From IT power to facility power: power chain, cooling against the weather, water.

All heat is followed once: IT power and the losses inside the building become heat; the heat is split
into a liquid loop and an air loop; each loop is cooled freely by outdoor air or water as far as the
outdoor temperature allows and by a compressor for the rest; fans, pumps and compressors are paid for
by the facility, and what evaporates is water.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.errors import InputError
from gigawatt.evidence import Assumption
from gigawatt.facility.weather import HOURS, Weather

__all__ = ["LoadShape", "cooling_demand", "electrical_losses", "facility_load", "latent_heat", "load_profile"]

Array = NDArray[np.float64]

_SPECIFIC_HEAT_AIR = 1006.0  # J/(kg K), dry air at 300 K
_DENSITY_WATER = 1000.0  # kg/m³


@dataclass(frozen=True)
class LoadShape:
    """A year of a facility, hour by hour.

    ``facility`` and ``it`` [W] at the meter and at the racks, ``pue`` their ratio (in an hour without IT
    power the year's ratio), ``water`` withdrawn [m³/h], of which ``evaporated`` [m³/h]. ``parts`` [W] sum to
    ``facility``: ``it, electrical, fans_pumps, compressor``. ``assumptions`` are those of the load alone; the
    weather keeps its own.
    """

    facility: Array = field(repr=False)
    it: Array = field(repr=False)
    pue: Array = field(repr=False)
    water: Array = field(repr=False)
    evaporated: Array = field(repr=False)
    parts: Mapping[str, Array] = field(repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)

    @property
    def annual_pue(self) -> float:
        """Energy of the facility over energy of the IT, the year's PUE."""
        return float(self.facility.sum() / self.it.sum())

    @property
    def annual_wue(self) -> float:
        """Water withdrawn per IT energy [m³/J]; 1 L/kWh is 1e-3/3.6e6 m³/J."""
        return float(self.water.sum() / (self.it.sum() * 3600.0))


def latent_heat(*, temperature: ArrayLike) -> Array:
    """Heat of vaporisation of water [J/kg] at ``temperature`` [K], 0 to 50 degC, to 0.1 %.

    References
    ----------
    Rogers, R. R., Yau, M. K. (1989). A Short Course in Cloud Physics, 3rd ed., table 2.1.
    """
    celsius = np.maximum(np.asarray(temperature, dtype=np.float64) - 273.15, 0.0)
    return 1e3 * (2500.8 - 2.36 * celsius + 0.0016 * celsius**2 - 0.00006 * celsius**3)


def electrical_losses(*, it_power: ArrayLike, chain: Entity) -> tuple[Array, Array]:
    """Losses of the power chain [W], (inside the building, at the transformer).

    Parameters
    ----------
    it_power : array [W]
        Power at the racks. The chain is rated for its peak times the row's ``margin``; each loss is
        rated power times (no-load + linear x + quadratic x²) at the load share x.
    chain : Entity
        A row of ``cooling_electrical``.
    """
    power = np.asarray(it_power, dtype=np.float64)
    rated = float(power.max()) * chain.value("margin")
    share = power / rated
    inside = rated * (
        chain.value("ups_no_load")
        + chain.value("ups_linear") * share
        + (chain.value("ups_quadratic") + chain.value("distribution_quadratic")) * share**2
        + chain.value("other")
    )
    transformer = rated * (
        chain.value("transformer_no_load") + chain.value("transformer_quadratic") * share**2
    )
    return inside, transformer


def cooling_demand(
    *, heat: ArrayLike, supply: float, dry_bulb: ArrayLike, wet_bulb: ArrayLike, cooling: Entity
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
        wet-bulb above a threshold) or ``tower`` (wet-bulb).

    Returns
    -------
    dict
        ``compressor``, ``rejector_fan``, ``pump``, ``rejected`` [W], ``evaporated``, ``withdrawn`` [m³/h],
        ``mechanical`` (share of the heat that a compressor lifts).

    Notes
    -----
    The compressor is a share of Carnot between the loop and the heat rejector; fans follow the cube of
    their speed, and their speed the temperature difference at hand.
    """
    warm, dry, wet = (np.asarray(x, dtype=np.float64) for x in (heat, dry_bulb, wet_bulb))
    kind = cooling.text("rejection")
    zero = np.zeros_like(dry)
    precooling = zero
    if kind == "tower":
        sink = wet
    elif kind in ("dry", "adiabatic"):
        if kind == "adiabatic":
            spraying = dry > cooling.value("adiabatic_threshold")
            precooling = np.where(spraying, cooling.value("adiabatic_effectiveness") * (dry - wet), 0.0)
        sink = dry - precooling
    else:
        raise InputError(
            "unknown heat rejection",
            key=f"cooling.{cooling.id}",
            given=kind,
            allowed=("dry", "adiabatic", "tower"),
        )
    approach = cooling.value("approach")
    excess = (sink + approach - supply) / cooling.value("loop_rise")
    mechanical = np.clip(excess, 0.0, 1.0) if cooling.value("economiser") > 0.0 else np.ones_like(dry)
    cold = supply - cooling.value("evaporator_approach")
    lift = np.maximum(sink + cooling.value("condenser_approach") - cold, 1.0)
    performance = np.minimum(cooling.value("carnot_share") * cold / lift, cooling.value("cop_max"))
    compressor = warm * mechanical / performance
    rejected = warm + compressor
    difference = np.maximum(supply - sink, 1e-9)
    speed = np.where(
        mechanical > 0.0, 1.0, np.clip(approach / difference, cooling.value("fan_speed_floor"), 1.0)
    )
    latent = latent_heat(temperature=sink)
    if kind == "tower":
        evaporated_mass = rejected * cooling.value("latent_share") / latent
    else:
        air_flow = rejected / (_SPECIFIC_HEAT_AIR * cooling.value("rejector_air_rise"))
        evaporated_mass = air_flow * _SPECIFIC_HEAT_AIR * precooling / latent
    evaporated = evaporated_mass * 3600.0 / _DENSITY_WATER
    cycles = cooling.value("cycles_of_concentration")
    drift = (
        cooling.value("drift") * rejected / (4186.0 * cooling.value("loop_rise")) * 3600.0 / _DENSITY_WATER
    )
    return {
        "compressor": compressor,
        "rejector_fan": cooling.value("rejector_fan") * rejected * speed**3,
        "pump": cooling.value("pump") * warm,
        "rejected": rejected,
        "evaporated": evaporated,
        "withdrawn": evaporated * cycles / (cycles - 1.0) + np.where(evaporated > 0.0, drift, 0.0),
        "mechanical": mechanical,
    }


def facility_load(
    *, it_power: ArrayLike, weather: Weather, cooling: Entity, electrical: Entity | None = None
) -> LoadShape:
    """The facility's year from the IT's: power at the meter, PUE, water.

    Parameters
    ----------
    it_power : float or array (8760,) [W]
        Power at the racks, hour by hour of local standard time.
    weather : Weather
        Needs temperature; humidity where known.
    cooling : Entity
        A row of ``cooling``.
    electrical : Entity, optional
        A row of ``cooling_electrical``; ``double-conversion`` if none is given, listed as an assumption.

    Raises
    ------
    InputError
        Power that is not 8,760 finite, non-negative values with a positive sum.
    MissingDataError
        The weather has no temperature.
    """
    power = np.asarray(it_power, dtype=np.float64)
    if power.ndim == 0:
        power = np.full(HOURS, float(power))
    if power.shape != (HOURS,) or not np.all(np.isfinite(power)) or power.min() < 0.0 or power.max() <= 0.0:
        raise InputError(
            "the IT power is no year",
            key="it_power",
            given=f"an array of shape {power.shape}",
            allowed=f"{HOURS} finite, non-negative hourly values, not all zero",
        )
    assumptions: list[Assumption] = []
    if electrical is None:
        electrical = loader.entity("cooling_electrical", "double-conversion")
        assumptions.append(
            Assumption(
                "facility.electrical",
                electrical.id,
                electrical.text("name"),
                electrical.evidence("ups_no_load").grade,
                electrical.evidence("ups_no_load").source_id,
            )
        )
    dry, wet = weather.air_temperature(), weather.wet_bulb()
    inside, transformer = electrical_losses(it_power=power, chain=electrical)
    liquid = cooling.value("liquid_share")
    air_heat = power * (1.0 - liquid) + inside
    air_fan = cooling.value("air_fan") * air_heat
    loops = [
        cooling_demand(
            heat=air_heat + air_fan,
            supply=cooling.value("supply_temperature"),
            dry_bulb=dry,
            wet_bulb=wet,
            cooling=cooling,
        )
    ]
    if liquid > 0.0:
        loops.append(
            cooling_demand(
                heat=power * liquid,
                supply=cooling.value("liquid_temperature"),
                dry_bulb=dry,
                wet_bulb=wet,
                cooling=cooling,
            )
        )
    total = {key: np.sum([loop[key] for loop in loops], axis=0) for key in loops[0]}
    parts = {
        "it": power,
        "electrical": inside + transformer,
        "fans_pumps": air_fan + total["rejector_fan"] + total["pump"],
        "compressor": total["compressor"],
    }
    facility: Array = np.sum(list(parts.values()), axis=0)
    pue = np.full(HOURS, float(facility.sum() / power.sum()))
    np.divide(facility, power, out=pue, where=power > 0.0)
    return LoadShape(
        facility=facility,
        it=power,
        pue=pue,
        water=total["withdrawn"],
        evaporated=total["evaporated"],
        parts=parts,
        assumptions=tuple(assumptions),
    )


def load_profile(
    *, busy_power: float, idle_power: float, busy_share: float = 1.0, maintenance: ArrayLike = ()
) -> Array:
    """IT power over the year of a campus that trains without a daily rhythm, (8760,) [W].

    Parameters
    ----------
    busy_power, idle_power : float [W]
        Of the whole campus while it makes progress, and while it waits (restart, failure, repair).
    busy_share : float []
        Share of the time that makes progress or writes checkpoints; failures fall at all hours alike.
    maintenance : array (n, 2) [h]
        First hour and length of each planned stop, at idle power.
    """
    if not 0.0 <= busy_share <= 1.0 or not 0.0 <= idle_power <= busy_power:
        raise InputError(
            "not a load",
            key="busy_share",
            given=f"share {busy_share:g}, idle {idle_power:g} W, busy {busy_power:g} W",
            allowed="a share of 0 to 1, and 0 ≤ idle ≤ busy",
        )
    profile = np.full(HOURS, idle_power + (busy_power - idle_power) * busy_share)
    for first, length in np.asarray(maintenance, dtype=np.int64).reshape(-1, 2):
        profile[np.arange(first, first + length) % HOURS] = idle_power
    return profile
