"""A pathway question: the scenario of a load by year, and the terms of a pathway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.candidates import fuel_id
from gigawatt.chain.question_words import HERE, Words
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.core.quantities import parse
from gigawatt.facility import load_site, load_weather
from gigawatt.power.resource.profiles import drives
from gigawatt.schema.changed import scenario_of
from gigawatt.schema.fields import field as find_field
from gigawatt.schema.scenario import Scenario
from gigawatt.schema.values import ByYear

__all__ = ["Path", "Question", "read_pathway_question", "read_years"]

Path = tuple[tuple[float, float], ...]
"""(year, SI value) in order of the years; empty: none."""
_GAS = "natural-gas"
_WORDS = {
    "site": "site.name", "load": "load.mean", "chip": "machine.chip", "carbon": "supply.carbon_limit",
    "carbon_price": "supply.carbon_price", "gas_price": f"supply.fuel_prices.{_GAS}",
    "grid_price": "supply.grid.price", "plants": "supply.plants", "limit": "supply.limits",
    "discount_rate": "economics.discount_rate", "not_served": "supply.not_served_price",
}  # fmt: skip
"""Keyword → field of the scenario."""
_READ = frozenset((*_WORDS.values(), "site.cooling", "supply.fuel_prices"))
_INSTEAD = {"year": "years, such as 2025-2050", "supply.fuel_prices": f"supply.fuel_prices.{_GAS}"}


@dataclass(frozen=True)
class Question:
    """A pathway question in SI units; paths are ``(year, value)`` in order, linear between, constant
    outside (a carbon limit begins with its first year).

    ``years`` begin the steps and the last lasts to ``end``; ``load`` is mean power at the meter; ``limits``
    and ``build_rates`` [W], [W/yr] by plant; ``lead_times`` [s] in place of the catalog's; ``learning`` a
    rate for each doubling by plant, or ``None`` for the catalog's; ``existing`` (plant, W, its first
    year); ``weeks`` that stand for a year.
    """

    site: str
    load: Path
    plants: tuple[str, ...]
    years: tuple[float, ...]
    end: float
    chip: str
    cut: bool = True
    carbon_limit: Path = ()
    carbon_price: Path = ()
    gas_price: Path = ()
    grid_price: Path = ()
    limits: Mapping[str, float] = field(default_factory=lambda: {})
    build_rates: Mapping[str, float] = field(default_factory=lambda: {})
    lead_times: Mapping[str, float] = field(default_factory=lambda: {})
    learning: Mapping[str, float | None] = field(default_factory=lambda: {})
    existing: tuple[tuple[str, float, float], ...] = ()
    case: str = "value"
    rate: float | None = None
    not_served_price: float | None = None
    weeks: int = 7
    cooling: str = "water-cooled-chiller-tower"
    assumptions: tuple[Assumption, ...] = ()


def read_pathway_question(
    *,
    years: str = "2025-2050",
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
    years, every, whole_steps
        Where steps begin: a span with years of a step, or years; no steps where a lead time ends.
    limit, build_rate, lead_time, existing, learning : sequence of str, optional
        ``plant=value`` each.
    plants : str or sequence of str, optional
        What may be built.
    settings : mapping, optional
        Fields of a scenario.
    case, weeks
        End of the ranges of capital costs; weeks that stand for a year.
    **words
        ``site, load, chip, carbon, carbon_price, gas_price, grid_price, discount_rate, not_served``: fields
        of a scenario; a limit, a price or the load is one value, or by year.

    Raises
    ------
    InputError
        A word that cannot be read, a field that a pathway has no use for.
    """
    said = Words("plan-pathway", {})
    for name, key in _WORDS.items():
        said.word(name, key, words.get(name))
    if plants is not None:
        listed = plants.split(",") if isinstance(plants, str) else plants
        said.word("plants", "supply.plants", [name.strip() for name in listed])
    said.word("limit", "supply.limits", dict(_pairs("limit", limit)) or None)
    said.settings(settings or {})
    with said.named():
        for key in said.values:
            known = find_field(key)
            if known is not None and known.key not in _READ:
                allowed = _INSTEAD.get(key, ", ".join(sorted(_READ)))
                raise InputError("plan-pathway does not use this field", key=key, allowed=allowed)
        scenario: Scenario = scenario_of(said.values, HERE).scenario
        fuels = {fuel_id("supply.fuel_prices", name) for name in scenario.supply.fuel_prices}
        if fuels - {_GAS}:
            other = sorted(fuels - {_GAS})[0]
            raise InputError("a pathway takes a price path of gas only", key="supply.fuel_prices",
                             given=other, allowed=_GAS)  # fmt: skip
    first, end = read_years(years, every)
    supply, assumed = scenario.supply, AssumptionList()
    chip = scenario.machine.chip or assumed.default("pathway.chip").text("text")
    names = supply.plants or _usual(assumed, scenario.site.name)
    learns: dict[str, float | None] = {
        name: None if text == "rows" else _value("learning", text, "percent")
        for name, text in _pairs("learning", learning)
    }
    second = parse("1 yr", "s")
    return Question(
        site=scenario.site.name,
        load=_path(scenario.load.mean),
        plants=names,
        years=first,
        end=end,
        chip=chip,
        cut=not whole_steps,
        carbon_limit=_path(supply.carbon_limit),
        carbon_price=_path(supply.carbon_price),
        gas_price=_path(supply.fuel_prices.get(_GAS)),
        grid_price=_path(supply.grid.price),
        limits=supply.limits,
        build_rates={name: rate / second for name, rate in _each("build_rate", build_rate, "W").items()},
        lead_times=_each("lead_time", lead_time, "yr"),
        learning=learns,
        existing=_existing(existing),
        case=case,
        rate=scenario.economics.discount_rate,
        not_served_price=supply.not_served_price,
        weeks=weeks,
        assumptions=tuple(assumed.assumptions),
        **({} if scenario.site.cooling is None else {"cooling": scenario.site.cooling}),
    )


def _path(value: ByYear | None) -> Path:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else ((0.0, value),)


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


def _usual(assumed: AssumptionList, site: str) -> tuple[str, ...]:
    """The plants of a pathway that names none, less those that the weather of its site does not drive."""
    names = tuple(assumed.default("pathway.plants").text("text").split("|"))
    sky = load_weather(load_site(site))
    kept = tuple(name for name in names if drives(sky, name))
    if kept != names:
        lacking = ", ".join(name for name in names if name not in kept)
        reason = f"without {lacking}, of which the weather of {sky.id} does not say what it gives"
        assumed.add("pathway.plants", "|".join(kept), reason, Grade.guess)
    return kept


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
