"""Leaves that training and serving share: chip and size, site, grid, plants and terms of supply, money."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.arrivals import fill_arrivals
from gigawatt.chain.candidates import fuel_id, plant_id
from gigawatt.chain.filler import Filler, beside, clock_rows
from gigawatt.chain.supply_terms import read_flexible, read_matching, read_reliability
from gigawatt.chain.weather_years import grid_of, weather_years
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Evidence
from gigawatt.core.graph import Leaf
from gigawatt.core.once import once, stamp
from gigawatt.core.quantities import parse
from gigawatt.facility import load_site, load_weather
from gigawatt.facility.weather import move_to_design
from gigawatt.machine import Chip
from gigawatt.machine.prices import bought_in
from gigawatt.money import discount_rate
from gigawatt.power import default_not_served_price
from gigawatt.power.resource.hours_file import read_shares
from gigawatt.power.resource.profiles import leave_out
from gigawatt.power.resource.wind import raised_wind
from gigawatt.schema.values import ByYear, at_year

Array = NDArray[np.float64]

__all__ = [
    "fill_chip", "fill_cooling", "fill_grid", "fill_money", "fill_place", "fill_spares", "fill_supply",
    "fill_year", "limit_in",
]  # fmt: skip


def fill_chip(fill: Filler, chip: Chip, rows: tuple[Evidence, ...]) -> None:
    """The chip at the price that the scenario gives; ``rows`` are those it is read from beside its own."""
    scenario = fill.loaded.scenario
    machine, economics = scenario.machine, scenario.economics
    if economics.chip_price is not None:
        evidence = {name: row for name, row in chip.evidence.items() if name != "price"}
        chip = replace(chip, price=economics.chip_price, evidence=evidence)
    else:
        chip = bought_in(chip, economics.chip_bought or scenario.year)
    _check_bought(fill, chip)
    kernels = catalog.entity("kernels", chip.kernels or "default").rows()
    fill.written("machine.chip", "machine.chip", chip, (*chip.evidence.values(), *kernels, *rows))
    cap = machine.power_cap
    fill.written("machine.power_cap", "machine.power_cap", cap, () if cap is None else clock_rows(chip))
    key = "machine.count" if machine.count is not None else "machine.power"
    fill.written("machine.size", key, {"count": machine.count, "power": machine.power})
    options = {
        name: getattr(machine, name)
        for name in ("node", "scale_up", "scale_out", "domain", "oversubscription", "topology")
        if getattr(machine, name) is not None
    }
    fill.written("machine.options", "machine", options)
    fill.written("site.oversubscription", "site.oversubscription", scenario.site.oversubscription)


def _check_bought(fill: Filler, chip: Chip) -> None:
    """Raise ``InputError`` of a year of purchase beside a price, or before the chip."""
    economics = fill.loaded.scenario.economics
    if economics.chip_bought is None:
        return
    if economics.chip_price is not None:
        error = InputError("the price is given twice", given="economics.chip_price as well",
                           allowed="economics.chip_price or economics.chip_bought")  # fmt: skip
        raise fill.loaded.blame(error, "economics.chip_bought")
    if economics.chip_bought < chip.year:
        error = InputError(f"{chip.name} is not sold before {chip.year}", given=economics.chip_bought,
                           allowed=f"{chip.year} or later")  # fmt: skip
        raise fill.loaded.blame(error, "economics.chip_bought")


def _weather_key(fill: Filler) -> tuple[str, Hashable]:
    """(key of the scenario that the weather is of, what its reading depends on)."""
    place = fill.loaded.scenario.site
    key = "site.weather" if place.weather else "site.name"
    file = None if place.weather is None else stamp(beside(fill.loaded, place.weather))
    return key, (place.name, file, place.design_hot, place.design_cold)


def fill_year(fill: Filler) -> None:
    """The year of prices, plants and software."""
    year = fill.loaded.scenario.year
    if "year" in fill.loaded.lines:
        fill.written("scenario.year", "year", year)
    else:
        fill.default("scenario.year", year, str(year), "no year is set: software and prices of this year")


def fill_place(fill: Filler) -> None:
    """Site and weather."""
    place = fill.loaded.scenario.site
    site = fill.ask("site.name", lambda: load_site(place.name))
    fill.written("site.site", "site.name", site)
    key, here = _weather_key(fill)
    source = site if place.weather is None else Path(beside(fill.loaded, place.weather))
    weather = fill.ask(key, lambda: once(("weather", here), lambda: load_weather(source, site=site)))
    design = {name: getattr(place, f"design_{name}") for name in ("hot", "cold")}
    if any(value is not None for value in design.values()):
        key = "site.design_hot" if place.design_hot is not None else "site.design_cold"
        weather = fill.ask(key, lambda: move_to_design(weather, **design))
    fill.written("site.weather", key, weather)


def fill_cooling(fill: Filler) -> None:
    """The cooling system."""
    cooling = fill.given_or_default("site.cooling", fill.loaded.scenario.site.cooling, str)
    entry = fill.ask("site.cooling", lambda: catalog.entity("cooling", cooling))
    fill.leaves["site.cooling"] = replace(fill.leaves["site.cooling"], value=entry, grade=None)


def fill_spares(fill: Filler) -> None:
    """Spare units of power and cooling, where they are given."""
    spare = fill.loaded.scenario.site.redundancy
    row = (
        None
        if spare is None
        else fill.ask("site.redundancy", lambda: catalog.entity("cooling_redundancy", spare))
    )
    fill.written("site.redundancy", "site.redundancy", row)


def fill_grid(fill: Filler) -> None:
    """The grid at the site in the weather years of the supply; needs the leaves of the building."""
    scenario, (_, here) = fill.loaded.scenario, _weather_key(fill)
    place, supply = scenario.site, scenario.supply
    site, weather = (fill.leaves[name].value for name in ("site.site", "site.weather"))
    key = "site.name" if place.weather_years is None else "site.weather_years"
    here = (here, place.weather_years)
    read_years = lambda: weather_years(  # noqa: E731
        site, weather, place.weather_years, of_file=place.weather is not None
    )
    skies, assumed = fill.ask(key, lambda: once(("weather_years", here), read_years))
    fill.written("site.weather_years", key, skies)
    fill.assumptions += assumed
    means = at_year(supply.grid.price, scenario.year), supply.grid.carbon
    read_grid = lambda: grid_of(site.grid, scenario.year, skies, *means)  # noqa: E731
    grid = fill.ask("site.name", lambda: once(("grid", here, site.grid, scenario.year, means), read_grid))
    fill.written("supply.grid", "site.name", grid)
    given = {name: getattr(supply.grid, name) for name in ("limit", "counts")}
    fill.written("supply.grid_given", "supply.grid", given)


def fill_supply(fill: Filler) -> None:
    """Plants that may be built, limits and terms of the supply."""
    supply = fill.loaded.scenario.supply
    fill.given_or_default("supply.plants", supply.plants, lambda t: tuple(t.split("|")))
    fill.written("supply.limits", "supply.limits", dict(supply.limits))
    _leave_out(fill, supply)
    fill_arrivals(fill)
    year = fill.loaded.scenario.year
    fill.written("supply.carbon_limit", "supply.carbon_limit", limit_in(supply.carbon_limit, year))
    price = at_year(supply.carbon_price, year)
    fill.given_or_default("supply.carbon_price", price, lambda t: parse(t, "$/kg"))
    fill.written("supply.fuel_prices", "supply.fuel_prices", _by_fuel(fill, supply.fuel_prices))
    fill.written("supply.capacity_factors", "supply.capacity_factors", _factors(fill, supply))
    if supply.not_served_price is not None:
        fill.written("supply.not_served_price", "supply.not_served_price", supply.not_served_price)
    else:
        price, why = default_not_served_price()
        fill.leaves["supply.not_served_price"] = Leaf(
            price, "default", reason=why.reason, written=why.value, grade=why.grade
        )
        fill.assumptions.append(why)
    _terms(fill, supply)


def _leave_out(fill: Filler, supply: Any) -> None:
    """Take the plants out that this weather does not drive and no hours are given of, and their limits."""
    key, leaf, sky = "supply.plants", fill.leaves["supply.plants"], fill.leaves["site.weather"]
    factors = "supply.capacity_factors"
    given = {fill.ask(factors, lambda n=name: plant_id(factors, n)) for name in supply.capacity_factors}
    ids = fill.ask(key, lambda: tuple(plant_id(key, name) for name in leaf.value))
    place = fill.leaves["site.site"].value.name if fill.loaded.scenario.site.weather is None else sky.value.id
    kept, told = fill.ask(key, lambda: leave_out(sky.value, ids, place=place, given=given))
    raised = raised_wind(sky.value)
    driver = {name: catalog.entity("plants", name).text("profile") for name in kept if name not in given}
    if raised is not None and "wind" in driver.values():
        fill.assumptions.append(raised)
    if not told:
        return
    limits, gone = fill.leaves["supply.limits"], {name for name in ids if name not in kept}
    limit_id = lambda name: fill.ask("supply.limits", lambda: plant_id("supply.limits", name))  # noqa: E731
    stay = {name: most for name, most in limits.value.items() if limit_id(name) not in gone}
    if stay != limits.value:
        fill.leaves["supply.limits"] = replace(limits, value=stay)
        told += "; its limit goes with it"
    if supply.plants is None:
        shown, reason = "|".join(kept), f"{leaf.reason}; {told}"
        fill.assumptions = [
            replace(one, value=shown, reason=reason) if one.key == key else one for one in fill.assumptions
        ]
        leaf = replace(leaf, written=shown, reason=reason)
    if supply.plants is not None or stay != limits.value:
        fill.leaves["site.weather"] = replace(
            sky, value=replace(sky.value, warnings=(*sky.value.warnings, told))
        )
    fill.leaves[key] = replace(leaf, value=kept)


def _by_fuel(fill: Filler, given: Mapping[str, ByYear]) -> dict[str, ByYear]:
    key = "supply.fuel_prices"
    return {fill.ask(f"{key}.{name}", lambda n=name: fuel_id(key, n)): price for name, price in given.items()}


def _factors(fill: Filler, supply: Any) -> dict[str, Array]:
    """Capacity factors of one year by plant, from the files that are named."""
    key, found = "supply.capacity_factors", dict[str, Array]()
    for name, file in supply.capacity_factors.items():
        plant = fill.ask(f"{key}.{name}", lambda n=name: plant_id(key, n))
        found[plant] = fill.ask(
            f"{key}.{name}", lambda f=file: read_shares(Path(beside(fill.loaded, f)), key=key)
        )
    return found


def limit_in(path: ByYear | None, year: float) -> float | None:
    """A limit in a year: none before the first year that it is given for."""
    return None if isinstance(path, tuple) and year < path[0][0] else at_year(path, year)


def _terms(fill: Filler, supply: Any) -> None:
    """The terms of the supply; ``None`` where left out."""
    needed, share = supply.reliability, supply.matching
    limit = None if needed is None else fill.ask("supply.reliability", lambda: read_reliability(needed))
    fill.written("supply.not_served_limit", "supply.reliability", limit)
    fill.written("supply.units", "supply.units", supply.units)
    fill.written("supply.fuel_lines", "supply.fuel_lines", supply.fuel_lines)
    matched = None if share is None else fill.ask("supply.matching", lambda: read_matching(share))
    fill.written("supply.matching", "supply.matching", matched)
    key = "supply.flexible" if supply.deferrable is None else "supply.deferrable"
    cut = fill.ask("supply.flexible", lambda: read_flexible(supply.flexible))
    both = fill.ask(key, lambda: read_flexible(supply.flexible, supply.deferrable)) or cut
    fill.written("supply.flexible", key, both)


def fill_money(fill: Filler) -> None:
    """Discount rate, and the life of accelerators where it is given."""
    economics = fill.loaded.scenario.economics
    if economics.discount_rate is not None:
        fill.written("economics.discount_rate", "economics.discount_rate", economics.discount_rate)
    else:
        rate, assumed = discount_rate()
        finance = catalog.entity("finance", "hyperscaler").evidence("discount_rate")
        fill.leaves["economics.discount_rate"] = Leaf(
            rate, "catalog", reason=assumed.reason, written=assumed.value, evidence=(finance,)
        )
        fill.assumptions.append(assumed)
    fill.written("economics.chip_life", "economics.chip_life", economics.chip_life)
