"""Sites by what they cost and emit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.faces.figures.style import INK, finish, safe

__all__ = ["FIGURES", "cost_and_carbon"]

Answer = Mapping[str, Any]
_NAMED = 12
"""Sites of which a figure says the name: the best, then the cheapest."""


def cost_and_carbon(answer: Answer) -> Any:
    """Cost against carbon of each site; those that none beats are filled and named."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    named = {row["site"] for row in sorted(answer["sites"], key=lambda row: not row["best"])[:_NAMED]}
    for best, words in ((False, "beaten by another"), (True, "unbeaten")):
        rows = [row for row in answer["sites"] if row["best"] is best]
        if not rows:
            continue
        figure.add_scatter(
            x=[float(f"{row['cost_USD_per_MWh']:.4g}") for row in rows],
            y=[float(f"{row['carbon_g_per_kWh']:.4g}") for row in rows],
            mode="markers+text", name=words,
            text=[safe(row["name"]) if row["site"] in named else "" for row in rows],
            textposition="top center",
            marker={"size": 10, "color": "#0072b2" if best else "rgba(0,0,0,0)",
                    "line": {"width": 1.5, "color": "#0072b2" if best else INK}},
            customdata=[
                [safe(row["name"]), safe(row["mix"] or ""), row["complete"], row["lolh_h"]] for row in rows
            ],
            hovertemplate="%{customdata[0]}: $%{x}/MWh, %{y} g/kWh<br>%{customdata[1]}<br>there from "
            "%{customdata[2]:.1f}, %{customdata[3]:.2~g} h short a year<extra></extra>",
        )  # fmt: skip
    return finish(figure, title="What the sites cost and emit", height=460, x="cost [$/MWh]",
                  y="carbon [g/kWh]", legend=True)  # fmt: skip


FIGURES: dict[str, tuple[Callable[[Answer], Any], str]] = {
    "sites": (
        cost_and_carbon,
        "Each mark is a site. Filled: unbeaten, no other site is at least as good in cost, carbon, date and "
        "hours short, and better in one.",
    ),
}
