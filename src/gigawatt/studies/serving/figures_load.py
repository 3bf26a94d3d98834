"""Curves of a service: latency against load, and cost against speed per user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.core.quantities import several
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.figures.style import INK, empty, finish, safe, short
from gigawatt.studies.serving.figures import ticks

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.chain.serving.load import LoadCurve

__all__ = ["cost_front", "latency_load", "output_front"]

_WAITS = (("ttft", "TTFT", "#0072b2"), ("tpot", "TPOT", "#d55e00"))
_ENDS = (("p50", "p50", "solid"), ("p99", "p99", "dash"))
_ROOM = 1.7
_MOST_POINTS = 400
"""Margin above the highest latency for the text at the top."""
_KEPT, _LOST = "#009e73", "#8c929a"


def latency_load(curve: LoadCurve) -> Any:
    """TTFT above, TPOT below, p50 and p99 against requests/s of one replica; markers by the event engine.

    ``curve`` is that of :func:`gigawatt.chain.serving.load.latency_against_load`; dotted lines are the SLO.
    """
    from plotly.subplots import make_subplots

    figure: Any = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    frame: Any = curve.frame
    for row, (key, words, hue) in enumerate(_WAITS, 1):
        shown: list[float] = []
        for end, percentile, dash in _ENDS:
            for by in dict.fromkeys(frame["by"]):
                mine = frame[frame["by"] == by]
                values = 1e3 * mine[f"{key}_{end} [s]"].to_numpy(dtype=float)
                seen = np.isfinite(values) & (values > 0.0)
                if not seen.any():
                    continue
                shown += [float(values[seen].min()), float(values[seen].max())]
                events = by == "events"
                figure.add_scatter(
                    x=short(mine["rate [1/s]"].to_numpy()[seen]),
                    y=short(values[seen]),
                    mode="markers" if events else "lines",
                    name=f"{words}, {end}",
                    legendgroup=f"{key} {end}",
                    showlegend=not events,
                    line={"color": hue, "width": 2, "dash": dash},
                    marker={"color": hue, "size": 7, "symbol": "circle" if end == "p50" else "diamond-open"},
                    customdata=short(mine["held"].to_numpy()[seen]),
                    hovertemplate=f"{words} {percentile}: %{{y:.3~g}} ms at %{{x:.3~g}} requests/s, "
                    f"%{{customdata:.3~g}} in flight ({by})<extra></extra>",
                    row=row,
                    col=1,
                )
        limit = curve.limits.get(key)
        if limit is not None:
            figure.add_hline(y=1e3 * limit, line={"color": INK, "width": 1.5, "dash": "dot"}, row=row, col=1)
            shown.append(1e3 * limit)
        if shown:
            low, high = min(shown) / 1.15, (_ROOM if row == 1 else 1.15) * max(shown)
            marks = _fine(low, high)
            figure.update_yaxes(
                type="log", range=[float(np.log10(low)), float(np.log10(high))], tickvals=marks,
                ticktext=[significant(mark) for mark in marks], row=row, col=1,
            )  # fmt: skip
    where = f"{safe(curve.layout, 30)} on {several(curve.chips, 'accelerator')}"
    finish(figure, title=f"Latency against load, {where}", height=560, legend=True)
    figure.update_xaxes(title={"text": "requests/s per replica", "standoff": 8}, row=2, col=1)
    figure.update_xaxes(rangemode="tozero")
    for row, words in ((1, "TTFT [ms]"), (2, "TPOT [ms]")):
        figure.update_yaxes(title={"text": words, "standoff": 8}, row=row, col=1)
    legend = ["lines: closed form", *(["markers: simulated"] if (frame["by"] == "events").any() else [])]
    if curve.limits:
        limits = (f"{key.upper()} {with_unit(limit, 's')}" for key, limit in curve.limits.items())
        share = "" if curve.percentile is None else f" for {100 * curve.percentile:g} %"
        legend.append(f"dotted: SLO {', '.join(limits)}{share}")
    figure.add_annotation(
        x=0, y=1, xref="paper", yref="paper", xanchor="left", yanchor="top", showarrow=False,
        text=" " + "; ".join(legend), font={"size": 12},
    )  # fmt: skip
    return figure


def output_front(frame: pd.DataFrame) -> Any:
    """Output per accelerator against speed per user; filled: the SLO is met.

    ``frame`` is that of :func:`gigawatt.chain.serving.load.service_front`.
    """
    return _front(frame[frame["on_output"]], "user [token/s]", "chip [token/s]", "Output against speed",
                  ("tokens/s per user", "output tokens/s per accelerator"))  # fmt: skip


def cost_front(frame: pd.DataFrame) -> Any:
    """Cost per million output tokens against TPOT; filled: the SLO is met."""
    rows: Any = frame[frame["on_cost"]].assign(gap=1e3 * frame.loc[frame["on_cost"], "tpot [s]"])
    return _front(rows, "gap", "cost [$/Mtoken]", "Cost against speed",
                  ("TPOT [ms]", "cost per million output tokens [$]"))  # fmt: skip


def _front(rows: Any, x: str, y: str, title: str, axes: tuple[str, str]) -> Any:
    import plotly.graph_objects as go

    if not len(rows):
        return empty(title, "nothing fits")
    rows = rows.sort_values(x, kind="stable")
    rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, _MOST_POINTS).astype(int))]
    figure: Any = go.Figure()
    figure.add_scatter(
        x=short(rows[x]), y=short(rows[y]), mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": "rgba(128,134,142,0.45)", "width": 1.2},
    )  # fmt: skip
    for meets, name, hue in ((True, "meets the SLO", _KEPT), (False, "misses the SLO", _LOST)):
        mine = rows[rows["kept"] == meets]
        if not len(mine):
            continue
        figure.add_scatter(
            x=short(mine[x]),
            y=short(mine[y]),
            mode="markers",
            name=name,
            marker={"color": hue, "size": 7, "symbol": "circle" if meets else "circle-open"},
            customdata=[
                [
                    safe(row["layout"], 30),
                    int(row["chips"]),
                    significant(row["held"]),
                    significant(row["energy [J/token]"]),
                    significant(row["cost [$/Mtoken]"]),
                ]
                for _, row in mine.iterrows()
            ],
            hovertemplate="%{customdata[0]} (%{customdata[1]} chips), %{customdata[2]} in "
            "flight<br>%{x:.3~g}, %{y:.3~g}; %{customdata[3]} J/token, $%{customdata[4]} a "
            "million<extra></extra>",
        )
    finish(figure, title=title, height=440, x=axes[0], y=axes[1], legend=True)
    for axis, key in ((figure.update_xaxes, x), (figure.update_yaxes, y)):
        marks = _marks(rows[key].tolist())
        axis(type="log", tickvals=marks, ticktext=[significant(mark) for mark in marks])
    return figure


def _fine(low: float, high: float) -> list[float]:
    """Ticks, with closer ones where 1, 2, 5 are too few."""
    coarse = ticks(low, high)
    if len(coarse) > 2 and low <= coarse[0]:
        return coarse
    steps = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
    return [m * 10.0**e for e in range(-6, 8) for m in steps if low <= m * 10.0**e <= high] or coarse


def _marks(values: Sequence[float]) -> list[float]:
    return ticks(min(values) / 1.2, 1.2 * max(values))
