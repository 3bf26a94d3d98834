"""Figures of stacked memory: bandwidth by generation and pattern, bands of pJ a bit, heat by height."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.faces.figures.style import colour, finish, safe

__all__ = ["bandwidth", "energy", "heat"]

Document = Mapping[str, Any]
_ZERO = 273.15  # degrees Celsius
_HOT = 85.0


def bandwidth(document: Document) -> Any:
    """Peak bandwidth of a stack by generation, and what each pattern reaches of it."""
    import plotly.graph_objects as go

    rows = document["generations"]
    names = [row["name"] for row in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=names, y=[row["bandwidth"] / 1e9 for row in rows], name="peak", mode="lines+markers",
        line={"color": colour("chip")}, hovertemplate="%{x}: %{y:,.0f} GB/s<extra></extra>",
    )  # fmt: skip
    for place, one in enumerate(rows[0]["reached"]):
        figure.add_scatter(
            x=names, y=[row["reached"][place]["bandwidth"] / 1e9 for row in rows],
            name=safe(one["pattern"], 40),
            mode="lines+markers", line={"color": colour(one["pattern"], place), "dash": "dot"},
            hovertemplate=f"{safe(one['pattern'], 40)}, %{{x}}: %{{y:,.0f}} GB/s<extra></extra>",
        )  # fmt: skip
    made = finish(figure, title="Bandwidth of a stack", height=420, x="", y="GB/s", legend=True)
    made.update_yaxes(type="log")
    return made


def energy(document: Document) -> Any:
    """pJ of a bit by generation, with the range over rows used and sources, of three scopes."""
    import plotly.graph_objects as go

    rows = document["generations"]
    names = [row["name"] for row in rows]
    figure = go.Figure()
    for place, scope in enumerate(rows[0]["energy_bit_scopes"]):
        ends = [[one * 1e12 for one in row["energy_bit_scopes"][scope]] for row in rows]
        figure.add_scatter(
            x=names,
            y=[value for value, _, _ in ends],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [high - value for value, _, high in ends],
                "arrayminus": [value - low for value, low, _ in ends],
            },
            name=scope,
            mode="markers",
            offsetgroup=scope,
            marker={"color": colour(scope, place), "size": 9},
            hovertemplate=f"{scope}, %{{x}}: %{{y:.3g}} pJ/b<extra></extra>",
        )
    figure.update_layout(scattermode="group", scattergap=0.6)
    return finish(figure, title="Joules of a bit", height=420, x="", y="pJ/b", legend=True)


def heat(document: Document) -> Any:
    """Hottest die against height, with bumps and with hybrid bonds, at full bandwidth."""
    import plotly.graph_objects as go

    figure = go.Figure()
    rows = document["generations"]
    for place, row in enumerate(rows if len(rows) < 4 else rows[2:]):
        for bond, points in row["temperature"]["by_height"].items():
            figure.add_scatter(
                x=[height for height, _ in points],
                y=[kelvin - _ZERO for _, kelvin in points],
                name=f"{row['name']}, {bond}",
                mode="lines",
                line={"color": colour(row["name"], place), "dash": "solid" if bond == "hybrid" else "dot"},
                hovertemplate=f"{row['name']}, {bond}: %{{x}} dies, %{{y:.0f}} °C<extra></extra>",
            )
    figure.add_hline(y=_HOT, line={"dash": "dash", "width": 1})
    return finish(
        figure, title="Hottest die; refresh doubles above the line", height=460, x="dies", y="°C", legend=True
    )
