"""Uncertainty of a result: key figures with whiskers, tornado and curve of the cost, fan of the tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.faces.figures.ranges import Bar, Whisker, tornado, whiskers
from gigawatt.faces.figures.readable import shown, with_unit
from gigawatt.faces.figures.style import INK, colour, finish, translucent
from gigawatt.studies.run.figures_tables import need_table
from gigawatt.studies.run.grids import titles_of
from gigawatt.studies.run.responses import RESPONSES, responses_of
from gigawatt.studies.run.sayings import find
from gigawatt.studies.run.uncertainty_words import (
    DRAWS,
    TABLE,
    Spread,
    drawn_values,
    ends_words,
    headline,
    limits_of,
    spreads,
)

__all__ = ["CAPTIONS", "DURATION", "fan", "intervals", "odds", "tornado_of_cost"]

CAPTIONS = {
    "uncertainty": (
        "Key figures as multiples of their values, the most uncertain first: median, 50 % interval (thick), "
        "90 % interval (thin)."
    ),
    "tornado": (
        "The cost with one input at the low or at the high end of its range (5 and 95 %), all others at "
        "their values; the ends stand at the bars."
    ),
    "odds": (
        "Probability that the cost is at most so much: a budget at 75 % suffices in three cases of four."
    ),
    "fan": (
        "Tokens trained by a day, at an even pace from the first token: median, 50 and 90 % of all draws. "
        "Days at which the fan reaches the top are those by which the run may end."
    ),
}
"""Captions by figure."""
DURATION = "training.duration"
_MOST = 12
"""Inputs of a tornado."""
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_MARKED = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Probabilities that are marked on the curve."""
_POINTS = 199
_TAIL = 0.98
"""Probability up to which curve and fan are drawn."""


def intervals(result: Result) -> Any:
    """Median, 50 and 90 % intervals of the key figures as multiples of their values."""
    need_table(result, TABLE)
    bands, rows = spreads(result), list[Whisker]()
    for name, title in titles_of(result).items():
        one, values = bands.get(name), drawn_values(result, name)
        if one is not None and values is not None:
            five = np.quantile(values, _QUANTILES) / _value(result, one)
            words = f"{shown(result.quantity(name))}, 90 % {ends_words(result, one)}"
            rows.append(Whisker(title, tuple(map(float, five)), words))  # pyright: ignore[reportArgumentType]
    return whiskers(rows, title="Uncertainty of the key figures", x="multiple of the value")


def tornado_of_cost(result: Result) -> Any:
    """The cost with each of the inputs of largest effect at either end of its range."""
    need_table(result, RESPONSES)
    one = _headline(result)
    bars = [
        Bar(row.words, row.low, row.high, row.value_words(row.ends[0]), row.value_words(row.ends[4]))
        for row in responses_of(result, one.name)
    ]
    bars.sort(key=lambda bar: -abs(bar.high - bar.low))
    quantity = result.quantity(one.name)
    return tornado(
        bars[:_MOST], _value(result, one), title="Inputs with the largest effect on the cost",
        x=f"{quantity.summary.rstrip('.')} [{one.unit}], line: {shown(quantity)}",
        words=lambda value: with_unit(value, one.unit),
    )  # fmt: skip


def odds(result: Result) -> Any:
    """Probability that the cost is at most so much, with the scenario's limit where it has one."""
    import plotly.graph_objects as go

    need_table(result, DRAWS)
    one = _headline(result)
    values = drawn_values(result, one.name)
    assert values is not None
    shares = np.linspace(0.005, _TAIL, _POINTS)
    hue = colour("", 0)
    figure = go.Figure()
    figure.add_scatter(
        x=np.quantile(values, shares).tolist(), y=(100.0 * shares).tolist(), mode="lines",
        line={"color": hue, "width": 2.5}, hovertemplate="at most %{x:.4g}: %{y:.0f} %<extra></extra>",
    )  # fmt: skip
    marks = [float(np.quantile(values, share)) for share in _MARKED]
    figure.add_scatter(
        x=marks, y=[100.0 * share for share in _MARKED], mode="markers+text", cliponaxis=False,
        text=[f"  {with_unit(mark, one.unit)}" for mark in marks],
        textposition=["middle right", *["bottom right"] * (len(marks) - 1)],
        textfont={"size": 11}, marker={"size": 9, "color": hue}, hoverinfo="skip",
    )  # fmt: skip
    quantity = result.quantity(one.name)
    made = finish(
        figure, title="Probability of the cost", height=330, x=f"{quantity.summary.rstrip('.')} [{one.unit}]",
        y="probability of at most so much [%]",
    )  # fmt: skip
    made.update_yaxes(range=[0.0, 102.0], tickvals=[5, 25, 50, 75, 95])
    span = float(np.quantile(values, _TAIL)) - float(values.min())
    made.update_xaxes(range=[float(values.min()) - 0.02 * span, float(values.min()) + 1.3 * span])
    _mark(made, _value(result, one), top=True)
    _limit(made, result, one)
    return made


def fan(result: Result) -> Any:
    """Tokens trained by a day: median, 50 and 90 % of the draws."""
    import plotly.graph_objects as go

    need_table(result, DRAWS)
    days, tokens = drawn_values(result, DURATION), find(result, "training.tokens")
    if days is None or tokens is None:
        raise InputError("this result has no fan", given=result.name, allowed="a training run with draws")
    one, hue = spreads(result)[DURATION], colour("", 0)
    end = float(np.quantile(days, _TAIL))
    # the p quantile of min(1, d / D) is min(1, d / the 1 - p quantile of D); corners are drawn exactly
    corners = {share: float(np.quantile(days, 1.0 - share)) for share in _QUANTILES}
    at = np.unique([*np.linspace(0.0, end, 61), *corners.values()])
    whole = float(tokens.value) / 1e12
    curves = {share: (whole * np.minimum(1.0, at / corner)).tolist() for share, corner in corners.items()}
    figure = go.Figure()
    for low, high, alpha in ((0.05, 0.95, 0.18), (0.25, 0.75, 0.32)):
        name = f"{100 * (high - low):.0f} %"
        figure.add_scatter(
            x=at.tolist(), y=curves[high], mode="lines", line={"width": 0}, showlegend=False, hoverinfo="skip"
        )
        figure.add_scatter(
            x=at.tolist(), y=curves[low], mode="lines", line={"width": 0}, fill="tonexty", name=name,
            fillcolor=translucent(hue, alpha), hoverinfo="skip",
        )  # fmt: skip
    figure.add_scatter(
        x=at.tolist(), y=curves[0.5], mode="lines", line={"color": hue, "width": 2.5}, name="median",
        hovertemplate="day %{x:.0f}: %{y:.3g} trillion tokens<extra></extra>",
    )  # fmt: skip
    made = finish(
        figure, title="Tokens trained by a day", height=330, x=f"time from the first token [{one.unit}]",
        y="trillion tokens", legend=True,
    )  # fmt: skip
    made.update_xaxes(range=[0.0, end])
    made.update_yaxes(range=[0.0, 1.08 * whole])
    _mark(made, _value(result, one), top=False)
    _limit(made, result, one)
    return made


def _headline(result: Result) -> Spread:
    found = headline(result)
    if found is None:
        raise InputError("no cost of this result has a band", given=result.name, allowed="with draws")
    return found


def _value(result: Result, one: Spread) -> float:
    """Value of a quantity in the unit of its band."""
    return float(result.quantity(one.name).value) / factor(one.unit)


def _mark(figure: Any, x: float, *, top: bool) -> None:
    """The computed value as a dashed line, named at the top or at the bottom."""
    figure.add_vline(x=x, line={"color": INK, "width": 1, "dash": "dash"})
    figure.add_annotation(
        x=x, y=1 if top else 0, yref="paper", yanchor="top" if top else "bottom", xanchor="left", xshift=4,
        text="computed", showarrow=False, font={"size": 11},
    )  # fmt: skip


def _limit(figure: Any, result: Result, one: Spread) -> None:
    """The scenario's limit of a quantity as a line, with the probability that it is met."""
    limit, name = limits_of(result).get(one.name, (None, ""))
    values = drawn_values(result, one.name)
    if limit is None or values is None:
        return
    share = 100.0 * float(np.mean(values <= limit))
    figure.add_vline(x=limit, line={"color": "#c1121f", "width": 2})
    figure.add_annotation(
        x=limit, y=0.5, yref="paper", xanchor="left", xshift=4, showarrow=False, font={"size": 12},
        text=f"{name} {with_unit(limit, one.unit)}<br>met: {share:.0f} %",
    )  # fmt: skip
