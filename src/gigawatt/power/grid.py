"""The public grid as a neighbour: what an hour of it costs and emits.

Three methods, named by the row. ``cambium``: hourly carbon of a published scenario, linear between its
years. ``residual``: the mean is a catalog row and the hours follow the residual load, demand less
nuclear, hydro, wind and sun of the grid's own weather: price rises with that load, carbon with its share
of demand. ``constant``: a country without more than a mean. Whatever the method, the year's mean is the
catalog's to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.core.evidence import Assumption, Evidence, Grade, worst
from gigawatt.facility.weather import HOURS, Weather, load_weather
from gigawatt.power.resource import solar_capacity_factor, wind_capacity_factor

__all__ = ["Grid", "demand_shape", "list_grids", "load_grid", "residual_shape"]

Array = NDArray[np.float64]
_MIX = ("solar_share", "wind_share", "firm_clean_share")
_CAMBIUM_SCALE = 0.1 / 3.6e9  # stored as tenths of kg/MWh


@dataclass(frozen=True)
class Grid:
    """A grid in one year: ``price`` [$/J] and ``carbon`` [kg/J] by the hour, ``limit`` [W] of the connection,
    ``connection_time`` [s] from request to power, ``connection_range`` its low and high end; ``clean``, the
    share of its power in every hour that is of sun, wind, water and nuclear plants, ``None`` where the mix is
    not known. ``evidence`` holds the rows that the means come from, ``assumptions`` what was filled in."""

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


def list_grids() -> list[str]:
    """Every grid: the named ones, then the countries by ISO code."""
    return [*loader.table("grids"), *loader.table("grids_countries")]


def demand_shape(
    *, temperature: ArrayLike, cooling: float, heating: float, cooling_balance: float, heating_balance: float
) -> Array:
    """Demand over its mean, from outdoor temperature alone, (n,) [].

    Parameters
    ----------
    temperature : array (n,) [K]
        Outdoors, where the grid's people live.
    cooling, heating : float [1/K]
        Rise of demand per kelvin above and below the balance temperatures.
    cooling_balance, heating_balance : float [K]
        Where air conditioning and heating begin.
    """
    kelvin = np.asarray(temperature, dtype=np.float64)
    demand = 1.0 + cooling * np.maximum(kelvin - cooling_balance, 0.0)
    demand = demand + heating * np.maximum(heating_balance - kelvin, 0.0)
    return demand / demand.mean()


def residual_shape(
    *,
    demand: ArrayLike,
    solar: ArrayLike,
    wind: ArrayLike,
    solar_share: float,
    wind_share: float,
    firm_share: float,
    floor: float,
) -> Array:
    """What fossil plants have left to do, over its mean, (n,) [].

    Parameters
    ----------
    demand : array (n,) []
        Over its mean.
    solar, wind : arrays (n,) []
        Capacity factors in the grid's area.
    solar_share, wind_share, firm_share : float []
        Of the year's generation; firm is nuclear, hydro and other steady clean plants.
    floor : float []
        Fossil output that is never switched off, as a share of mean demand.
    """

    def scaled(profile: ArrayLike, share: float) -> Array:
        values = np.asarray(profile, dtype=np.float64)
        mean = float(values.mean())
        return share * values / mean if mean > 0.0 else np.full_like(values, share)

    left = np.asarray(demand) - firm_share - scaled(solar, solar_share) - scaled(wind, wind_share)
    left = np.maximum(left, floor)
    return left / left.mean()


def load_grid(
    grid: str,
    year: int,
    *,
    weather: Weather | None = None,
    price: float | None = None,
    carbon: float | None = None,
    limit: float = np.inf,
    marginal: bool = False,
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
    price, carbon : float, optional
        Means [$/J], [kg/J] that take the place of the catalog's.
    limit : float [W]
        Of the connection.
    marginal : bool
        Long-run marginal instead of average carbon (only grids of the ``cambium`` method have it).

    Raises
    ------
    InputError
        An unknown grid; names the nearest.
    MissingDataError
        Marginal carbon of a grid that has none.
    """
    row = _row(grid)
    defaults = loader.entity("grids_defaults", "world")
    assumptions: list[Assumption] = []
    evidence = {item.quantity: item for item in row.rows()}
    method = row.text("method", "constant")
    if marginal and method != "cambium":
        raise MissingDataError(
            f"the grid {row.id!r} has no marginal carbon",
            allowed="average carbon, or a grid of the cambium method such as 'westconnect-north'",
        )
    mean_price = price if price is not None else _mean_price(row, defaults, evidence, assumptions)
    left = dirty = np.ones(HOURS)
    if method == "residual":
        left, demand = _residual(row, defaults, weather, assumptions)
        dirty = left / demand
        dirty = dirty / dirty.mean()
    if method == "cambium":
        carbons = _cambium(row, year, "marginal" if marginal else "average", assumptions)
        carbons = carbons if carbon is None else carbons * (carbon / carbons.mean())
    else:
        carbons = dirty * (row.value("carbon") if carbon is None else carbon)
        if carbon is None:
            _held(row, year, assumptions)
    own = "connection_time" in row.numbers
    connection = (row if own else defaults).evidence("connection_time")
    return Grid(
        id=row.id,
        name=row.text("name", row.id),
        year=year,
        price=mean_price * _price_shape(row, left),
        carbon=carbons,
        limit=limit,
        connection_time=connection.value,
        connection_range=(connection.low or connection.value, connection.high or connection.value),
        evidence=evidence,
        assumptions=tuple(assumptions),
        clean=_clean(row, dirty),
    )


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


def _row(grid: str) -> Entity:
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


def _mean_price(
    row: Entity, defaults: Entity, evidence: dict[str, Evidence], assumptions: list[Assumption]
) -> float:
    if "price" in row.numbers:
        return row.value("price")
    proof = defaults.evidence("price")
    evidence["price"] = proof
    assumptions.append(
        Assumption(
            "supply.grid_price",
            f"{proof.written} {proof.unit}",
            f"the catalog has no price for {row.text('name', row.id)}: a world-wide order of magnitude",
            proof.grade,
            proof.source_id,
        )
    )
    return proof.value


def _residual(
    row: Entity, defaults: Entity, weather: Weather | None, assumptions: list[Assumption]
) -> tuple[Array, Array]:
    """Residual load and demand, each over its mean, from the site's weather or the reference site's."""
    here = weather if weather is not None and _complete(weather) else load_weather(row.text("reference_site"))
    demand = demand_shape(
        temperature=here.air_temperature(),
        cooling=row.value("cooling_sensitivity"),
        heating=row.value("heating_sensitivity"),
        cooling_balance=defaults.value("cooling_balance"),
        heating_balance=defaults.value("heating_balance"),
    )
    left = residual_shape(
        demand=demand,
        solar=solar_capacity_factor(here),
        wind=wind_capacity_factor(here),
        solar_share=row.value("solar_share"),
        wind_share=row.value("wind_share"),
        firm_share=row.value("firm_clean_share"),
        floor=defaults.value("residual_floor"),
    )
    grades = [
        row.evidence(name).grade
        for name in ("solar_share", "wind_share", "cooling_sensitivity", "price_exponent")
    ]
    assumptions.append(
        Assumption(
            "supply.grid_hours",
            f"residual load with the weather of {here.id}",
            f"the catalog has no hourly series of {row.id}: price and carbon follow what is left to fossil "
            "plants, with sun and wind of one place; the year's means are the catalog's",
            worst([Grade.modelled, *grades]),
            row.evidence("carbon").source_id,
        )
    )
    return left, demand


def _complete(weather: Weather) -> bool:
    sun = weather.solar_capacity_factor is not None or weather.ghi is not None
    wind = (
        weather.wind_capacity_factor is not None
        or weather.wind_100m is not None
        or weather.wind_10m is not None
    )
    return sun and wind and weather.temperature is not None


def _held(row: Entity, year: int, assumptions: list[Assumption]) -> None:
    """Say that the mean of an earlier year stands for ``year``."""
    proof = row.evidence("carbon")
    assumptions.append(
        Assumption(
            "supply.grid_carbon",
            f"{proof.written} {proof.unit}",
            f"the catalog's newest mean of {row.id} ({proof.locator or 'no year'}) is held for {year}",
            proof.grade,
            proof.source_id,
        )
    )


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
