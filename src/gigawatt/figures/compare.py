"""Scenarios side by side: figures in a table, a waterfall for each difference that was split."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from gigawatt.figures.readable import significant, with_unit
from gigawatt.figures.style import INK, finish, safe

__all__ = ["change", "letters", "ratio_words", "side_by_side", "value_words", "waterfall"]

Document = Mapping[str, Any]
_UP, _DOWN, _ENDS = "#d55e00", "#0072b2", "#8c929a"
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


def letters(document: Document) -> list[str]:
    """A for the first, and so on; numbers after the alphabet."""
    return [chr(ord("A") + n) if n < 26 else f"#{n + 1}" for n in range(len(document["scenarios"]))]


def side_by_side(document: Document) -> tuple[list[str], list[tuple[str, ...]]]:
    """Head and rows of quantities that matter: values, then differences and ratios against the first."""
    marks = letters(document)
    heads: list[str] = ["quantity", *marks]
    for letter in marks[1:]:
        heads += [f"{letter} − A", f"{letter} / A"]
    rows: list[tuple[str, ...]] = []
    for row in document["quantities"]:
        if not row["matters"] or all(isinstance(value, str) for value in row["values"]):
            continue
        cells: list[str] = [row["what"].rstrip(".")]
        for value, grade in zip(row["values"], row["grades"], strict=True):
            cells.append(f"{value_words(value, row['unit'])} ({grade})" if grade else "–")
        for difference, ratio in zip(row["differences"][1:], row["ratios"][1:], strict=True):
            cells += [change(difference, row["unit"]), ratio_words(ratio)]
        rows.append(tuple(cells))
    return heads, rows
