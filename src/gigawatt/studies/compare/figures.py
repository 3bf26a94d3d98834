"""Scenarios side by side: figures in a table, a waterfall for each difference that was split."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from gigawatt.faces.figures.ranges import ratio_axis
from gigawatt.faces.figures.readable import between, significant, with_unit
from gigawatt.faces.figures.style import INK, colour, finish, safe

__all__ = [
    "change", "letters", "percent_words", "ratio_words", "ratios_figure", "side_by_side", "value_words",
    "waterfall",
]  # fmt: skip

Document = Mapping[str, Any]
_UP, _DOWN, _ENDS = "#d55e00", "#0072b2", "#8c929a"
_DIGITS = 1e-9
"""Ratios this close to one differ by a solver's last digits."""
_MANY, _LEAST_PERCENT = 10.0, 5e-3
"""Ratio from which on a factor is written; percent that is nothing."""
_SMALL = 5e-4
"""Share of the largest part below which a group is not drawn: it is in the table."""


def value_words(value: float | str | None, unit: str) -> str:
    """A value in ``unit`` as a person reads it; what is not there is a dash."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else with_unit(value, unit)


def interval_words(row: Mapping[str, Any], side: int) -> str:
    """The 90 % interval of a quantity of one side; empty where none is drawn."""
    interval = row.get("intervals", ())[side : side + 1]
    if not interval or interval[0] is None:
        return ""
    return between(*(with_unit(one, row["unit"]) for one in interval[0]))


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


def percent_words(ratio: float | None) -> str:
    """How much more or less than the first, in percent; a factor from ten times on.

    >>> percent_words(1.25), percent_words(0.5), percent_words(40.0), percent_words(1.0)
    ('+25 %', '−50 %', '× 40', '0')
    """
    if ratio is None:
        return "–"
    if not 0.0 <= ratio < _MANY:
        return ratio_words(ratio)
    share = 100.0 * (ratio - 1.0)
    words = significant(abs(share)) if abs(share) >= _LEAST_PERCENT else "0"
    return words if words == "0" else f"{'+' if share > 0 else '−'}{words} %"


def ratios_figure(document: Document, called: Mapping[str, str] | None = None) -> Any:
    """Every quantity that matters and differs as a ratio to the first scenario, on a logarithmic axis.

    Parameters
    ----------
    document : mapping
        What ``Comparison.to_json`` gives.
    called : mapping of str to str, optional
        Short names by quantity; what it is in words where there is none.
    """
    import plotly.graph_objects as go

    marks = letters(document)
    rows = [
        row
        for row in document["quantities"]
        if row["matters"] and row["differs"] and any(r is not None and r > 0.0 for r in row["ratios"][1:])
    ]
    short = called or {}
    names = [safe(short.get(row["quantity"], row["what"].rstrip(".")), 38) for row in rows]
    figure = go.Figure()
    reach = 1.0 + _LEAST_PERCENT
    for number, letter in enumerate(marks[1:], 1):
        points = [
            (name, row["ratios"][number], value_words(row["values"][number], row["unit"]))
            for name, row in zip(names, rows, strict=True)
            if (row["ratios"][number] or 0.0) > 0.0
        ]
        reach = max([reach, *(max(ratio, 1.0 / ratio) for _, ratio, _ in points)])
        hue = colour("", number - 1)
        for name, ratio, _ in points:
            figure.add_shape(
                type="line",
                x0=1.0,
                x1=ratio,
                y0=name,
                y1=name,
                line={"color": hue, "width": 1.5},
                opacity=0.6,
            )
        figure.add_scatter(
            x=[ratio for _, ratio, _ in points],
            y=[name for name, _, _ in points],
            mode="markers",
            marker={"color": hue, "size": 10, "symbol": ("circle", "diamond", "square")[(number - 1) % 3]},
            name=f"{letter} / {marks[0]}",
            customdata=[f"{percent_words(ratio)}, {words}" for _, ratio, words in points],
            hovertemplate="%{y}: %{customdata}<extra>" + letter + "</extra>",
        )
    made = finish(
        figure, title="Ratios to the first", height=130 + 24 * len(rows), x=f"as a multiple of {marks[0]}",
        legend=len(marks) > 2,
    )  # fmt: skip
    made.add_vline(x=1.0, line={"color": INK, "width": 1})
    made.update_xaxes(**ratio_axis(1.0 / reach, reach))
    made.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=names)
    return made


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
    made.update_xaxes(range=_room_for_words(split["before"], bars))
    return made


def _room_for_words(start: float, bars: Sequence[float]) -> list[float]:
    """Ends of the axis of a waterfall, with room for what is written beside its bars."""
    reach = [start, *(start + sum(bars[: i + 1]) for i in range(len(bars)))]
    low, high = min(0.0, *reach), max(0.0, *reach)
    span = high - low or 1.0
    falls = [now for last, now in pairwise(reach) if now < last]  # whose words stand to the left of the bar
    room = 0.24 if falls and min(falls) < low + 0.26 * span else 0.02
    return [low - room * span, high + 0.34 * span]


def letters(document: Document) -> list[str]:
    """A for the first, and so on; numbers after the alphabet."""
    return [chr(ord("A") + n) if n < 26 else f"#{n + 1}" for n in range(len(document["scenarios"]))]


def side_by_side(document: Document, *, everything: bool = False) -> tuple[list[str], list[tuple[str, ...]]]:
    """Head and rows of quantities that matter, or of all that differ: values, differences, ratios."""
    marks = letters(document)
    heads: list[str] = ["quantity", *marks]
    for letter in marks[1:]:
        heads += [f"{letter} − A", f"{letter} / A"]
    drawn = any("intervals" in row for row in document["quantities"])  # without one it is given or chosen
    rows: list[tuple[str, ...]] = []
    for row in document["quantities"]:
        texts = all(isinstance(value, str) for value in row["values"])
        if not (row["differs"] if everything else row["matters"]) or (texts and not everything):
            continue
        cells: list[str] = [row["quantity"] if everything else row["what"].rstrip(".")]
        for side, (value, grade) in enumerate(zip(row["values"], row["grades"], strict=True)):
            beside = interval_words(row, side) or ("" if drawn else grade)
            words = value_words(value, row["unit"])
            cells.append(f"{words} ({beside})" if grade and beside else words if grade else "–")
        for difference, ratio in zip(row["differences"][1:], row["ratios"][1:], strict=True):
            same = ratio is not None and abs(ratio - 1.0) <= _DIGITS
            cells += [change(0.0 if same else difference, row["unit"]), ratio_words(ratio)]
        rows.append(tuple(cells))
    return heads, rows
