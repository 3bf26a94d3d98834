"""The layouts of a training run: step time against memory, bottleneck, fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.figures.style import INK, NOT_SERVED, colour, finish, safe
from gigawatt.studies.run.figures_machine import layout_words

if TYPE_CHECKING:
    from gigawatt.chain.training.layout_space import LayoutSpace

__all__ = ["layout_space"]

_SLOWEST = 30.0
"""Layouts slower than this multiple of the best step time are not drawn."""


def layout_space(space: LayoutSpace) -> Any:
    """Step time against memory of an accelerator; the colour is the bottleneck, open markers do not fit.

    ``space`` is that of :func:`gigawatt.chain.training.layout_space.layout_space`. The cross is the best
    layout, the dashed line the memory of an accelerator.
    """
    import plotly.graph_objects as go

    frame: Any = space.frame
    best = frame[frame["best"]].iloc[0]
    rows = frame[~frame["best"] & (frame["step_time [s]"] <= _SLOWEST * best["step_time [s]"])]
    order = rows["binding"].value_counts(sort=False)
    figure: Any = go.Figure()
    for name in sorted(order.index, key=lambda one: (-order[one], one)):
        for fits in (True, False):
            mine = rows[(rows["binding"] == name) & (rows["fits"] == fits)]
            if len(mine):
                named = fits or not bool(rows.loc[rows["binding"] == name, "fits"].any())
                _cloud(figure, mine, name.replace("_", " "), colour(name), fits, named=named)
    _cloud(figure, frame[frame["best"]], "the best", NOT_SERVED, True, best=True)
    finish(
        figure,
        title="Layouts: step time against memory",
        height=500,
        x="memory per accelerator [GB]",
        y="step time [s]",
        legend=True,
    )
    capacity = space.capacity / 1e9
    figure.add_vline(x=capacity, line={"color": INK, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=capacity,
        y=1,
        yref="paper",
        yanchor="top",
        xanchor="left",
        showarrow=False,
        text=f" capacity {with_unit(capacity, 'GB')}",
    )
    left = len(rows) + 1
    figure.add_annotation(
        x=1, y=0, xref="paper", yref="paper", xanchor="right", yanchor="bottom", showarrow=False,
        text=f"{left:,} of {space.looked_at:,} layouts; {space.fit:,} fit; open: does not", font={"size": 12},
    )  # fmt: skip
    wide = float(rows["step_time [s]"].max() / best["step_time [s]"]) if len(rows) else 1.0
    figure.update_yaxes(type="log", dtick="D2" if wide < 100 else 1, exponentformat="none")
    most = float(frame["memory [GB]"].max())
    figure.update_xaxes(range=[0, 1.03 * max(most, capacity)])
    return figure


def _cloud(
    figure: Any,
    rows: Any,
    name: str,
    hue: str,
    fits: bool,
    *,
    best: bool = False,
    named: bool = True,
) -> None:
    symbol = "x" if best else "circle" if fits else "circle-open"
    figure.add_scatter(
        x=np.round(rows["memory [GB]"].to_numpy(), 2).tolist(),
        y=[float(f"{v:.4g}") for v in rows["step_time [s]"]],
        mode="markers",
        name=name,
        legendgroup=name,
        showlegend=named,
        marker={"color": hue, "size": 13 if best else 6, "symbol": symbol, "opacity": 1.0 if best else 0.7},
        text=[safe(layout_words(row), 60) for _, row in rows.iterrows()],
        customdata=[significant(100 * float(v)) for v in rows["mfu []"]],
        hovertemplate="%{text}<br>%{y:.3~g} s, MFU %{customdata} %, %{x:.3~g} GB<extra>" + name + "</extra>",
    )
