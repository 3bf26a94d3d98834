"""When power is there, year by year: the pathway of a scenario whose plants come after the run would begin.

The same programme as ``plan-pathway``, over the years from that of the question until everything has come,
for the load of the result: what is served in each phase, at which price and carbon, and what waits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gigawatt import catalog
from gigawatt.chain.arrivals import Arrivals, Orders, arrival_of, read_orders
from gigawatt.core.document import Grid
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.parts import rows_grid
from gigawatt.power import SupplyPlan
from gigawatt.power.dates import date_words
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.run.figures_tables import get_table

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.core.result import Result

__all__ = ["PHASES", "phases_grid", "with_phases"]

PHASES = "phases"
"""The table's name."""
_LATE = 1e-3
"""A plant below this share of the load is dust; a load served but for this share is full."""
_SAME = 0.005
"""Phases whose price, carbon and served share differ by less are one."""
_WEEKS, _AFTER = 3, 10
"""Weeks that stand for a year; years that the last phase counts for."""
FROM, UNTIL, SERVED = "from [yr]", "until [yr]", "served [percent]"
PRICE, CARBON, IDLE, IDLE_COST = "price [$/MWh]", "carbon [g/kWh]", "idle [h/yr]", "idle_cost [$/yr]"
Row = dict[str, Any]
"""A phase by the columns of the table."""


def _late(objects: Mapping[str, Any], year: int) -> bool:
    """Whether the plan has a plant that is not there as the year begins."""
    plan, arrivals = objects.get("supply.plan"), objects.get("supply.arrivals")
    if not isinstance(plan, SupplyPlan) or not isinstance(arrivals, Arrivals):
        return False
    worth = _LATE * float(plan.load.max())
    return any(
        one.ready() > year for name, one in arrivals.by.items() if plan.capacity.get(name, 0.0) > worth
    )


def with_phases(result: Result, loaded: LoadedScenario, objects: Mapping[str, Any]) -> Result:
    """The result with its phases as a table, and what they say among its notices.

    A result of a year that has passed, or whose plants are there as the year begins, stays as it is.

    Parameters
    ----------
    result : Result
        What was computed.
    loaded : LoadedScenario
        The scenario of it.
    objects : mapping
        Its quantities by name.
    """
    year = loaded.scenario.year
    usual = read_orders(catalog.entity("defaults", "supply.ordered").text("text")).all
    if (usual is not None and year < int(usual)) or not _late(objects, year):
        return result
    try:
        table, said = _phases(loaded, objects)
    except (InputError, InfeasibleError) as error:  # what a pathway does not have: a store inside a plant
        return replace(result, notices=(*result.notices, f"no phases: {error.message}"))
    return replace(result, tables={**result.tables, PHASES: table}, notices=(*said, *result.notices))


def _phases(loaded: LoadedScenario, objects: Mapping[str, Any]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    import pandas as pd

    from gigawatt.studies.pathway.answer import pathway_answer
    from gigawatt.studies.pathway.plan import pathways
    from gigawatt.studies.pathway.question import Question

    supply, year = loaded.scenario.supply, loaded.scenario.year
    names = tuple(objects["supply.plants"])
    if supply.plants is None:
        bridges = catalog.entity("defaults", "supply.bridges").text("text").split("|")
        names = tuple(dict.fromkeys((*names, *bridges)))
    grid = objects["supply.grid"]
    orders = Orders(float(year)) if supply.ordered is None else read_orders(supply.ordered)
    if supply.ordered is None and objects["supply.arrivals"].dated:
        orders = Orders(objects["supply.arrivals"].now)
    chance = 0.5 if supply.ready is None else supply.ready
    dates = [(name, orders.of(name)) for name in names]
    ready = [arrival_of(name, when, grid).ready(chance) for name, when in dates if when is not None]
    end = max(int(max(ready, default=year)) + 1, year + 1)
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
    )
    answer = pathway_answer(pathways(question))
    rows = _rows(answer, "machine.chip" in objects)
    return pd.DataFrame(rows), _said(rows, answer)


def _chip(objects: Mapping[str, Any]) -> str:
    """The accelerators that wait; a load without a machine has those that a pathway assumes."""
    if "machine.chip" in objects:
        return objects["machine.chip"].id
    return catalog.entity("defaults", "pathway.chip").text("text")


def _rows(answer: Mapping[str, Any], machine: bool) -> list[Row]:
    """A row a phase; steps alike are one. Without a ``machine`` nothing stands idle."""
    rows: list[Row] = []
    for step in answer["steps"]:
        energy = step["served_GWh"] + step["not_served_GWh"]
        share = step["served_GWh"] / energy if energy else 1.0
        share = 0.0 if share < _LATE else min(share, 1.0)
        idle = step["idle_accelerator_hours"] if share < 1.0 - _LATE else 0.0
        row: Row = {
            FROM: step["year"],
            UNTIL: step["end"],
            SERVED: 100.0 * share,
            PRICE: step["cost_$/MWh"] if share else math.nan,
            CARBON: step["carbon_g/kWh"] if share else math.nan,
        }
        if machine:
            row |= {IDLE: idle, IDLE_COST: step["idle_cost_M$"] * 1e6 if idle else 0.0}
        row["plants"] = ", ".join(
            f"{one['plant']} {100.0 * one['share_of_load']:.0f} %"
            for one in sorted(step["plants"], key=lambda one: -one["share_of_load"])
            if one["share_of_load"] > _SAME
        )
        if rows and _alike(rows[-1], row):
            rows[-1][UNTIL] = row[UNTIL]
        else:
            rows.append(row)
    return rows


def _alike(one: Row, other: Row) -> bool:
    for key in (SERVED, PRICE, CARBON):
        a, b = one[key], other[key]
        if math.isnan(a) != math.isnan(b) or abs(a - b) > _SAME * max(abs(a), abs(b)):
            return False
    return True


def _said(rows: Sequence[Row], answer: Mapping[str, Any]) -> tuple[str, ...]:
    """First power, full power, idle accelerators, and waiting against bridging, in sentences."""
    served = [row for row in rows if row[SERVED] > 100.0 * _LATE]
    whole = next((row for row in served if row[SERVED] >= 100.0 * (1.0 - _LATE)), None)
    if not served:
        return ("no plant of the scenario gives power in these years",)
    full = "never full power" if whole is None else f"full power {date_words(whole[FROM])}"
    first, last = (f"{row[PRICE]:.4g} $/MWh and {row[CARBON]:.4g} g/kWh" for row in (served[0], rows[-1]))
    text = f"first power {date_words(served[0][FROM])}, {full}: {first} at first, {last} once all has come"
    idle = sum(row.get(IDLE, 0.0) * (row[UNTIL] - row[FROM]) for row in rows)
    if idle > 0.0:
        money = with_unit(idle * answer["accelerator"]["cost_$/h"], "$")
        text += (
            f"; {with_unit(idle, 'h')} of idle accelerators, {money}, if they are bought as the year begins"
        )
    waiting = answer["waiting"]
    if waiting is None:
        return (text,)
    more = with_unit(waiting["present_cost_more_M$"] * 1e6, "$")
    return (text, f"waiting instead of bridging with {' and '.join(waiting['without'])} costs {more} more at "
            "present worth")  # fmt: skip


def phases_grid(result: Result) -> tuple[Grid, ...]:
    """The phases as a table, or nothing."""
    frame: Any = get_table(result, PHASES)
    if frame is None:
        return ()
    idle = {key: unit for key, unit in {IDLE: "h", IDLE_COST: "$"}.items() if key in frame.columns}
    rows = [
        (
            f"{date_words(row[FROM])} to {date_words(row[UNTIL])}",
            f"{row[SERVED]:.1f} %",
            *("–" if math.isnan(row[key]) else significant(row[key]) for key in (PRICE, CARBON)),
            *("–" if row[key] <= 0.0 else with_unit(row[key], unit) for key, unit in idle.items()),
            row["plants"] or "–",
        )
        for _, row in frame.iterrows()
    ]
    waits = ("idle accelerators [h/yr]", "their cost a year")[: len(idle)]
    heads = ("years", "served", "$/MWh", "g/kWh", *waits, "plants, share of the load")
    return (rows_grid("What is there in each phase, by the median lead times.", heads, rows),)
