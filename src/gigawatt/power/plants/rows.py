"""From catalog rows to a :class:`Plant` of a year at a site."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.core.evidence import Assumption, Evidence, worst
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.facility.countries import Country
from gigawatt.power.carbon import DIRECT, LIFE_CYCLE, SUPPLY_CHAIN, fuel_upstream
from gigawatt.power.plants.hubs import NO_HUBS, price_row
from gigawatt.power.plants.place_costs import capital_factor
from gigawatt.power.plants.plant import Hourly, Plant, Storage
from gigawatt.power.plants.row_reader import CASES, DEFAULTS, RowReader
from gigawatt.power.plants.thermal import Derating, PartLoad
from gigawatt.power.plants.weather_outages import outages_in

__all__ = ["build_plant", "cycle_life", "default_not_served_price", "list_plants"]


_YEAR = HOURS_PER_YEAR * 3600.0
_LEAST = 1e-30
"""kg/J, which no carbon is as small as."""


def list_plants() -> list[str]:
    """Ids of the plants in the catalog."""
    return list(table("plants"))


def default_not_served_price() -> tuple[float, Assumption]:
    """($/J of energy not served, the assumption that says where it comes from)."""
    row = entity("supply_plan", "plan").evidence("not_served_price")
    reason = "no price of lost load was given; " + row.note
    return row.value, row.assumption("supply.not_served_price", reason)


def cycle_life(*, life: float, cycles: float, cycles_per_year: float) -> float:
    """Life of a store in s: by the calendar or by its full cycles, whichever ends first.

    Parameters
    ----------
    life : float
        s by the calendar, > 0.
    cycles : float
        Full cycles that it stands, > 0; ``inf`` where cycles do no harm.
    cycles_per_year : float
        Energy put in over a year / rated energy, >= 0; a partial cycle counts in part.

    Raises
    ------
    InputError
        A number out of its range.

    References
    ----------
    Xu et al., IEEE Trans. Smart Grid 9(2), 2018: cycle and calendar ageing (here the first-order rule).
    """
    for name, value in (("life", life), ("cycles", cycles), ("cycles_per_year", cycles_per_year)):
        if not (value > 0.0 or (name == "cycles_per_year" and value == 0.0)):
            raise InputError("not a sensible value", key=name, given=f"{value:g}", allowed="above 0")
    return life if cycles_per_year == 0.0 else min(life, cycles / cycles_per_year * _YEAR)


def build_plant(
    plant: str,
    *,
    year: float,
    capital_recovery: Callable[[float], float],
    profile: npt.ArrayLike | None = None,
    price: Hourly | None = None,
    carbon: Hourly | None = None,
    water: Hourly | None = None,
    clean: Hourly | None = None,
    limit: float | None = None,
    minimum: float = 0.0,
    fuel_price: float | None = None,
    country: Country | None = None,
    overrides: Mapping[str, float] | None = None,
    case: str = "value",
    boundary: str = SUPPLY_CHAIN,
    leak: float | None = None,
    market: bool = False,
    temperature: npt.ArrayLike | None = None,
    cycles_per_year: float = 0.0,
) -> Plant:
    """A plant as it could be bought in ``year``.

    Parameters
    ----------
    plant : str
        Id or alias in the catalog's ``plants``.
    year : float
        Year of operation; cost series are read there, linearly between their rows.
    capital_recovery : callable
        Life in s → yearly share of the investment to be paid back, 1/year (``economics.annuity`` bound to
        a rate).
    profile : (H,), optional
        Capacity factor; needed by weather-driven plants, a derating by hour for others.
    price, carbon, water : float or (H,), optional
        $/J, kg/J, m³/J of electricity from the grid (price and carbon are needed there); for other plants
        they replace fuel, carbon and water of the catalog.
    clean : float or (H,), optional
        Share of what is delivered that counts as clean under hourly matching; see :class:`Plant`.
    limit, minimum : float, optional
        Largest and smallest capacity, W.
    fuel_price : float, optional
        $/J of heat at the plant, in place of the catalog's price and delivery.
    country : Country, optional
        Where it is built: the hub of its fuel (:mod:`gigawatt.power.plants.hubs`), and what plants cost
        there over the United States (:mod:`gigawatt.power.plants.place_costs`).
    overrides : mapping, optional
        SI values in place of catalog quantities, by name (``{"capital_cost": 2.0, "lead_time": 6.3e7}``).
    case : str
        ``value``, ``low`` or ``high`` end of the range of capital costs.
    boundary : str
        What carbon counts, of :data:`gigawatt.power.carbon.BOUNDARIES`. Within ``life-cycle`` the plant's
        making is in its carbon by the kilowatt-hour, and no longer in ``construction_carbon``.
    leak : float, optional
        Share of natural gas that leaks before the plant.
    market : bool
        Whether the carbon price is that of the place: paid for what burns on the site, not for the supply
        chain of its fuel, nor for the grid, whose price has it already.
    temperature : (H,), optional
        Air temperature [K]: takes capacity and efficiency hour by hour where the catalog has a derating, and
        moves how often units fail where it has a curve of that.
    cycles_per_year : float
        Full cycles of a store in a year; above its cycle life over its calendar life they shorten it.

    Raises
    ------
    InputError
        Unknown plant, override or case; a profile that is missing or of wrong values; a temperature that is
        none of air.
    MissingDataError
        A number without a row that nothing can stand for.

    Notes
    -----
    A number that the row does not have is filled by ``plants_defaults`` and listed in ``assumptions``.
    """
    row = entity("plants", plant)
    given = dict(overrides or {})
    _check(row, given, case)
    kind = row.text("kind")
    if kind == "grid" and (price is None or carbon is None):
        raise InputError("the grid needs a price and a carbon intensity", key=row.id)
    read = RowReader(row, year, given, case)
    life = read.number("life")
    cycles = read.number("cycle_life") if kind == "storage" else math.inf
    if kind == "storage":
        life = cycle_life(life=life, cycles=cycles, cycles_per_year=cycles_per_year)
    recovery = capital_recovery(life)
    factor, factor_rows = (1.0, ()) if country is None else capital_factor(row, country, case)
    capital, share, fixed = _capital(read, factor)
    availability = _availability(read, kind, profile)
    hubs = NO_HUBS if country is None else country.hubs()
    burnt = _fuel(row, read, fuel_price, hubs, None if boundary == DIRECT else boundary, leak)
    derating = _derating(row, read)
    fuel: Hourly = burnt.cost
    direct: Hourly = burnt.carbon
    if derating is not None and temperature is not None:
        availability = availability * np.minimum(derating.capacity(temperature), 1.0)
        fuel, direct = (value * derating.heat_rate(temperature) for value in (fuel, direct))
    storage = _storage(read, recovery, share, life, cycles, factor) if kind == "storage" else None
    whole = boundary == LIFE_CYCLE and kind not in ("storage", "grid")
    direct, construction, levied = _carbon(read, direct, whole, burnt.direct if market else None)
    ramp = read.number("ramp") * 3600.0
    lead_time, least = read.number("lead_time"), read.number("minimum_load")
    running = read.number("minimum_running") if least == 0.0 or read.has("minimum_running") else least
    start_heat = read.number("start_fuel") if row.text("fuel") else 0.0
    made = Plant(
        id=row.id,
        name=row.text("name", row.id),
        kind=kind,
        capital=capital * recovery,
        fixed=fixed,
        variable=read.number("variable_cost"),
        fuel=fuel if price is None else price,
        carbon=direct if carbon is None else carbon,
        levied=levied,
        clean=clean,
        construction_carbon=construction,
        methane=burnt.methane,
        water=read.number("water") if water is None else water,
        availability=availability,
        minimum=minimum,
        maximum=math.inf if limit is None else limit,
        minimum_load=least,
        ramp=None if math.isinf(ramp) else ramp,
        storage=storage,
        unit_size=read.number("unit_size"),
        lead_time=lead_time,
        queue_time=min(read.number("queue_time"), lead_time),
        life=life,
        investment=capital,
        start_cost=read.number("start_cost") + start_heat * burnt.heat_price,
        start_carbon=start_heat * burnt.heat_carbon,
        minimum_up=read.number("minimum_up"),
        minimum_down=read.number("minimum_down"),
        minimum_running=max(running, least),
        part_load=_part_load(row, read),
        derating=derating,
        outages=1.0 if temperature is None else outages_in(row.id, temperature),
        burns=row.text("fuel"),
        second_fuel=row.text("second_fuel"),
        host=row.text("host"),
        host_ratio=read.number("host_ratio") if row.text("host") else math.inf,
    )
    rows = tuple(dict.fromkeys((*read.evidence, *burnt.rows, *factor_rows)))
    missing = (*read.assumptions.values(), *burnt.assumptions)
    return replace(made, evidence=rows, assumptions=(*_assumptions(row, rows, year), *missing))


def _capital(read: RowReader, factor: float) -> tuple[float, float, float]:
    """(investment [$/W], share of it that upkeep takes a year, upkeep [$/W/yr])."""
    capital = factor * read.number("capital_cost", ranged=True)
    share = read.number("fixed_share") * _YEAR if read.has("fixed_share") else 0.0
    fixed = share * capital
    if read.has("fixed_cost") or not read.has("fixed_share"):
        fixed += read.number("fixed_cost") * _YEAR
    return capital, share, fixed


def _carbon(
    read: RowReader, direct: Hourly, whole: bool, on_site: float | None
) -> tuple[Hourly, float, float]:
    """(kg/J in operation, kg/W/yr of making, share of the former that a carbon price is paid for).

    ``whole``: making is in the former. ``on_site``: share of ``direct`` that burns on the site, where the
    carbon price is that of a market; ``None``: all is paid for.
    """
    making = read.number("construction_carbon")
    levied = 1.0 if on_site is None else on_site
    if whole:
        if on_site is not None:
            levied *= float(np.mean(direct / np.maximum(direct + making, _LEAST)))
        direct, making = direct + making, 0.0
    if making > 0.0 or read.has("capacity_factor"):
        making *= read.number("capacity_factor") * _YEAR
    return direct, making, levied


def _check(row: Entity, given: Mapping[str, float], case: str) -> None:
    known = sorted({*row.numbers, *table(DEFAULTS)})
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InputError(
            "no such quantity of this plant",
            key=row.id,
            given=unknown[0],
            allowed=known,
            nearest=nearest(unknown[0], known),
        )
    check_word(row.id, case, CASES, "unknown case")


def _availability(read: RowReader, kind: str, profile: npt.ArrayLike | None) -> Hourly:
    """Share of the capacity that can be used, by the hour where there is a profile."""
    availability = read.number("availability")
    if profile is not None:
        return availability * np.asarray(profile, dtype=float)
    if kind == "profile":
        raise InputError(
            "a plant that follows the weather needs its hourly profile",
            key=read.row.id,
            allowed="a `profile` in its catalog row, or the hours in a file",
        )
    return availability


def _storage(
    read: RowReader, recovery: float, share: float, life: float, cycles: float, factor: float
) -> Storage:
    energy_capital = factor * read.number("energy_capital_cost", ranged=True)
    return Storage(
        charge_efficiency=read.number("charge_efficiency"),
        discharge_efficiency=read.number("discharge_efficiency"),
        energy_capital=energy_capital * recovery,
        energy_fixed=energy_capital * share,
        energy_investment=energy_capital,
        duration_min=read.number("duration_min"),
        duration_max=read.number("duration_max"),
        self_discharge=min(read.number("self_discharge") * 3600.0, 1.0),
        construction_carbon=read.number("energy_construction_carbon") / (life / _YEAR),
        cycles=cycles,
        fade=read.number("fade"),
    )


@dataclass(frozen=True)
class _Burnt:
    """$ and kg per J of electricity, $ and kg per J of heat, share of that carbon which burns on the site,
    kg of methane in a kg of it, rows read, numbers that were missing."""

    cost: float = 0.0
    carbon: float = 0.0
    heat_price: float = 0.0
    heat_carbon: float = 0.0
    direct: float = 0.0
    methane: float = 0.0
    rows: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


def _fuel(
    row: Entity,
    read: RowReader,
    fuel_price: float | None,
    hubs: Mapping[str, str],
    boundary: str | None,
    leak: float | None,
) -> _Burnt:
    name = row.text("fuel")
    if not name:
        return _Burnt()
    fuel = RowReader(entity("fuels", name), read.year, {})
    priced = RowReader(price_row(name, hubs), read.year, {})
    heat_rate = read.number("heat_rate")
    if fuel_price is None and ("fuel_cost" in read.given or "fuel_cost" in row.numbers):
        cost = read.number("fuel_cost")
    elif fuel_price is None:
        cost = heat_rate * (priced.number("price") + priced.number("delivery"))
    else:
        cost = heat_rate * fuel_price
    leaked, methane = 0.0, 0.0
    if boundary is not None:
        leaked, methane = fuel.number("upstream_carbon"), 0.0
        if fuel.has("upstream_co2"):
            fuel.number("upstream_co2")
            leaked, methane = fuel_upstream(fuel.row, leak)
    combustion = fuel.number("combustion_carbon")
    carbon = combustion + leaked
    return _Burnt(
        cost,
        heat_rate * carbon,
        cost / heat_rate,
        carbon,
        combustion / carbon if carbon > 0.0 else 0.0,
        methane / carbon if carbon > 0.0 else 0.0,
        (*priced.evidence, *fuel.evidence),
        (*priced.assumptions.values(), *fuel.assumptions.values()),
    )


def _derating(row: Entity, read: RowReader) -> Derating | None:
    if not read.has("derating_capacity"):
        read.assume_missing("derating_capacity")
        return None
    return Derating(
        reference=read.number("derating_reference"),
        capacity_slope=read.number("derating_capacity"),
        heat_slope=read.number("derating_heat") if row.text("fuel") or read.has("derating_heat") else 0.0,
    )


def _part_load(row: Entity, read: RowReader) -> PartLoad | None:
    if not read.has("part_load"):
        if row.text("fuel"):
            read.assume_missing("part_load")
        return None
    return PartLoad(load=read.number("part_load"), heat_rate=read.number("part_load_heat_rate"))


def _assumptions(row: Entity, rows: tuple[Evidence, ...], year: float) -> tuple[Assumption, ...]:
    if not rows:
        raise MissingDataError("no number of this plant was read", key=row.id)
    bad = worst(evidence.grade for evidence in rows)
    weak = dict.fromkeys(evidence.quantity for evidence in rows if evidence.grade == bad)
    return (
        Assumption(
            key=f"supply.plants.{row.id}",
            value=f"catalog costs and properties of {year:g}",
            reason=f"not given in the scenario; least certain ({bad.label}): {', '.join(weak)}",
            grade=bad,
            source=", ".join(dict.fromkeys(evidence.source_id for evidence in rows)),
        ),
    )
