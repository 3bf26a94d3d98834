"""Figures of a campus that serves: its day, what requests wait, what binds, the memory wall, costs."""

from __future__ import annotations

import math
from typing import Any

from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.figures.style import INK, finish, short
from gigawatt.studies.run.figures_machine import relief_bars, waterfall
from gigawatt.studies.run.figures_money import bill
from gigawatt.studies.run.figures_tables import column, get_table, need_table
from gigawatt.studies.serving.figures import roofline, ticks

__all__ = ["cost", "cost_relief", "day", "latency", "occupancy", "time", "wall"]

_BLUE, _AMBER, _GREEN = "#0072b2", "#e69f00", "#009e73"
_DASHES = ("solid", "dash")
_WAITS = (
    ("ttft", "first token (TTFT)", _BLUE),
    ("tpot", "per token (TPOT)", _AMBER),
    ("e2e", "last token", _GREEN),
)
_STRIP = 0.24
"""Share of the height that a strip below a plot has."""


def _kinds(frame: Any) -> list[tuple[str, Any, str]]:
    """(kind of day, its rows, dash of its lines)."""
    names = list(dict.fromkeys(map(str, frame["kind"])))
    return [(name, frame[frame["kind"] == name], _DASHES[i % 2]) for i, name in enumerate(names)]


def _two_strips(first: str, second: str, title: str, height: int) -> Any:
    from plotly.subplots import make_subplots

    figure: Any = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[1.0 - _STRIP, _STRIP], vertical_spacing=0.07
    )
    finish(figure, title=title, height=height, legend=True)
    figure.update_layout(hovermode="x unified", margin={"t": 92})
    figure.update_yaxes(title={"text": first, "standoff": 8}, row=1, col=1, rangemode="tozero")
    figure.update_yaxes(title={"text": second, "standoff": 8}, row=2, col=1, rangemode="tozero", nticks=4)
    figure.update_xaxes(range=[0, 24], dtick=3, ticksuffix=":00")
    figure.update_xaxes(title={"text": "local standard time", "standoff": 8}, row=2, col=1)
    return figure


def _middles(rows: Any) -> list[float]:
    return [float(hour) + 0.5 for hour in rows.index]


def day(result: Result) -> Any:
    """Power over the day, IT and facility, weekdays and weekends; below it the demand."""
    frame: Any = need_table(result, "day")
    figure = _two_strips("power [MW]", "requests/s", "Power over the day", 420)
    series = (("facility", "facility", _GREEN), ("it", "IT", _BLUE))
    for kind, rows, dash in _kinds(frame):
        said = "" if kind == "day" else f", {kind}"
        for key, words, hue in series:
            figure.add_scatter(
                x=_middles(rows), y=short(column(rows, key)[0]), name=words + said, mode="lines",
                line={"color": hue, "width": 2.2, "dash": dash, "shape": "hvh"},
                hovertemplate=f"{words}{said} %{{y:,.4~g}} MW<extra></extra>", row=1, col=1,
            )  # fmt: skip
        figure.add_scatter(
            x=_middles(rows), y=short(column(rows, "it peak")[0]), name=f"IT, five minutes{said}",
            mode="markers",
            marker={"color": _BLUE, "size": 5, "symbol": "circle" if dash == "solid" else "circle-open"},
            hovertemplate=f"highest five minutes{said} %{{y:,.4~g}} MW<extra></extra>", row=1, col=1,
            showlegend=False,
        )  # fmt: skip
        figure.add_scatter(
            x=_middles(rows), y=short(column(rows, "demand")[0]), name="demand", mode="lines",
            showlegend=False,
            line={"color": INK, "width": 1.6, "dash": dash},
            hovertemplate=f"demand{said} %{{y:,.4~g}} requests/s<extra></extra>", row=2, col=1,
        )  # fmt: skip
    return figure


def occupancy(result: Result) -> Any:
    """Requests in a replica over the day; below it the share of the room for keys and values taken."""
    frame: Any = need_table(result, "day")
    figure = _two_strips(
        "requests in a replica", "cache<br>taken [%]", "Requests and their keys and values", 380
    )
    for kind, rows, dash in _kinds(frame):
        said = "" if kind == "day" else f", {kind}"
        for key, hue in (("running", _BLUE), ("waiting", _AMBER)):
            figure.add_scatter(
                x=_middles(rows), y=short(column(rows, key)[0]), name=key + said, mode="lines",
                line={"color": hue, "width": 2, "dash": dash},
                hovertemplate=f"{key}{said} %{{y:,.3~g}}<extra></extra>", row=1, col=1,
            )  # fmt: skip
        figure.add_scatter(
            x=_middles(rows), y=short(100.0 * column(rows, "kv")[0]), name="keys and values", mode="lines",
            showlegend=False, line={"color": _GREEN, "width": 2, "dash": dash},
            hovertemplate=f"keys and values{said} %{{y:,.3~g}} % full<extra></extra>", row=2, col=1,
        )  # fmt: skip
    return figure


def latency(result: Result) -> Any:
    """Share of the requests that wait no longer, for the first token, per token, for the last; the limits."""
    import plotly.graph_objects as go

    frame: Any = need_table(result, "latency")
    share = [100.0 * float(v) for v in column(frame, "share")[0]]
    figure = go.Figure()
    ends: list[float] = []
    hues: dict[str, str] = {}
    for key, words, hue in _WAITS:
        values, unit = column(frame, key)
        seconds = [float(v) * (1e-3 if unit == "ms" else 1.0) for v in values]
        kept = [(x, y) for x, y in zip(seconds, share, strict=True) if x > 0.0]
        if not kept:
            continue
        hues[key] = hue
        ends += [kept[0][0], kept[-1][0]]
        figure.add_scatter(
            x=short(x for x, _ in kept), y=[y for _, y in kept], name=words, mode="lines",
            line={"color": hue, "width": 2.2},
            customdata=[with_unit(x, "s") for x, _ in kept],
            hovertemplate=f"{words}: %{{y:.4~g}} % wait at most %{{customdata}}<extra></extra>",
        )  # fmt: skip
    promise = get_table(result, "promise")
    if promise is not None:
        for key, limit in column(promise, "limit")[0].items():
            figure.add_vline(
                x=float(limit), line={"color": hues.get(str(key), INK), "width": 1.3, "dash": "dash"}
            )
            ends.append(float(limit))
    finish(figure, title="What requests wait", height=340, x="wait [s]", y="requests [%]", legend=True)
    figure.update_yaxes(range=[0, 101])
    if ends:
        low, high = min(ends) / 1.3, max(ends) * 1.3
        marks = [mark for mark in ticks(low, high) if low <= mark <= high]
        figure.update_xaxes(
            type="log", range=[math.log10(low), math.log10(high)], tickvals=marks,
            ticktext=[significant(mark) for mark in marks],
        )  # fmt: skip
    return figure


def time(result: Result) -> Any:
    """What the time of an accelerator goes to at the peak, as bars that add up."""
    shares = column(need_table(result, "breakdown"), "share")[0]
    kept = [(str(n), 100.0 * float(v)) for n, v in shares.items() if float(v) >= 5e-4]
    figure = waterfall([n for n, _ in kept], [v for _, v in kept], "%", "whole time")
    for note in figure.layout.annotations:  # a share is its own share of the whole
        note.text = note.text.split(" · ")[-1]
    return finish(
        figure, title="What the time of an accelerator goes to", height=80 + 38 * (len(kept) + 1),
        x="share of the time [%]",
    )  # fmt: skip


def cost_relief(result: Result) -> Any:
    """What twice a resource (half a latency or overhead) would save of the cost of a token."""
    return relief_bars(result, "the cost of a token", "cost saved [%]", room=1.2, longest=42)


def wall(result: Result) -> Any:
    """FLOP/s reached against FLOPs for each byte, of prompts and of answers in growing batches."""
    frame: Any = need_table(result, "wall")
    keys = ("weights", "cache", "memory_times", "phase")
    curves: list[dict[str, Any]] = []
    for names, rows in frame.groupby(list(keys), sort=False):
        curves.append(
            {
                **dict(zip(keys, names, strict=True)),
                "batch": short(column(rows, "batch")[0]),
                "context_tokens": short(column(rows, "context")[0]),
                "intensity_FLOP_per_B": short(column(rows, "intensity")[0]),
                "reached_FLOP_per_s": short(1e12 * column(rows, "reached")[0]),
                "tokens_per_s_chip": short(column(rows, "rate")[0]),
                "binds": [str(v) for v in column(rows, "binds")[0]],
                "memory_fits": [str(v) == "yes" for v in column(rows, "fits")[0]],
                "ridge_FLOP_per_B": float(column(rows, "ridge")[0].iloc[0]),
                "peak_FLOP_per_s": 1e12 * float(column(rows, "peak")[0].iloc[0]),
                "bandwidth_B_per_s": 1e12 * float(column(rows, "bandwidth")[0].iloc[0]),
            }
        )
    figure = roofline({"cache": str(frame["cache"].iloc[0]), "roofline": {"curves": curves}})
    figure.update_layout(height=440)
    return figure


def cost(result: Result) -> Any:
    """What a year of the campus costs by component, as bars that add up."""
    return bill(result, "annual", total="whole year", title="What a year costs", x="cost of a year")
