"""Reading a question of supply: a load at a site in a year, and the plants that may carry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.asked import Told, quantity, year_of
from gigawatt.chain.candidates import plant_id, plants_here
from gigawatt.chain.supply_terms import read_flexible, read_matching, read_reliability
from gigawatt.chain.weather_years import grid_of, profiles, weather_years
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import HOURS_PER_YEAR, parse
from gigawatt.facility import LoadShape, Site, Weather, facility_load, load_site, load_weather
from gigawatt.money import discount_rate
from gigawatt.power import Flexible, Grid, Plant, default_not_served_price
from gigawatt.power.resource.hours_file import read_hours, read_shares

__all__ = [
    "PROFILES",
    "SupplyQuestion",
    "find_site",
    "fuelled",
    "grid_at",
    "read_load",
    "read_supply_question",
]

Array = NDArray[np.float64]

PROFILES = ("flat", "serving")
HOURS = int(HOURS_PER_YEAR)
_FILES = (".csv", ".txt")


@dataclass(frozen=True)
class SupplyQuestion:
    """A load and the plants that may carry it.

    ``load`` (H,) [W] at the meter, of ``weather_years`` years one after another; ``building`` where the load
    was given at the racks. ``plants`` with the middle of their costs, ``low`` and ``high`` the same with
    both ends of them. ``carbon_limit`` [kg/J], ``carbon_price`` [$/kg], ``not_served_price`` [$/J],
    ``not_served_limit`` a share of the energy. ``flexible`` is what may be cut or wait; ``matching`` is the
    share of every hour's load that clean plants and stores must give.
    """

    site: Site
    weather: Weather
    year: int
    load: Array = field(repr=False)
    profile: str
    plants: tuple[Plant, ...]
    low: tuple[Plant, ...] = field(repr=False)
    high: tuple[Plant, ...] = field(repr=False)
    grid: Grid
    rate: float
    carbon_limit: float | None
    carbon_price: float
    not_served_price: float
    not_served_limit: float | None
    flexible: Flexible | None = None
    matching: float | None = None
    weather_years: int = 1
    building: LoadShape | None = field(default=None, repr=False)
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)
    notices: tuple[str, ...] = ()


def find_site(name: str) -> Site:
    """A site of the catalog by id, alias, or the words of its id, name and country in any order.

    Raises
    ------
    InputError
        No site has these words (names the nearest), or several have.
    """
    try:
        return load_site(name)
    except InputError:
        pass
    sites = catalog.table("sites")
    wanted = _words(name)
    found = [
        row.id
        for row in sites.values()
        if wanted and wanted <= _words(f"{row.id} {row.text('name')} {row.text('country')}")
    ]
    if len(found) == 1:
        return load_site(found[0])
    if found:
        raise InputError("several sites have these words", key="site", given=name, allowed=", ".join(found))
    aliases = [alias for row in sites.values() for alias in row.text("aliases").split("|") if alias]
    words = {word: row.id for row in sites.values() for word in sorted(_words(row.text("name")))}
    near = nearest(name, [*words, *sites, *aliases])
    known = {*sites, *aliases}
    raise InputError(
        "no such site",
        key="site",
        given=name,
        allowed="a row of `gigawatt catalog list sites`, or words of its name",
        nearest=near if near is None or near in known else words[near],
    )


def _words(text: str) -> set[str]:
    return {word for word in "".join(c if c.isalnum() else " " for c in text.lower()).split() if word}


def read_load(*, load: str | None, profile: str | None, time_zone: float, year: int) -> tuple[Array, str]:
    """(W in each hour of the year of local standard time (8760,), what it is in words).

    Parameters
    ----------
    load : str, optional
        The highest hour, such as ``1 GW``; may be left out where a file has watts.
    profile : str, optional
        ``flat``, ``serving`` (the days of the catalog's usual ``traces_shapes``), a row of ``traces_shapes``,
        or a CSV file of 8,760 numbers, with or without a head ``load [MW]``.
    time_zone : float [h]
        Of the site.
    year : int
        Whose weekdays count.
    """
    power = None if load is None else quantity("load", load, "W", "1 GW")
    if power is not None and not power > 0.0:
        raise InputError("no load", key="load", given=load, allowed="more than 0, such as '1 GW'")
    name = profile or "flat"
    if Path(name).suffix.lower() in _FILES:
        values, absolute = read_hours(Path(name), key="profile")
        if power is None and not absolute:
            raise InputError(
                "how much?", key="load", allowed="--load, or a file with a head such as 'load [MW]'"
            )
        peak = float(values.max())
        words = f"hours of {Path(name).name}"
        return (values if power is None else values * (power / peak)), words
    if power is None:
        raise InputError("how much?", key="load", allowed="the highest hour, such as --load 1GW")
    if name == "flat":
        return np.full(HOURS, power), "the same in every hour"
    shapes = catalog.table("traces_shapes")
    shape = catalog.entity("defaults", "serving.shape").text("text") if name == "serving" else name
    if shape not in shapes:
        known = (*PROFILES, *shapes)
        raise InputError(
            "no such profile of a load",
            key="profile",
            given=name,
            allowed=(*known, "a CSV file of 8,760 hours"),
            nearest=nearest(name, known),
        )
    from gigawatt.chain.serving.day import read_week  # it brings all of serving

    week = read_week(shape, days=None, time_zone=time_zone)
    values = week.levels[week.of_year(year)].ravel()
    return values * (power / float(values.max())), f"follows the requests of {shape}"


def read_supply_question(
    *,
    site: str,
    load: str | None = None,
    year: int | None = None,
    profile: str | None = None,
    cooling: str | None = None,
    weather: str | None = None,
    years: int | None = None,
    plants: Sequence[str] | None = None,
    limits: Mapping[str, str] | None = None,
    capacity_factors: Mapping[str, str] | None = None,
    carbon: str | None = None,
    carbon_price: str | None = None,
    price: str | None = None,
    grid_carbon: str | None = None,
    reliability: str | None = None,
    not_served_price: str | None = None,
    discount: str | None = None,
    flexible: str | None = None,
    deferrable: str | None = None,
    matching: str | None = None,
    grid_counts: bool = False,
) -> SupplyQuestion:
    """Everything that a plan needs, from what a person wrote; what is left out is the catalog's, told.

    See docs/plan-supply.md for every word. Raises ``InputError`` of the option that cannot be read.
    """
    told = Told()
    place = find_site(site)
    when = year_of(told, year)
    sky = load_weather(place if weather is None else Path(weather))
    told.assumptions += sky.assumptions
    power, words = read_load(load=load, profile=profile, time_zone=place.time_zone, year=sky.year)
    building = None
    if cooling is not None:
        try:
            row = catalog.entity("cooling", cooling)
        except InputError as error:
            raise error.at(key="cooling") from None
        building = facility_load(it_power=power, weather=sky, cooling=row)
        told.assumptions += building.assumptions
        power = building.facility
        words += f"; {row.id} adds to the power at the racks (PUE {building.annual_pue:.3g})"
    paid_grid = None if price is None else _not_negative("price", price, "$/J", "60 $/MWh")
    dirt = None if grid_carbon is None else _not_negative("grid-carbon", grid_carbon, "kg/J", "300 g/kWh")
    skies, why_years = weather_years(place, sky, years)
    told.assumptions += why_years
    power = np.tile(power, len(skies))
    grid = grid_of(place.grid, when, skies, paid_grid, dirt)
    names = tuple(plants) if plants else tuple(told.default("supply.plants").text("text").split("|"))
    if any(_kind(name) == "grid" for name in names):
        told.assumptions += grid.assumptions
    rate = _rate(told, discount)
    bounds = {name: _not_negative("limit", text, "W", "300 MW") for name, text in (limits or {}).items()}
    options = {
        "names": names,
        "grid_given": {"counts": grid_counts},
        "limits": bounds,
        "year": when,
        "rate": rate,
        "profile": profiles(skies, _from_files(capacity_factors or {})),
        "temperature": None if sky.temperature is None else np.tile(sky.temperature, len(skies)),
        "key": "plants",
        "limits_key": "limit",
    }
    low, middle, high = (
        plants_here(grid=grid if price else grid_at(grid, case), case=case, **options)
        for case in ("low", "value", "high")
    )
    for plant in middle:
        told.assumptions += plant.assumptions
    if carbon_price is None:
        paid = parse(told.default("supply.carbon_price").text("text"), "$/kg")
    else:
        paid = _not_negative("carbon-price", carbon_price, "$/kg", "100 $/t")
    if not_served_price is None:
        lost, why = default_not_served_price()
        told.assumptions.append(why)
    else:
        lost = _not_negative("not-served-price", not_served_price, "$/J", "10000 $/MWh")
    return SupplyQuestion(
        site=place,
        weather=sky,
        year=when,
        load=power,
        profile=words,
        plants=middle,
        low=tuple(fuelled(plant, "low", when) for plant in low),
        high=tuple(fuelled(plant, "high", when) for plant in high),
        grid=grid,
        rate=rate,
        carbon_limit=None if carbon is None else _not_negative("carbon", carbon, "kg/J", "20 g/kWh"),
        carbon_price=paid,
        not_served_price=lost,
        not_served_limit=None if reliability is None else read_reliability(reliability),
        flexible=read_flexible(flexible, deferrable),
        matching=None if matching is None else read_matching(matching),
        weather_years=len(skies),
        building=building,
        assumptions=tuple(dict.fromkeys(told.assumptions)),
    )


def _from_files(given: Mapping[str, str]) -> dict[str, Array]:
    """Capacity factors of one year by plant, from the files that were named."""
    key = "capacity-factor"
    return {plant_id(key, name): read_shares(Path(file), key=key) for name, file in given.items()}


def _kind(name: str) -> str:
    """The kind of a plant; empty for a name that the catalog does not know, refused later."""
    try:
        return catalog.entity("plants", name).text("kind")
    except InputError:
        return ""


def _not_negative(key: str, text: str, unit: str, example: str) -> float:
    value = quantity(key, text, unit, example)
    if value < 0.0:
        raise InputError("below nothing", key=key, given=text, allowed=f"0 or more, such as {example!r}")
    return value


def _rate(told: Told, given: str | None) -> float:
    if given is None:
        rate, why = discount_rate()
        told.assumptions.append(why)
        return rate
    rate = quantity("discount", given, "1", "7 %")
    if not 0.0 <= rate < 1.0:
        raise InputError("out of range", key="discount", given=given, allowed="0 to below 100 %")
    return rate


def grid_at(grid: Grid, case: str) -> Grid:
    """The grid with its hours at one end of the range of its mean price."""
    row = grid.evidence.get("price")
    end = None if row is None or case == "value" else (row.low if case == "low" else row.high)
    if row is None or end is None or not row.value > 0.0:
        return grid
    return replace(grid, price=grid.price * (end / row.value))


def fuelled(plant: Plant, case: str, year: int) -> Plant:
    """A plant whose fuel costs what it costs at one end of the range of its price."""
    row = catalog.entity("plants", plant.id)
    name = row.text("fuel")
    if not name:
        return plant
    which = 1 if case == "low" else 2
    if "fuel_cost" in row.numbers:
        middle = row.at("fuel_cost", year)
        share = middle[which] / middle[0] if middle[0] > 0.0 else 1.0
    else:
        fuel = catalog.entity("fuels", name)
        price = fuel.at("price", year)
        delivery = fuel.at("delivery", year)[0] if "delivery" in fuel.numbers else 0.0
        whole = price[0] + delivery
        share = (price[which] + delivery) / whole if whole > 0.0 else 1.0
    return replace(plant, fuel=plant.fuel * share)
