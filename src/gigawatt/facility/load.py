"""From IT power to facility power: power chain, cooling against the weather, water.

All heat is followed once: IT power and the losses inside the building become heat; the heat is split
into a liquid loop and an air loop; each loop is cooled freely by outdoor air or water as far as the
outdoor temperature allows and by a compressor for the rest (``cooling.py``); fans, pumps and compressors
are paid for by the facility, and what evaporates is water. Losses of the power chain: ``power_chain.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption
from gigawatt.facility.cooling import cooling_demand, cube_law, latent_heat
from gigawatt.facility.humidity import air_pressure
from gigawatt.facility.power_chain import ChainLosses, chain_losses, installed_ratio
from gigawatt.facility.weather import HOURS, Weather

__all__ = [
    "LoadShape",
    "building_of",
    "cooling_demand",
    "facility_load",
    "held_to",
    "latent_heat",
    "with_pue",
    "with_standing",
]

Array = NDArray[np.float64]

_ROUNDING = 1e-6  # K: below this the supply is not called too warm
_SLACK = 1e-9
_REPEATED, _CLOSE = 16, 1e-7
"""Times at most that IT power is found from the meter's, and their mean difference that is close enough."""


def _nothing() -> Array:
    return np.zeros(HOURS)


def _all() -> Array:
    return np.ones(HOURS)


@dataclass(frozen=True)
class LoadShape:
    """A year of a facility, hour by hour: a distribution of power.

    ``running`` [W] at the meter in each hour while the facility runs; ``facility`` the mean of the hour, with
    the time in which it stands (failure, restart), the same where nothing stands; ``nameplate`` [W] what it
    may draw in the hottest hour with every node at its rating (``None``: not known). Firm capacity follows
    ``running``, energy ``facility``. ``allowed`` is the share of its running power that the IT may draw, 1
    where no cap holds it (:func:`held_to`).

    ``facility`` and ``it`` [W] at the meter and at the racks, ``pue`` their ratio (in an hour without IT
    power the year's ratio), ``water`` withdrawn [m³/h], of which ``evaporated`` and ``blowdown`` [m³/h].
    ``parts`` [W] sum to ``facility``: ``it, electrical, fans_pumps, compressor``. ``too_warm`` [K]: by how
    much the worse of the two loops is supplied above its limit. ``chain``: the losses by stage. ``notices``:
    what the reader must be told, in words. ``assumptions`` are those of the load alone; the weather keeps
    its own.
    """

    facility: Array = field(repr=False)
    it: Array = field(repr=False)
    pue: Array = field(repr=False)
    water: Array = field(repr=False)
    evaporated: Array = field(repr=False)
    parts: Mapping[str, Array] = field(repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)
    blowdown: Array = field(default_factory=_nothing, repr=False)
    too_warm: Array = field(default_factory=_nothing, repr=False)
    chain: ChainLosses | None = field(default=None, repr=False)
    notices: tuple[str, ...] = ()
    running: Array = field(default_factory=_nothing, repr=False)
    nameplate: float | None = None
    allowed: Array = field(default_factory=_all, repr=False)

    def __post_init__(self) -> None:
        if not np.any(self.running):
            object.__setattr__(self, "running", self.facility)

    @property
    def mean(self) -> float:
        """Mean power at the meter [W]."""
        return float(self.facility.mean())

    @property
    def peak(self) -> float:
        """Power at the meter in the highest hour that runs [W]."""
        return float(self.running.max())

    @property
    def duty(self) -> float:
        """Energy over that of a year that runs without a stop."""
        return min(1.0, float(self.facility.sum() / self.running.sum()))

    @property
    def annual_pue(self) -> float:
        """Energy of the facility over energy of the IT, the year's PUE."""
        return float(self.facility.sum() / self.it.sum())

    @property
    def annual_wue(self) -> float:
        """Water withdrawn per IT energy [m³/J]; 1 L/kWh is 1e-3/3.6e6 m³/J."""
        return float(self.water.sum() / (self.it.sum() * 3600.0))

    @property
    def failing_hours(self) -> int:
        """Hours in which a loop is supplied warmer than its limit."""
        return int(np.count_nonzero(self.too_warm > _ROUNDING))


def with_pue(load: LoadShape, pue: float | None) -> LoadShape:
    """The same year of one state under a PUE that is given for every hour; ``None`` leaves the computed one.

    Cooling and electrical losses are scaled in every hour to (``pue`` − 1) × IT power; water stays that of
    the cooling system.
    """
    if pue is None:
        return load
    losses = load.facility - load.it
    scale = np.divide((pue - 1.0) * load.it, losses, out=np.zeros_like(losses), where=losses > 0.0)
    parts = {name: part if name == "it" else part * scale for name, part in load.parts.items()}
    facility = pue * load.it
    return replace(load, facility=facility, running=facility, pue=np.full_like(load.pue, pue), parts=parts)


def held_to(load: LoadShape, oversubscription: float | None) -> LoadShape:
    """The same year of one state whose peak exceeds the firm power at the meter by ``oversubscription`` ≥ 0.

    Firm power is peak / (1 + oversubscription). In an hour above it IT, cooling, losses and water are brought
    down in proportion, with the PUE of the hour; ``None`` or 0 leaves every hour.
    """
    if not oversubscription:
        return load
    allowed = np.minimum(1.0, load.peak / (1.0 + oversubscription) / np.maximum(load.running, 1e-300))
    return replace(_scaled(load, allowed), running=allowed * load.running, allowed=allowed)


def _scaled(load: LoadShape, share: Array | float) -> LoadShape:
    """``share`` of the power, heat and water of every hour; what it draws as it runs stays."""
    names = ("facility", "it", "water", "evaporated", "blowdown")
    chain = load.chain
    if chain is not None:
        chain = replace(chain, **{one.name: share * getattr(chain, one.name) for one in fields(chain)})
    parts = {name: share * part for name, part in load.parts.items()}
    return replace(load, **{name: share * getattr(load, name) for name in names}, parts=parts, chain=chain)


def _checked_power(it_power: ArrayLike, design_power: float | None) -> tuple[Array, float]:
    """The year of IT power (8760,) and what the building is made for [W]."""
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
    peak = float(power.max())
    design = peak if design_power is None else design_power
    if not (np.isfinite(design) and design >= peak * (1.0 - _SLACK)):
        raise InputError(
            "the IT power is beyond what the building is made for",
            key="design_power",
            given=f"{design:g} W",
            allowed=f"at least the year's peak, {peak:g} W",
        )
    return power, design


def _warm_notice(loop: str, over: Array, limit: float, cooling: Entity) -> list[str]:
    """A sentence on hours in which a loop is supplied warmer than its ``limit`` [K]; ``over`` (8760,) [K]."""
    hours = int(np.count_nonzero(over > _ROUNDING))
    if not hours:
        return []
    return [
        f"the {loop} loop of {cooling.id!r} is supplied above {limit - 273.15:.0f} °C "
        f"in {hours} hours of the year, by up to {over.max():.1f} K: cap the load then, or add "
        "compressors"
    ]


def facility_load(
    *,
    it_power: ArrayLike,
    weather: Weather,
    cooling: Entity,
    electrical: Entity | None = None,
    redundancy: Entity | None = None,
    design_power: float | None = None,
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
    redundancy : Entity, optional
        A row of ``cooling_redundancy``: spare units that share the load. Without one the power chain has the
        row's margin and the cooling is made for the peak.
    design_power : float, optional [W]
        IT power that the building is made for; the year's peak if none is given. A building half filled runs
        all its parts at half load.

    Raises
    ------
    InputError
        Power that is not 8,760 finite, non-negative values with a positive sum, or beyond ``design_power``.
    MissingDataError
        The weather has no temperature.
    """
    power, design = _checked_power(it_power, design_power)
    filled = float(power.max()) / design
    assumptions: tuple[Assumption, ...] = ()
    if electrical is None:
        electrical = loader.entity("cooling_electrical", "double-conversion")
        row = electrical.evidence("ups_no_load")
        reason = electrical.text("name")
        assumptions = (row.assumption("facility.electrical", reason, electrical.id),)
    chain = chain_losses(it_power=power, chain=electrical, redundancy=redundancy, design_power=design)
    spare = installed_ratio(redundancy, "cooling")
    air_heat = power * (1.0 - cooling.value("liquid_share")) + chain.inside
    most = float(air_heat.max()) / filled
    flow = cube_law(share=air_heat / (most * spare), floor=cooling.value("room_fan_floor"))
    air_fan = cooling.value("air_fan") * most * spare * flow
    heat = {"supply": air_heat + air_fan, "liquid": power * cooling.value("liquid_share")}
    total, too_warm, notices = _loops(cooling, weather, heat, filled=filled, spare=spare)
    notices = [*weather.warnings, *notices]
    parts = {
        "it": power,
        "electrical": chain.inside + chain.transformer,
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
        assumptions=assumptions,
        blowdown=total["blowdown"],
        too_warm=too_warm,
        chain=chain,
        notices=tuple(notices),
    )


_LOOPS = {
    "supply": ("air", "supply_temperature", "supply_limit", "trim"),
    "liquid": ("liquid", "liquid_temperature", "liquid_limit", "liquid_trim"),
}
"""Loops of a building: name, and the numbers of ``cooling`` that they have."""


def _loops(
    cooling: Entity, weather: Weather, heat: Mapping[str, Array], *, filled: float, spare: float
) -> tuple[dict[str, Array], Array, list[str]]:
    """(demand of all loops by name, K by which the warmest is above its limit (8760,), notices).

    ``heat`` (8760,) [W] by loop; a building that is ``filled`` in part is made for more.
    """
    dry, wet = weather.air_temperature(), weather.wet_bulb()
    total: dict[str, Array] = {}
    too_warm, notices = np.zeros(HOURS), list[str]()
    for key, (loop, temperature, limit, trim) in _LOOPS.items():
        if key == "liquid" and cooling.value("liquid_share") <= 0.0:
            continue
        demand = cooling_demand(
            heat=heat[key],
            supply=cooling.value(temperature),
            dry_bulb=dry,
            wet_bulb=wet,
            cooling=cooling,
            rated=float(heat[key].max()) / filled,
            spare=spare,
            trim=cooling.value(trim),
            pressure=float(air_pressure(elevation=weather.elevation)),
        )
        over = np.maximum(demand.pop("supply") - cooling.value(limit), 0.0)
        notices += _warm_notice(loop, over, cooling.value(limit), cooling)
        too_warm = np.maximum(too_warm, over)
        total = {name: total.get(name, 0.0) + values for name, values in demand.items()}
    return total, too_warm, notices


def building_of(
    meter: Array,
    *,
    weather: Weather,
    cooling: Entity,
    redundancy: Entity | None = None,
    pue: float | None = None,
) -> LoadShape:
    """The year of a building that draws ``meter`` (8760,) [W] in every hour: its IT power, losses and water.

    IT power is what is left of the meter by the building's own PUE of the hour, found by repetition; by
    ``pue`` where that is given. In the few hours at which cooling switches as the load grows, no IT power
    draws just that: there it is within the step.
    """
    it_power = meter / (1.5 if pue is None else pue)
    load = facility_load(it_power=it_power, weather=weather, cooling=cooling, redundancy=redundancy)
    for _ in range(_REPEATED if pue is None else 0):
        ratio = np.divide(meter, load.facility, out=np.ones_like(meter), where=load.facility > 0.0)
        if float(np.mean(np.abs(ratio - 1.0))) < _CLOSE:
            break
        it_power = it_power * ratio
        load = facility_load(it_power=it_power, weather=weather, cooling=cooling, redundancy=redundancy)
    return with_pue(load, pue)


def with_standing(load: LoadShape, *, duty: float, nameplate: float | None = None) -> LoadShape:
    """The year of a facility that runs as ``load`` has it, and stands now and then at all hours alike.

    ``duty`` is mean over running IT power: share that runs + share that stands × standing over running
    power. Failures and restarts keep no hours, so an hour's mean is that share of it, with the PUE of the
    hour in both states (half empty, a building would lose a little more). ``nameplate`` [W] is kept beside.
    """
    check_range("duty", duty, 0.0, 1.0, open_low=True, message="not a share")
    return replace(_scaled(load, duty), running=load.facility, nameplate=nameplate)
