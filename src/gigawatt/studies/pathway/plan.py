"""Power for a campus over decades: build dates, bridging plants, the cost of waiting.

The site's weather and grid, the catalog's plants of every year, and the accelerators that wait, put into the
one programme of :mod:`gigawatt.power.pathway.pathway`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.filler import Filler
from gigawatt.chain.graph import graph_of
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.machine.accelerator_price import MachineTerms, chip_second_price, power_of
from gigawatt.chain.machine.quantities import flat_year
from gigawatt.chain.shared_leaves import fill_cooling, fill_grid, fill_place, fill_spares, limit_in
from gigawatt.chain.study import assumptions_of, blame
from gigawatt.chain.supply.allowed import small_words, too_large
from gigawatt.chain.supply.arrivals import arrival_of
from gigawatt.chain.supply.candidates import LAW, plant_id
from gigawatt.chain.supply.markets import carbon_price
from gigawatt.chain.supply.weather_years import profiles
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.core.quantities import HOURS_PER_YEAR, show
from gigawatt.facility import LoadShape, Weather, country_of
from gigawatt.machine.load import build_cluster, load_chip
from gigawatt.machine.prices import bought_in
from gigawatt.money import capital_recovery_factor
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.power import Grid, Plant, build_plant
from gigawatt.power.carbon import read_leak
from gigawatt.power.pathway.hours import Hours, representative_weeks, whole_year
from gigawatt.power.pathway.pathway import Pathway, plan_pathway
from gigawatt.power.pathway.steps import Step, Vintage
from gigawatt.power.plants.credits import credits_of, with_credits
from gigawatt.power.plants.hubs import price_row
from gigawatt.power.plants.row_reader import RowReader
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.values import at_year
from gigawatt.studies.pathway.question import Question

__all__ = ["Accelerators", "Pathways", "accelerators", "pathways"]

Array = NDArray[np.float64]

_TARGETS = (
    "site.site",
    "site.weather",
    "site.weather_years",
    "facility.load",
    "supply.capacity_factors",
    "economics.discount_rate",
)
#: Vintages of a plant run as one where fuel, cost and carbon lie as near as this.
TOGETHER = 0.02
#: What serves less than this share of the load is not worth a word.
NOTICED = 1e-3
_ROUNDING = 1e-6
_LEAST = 1e-3
#: Steps of their own begin where a lead time ends, to this part of a year.
_CUTS = 4
#: Accelerators of the cluster whose network is priced.
_CLUSTER = 1024


@dataclass(frozen=True)
class Accelerators:
    """Idle accelerators: ``power`` [W at the meter] of one in use, ``hour`` [$], its cost."""

    chip: str
    power: float
    hour: float
    assumptions: tuple[Assumption, ...] = ()

    def hours(self, energy: Array) -> Array:
        """Accelerator-hours that ``energy`` [J] would have fed."""
        return energy / (self.power * SECONDS_PER_HOUR)


@dataclass(frozen=True)
class Pathways:
    """The cheapest pathway, the one that waits instead of bridging, and how well the weeks stand for a year.

    ``bridges`` are plants that carry load only until others come; ``waiting`` is the pathway without them.
    ``ready`` is the year in which a plant ordered at the start gives power. ``week_error`` is cost by the
    weeks over cost by all hours, less one, of the step of ``checked``.
    """

    question: Question
    best: Pathway
    accelerators: Accelerators
    ready: Mapping[str, float]
    bridges: tuple[str, ...]
    waiting: Pathway | None
    week_error: float | None
    checked: float | None
    not_served_price: float
    rate: float
    assumptions: tuple[Assumption, ...]


SECONDS_PER_HOUR = 3600.0


def accelerators(*, chip: str, pue: float, rate: float, year: float | None = None) -> Accelerators:
    """What one accelerator draws at the meter and costs in an hour, fed or not.

    Chip bought in ``year`` (or at the price of its row), share of node, network and building, spares and
    upkeep, as annuities at ``rate`` [1/yr].
    """
    found = load_chip(chip)
    terms = MachineTerms(found if year is None else bought_in(found, year), pue, rate)
    cluster, told = build_cluster(chip=terms.chip, count=_CLUSTER)
    power = power_of(terms, _CLUSTER)
    price, more = chip_second_price(terms, cluster, power)
    return Accelerators(cluster.chip.id, power.chip * pue, price * SECONDS_PER_HOUR, (*told, *more))


def _evaluated(asked: Question) -> tuple[dict[str, Any], list[Assumption]]:
    """(quantities of the scenario in its first year that a pathway starts from, their assumptions)."""
    if asked.known is not None:
        names = (*_TARGETS, "site.cooling", "site.redundancy")
        return {name: asked.known[name] for name in names} | {"site.pue": asked.loaded.scenario.site.pue}, []
    loaded = asked.loaded
    graph, fill = graph_of(loaded), Filler(loaded)
    leaves, assumptions = fill_leaves(loaded)
    for read in (fill_place, fill_cooling, fill_spares):  # of the building of what waits
        read(fill)
    values = graph.evaluate(leaves, blame=lambda error, name: blame(loaded, error, name), targets=_TARGETS)
    value = {name: one.value for name, one in values.items()}
    value |= {name: fill.leaves[name].value for name in ("site.cooling", "site.redundancy")}
    keys = {*value, "site.years"}
    told = (one for one in (*fill.assumptions, *assumptions) if one.key in keys)
    return value | {"site.pue": loaded.scenario.site.pue}, [*asked.assumptions, *assumptions_of(values, told)]


def pathways(
    question: Question,
    *,
    compare: bool = True,
    check: bool = False,
    progress: Callable[[str, float], None] = lambda text, share: None,
) -> Pathways:
    """The cheapest pathway that answers a question.

    Parameters
    ----------
    question : Question
        The question.
    compare : bool
        Whether to plan again without the plants that bridge, to say what waiting would cost.
    check : bool
        Whether to plan the step before the last with all 8,760 hours beside the weeks.
    progress : callable
        Called with (what is done, share done).

    Raises
    ------
    InputError, InfeasibleError
        As :func:`gigawatt.power.pathway.pathway.plan_pathway`; an unknown plant, site or chip.
    """
    progress("Weather and grid", 0.0)
    here = _Site(question)
    question = replace(question, notices=(*question.notices, *here.left_out))
    progress("Choosing the weeks", 0.1)
    hours = here.weeks()
    progress("Planning all years", 0.15)
    best = here.plan(hours)
    bridges = _bridges(best, here.ready)
    waiting = None
    if compare and bridges:
        progress("Planning without bridging plants", 0.6)
        waiting = here.plan(hours, without=bridges)
    error = checked = None
    if check:
        progress("Checking the weeks against the year", 0.75)
        at = max(len(here.years) - 2, 0)
        few, all_hours = (here.plan(one, only=at) for one in (hours, here.every_hour))
        error, checked = few.objective / all_hours.objective - 1.0, here.years[at]
    return Pathways(
        question, best, here.waiting, here.ready, bridges, waiting, error, checked,
        here.not_served_price, here.rate, here.assumptions(),
    )  # fmt: skip


class _Site:
    """What the programmes share: the quantities of the scenario, what of each plant may begin when."""

    def __init__(self, asked: Question) -> None:
        self.asked, self.supply = asked, asked.loaded.scenario.supply
        carbon = asked.loaded.scenario.carbon
        self.boundary, self.leak = carbon.boundary, read_leak(carbon.leak)
        names = tuple(dict.fromkeys(plant_id("plants", name) for name in self.supply.plants or ()))
        self.limits = {plant_id("limit", k): v for k, v in self.supply.limits.items()}
        self.rates = {plant_id("build_rate", k): v for k, v in asked.build_rates.items()}
        self.leads = {plant_id("lead_time", k): v for k, v in asked.lead_times.items()}
        self.learning = {plant_id("learning", k): v for k, v in asked.learning.items()}
        self.standing = tuple((plant_id("existing", k), watts, year) for k, watts, year in asked.existing)
        self.names = tuple(dict.fromkeys((*names, *(k for k, _, _ in self.standing))))
        for key, given in (("limit", self.limits), ("build_rate", self.rates), ("lead_time", self.leads),
                           ("learning", self.learning)):  # fmt: skip
            for name in given:
                check_word(key, name, self.names, "not among the plants that may be built")
        self.buildable = names
        self.rows = {name: catalog.entity("plants", name) for name in self.names}
        value, self.told = _evaluated(asked)
        self.skies: tuple[Weather, ...] = value["site.weather_years"]
        self.every_hour = whole_year(len(self.skies) * int(HOURS_PER_YEAR))
        weather: Weather = value["site.weather"]
        load: LoadShape = value["facility.load"]
        self.mean = float(load.facility.mean())
        self.shape = load.facility / self.mean
        self.profiles = self._profiles(value)
        self.rate: float = value["economics.discount_rate"]
        self.country = country_of(value["site.site"])
        self.hubs = self.country.hubs()
        if np.any(load.facility != load.it):
            pue = load.annual_pue
        else:  # a load at the meter: the accelerators that wait are in a building of their own
            pue = flat_year(weather, *(value[f"site.{n}"] for n in ("cooling", "redundancy", "pue")))
            pue = pue.annual_pue
        self.waiting = accelerators(chip=asked.chip, pue=pue, rate=self.rate, year=asked.years[0])
        if asked.accelerators is not None:  # what each of them draws in the mean of the year
            self.waiting = replace(self.waiting, power=self.mean / asked.accelerators)
        self.not_served_price = self.supply.not_served_price or (
            self.waiting.hour / (self.waiting.power * SECONDS_PER_HOUR)
        )
        self.now = asked.years[0]
        self.peak = float(self.shape.max()) * max(map(self._load, (*asked.years, asked.end)))
        self.left_out = self._leave_small()
        self.grids: dict[float, Grid] = {}
        self.missing: dict[str, Assumption] = {}  # numbers that the rows of fuels do not have
        self.built: dict[tuple[str, float, float, int], Plant] = {}
        self.ready = {name: self._ready(name) for name in self.buildable}
        cuts = {date for date, _ in asked.shares if date > asked.years[0]}
        if asked.cut:
            cuts |= {math.ceil(year * _CUTS - _ROUNDING) / _CUTS for year in self.ready.values()}
        self.years = tuple(sorted({*asked.years, *(year for year in cuts if year < asked.end)}))

    def _profiles(self, value: Mapping[str, Any]) -> dict[str, Array]:
        """Capacity factors (years · 8760,) of plants that the weather drives, or whose hours are given."""
        profile = profiles(self.skies, value["supply.capacity_factors"], place=value["site.site"].name)
        found: dict[str, Array] = {}
        for name in self.names:
            if self.rows[name].text("host"):
                raise InputError("a store inside a plant cannot be planned over decades",
                                 key="plants", given=name,
                                 allowed="plan-supply, for a year of it")  # fmt: skip
            values = profile(name)
            if values is not None:
                found[name] = values
        return found

    def _leave_small(self) -> tuple[str, ...]:
        """Take out the plants that come larger than the highest load of all years, and say so.

        Not those that a term of the question names.
        """
        if not self.asked.usual:
            return ()
        named = (*self.limits, *self.rates, *self.leads, *self.learning, *(k for k, _, _ in self.standing))
        large = too_large(self.names, (*named, *(self.supply.allow or ())), self.peak)
        if not any(self.rows[name].text("kind") != "storage" for name in self.names if name not in large):
            return ()
        self.names, self.buildable = (
            tuple(name for name in names if name not in large) for names in (self.names, self.buildable)
        )
        return small_words(large, self.peak)

    def _load(self, year: float) -> float:
        """Mean power of a year at the meter [W], of what of the campus is there."""
        given = self.asked.loaded.scenario.load.mean
        whole = self.mean if given is None else at_year(given, year) or 0.0
        there = [share for date, share in self.asked.shares if date <= year + _ROUNDING]
        return whole * (there[-1] if there else 1.0)

    def _grid(self, year: float) -> Grid:
        if year not in self.grids:
            price, then = self.supply.grid.price, {"year": int(year)}
            if isinstance(price, tuple):  # a step may begin within a year
                then |= {"supply.grid.price": f"{at_year(price, year)} $/J"}
            fill = Filler(scenario_with(self.asked.loaded, then))
            fill_place(fill)
            fill_grid(fill)
            self.grids[year] = fill.leaves["supply.grid"].value
        return self.grids[year]

    def _ready(self, name: str) -> float:
        """Decimal year in which a plant is there: as in the plan of a year, or after the lead time given."""
        ordered = self.now if self.asked.orders is None else self.asked.orders.of(name)
        if ordered is None:
            return self.now
        if name in self.leads:
            return max(self.now, ordered + self.leads[name] / SECONDS_PER_YEAR)
        early = bool(self.supply.grid.nonfirm)
        there = arrival_of(name, ordered, self._grid(self.now), nonfirm=early, peak=self.peak)
        return max(self.now, there.ready(self.asked.chance))

    def _capital(self, name: str, year: float) -> dict[str, float]:
        """Investment of a year where a learning rate is given: of the first year, by what stands by then."""
        if name not in self.learning:
            return {}
        row, asked = self.rows[name], self.learning[name]
        known = catalog.table("pathway")
        check_word("learning", name, known, "this plant has no row of learning")
        learns = known[name]
        _, low, high = learns.at("learning_rate", year)
        slow = {"value": learns.value("learning_rate"), "low": high, "high": low}[self.asked.case]
        rate = slow if asked is None else asked
        passed = learns.value("doublings") * (year - self.now) * SECONDS_PER_YEAR
        factor = (1.0 - rate) ** passed
        place = ("value", "low", "high").index(self.asked.case)
        return {
            quantity: row.at(quantity, self.now)[place] * factor
            for quantity in ("capital_cost", "energy_capital_cost")
            if quantity in row.numbers
        }

    def _carbon_price(self, year: float) -> float:
        """Carbon price of a year [$/kg]: as given, else that of the place."""
        given = at_year(self.supply.carbon_price, year)
        return carbon_price(self.country, year)[0][0] if given is None else given

    def _limit(self, year: float) -> float | None:
        """The carbon limit of a year; none before the path begins."""
        return limit_in(self.supply.carbon_limit, year + _ROUNDING)

    def _worth(self, years: float) -> float:
        """Present value of an annuity of one dollar over these years."""
        if years <= 0.0:
            return 0.0
        return 1.0 / float(capital_recovery_factor(rate=self.rate, life=years * SECONDS_PER_YEAR))

    def plant(self, name: str, built: float, runs: float, hours: Hours) -> Plant:
        """A plant of the year ``built`` as it runs in the year ``runs``, at these hours."""
        key = (name, built, runs, len(hours.index))
        if key in self.built:
            return self.built[key]

        def recovery(life: float) -> float:
            return float(capital_recovery_factor(rate=self.rate, life=life))

        row = self.rows[name]
        options: dict[str, Any] = {}
        if name in self.profiles:
            options["profile"] = hours.read(self.profiles[name], most=1.0)
        if row.text("kind") == "grid":
            grid = self._grid(runs)
            options["price"], options["carbon"] = hours.read(grid.price), hours.read(grid.carbon)
        if row.text("fuel") and "fuel_cost" not in row.numbers:
            fuel = RowReader(price_row(row.text("fuel"), self.hubs), runs, {})
            given = at_year(self.supply.fuel_prices.get(row.text("fuel")), runs)
            price = fuel.number("price") if given is None else given
            options["fuel_price"] = price + fuel.number("delivery")
            self.missing |= fuel.assumptions
        air = [sky.temperature for sky in self.skies if sky.temperature is not None]
        if len(air) == len(self.skies):
            options["temperature"] = np.concatenate(air)[hours.index]
        made = build_plant(
            name, year=built, capital_recovery=recovery, case=self.asked.case,
            overrides=self._capital(name, built), market=self.supply.carbon_price is None,
            country=self.country, boundary=self.boundary, leak=self.leak, **options,
        )  # fmt: skip
        if self.supply.credits == LAW:
            begun = max(self.now, built - made.lead_time / SECONDS_PER_YEAR)
            allowed = credits_of(name, self.country, begun=begun, served=built)
            made = with_credits(made, allowed, capital_recovery=recovery)
        return self.built.setdefault(key, made)

    def weeks(self) -> Hours:
        """The weeks that stand for the year, of all weather years."""
        series, others = list(self.profiles.values()), []
        if "grid" in self.names and float(self._grid(self.now).price.std()) > 0.0:
            others.append(np.resize(self._grid(self.now).price, self.every_hour.index.shape))
        load = np.tile(self.shape, len(self.skies)) / self._available()
        return representative_weeks(series=series, others=others, load=load, weeks=self.asked.weeks)

    def _available(self) -> Array:
        """Least share of the rating by the hour that warm air leaves a plant that may be built; else 1."""
        shares = np.ones(len(self.every_hour.index))
        for name in self.names:
            if self.rows[name].text("kind") == "dispatchable":
                here = self.plant(name, self.now, self.now, self.every_hour).availability
                shares = np.minimum(shares, here / np.max(here))
        return np.maximum(shares, _LEAST)

    def plan(self, hours: Hours, *, without: Sequence[str] = (), only: int | None = None) -> Pathway:
        """The cheapest pathway; ``only``: of that step alone, everything ready."""
        asked = self.asked
        years = self.years if only is None else (self.years[only],)
        lengths = np.diff([*self.years, asked.end]) if only is None else np.ones(1)
        worths = [self._worth(float(after)) for after in np.cumsum([0.0, *lengths])]
        shape = hours.read(self.shape)
        steps = tuple(
            Step(
                year=year,
                worth=worths[s + 1] - worths[s],
                load=shape * self._load(year),
                carbon_price=self._carbon_price(year),
                carbon_limit=self._limit(year),
                limits=self.limits,
                build_limits={} if only is not None else
                {name: rate * float(lengths[s]) * SECONDS_PER_YEAR for name, rate in self.rates.items()},
            )
            for s, year in enumerate(years)
        )  # fmt: skip
        vintages: list[Vintage] = []

        def add(name: str, built: float, capacity: float | None) -> None:
            running = tuple(self.plant(name, built, max(year, built), hours) for year in years)
            life = self.rows[name].at("life", built)[0]
            vintages.append(Vintage(name, built, life, running, capacity))

        for name, watts, built in self.standing:
            add(name, built, watts)
        for name in self.buildable:
            for year in years:
                if name not in without and (only is not None or year >= self.ready[name] - _ROUNDING):
                    add(name, year, None)
        if not any(one.running[0].kind != "storage" for one in vintages):
            raise InputError("no plant is ready in any step", key="plants", given=", ".join(self.names),
                             allowed="a plant whose lead time ends before the last step")  # fmt: skip
        return plan_pathway(
            steps=steps,
            vintages=vintages,
            hours=hours,
            not_served_price=self.not_served_price,
            together=TOGETHER,
        )

    def assumptions(self) -> tuple[Assumption, ...]:
        """The assumptions of the pathway."""
        told = list(self.told)
        if self.supply.not_served_price is None:
            told.append(
                Assumption(
                    "pathway.not_served_price",
                    show(self.not_served_price, "$/MWh"),
                    f"an hour without power costs the capital and fixed cost of a {self.waiting.chip}",
                    Grade.modelled,
                )
            )
        if self.supply.carbon_price is None:
            told.extend(carbon_price(self.country, year)[1] for year in (self.now, self.years[-1]))
        told.extend(self.waiting.assumptions)
        grid = self.grids.get(self.now)
        told.extend(grid.assumptions if grid is not None else ())
        for name in self.names:
            told.extend(self.plant(name, self.years[-1], self.years[-1], self.every_hour).assumptions)
        told.extend(self.missing.values())
        seen: dict[str, Assumption] = {}
        for one in told:
            seen.setdefault(one.key, one)
        return tuple(seen.values())


def _bridges(found: Pathway, ready: Mapping[str, float]) -> tuple[str, ...]:
    """Plants that carry load early and less than half as much of it once slower ones have come."""
    demand = np.maximum(found.demand, 1e-300)
    share = found.energy / demand[:, None]
    late = max((ready[name] for i, name in enumerate(found.names)
                if name in ready and share[:, i].max() > NOTICED), default=0.0)  # fmt: skip
    after = found.years >= late - _ROUNDING
    if not np.any(after) or np.all(after):
        return ()
    return tuple(
        name
        for i, name in enumerate(found.names)
        if name in ready
        and share[~after, i].max() > NOTICED * 10
        and share[after, i].max() < share[~after, i].max() / 2.0
        and ready[name] < late
        and next(v.running[0].kind for v in found.vintages if v.plant == name) == "dispatchable"
    )
