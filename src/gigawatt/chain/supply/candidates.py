"""Plants that may be built at a site in a year: what the chain and `plan-supply` choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.supply.grid_tariff import under_tariff
from gigawatt.chain.supply.grid_terms import with_terms
from gigawatt.chain.supply.grid_trade import agreed, selling
from gigawatt.chain.supply.hedges import hedged
from gigawatt.chain.supply.weather_years import profiles
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.facility import Country, Site, Weather, country_of
from gigawatt.money import capital_recovery_factor
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.power import Grid, Plant, build_plant
from gigawatt.power.carbon import SUPPLY_CHAIN, leaks, read_leak
from gigawatt.power.dates import waits_in_queue
from gigawatt.power.plants.credits import Credit, credits_of, with_credits
from gigawatt.power.plants.fuel_stock import with_stock
from gigawatt.power.plants.hubs import NO_HUBS, price_row
from gigawatt.schema.values import ByYear, at_year

__all__ = [
    "ALL",
    "LAW",
    "candidates_in",
    "connection_price",
    "delivered_price",
    "fuel_id",
    "fuelled",
    "grid_at",
    "plant_id",
    "plants_here",
]

Array = NDArray[np.float64]

ALL = "all"
"""Value of ``supply.plants`` for every plant that may be there."""
LAW = "law"
"""Value of ``supply.credits``: tax credits as the law of the place gives them."""


class Begun(Protocol):
    """Says which plants are offered, and when one is begun and in service [years]; see
    :mod:`gigawatt.chain.supply.arrivals`."""

    def offered(self, names: Sequence[str]) -> tuple[str, ...]: ...

    def begun(self, name: str, year: int) -> tuple[float, float]: ...


def plant_id(key: str, name: str) -> str:
    """The id of a plant called by its id or an alias; an unknown one is an ``InputError`` of ``key``."""
    try:
        return catalog.entity("plants", name).id
    except InputError:
        known = list(catalog.table("plants"))
        allowed = ", ".join(known)
        if key == "supply.plants":
            known, allowed = [ALL, *known], f"{ALL} alone, or {allowed}"
        raise InputError(
            "no such plant", key=key, given=name, allowed=allowed, nearest=nearest(name, known)
        ) from None


def _mix(grid: Grid) -> Array:
    if grid.clean is None:
        raise MissingDataError(
            f"the mix of the grid {grid.id!r} is unknown, so its clean share cannot count",
            key="grid-counts",
            allowed="matching without it",
        )
    return grid.clean


def delivered_price(
    fuel: str, year: float, given: Mapping[str, float | None], hubs: Mapping[str, str] = NO_HUBS
) -> float | None:
    """Price of a fuel at the plant [$/J of heat] where that at its hub is given, else ``None``."""
    price = given.get(fuel)
    if price is None:
        return None
    row = price_row(fuel, hubs)
    return price + (row.at("delivery", year)[0] if "delivery" in row.numbers else 0.0)


def fuel_id(key: str, name: str) -> str:
    """The id of a fuel of the catalog; an unknown one is an ``InputError`` of ``key``."""
    known = catalog.table("fuels")
    if name not in known:
        near = nearest(name, known)
        raise InputError("no such fuel", key=key, given=name, allowed=", ".join(known), nearest=near)
    return name


def plants_here(
    *,
    names: Sequence[str],
    limits: Mapping[str, float | None],
    year: float,
    rate: float,
    grid: Grid,
    grid_given: Mapping[str, Any],
    profile: Callable[[str], Array | None],
    temperature: Array | None = None,
    fuel_prices: Mapping[str, float | None] = MappingProxyType({}),
    fuel_stock: float = 0.0,
    country: Country | None = None,
    market: bool = False,
    credits: Callable[[str], tuple[Credit, ...]] | None = None,
    case: str = "value",
    boundary: str = SUPPLY_CHAIN,
    leak: float | None = None,
) -> tuple[Plant, ...]:
    """The plants called ``names`` with this year's costs and this site's weather.

    Parameters
    ----------
    names : sequence of str
        Ids or aliases of the catalog's ``plants``.
    limits : mapping
        Largest capacity [W] by id or alias; ``None`` is no limit.
    year : float
        Year of operation, of which the costs are.
    rate : float [1/yr]
        Real discount rate.
    grid : Grid
        Price and carbon of the hours; may be longer than a year.
    grid_given : mapping
        ``limit`` [W] in place of the grid's, where not ``None``; ``counts``: whether the clean share of its
        mix counts under hourly matching; and the terms of
        :func:`~gigawatt.chain.supply.grid_terms.with_terms`.
    profile : callable
        Plant's id → its capacity factor by the hour (H,), ``None`` where the weather does not rule it; see
        :func:`gigawatt.power.plant_profiles`.
    temperature : (H,) [K], optional
        Of the air, which derates engines and turbines.
    fuel_prices : mapping
        Price at the hub [$/J of heat] by fuel, in place of the catalog's.
    fuel_stock : float [s]
        Of their second fuel, at full output, for plants that can burn one.
    country : Country, optional
        Where they are built: hubs of fuels, and what plants cost there.
    market : bool
        Whether the carbon price is that of the place; see :func:`gigawatt.power.build_plant`.
    credits : callable, optional
        Plant's id → the tax credits that it can have.
    case : str
        ``value``, ``low`` or ``high`` end of the ranges of capital costs.
    boundary, leak : str, float
        What carbon counts, and the share of gas that leaks (:mod:`gigawatt.power.carbon`).

    Raises
    ------
    InputError
        An unknown plant, a limit on a plant that may not be built, stores alone, a stock of fuel that none of
        them burns.
    """
    known = catalog.table("plants")
    wanted = tuple(plant_id("supply.plants", name) for name in names)
    limits = {plant_id("supply.limits", name): limit for name, limit in limits.items()}
    for name in limits:
        check_word("supply.limits", name, wanted, "a limit on a plant outside supply.plants")

    if not any(known[name].text("kind") != "storage" for name in wanted):
        raise InputError(
            "no plant here makes electricity",
            key="supply.plants",
            given=", ".join(wanted),
            allowed="at least one plant that is no store, such as grid",
        )

    hubs = NO_HUBS if country is None else country.hubs()

    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=rate, life=life))

    built: list[Plant] = []
    for name in wanted:
        if known[name].text("kind") == "grid":
            options = _grid_options(name, limits.get(name), grid, grid_given)
        else:
            options = {
                "limit": limits.get(name), "profile": profile(name), "temperature": temperature,
                "fuel_price": delivered_price(known[name].text("fuel"), year, fuel_prices, hubs),
                "country": country,
            }  # fmt: skip
        plant = build_plant(
            name, year=year, capital_recovery=recovery, case=case, market=market,
            boundary=boundary, leak=leak, **options,
        )  # fmt: skip
        if waits_in_queue(plant.id):
            plant = _under_terms(plant, grid, grid_given, int(year), recovery)
        plant = with_stock(
            plant, fuel_stock, year=year, rate=rate, capital_recovery=recovery, case=case,
            fuel_price=delivered_price(plant.second_fuel, year, fuel_prices, hubs), hubs=hubs,
        )  # fmt: skip
        if credits is not None:
            plant = with_credits(plant, credits(plant.id), capital_recovery=recovery)
        built.append(plant)
    if fuel_stock > 0.0 and not any(plant.stock > 0.0 for plant in built):
        stocked = [one.id for one in known.values() if one.text("second_fuel")]
        raise InputError(
            "none of these plants burns a fuel from stock", key="supply.fuel_stock",
            given=", ".join(plant.id for plant in built), allowed=f"with {' or '.join(stocked)}",
        )  # fmt: skip
    return (*built, *_through_grid(built, grid, grid_given, profile))


def _grid_options(
    name: str, limit: float | None, grid: Grid, grid_given: Mapping[str, Any]
) -> dict[str, Any]:
    """What :func:`gigawatt.power.build_plant` takes of a grid: its hours, limit and clean share."""
    given = grid_given.get("limit") if waits_in_queue(name) else None
    return {
        "price": grid.price,
        "carbon": grid.carbon,
        "limit": given if given is not None else limit,
        "clean": _mix(grid) if grid_given.get("counts") else None,
    }


def _under_terms(
    plant: Plant, grid: Grid, grid_given: Mapping[str, Any], year: int, recovery: Callable[[float], float]
) -> Plant:
    """The connection with its tariff, its terms, what it sells and the energy whose price is fixed."""
    passed = np.asarray(grid.price) - grid.delivery  # a tariff and a buyer have the market's hours
    hub = passed if grid.basis is None else passed - grid.basis
    plant, terms = under_tariff(
        plant, grid_given, year=year, price=hub, basis=grid.basis, delivery=grid.delivery,
        capital_recovery=recovery,
    )  # fmt: skip
    plant = selling(with_terms(plant, hub, terms), passed, grid_given)
    return hedged(plant, grid_given.get("hedges") or (), hub, grid.basis)


def _through_grid(
    built: Sequence[Plant],
    grid: Grid,
    grid_given: Mapping[str, Any],
    profile: Callable[[str], Array | None],
) -> Sequence[Plant]:
    """Plants of agreements, whose energy comes through the connection; an ``InputError`` without one."""
    agreements = grid_given.get("ppa") or ()
    connection = next((plant.id for plant in built if plant.kind == "grid"), None)
    if connection is not None:
        return agreed(agreements, connection, np.size(grid.price), profile)
    if agreements:
        raise InputError(
            "no connection through which it could come", key="supply.ppa", allowed="grid among the plants"
        )
    if grid_given.get("hedges"):
        raise InputError(
            "no energy of the grid whose price it could fix", key="supply.hedge",
            allowed="grid among the plants",
        )  # fmt: skip
    return ()


def connection_price(*, year: float, rate: float) -> float:
    """$/J of a connection to the grid by the energy of a load that is the same at every hour.

    Its annuity at ``rate`` [1/year] and fixed cost over the year's energy.
    """
    plant = build_plant(
        "grid", year=year, price=0.0, carbon=0.0,
        capital_recovery=lambda life: float(capital_recovery_factor(rate=rate, life=life)),
    )  # fmt: skip
    return (plant.capital + plant.fixed) / SECONDS_PER_YEAR


def grid_at(grid: Grid, case: str) -> Grid:
    """The grid with its hours at one end of the range of its mean price."""
    if case == "value":
        return grid
    row = grid.evidence.get("price")
    end = None if row is None else (row.low if case == "low" else row.high)
    scale = 1.0 if row is None or end is None or not row.value > 0.0 else end / row.value
    if grid.basis is None:
        return replace(grid, price=grid.price * scale)
    basis = grid.basis + grid.basis_ends[case == "high"]
    return replace(grid, price=(grid.price - grid.basis) * scale + basis, basis=basis)


def fuelled(
    plant: Plant, case: str, year: float, given: Mapping[str, float | None] = MappingProxyType({}),
    hubs: Mapping[str, str] = NO_HUBS,
) -> Plant:  # fmt: skip
    """A plant whose fuel costs what it costs at one end of the range of its price; one that is given has
    none.
    """
    if plant.through:
        return plant
    row = catalog.entity("plants", plant.id)
    name = row.text("fuel")
    if not name or case == "value" or given.get(name) is not None:
        return plant
    which = 1 if case == "low" else 2
    if "fuel_cost" in row.numbers:
        middle = row.at("fuel_cost", year)
        share = middle[which] / middle[0] if middle[0] > 0.0 else 1.0
    else:
        fuel = price_row(name, hubs)
        price = fuel.at("price", year)
        delivery = fuel.at("delivery", year)[0] if "delivery" in fuel.numbers else 0.0
        delivered = price[0] + delivery
        share = (price[which] + delivery) / delivered if delivered > 0.0 else 1.0
    return replace(plant, fuel=plant.fuel * share)


def candidates_in(
    case: str,
    *,
    supply_plants: tuple[str, ...],
    supply_grid: Grid,
    supply_grid_given: Mapping[str, Any],
    supply_limits: Mapping[str, float],
    supply_capacity_factors: Mapping[str, Array],
    supply_fuel_prices: Mapping[str, ByYear],
    supply_fuel_stock: float | None,
    supply_carbon_market: bool,
    supply_credits: str,
    supply_arrivals: Begun,
    site_site: Site,
    site_weather_years: tuple[Weather, ...],
    scenario_year: int,
    economics_discount_rate: float,
    carbon_boundary: str,
    carbon_leak: str | None,
) -> tuple[Plant, ...]:
    """Plants that may be built at a site; capital, fuel and grid prices at ``value``, ``low`` or ``high``."""
    leak, names = read_leak(carbon_leak), supply_arrivals.offered(supply_plants)
    gone = {name for name in supply_plants if name not in names}
    if leak is not None and not any(leaks(catalog.entity("plants", name).text("fuel")) for name in names):
        raise InputError("none of these plants burns a gas that leaks", key="carbon.leak", given=carbon_leak,
                         allowed="with a plant on natural gas, such as gas-turbine")  # fmt: skip
    air = [sky.temperature for sky in site_weather_years if sky.temperature is not None]
    given = {name: at_year(price, scenario_year) for name, price in supply_fuel_prices.items()}
    country = country_of(site_site)

    def credits(name: str) -> tuple[Credit, ...]:
        first, served = supply_arrivals.begun(name, scenario_year)
        return credits_of(name, country, begun=first, served=served)

    plants = plants_here(
        case=case,
        names=names,
        limits={name: most for name, most in supply_limits.items() if plant_id("", name) not in gone},
        year=scenario_year,
        rate=economics_discount_rate,
        grid=grid_at(supply_grid, case),
        grid_given=supply_grid_given,
        profile=profiles(site_weather_years, supply_capacity_factors, place=site_site.name),
        fuel_prices=given,
        fuel_stock=supply_fuel_stock or 0.0,
        country=country,
        market=supply_carbon_market,
        credits=credits if supply_credits == LAW else None,
        temperature=np.concatenate(air) if air else None,
        boundary=carbon_boundary,
        leak=leak,
    )
    return tuple(fuelled(plant, case, scenario_year, given, country.hubs()) for plant in plants)
