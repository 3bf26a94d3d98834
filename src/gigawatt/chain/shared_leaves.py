"""Leaves that training and serving share: chip and size, site, grid, plants and terms of supply, money."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.filler import Filler, beside, clock_rows
from gigawatt.chain.supply.allowed import every_plant, names_plants
from gigawatt.chain.supply.arrivals import fill_arrivals
from gigawatt.chain.supply.candidates import fuel_id, plant_id
from gigawatt.chain.supply.grid_tariff import assumed_of
from gigawatt.chain.supply.grid_terms import GRID_TERMS, read_peak_hours
from gigawatt.chain.supply.grid_trade import assumed_of_prices, read_agreements
from gigawatt.chain.supply.hedges import HEDGE, RIGHT, Position, read_hedge, read_right
from gigawatt.chain.supply.markets import fill_carbon, fill_fuels
from gigawatt.chain.supply.terms import COMPUTED, read_flexible, read_matching, read_reliability
from gigawatt.chain.supply.weather_years import grid_of, weather_years
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.evidence import Evidence
from gigawatt.core.graph import Leaf
from gigawatt.core.once import once, stamp
from gigawatt.core.quantities import show
from gigawatt.facility import country_of, load_site, load_weather
from gigawatt.facility.weather import move_to_design, scale_wind
from gigawatt.machine import Chip
from gigawatt.machine.conditions import condition_rows, conditioned
from gigawatt.machine.prices import bought_in, sold
from gigawatt.money import discount_rate
from gigawatt.performance.serving.power import least_serving_cap
from gigawatt.power import Grid, default_not_served_price
from gigawatt.power.market.hours import read_price_year
from gigawatt.power.market.own_hours import read_own_hours
from gigawatt.power.resource.hours_file import read_shares
from gigawatt.power.resource.profiles import leave_out
from gigawatt.power.resource.wind import raised_wind
from gigawatt.power.tariff import read_tariff
from gigawatt.schema.fields import SERVING, TRAINING
from gigawatt.schema.values import ByYear, at_year

Array = NDArray[np.float64]

__all__ = [
    "fill_chip", "fill_cooling", "fill_grid", "fill_money", "fill_place", "fill_spares", "fill_supply",
    "fill_year", "grid_terms", "limit_in",
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
    if economics.chip_resale is not None:
        chip = sold(chip, economics.chip_resale)
    _check_bought(fill, chip)
    energy, hot = machine.operand_energy, machine.die_temperature
    for name, value in (("operand_energy", energy), ("die_temperature", hot)):
        if value is not None and fill.loaded.serves:
            said = fill.loaded.written.get(f"machine.{name}", value)
            error = InputError("belongs to training: a service does not read it", given=said)
            raise fill.loaded.blame(error, f"machine.{name}")
    chip = conditioned(chip, operand_energy=1.0 if energy is None else energy, temperature=hot)
    if hot is not None:
        rows = (*rows, *condition_rows())
    kernels = catalog.entity("kernels", chip.kernels or "default").rows()
    fill.written("machine.chip", "machine.chip", chip, (*chip.evidence.values(), *kernels, *rows))
    fill.begun("machine.chip", "machine.chip", "chips")
    cap = machine.power_cap
    if cap is not None and fill.loaded.serves:
        fill.ask("machine.power_cap", lambda: _check_cap(chip, cap))
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


def _check_cap(chip: Chip, cap: float) -> None:
    """Raise where accelerators that serve cannot be held to ``cap`` [W], or are held to less already.

    Raises
    ------
    InputError
        Above the chip's own limit.
    InfeasibleError
        Below what it draws idle, or as kernels run at its least clock.
    """
    least = math.ceil(least_serving_cap(chip))
    allowed = f"{least:,} to {chip.power_limit:,.0f} W"
    if cap > chip.power_limit:
        raise InputError(f"above the power limit of {chip.name}", given=show(cap, "W"), allowed=allowed)
    if cap < least:
        raise InfeasibleError(f"below what {chip.name} draws idle or at its least clock",
                              given=show(cap, "W"), allowed=allowed)  # fmt: skip


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
    return key, (place.name, file, place.design_hot, place.design_cold, place.wind_speed)


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
    site = fill.ask("site.name", lambda: once(("site", place.name), lambda: load_site(place.name)))
    fill.written("site.site", "site.name", site)
    key, here = _weather_key(fill)
    source = site if place.weather is None else Path(beside(fill.loaded, place.weather))
    weather = fill.ask(key, lambda: once(("weather", here), lambda: load_weather(source, site=site)))
    design = {name: getattr(place, f"design_{name}") for name in ("hot", "cold")}
    if any(value is not None for value in design.values()):
        key = "site.design_hot" if place.design_hot is not None else "site.design_cold"
        weather = fill.ask(key, lambda: move_to_design(weather, **design))
    if (mean := place.wind_speed) is not None:
        weather = fill.ask("site.wind_speed", lambda: scale_wind(weather, mean))
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
        site,
        weather,
        place.weather_years,
        of_file=place.weather is not None,
        scaled=place.wind_speed is not None,
    )
    skies, assumed = fill.ask(key, lambda: once(("weather_years", here), read_years))
    fill.written("site.weather_years", key, skies)
    fill.assumptions += assumed
    terms, made = grid_terms(fill, skies[0].time_zone)
    read_grid = lambda: grid_of(site.grid, scenario.year, skies, *terms)  # noqa: E731
    key = "site.name" if supply.grid.basis is None else "supply.grid.basis"
    grid = fill.ask(key, lambda: once(("grid", here, site.grid, scenario.year, made), read_grid))
    fill.written("supply.grid", "site.name", grid)
    given = {name: getattr(supply.grid, name) for name in ("limit", "counts")}
    given |= {name: one for name in GRID_TERMS if (one := getattr(supply.grid, name)) is not None}
    if (rule := given.get("peak_hours")) is not None:
        given["peak_hours"] = fill.ask("supply.grid.peak_hours", lambda: read_peak_hours(rule))
    elif given.get("peak_charge"):
        given["peak_hours"] = fill.listed("supply.grid.peak_hours")
    if (named := given.get("tariff")) is not None:
        name = str(beside(fill.loaded, named))
        given["tariff"] = fill.ask("supply.grid.tariff", lambda: read_tariff(name))
        fill.assumptions.append(assumed_of(given["tariff"]))
    elif "contract" in given:
        error = InputError("no tariff takes a share of it", allowed="supply.grid.tariff as well")
        raise fill.loaded.blame(error, "supply.grid.contract")
    _agreements(fill, grid.id, given)
    _hedges(fill, grid, given)
    fill.written("supply.grid_given", "supply.grid", given)


def grid_terms(fill: Filler, time_zone: float) -> tuple[tuple[Any, ...], Hashable]:
    """(means, year, delivery, own hours, boundary, residual mix and basis; what these depend on)."""
    grid, key = fill.loaded.scenario.supply.grid, "supply.grid.hours"
    written, file = grid.year, grid.hours
    year = None if written is None else fill.ask("supply.grid.year", lambda: read_price_year(written))
    means = at_year(grid.price, fill.loaded.scenario.year), grid.carbon, grid.water, year, grid.delivery
    beside_them = fill.loaded.scenario.carbon.boundary, grid.residual_carbon, grid.basis
    if file is None:
        return (*means, None, *beside_them), (*means, *beside_them)
    path = Path(beside(fill.loaded, file))
    own = fill.ask(key, lambda: read_own_hours(path, time_zone=time_zone))
    return (*means, own, *beside_them), (*means, *beside_them, stamp(path), time_zone)


def _agreements(fill: Filler, grid: str, given: dict[str, Any]) -> None:
    """Power purchase agreements into the terms of the connection."""
    supply = fill.loaded.scenario.supply
    if supply.ppa is None:
        if supply.ppa_price is not None:
            error = InputError("no agreement has this price", allowed="supply.ppa as well")
            raise fill.loaded.blame(error, "supply.ppa_price")
        return
    text = supply.ppa
    found, rows = fill.ask("supply.ppa", lambda: read_agreements(text, supply.ppa_price, grid))
    given["ppa"] = found
    fill.assumptions += assumed_of_prices(rows)


def _hedges(fill: Filler, grid: Grid, given: dict[str, Any]) -> None:
    """Hedges and congestion rights into the terms of the connection."""
    supply = fill.loaded.scenario.supply
    own, held = supply.grid.hours is not None, list[Position]()
    for key, text, read in (
        (HEDGE, supply.hedge, partial(read_hedge, grid=grid, own=own)),
        (RIGHT, supply.congestion_right, partial(read_right, grid=grid)),
    ):
        if text is not None:
            positions, told = fill.ask(key, lambda read=read, text=text: read(text))
            held += positions
            fill.assumptions += told
    if held:
        given["hedges"] = tuple(held)


def fill_supply(fill: Filler) -> None:
    """Plants that may be built, limits and terms of the supply."""
    supply = fill.loaded.scenario.supply
    _plants(fill, supply)
    fill.written("supply.limits", "supply.limits", dict(supply.limits))
    _leave_out(fill, supply)
    fill_arrivals(fill)
    year = fill.loaded.scenario.year
    fill.written("supply.carbon_limit", "supply.carbon_limit", limit_in(supply.carbon_limit, year))
    fill_carbon(fill)
    fill.written("supply.fuel_prices", "supply.fuel_prices", _by_fuel(fill, supply.fuel_prices))
    fill_fuels(fill)
    fill.written("supply.credits", "supply.credits", supply.credits)
    fill.written("supply.fuel_stock", "supply.fuel_stock", supply.fuel_stock)
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


def _plants(fill: Filler, supply: Any) -> None:
    """The plants that may be built: those named, the usual ones, or every one."""
    if names_plants(supply.plants) or supply.plants is None:
        fill.given_or_default("supply.plants", supply.plants, lambda t: tuple(t.split("|")))
        return
    factors, row = "supply.capacity_factors", catalog.entity("defaults", "supply.not_in_all")
    given = {fill.ask(factors, lambda n=name: plant_id(factors, n)) for name in supply.capacity_factors}
    names = every_plant(given)
    fill.default("supply.plants", names, "|".join(names), row.text("reason"), row)


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
    if not names_plants(supply.plants):
        shown, reason = "|".join(kept), f"{leaf.reason}; {told}"
        fill.assumptions = [
            replace(one, value=shown, reason=reason) if one.key == key else one for one in fill.assumptions
        ]
        leaf = replace(leaf, written=shown, reason=reason)
    if names_plants(supply.plants) or stay != limits.value:
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
    given = supply.flexible
    if given == COMPUTED and fill.loaded.branch in (TRAINING, SERVING):
        given = None  # what runs or serves says it
        if supply.deferrable is not None:
            error = InputError("nothing waits beside what is computed", given=supply.deferrable,
                               allowed=f"without supply.flexible: {COMPUTED}")  # fmt: skip
            raise fill.loaded.blame(error, key)
    cut = fill.ask("supply.flexible", lambda: read_flexible(given))
    both = fill.ask(key, lambda: read_flexible(given, supply.deferrable)) or cut
    fill.written("supply.flexible", key, both)
    fill.written("supply.flexible_given", key, both)
    fill.written("scenario.flexible", "supply.flexible", supply.flexible)


def fill_money(fill: Filler) -> None:
    """Discount rate, and the life of accelerators where it is given."""
    economics = fill.loaded.scenario.economics
    if economics.discount_rate is not None:
        fill.written("economics.discount_rate", "economics.discount_rate", economics.discount_rate)
    else:
        country = country_of(fill.leaves["site.site"].value)
        asked = country.row_with("risk_premium")
        premium = None if asked is None else asked.evidence("risk_premium")
        rate, assumed = discount_rate(premium=premium, place=country.name)
        finance = catalog.entity("finance", "hyperscaler").evidence("discount_rate")
        fill.leaves["economics.discount_rate"] = Leaf(
            rate,
            "catalog",
            reason=assumed.reason,
            written=assumed.value,
            evidence=(finance,) if premium is None or premium.value == 0.0 else (finance, premium),
        )
        fill.assumptions.append(assumed)
    fill.written("economics.chip_life", "economics.chip_life", economics.chip_life)
