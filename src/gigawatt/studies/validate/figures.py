"""Figures of scorecards, row by row: predicted against measured, and how errors spread.

Each takes a frame of :func:`gigawatt.validation.parity.parity`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.faces.figures.readable import significant
from gigawatt.faces.figures.style import GRID, INK, colour, empty, finish, safe, translucent

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DRAWN", "error_figure", "parity_figure"]

DRAWN = 1500
"""Points of a figure at most: beyond it every so many-th of a group, from its lowest error to its highest."""
_GROUPS = 9
"""Groups with a colour of their own; smaller ones are drawn together."""
_GUIDES = ((0.10, "dash"), (0.25, "dot"))
_LABEL, _SOURCE = 70, 60
_LEGEND = 105
"""Letters in a row of a legend."""
_HUES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#6a51a3", "#b8a13a", "#7a4a2b")
_OTHERS = "others"


def _comparable(frame: Any, unit: str | None) -> Any:
    """The rows of ``unit`` (of all) whose two numbers are above zero, with ``error`` and a few ``group``s."""
    rows = frame if unit is None else frame[frame["unit"] == unit]
    rows = rows[(rows["measured"] > 0.0) & (rows["predicted"] > 0.0)]
    counts = rows["group"].value_counts(sort=False)
    order = sorted(counts.index, key=lambda name: (-counts[name], name))
    kept = order if len(order) <= _GROUPS else order[: _GROUPS - 1]
    return rows.assign(
        group=rows["group"].where(rows["group"].isin(kept), _OTHERS),
        error=rows["predicted"] / rows["measured"] - 1.0,
    )


def _thinned(rows: Any, most: int) -> Any:
    """At most ``most`` rows, evenly spaced in each group's order of errors, the ends kept."""
    if len(rows) <= most:
        return rows
    ordered = rows.sort_values(["group", "held_out", "error"], kind="stable")
    return ordered.iloc[np.unique(np.linspace(0, len(ordered) - 1, most).astype(int))]


def _hues(rows: Any) -> dict[str, str]:
    counts = rows["group"].value_counts(sort=False)
    names = sorted(counts.index, key=lambda name: (name == _OTHERS, -counts[name], name))
    return {
        name: colour("idle") if name == _OTHERS else _HUES[i % len(_HUES)] for i, name in enumerate(names)
    }


_SHOWN = {"B": (1e9, "GB")}
"""Units that are drawn in another: by how much, as what."""


def _short(values: Any) -> list[float]:
    return [float(f"{float(value):.4g}") for value in values]


def _unit(rows: Any) -> tuple[float, str]:
    """By how much numbers are divided, and the words of the axes."""
    units = [str(one) for one in rows["unit"].unique()]
    if len(units) > 1:
        return 1.0, "each in its own unit"
    return _SHOWN.get(units[0], (1.0, "as a ratio" if units[0] == "1" else units[0]))


def parity_figure(frame: pd.DataFrame, *, unit: str | None = None) -> Any:
    """Predicted against measured on logarithmic axes, a colour a group; open markers were seen by no fit.

    Parameters
    ----------
    frame : DataFrame
        Of :func:`gigawatt.validation.parity.parity`.
    unit : str, optional
        Draw the rows of this unit alone.

    Lines: as measured (full), 10 % off (dashed) and 25 % off (dotted). Numbers of zero or below have no place
    on these axes and are left out.
    """
    import plotly.graph_objects as go

    rows = _comparable(frame, unit)
    title = "Predicted against measured"
    if not len(rows):
        return empty(title, "nothing above zero to compare")
    count, hues = len(rows), _hues(rows)
    scale, words = _unit(rows)
    rows = rows.assign(measured=rows["measured"] / scale, predicted=rows["predicted"] / scale)
    drawn = _thinned(rows, DRAWN)
    figure: Any = go.Figure()
    low = float(min(rows["measured"].min(), rows["predicted"].min())) / 1.3
    high = float(max(rows["measured"].max(), rows["predicted"].max())) * 1.3
    _guides(figure, low, high)
    several = rows["unit"].nunique() > 1
    for name, hue in hues.items():
        for held_out in (False, True):
            mine = drawn[(drawn["group"] == name) & (drawn["held_out"] == held_out)]
            if not len(mine):
                continue
            labels = [safe(text, _LABEL) for text in mine["label"]]
            if several:
                labels = [f"{w} [{safe(u, 20)}]" for w, u in zip(labels, mine["unit"], strict=True)]
            ends = zip(labels, mine["low"] / scale, mine["high"] / scale, strict=True)
            labels = [_banded(label, low_end, high_end) for label, low_end, high_end in ends]
            figure.add_scatter(
                x=_short(mine["measured"]),
                y=_short(mine["predicted"]),
                mode="markers",
                name=safe(name, 40),
                legendgroup=name,
                showlegend=held_out or not bool(((drawn["group"] == name) & drawn["held_out"]).any()),
                marker={
                    "color": hue,
                    "size": 6,
                    "symbol": "circle-open" if held_out else "circle",
                    "opacity": 0.75,
                },
                text=labels,
                customdata=[safe(source, _SOURCE) for source in mine["source"]],
                hovertemplate="%{text}<br>measured %{x:.4~g}, predicted %{y:.4~g}<br>%{customdata}"
                "<extra></extra>",
            )
    finish(figure, title=title, height=520, x=f"measured [{words}]", y=f"predicted [{words}]", legend=True)
    ends = [float(np.log10(low)), float(np.log10(high))]
    marks = {
        "type": "log",
        "range": ends,
        "exponentformat": "power",
        "dtick": max(1, round((ends[1] - ends[0]) / 8)),
    }
    figure.update_xaxes(**marks)
    figure.update_yaxes(**marks)
    if ends[1] - ends[0] < 1.5:
        figure.update_xaxes(dtick="D2", exponentformat="none")
        figure.update_yaxes(dtick="D2", exponentformat="none")
    figure.update_layout(margin={"t": _above(hues)})
    asked = len(frame) if unit is None else len(frame[frame["unit"] == unit])
    _said(figure, len(drawn), count, asked - count, bool(rows["held_out"].any()))
    return figure


def _banded(label: str, low: float, high: float) -> str:
    """The label with the band of the prediction, where it has one."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return label
    return f"{label}; 90 %: {significant(low)} to {significant(high)}"


def _guides(figure: Any, low: float, high: float) -> None:
    figure.add_scatter(
        x=[low, high], y=[low, high], mode="lines", line={"color": INK, "width": 1.2}, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    for off, dash in _GUIDES:
        for factor in (1.0 - off, 1.0 + off):
            figure.add_scatter(
                x=[low, high], y=[low * factor, high * factor], mode="lines", showlegend=False,
                line={"color": translucent("#808890", 0.6), "width": 1, "dash": dash}, hoverinfo="skip",
            )  # fmt: skip


def _above(names: Iterable[str]) -> int:
    """Pixels above the plot for the title and a legend of these names, on a page of the usual width."""
    letters = sum(min(len(name), 40) + 7 for name in names)
    return 74 + 19 * (letters // _LEGEND)


def _said(figure: Any, drawn: int, count: int, lost: int, open_ones: bool) -> None:
    words = [f"{count:,} rows" if drawn == count else f"{drawn:,} of {count:,} rows drawn"]
    words.append("dashed 10 %, dotted 25 % off")
    if lost:
        words.append(f"{lost:,} at or below 0 left out")
    if open_ones:
        words.append("open: seen by no fit")
    figure.add_annotation(
        x=1, y=0, xref="paper", yref="paper", xanchor="right", yanchor="bottom", showarrow=False,
        text="; ".join(words), font={"size": 12},
    )  # fmt: skip


def error_figure(frame: pd.DataFrame) -> Any:
    """How errors spread in each group, the group of the smallest median at the top.

    A box holds the middle half of the rows and its line is the median; whiskers reach the 5 and 95 % points.
    Errors are predicted over measured, less one, in percent; the axis is cut where rows alone would set it.
    """
    import plotly.graph_objects as go

    rows, title = _comparable(frame, None), "How errors spread"
    if not len(rows):
        return empty(title, "nothing above zero to compare")
    hues = _hues(rows)
    order = sorted(hues, key=lambda name: float(rows.loc[rows["group"] == name, "error"].abs().median()))
    figure: Any = go.Figure()
    reach: list[float] = []
    for name in order:
        error = 100.0 * rows.loc[rows["group"] == name, "error"].to_numpy(dtype=float)
        ends = np.quantile(error, [0.05, 0.25, 0.5, 0.75, 0.95])
        size = float(np.median(np.abs(error)))
        reach += [abs(float(ends[0])), abs(float(ends[-1]))]
        lower, q1, middle, q3, upper = _short(ends)
        figure.add_box(
            y=[f"{safe(name, 34)} ({len(error):,})"],
            q1=[q1], median=[middle], q3=[q3], lowerfence=[lower], upperfence=[upper],
            orientation="h",
            name=safe(name, 34),
            marker={"color": hues[name]},
            line={"width": 1.5},
            fillcolor=translucent(hues[name], 0.3),
            hoverinfo="x",
            hoverlabel={"namelength": 0},
            text=[f"median size {significant(size)} %"],
        )  # fmt: skip
    finish(
        figure,
        title=title,
        height=110 + 42 * len(order),
        x="error, predicted over measured less one [%]",
    )
    most = 1.15 * max(float(np.quantile(reach, 0.9)), 12.0)
    figure.update_xaxes(range=[max(-most, -105.0), most], zeroline=True, zerolinecolor=INK)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    for off, dash in _GUIDES:
        for side in (-100.0 * off, 100.0 * off):
            figure.add_vline(x=side, line={"color": GRID, "width": 1, "dash": dash})
    return figure
