"""Figures of a pathway: capacity, energy, cost, carbon and idle accelerators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.faces.figures.style import INK, NOT_SERVED, colour, finish, safe, translucent

__all__ = ["FIGURES", "capacity", "carbon", "cost", "energy", "idle", "plants_shown"]

#: A plant below this share of the largest load in every step is the solver's dust.
_DUST = 1e-3


def _edges(answer: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """(middle, width) of every step, years."""
    spans = [(step["year"], step["end"]) for step in answer["steps"]]
    return [(a + b) / 2 for a, b in spans], [(b - a) * 0.92 for a, b in spans]


def plants_shown(answer: Mapping[str, Any]) -> list[tuple[int, str]]:
    """(place, name) of the plants that ever stand."""
    steps = answer["steps"]
    least = _DUST * max(step["load_MW"] for step in steps)
    return [
        (i, row["plant"])
        for i, row in enumerate(steps[0]["plants"])
        if max(step["plants"][i]["capacity_MW"] for step in steps) > least
    ]


def _bars(
    answer: Mapping[str, Any], rows: list[tuple[str, str, list[float], str]], title: str, y: str
) -> Any:
    """Bars as wide as the steps are long, stacked; each row is (name, colour, values, unit)."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    middle, width = _edges(answer)
    spans = [f"{step['year']:g} to {step['end']:g}" for step in answer["steps"]]
    for name, hue, values, unit in rows:
        figure.add_bar(
            x=middle, y=values, width=width, name=safe(name.replace("_", " ").replace("-", " ")),
            marker={"color": hue, "line": {"width": 0}}, customdata=spans,
            hovertemplate=f"{safe(name)}: %{{y:.4g}} {safe(unit)}, %{{customdata}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="relative")
    return finish(figure, title=title, height=380, y=y, legend=len(rows) > 1)


def capacity(answer: Mapping[str, Any]) -> Any:
    """Capacity on line in every step, by plant, with the load as a line."""
    steps = answer["steps"]
    rows = [
        (name, colour(name, i), [step["plants"][i]["capacity_MW"] for step in steps], "MW")
        for i, name in plants_shown(answer)
    ]
    figure = _bars(answer, rows, "Capacity", "capacity [MW]")
    figure.add_scatter(
        x=[x for step in steps for x in (step["year"], step["end"])],
        y=[step["load_MW"] for step in steps for _ in range(2)],
        name="mean load", mode="lines", line={"color": INK, "width": 2, "dash": "dot"},
        hovertemplate="mean load: %{y:.4g} MW<extra></extra>",
    )  # fmt: skip
    return figure


def energy(answer: Mapping[str, Any]) -> Any:
    """Energy of a year in every step by plant, and what is not served."""
    steps = answer["steps"]
    rows = [
        (name, colour(name, i), [step["plants"][i]["energy_GWh"] for step in steps], "GWh")
        for i, name in plants_shown(answer)
    ]
    lacking = [step["not_served_GWh"] for step in steps]
    if max(lacking) > 0.0:
        rows.append(("not served", NOT_SERVED, lacking, "GWh"))
    return _bars(answer, rows, "Energy per year", "energy [GWh/yr]")


def cost(answer: Mapping[str, Any]) -> Any:
    """Cost of a year in every step by kind."""
    steps = answer["steps"]
    hues = {"capital": "#0072b2", "fixed": "#56b4e9", "variable": "#b8a13a", "fuel": "#d55e00",
            "carbon_price": "#7a4a2b"}  # fmt: skip
    rows = [
        (name, hue, [step["costs_M$"][name] for step in steps], "M$")
        for name, hue in hues.items()
        if max(abs(step["costs_M$"][name]) for step in steps) > 0.0
    ]
    return _bars(answer, rows, "Cost of power per year", "cost [M$/yr]")


def carbon(answer: Mapping[str, Any]) -> Any:
    """Operational carbon of what is served in every step."""
    steps = answer["steps"]
    values = [step["carbon_g/kWh"] or 0.0 for step in steps]
    figure = _bars(answer, [("carbon", translucent("#7a4a2b", 0.8), values, "g/kWh")], "Carbon intensity",
                   "operational carbon [g/kWh]")  # fmt: skip
    limits = [step["carbon_limit_g/kWh"] for step in steps]
    if any(limit is not None for limit in limits):
        figure.add_scatter(
            x=[x for step in steps for x in (step["year"], step["end"])],
            y=[limit for limit in limits for _ in range(2)],
            mode="lines", line={"color": INK, "width": 2, "dash": "dot"}, name="limit",
            hovertemplate="limit: %{y:.4g} g/kWh<extra></extra>",
        )  # fmt: skip
    return figure


def idle(answer: Mapping[str, Any]) -> Any:
    """Accelerator-hours of a year that wait for power."""
    values = [step["idle_accelerator_hours"] / 1e6 for step in answer["steps"]]
    return _bars(answer, [("idle", NOT_SERVED, values, "million h")], "Idle accelerators",
                 "idle accelerator-hours [million/yr]")  # fmt: skip


FIGURES: dict[str, tuple[Callable[[Mapping[str, Any]], Any], str]] = {
    "capacity": (capacity, "Each bar is as wide as its step is long."),
    "energy": (energy, "The discharge of a store counts as energy as well, so bars may exceed the load."),
    "cost": (
        cost,
        "Annuities are paid over the full life of a plant, also after it is retired. Not discounted.",
    ),
    "carbon": (carbon, "Per energy served, with the fuel's supply chain, without construction."),
    "idle": (idle, "Accelerators of the load, by the power of one at the meter."),
}
"""Figure → (the function, its caption)."""
