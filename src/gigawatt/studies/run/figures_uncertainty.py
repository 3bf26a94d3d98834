"""90 % intervals of a result's key figures, split by variance shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.faces.figures.style import colour, finish
from gigawatt.studies.run.figures_tables import need_table
from gigawatt.studies.run.grids import titles_of
from gigawatt.studies.run.uncertainty_words import TABLE, Spread, spreads

__all__ = ["figure"]

_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#6a51a3", "#b8a13a")
"""Colours of the largest groups; the others together are grey."""
_REST = "others"
_LEAST = 0.005


def figure(result: Result) -> Any:
    """90 % intervals of the key figures over their values, split by the variance shares of groups."""
    import plotly.graph_objects as go

    need_table(result, TABLE)
    bands, called = spreads(result), titles_of(result)
    found = {name: bands[name] for name in called if name in bands}
    titles = [called[name] for name in found]
    values = _values(result, found)
    at = [one.low / value for one, value in zip(found.values(), values, strict=True)]
    fig = go.Figure()
    for (group, parts), ink in zip(_shares(found).items(), (*_COLOURS, colour("idle")), strict=False):
        widths = [
            part * (one.high - one.low) / value
            for part, one, value in zip(parts, found.values(), values, strict=True)
        ]
        fig.add_bar(
            y=titles, x=widths, base=list(at), name=group, orientation="h", marker_color=ink,
            customdata=[100 * part for part in parts],
            hovertemplate=f"{group}: %{{customdata:.0f}} % of the variance<extra></extra>",
        )  # fmt: skip
        at = [base + width for base, width in zip(at, widths, strict=True)]
    fig.add_scatter(
        x=[one.median / value for one, value in zip(found.values(), values, strict=True)], y=titles,
        mode="markers", name="median", marker_color="#000000", marker={"symbol": "line-ns-open", "size": 12},
    )  # fmt: skip
    fig.add_vline(x=1.0, line_dash="dash")
    fig.update_layout(barmode="overlay", yaxis={"autorange": "reversed"})
    return finish(
        fig, title="Uncertainty of the key figures", height=260 + 26 * len(found),
        x="multiples of the value: 90 % interval", legend=True,
    )  # fmt: skip


def _shares(found: Mapping[str, Spread]) -> dict[str, list[float]]:
    """Group → its variance share of each key figure: the largest groups, and the others together."""
    total: dict[str, float] = {}
    for one in found.values():
        for group, share in one.groups:
            total[group] = total.get(group, 0.0) + share
    first = sorted(total, key=lambda group: -total[group])[: len(_COLOURS)]
    shares = {group: [dict(one.groups).get(group, 0.0) for one in found.values()] for group in first}
    rest = [max(0.0, 1.0 - sum(parts)) for parts in zip(*shares.values(), strict=True)]
    return {**shares, _REST: rest} if max(rest, default=0.0) > _LEAST else shares


def _values(result: Result, found: Mapping[str, Spread]) -> list[float]:
    return [float(result.quantity(name).value) / factor(one.unit) for name, one in found.items()]
