"""Figures of ranges: dots with whiskers, tornado, and the logarithmic axis of ratios."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gigawatt.faces.figures.readable import significant
from gigawatt.faces.figures.style import INK, finish, safe

__all__ = ["HIGH", "LOW", "Bar", "Whisker", "ratio_axis", "tornado", "whiskers"]

LOW, HIGH = "#0072b2", "#d55e00"
"""Colours of what an input at its low and at its high end gives."""
_CLOSE = 1.06
"""Ratio without a round tick below."""
_TICKS = (
    (1.4, (0.75, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25)),
    (3.5, (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)),
    (30.0, (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)),
)
"""Multiples that are marked while none is farther from one than the number before them; else tenfold ones."""
_ROOM = 0.22
"""Share of a tornado's width on either side for the words at its bars."""
_NAME = 52
"""Characters of a name."""


@dataclass(frozen=True)
class Whisker:
    """A name with its 5, 25, 50, 75 and 95 % as multiples of a reference, and what the hover says."""

    name: str
    quantiles: tuple[float, float, float, float, float]
    words: str


@dataclass(frozen=True)
class Bar:
    """An input: what it gives at its low and at its high end, and these ends in words."""

    name: str
    low: float
    high: float
    low_words: str
    high_words: str


def ratio_axis(low: float, high: float) -> dict[str, Any]:
    """A logarithmic axis from below ``low`` to above ``high``, marked at round multiples."""
    reach = max(high, 1.0 / low, 1.0)
    tenfold = [10.0**power for power in range(-9, 10)]
    marked = next((ticks for far, ticks in _TICKS if reach <= far), tenfold)
    ticks = [t for t in marked if 0.9 * low <= t <= high * 1.1]
    if reach < _CLOSE:  # no round multiple lies in there
        ticks = sorted({low, 1.0, high})
    room = 0.04 * math.log10(high / low)
    return {
        "type": "log",
        "range": [math.log10(low) - room, math.log10(high) + room],
        "tickvals": ticks,
        "ticktext": [f"×{significant(t)}" for t in ticks],
        "tickangle": 0,
    }


def whiskers(rows: Sequence[Whisker], *, title: str, x: str) -> Any:
    """Medians as dots with their 50 % (thick) and 90 % (thin) intervals, the widest first; log axis."""
    import plotly.graph_objects as go

    rows = sorted(rows, key=lambda row: row.quantiles[0] / row.quantiles[4])
    names = [safe(row.name, _NAME) for row in rows]
    figure = go.Figure()
    for ends, width, name in (((0, 4), 1.6, "90 %"), ((1, 3), 6.0, "50 %")):
        xs: list[float | None] = []
        ys: list[str | None] = []
        for label, row in zip(names, rows, strict=True):
            xs += [row.quantiles[ends[0]], row.quantiles[ends[1]], None]
            ys += [label, label, None]
        figure.add_scatter(
            x=xs, y=ys, mode="lines", line={"color": LOW, "width": width}, name=name, hoverinfo="skip"
        )
    figure.add_scatter(
        x=[row.quantiles[2] for row in rows], y=names, mode="markers", name="median",
        marker={"size": 10, "color": "#ffffff", "line": {"color": LOW, "width": 2}},
        customdata=[row.words for row in rows], hovertemplate="%{y}: %{customdata}<extra></extra>",
    )  # fmt: skip
    made = finish(figure, title=title, height=150 + 24 * len(rows), x=x, legend=True)
    made.add_vline(x=1.0, line={"color": INK, "width": 1, "dash": "dash"})
    low = min(1.0, *(row.quantiles[0] for row in rows))
    made.update_xaxes(**ratio_axis(low, max(1.0, *(row.quantiles[4] for row in rows))))
    made.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=names)
    return made


def tornado(bars: Sequence[Bar], base: float, *, title: str, x: str, words: Callable[[float], str]) -> Any:
    """Bars from what each input gives at its low end to what it gives at its high end, the longest first.

    Parameters
    ----------
    bars : sequence of Bar
        Inputs.
    base : float
        Value with every input at its middle.
    title, x : str
        Of the figure and of its axis.
    words : callable
        From a value to text.
    """
    import plotly.graph_objects as go

    bars = sorted(bars, key=lambda bar: -abs(bar.high - bar.low))
    names = [safe(bar.name, _NAME) for bar in bars]
    figure = go.Figure()
    ends = (
        ("input at its low end", LOW, [(bar.low, bar.low_words) for bar in bars]),
        ("input at its high end", HIGH, [(bar.high, bar.high_words) for bar in bars]),
    )
    for name, hue, values in ends:
        figure.add_bar(
            y=names, x=[value - base for value, _ in values], base=[base] * len(bars), orientation="h",
            name=name, marker_color=hue, text=[text for _, text in values], textposition="outside",
            textfont={"size": 11}, cliponaxis=False,
            customdata=[f"{text}: {words(value)}" for value, text in values],
            hovertemplate="%{y}, %{customdata}<extra></extra>",
        )  # fmt: skip
    made = finish(figure, title=title, height=150 + 30 * len(bars), x=x, legend=True)
    low = min(base, *(min(bar.low, bar.high) for bar in bars))
    high = max(base, *(max(bar.low, bar.high) for bar in bars))
    span = high - low or 1.0
    made.update_layout(barmode="overlay")
    made.update_xaxes(range=[low - _ROOM * span, high + _ROOM * span])
    made.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=names)
    made.add_vline(x=base, line={"color": INK, "width": 1})
    return made
