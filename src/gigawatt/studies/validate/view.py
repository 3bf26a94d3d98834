"""Predictions beside measurements: how far off every table is, and one of them row by row."""

from __future__ import annotations

from typing import Any

from gigawatt.core.document import Cell, Grid
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.rendering import Plot, fragment, plot
from gigawatt.faces.web.tabled import percent, tabled
from gigawatt.studies.validate.figures import error_figure, parity_figure
from gigawatt.validation.parity import TABLES, furthest, groups, headline, is_known, make, parity

__all__ = ["compute", "compute_all", "show"]

_AT_ONCE = 1.0
"""Processor seconds of a table beyond which it stands in the overview once somebody has asked for it."""
_UNITS = 3
"""Units with a drawing each; of more, all rows share one."""
_FURTHEST = 25
_FIRST = "kernels"

CHOICES = {
    name: f"{name}: {TABLES[name].words}" for name in (_FIRST, *(name for name in TABLES if name != _FIRST))
}


def show(asked: Asked) -> Fragment:
    """The line of every table that is known, and the table that was chosen, at once or on demand."""
    table = asked.setting("table", CHOICES)
    at_once = TABLES[table].quick or is_known(table)
    context = _one(table) if at_once else {}
    missing = [name for name in TABLES if not _told(name)]
    return fragment(
        "validation.html.j2",
        title=f"Validation: {TABLES[table].words}",
        tables=CHOICES,
        table=table,
        words=TABLES[table].words,
        at_once=at_once,
        seconds=_seconds(TABLES[table].seconds),
        overview=_overview([name for name in TABLES if _told(name)]),
        missing=missing,
        whole=_seconds(sum(TABLES[name].seconds for name in TABLES)),
        **context,
    )


def compute(asked: Asked) -> Fragment:
    """A table that takes a while."""
    table = asked.setting("table", CHOICES)
    make(table, lambda done, all_: asked.progress("Predicting", done / max(all_, 1)))
    return fragment("validation_table.html.j2", table=table, words=TABLES[table].words, **_one(table))


def compute_all(asked: Asked) -> Fragment:
    """The line of every table."""
    whole, spent = sum(table.seconds for table in TABLES.values()), 0.0
    for name, table in TABLES.items():
        asked.progress(f"Predicting {table.words}", spent / whole)
        make(name, lambda done, all_, s=spent, t=table: asked.progress(
            f"Predicting {t.words}", (s + t.seconds * done / max(all_, 1)) / whole
        ))  # fmt: skip
        spent += table.seconds
    return fragment("validation_all.html.j2", overview=_overview(list(TABLES)))


def _told(table: str) -> bool:
    return TABLES[table].seconds <= _AT_ONCE or is_known(table)


def _seconds(seconds: float) -> str:
    return f"about {significant(seconds, 2)} seconds of one processor"


def _overview(tables: list[str]) -> Grid:
    rows: list[list[Cell | str]] = []
    for name in tables:
        told = headline(name)
        parts: list[tuple[str, dict[str, Any]]] = [("all", told)]
        parts += [(words, told[key]) for words, key in (("seen by no fit", "held_out"), ("fitted", "fitted"))
                  if key in told]  # fmt: skip
        for part, found in parts:
            naive = told["baseline"] if part != "seen by no fit" and "baseline" in told else None
            judged = f"{told['judging_passed']} of {told['judging']}" if "judging" in told else ""
            rows.append([
                name, told["words"] if part == "all" else "", part,
                f"{found['number']:,}", percent(found["median"]), percent(found["p90"]),
                percent(found["bias"], sign=True),
                percent(naive["median"]) if naive is not None and part == "fitted" else "",
                judged if part == ("seen by no fit" if "held_out" in told else "all") else "",
            ])  # fmt: skip
    heads = ("table", "what", "rows", "number", "median", "90 % below", "bias", "plain model, median",
             "in tolerance")  # fmt: skip
    kept = [i for i in range(len(heads)) if any(_filled(row[i]) for row in rows)]
    return tabled(
        "Errors of predictions against measured or published values: |predicted/measured - 1|, and as bias "
        "the geometric mean of predicted/measured, less one. The plain model is a constant utilisation for "
        "each accelerator; in tolerance are published numbers that ours were not made from.",
        [heads[i] for i in kept],
        [[row[i] for i in kept] for row in rows],
        words=(0, 1, 2),
    )


def _filled(cell: Cell | str) -> bool:
    return bool(cell.text if isinstance(cell, Cell) else cell)


def _one(table: str) -> dict[str, Any]:
    """The context of one table: figures, groups, rows that are furthest off."""
    frame = parity(table)
    units = [str(unit) for unit in frame["unit"].value_counts(sort=True).index]
    each: list[str | None] = list(units) if len(units) <= _UNITS else [None]
    plots: list[Plot] = []
    for number, unit in enumerate(each):
        of = "" if unit is None or len(each) == 1 else f", in {'shares' if unit == '1' else unit}"
        words = TABLES[table].words
        caption = (
            f"{words[:1].upper()}{words[1:]}{of}: predicted over measured. On the "
            "line they agree; dashed lines are 10 % off, dotted ones 25 %. Open points were seen by no fit."
        )
        plots.append(plot(f"parity-{table}-{number}", parity_figure(frame, unit=unit), caption))
    errors = plot(
        f"errors-{table}",
        error_figure(frame),
        "How errors spread by group: boxes hold the middle half, whiskers reach from 5 to 95 %.",
    )
    return {
        "plots": plots, "errors": errors, "groups": _groups(table), "furthest": _far(table),
        "headline": headline(table),
        "line": _line(headline(table)),
    }  # fmt: skip


def _line(told: dict[str, Any]) -> str:
    """The headline in words."""
    said = (
        f"{told['number']:,} rows; half of them within {percent(told['median'])}, nine in ten within "
        f"{percent(told['p90'])}, on the whole {percent(told['bias'], sign=True)}."
    )
    if "held_out" in told:
        held = told["held_out"]
        said += (
            f" Of the {held['number']:,} that no fit saw, half are within {percent(held['median'])} and nine "
            f"in ten within {percent(held['p90'])}."
        )
    if "baseline" in told:
        said += (
            " A constant utilisation for each accelerator, fitted to the rows that are not held out, would "
            f"have half of them within {percent(told['baseline']['median'])} (ours: "
            f"{percent(told['fitted']['median'])})."
        )
    if "judging" in told:
        said += (
            f" Of {told['judging']:,} published numbers that ours were not made from, "
            f"{told['judging_passed']:,} are within their tolerance."
        )
    return said


def _groups(table: str) -> Grid:
    rows = [
        (one["group"], "no" if one["held_out"] else "yes", f"{one['number']:,}", percent(one["median"]),
         percent(one["p90"]), percent(one["bias"], sign=True))
        for one in groups(table)
    ]  # fmt: skip
    return tabled(
        "Errors by group, the largest first.",
        ("group", "seen by a fit", "rows", "median", "90 % below", "bias"),
        rows, words=(0, 1),
    )  # fmt: skip


def _far(table: str) -> Grid:
    far: Any = furthest(table, _FURTHEST)
    rows = [
        (str(row["label"]), str(row["group"]), "no" if row["held_out"] else "yes",
         significant(row["measured"], 4), significant(row["predicted"], 4),
         "" if row["unit"] == "1" else str(row["unit"]), percent(row["error"], sign=True), str(row["source"]))
        for _, row in far.iterrows()
    ]  # fmt: skip
    return tabled(
        f"The {len(rows)} rows that are furthest off.",
        ("row", "group", "seen by a fit", "measured", "predicted", "unit", "off by", "source"),
        rows, words=(0, 1, 2, 5, 7),
    )  # fmt: skip
