"""Scenarios side by side on one page: figures in a table, a waterfall for each difference that was split."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from gigawatt.figures.page import PAGE, grid
from gigawatt.figures.readable import significant, with_unit
from gigawatt.figures.style import INK, finish, safe

__all__ = ["change", "page", "ratio_words", "value_words", "waterfall"]

Document = Mapping[str, Any]
_UP, _DOWN, _ENDS = "#d55e00", "#0072b2", "#8c929a"
_TITLE = 30
_SMALL = 5e-4
"""Share of the largest part below which a group is not drawn: it is in the table."""


def value_words(value: float | str | None, unit: str) -> str:
    """A value in ``unit`` as a person reads it; what is not there is a dash."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else with_unit(value, unit)


def change(value: float | None, unit: str) -> str:
    """A difference with its sign; of percentages it is in points."""
    if value is None:
        return "–"
    if value == 0.0:
        return "0"
    size = abs(value)
    words = f"{significant(size)} points" if unit in ("percent", "%") else with_unit(size, unit)
    return f"{'+' if value > 0 else '−'}{words}"


def ratio_words(value: float | None) -> str:
    """A ratio to the first, as a factor."""
    return "–" if value is None else f"× {significant(value)}"


def waterfall(split: Document, groups: Sequence[Document], names: Sequence[str]) -> Any:
    """From one scenario's value to the other's, a bar for what each group moved.

    Parameters
    ----------
    split : mapping
        One of the ``quantities`` of an attribution: ``before``, ``after``, ``parts`` in ``unit``, ``errors``.
    groups : sequence of mapping
        Its groups, in the order of the parts.
    names : sequence of str
        The two scenarios.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    unit, parts = split["unit"], split["parts"]
    least = _SMALL * max((abs(part) for part in parts), default=0.0)
    shown = [i for i in sorted(range(len(parts)), key=lambda i: -abs(parts[i])) if abs(parts[i]) > least]
    errors = split["errors"]
    bars = [parts[i] for i in shown]
    words = [change(part, unit) for part in bars]
    if errors is not None:
        words = [
            text if (e := errors[i]) is None else f"{text} ± {with_unit(e, unit)}"
            for text, i in zip(words, shown, strict=True)
        ]
    labels = [safe(names[0], 34), *(safe(groups[i]["name"]) for i in shown), safe(names[1], 34)]
    rest = split["after"] - split["before"] - math.fsum(bars)
    if abs(rest) > least and shown:
        labels.insert(-1, "the rest")
        bars.append(rest)
        words.append(change(rest, unit))
    values = [split["before"], *bars, split["after"]]
    texts = [value_words(split["before"], unit), *words, value_words(split["after"], unit)]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            y=[f"{number}" for number in range(len(values))],
            x=values,
            measure=["absolute", *["relative"] * len(bars), "total"],
            text=texts,
            textposition="outside",
            cliponaxis=False,
            increasing={"marker": {"color": _UP}},
            decreasing={"marker": {"color": _DOWN}},
            totals={"marker": {"color": _ENDS}},
            connector={"line": {"color": INK, "width": 0.6, "dash": "dot"}},
            customdata=labels,
            hovertemplate="%{customdata}: %{text}<extra></extra>",
        )
    )
    made = finish(figure, title=safe(split["what"].rstrip("."), 90), height=110 + 34 * len(values), x=unit)
    made.update_yaxes(
        autorange="reversed", tickmode="array", tickvals=[f"{n}" for n in range(len(values))], ticktext=labels
    )
    made.update_layout(waterfallgap=0.35)
    reach = [split["before"]]
    for part in bars:
        reach.append(reach[-1] + part)
    low, high = min(0.0, *reach), max(0.0, *reach)
    span = high - low or 1.0
    falls = [now for last, now in pairwise(reach) if now < last]  # whose words stand to the left of the bar
    room = 0.24 if falls and min(falls) < low + 0.26 * span else 0.02
    made.update_xaxes(range=[low - room * span, high + 0.34 * span])
    return made


def _plot(figure: Any, *, first: bool) -> tuple[str, str]:
    """(heading, drawing) of a figure whose title goes above it."""
    heading = figure.layout.title.text
    top, height = figure.layout.margin.t - _TITLE, figure.layout.height - _TITLE
    figure.update_layout(title=None, margin={"t": top}, height=height)
    drawn = figure.to_html(
        full_html=False,
        include_plotlyjs=first,
        default_width="100%",
        config={"displayModeBar": False, "responsive": True},
    )
    return heading, drawn


def _letters(document: Document) -> list[str]:
    """A for the first, and so on; numbers after the alphabet."""
    return [chr(ord("A") + n) if n < 26 else f"#{n + 1}" for n in range(len(document["scenarios"]))]


def page(document: Document) -> str:
    """One self-contained page; ``document`` is what ``gigawatt compare --json`` prints."""
    names = [side["name"] for side in document["scenarios"]]
    title = safe(" beside ".join(names), 160)
    letters = _letters(document)
    body = [f"<h1>{title}</h1>"]
    named = zip(letters, names, document["scenarios"], strict=True)
    body += [f"<p><b>{a}</b> {safe(name, 160)} ({safe(side['source'], 160)})</p>" for a, name, side in named]
    body += [f'<p class="notice">{html.escape(one)}</p>' for one in document["said"]]
    body += ["<h2>Side by side</h2>", side_by_side(document)]
    split = document["attribution"]
    if split is not None and split["groups"]:
        body += ["<h2>Which input moved what</h2>", f'<p class="dim">{html.escape(split["method"])}.</p>']
        rows = [(g["name"], g["words"], g["before"], g["after"]) for g in split["groups"]]
        body.append(f'<div class="assumed">{grid(("group", "what it is", *letters), rows)}</div>')
        for number, one in enumerate(split["quantities"]):
            heading, drawn = _plot(waterfall(one, split["groups"], names), first=number == 0)
            caption = f"{one['quantity']}: the parts sum to the difference"
            words = html.escape(caption)
            body.append(f"<h2>{heading}</h2><figure>{drawn}<figcaption>{words}</figcaption></figure>")
        if split["without_an_answer"]:
            lost = [(", ".join(one["groups"]), one["why"]) for one in split["without_an_answer"]]
            table = grid(("these alone as in the second", "why there is no answer"), lost)
            body += ["<h2>Mixtures without an answer</h2>", f'<div class="assumed">{table}</div>']
    told = document["notices"]
    for name, only in zip(names, told["only"], strict=True):
        if only:
            items = "".join(f"<li>{html.escape(one)}</li>" for one in only)
            body.append(f"<h2>Only of {safe(name, 120)}</h2><ul>{items}</ul>")
    inputs = [(row["quantity"], row["what"], *map(str, row["values"])) for row in document["inputs"]]
    if inputs:
        table = grid(("input", "what it is", *letters), inputs)
        body += ["<h2>Inputs that differ</h2>", f'<div class="assumed">{table}</div>']
    return PAGE.format(title=title, body="\n".join(body))


def side_by_side(document: Document) -> str:
    """The table of quantities that matter: values, then differences and ratios against the first."""
    letters = _letters(document)
    heads: list[str] = ["quantity", *letters]
    for letter in letters[1:]:
        heads += [f"{letter} − A", f"{letter} / A"]
    rows: list[tuple[object, ...]] = []
    for row in document["quantities"]:
        if not row["matters"] or all(isinstance(value, str) for value in row["values"]):
            continue
        cells: list[object] = [row["what"].rstrip(".")]
        for value, grade in zip(row["values"], row["grades"], strict=True):
            cells.append(f"{value_words(value, row['unit'])} ({grade})" if grade else "–")
        for difference, ratio in zip(row["differences"][1:], row["ratios"][1:], strict=True):
            cells += [change(difference, row["unit"]), ratio_words(ratio)]
        rows.append(tuple(cells))
    return grid(heads, rows)
