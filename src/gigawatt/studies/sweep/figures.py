"""Figures of a sweep: all columns side by side, one over another, or one over two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.faces.figures.readable import count, significant
from gigawatt.faces.figures.style import GRID, INK, colour, empty, finish, safe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cell", "effect_bars", "figure_of", "heat", "parallel", "scatter"]

Units = Mapping[str, str]
_SCALE = "Viridis"
_MOST_AXES = 12
_MOST_CELLS = 60
_COLOURBAR = {"thickness": 12, "outlinewidth": 0, "title": {"side": "right"}}


def _title(name: str, units: Units) -> str:
    unit = units.get(name, "")
    words = safe(name.rsplit(".", 1)[-1].replace("_", " "))
    return words if unit in ("", "1") else f"{words} [{safe(unit)}]"


def _numbers(column: Any) -> tuple[np.ndarray, list[str] | None]:
    """Numbers of a column; of texts their places in order, and the texts."""
    if column.dtype.kind in "fiub":
        return column.to_numpy(dtype=float), None
    texts = column.astype(str)
    names = sorted(set(texts))
    place = {name: float(i) for i, name in enumerate(names)}
    return np.array([place[text] for text in texts]), names


def parallel(frame: pd.DataFrame, units: Units, *, by: str) -> Any:
    """Parallel coordinates: one line a scenario, one axis a column, coloured by the column ``by``.

    Columns of one value alone are left out; of more than a dozen the first are shown.
    """
    import plotly.graph_objects as go

    columns: dict[str, Any] = {str(name): frame[name] for name in frame.columns}
    varied = [name for name, column in columns.items() if column.nunique(dropna=True) > 1]
    if len(varied) < 2 or not len(frame):
        return empty("Scenarios", "nothing in this store differs")
    shown = [*[name for name in varied if name != by][: _MOST_AXES - 1], *([by] if by in varied else [])]
    dimensions: list[dict[str, Any]] = []
    for name in shown:
        values, texts = _numbers(frame[name])
        one: dict[str, Any] = {"label": _title(name, units), "values": values}
        if texts is not None:
            one |= {"tickvals": list(range(len(texts))), "ticktext": [safe(text, 18) for text in texts]}
        dimensions.append(one)
    hues, texts = _numbers(frame[by])
    line: dict[str, Any] = {"color": hues, "colorscale": _SCALE}
    if texts is None:
        line |= {
            "showscale": True,
            "colorbar": {**_COLOURBAR, "title": {"text": _title(by, units), "side": "right"}},
        }
    figure = go.Figure(
        go.Parcoords(
            dimensions=dimensions, line=line, labelangle=-20, labelside="top", labelfont={"size": 12},
            tickfont={"size": 11}, rangefont={"size": 10},
        )
    )  # fmt: skip
    finish(figure, title=f"{len(frame):,} scenarios", height=520)
    figure.update_layout(margin={"l": 70, "r": 40, "t": 130, "b": 24})
    return figure


def scatter(frame: pd.DataFrame, units: Units, *, x: str, y: str, by: str | None) -> Any:
    """One column over another, coloured by a third: a scale for numbers, a hue for each text."""
    import plotly.graph_objects as go

    figure = go.Figure()
    at, names = _numbers(frame[x])
    values, texts = _numbers(frame[y])
    common = {
        "mode": "markers",
        "hovertemplate": f"{_title(x, units)} %{{x}}<br>{_title(y, units)} %{{y}}<extra></extra>",
    }
    if by is not None and frame[by].dtype.kind not in "fiub":
        words = frame[by].astype(str)
        for number, word in enumerate(sorted(set(words))):
            chosen = (words == word).to_numpy()
            figure.add_scatter(x=at[chosen], y=values[chosen], name=safe(word),
                               marker={"size": 6, "color": colour(word, number)}, **common)  # fmt: skip
    else:
        marker: dict[str, Any] = {"size": 6, "color": colour("grid") if by is None else frame[by].to_numpy()}
        if by is not None:
            marker |= {
                "colorscale": _SCALE,
                "colorbar": {**_COLOURBAR, "title": {"text": _title(by, units), "side": "right"}},
            }
        figure.add_scatter(x=at, y=values, marker=marker, **common)
    legend = by is not None and frame[by].dtype.kind not in "fiub"
    finish(figure, title=f"{_title(y, units)} over {_title(x, units)}", height=460, x=_title(x, units),
           y=_title(y, units), legend=legend)  # fmt: skip
    for axis, words in ((figure.update_xaxes, names), (figure.update_yaxes, texts)):
        if words is not None:
            axis(tickvals=list(range(len(words))), ticktext=[safe(word, 18) for word in words])
    return figure


def heat(frame: pd.DataFrame, units: Units, *, x: str, y: str, by: str) -> Any:
    """A column in a grid of two others: the mean of the scenarios that share a cell."""
    import plotly.graph_objects as go

    table = frame.pivot_table(index=y, columns=x, values=by, aggfunc="mean", observed=True)
    hover = f"{_title(x, units)} %{{x}}<br>{_title(y, units)} %{{y}}<br>%{{z:.4g}}<extra></extra>"
    label = lambda value: significant(float(value)) if isinstance(value, float | int) else safe(value)  # noqa: E731
    cells = table.to_numpy(dtype=float)
    figure = go.Figure(
        go.Heatmap(
            z=cells, x=[label(v) for v in table.columns], y=[label(v) for v in table.index],
            colorscale=_SCALE, xgap=1, ygap=1, hoverongaps=False,
            text=[[significant(v) for v in row] for row in cells] if cells.size <= _MOST_CELLS else None,
            texttemplate="%{text}" if cells.size <= _MOST_CELLS else None,
            colorbar={**_COLOURBAR, "title": {"text": _title(by, units), "side": "right"}},
            hovertemplate=hover,
        )
    )  # fmt: skip
    finish(figure, title=f"{_title(by, units)}, mean of each cell", height=460, x=_title(x, units),
           y=_title(y, units))  # fmt: skip
    figure.update_xaxes(type="category", gridcolor=GRID, color=INK)
    figure.update_yaxes(type="category", gridcolor=GRID, color=INK)
    return figure


def figure_of(
    frame: pd.DataFrame, units: Units, *, axes: Sequence[str], by: str, x: str | None, y: str | None
) -> Any:
    """The figure that fits: a grid where ``x`` and ``y`` were both varied over few values, a scatter where
    they are given otherwise, else parallel coordinates."""
    if not len(frame):
        return empty("Scenarios", "no scenario in this store has an answer")
    if x is None or y is None:
        return parallel(frame, units, by=by)
    few = all(frame[name].nunique() <= _MOST_CELLS and name in axes for name in (x, y))
    if few and by not in (x, y) and frame[by].dtype.kind in "fiub":
        return heat(frame, units, x=x, y=y, by=by)
    return scatter(frame, units, x=x, y=y, by=None if by in (x, y) else by)


def effect_bars(effects: Sequence[Mapping[str, Any]]) -> Any:
    """Part of one quantity's variance that each key explains, the largest on top."""
    import plotly.graph_objects as go

    rows = sorted(effects, key=lambda one: one["share"])
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=[safe(one["axis"], 40) for one in rows], x=[100.0 * one["share"] for one in rows],
            text=[f"{100.0 * one['share']:.0f} %" for one in rows], textposition="auto",
            marker={"color": [colour(one["axis"], 0) for one in rows]},
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        )
    )  # fmt: skip
    made = finish(figure, title="What moves the answer", height=100 + 34 * max(len(rows), 1),
                  x="part of the variance [%]")  # fmt: skip
    made.update_xaxes(range=[0, 105])
    return made


_WHOLE = 1e15
"""Floats from here on no longer hold every whole number to the last digit."""


def cell(value: float | str | None) -> str:
    """A number as a person reads it, whole ones in full, a text as it is."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    whole = float(value).is_integer() and abs(value) < _WHOLE
    return count(value) if whole else significant(float(value), 5)
