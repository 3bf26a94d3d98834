"""Substrates side by side: quality against joules and dollars, what a token is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gigawatt.faces.figures.style import INK, colour, finish, safe

__all__ = ["KINDS", "MOST", "WORST", "components", "front"]

Document = Mapping[str, Any]
KINDS = {"joules": ("joules", 1e3, "mJ/token"), "dollars": ("dollars", 1e6, "$/million tokens")}
"""Kind → (its key in a row, what that is multiplied by, the unit then)."""
WORST = 12.0
"""Perplexity over that as trained beyond which a substrate is not drawn."""
_SHADES = ("#0072b2", "#d55e00", "#e69f00", "#009e73", "#6a51a3", "#cc79a7", "#56b4e9", "#b8a13a")
_NAME = (0.16, 0.06)
"""Shares of the axes that a name takes."""
MOST = 14
"""Substrates that one drawing of components holds; the cheapest are drawn."""


def front(document: Document, *, kind: str, scope: str, own: str = "") -> Any:
    """Perplexity as measured against joules or dollars a token at one scope, a colour a technology.

    Those on the front are filled, and named where their names have room; bars are bands, where the document
    has them. Substrates that nobody ran have no place on the vertical axis, and those that lose more than a
    factor of :data:`WORST` are of no use: neither is drawn. ``own`` is the id of one that is ringed.
    """
    import plotly.graph_objects as go

    key, scale, unit = KINDS[kind]
    figure = go.Figure()
    rows = [row for row in document["rows"] if (row["perplexity_ratio"] or WORST + 1.0) <= WORST]
    named = _apart(rows, f"{kind} {scope}", lambda row: row[key][scope])
    for number, technology in enumerate(dict.fromkeys(row["technology"] for row in rows)):
        mine = [row for row in rows if row["technology"] == technology]
        on = [f"{kind} {scope}" in row["fronts"] for row in mine]
        spread = [row.get("bands", {}).get(f"{kind} {scope}") for row in mine]
        values = [row[key][scope] for row in mine]
        ends = [one or {"low": x, "high": x} for one, x in zip(spread, values, strict=True)]
        names = [safe(row["substrate"], 40) for row in mine]
        figure.add_scatter(
            x=[x * scale for x in values],
            y=[row["perplexity_ratio"] for row in mine],
            error_x=_error(values, [one["low"] for one in ends], [one["high"] for one in ends], scale),
            error_y=_error(
                [row["perplexity_ratio"] for row in mine],
                [row["perplexity_ratio_low"] for row in mine],
                [row["perplexity_ratio_high"] for row in mine],
                1.0,
            ),
            text=[name if row["substrate"] in named else "" for name, row in zip(names, mine, strict=True)],
            customdata=names,
            name=technology.replace("_", " "),
            mode="markers+text",
            textposition="top right",
            marker={
                "color": _SHADES[number % len(_SHADES)],
                "size": 9,
                "symbol": ["circle" if first else "circle-open" for first in on],
            },
            hovertemplate="%{customdata}: %{x:.4~g} " + unit + ", × %{y:.4~g}<extra></extra>",
        )
    ringed = [row for row in rows if row["substrate"] == own]
    if ringed:
        figure.add_scatter(
            x=[row[key][scope] * scale for row in ringed],
            y=[row["perplexity_ratio"] for row in ringed],
            mode="markers",
            name="of this scenario",
            marker={"size": 19, "symbol": "circle-open", "color": INK, "line": {"width": 2.5, "color": INK}},
            hoverinfo="skip",
        )
    title = f"Perplexity against {unit} of the {scope}"
    made = finish(figure, title=title, height=420, x=unit, y="perplexity over that as trained", legend=True)
    made.update_xaxes(type="log")
    made.update_yaxes(type="log", dtick="D2")
    return made


def _apart(rows: Sequence[Document], front_name: str, of: Callable[[Document], float]) -> set[str]:
    """Those on the front whose names do not lie over each other, the one of least joules or dollars first."""
    if not rows:
        return set()
    x, y = np.log([of(row) for row in rows]), np.log([row["perplexity_ratio"] for row in rows])
    wide, high = (float(np.ptp(axis)) or 1.0 for axis in (x, y))
    found: list[int] = []
    for i in np.argsort(x, kind="stable"):
        far = all(abs(x[i] - x[j]) > _NAME[0] * wide or abs(y[i] - y[j]) > _NAME[1] * high for j in found)
        if front_name in rows[i]["fronts"] and far:
            found.append(int(i))
    return {rows[i]["substrate"] for i in found}


def _error(
    values: Sequence[float], low: Sequence[float], high: Sequence[float], scale: float
) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [(top - x) * scale for x, top in zip(values, high, strict=True)],
        "arrayminus": [(x - bottom) * scale for x, bottom in zip(values, low, strict=True)],
        "thickness": 0.7,
        "width": 0,
    }


def components(document: Document) -> Any:
    """What a token's joules at system scope are made of, for the substrates of least joules."""
    import plotly.graph_objects as go

    rows = sorted(document["rows"], key=lambda row: row["joules"]["system"])[:MOST][::-1]
    names = [safe(row["substrate"], 40) for row in rows]
    figure = go.Figure()
    for number, part in enumerate(rows[0]["cost"]["energy"] if rows else ()):
        values = [row["cost"]["energy"][part] * 1e3 for row in rows]
        if any(values):
            figure.add_bar(
                y=names,
                x=values,
                name=part,
                orientation="h",
                marker={"color": colour(part, number)},
                hovertemplate=f"{part} %{{x:.4~g}} mJ<extra></extra>",
            )
    figure.update_layout(barmode="stack")
    height = 160 + 26 * len(rows)
    return finish(figure, title="A token's energy", height=height, x="mJ/token", y="", legend=True)
