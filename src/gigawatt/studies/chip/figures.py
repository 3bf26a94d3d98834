"""Figures of a chip from its parts: what it costs, what it draws, how near each limit is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.faces.figures.style import colour, finish, safe
from gigawatt.studies.run.figures_machine import waterfall

__all__ = ["cost", "limits", "power"]

Document = Mapping[str, Any]
_SMALL = 1e-3
"""Share of the whole below which a part is not drawn: it is in the table."""


def _parts(parts: Mapping[str, float], unit: str, total: str, title: str, axis: str) -> Any:
    whole = sum(parts.values())
    kept = {name: value for name, value in parts.items() if value > _SMALL * whole}
    figure = waterfall(list(kept), list(kept.values()), unit, total, {name: name for name in kept})
    return finish(figure, title=title, height=80 + 36 * (len(kept) + 1), x=axis)


def cost(document: Document) -> Any:
    """Dollars of making one good chip, by part, as bars that add up."""
    return _parts(document["cost"], "$", "to make one", "Money of a good chip", "$")


def power(document: Document) -> Any:
    """Watts in a large multiplication of 16 bits, by part, as bars that add up."""
    return _parts(document["power"], "W", "in all", "Watts in a large 16-bit multiplication", "W")


def limits(document: Document) -> Any:
    """Share of each limit that is used [%]."""
    import plotly.graph_objects as go

    found = {name: 100.0 * one["used"] / one["available"] for name, one in document["limits"].items()}
    names = sorted(found, key=lambda name: found[name])
    figure = go.Figure()
    figure.add_bar(
        y=[safe(name, 40) for name in names], x=[found[name] for name in names], orientation="h",
        marker={"color": colour("chip")}, text=[f"{found[name]:.0f} %" for name in names],
        textposition="auto", hovertemplate="%{y}: %{x:.0f} %<extra></extra>", cliponaxis=False,
    )  # fmt: skip
    figure.add_vline(x=100.0, line={"dash": "dash", "width": 1})
    return finish(figure, title="How near each limit is", height=90 + 40 * len(names), x="% of what there is")
