"""What is there year by year: the phases of a campus whose plants, halls or accelerators come later.

The same programme as ``plan-pathway``, over the years from that of the question until everything has come,
for the load of the result: what is served in each phase, at which price and carbon, and what waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gigawatt import catalog
from gigawatt.chain.supply.allowed import names_plants, too_large
from gigawatt.chain.supply.arrivals import Arrivals, arrival_of
from gigawatt.chain.supply.orders import Orders, read_orders
from gigawatt.core.document import Grid
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.parts import rows_grid
from gigawatt.power import SupplyPlan
from gigawatt.power.dates import date_words
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.run.campus import LATE, CampusPhases, campus_phases
from gigawatt.studies.run.figures_tables import get_table

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.core.result import Result

__all__ = ["PHASES", "phases_grid", "with_phases"]

PHASES = "phases"
"""The table's name."""
_SAME = 0.005
"""Phases whose price, carbon and served share differ by less are one."""
_WEEKS, _AFTER = 3, 10
"""Weeks that stand for a year; years that the last phase counts for."""
_MWH, _GRAM_KWH = 3.6e9, 3.6e9
FROM, UNTIL, SERVED = "from [yr]", "until [yr]", "served [percent]"
PRICE, CARBON, IDLE, IDLE_COST = "price [$/MWh]", "carbon [g/kWh]", "idle [h/yr]", "idle_cost [$/yr]"
ENERGISED, COUNT, RUNS, BINDS, TOKENS = "energised [MW]", "accelerators", "runs [percent]", "binds", "tokens"
Row = dict[str, Any]
"""A phase by the columns of the table."""


@dataclass(frozen=True)
class _Step:
    """Power of a phase: ``served`` share of what can run, price [$/MWh], carbon [g/kWh], plants in words."""

    year: float
    end: float
    served: float
    price: float
    carbon: float
    plants: str


@dataclass(frozen=True)
class _Power:
    """Power by phase, what an idle accelerator costs [$/h], and waiting against bridging where plants are."""

    steps: tuple[_Step, ...]
    hour: float
    waiting: Mapping[str, Any] | None = None


def _late(objects: Mapping[str, Any], year: int) -> bool:
    """Whether the plan has a plant that is not there as the year begins."""
    plan, arrivals = objects.get("supply.plan"), objects.get("supply.arrivals")
    if not isinstance(plan, SupplyPlan) or not isinstance(arrivals, Arrivals):
        return False
    usual = read_orders(catalog.entity("defaults", "supply.ordered").text("text")).all
    if usual is not None and year < int(usual):  # a year that has passed
        return False
    worth = LATE * float(plan.load.max())
    return any(
        one.ready() > year for name, one in arrivals.by.items() if plan.capacity.get(name, 0.0) > worth
    )


def with_phases(result: Result, loaded: LoadedScenario, objects: Mapping[str, Any]) -> Result:
    """The result with its phases as a table, and what they say among its notices.

    A result whose accelerators and halls are there as the year begins, and its plants too (or the year has
    passed), stays as it is. ``objects`` are its quantities by name.
    """
    campus = campus_phases(objects)
    if not campus.phased and not _late(objects, loaded.scenario.year):
        return result
    try:
        table, said = _phases(loaded, objects, campus)
    except (InputError, InfeasibleError) as error:  # what a pathway does not have: a store inside a plant
        return replace(result, notices=(*result.notices, f"no phases: {error.message}"))
    return replace(result, tables={**result.tables, PHASES: table}, notices=(*said, *result.notices))


def _phases(
    loaded: LoadedScenario, objects: Mapping[str, Any], campus: CampusPhases
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    import pandas as pd

    planned = "supply.plants" in objects  # else there is a price in place of a plan
    power = _planned(loaded, objects, campus) if planned else _priced(loaded, objects, campus)
    rows = _rows(power, campus)
    said = _said(rows, power, campus, _left_out(loaded))
    return pd.DataFrame(rows), (*said, *_tokens_said(rows, campus, loaded))


def _priced(loaded: LoadedScenario, objects: Mapping[str, Any], campus: CampusPhases) -> _Power:
    """Power at a given price, which is there from the beginning."""
    from gigawatt.studies.pathway.plan import accelerators

    year = float(loaded.scenario.year)
    dates = [one for one in dict.fromkeys((year, *campus.dates)) if one >= year]
    ends = [*dates[1:], float(math.floor(dates[-1]) + 1 + _AFTER)]
    price = objects["supply.electricity_cost"] * _MWH
    carbon = objects["supply.carbon_intensity"] * _GRAM_KWH
    waits = accelerators(
        chip=_chip(objects), pue=objects["facility.load"].annual_pue, rate=objects["economics.discount_rate"],
        year=year,
    )  # fmt: skip
    steps = (_Step(at, end, 1.0, price, carbon, "") for at, end in zip(dates, ends, strict=True))
    return _Power(tuple(steps), waits.hour)


def _planned(loaded: LoadedScenario, objects: Mapping[str, Any], campus: CampusPhases) -> _Power:
    """Power by the programme of ``plan-pathway``."""
    from gigawatt.studies.pathway.answer import pathway_answer
    from gigawatt.studies.pathway.plan import pathways
    from gigawatt.studies.pathway.question import Question

    supply, year = loaded.scenario.supply, loaded.scenario.year
    arrivals: Arrivals = objects["supply.arrivals"]
    names, peak = arrivals.offered(objects["supply.plants"]), objects["facility.load"].peak
    if not names_plants(supply.plants):
        bridges = catalog.entity("defaults", "supply.bridges").text("text").split("|")
        large = too_large(bridges, supply.allow or (), peak)
        names = tuple(dict.fromkeys((*names, *(name for name in bridges if name not in large))))
    grid = objects["supply.grid"]
    orders = Orders(float(year)) if supply.ordered is None else read_orders(supply.ordered)
    if supply.ordered is None and arrivals.dated:
        orders = Orders(arrivals.now)
    chance = 0.5 if supply.ready is None else supply.ready
    dates = [(name, orders.of(name)) for name in names]
    early = bool(supply.grid.nonfirm)
    ready = [
        arrival_of(name, when, grid, nonfirm=early, peak=peak).ready(chance)
        for name, when in dates
        if when is not None
    ]
    end = max(int(max((*ready, *campus.dates), default=year)) + 1, year + 1)
    question = Question(
        loaded=scenario_with(
            loaded, {"supply.plants": list(names), "supply.ordered": "any", "supply.ready": None}
        ),
        years=(float(year), float(end)),
        end=float(end + _AFTER),
        chip=_chip(objects),
        weeks=_WEEKS,
        orders=orders,
        chance=chance,
        known=objects if "site.cooling" in objects and "site.redundancy" in objects else None,
        shares=campus.shares(year) if campus.phased else (),
        accelerators=campus.count,
    )
    answer = pathway_answer(pathways(question))
    return _Power(tuple(map(_step, answer["steps"])), answer["accelerator"]["cost_$/h"], answer["waiting"])


def _chip(objects: Mapping[str, Any]) -> str:
    """The accelerators that wait; a load without a machine has those that a pathway assumes."""
    if "machine.chip" in objects:
        return objects["machine.chip"].id
    return catalog.entity("defaults", "pathway.chip").text("text")


def _step(step: Mapping[str, Any]) -> _Step:
    energy = step["served_GWh"] + step["not_served_GWh"]
    share = step["served_GWh"] / energy if energy else 1.0
    share = 0.0 if share < LATE else min(share, 1.0)
    price, carbon = (math.nan if step[key] is None or not share or not energy else step[key]
                     for key in ("cost_$/MWh", "carbon_g/kWh"))  # fmt: skip
    plants = ", ".join(
        f"{one['plant']} {100.0 * one['share_of_load']:.0f} %"
        for one in sorted(step["plants"], key=lambda one: -one["share_of_load"])
        if one["share_of_load"] > _SAME
    )
    return _Step(step["year"], step["end"], share, price, carbon, plants)


def _rows(power: _Power, campus: CampusPhases) -> list[Row]:
    """A row a phase; steps alike are one. Without a machine nothing stands idle and nothing is counted."""
    rows: list[Row] = []
    made = 0.0
    for step in power.steps:
        there = campus.there(step.year)
        runs = there * step.served
        made = min(made + runs * campus.tokens_per_year * (step.end - step.year), campus.tokens)
        row: Row = {
            FROM: step.year,
            UNTIL: step.end,
            ENERGISED: campus.energised.at(step.year) * campus.peak / 1e6,
            SERVED: 100.0 * step.served if there > 0.0 else math.nan,
            RUNS: 100.0 * runs,
            BINDS: campus.binds(step.year, step.served),
            PRICE: step.price,
            CARBON: step.carbon,
        }
        if campus.count is not None:
            idle = campus.idle(step.year, runs)
            row |= {
                COUNT: round(campus.count * campus.delivered.at(step.year)),
                IDLE: idle,
                IDLE_COST: idle * power.hour,
                TOKENS: made,
            }
        row["plants"] = step.plants
        if rows and _alike(rows[-1], row):
            rows[-1] |= {key: row[key] for key in (UNTIL, TOKENS) if key in row}
        else:
            rows.append(row)
    return rows


def _alike(one: Row, other: Row) -> bool:
    for key in (SERVED, RUNS, PRICE, CARBON, ENERGISED, COUNT):
        a, b = float(one.get(key, 0.0)), float(other.get(key, 0.0))
        if math.isnan(a) != math.isnan(b) or abs(a - b) > _SAME * max(abs(a), abs(b)):
            return False
    return one[BINDS] == other[BINDS]


def _left_out(loaded: LoadedScenario) -> str:
    """What the prices of phases do not hold, in words."""
    supply = loaded.scenario.supply
    terms = {
        "a tariff": supply.grid.tariff,
        "hedges": supply.hedge or supply.congestion_right,
        "agreements": supply.ppa,
    }
    return " and ".join(("units in reserve", *(name for name, given in terms.items() if given)))


def _said(rows: Sequence[Row], power: _Power, campus: CampusPhases, left_out: str) -> tuple[str, ...]:
    """First power, full power, what binds, idle accelerators, and waiting against bridging, in sentences."""
    served = [row for row in rows if row[RUNS] > 100.0 * LATE]
    whole = next((row for row in served if row[RUNS] >= 100.0 * (1.0 - LATE)), None)
    if not served:
        return ("no plant of the scenario gives power in these years",)
    full = "never full power" if whole is None else f"full power {date_words(whole[FROM])}"
    first, last = (f"{row[PRICE]:.4g} $/MWh and {row[CARBON]:.4g} g/kWh" for row in (served[0], rows[-1]))
    text = f"first power {date_words(served[0][FROM])}, {full}: {first} at first, {last} once all has come"
    text += f" (without {left_out})"
    idle = sum(row.get(IDLE, 0.0) * (row[UNTIL] - row[FROM]) for row in rows)
    if idle > 0.0:
        money = with_unit(idle * power.hour, "$")
        when = "as they arrive" if campus.delivered.dates else "as the year begins"
        text += f"; {with_unit(idle, 'h')} of idle accelerators, {money}, if they are bought {when}"
    said = [text]
    if campus.phased:
        until = [row for row in rows if row[BINDS]]
        spans = (f"{row[BINDS]} from {date_words(row[FROM])}, {row[RUNS]:.3g} % runs" for row in until)
        said.append(
            f"until all has come it waits for: {'; '.join(spans)}" if until else "nothing is waited for"
        )
    if power.waiting is not None:
        more = with_unit(power.waiting["present_cost_more_M$"] * 1e6, "$")
        said.append(f"waiting instead of bridging with {' and '.join(power.waiting['without'])} costs {more} "
                    "more at present worth")  # fmt: skip
    return tuple(said)


def _tokens_said(rows: Sequence[Row], campus: CampusPhases, loaded: LoadedScenario) -> tuple[str, ...]:
    """When the first tokens come, and the last of a training run."""
    first = next((row for row in rows if row[RUNS] > 100.0 * LATE), None)
    if first is None or not campus.tokens_per_year:
        return ()
    start = f"first tokens {date_words(first[FROM])}"
    if math.isinf(campus.tokens):
        done = next((row for row in rows if row[RUNS] >= 100.0 * (1.0 - LATE)), None)
        return () if done is None else (f"{start}, all that is asked from {date_words(done[FROM])}",)
    made = 0.0
    for row in rows:
        rate = row[RUNS] / 100.0 * campus.tokens_per_year
        need = (campus.tokens - made) / rate if rate else math.inf
        if need <= row[UNTIL] - row[FROM]:
            year = loaded.scenario.year
            alone = date_words(year + campus.tokens / campus.tokens_per_year)
            return (
                f"{start}, all {with_unit(campus.tokens, 'tokens')} by {date_words(row[FROM] + need)}; "
                f"{alone} if everything were there as {year} begins",
            )
        made += rate * (row[UNTIL] - row[FROM])
    return (f"{start}; the run does not end in these years",)


def phases_grid(result: Result) -> tuple[Grid, ...]:
    """The phases as a table, or nothing."""
    frame: Any = get_table(result, PHASES)
    if frame is None:
        return ()
    columns: dict[str, tuple[str, Any]] = {
        ENERGISED: ("halls for", lambda value: with_unit(value, "MW")),
        COUNT: ("accelerators", lambda value: f"{value:,.0f}"),
        SERVED: ("power for", lambda value: f"{value:.1f} %"),
        RUNS: ("runs", lambda value: f"{value:.1f} %"),
        BINDS: ("waits for", str),
        PRICE: ("$/MWh", significant),
        CARBON: ("g/kWh", significant),
        IDLE: ("idle accelerators [h/yr]", lambda value: with_unit(value, "h")),
        IDLE_COST: ("their cost a year", lambda value: with_unit(value, "$")),
        TOKENS: ("tokens by then", lambda value: with_unit(value, "tokens")),
        "plants": ("plants, share of the load", str),
    }
    kept = {key: one for key, one in columns.items() if key in frame.columns}

    def cell(key: str, value: Any) -> str:
        if isinstance(value, str):
            return value or "–"
        nothing = math.isnan(value) or (key in (IDLE, IDLE_COST) and not value > 0.0)
        return "–" if nothing else kept[key][1](value)

    rows = [
        (f"{date_words(row[FROM])} to {date_words(row[UNTIL])}", *(cell(key, row[key]) for key in kept))
        for _, row in frame.iterrows()
    ]
    heads = ("years", *(head for head, _ in kept.values()))
    return (rows_grid("What is there in each phase, by the median lead times.", heads, rows),)
