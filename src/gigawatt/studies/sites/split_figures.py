"""A load over several sites: who works in which hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.faces.figures.style import colour, finish, safe

__all__ = ["FIGURES", "day"]

Answer = Mapping[str, Any]
_DAY = 24


def day(answer: Answer) -> Any:
    """Mean work of each site by the hour of universal time, stacked."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    names = {one["site"]: one["name"] for one in answer["sites"]}
    for number, (site, hours) in enumerate(answer["hours_MW"].items()):
        mean = [sum(hours[h::_DAY]) / len(hours[h::_DAY]) for h in range(_DAY)]
        figure.add_bar(
            x=list(range(_DAY)), y=[float(f"{value:.4g}") for value in mean], name=safe(names[site]),
            marker={"color": colour(site, number)},
            hovertemplate=safe(names[site]) + " %{y:,.4~g} MW<extra></extra>",
        )  # fmt: skip
    finish(figure, title="Who works in which hour of the day", height=400, x="hour, universal time",
           y="power at the racks [MW]", legend=True)  # fmt: skip
    figure.update_layout(barmode="stack", hovermode="x unified")
    return figure


FIGURES: dict[str, tuple[Callable[[Answer], Any], str]] = {
    "day": (day, "Mean of the days; one clock for all sites."),
}
