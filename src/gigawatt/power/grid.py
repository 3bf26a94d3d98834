"""The public grid as a neighbour: what an hour of it costs and emits.

Where the row names a series of ``grids_hours``, an hour costs what it cost on the market, and delivery
on top (:mod:`gigawatt.power.market`). Elsewhere one of three methods, named by the row. ``cambium``: hourly
carbon of a published scenario, linear between its years. ``residual``: the mean is a catalog row and the
hours follow the residual load, demand less nuclear, hydro, wind and sun of the grid's own weather: price
rises with that load, carbon with its share of demand. ``constant``: a country without more than a mean. The
year's mean of carbon is the catalog's, brought to the boundary that is asked for, and so is that of a price
without a market's hours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.facility.weather import HOURS, Weather, load_weather
from gigawatt.power.carbon import SUPPLY_CHAIN, check_boundary, grid_carbon, residual_mix
from gigawatt.power.market.basis import Basis, basis_of
from gigawatt.power.market.forward import Later, later_of
from gigawatt.power.market.hours import MarketHours, given_hours, market_hours
from gigawatt.power.market.own_hours import OwnHours
from gigawatt.power.market.series import price_years
from gigawatt.power.residual import known_series, residual_load, weather_driver
from gigawatt.power.resource import solar_capacity_factor, wind_capacity_factor

__all__ = ["Grid", "grid_row", "list_grids", "load_grid"]

Array = NDArray[np.float64]
_MIX = ("solar_share", "wind_share", "firm_clean_share")
_HOUR = 3600.0
_CAMBIUM_SCALE = 0.1 / 3.6e9  # stored as tenths of kg/MWh


@dataclass(frozen=True)
class Grid:
    """A grid in one year: ``price`` [$/J] and ``carbon`` [kg/J] by the hour, ``delivery`` [$/J], the part of
    the price that is not of the market's hours (0 where none are known), ``price_year``, in which these
    hours were (0: none), ``limit`` [W] of the connection, ``connection_time`` [s] from request to power,
    ``connection_range`` its low and high end, ``nonfirm_time`` the three of a connection that may be cut,
    ``smaller_times`` (largest load [W], the three) of loads that need no more than a circuit, smallest first;
    ``basis``, what of the price is of the place and not of the hub (``None``: nothing), ``basis_ends`` what
    it is lower and higher at the ends of the price's range;
    ``clean``, the share of its power in every hour that is of sun, wind, water and nuclear plants, ``None``
    where the mix is not known; ``water`` [m³/J] that its plants consume; ``residual`` [kg/J] of what no
    contract names in its market. ``evidence`` holds the rows that the means come from, ``assumptions`` what
    was filled in.
    """

    id: str
    name: str
    year: int
    price: Array = field(repr=False)
    carbon: Array = field(repr=False)
    limit: float
    connection_time: float
    evidence: Mapping[str, Evidence] = field(repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)
    clean: Array | None = field(default=None, repr=False)
    connection_range: tuple[float, float] = (0.0, 0.0)
    nonfirm_time: tuple[float, float, float] | None = None
    smaller_times: tuple[tuple[float, tuple[float, float, float]], ...] = ()
    water: float = 0.0
    delivery: float = 0.0
    price_year: int = 0
    residual: float = 0.0
    basis: Array | None = field(default=None, repr=False)
    basis_ends: tuple[float, float] = (0.0, 0.0)

    def connection_lead(self, *, nonfirm: bool = False, peak: float = math.inf) -> tuple[float, float, float]:
        """(value, low, high) [s] from request to power of a load with this ``peak`` [W].

        Where it may be cut, or the load is small, no later than a large one that is firm.
        """
        found = (self.connection_time, *self.connection_range)
        smaller = next((times for most, times in self.smaller_times if peak <= most), None)
        for other in (smaller, self.nonfirm_time if nonfirm else None):
            if other is not None:
                value, low, high = (min(pair) for pair in zip(other, found, strict=True))
                found = value, low, high
        return found


def list_grids() -> list[str]:
    """Every grid: the named ones, then the countries by ISO code."""
    return [*loader.table("grids"), *loader.table("grids_countries")]


def load_grid(
    grid: str,
    year: int,
    *,
    weather: Weather | None = None,
    price: float | None = None,
    carbon: float | None = None,
    water: float | None = None,
    limit: float = np.inf,
    marginal: bool = False,
    price_year: int | str | None = None,
    delivery: float | None = None,
    own: OwnHours | None = None,
    boundary: str = SUPPLY_CHAIN,
    residual: float | None = None,
    basis: str | None = None,
) -> Grid:
    """A grid's year, hour by hour of local standard time.

    Parameters
    ----------
    grid : str
        A row of ``grids``, or a country's ISO code (``grids_countries``).
    year : int
        Means are those of the row's year where the catalog has no series, listed as an assumption.
    weather : Weather, optional
        Of the site, so that sun and wind of site and grid go together; else of the grid's reference site.
    price, carbon, water : float, optional
        Means [$/J], [kg/J], [m³/J] that take the place of the catalog's.
    limit : float [W]
        Of the connection.
    marginal : bool
        Long-run marginal instead of average carbon (only grids of the ``cambium`` method have it).
    price_year : int, str or None
        Whose hours of the market are taken, ``None`` the latest
        (:func:`~gigawatt.power.market.hours.market_hours`).
    delivery : float, optional
        What wires and the supplier's margin add to every hour of the market [$/J], in place of the catalog's.
    own : OwnHours, optional
        Hours of price, carbon or both in place of the catalog's.
    boundary : str
        What carbon counts (:mod:`gigawatt.power.carbon`); given means and hours are within it as they are.
    residual : float, optional
        Carbon of what no contract names in its market [kg/J], in place of the catalog's residual mix.
    basis : str, optional
        Of the place: a row of ``basis``, or a price (:mod:`gigawatt.power.market.basis`).

    Raises
    ------
    InputError
        An unknown grid; names the nearest. A year of prices that the market lacks; a year or delivery for a
        grid without hours of a market; hours of another zone.
    MissingDataError
        Marginal carbon of a grid that has none.
    """
    row = grid_row(grid)
    defaults = loader.entity("grids_defaults", "world")
    assumptions: list[Assumption] = []
    evidence = {item.quantity: item for item in row.rows()}
    method = row.text("method", "constant")
    if marginal and method != "cambium":
        raise MissingDataError(
            f"the grid {row.id!r} has no marginal carbon",
            allowed="average carbon, or a grid of the cambium method such as 'westconnect-north'",
        )
    filled = (row, defaults, evidence, assumptions)
    own, told = _own(row, weather, own)
    assumptions.extend(told)
    market = _market(row, weather, price_year, delivery, own, year)
    added, prices = 0.0, np.ones(HOURS)
    if market is not None:
        added = _delivery(row, defaults, delivery, evidence, assumptions)
        prices = market.price + added
        _market_evidence(market, added, price, evidence)
        assumptions.extend(market.assumptions)
    elif price is None:
        price = _mean("price", "price", "order of magnitude", *filled)
    mean_water = water if water is not None else _mean("water", "water of electricity", "mean", *filled)
    left, dirty = _residual_hours(row, weather, own, market, assumptions)
    if carbon is None and own is not None and own.carbon is not None:
        carbon = float(own.carbon.mean())
    kind = "" if method != "cambium" else "marginal" if marginal else "average"
    carbons = _carbon_hours(row, year, carbon, dirty, kind, boundary, assumptions)
    if residual is None:
        residual, told_residual = residual_mix(row, check_boundary(boundary), float(carbons.mean()))
        assumptions.append(told_residual)
    if market is None:
        prices = _price_shape(row, left)
    if price is not None:
        prices = prices * (price / prices.mean())
    place = _place(row, basis, market, evidence, assumptions)
    if place is not None:
        prices = prices + place.hours
    return Grid(
        id=row.id,
        name=row.text("name", row.id),
        year=year,
        price=prices,
        carbon=carbons,
        limit=limit,
        **_connection_times(row, defaults),
        evidence=evidence,
        assumptions=tuple(assumptions),
        clean=_clean(row, dirty),
        water=mean_water,
        delivery=added,
        price_year=market.year if market is not None else 0,
        residual=residual,
        basis=None if place is None else place.hours,
        basis_ends=(0.0, 0.0) if place is None else place.ends,
    )


def _residual_hours(
    row: Entity,
    weather: Weather | None,
    own: OwnHours | None,
    market: MarketHours | None,
    assumptions: list[Assumption],
) -> tuple[Array, Array]:
    """(residual load, carbon over its mean) of the hours; ones of what is not known."""
    level = np.ones(HOURS)
    if own is not None and own.carbon is not None:
        return level, own.carbon / max(float(own.carbon.mean()), np.finfo(float).tiny)
    if market is not None and market.carbon is not None:
        return level, market.carbon
    if row.text("method") != "residual":
        return level, level
    left, demand = residual_load(row, weather, assumptions, carbon_alone=market is not None)
    dirty = left / demand
    return left, dirty / dirty.mean()


def _connection_times(row: Entity, defaults: Entity) -> dict[str, Any]:
    """Times of a connection as fields of :class:`Grid`, the world's where the grid has none."""

    def of(name: str) -> tuple[float, float, float]:
        return _three((row if name in row.numbers else defaults).evidence(name))

    value, *ends = of("connection_time")
    return {
        "connection_time": value,
        "connection_range": tuple(ends),
        "nonfirm_time": of("connection_time_nonfirm"),
        "smaller_times": tuple(
            (defaults.value(f"connection_{size}"), _three(defaults.evidence(f"connection_time_{size}")))
            for size in ("small", "medium")
        ),
    }


def _carbon_hours(
    row: Entity,
    year: int,
    mean: float | None,
    shape: Array,
    kind: str,
    boundary: str,
    assumptions: list[Assumption],
) -> Array:
    """Carbon of the hours [kg/J] around ``mean``, else around the catalog's within the boundary.

    ``shape`` : hours over their mean, of a grid without hours of its own; ``kind`` of Cambium's hours, else
    empty.
    """
    if kind:
        hours = _cambium(row, year, kind, assumptions)
        shape, listed = hours / hours.mean(), float(hours.mean())
    elif mean is None:
        _held(row, year, assumptions)
        listed = row.value("carbon")
    else:
        listed = mean
    if mean is None:
        known = grid_carbon(row, listed)
        mean = known.by[check_boundary(boundary)]
        assumptions.append(known.assumption)
    return shape * mean


def _three(row: Evidence) -> tuple[float, float, float]:
    """(value, low, high) of a row, its value at an end that it lacks."""
    return row.value, row.low or row.value, row.high or row.value


def _own(
    row: Entity, weather: Weather | None, own: OwnHours | None
) -> tuple[OwnHours | None, tuple[Assumption, ...]]:
    """Own hours, checked against the zone of the grid and aligned with the weather."""
    if own is None:
        return None, ()
    series = row.text("hours")
    zone = loader.entity("grids_hours", series).text("zone") if series else ""
    names = [row.id, row.text("name"), *row.text("aliases").split("|"), series, zone]
    known = [name for name in dict.fromkeys(names) if name]
    if own.zone and own.zone.casefold() not in map(str.casefold, known):
        raise InputError("hours of another zone than the site's grid", key="supply.grid.hours", file=own.name,
                         given=own.zone, allowed=f"{row.id}, or no zone in the file",
                         nearest=nearest(own.zone, known))  # fmt: skip
    if weather is None:
        return own, ()
    return given_hours(
        own, series=series, weather=weather.id, weather_year=weather.happened,
        driver=weather_driver(row, weather),
    )  # fmt: skip


def _market(
    row: Entity,
    weather: Weather | None,
    price_year: int | str | None,
    delivery: float | None,
    own: OwnHours | None,
    year: int,
) -> MarketHours | None:
    """The hours of the market of a grid, aligned with the weather, or own; ``None`` of one without."""
    if own is not None and own.price is not None:
        if price_year is not None:
            raise InputError("the hours are given", key="supply.grid.year", given=price_year,
                             allowed="without it, or without supply.grid.hours")  # fmt: skip
        return MarketHours(own.price, own.year or 0, None, None, ())
    series = row.text("hours")
    if not series:
        for key, value in (("year", price_year), ("delivery", delivery)):
            if value is not None:
                raise InputError(
                    f"the catalog has no hours of a market of {row.text('name', row.id)}",
                    key=f"supply.grid.{key}",
                    allowed="supply.grid.hours, a file of them, or a site of a grid that has, such as ercot",
                )
        return None
    reference = row.text("reference_site")
    here = weather if weather is not None or not reference else load_weather(reference)
    market = loader.entity("grids_hours", series)
    if here is None:
        return market_hours(series, year=price_year, time_zone=market.value("time_zone") / _HOUR)
    return market_hours(
        series,
        year=price_year,
        time_zone=here.time_zone,
        weather=here.id,
        weather_year=here.happened,
        driver=weather_driver(row, here),
        later=None if isinstance(price_year, int) else _later(market, here, year),
    )


def _later(market: Entity, weather: Weather, year: int) -> Later | None:
    """What sun and wind gain from the latest year of a market to ``year``, once its hours no longer stand."""
    defaults = loader.entity("grids_defaults", "world")
    held = price_years(market)[-1] + defaults.value("hours_held") / (HOURS * _HOUR)
    if year <= held:
        return None
    sun, wind, _ = known_series(weather)
    return later_of(
        defaults,
        year - held,
        sun=solar_capacity_factor(weather) if sun else None,
        wind=wind_capacity_factor(weather) if wind else None,
    )


def _delivery(
    row: Entity,
    defaults: Entity,
    given: float | None,
    evidence: dict[str, Evidence],
    assumptions: list[Assumption],
) -> float:
    """What is paid on top of an hour of the market [$/J]: given, the grid's row, or the world's."""
    if given is not None:
        return given
    own = row if "delivery" in row.numbers else defaults
    proof = own.evidence("delivery")
    evidence["delivery"] = proof
    assumptions.append(proof.assumption("supply.grid.delivery", proof.note))
    return proof.value


def _place(
    row: Entity,
    given: str | None,
    market: MarketHours | None,
    evidence: dict[str, Evidence],
    assumptions: list[Assumption],
) -> Basis | None:
    """The basis of a place of the grid, in the year of its prices; ``None`` where none is given."""
    if given is None:
        return None
    series = row.text("hours")
    found = basis_of(
        given,
        row,
        market=loader.entity("grids_hours", series) if series else None,
        year=0 if market is None else market.year,
        ranged=market is None or (market.mean is not None and market.mean.high is not None),
    )
    if found.evidence is not None and found.assumption is not None:
        evidence["basis"] = found.evidence
        assumptions.append(found.assumption)
    return found


def _market_evidence(
    market: MarketHours, added: float, given: float | None, evidence: dict[str, Evidence]
) -> None:
    """The row of the price: the year's mean with that of all years as range, and delivery in all three;
    none where the mean is given."""
    evidence.pop("price", None)
    mean = market.mean
    if given is None and mean is not None:
        low, high = (end if end is None else end + added for end in (mean.low, mean.high))
        evidence["price"] = replace(mean, value=mean.value + added, low=low, high=high)


def _price_shape(row: Entity, left: Array) -> Array:
    """(H,) price over its mean: a part of it rises with the residual load ``left``."""
    share = row.get("price_energy_share", 0.0) or 0.0
    rising = left ** (row.get("price_exponent", 1.0) or 1.0)
    return 1.0 - share + share * rising / rising.mean()


def _clean(row: Entity, dirty: Array) -> Array | None:
    """Share of the grid's power by the hour that is clean: one less the fossil share of the year times what
    fossil plants have to do in the hour over its mean; ``None`` without a mix."""
    known = [share for name in _MIX if (share := row.get(name)) is not None]
    if not sum(known) > 0.0:
        return None
    return 1.0 - np.minimum(max(1.0 - sum(known), 0.0) * dirty, 1.0)


def grid_row(grid: str) -> Entity:
    """The row of a grid, or of a country by its code or name; an unknown one names the nearest."""
    try:
        return loader.entity("grids", grid)
    except InputError:
        countries = loader.table("grids_countries")
        if grid.upper() in countries:
            return countries[grid.upper()]
        for row in countries.values():
            if row.text("name").lower() == grid.lower():
                return row
    names = [*list_grids(), *(row.text("name") for row in countries.values())]
    raise InputError(
        "no such grid",
        key="site.grid",
        given=grid,
        allowed="see `gigawatt catalog list grids`, or a country's ISO code",
        nearest=nearest(grid, names),
    ) from None


def _mean(
    quantity: str,
    called: str,
    stand_in: str,
    row: Entity,
    defaults: Entity,
    evidence: dict[str, Evidence],
    assumptions: list[Assumption],
) -> float:
    """The grid's own ``price`` or ``water``, else the world's, listed as an assumption."""
    if quantity in row.numbers:
        return row.value(quantity)
    proof = defaults.evidence(quantity)
    evidence[quantity] = proof
    reason = f"the catalog has no {called} for {row.text('name', row.id)}: a world-wide {stand_in}"
    assumptions.append(proof.assumption(f"supply.grid_{quantity}", reason))
    return proof.value


def _held(row: Entity, year: int, assumptions: list[Assumption]) -> None:
    """Say that the mean of an earlier year stands for ``year``."""
    proof = row.evidence("carbon")
    reason = f"the catalog's newest mean of {row.id} ({proof.locator or 'no year'}) is held for {year}"
    assumptions.append(proof.assumption("supply.grid_carbon", reason))


def _cambium(row: Entity, year: int, kind: str, assumptions: list[Assumption]) -> Array:
    """Hourly carbon [kg/J] of a scenario, linear between its years, constant beyond them."""
    import duckdb

    file = loader.path(f"grids/{row.text('hourly')}")
    with duckdb.connect() as connection:
        table = connection.execute("SELECT * FROM read_parquet(?)", [str(file)]).fetchnumpy()
    years = sorted(int(name.split("_")[1]) for name in table if name.startswith(kind))
    at = float(np.clip(year, years[0], years[-1]))
    after = next(y for y in years if y >= at)
    before = max(y for y in years if y <= at)
    share = 0.0 if after == before else (at - before) / (after - before)
    low, high = (np.asarray(table[f"{kind}_{y}"], dtype=np.float64) for y in (before, after))
    proof = row.evidence("price")
    assumptions.append(
        Assumption(
            "supply.grid_carbon",
            f"{kind} of {before} and {after}" if after != before else f"{kind} of {before}",
            row.text("note"),
            Grade.projected,
            "nrel-cambium-2023" if proof.source_id else "",
        )
    )
    return (low + share * (high - low)) * _CAMBIUM_SCALE
