"""A supply question: the load, site, plants and terms of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import Entity
from gigawatt.chain.graph import graph_of, refuse_unread
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.question_words import HERE, Words
from gigawatt.chain.site.load import profile_words
from gigawatt.chain.study import assumptions_of, blame
from gigawatt.chain.supply.arrivals import Arrivals
from gigawatt.chain.supply.candidates import candidates_in
from gigawatt.chain.supply.markets import carbon_price
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption
from gigawatt.core.graph import Graph
from gigawatt.facility import LoadShape, Site, Weather, country_of, load_site
from gigawatt.power import Flexible, Grid, Plant
from gigawatt.power.adequacy import WHOLE
from gigawatt.power.carbon import SUPPLY_CHAIN
from gigawatt.schema.changed import scenario_of, scenario_with
from gigawatt.schema.scenario import LoadedScenario, read_scenario

__all__ = ["SupplyQuestion", "question_of", "read_supply_question"]

Array = NDArray[np.float64]

_TARGETS = ("supply.plan", "facility.capacity_chain")
_BUILDING = "facility.building"
_OF_BUILDING = ("site.cooling", "site.redundancy", "site.pue")
_PRICE = "supply.price"
_NEEDS = ("facility.load", "supply.candidates", "supply.arrivals")
_TABLES = (".csv", ".txt")
_FILES = (".yaml", ".yml")
_WORDS = {
    "year": "year", "cooling": "site.cooling", "weather": "site.weather", "years": "site.weather_years",
    "plants": "supply.plants", "limits": "supply.limits", "capacity_factors": "supply.capacity_factors",
    "carbon": "supply.carbon_limit", "carbon_price": "supply.carbon_price", "price": "supply.grid.price",
    "grid_carbon": "supply.grid.carbon", "reliability": "supply.reliability",
    "not_served_price": "supply.not_served_price", "discount": "economics.discount_rate",
    "flexible": "supply.flexible", "deferrable": "supply.deferrable", "matching": "supply.matching",
    "grid_counts": "supply.grid.counts", "tariff": "supply.grid.tariff",
    "ordered": "supply.ordered", "ready": "supply.ready",
}  # fmt: skip
"""Keyword → field of the scenario."""


@dataclass(frozen=True)
class SupplyQuestion:
    """A load and the plants that may carry it.

    ``load`` (H,) [W] at the meter while it is drawn, for the share ``duty`` of the time, of ``weather_years``
    years one after another; ``building`` where it is more than the load at the meter, with its
    ``redundancy``. ``plants`` with the middle of their costs, ``low`` and ``high`` the same with both ends of
    them. ``carbon_limit`` [kg/J], ``carbon_price`` [$/kg] with its ``carbon_ends``, ``not_served_price``
    [$/J], ``not_served_limit`` a share of the energy. ``flexible`` is what may be cut or wait;
    ``matching`` is the share of every hour's load that clean plants and stores must give; ``units`` is
    ``whole`` or ``any``, ``fuel_lines`` those of each fuel; ``arrivals``: when plants are there;
    ``boundary``: what carbon counts.
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
    carbon_ends: tuple[float, float]
    not_served_price: float
    not_served_limit: float | None
    arrivals: Arrivals = field(repr=False)
    flexible: Flexible | None = None
    matching: float | None = None
    weather_years: int = 1
    units: str = WHOLE
    fuel_lines: int = 1
    duty: float = 1.0
    boundary: str = SUPPLY_CHAIN
    building: LoadShape | None = field(default=None, repr=False)
    redundancy: Entity | None = None
    assumptions: tuple[Assumption, ...] = field(default=(), repr=False)
    notices: tuple[str, ...] = ()


def read_supply_question(
    *,
    site: str,
    load: str | None = None,
    profile: str | None = None,
    settings: Mapping[str, object] | None = None,
    **words: Any,
) -> SupplyQuestion:
    """The question of the given words; values left out come from the catalog and are listed as assumptions.

    Parameters
    ----------
    site : str
        A site of the catalog by id, alias or words of its name; or the file of a scenario, whose load is
        planned for.
    load, profile : str, optional
        Power in the highest hour, at the meter, or at the racks where a cooling system is given; its shape
        over the hours, or a file of watts.
    settings : mapping, optional
        Fields of a scenario: ``{"load.mean": "100 MW", "supply.fuel_prices.natural-gas": "9 $/MMBtu"}``.
    **words
        ``year, cooling, weather, years, plants, limits, capacity_factors, carbon, carbon_price, price,
        grid_carbon, reliability, not_served_price, discount, flexible, deferrable, matching, grid_counts,
        tariff, ordered, ready``:
        docs/plan-supply.md has every one.

    Raises
    ------
    InputError
        A word that cannot be read, with its name; a field of the scenario, with its file and line.
    """
    unknown = sorted(words.keys() - _WORDS.keys())
    if unknown:
        raise TypeError(f"read_supply_question() got an unexpected keyword argument {unknown[0]!r}")
    keys = Words("plan-supply", {})
    file = Path(site) if site.endswith(_FILES) else None
    if file is None:
        keys.word("site", "site.name", site)
    hours = profile is not None and load is None and Path(profile).suffix.lower() in _TABLES
    keys.word("profile", "load.hours" if hours else "load.profile", profile)
    if load is not None and Path(load).suffix.lower() in _TABLES:
        allowed = f"a number such as '1 GW', or --set load.hours={load} for its hours"
        raise InputError("a file, not a quantity", key="load", given=load, allowed=allowed)
    keys.word("load", "load.peak" if words.get("cooling") is None else "load.it_peak", load)
    plants = words.get("plants")
    if isinstance(plants, str):
        words["plants"] = [one.strip() for one in plants.split(",")]
    for name, value in words.items():
        read = value if isinstance(value, Mapping | str | bool) or value is None else _plain(value)
        keys.word(name, _WORDS[name], read or None)
    keys.settings(settings or {})
    with keys.named():
        if file is not None:
            return question_of(scenario_with(read_scenario(file), keys.values))
        if not any(key.startswith("load.") for key in keys.values):
            keys.values["load"] = {}  # asked for nothing: the graph says what is missing
        return question_of(scenario_of(keys.values, HERE))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) else value


def question_of(loaded: LoadedScenario) -> SupplyQuestion:
    """The supply question of a scenario; errors as :func:`read_supply_question`."""
    graph = graph_of(loaded)
    if "supply.candidates" not in graph.nodes:
        error = InputError("all electricity is bought at one price, so there is no supply to plan",
                           given=loaded.written.get(_PRICE), allowed="a scenario without it")  # fmt: skip
        raise loaded.blame(error, _PRICE)
    refuse_unread(loaded, graph, _TARGETS)
    leaves, assumptions = fill_leaves(loaded)
    values = graph.evaluate(
        {name: leaf for name, leaf in leaves.items() if name in graph.nodes},
        blame=lambda error, name: blame(loaded, error, name),
        targets=(*_NEEDS, *graph.nodes["supply.plan"].inputs, *_of_building(loaded, graph)),
    )
    value = {name: one.value for name, one in values.items()}
    needed = graph.nodes["supply.candidates"].inputs
    low, high = (
        candidates_in(case, **{name.replace(".", "_", 1): value[name] for name in needed})
        for case in ("low", "high")
    )
    shape: LoadShape = value["facility.load"]
    skies = value["site.weather_years"]
    weather = value["site.weather"] if "site.weather" in value else skies[0]
    profile, arrivals = value.get("load.profile"), value["supply.arrivals"]
    return SupplyQuestion(
        site=load_site(loaded.scenario.site.name),
        weather=weather,
        year=value["scenario.year"],
        load=np.tile(shape.running, len(skies)),
        duty=shape.duty,
        profile=_in_words(loaded, profile, shape),
        plants=value["supply.candidates"],
        low=low,
        high=high,
        grid=value["supply.grid"],
        rate=value["economics.discount_rate"],
        carbon_limit=value["supply.carbon_limit"],
        carbon_price=value["supply.carbon_price"],
        carbon_ends=_carbon_ends(value),
        not_served_price=value["supply.not_served_price"],
        not_served_limit=value["supply.not_served_limit"],
        flexible=value["supply.flexible"],
        matching=value["supply.matching"],
        weather_years=len(skies),
        units=value["supply.units"],
        fuel_lines=value["supply.fuel_lines"],
        boundary=loaded.scenario.carbon.boundary,
        redundancy=value.get("site.redundancy"),
        building=value.get(_BUILDING, shape if np.any(shape.facility != shape.it) else None),
        assumptions=assumptions_of(
            values, (one for one in assumptions if one.key in values or one.key not in leaves)
        ),
        notices=(*loaded.notices, *weather.warnings, *arrivals.left_out),
        arrivals=arrivals,
    )


def _carbon_ends(value: Mapping[str, Any]) -> tuple[float, float]:
    """Low and high end of the carbon price [$/kg]; one that is given has none."""
    if not value["supply.carbon_market"]:
        return value["supply.carbon_price"], value["supply.carbon_price"]
    _, low, high = carbon_price(country_of(value["site.site"]), value["scenario.year"])[0]
    return low, high


def _of_building(loaded: LoadedScenario, graph: Graph) -> tuple[str, ...]:
    """The building behind a load at the meter, where a field of it is given."""
    given = any(key in loaded.written for key in _OF_BUILDING)
    return (_BUILDING, "site.redundancy") if given and _BUILDING in graph.nodes else ()


def _in_words(loaded: LoadedScenario, profile: str | None, shape: LoadShape) -> str:
    """The source of the load in words."""
    scenario = loaded.scenario
    if scenario.load.hours is not None:
        return profile_words(scenario.load.hours)
    has_load = any(getattr(scenario.load, name) is not None for name in ("peak", "mean", "it_peak"))
    words = profile_words(profile) if has_load else "power of the scenario's machine"
    if scenario.load.it_peak is None:
        return words
    return f"{words}; cooling and power chain add to the power at the racks (PUE {shape.annual_pue:.3g})"
