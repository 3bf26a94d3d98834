"""A map of sites that loads no tiles: coastlines as plain lines, longitude against latitude.

Plotly's own maps fetch their outlines from the network, and its gl layers compile code as they run, which a
page under a strict content policy forbids; lines and markers need neither.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.figures.style import INK, empty, finish, safe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLOURED", "coastline", "site_map"]

COLOURED = {
    "solar": ("solar_capacity_factor []", 100.0, "sun [% of capacity]", "YlOrBr"),
    "wind": ("wind_capacity_factor []", 100.0, "wind [% of capacity]", "Blues"),
    "temperature": ("temperature [degC]", 1.0, "mean air [°C]", "RdYlBu_r"),
    "price": ("price [$/MWh]", 1.0, "grid price [$/MWh]", "Purples"),
    "carbon": ("carbon [g/kWh]", 1.0, "grid carbon [g/kWh]", "YlOrRd"),
}
"""Marker colour → (column of ``site_overview``, factor, words, colour scale)."""
_LAND, _SHORE = "rgba(128,134,142,0.16)", "rgba(128,134,142,0.55)"
_WEST, _EAST, _SOUTH, _NORTH = -172.0, 192.0, -56.0, 80.0
"""Margin of a map of few sites [deg]."""


@lru_cache(maxsize=1)
def coastline() -> tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]:
    """Rings of (longitudes, latitudes) [deg], each closed; longitudes go beyond 180 where land does."""
    text = (files("gigawatt.faces.figures") / "data" / "coastline.csv").read_text(encoding="utf-8")
    rows = csv.reader(line for line in text.splitlines()[1:] if line)
    next(rows)
    return tuple(
        (tuple(map(float, longitudes.split())), tuple(map(float, latitudes.split())))
        for _, longitudes, latitudes in rows
    )


def site_map(sites: pd.DataFrame, chosen: str | None = None, *, by: str = "solar") -> Any:
    """A map of sites, coloured by one column; a ring marks the chosen site.

    Parameters
    ----------
    sites : DataFrame
        Of :func:`gigawatt.studies.supply.site_overview.site_overview`.
    chosen : str, optional
        Id of the site with the ring.
    by : str
        One of :data:`COLOURED`.

    Returns
    -------
    plotly.graph_objects.Figure
        Markers carry the site's id in ``customdata[0]``, for click handlers.

    Raises
    ------
    InputError
        An unknown ``by``, or a ``chosen`` that is none of the sites.
    """
    import plotly.graph_objects as go

    check_word("by", by, COLOURED, "unknown map colour")
    if chosen is not None and chosen not in sites.index:
        raise InputError("unknown site", key="site", given=chosen, allowed=", ".join(sites.index),
                         nearest=nearest(chosen, list(sites.index)))  # fmt: skip
    column, scale, words, shades = COLOURED[by]
    title = f"Sites by {words.partition(' [')[0]}"
    if not len(sites):
        return empty(title, "no site")
    figure: Any = go.Figure()
    _land(figure)
    values = [None if value != value else float(f"{scale * value:.4g}") for value in sites[column]]
    figure.add_scatter(
        x=sites["longitude [deg]"].round(2).tolist(),
        y=sites["latitude [deg]"].round(2).tolist(),
        mode="markers",
        name="",
        marker={
            "size": 10,
            "color": values,
            "colorscale": shades,
            "colorbar": _bar(words),
            "line": {"width": 1, "color": INK},
        },
        customdata=[
            [safe(name, 60), *_hover(row)]
            for name, (_, row) in zip(sites.index, sites.iterrows(), strict=True)
        ],
        hovertemplate="<b>%{customdata[1]}</b><br>sun %{customdata[2]}, wind %{customdata[3]}, air "
        "%{customdata[4]}<br>%{customdata[5]}: %{customdata[6]}, %{customdata[7]}<extra></extra>",
    )
    if chosen is not None:
        row = sites.loc[chosen]
        figure.add_scatter(
            x=[float(row["longitude [deg]"])],
            y=[float(row["latitude [deg]"])],
            mode="markers+text",
            text=[f"<b>{safe(row['name'], 40)}</b>"],
            textposition="top center",
            marker={"size": 18, "symbol": "circle-open", "color": INK, "line": {"width": 3}},
            hoverinfo="skip",
        )
    finish(figure, title=title, height=440)
    figure.update_layout(clickmode="event+select", dragmode="pan", margin={"l": 8, "r": 8, "b": 8})
    _frame(figure)
    return figure


def _bar(words: str) -> dict[str, Any]:
    """The scale of colours, beneath the map, so that a narrow screen has room for the map itself."""
    return {
        "title": {"text": safe(words, 40), "side": "top"},
        "orientation": "h",
        "thickness": 12,
        "len": 0.6,
        "y": 0.0,
        "yanchor": "top",
        "ypad": 4,
    }


def _land(figure: Any) -> None:
    x: list[float | None] = []
    y: list[float | None] = []
    for longitudes, latitudes in coastline():
        x += [*longitudes, None]
        y += [*latitudes, None]
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": _SHORE, "width": 0.7}, fill="toself", fillcolor=_LAND,
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _hover(row: Any) -> list[str]:
    def percent(column: str) -> str:
        return "not known" if row[column] != row[column] else f"{100 * row[column]:.0f} %"

    air = row["temperature [degC]"]
    return [
        safe(f"{row['name']}, {row['country']}", 60),
        percent("solar_capacity_factor []"),
        percent("wind_capacity_factor []"),
        "not known" if air != air else f"{air:.0f} °C",
        safe(row["grid"], 44),
        f"${significant(row['price [$/MWh]'])}/MWh ({row['price_grade']})",
        f"{significant(row['carbon [g/kWh]'])} g/kWh",
    ]


def _frame(figure: Any) -> None:
    """Axes without ticks around the whole world, one degree as long east as north."""
    plain = {"showgrid": False, "zeroline": False, "showticklabels": False, "showline": False}
    figure.update_xaxes(range=[_WEST, _EAST], constrain="domain", **plain)
    figure.update_yaxes(range=[_SOUTH, _NORTH], scaleanchor="x", scaleratio=1.0, constrain="domain", **plain)
