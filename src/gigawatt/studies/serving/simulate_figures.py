"""Figures of a simulated service.

They take the document that ``gigawatt simulate-serving --json`` prints, and the columns of its series.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.figures.style import INK, empty, finish
from gigawatt.studies.serving.figures import ticks

__all__ = ["distributions", "series"]

Columns = Mapping[str, Any]

_MOST = 1200
"""Most points of a line; more are drawn as means, power also with its peak."""
_MINUTES, _HOURS = 600.0, 7200.0
"""From these lengths on, time is in minutes, in hours."""
_NAMES = {"ttft": "TTFT", "tpot": "TPOT", "itl": "ITL"}
_HUES = {"ttft": "#0072b2", "tpot": "#d55e00", "itl": "#009e73"}


def _thinned(values: Any, count: int, largest: bool = False) -> Any:
    """Values of ``count`` groups of equal size: means, or the largest."""
    size = -(-len(values) // count)
    padded = np.append(values, np.full(-len(values) % size, np.nan)).reshape(-1, size)
    return np.nanmax(padded, axis=1) if largest else np.nanmean(padded, axis=1)


def series(answer: Mapping[str, Any], columns: Columns) -> Any:
    """Running and waiting requests, KV cache, power and tokens over the run."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    start = np.asarray(columns["start_s"], dtype=float)
    if len(start) < 2:
        return empty("Over time", "the run is too short")
    unit, scale = (
        ("s", 1.0) if start[-1] < _MINUTES else ("min", 60.0) if start[-1] < _HOURS else ("h", 3600.0)
    )
    count = min(_MOST, len(start))
    when = _thinned(start, count) / scale
    names = ("requests", "active replicas", "KV cache [%]", "tokens/s", "accelerators [kW]")
    varies = bool(np.ptp(columns["replicas_on"][:-1]) > 1e-6)
    rows = [name for name in names if name != "active replicas" or varies]
    figure = make_subplots(rows=len(rows), cols=1, shared_xaxes=True, vertical_spacing=0.045)
    width = float(start[1] - start[0])

    def line(row: str, values: Any, name: str, hue: str, **more: Any) -> None:
        figure.add_trace(
            go.Scatter(
                x=when, y=values, name=name, mode="lines", line={"color": hue, "width": 1.4, **more},
                hovertemplate=f"{name}: %{{y:.4g}} at %{{x:.4g}} {unit}<extra></extra>",
            ),
            row=rows.index(row) + 1, col=1,
        )  # fmt: skip

    line("requests", _thinned(columns["running"], count), "running", "#0072b2")
    line("requests", _thinned(columns["waiting"], count), "waiting", "#c1121f")
    if varies:
        line(
            "active replicas",
            _thinned(columns["replicas_on"], count),
            "active replicas",
            "#6a51a3",
            shape="hv",
        )
    line("KV cache [%]", 100.0 * _thinned(columns["kv_share"], count), "KV cache", "#cc79a7")
    line("tokens/s", _thinned(columns["prompt_tokens"], count) / width, "prompt tokens", "#56b4e9")
    line("tokens/s", _thinned(columns["output_tokens"], count) / width, "output tokens", "#009e73")
    power = np.asarray(columns["power_W"], dtype=float) / 1e3
    if count < len(start):
        line("accelerators [kW]", _thinned(power, count, largest=True), "highest second", "#e6c9a8")
    line("accelerators [kW]", _thinned(power, count), "power", "#d55e00")
    finish(figure, title="Over time", height=120 + 150 * len(rows), legend=True)
    for i, name in enumerate(rows):
        figure.update_yaxes(title={"text": name, "standoff": 6, "font": {"size": 12}}, rangemode="tozero",
                            nticks=4, row=i + 1, col=1)  # fmt: skip
    low, high = (t / scale for t in answer["window_s"])
    figure.add_vrect(x0=low, x1=high, fillcolor="rgba(128,134,142,0.08)", line_width=0)
    figure.update_xaxes(title={"text": f"time [{unit}]", "standoff": 8}, row=len(rows), col=1)
    return figure


def distributions(answer: Mapping[str, Any], columns: Columns | None = None) -> Any:
    """Cumulative distributions of TTFT and TPOT over requests and of ITL over tokens; dashed: the SLO."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for key, words in _NAMES.items():
        distribution = answer["distributions"][key]
        if not distribution["share"]:
            continue
        passed = 100.0 * np.concatenate([[0.0], np.cumsum(distribution["share"])])
        figure.add_scatter(
            x=[1e3 * edge for edge in distribution["edges_s"]],
            y=passed,
            name=words,
            mode="lines",
            line={"color": _HUES[key], "width": 2},
            hovertemplate=f"{words}: %{{y:.4g}} % within %{{x:.4g}} ms<extra></extra>",
        )
    if not figure.data:
        return empty("Latency distributions", "no request was finished")
    for key in ("ttft", "tpot"):
        limit = answer["objective"][f"{key}_s"]
        if limit is not None:
            figure.add_vline(x=1e3 * limit, line={"color": _HUES[key], "width": 1.3, "dash": "dash"})
            figure.add_annotation(
                x=_log10(1e3 * limit), y=0.02, yref="paper", yanchor="bottom", xanchor="left",
                text=f"{key.upper()} ≤ {with_unit(limit, 's')}", font={"size": 11, "color": INK},
                showarrow=False, textangle=-90,
            )  # fmt: skip
    percentile = answer["objective"]["percentile"]
    if percentile:
        figure.add_hline(y=100.0 * percentile, line={"color": INK, "width": 1, "dash": "dot"})
    finish(
        figure,
        title="Latency distributions",
        height=430,
        x="time [ms]",
        y="cumulative share [%]",
        legend=True,
    )
    edges = [
        1e3 * edge for distribution in answer["distributions"].values() for edge in distribution["edges_s"]
    ]
    marks = ticks(min(edges), max(edges))
    figure.update_xaxes(type="log", tickvals=marks, ticktext=[significant(mark) for mark in marks])
    figure.update_yaxes(range=[0, 101])
    return figure


def _log10(value: float) -> float:
    return float(np.log10(value))
