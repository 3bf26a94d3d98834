"""The uncertainty of a result in words, as a table and as JSON, read from its tables."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.document import Grid
from gigawatt.core.quantities import factor, finite_or_none, several
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import between, shown
from gigawatt.faces.report.parts import listed, rows_grid
from gigawatt.studies.run.figures_tables import get_table

__all__ = [
    "CAUSES",
    "CELLS",
    "DRAWS",
    "GROUP",
    "HEADLINES",
    "NORMALS",
    "NOT_SERVED",
    "ROW",
    "SHORTAGE",
    "TABLE",
    "YEAR",
    "YEARS",
    "Limit",
    "Spread",
    "as_json",
    "causes_of",
    "cells_of",
    "drawn_values",
    "ends_words",
    "guessed",
    "headline",
    "limits_of",
    "spread_grid",
    "spread_words",
    "spreads",
]

TABLE, CAUSES, DRAWS, NORMALS, CELLS = "uncertainty", "causes", "draws", "normals", "cells"
"""Tables of a result: bands, variance shares, draws, the standard normals of the inputs, bands of cells."""
YEAR = "weather and market year"
"""Column of the drawn year in the table of normals."""
YEARS, NOT_SERVED, SHORTAGE = "years", "not served [MWh]", "not served [M$]"
"""Table of numbers by weather and market year, where years are drawn, and its last columns."""
GROUP, ROW = "group", "row"
"""Kinds of inputs in the table of variance shares."""
_TOLD = 0.8
"""Cumulated variance share up to which inputs are named."""
_NAMED = 4
_CLOSE = 0.01
"""Difference of percentiles below which they are the same."""
HEADLINES = {
    "ledger.run_cost": "the run costs",
    "economics.cost_million_output": "a million output tokens cost",
    "ledger.annual_cost": "a year of the campus costs",
}
"""Costs that sentence, tornado and curve are of: the first that has a band; and what costs."""


@dataclass(frozen=True)
class Spread:
    """Quantiles of a quantity in its shown unit: 5, 50 and 95 %.

    ``guesses`` is the variance share of guesses, ``error`` the relative error of the response surface where
    it is known, ``groups`` the variance shares of groups of inputs.
    """

    name: str
    unit: str
    low: float
    median: float
    high: float
    guesses: float
    error: float | None
    groups: tuple[tuple[str, float], ...]


def spreads(result: Result) -> dict[str, Spread]:
    """Bands of a result by quantity, empty where none are drawn."""
    frame: Any = get_table(result, TABLE)
    if frame is None:
        return {}
    causes = causes_of(result, GROUP)
    columns = ("unit", "low", "median", "high", "from guesses", "response error")
    return {
        str(name): Spread(
            str(name), str(unit), float(low), float(median), float(high), float(guesses),
            finite_or_none(error), causes.get(str(name), ()),
        )
        for name, unit, low, median, high, guesses, error in zip(
            frame.index, *(frame[column] for column in columns), strict=True
        )
    }  # fmt: skip


def causes_of(result: Result, kind: str) -> dict[str, tuple[tuple[str, float], ...]]:
    """By quantity the inputs of a kind (:data:`GROUP`, :data:`ROW`) with variance shares, largest first."""
    frame: Any = get_table(result, CAUSES)
    found: dict[str, list[tuple[str, float]]] = {}
    if frame is not None:
        mine = frame[frame["kind"] == kind]
        for name, cause, share in zip(mine.index, mine["cause"], mine["share"], strict=True):
            found.setdefault(str(name), []).append((str(cause), float(share)))
    return {name: tuple(causes) for name, causes in found.items()}


def cells_of(result: Result, table: str) -> dict[tuple[str, str], tuple[float, float]]:
    """(row, column) → 5 and 95 % of the cells of a table, in its unit; empty where none are drawn."""
    frame: Any = get_table(result, CELLS)
    if frame is None or not len(frame):
        return {}
    mine = frame[frame["table"] == table]
    ends = zip(map(float, mine["low"]), map(float, mine["high"]), strict=True)
    return dict(zip(zip(map(str, mine["row"]), map(str, mine["column"]), strict=True), ends, strict=True))


def _share_ends(result: Result, kind: str) -> dict[str, dict[str, list[float]]]:
    """By quantity the 90 % interval of the share of each input of a kind."""
    frame: Any = get_table(result, CAUSES)
    found: dict[str, dict[str, list[float]]] = {}
    if frame is not None and "share low" in frame:
        for name, row in frame[frame["kind"] == kind].iterrows():
            ends = [float(row["share low"]), float(row["share high"])]
            found.setdefault(str(name), {})[str(row["cause"])] = ends
    return found


def as_json(result: Result) -> dict[str, Any]:
    """By quantity: ``low, median, high, unit, from_guesses, response_error, groups, rows``.

    ``groups`` and ``rows`` are variance shares, ``group_intervals`` the 90 % intervals of the former.
    """
    rows, ends = causes_of(result, ROW), _share_ends(result, GROUP)
    return {
        name: {
            "low": one.low, "median": one.median, "high": one.high, "unit": one.unit,
            "from_guesses": one.guesses, "response_error": one.error, "groups": dict(one.groups),
            "rows": dict(rows.get(name, ())), "group_intervals": ends.get(name, {}),
        }
        for name, one in spreads(result).items()
    }  # fmt: skip


def ends_words(result: Result, one: Spread) -> str:
    """Low and high end of a band in the quantity's unit, which stands once where it is the same."""
    return between(*(_end(result, one, end) for end in (one.low, one.high)))


def _end(result: Result, one: Spread, value: float) -> str:
    """A value of a band as the quantity is shown."""
    made = replace(result.quantity(one.name), value=value * factor(one.unit))
    return shown(made).replace("/Mtoken", "")


def _mainly(one: Spread) -> str:
    """Groups with the largest variance shares."""
    parts: list[str] = []
    reached = 0.0
    for group, share in one.groups[:_NAMED]:
        parts.append(f"{group} {100 * share:.0f}\u00a0%")
        reached += share
        if reached >= _TOLD:
            break
    return listed(parts)


def headline(result: Result) -> Spread | None:
    """Band of the cost that is asked first: of the run, of a million output tokens, of a year."""
    found = spreads(result)
    return next((found[name] for name in HEADLINES if name in found), None)


def drawn_values(result: Result, name: str) -> NDArray[np.float64] | None:
    """(draws,) values of a quantity in its unit; ``None`` where none are drawn."""
    frame: Any = get_table(result, DRAWS)
    return None if frame is None or name not in frame.columns else np.asarray(frame[name], float)


def spread_words(result: Result) -> str:
    """Between which values the cost lies and what makes it vary; how probably deadline and budget are met."""
    if not spreads(result):
        return ""
    text = f"The 90 % intervals are of {result.run[TABLE]['draws']:,} draws of all uncertain inputs together."
    money = headline(result)
    values = None if money is None else drawn_values(result, money.name)
    if money is None or values is None:
        return f"{text}{_met_words(result)}"
    ends = ends_words(result, money), _end(result, money, float(np.quantile(values, 0.75)))
    nine, quarter = (words.replace(" a year", "") for words in ends)
    likely = f"In nine cases of ten {HEADLINES[money.name]} {nine}, in one of four more than {quarter}."
    causes = f"The variance of the cost comes from {_mainly(money)}; guesses make {guessed(money)} of it."
    return f"{text} {likely}{_met_words(result)} {causes}"


_LIMITS = {
    "training.deadline": ("training.duration", "deadline"),
    "economics.budget": ("ledger.total_capital", "budget"),
}
"""Limits that a scenario may give: the quantity that each is of, and what it is called."""
_TARGETS = {"ttft": "TTFT target", "tpot": "TPOT target", "e2e": "E2E target"}
_PERCENTILES = (50, 90, 99)


@dataclass(frozen=True)
class Limit:
    """A limit of the scenario in the unit of the quantity's band, and the probability that it is met."""

    name: str
    value: float
    met: float


def limits_of(result: Result) -> dict[str, Limit]:
    """Limits by quantity: deadline, budget of the capital, latency targets."""
    given = [
        (of, title, float(limit.value))
        for name, (of, title) in _LIMITS.items()
        if (limit := result.quantities.get(name)) is not None and limit.value is not None
    ]
    frame: Any = get_table(result, "promise")
    for metric, row in () if frame is None else frame.iterrows():
        share = next((p for p in _PERCENTILES if abs(100.0 * float(row["asked []"]) - p) < _CLOSE), None)
        if share is not None and str(metric) in _TARGETS:
            limit = float(row["limit [s]"])
            given.append((f"serving.{metric}_p{share}", f"{_TARGETS[str(metric)]} (p{share})", limit))
    found: dict[str, Limit] = {}
    for of, title, value in given:
        one, values = spreads(result).get(of), drawn_values(result, of)
        if one is not None and values is not None:
            limit = value / factor(one.unit)
            found[of] = Limit(title, limit, float(np.mean(values <= limit)))
    return found


def _met_words(result: Result) -> str:
    """How probably the limits of the scenario are met."""
    said = [
        f"the {one.name} of {_end(result, spreads(result)[of], one.value)} is met with a probability of "
        f"{100.0 * one.met:.0f} %"
        for of, one in limits_of(result).items()
    ]
    return f" T{listed(said)[1:]}." if said else ""


def guessed(one: Spread) -> str:
    """The variance share of guesses, as text."""
    return f"{100 * one.guesses:.0f} %"


def _check_words(found: Mapping[str, Spread], sampling: Mapping[str, Any]) -> str:
    """Median error of the response surfaces, or that no joint draw has an answer."""
    errors = [one.error for one in found.values() if one.error is not None]
    if not errors:
        return "No joint draw has an answer, so the response surface is unchecked."
    return (
        f"The response surface differs from {sampling['exact_draws']} exact joint draws by "
        f"{100 * statistics.median(errors):.1f} % in the median quantity."
    )


def _refused_words(names: Sequence[str]) -> str:
    return f" No answer at one end of the range of: {', '.join(names)}." if names else ""


def _years_words(result: Result, sampling: Mapping[str, Any]) -> str:
    """Which years are drawn, what is of one year only, and energy not served in a year."""
    years, single = sampling.get("years", ()), sampling.get("of_one_year", ())
    text = ""
    if years:
        text = f" Weather and market years, each as likely: {', '.join(map(str, years))}."
        frame: Any = get_table(result, YEARS)
        columns = ((), ()) if frame is None else (frame[NOT_SERVED].items(), frame[SHORTAGE])
        short = [f"{lost:,.3g} MWh in {year}" for year, lost in columns[0] if lost > 0.0]
        if short:
            text += (
                f" Energy not served: {listed(short)}; at its price up to {max(columns[1]):,.3g} M$, "
                "which the costs do not contain."
            )
    return text + "".join(f" {one[:1].upper()}{one[1:]}." for one in single)


def spread_grid(result: Result, names: Mapping[str, str]) -> tuple[Grid, ...]:
    """Bands of quantities by their titles as a table, or nothing."""
    found = spreads(result)
    rows = [
        (title, shown(result.quantity(name)), _end(result, one, one.median), ends_words(result, one),
         _mainly(one), guessed(one))
        for name, title in names.items()
        if (one := found.get(name)) is not None
    ]  # fmt: skip
    if not rows:
        return ()
    sampling = result.run[TABLE]
    unranged = several(len(sampling["guesses_without_range"]), "guess", "guesses")
    caption = (
        f"{sampling['draws']:,} draws of {sampling['factors']:,} uncertain inputs: catalog rows with a "
        "range, and model errors. Layouts, replicas and the capacities of the supply plan are fixed. "
        f"{_check_words(found, sampling)} {unranged} without a range are not sampled."
        f"{_years_words(result, sampling)}{_refused_words(sampling['no_answer_at_an_end'])}"
    )
    heads = ("quantity", "value", "median", "90 % interval", "mainly from", "from guesses")
    return (rows_grid(caption, heads, rows),)
