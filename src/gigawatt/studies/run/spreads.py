"""Bands of a run's numbers as its result holds them: by quantity, in words, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gigawatt.core.document import Grid
from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import shown
from gigawatt.faces.report.parts import listed, rows_grid
from gigawatt.studies.run.figures_tables import get_table

__all__ = [
    "CAUSES",
    "DRAWS",
    "GROUP",
    "NORMALS",
    "ROW",
    "TABLE",
    "Spread",
    "as_json",
    "ends_words",
    "rests",
    "spread_grid",
    "spread_words",
    "spreads",
]

TABLE, CAUSES, DRAWS, NORMALS = "uncertainty", "causes", "draws", "normals"
"""Tables of a result: bands by quantity, shares of their variance, the draws, and the normals behind them."""
GROUP, ROW = "group", "row"
"""Kinds of causes."""
_TOLD = 0.8
"""Share of a spread whose causes are named."""
_NAMED = 4
_SAID = (
    ("training.duration", "it takes"), ("ledger.run_cost", "the run costs"),
    ("ledger.annual_cost", "the campus costs"), ("supply.electricity_cost", "electricity costs"),
    ("carbon.run", "the run emits"), ("carbon.year", "it emits in a year"),
)  # fmt: skip
"""Quantities of the sentence, and its verbs."""


@dataclass(frozen=True)
class Spread:
    """The band of a quantity in its shown unit: 5, 50 and 95 %; ``guesses`` is the share of its variance that
    rests on guesses, ``groups`` those of its causes.
    """

    name: str
    unit: str
    low: float
    median: float
    high: float
    guesses: float
    groups: tuple[tuple[str, float], ...]


def spreads(result: Result) -> dict[str, Spread]:
    """The bands of a result by quantity, none where they were not asked for."""
    frame: Any = get_table(result, TABLE)
    if frame is None:
        return {}
    causes = _causes(result, GROUP)
    return {
        str(name): Spread(
            str(name), str(row["unit"]), float(row["low"]), float(row["median"]), float(row["high"]),
            float(row["on guesses"]), causes.get(str(name), ()),
        )
        for name, row in frame.iterrows()
    }  # fmt: skip


def _causes(result: Result, kind: str) -> dict[str, tuple[tuple[str, float], ...]]:
    frame: Any = get_table(result, CAUSES)
    found: dict[str, tuple[tuple[str, float], ...]] = {}
    if frame is not None:
        for name, part in frame[frame["kind"] == kind].groupby("quantity", sort=False):
            found[str(name)] = tuple(zip(map(str, part["cause"]), map(float, part["share"]), strict=True))
    return found


def as_json(result: Result) -> dict[str, Any]:
    """Stable keys of the answer: by quantity ``low, median, high, unit, on_guesses, groups, rows``."""
    rows = _causes(result, ROW)
    return {
        name: {
            "low": one.low, "median": one.median, "high": one.high, "unit": one.unit,
            "on_guesses": one.guesses, "groups": dict(one.groups), "rows": dict(rows.get(name, ())),
        }
        for name, one in spreads(result).items()
    }  # fmt: skip


def ends_words(result: Result, one: Spread) -> str:
    """Low and high end of a band in the quantity's unit, which stands once where it is the same."""
    low, high = (_end(result, one, end) for end in (one.low, one.high))
    (first, _, of_low), (_, _, of_high) = low.partition(" "), high.partition(" ")
    return f"{first if of_low == of_high else low} to {high}"


def _end(result: Result, one: Spread, value: float) -> str:
    """A value of a band as the quantity is shown."""
    made = replace(result.quantity(one.name), value=value * factor(one.unit))
    return shown(made).replace("/Mtoken", "")


def _mainly(one: Spread) -> str:
    """The groups that make most of a spread, with their shares."""
    told: list[str] = []
    reached = 0.0
    for group, share in one.groups[:_NAMED]:
        told.append(f"{group} {100 * share:.0f} %")
        reached += share
        if reached >= _TOLD:
            break
    return listed(told)


def spread_words(result: Result) -> str:
    """The bands of the first numbers as a sentence, and what most of the spread of the money comes from."""
    found = spreads(result)
    said = [f"{verb} {ends_words(result, found[name])}" for name, verb in _SAID if name in found]
    if not said:
        return ""
    text = f"With everything that is uncertain drawn together, nine times in ten {listed(said)}."
    money = found.get("ledger.run_cost") or found.get("ledger.annual_cost")
    if money is not None:
        text += f" The spread of the cost comes from {_mainly(money)}; {rests(money)} of it rests on guesses."
    return text


def rests(one: Spread) -> str:
    """The share of a spread that rests on guesses, as text."""
    return f"{100 * one.guesses:.0f} %"


def spread_grid(result: Result, names: Mapping[str, str]) -> tuple[Grid, ...]:
    """Bands of quantities by their titles as a table, or nothing."""
    found = spreads(result)
    rows = [
        (title, shown(result.quantity(name)), _end(result, one, one.median), ends_words(result, one),
         _mainly(one), rests(one))
        for name, title in names.items()
        if (one := found.get(name)) is not None
    ]  # fmt: skip
    if not rows:
        return ()
    told = result.run[TABLE]
    caption = (
        f"{told['draws']:,} draws of {told['factors']:,} rows and errors of models, each by its range. "
        "Layouts, replicas and the plan of the supply are held as they were decided. "
        f"{len(told['guesses_without_a_range'])} guesses have no range and are not drawn."
    )
    heads = ("of", "value", "median", "nine times in ten", "mainly from", "on guesses")
    return (rows_grid(caption, heads, rows),)
