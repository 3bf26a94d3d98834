"""Uncertainty of a result: key figures with whiskers, tornado and curve of the cost, fan of the tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gigawatt.core.document import Grid
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.faces.figures.ranges import Bar, Whisker, tornado, whiskers
from gigawatt.faces.figures.readable import shown, with_unit
from gigawatt.faces.figures.style import INK, colour, finish, translucent
from gigawatt.faces.report.parts import rows_grid
from gigawatt.studies.run.figures_tables import column, get_table, has_table, need_table
from gigawatt.studies.run.grids import titles_of
from gigawatt.studies.run.responses import RESPONSES, responses_of
from gigawatt.studies.run.sayings import find
from gigawatt.studies.run.uncertainty_words import (
    DRAWS,
    NORMALS,
    TABLE,
    YEAR,
    Spread,
    drawn_values,
    ends_words,
    headline,
    limits_of,
    spreads,
)

__all__ = [
    "CAPTIONS", "caption_of", "fan", "has_fan", "intervals", "odds", "tornado_grid", "tornado_of_cost",
]  # fmt: skip

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
    "fan of power": (
        "Power of the facility by the hour, mean of such days: median, 50 and 90 % of all draws, in which "
        "throughput and power of an accelerator vary."
    ),
    "fan of years": (
        "Cost of electricity in each weather and market year that is drawn: median, 50 and 90 % of the draws "
        "of that year, in which all other inputs vary."
    ),
}
"""Captions by figure."""
DURATION, POWER, ELECTRICITY = "training.duration", "facility.power_mean", "supply.electricity_cost"
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


def tornado_grid(result: Result) -> tuple[Grid, ...]:
    """The inputs of the tornado as a table, or nothing."""
    one = headline(result)
    found = () if one is None else responses_of(result, one.name)
    if one is None or not found:
        return ()
    rows = [
        (
            row.words, row.value_words(row.ends[0]), with_unit(row.low, one.unit),
            row.value_words(row.ends[4]), with_unit(row.high, one.unit), f"{100.0 * row.share:.0f} %",
            row.grade,
        )
        for row in sorted(found, key=lambda row: -abs(row.high - row.low))[:_MOST]
    ]  # fmt: skip
    heads = ("input", "low end", "cost", "high end", "cost", "share of the variance", "grade")
    caption = f"{result.quantity(one.name).summary.rstrip('.')} with one input at either end of its range."
    return (rows_grid(caption, heads, rows, grade="grade"),)


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
    """Median, 50 and 90 % of the tokens trained by a day; of a service of its power by the hour; of a load of
    its electricity by weather and market year.
    """
    need_table(result, DRAWS)
    if DURATION in spreads(result):
        return _fan_of_tokens(result)
    if _has_hours(result):
        return _fan_of_power(result)
    if has_fan(result):
        return _fan_of_years(result)
    raise InputError(
        "this result has no fan", given=result.name,
        allowed="a run, a service, or a load whose place has weather and market years, with draws",
    )  # fmt: skip


def has_fan(result: Result) -> bool:
    """Whether the draws have an axis: the days of a run, the hours of a service, the years of a load."""
    return DURATION in spreads(result) or _has_hours(result) or _years(result) is not None


def _has_hours(result: Result) -> bool:
    return POWER in spreads(result) and has_table(result, "day")


def _years(result: Result) -> Any:
    """The calendar year of each draw, where years are drawn; else nothing."""
    frame: Any = get_table(result, NORMALS)
    if frame is None or YEAR not in frame.columns or ELECTRICITY not in spreads(result):
        return None
    return frame[YEAR].to_numpy(int)


def caption_of(result: Result, name: str) -> str:
    """The caption of a figure of a result's draws."""
    if name != "fan" or DURATION in spreads(result):
        return CAPTIONS[name]
    return CAPTIONS["fan of power" if _has_hours(result) else "fan of years"]


def _fan_of_tokens(result: Result) -> Any:
    days, tokens = drawn_values(result, DURATION), find(result, "training.tokens")
    assert days is not None
    assert tokens is not None
    one = spreads(result)[DURATION]
    end = float(np.quantile(days, _TAIL))
    # the p quantile of min(1, d / D) is min(1, d / the 1 - p quantile of D); corners are drawn exactly
    corners = {share: float(np.quantile(days, 1.0 - share)) for share in _QUANTILES}
    at = np.unique([*np.linspace(0.0, end, 61), *corners.values()])
    whole = float(tokens.value) / 1e12
    curves = {share: (whole * np.minimum(1.0, at / corner)).tolist() for share, corner in corners.items()}
    made = finish(
        _fan(at.tolist(), curves, "day %{x:.0f}: %{y:.3g} trillion tokens"), title="Tokens trained by a day",
        height=330, x=f"time from the first token [{one.unit}]", y="trillion tokens", legend=True,
    )  # fmt: skip
    made.update_xaxes(range=[0.0, end])
    made.update_yaxes(range=[0.0, 1.08 * whole])
    _mark(made, _value(result, one), top=False)
    _limit(made, result, one)
    return made


def _fan_of_power(result: Result) -> Any:
    """Power of the facility by the hour of the working day: its mean's draws over its value scale it."""
    frame: Any = need_table(result, "day")
    days = frame.reset_index() if frame.index.name == "hour" else frame
    days = days[days["kind"] == days["kind"].iloc[0]]
    power, unit = column(days, "facility")
    hours, mean = column(days, "hour")[0].astype(float) + 0.5, drawn_values(result, POWER)
    assert mean is not None
    ratio = np.quantile(mean, _QUANTILES) / _value(result, spreads(result)[POWER])
    curves = {
        share: (float(factor) * power.to_numpy(float)).tolist()
        for share, factor in zip(_QUANTILES, ratio, strict=True)
    }
    made = finish(
        _fan(hours.tolist(), curves, "%{y:.3g} MW"), title="Power by the hour", height=330,
        x=f"hour of the {days['kind'].iloc[0]}", y=f"facility power [{unit}]", legend=True,
    )  # fmt: skip
    made.update_yaxes(rangemode="tozero")
    made.update_xaxes(range=[0.0, 24.0], tickvals=[0, 6, 12, 18, 24])
    return made


def _fan_of_years(result: Result) -> Any:
    """Cost of electricity in each year that is drawn: quantiles of the draws of that year."""
    one, drawn = spreads(result)[ELECTRICITY], _years(result)
    values = drawn_values(result, ELECTRICITY)
    assert values is not None
    years = np.unique(drawn)
    by_year = [np.quantile(values[drawn == year], _QUANTILES) for year in years]
    curves = {share: [float(five[at]) for five in by_year] for at, share in enumerate(_QUANTILES)}
    made = finish(
        _fan(years.tolist(), curves, "%{x}: %{y:.3g} " + one.unit), legend=True, height=330,
        title="Electricity by weather and market year", x="year of weather and market",
        y=f"cost of electricity [{one.unit}]",
    )  # fmt: skip
    made.update_yaxes(rangemode="tozero")
    made.update_xaxes(tickvals=years.tolist())
    return made


def _fan(x: list[float], curves: Mapping[float, list[float]], hover: str) -> Any:
    """A figure of a median within its 50 and 90 %: curves by quantile."""
    import plotly.graph_objects as go

    hue, figure = colour("", 0), go.Figure()
    for low, high, alpha in ((0.05, 0.95, 0.18), (0.25, 0.75, 0.32)):
        name = f"{100 * (high - low):.0f} %"
        figure.add_scatter(
            x=x, y=curves[high], mode="lines", line={"width": 0}, showlegend=False, hoverinfo="skip"
        )
        figure.add_scatter(
            x=x, y=curves[low], mode="lines", line={"width": 0}, fill="tonexty", name=name,
            fillcolor=translucent(hue, alpha), hoverinfo="skip",
        )  # fmt: skip
    figure.add_scatter(
        x=x, y=curves[0.5], mode="lines", line={"color": hue, "width": 2.5}, name="median",
        hovertemplate=f"{hover}<extra></extra>",
    )  # fmt: skip
    return figure


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
    limit = limits_of(result).get(one.name)
    if limit is None:
        return
    figure.add_vline(x=limit.value, line={"color": "#c1121f", "width": 2})
    figure.add_annotation(
        x=limit.value, y=0.3, yref="paper", xanchor="left", xshift=4, showarrow=False, font={"size": 12},
        text=f"{limit.name} {with_unit(limit.value, one.unit)}<br>met: {100.0 * limit.met:.0f} %",
    )  # fmt: skip
