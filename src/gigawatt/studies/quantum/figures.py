"""Figures of a quantum answer: an energy as it fell and under noise, an optimum's chance, a run's band."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gigawatt.faces.figures.style import colour, finish, safe

__all__ = ["chances", "energies", "noise", "sides", "steps"]

Document = Mapping[str, Any]
_TICKS = 10
"""At most, of a logarithmic axis over many decades."""
_FLOOR = 1e-9
"""Hartree below which a distance from the exact energy is drawn as this: the axis is logarithmic."""


def _accuracy(figure: Any, document: Document) -> None:
    """The line of chemical accuracy, named where it stands; on a logarithmic axis texts have logarithms."""
    most = document["shots"]["error"]
    figure.add_hline(y=most, line_dash="dot")
    figure.add_annotation(
        x=1.0, xref="paper", xanchor="right", y=math.log10(most), yref="y", yanchor="bottom",
        text="chemical accuracy", showarrow=False,
    )  # fmt: skip


def energies(document: Document) -> Any:
    """Distance from the exact energy after each iteration [hartree], logarithmic."""
    import plotly.graph_objects as go

    values = [max(one - document["exact"], _FLOOR) for one in document["history"]]
    figure = go.Figure()
    figure.add_scatter(
        x=list(range(len(values))), y=values, mode="lines+markers", name="above exact",
        line={"color": colour("chip")}, hovertemplate="%{y:.3~g} Ha after %{x}<extra></extra>",
    )  # fmt: skip
    _accuracy(figure, document)
    made = finish(figure, title="Energy over iterations", height=360, x="iteration", y="Ha above exact")
    made.update_yaxes(type="log", exponentformat="power")
    return made


def noise(document: Document) -> Any:
    """Error of the energy over that of a two-qubit gate, as read and extrapolated; both logarithmic."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for number, (key, name) in enumerate((("raw", "as read"), ("mitigated", "extrapolated to no noise"))):
        figure.add_scatter(
            x=[one["gate_error"] for one in document["noise"]],
            y=[max(abs(one[key]), _FLOOR) for one in document["noise"]],
            name=name, mode="lines+markers", line={"color": colour(name, number)},
            hovertemplate="%{y:.3~g} Ha at %{x:.2~g}<extra></extra>",
        )  # fmt: skip
    _accuracy(figure, document)
    made = finish(
        figure, title="Energy under noise", height=360, x="gate error", y="Ha from exact", legend=True
    )
    made.update_xaxes(type="log", exponentformat="power", dtick=1)
    made.update_yaxes(type="log", exponentformat="power", dtick=1)
    return made


def chances(document: Document) -> Any:
    """Chance of the optimum in a shot by the number of layers, beside an even draw."""
    import plotly.graph_objects as go

    rows = document["quantum"]
    figure = go.Figure()
    for number, (key, name) in enumerate((("optimum", "QAOA"), ("even", "even draw"))):
        figure.add_bar(
            x=[row["depth"] for row in rows], y=[row[key] for row in rows], name=name,
            marker={"color": colour(name, number)}, hovertemplate="%{y:.3~g}<extra></extra>",
        )  # fmt: skip
    return finish(figure, title="Chance of the optimum", height=360, x="layers", y="a shot", legend=True)


def steps(document: Document) -> Any:
    """Physical qubits by part, or after each change from 2019 to 2025."""
    import plotly.graph_objects as go

    pairs = [(one["change"], one["qubits"]) for one in document["ladder"]]
    pairs = pairs or list(document.get("parts", {"all": document["physical_qubits"]}).items())
    figure = go.Figure()
    figure.add_bar(
        y=[safe(name, 60) for name, _ in pairs][::-1], x=[value for _, value in pairs][::-1], orientation="h",
        marker={"color": colour("chip")}, hovertemplate="%{x:,.0f}<extra></extra>",
    )  # fmt: skip
    return finish(figure, title="Physical qubits", height=160 + 40 * len(pairs), x="physical qubits")


def sides(document: Document) -> Any:
    """Joules of both ways with their bands, logarithmic."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for number, side in enumerate(("quantum", "classical")):
        value, low, high = document[side]["joules"]
        figure.add_scatter(
            x=[value], y=[side], mode="markers", name=side,
            marker={"color": colour(side, number), "size": 11},
            error_x={"type": "data", "symmetric": False, "array": [high - value],
                     "arrayminus": [value - low]},
            hovertemplate="%{x:.3~g} J<extra></extra>",
        )  # fmt: skip
    made = finish(figure, title="Energy of the answer", height=260, x="J")
    ends = [one for side in ("quantum", "classical") for one in document[side]["joules"]]
    decades = math.log10(max(ends) / min(ends))
    made.update_xaxes(type="log", exponentformat="power", dtick=math.ceil(decades / _TICKS))
    return made
