"""Plants of the catalog side by side: levelised cost at a site, and capital cost over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.faces.figures.readable import significant
from gigawatt.faces.figures.style import INK, colour, empty, finish, safe, translucent

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plant_costs", "plants_lcoe"]

_DEAR = 5.0
"""Bars longer than that many times the median are cut, and say so."""


def plants_lcoe(frame: pd.DataFrame, *, site: str = "", year: int | None = None) -> Any:
    """Levelised cost of every plant that makes electricity, cheapest first, with its range.

    ``frame`` is that of :func:`gigawatt.studies.plant.overview.plant_overview`.
    """
    import plotly.graph_objects as go

    where = f" at {safe(site, 40)}" if site else ""
    title = f"Levelised cost{where}{f' in {year}' if year else ''}"
    made: Any = frame[frame["lcoe [$/MWh]"].notna()]
    rows = made.sort_values("lcoe [$/MWh]", kind="stable")
    if not len(rows):
        return empty(title, "no plant makes electricity")
    values, low, high = (rows[f"lcoe{end} [$/MWh]"].tolist() for end in ("", "_low", "_high"))
    end = _DEAR * float(rows["lcoe [$/MWh]"].median())
    names = [safe(name, 40) for name in rows["name"]]
    figure: Any = go.Figure(
        go.Bar(
            y=names,
            x=[float(f"{v:.4g}") for v in values],
            orientation="h",
            marker={
                "color": [colour(f"{name} {row['name']}", i) for i, (name, row) in enumerate(rows.iterrows())]
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [float(f"{max(h - v, 0.0):.4g}") for v, h in zip(values, high, strict=True)],
                "arrayminus": [float(f"{max(v - lo, 0.0):.4g}") for v, lo in zip(values, low, strict=True)],
                "color": INK,
                "thickness": 1.2,
                "width": 3,
            },
            customdata=[
                [
                    safe(name, 60),
                    f"{significant(lo)} to {significant(hi)}",
                    f"{100 * row['capacity_factor []']:.0f} %",
                    significant(row["capital [$/kW]"]),
                    significant(row["carbon [g/kWh]"]),
                    f"{row['lead_time [year]']:.2g}",
                    row["grade"],
                    row["note"],
                ]
                for (name, row), lo, hi in zip(rows.iterrows(), low, high, strict=True)
            ],
            hovertemplate="<b>%{y}</b>: %{x:.3~g} $/MWh (%{customdata[1]})<br>capacity factor "
            "%{customdata[2]}, %{customdata[3]} $/kW (%{customdata[6]})<br>%{customdata[4]} g/kWh, "
            "%{customdata[5]} years until it runs<br>%{customdata[7]}<extra></extra>",
        )
    )
    finish(figure, title=title, height=90 + 26 * len(rows), x="levelised cost [$/MWh]")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    top = max(high)
    figure.update_xaxes(range=[0, 1.05 * min(top, end)])
    for name, value in zip(names, values, strict=True):
        if value > end:
            figure.add_annotation(
                x=end, y=name, text=f"{significant(value)} →", showarrow=False, xanchor="right",
                bgcolor="rgba(255,255,255,0.75)", font={"color": "#10202c"},
            )  # fmt: skip
    return figure


def _apart(names: list[str]) -> dict[str, str]:
    """The house's colour of each plant; of several with the same one, the later ones take what is free."""
    hues: dict[str, str] = {}
    spare = [hue for i in range(8) if (hue := colour("", i)) not in {colour(name) for name in names}]
    for name in names:
        hue = colour(name)
        hues[name] = spare.pop(0) if hue in hues.values() and spare else hue
    return hues


def plant_costs(frames: dict[str, pd.DataFrame], *, energy: bool = False) -> Any:
    """Capital cost by year with its range, a colour a plant.

    Parameters
    ----------
    frames : dict
        Name of a plant → what :func:`gigawatt.studies.plant.overview.plant_costs` gives of it.
    energy : bool
        Draw a store's cost of what it holds [$/kWh] in place of that of its power [$/kW].
    """
    import plotly.graph_objects as go

    middle, low, high, unit = (
        ("energy_capital [$/kWh]", "energy_low [$/kWh]", "energy_high [$/kWh]", "$/kWh")
        if energy
        else ("capital [$/kW]", "low [$/kW]", "high [$/kW]", "$/kW")
    )
    title = f"Capital cost by year{', of what a store holds' if energy else ''}"
    kept: dict[str, Any] = {
        name: frame
        for name, frame in frames.items()
        if middle in frame and bool((frame[middle] > 0).to_numpy().all())
    }
    if not kept:
        return empty(title, "none of these plants has this cost")
    figure: Any = go.Figure()
    hues = _apart(list(kept))
    for name, frame in kept.items():
        hue, years = hues[name], frame["year"].tolist()
        ends = [[float(f"{v:.4g}") for v in frame[column]] for column in (high, low)]
        figure.add_scatter(
            x=[*years, *reversed(years)], y=[*ends[0], *reversed(ends[1])], fill="toself", mode="lines",
            fillcolor=translucent(hue, 0.16), line={"width": 0}, hoverinfo="skip", showlegend=False,
            legendgroup=name,
        )  # fmt: skip
        figure.add_scatter(
            x=years, y=[float(f"{v:.4g}") for v in frame[middle]], mode="lines+markers", name=safe(name, 40),
            legendgroup=name, line={"color": hue, "width": 2}, marker={"size": 6},
            customdata=[f"{significant(lo)} to {significant(hi)}" for hi, lo in zip(*ends, strict=True)],
            hovertemplate=f"{safe(name, 40)}, %{{x}}: %{{y:.4~g}} {unit} (%{{customdata}})<extra></extra>",
        )  # fmt: skip
    finish(figure, title=title, height=420, y=f"capital cost [{unit}]", legend=True)
    figure.update_yaxes(type="log", dtick="D2", exponentformat="none")
    return figure
