"""Plants that may be built at a site in a year: what the chain and `plan-supply` choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.money import capital_recovery_factor
from gigawatt.power import Grid, Plant, build_plant

__all__ = ["delivered_price", "fuel_id", "fuelled", "grid_at", "plant_id", "plants_here"]

Array = NDArray[np.float64]


def plant_id(key: str, name: str) -> str:
    """The id of a plant called by its id or an alias; an unknown one is an ``InputError`` of ``key``."""
    try:
        return catalog.entity("plants", name).id
    except InputError:
        known = catalog.table("plants")
        near = nearest(name, known)
        raise InputError(
            "no such plant", key=key, given=name, allowed=", ".join(known), nearest=near
        ) from None


def _mix(grid: Grid) -> Array:
    if grid.clean is None:
        raise MissingDataError(
            f"the mix of the grid {grid.id!r} is unknown, so its clean share cannot count",
            key="grid-counts",
            allowed="matching without it",
        )
    return grid.clean


def delivered_price(fuel: str, year: float, given: Mapping[str, float | None]) -> float | None:
    """Price of a fuel at the plant [$/J of heat] where that at its hub is given, else ``None``."""
    price = given.get(fuel)
    if price is None:
        return None
    row = catalog.entity("fuels", fuel)
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
    case: str = "value",
    key: str = "supply.plants",
    limits_key: str = "supply.limits",
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
        mix counts under hourly matching.
    profile : callable
        Plant's id → its capacity factor by the hour (H,), ``None`` where the weather does not rule it; see
        :func:`gigawatt.power.plant_profiles`.
    temperature : (H,) [K], optional
        Of the air, which derates engines and turbines.
    fuel_prices : mapping
        Price at the hub [$/J of heat] by fuel, in place of the catalog's.
    case : str
        ``value``, ``low`` or ``high`` end of the ranges of capital costs.
    key, limits_key : str
        What names and limits are called where they were given, for errors.

    Raises
    ------
    InputError
        An unknown plant, a limit on a plant that may not be built, stores alone.
    """
    known = catalog.table("plants")
    wanted = tuple(plant_id(key, name) for name in names)
    limits = {plant_id(limits_key, name): limit for name, limit in limits.items()}
    for name in limits:
        if name not in wanted:
            raise InputError("a limit on a plant outside supply.plants", key=limits_key, given=name,
                             allowed=", ".join(wanted))  # fmt: skip

    if not any(known[name].text("kind") != "storage" for name in wanted):
        raise InputError(
            "no plant here makes electricity",
            key=key,
            given=", ".join(wanted),
            allowed="at least one plant that is no store, such as grid",
        )

    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=rate, life=life))

    built: list[Plant] = []
    for name in wanted:
        options: dict[str, Any] = {"limit": limits.get(name)}
        if known[name].text("kind") == "grid":
            given = grid_given.get("limit")
            options = {
                "price": grid.price,
                "carbon": grid.carbon,
                "limit": given if given is not None else limits.get(name),
                "clean": _mix(grid) if grid_given.get("counts") else None,
            }
        else:
            options |= {"profile": profile(name), "temperature": temperature}
            options["fuel_price"] = delivered_price(known[name].text("fuel"), year, fuel_prices)
        built.append(build_plant(name, year=year, capital_recovery=recovery, case=case, **options))
    return tuple(built)


def grid_at(grid: Grid, case: str) -> Grid:
    """The grid with its hours at one end of the range of its mean price."""
    row = grid.evidence.get("price")
    end = None if row is None or case == "value" else (row.low if case == "low" else row.high)
    if row is None or end is None or not row.value > 0.0:
        return grid
    return replace(grid, price=grid.price * (end / row.value))


def fuelled(
    plant: Plant, case: str, year: float, given: Mapping[str, float | None] = MappingProxyType({})
) -> Plant:
    """A plant whose fuel costs what it costs at one end of the range of its price; one that is given has
    none.
    """
    row = catalog.entity("plants", plant.id)
    name = row.text("fuel")
    if not name or case == "value" or given.get(name) is not None:
        return plant
    which = 1 if case == "low" else 2
    if "fuel_cost" in row.numbers:
        middle = row.at("fuel_cost", year)
        share = middle[which] / middle[0] if middle[0] > 0.0 else 1.0
    else:
        fuel = catalog.entity("fuels", name)
        price = fuel.at("price", year)
        delivery = fuel.at("delivery", year)[0] if "delivery" in fuel.numbers else 0.0
        delivered = price[0] + delivery
        share = (price[which] + delivery) / delivered if delivered > 0.0 else 1.0
    return replace(plant, fuel=plant.fuel * share)
