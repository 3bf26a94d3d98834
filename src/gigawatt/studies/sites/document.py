"""Ranked sites as a document."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gigawatt.core.document import Again, Document, Grid, Section
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.drawings import drawn
from gigawatt.faces.report.parts import facts_of, listed, rows_grid
from gigawatt.power.dates import date_words
from gigawatt.studies.sites.figures import FIGURES

__all__ = ["document"]

Answer = Mapping[str, Any]
Row = Mapping[str, Any]
_FEW = 10
_WORDS = {"cost": "cheapest", "carbon": "cleanest", "date": "first there", "short": "most reliable"}
_MORE = {
    "duration_days": ("duration", lambda value: with_unit(value, "d")),
    "run_cost_USD": ("run", lambda value: with_unit(value, "$")),
    "run_carbon_t": ("carbon of the run", lambda value: with_unit(value, "t")),
    "cost_USD_per_million_output": ("a million output tokens", lambda value: with_unit(value, "$")),
}


def _figures(row: Row) -> tuple[str, str, str, str]:
    return (
        f"${significant(row['cost_USD_per_MWh'])}/MWh",
        f"{significant(row['carbon_g_per_kWh'])} g/kWh",
        date_words(row["complete"]),
        f"{significant(row['lolh_h'], 2)} h",
    )


def _rows(answer: Answer) -> Grid:
    rows = answer["sites"]
    more = [key for key in _MORE if rows and rows[0].get(key) is not None]
    cells = [
        (
            str(row["rank"]), row["name"], row["country"], *_figures(row),
            *("–" if row[key] is None else _MORE[key][1](row[key]) for key in more),
            row["mix"] or "–", "yes" if row["best"] else "–",
        )
        for row in rows
    ]  # fmt: skip
    heads = ("rank", "site", "country", "cost", "carbon", "there from", "short per year",
             *(_MORE[key][0] for key in more), "energy from", "unbeaten")  # fmt: skip
    return rows_grid(f"Sites by {answer['by']}.", heads, cells)


def _first(answer: Answer) -> str:
    rows = answer["sites"]
    if not rows:
        return "No site has an answer."
    top = rows[0]
    cost, carbon, there, short = _figures(top)
    best = [row["name"] for row in rows if row["best"]]
    text = (
        f"{top['name']} is {_WORDS[answer['by']]} of {len(rows)} sites: {cost}, {carbon}, all of it there "
        f"from {there}, {short} short a year ({top['mix']})."
    )
    if len(best) > 1:
        few = listed(best[:_FEW]) + (f" and {len(best) - _FEW} more" if len(best) > _FEW else "")
        text += (
            f" Unbeaten are {few}: no other site is at least as good as one of them in cost, carbon, date "
            "and hours short, and better in one."
        )
    return text


def document(answer: Answer, again: Again, more: Any = None) -> Document:
    """The document of ranked sites."""
    figures = tuple(drawn(name, partial(draw, answer), caption) for name, (draw, caption) in FIGURES.items())
    sections = [Section("sites", "The sites", (*(figures if answer["sites"] else ()), _rows(answer)))]
    if answer["refused"]:
        cells = [(one["site"], one["reason"]) for one in answer["refused"]]
        sections.append(
            Section("refused", "Sites without an answer", (rows_grid("Why not.", ("site", "why"), cells),))
        )
    return Document(
        title=f"{len(answer['sites'])} sites for {answer['name']}, {answer['year']}",
        setting=f"{len(answer['sites'])} sites, {len(answer['refused'])} without an answer",
        paragraphs=(_first(answer),),
        again=again,
        short=("sites", "refused"),
        sections=tuple(sections),
        facts=facts_of(again, ("seconds a site", significant(answer["seconds_per_site"], 2))),
    )
