"""Figures of the outlook's energy, environment and society: power by source, carbon, cost of a run, actors,
concentration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gigawatt.faces.figures.readable import significant
from gigawatt.faces.figures.style import finish, safe, translucent

__all__ = ["FIGURES", "comparison_rows", "lines", "society_figures", "sources"]

_SOURCES = {
    "power_coal": ("coal", "#444c56"),
    "power_gas": ("gas and oil", "#d55e00"),
    "power_fission": ("fission", "#cc79a7"),
    "power_hydro": ("water, biomass, geothermal", "#0072b2"),
    "power_wind": ("wind", "#56b4e9"),
    "power_solar": ("sun", "#e69f00"),
    "power_fusion": ("fusion", "#6a51a3"),
    "power_space": ("space", "#8c929a"),
}
_LINES: Mapping[str, tuple[str, tuple[tuple[str, str], ...], bool, str]] = {
    "carbon": (
        "Carbon of data centres",
        (("carbon_all", "#0072b2"), ("carbon_market", "#009e73"), ("carbon_made", "#e69f00")),
        True,
        "Carbon of power by location and by contract, and of making AI's servers and buildings.",
    ),
    "run_cost": (
        "Cost of the largest run, and of its model",
        (("run_cost", "#0072b2"), ("model_cost", "#d55e00")),
        True,
        "Machines written off and power; with trials and staff. Dollars of 2024.",
    ),
    "actors": (
        "Firms and states that can pay for it",
        (("actors", "#009e73"),),
        True,
        "Expected number of the listed actors, the one who makes it at least. Exploratory.",
    ),
    "owners": (
        "Shares of the largest owners of AI machines",
        (("largest_one", "#d55e00"), ("largest_five", "#0072b2")),
        False,
        "Measured to the newest quarter, then drawn: whether shares revert to the mean is drawn as well.",
    ),
    "concentration": (
        "Concentration of owners (Herfindahl-Hirschman)",
        (("hhi", "#6a51a3"),),
        False,
        "Points; owners without a name count as countless small ones.",
    ),
}


def _column(answer: Mapping[str, Any], name: str, quantile: float) -> list[float]:
    at = answer["quantiles"].index(quantile)
    return [values[at] for values in answer["bands"][name]["values"]]


def sources(answer: Mapping[str, Any]) -> Any:
    """Medians of power by source by year with 25 to 75 %, sources that nobody uses left out."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    years = answer["years"]
    for name, (words, hue) in _SOURCES.items():
        if max(_column(answer, name, 0.75)) <= 0.0:
            continue
        mark = " (exploratory)" if answer["bands"][name]["exploratory"] else ""
        low, high = _column(answer, name, 0.25), _column(answer, name, 0.75)
        figure.add_scatter(
            x=[*years, *reversed(years)], y=[*high, *reversed(low)], fill="toself",
            fillcolor=translucent(hue, 0.15), line={"width": 0}, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=years, y=_column(answer, name, 0.5), mode="lines", name=safe(words + mark),
            line={"color": hue, "width": 2},
            hovertemplate=f"{safe(words)}, %{{x}}: %{{y:.3g}} TWh<extra></extra>",
        )  # fmt: skip
    return finish(
        figure, title="Electricity of data centres by source", height=400, y="TWh a year", legend=True
    )


def lines(
    answer: Mapping[str, Any], title: str, names: Sequence[tuple[str, str]], *, logarithmic: bool
) -> Any:
    """Medians of a few outputs by year with 5 to 95 %; ``names`` are (output, its colour)."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    years = answer["years"]
    units: list[str] = []
    for name, hue in names:
        row = answer["bands"][name]
        low, middle, high = (_column(answer, name, q) for q in (0.05, 0.5, 0.95))
        keep = [i for i, value in enumerate(low) if value > 0.0 or not logarithmic]  # a log axis has no 0
        x = [years[i] for i in keep]
        figure.add_scatter(
            x=[*x, *reversed(x)], y=[*(high[i] for i in keep), *(low[i] for i in reversed(keep))],
            fill="toself", fillcolor=translucent(hue, 0.18), line={"width": 0}, showlegend=False,
            hoverinfo="skip",
        )  # fmt: skip
        mark = " (exploratory)" if row["exploratory"] else ""
        figure.add_scatter(
            x=x, y=[middle[i] for i in keep], mode="lines", name=safe(f"{row['words']}{mark}", 80),
            line={"color": hue, "width": 2.5}, hovertemplate="%{x}: %{y:.3g}<extra></extra>",
        )  # fmt: skip
        if row["unit"] not in ("1", *units):
            units.append(row["unit"])
    if logarithmic:
        figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    return finish(figure, title=safe(title, 90), height=380, y=safe(", ".join(units)), legend=True)


def _of(name: str) -> Callable[[Mapping[str, Any]], Any]:
    title, names, logarithmic, _ = _LINES[name]
    return lambda answer: lines(answer, title, names, logarithmic=logarithmic)


FIGURES: Mapping[str, tuple[Callable[[Mapping[str, Any]], Any], str]] = {
    "sources": (
        sources,
        "Grids as their rows move, and for a part of what AI adds, what the cheapest supply would build. "
        "Shaded: 25 to 75 %.",
    ),
    **{name: (_of(name), row[3]) for name, row in _LINES.items()},
}
"""Figure → (the function of the outlook's JSON, its caption), in the order of the page."""


def society_figures(answer: Mapping[str, Any]) -> list[tuple[Callable[[], Any], str]]:
    """What draws every figure of this part, with its caption, in the order of the page."""
    return [(partial(draw, answer), caption) for draw, caption in FIGURES.values()]


def comparison_rows(answer: Mapping[str, Any]) -> tuple[tuple[str, ...], list[list[str]]]:
    """Head and rows of a table: runs beside the yearly electricity of users, in years of it."""
    runs = answer["society"]["runs"]
    rows: list[list[str]] = []
    for i, one in enumerate(runs[0]["beside"]):
        cells = [f"{one['name']} ({significant(one['yearly_MWh'])} MWh, {one['grade']})"]
        cells += [significant(run["beside"][i]["count"]) for run in runs]
        rows.append(cells)
    return ("years of the electricity of", *(run["run"] for run in runs)), rows
