"""A pathway question: the scenario of a load by year, and the terms of a pathway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.filler import Filler
from gigawatt.chain.graph import graph_of, refuse_unread
from gigawatt.chain.question_words import HERE, Words
from gigawatt.chain.shared_leaves import fill_place
from gigawatt.chain.supply.allowed import barred_words, every_plant, names_plants, not_allowed
from gigawatt.chain.supply.candidates import fuel_id, plant_id
from gigawatt.chain.supply.grid_terms import GRID_TERMS
from gigawatt.chain.supply.orders import Orders, read_orders
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.core.quantities import parse
from gigawatt.facility import country_of
from gigawatt.power.resource.profiles import leave_out
from gigawatt.schema.changed import scenario_of, scenario_with
from gigawatt.schema.scenario import LoadedScenario, read_scenario

__all__ = ["Question", "read_pathway_question", "read_years"]

_YEARS = "2025-2050"
_FILES = (".yaml", ".yml")
_GAS = "natural-gas"
_WORDS = {
    "load": "load.mean", "chip": "machine.chip", "carbon": "supply.carbon_limit",
    "carbon_price": "supply.carbon_price", "gas_price": f"supply.fuel_prices.{_GAS}",
    "grid_price": "supply.grid.price", "plants": "supply.plants", "limit": "supply.limits",
    "discount_rate": "economics.discount_rate", "not_served": "supply.not_served_price",
}  # fmt: skip
"""Keyword → field of the scenario."""
_OF_A_YEAR = (
    "supply.reliability", "supply.matching", "supply.flexible", "supply.deferrable",
    "supply.price", *(f"supply.grid.{name}" for name in GRID_TERMS),
    "supply.ppa", "supply.ppa_price", "supply.hedge", "supply.congestion_right",
)  # fmt: skip
"""Terms of a year's plan that a pathway does not have."""
_PLANNED_BY = "plan-supply, for a year of it"
_WAITS = ("machine.chip", "site.cooling", "site.redundancy", "site.pue")
"""Fields of the accelerators that wait for power, and of their building."""
_MEDIAN = 0.5
"""Probability with which a plant is there in its first step."""
_TARGETS = ("facility.load", "supply.candidates", "supply.plan")


@dataclass(frozen=True)
class Question:
    """A pathway question: a scenario whose load, limits and prices may be given by year, and its terms.

    ``years`` begin the steps and the last lasts to ``end``; ``build_rates`` [W/s] by plant; ``lead_times``
    [s] in place of the catalog's; ``learning`` a rate for each doubling by plant, or ``None`` for the
    catalog's; ``existing`` (plant, W, its first year); ``weeks`` that stand for a year; ``orders`` when
    plants are ordered (left out: as the first step begins), ``chance`` with which they are there; ``known``:
    quantities of the scenario in its first year, by name, where they are computed already; ``shares``
    (decimal year, share of the load that is there from then on) where a campus comes in phases;
    ``accelerators`` that draw the load, where their number is known; ``usual``: its plants are a
    default, of which those that come larger than its load are left out unless one of its terms names them.
    """

    loaded: LoadedScenario
    years: tuple[float, ...]
    end: float
    chip: str
    cut: bool = True
    build_rates: Mapping[str, float] = field(default_factory=lambda: {})
    lead_times: Mapping[str, float] = field(default_factory=lambda: {})
    learning: Mapping[str, float | None] = field(default_factory=lambda: {})
    existing: tuple[tuple[str, float, float], ...] = ()
    case: str = "value"
    weeks: int = 7
    assumptions: tuple[Assumption, ...] = ()
    notices: tuple[str, ...] = ()
    orders: Orders | None = None
    known: Mapping[str, Any] | None = field(default=None, repr=False)
    chance: float = _MEDIAN
    shares: tuple[tuple[float, float], ...] = ()
    accelerators: int | None = None
    usual: bool = False


def read_pathway_question(
    *,
    site: str,
    years: str | None = None,
    every: int = 5,
    whole_steps: bool = False,
    build_rate: Sequence[str] | None = None,
    lead_time: Sequence[str] | None = None,
    existing: Sequence[str] | None = None,
    learning: Sequence[str] | None = None,
    case: str = "value",
    weeks: int = 7,
    limit: Sequence[str] | None = None,
    plants: str | Sequence[str] | None = None,
    settings: Mapping[str, object] | None = None,
    **words: str | None,
) -> Question:
    """The question of the given words.

    Parameters
    ----------
    site : str
        A site (see `load_site`), or the file of a scenario, whose load is planned for.
    years, every, whole_steps
        Where steps begin: a span with years of a step, or years (usually 2025-2050, or 25 years from that
        of the scenario); no steps where a lead time ends.
    limit, build_rate, lead_time, existing, learning : sequence of str, optional
        ``plant=value`` each.
    plants : str or sequence of str, optional
        What may be built.
    settings : mapping, optional
        Fields of a scenario.
    case, weeks
        End of the ranges of capital costs; weeks that stand for a year.
    **words
        ``load, chip, carbon, carbon_price, gas_price, grid_price, discount_rate, not_served``: fields
        of a scenario; a limit, a price or the load is one value, or by year.

    Raises
    ------
    InputError
        A word that cannot be read, a field that a pathway has no use for.
    """
    said = Words("plan-pathway", dict.fromkeys(_OF_A_YEAR, _PLANNED_BY))
    file = Path(site) if site.endswith(_FILES) else None
    if file is None:
        said.word("site", "site.name", site)
    for name, key in _WORDS.items():
        said.word(name, key, words.get(name))
    if plants is not None:
        listed = plants.split(",") if isinstance(plants, str) else plants
        said.word("plants", "supply.plants", [name.strip() for name in listed])
    said.word("limit", "supply.limits", dict(_pairs("limit", limit)) or None)
    assumed = AssumptionList()
    with said.named():
        said.settings(settings or {})
        if file is None and not any(key.startswith("load.") for key in said.values):
            said.values["load"] = {}  # asked for nothing: the graph says what is missing
        start = None if file is None else read_scenario(file)
        loaded = scenario_of(said.values, HERE) if start is None else scenario_with(start, said.values)
        begins = loaded.scenario.year if "year" in loaded.lines else None
        first, end = read_years(years or _span(begins), every)
        if begins is not None and first[0] != begins:
            raise InputError("the steps begin in another year", key="year", given=begins,
                             allowed=f"{first[0]:.0f}, where the steps begin")  # fmt: skip
        more: dict[str, object] = {"year": int(first[0])}
        kept, notices = _driven(assumed, loaded)
        if kept != loaded.scenario.supply.plants:
            more["supply.plants"] = list(kept)
        chip = loaded.scenario.machine.chip or assumed.default("pathway.chip").text("text")
        _refuse_of_a_year(loaded)
        refuse_unread(loaded, graph_of(loaded), _TARGETS, besides=_WAITS)
        given = loaded.scenario.supply
        orders = Orders(first[0]) if given.ordered is None else read_orders(given.ordered)
        more |= {"supply.ordered": "any", "supply.ready": None}  # each step has its own plants
        for name in loaded.scenario.supply.fuel_prices:
            fuel_id("supply.fuel_prices", name)
        loaded = scenario_with(loaded, more)
    learns: dict[str, float | None] = {
        name: None if text == "rows" else _value("learning", text, "percent")
        for name, text in _pairs("learning", learning)
    }
    second = parse("1 yr", "s")
    return Question(
        loaded=loaded,
        years=first,
        end=end,
        chip=chip,
        cut=not whole_steps,
        build_rates={name: rate / second for name, rate in _each("build_rate", build_rate, "W").items()},
        lead_times=_each("lead_time", lead_time, "yr"),
        learning=learns,
        existing=_existing(existing),
        orders=orders,
        usual=not names_plants(given.plants),
        chance=_MEDIAN if given.ready is None else given.ready,
        case=case,
        weeks=weeks,
        assumptions=tuple(assumed.assumptions),
        notices=notices,
    )


def _refuse_of_a_year(loaded: LoadedScenario) -> None:
    """Raise ``InputError`` of the first term of a year's plan that the scenario of a pathway has."""
    for key in _OF_A_YEAR:
        if key in loaded.written:
            raise loaded.blame(
                InputError("plan-pathway does not use this key", key=key, given=loaded.written[key],
                           allowed=_PLANNED_BY), key,
            )  # fmt: skip


def _span(year: int | None) -> str:
    return _YEARS if year is None else f"{year}-{year + 25}"


def _existing(written: Sequence[str] | None) -> tuple[tuple[str, float, float], ...]:
    """(plant, W, its first year) of ``gas-turbine=100 MW@2015``."""
    found: list[tuple[str, float, float]] = []
    for name, text in _pairs("existing", written):
        watts, sign, year = text.partition("@")
        if not sign or not year.strip().isdigit():
            raise InputError("no year", key="existing", given=text, allowed="such as gas-turbine=100 MW@2015")
        found.append((name, _value("existing", watts.strip(), "W"), float(year)))
    return tuple(found)


def _each(key: str, written: Sequence[str] | None, unit: str) -> dict[str, float]:
    return {name: _value(key, text, unit) for name, text in _pairs(key, written)}


def _value(key: str, text: str, unit: str) -> float:
    try:
        return parse(text, unit)
    except InputError as error:
        raise error.at(key=key) from None


def _pairs(key: str, written: Sequence[str] | None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in written or ():
        name, sign, value = one.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise InputError("not a plant and a value", key=key, given=one, allowed="such as wind=200 MW")
        if key != "existing" and any(name.strip() == known for known, _ in found):
            raise InputError("this plant is given twice", key=key, given=one, allowed="each plant once")
        found.append((name.strip(), value.strip()))
    return found


def _driven(assumed: AssumptionList, loaded: LoadedScenario) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The plants that the weather of the site drives, of those given or of a default; what has to be told."""
    supply, key = loaded.scenario.supply, "supply.plants"
    named, hours_key = names_plants(supply.plants), "supply.capacity_factors"
    hours = {plant_id(hours_key, name) for name in supply.capacity_factors}
    if named:
        names = supply.plants or ()
    elif supply.plants is None:
        names = tuple(assumed.default("pathway.plants").text("text").split("|"))
    else:  # all: a store inside a plant cannot be planned over decades
        inside = {name for name, row in catalog.table("plants").items() if row.text("host")}
        names = tuple(name for name in every_plant(hours) if name not in inside)
        reason = catalog.entity("defaults", "supply.not_in_all").text("reason")
        assumed.add("pathway.plants", "|".join(names), reason, Grade.guess)
    fill = Filler(loaded)
    fill_place(fill)
    sky, place = fill.leaves["site.weather"].value, fill.leaves["site.site"].value.name
    ids = tuple(plant_id(key, name) for name in names)
    barred = (
        {} if named else not_allowed(ids, country_of(fill.leaves["site.site"].value), supply.allow or ())
    )  # those that a question names are refused where its plants are read
    ids = tuple(name for name in ids if name not in barred)
    kept, told = leave_out(sky, ids, place=place, given=hours)
    if (told or barred) and not named:
        reasons = "; ".join((*([told] if told else ()), *barred_words(barred)))
        assumed.add("pathway.plants", "|".join(kept), reasons, Grade.guess)
    notices = (*sky.warnings, *([told] if told and named else ()), *barred_words(barred))
    return kept if told or barred else names, notices


def read_years(text: str, every: int, key: str = "years") -> tuple[tuple[float, ...], float]:
    """``"2025-2050"`` in steps of ``every``, or ``"2025, 2028, 2035"``: (first years, end of the last)."""
    try:
        if "-" in text:
            first, last = (int(part) for part in text.split("-"))
            years = [float(year) for year in range(first, last + 1, every)]
        else:
            years = [float(int(part)) for part in text.split(",")]
    except ValueError:
        raise InputError("not years", key=key, given=text, allowed="2025-2050, or 2025,2030,2040") from None
    if not years or any(b <= a for a, b in pairwise(years)) or not 1900 <= years[0] <= 2200:
        raise InputError(
            "the years are not in order", key=key, given=text, allowed="2025-2050, or 2025,2030,2040"
        )
    return tuple(years), years[-1] + (years[-1] - years[-2] if len(years) > 1 else every)
