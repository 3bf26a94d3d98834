"""Figures of a planned supply, and one page with all of them.

Each takes the document that ``gigawatt plan-supply --json`` prints, and the hours of ``hourly.csv``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gigawatt.faces.figures.readable import with_unit
from gigawatt.faces.figures.single_line import single_line
from gigawatt.faces.figures.style import GRID, INK, NOT_SERVED, colour, finish, safe, short, translucent
from gigawatt.power.dates import date_words

__all__ = [
    "FIGURES",
    "WEEK_CAPTION",
    "arrivals",
    "bad_week",
    "bill_lines",
    "built",
    "capacity_stack",
    "dispatch_heat_map",
    "duration_curve",
    "monthly_balance",
    "near",
    "week_figure",
]

Answer = Mapping[str, Any]
Hours = Mapping[str, Sequence[float]]

_DAY, _DAYS = 24, 365
_TITLE = 30
"""Height of a figure's own title, which a page has as a heading instead."""
_ROW, _PANEL = 38, 105
_DUST = 1e-3
"""A series below this share of the load is solver tolerance."""
_POINTS = 300
_FIRST_OF_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
WEEK_CAPTION = (
    "The worst week of a simulated year as bad as one in twenty. Areas are units in order, needed or not, "
    "and stores that discharge; what stands above the load is reserve."
)
_LETTERS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def built(answer: Answer) -> list[Mapping[str, Any]]:
    """Rows of the plants that are built."""
    return [row for row in answer["plants"] if row["built"]]


def dispatch_heat_map(answer: Answer, hours: Hours) -> Any:
    """Output over capacity of each plant in every hour of the first weather year, a column per day.

    A store discharges (warm) and charges (cold).
    """
    import numpy as np
    from plotly.subplots import make_subplots

    rows = built(answer)
    figure: Any = make_subplots(
        rows=len(rows),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=min(0.05, 0.28 / max(len(rows), 1)),
        subplot_titles=[f"{safe(row['name'])}, {with_unit(row['capacity_MW'], 'MW')}" for row in rows],
    )
    span = _DAY * _DAYS
    for place, row in enumerate(rows, 1):
        output = np.asarray(hours[row["id"]][:span], dtype=float)
        taken = hours.get(f"{row['id']} charge")
        if taken is not None:
            output = output - np.asarray(taken[:span], dtype=float)
        share = np.round(100.0 * output / row["capacity_MW"]).reshape(_DAYS, _DAY).T
        hue = colour(row["id"], place)
        scale = [[0.0, translucent(hue, 0.04)], [1.0, hue]]
        if taken is not None:
            scale = [[0.0, colour("grid charge")], [0.5, translucent(hue, 0.04)], [1.0, hue]]
        figure.add_heatmap(
            z=share.astype(int).tolist(),
            zmin=-100 if taken is not None else 0,
            zmax=100,
            colorscale=scale,
            showscale=False,
            hovertemplate=f"{safe(row['name'])}: %{{z}} % on day %{{x}} at %{{y}}:00<extra></extra>",
            row=place,
            col=1,
        )
    finish(figure, title="Hourly dispatch", height=70 + (_PANEL + 26) * len(rows))
    figure.update_annotations(font={"size": 12, "color": None}, xanchor="left", x=0)
    figure.update_xaxes(tickvals=list(_FIRST_OF_MONTH), ticktext=list(_LETTERS), showgrid=False)
    figure.update_yaxes(tickvals=[0, 12, 23], ticktext=["0 h", "12 h", "23 h"], showgrid=False)
    figure.update_layout(margin={"t": 62, "r": 20})
    return figure


def duration_curve(answer: Answer, hours: Hours) -> Any:
    """Duration curves of load, plants and the marginal price."""
    import numpy as np
    from plotly.subplots import make_subplots

    figure: Any = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.08
    )
    share = np.linspace(0.0, 1.0, _POINTS)

    def ordered(values: Sequence[float]) -> list[float]:
        return short(np.quantile(np.asarray(values, dtype=float), 1.0 - share))

    x = short(100 * share)
    named = [("load", "load", INK), *((row["id"], row["name"], colour(row["id"], i))
             for i, row in enumerate(built(answer)))]  # fmt: skip
    for key, words, hue in named:
        figure.add_scatter(
            x=x,
            y=ordered(hours[key]),
            name=safe(words),
            mode="lines",
            line={"color": hue, "width": 2},
            hovertemplate=safe(words) + " %{y:,.4~g} MW or more in %{x:.3g} % of the year<extra></extra>",
            row=1,
            col=1,
        )
    price = ordered(hours["price"])
    figure.add_scatter(
        x=x,
        y=price,
        showlegend=False,
        mode="lines",
        line={"color": INK, "width": 1.6},
        hovertemplate="$%{y:,.4~g}/MWh or more in %{x:.3g} % of the year<extra></extra>",
        row=2,
        col=1,
    )
    finish(figure, title="Duration curves", height=500, legend=True)
    figure.update_xaxes(title={"text": "share of the year [%]", "standoff": 8}, row=2, col=1)
    figure.update_yaxes(title={"text": "power [MW]", "standoff": 8}, row=1, col=1)
    usual = price[int(0.03 * _POINTS)]
    figure.update_yaxes(
        title={"text": "price<br>[$/MWh]", "standoff": 8},
        range=[min(0.0, price[-1]), 1.2 * max(usual, 1.0)],
        nticks=4,
        row=2,
        col=1,
    )
    if price[0] > 1.2 * max(usual, 1.0):
        dearest = with_unit(answer["price_USD_per_MWh"]["highest"], "$/MWh")
        figure.add_annotation(
            x=1, y=1, xref="paper", yref="y2 domain", xanchor="right", yanchor="top", showarrow=False,
            font={"size": 11}, text=f"highest price: {dearest}",
        )  # fmt: skip
    return figure


def capacity_stack(answer: Answer, hours: Hours) -> Any:
    """Capacity, energy and cost of the plants built, each stacked as shares of the total."""
    import plotly.graph_objects as go

    rows = built(answer)
    totals = {
        "capacity": (sum(row["capacity_MW"] for row in rows), "MW", "capacity_MW"),
        "energy per year": (
            sum(row["energy_GWh"] for row in rows if row["kind"] != "storage"),
            "GWh",
            "energy_GWh",
        ),
        "cost per year": (sum(row["cost_USD_per_year"] for row in rows), "$", "cost_USD_per_year"),
    }
    names = [f"{name}<br>{with_unit(total, unit)}" for name, (total, unit, _) in totals.items()]
    figure = go.Figure()
    for number, row in enumerate(rows):
        values = [
            0.0 if key == "energy_GWh" and row["kind"] == "storage" else row[key]
            for _, _, key in totals.values()
        ]
        shares = [100.0 * value / total for value, (total, _, _) in zip(values, totals.values(), strict=True)]
        figure.add_bar(
            y=names,
            x=short(shares),
            name=safe(row["name"]),
            orientation="h",
            marker={"color": colour(row["id"], number)},
            text=[
                with_unit(value, unit) if share > 7.0 else ""
                for value, share, (_, unit, _) in zip(values, shares, totals.values(), strict=True)
            ],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            customdata=[
                with_unit(value, unit) for value, (_, unit, _) in zip(values, totals.values(), strict=True)
            ],
            hovertemplate=safe(row["name"]) + ": %{customdata}, %{x:.1f} %<extra></extra>",
        )
    finish(figure, title="Capacity, energy and cost", height=300, x="share [%]", legend=True)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def monthly_balance(answer: Answer, hours: Hours) -> Any:
    """Energy of each month: generation above zero, charging and curtailment below."""
    import plotly.graph_objects as go

    months = answer["months"]
    names = [month["month"][:3] for month in months]
    least = _DUST * max(month["load_GWh"] for month in months)
    figure = go.Figure()

    def bars(name: str, values: Sequence[float], hue: str) -> None:
        if max(abs(value) for value in values) > least:
            figure.add_bar(
                x=names,
                y=short(values),
                name=safe(name),
                marker={"color": hue},
                hovertemplate=safe(name) + " %{y:,.4~g} GWh<extra></extra>",
            )

    for number, row in enumerate(built(answer)):
        bars(row["name"], [month["plants_GWh"][row["id"]] for month in months], colour(row["id"], number))
    bars("not served", [month["not_served_GWh"] for month in months], NOT_SERVED)
    bars("charging", [-month["charged_GWh"] for month in months], translucent(colour("battery"), 0.6))
    bars("curtailed", [-month["curtailed_GWh"] for month in months], GRID)
    figure.add_scatter(
        x=names,
        y=short(month["load_GWh"] for month in months),
        name="load",
        mode="lines+markers",
        line={"color": INK, "width": 2, "shape": "hvh"},
        marker={"size": 5},
        hovertemplate="load %{y:,.4~g} GWh<extra></extra>",
    )
    finish(figure, title="Monthly energy balance", height=400, y="energy [GWh]", legend=True)
    figure.update_layout(barmode="relative", hovermode="x unified")
    return figure


def bad_week(answer: Answer, hours: Hours) -> Any:
    """The worst week of a year as bad as one in twenty: what is there, the load, what lacks."""
    return week_figure(answer["adequacy"]["bad_week"], {row["id"]: row["name"] for row in answer["plants"]})


def week_figure(week: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    """The week of ``adequacy.bad_week``, with the names of its plants."""
    import plotly.graph_objects as go

    days = [(week["first_hour"] + h) / _DAY for h in range(len(week["load_MW"]))]
    figure = go.Figure()

    def area(name: str, values: Sequence[float], hue: str) -> None:
        if max(values) > _DUST * max(week["load_MW"]):
            figure.add_scatter(
                x=days, y=short(max(value, 0.0) for value in values), name=safe(name), stackgroup="there",
                mode="lines", line={"width": 0, "color": hue, "shape": "hv"},
                fillcolor=translucent(hue, 0.75),
                hovertemplate=safe(name) + " %{y:,.4~g} MW<extra></extra>",
            )  # fmt: skip

    area("sun, wind and load cut", week["sun_wind_and_cut_MW"], colour("wind"))
    for number, (plant, values) in enumerate(week["there_MW"].items()):
        area(f"{names[plant]}, in order", values, colour(plant, number))
    for number, (store, values) in enumerate(week["stores_MW"].items()):
        area(names[store], values, colour(store, number + len(week["there_MW"])))
    area("not served", week["lacking_MW"], NOT_SERVED)
    figure.add_scatter(
        x=days, y=short(week["load_MW"]), name="load", mode="lines",
        line={"color": INK, "width": 2, "shape": "hv"},
        hovertemplate="load %{y:,.4~g} MW<extra></extra>",
    )  # fmt: skip
    finish(figure, title="A bad week", height=400, x="day of the year", y="power [MW]", legend=True)
    figure.update_layout(hovermode="x unified")
    return figure


def arrivals(answer: Answer, hours: Hours) -> Any:
    """When each plant that is built is there: from its order to the median, and the band of eight in ten."""
    import plotly.graph_objects as go

    rows = sorted((row for row in built(answer) if row["ready"] is not None), key=lambda row: -row["ready"])
    names = [safe(row["name"]) for row in rows]
    hues = [colour(row["id"], number) for number, row in enumerate(rows)]
    figure: Any = go.Figure()
    figure.add_bar(
        y=names,
        x=_dates(row["lead_time_years"] for row in rows),
        base=_dates(row["ready"] - row["lead_time_years"] for row in rows),
        orientation="h",
        marker={"color": hues},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": _dates(row["ready_high"] - row["ready"] for row in rows),
            "arrayminus": _dates(row["ready"] - row["ready_low"] for row in rows),
            "color": INK,
        },
        customdata=[[date_words(row[key]) for key in ("ready", "ready_low", "ready_high")] for row in rows],
        hovertemplate="%{y}: there from %{customdata[0]} (80 %: %{customdata[1]} to %{customdata[2]})"
        "<extra></extra>",
    )
    figure.add_vline(x=float(answer["year"]), line={"color": INK, "dash": "dot"})
    return finish(figure, title="When the plants are there", height=_PANEL + _ROW * len(rows), x="year")


def near(answer: Answer, hours: Hours) -> Any:
    """Least and most of each plant among plans that cost almost the same, the cheapest as a dot."""
    import plotly.graph_objects as go

    names = {row["id"]: safe(row["name"]) for row in answer["plants"]}
    rows = list(reversed(answer["near"]["plants"]))
    ids = [row["plant"] for row in rows]
    hues = [colour(name, number) for number, name in enumerate(ids)]
    figure: Any = go.Figure()
    figure.add_bar(
        y=[names[name] for name in ids],
        x=short(row["most_MW"] - row["least_MW"] for row in rows),
        base=short(row["least_MW"] for row in rows),
        orientation="h", marker={"color": hues}, showlegend=False,
        customdata=[[row["least_MW"], row["most_MW"]] for row in rows],
        hovertemplate="%{y}: %{customdata[0]:,.4~g} to %{customdata[1]:,.4~g} MW<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        y=[names[name] for name in ids], x=short(row["capacity_MW"] for row in rows),
        mode="markers", marker={"color": INK, "size": 10}, name="cheapest",
        hovertemplate="%{y}: %{x:,.4~g} MW in the cheapest<extra></extra>",
    )  # fmt: skip
    share = with_unit(100.0 * answer["near"]["within"], "%")
    title = f"Capacities of plans within {share} of the cost"
    return finish(figure, title=title, height=_PANEL + _ROW * len(rows), x="capacity [MW]", legend=True)


def bill_lines(lines: Mapping[str, float]) -> Any:
    """$ a year by line of a bill, in the order of the tariff."""
    import plotly.graph_objects as go

    order = list(lines)[::-1]
    figure: Any = go.Figure()
    figure.add_bar(
        y=[safe(name) for name in order], x=short(lines[name] for name in order), orientation="h",
        marker={"color": colour("grid")}, hovertemplate="%{y}: $%{x:,.4~s} a year<extra></extra>",
    )  # fmt: skip
    return finish(figure, title="The bill of a year", height=_PANEL + _ROW * len(order), x="$ a year")


def _dates(values: Iterable[float]) -> list[float]:
    return [round(value, 3) for value in values]


FIGURES: dict[str, tuple[Callable[[Answer, Hours], Any], str]] = {
    "capacity": (
        capacity_stack,
        "Store capacity is discharge power; energy counts at the plants that charge the stores.",
    ),
    "heat": (
        dispatch_heat_map,
        "A column is a day with midnight at the bottom; darker means higher output. A charging store is "
        "grey.",
    ),
    "duration": (
        duration_curve,
        "Each curve is sorted by itself. The price is the marginal price of the hour.",
    ),
    "week": (bad_week, WEEK_CAPTION),
    "single_line": (
        lambda answer, hours: single_line(answer["capacity_chain"]),
        "Units needed + spare of each stage, and what all of them are rated for.",
    ),
    "months": (monthly_balance, "Generation above zero; charging and curtailment below."),
    "near": (near, "Bars: least to most of a plant, each by itself; dots: the cheapest plan."),
    "arrivals": (
        arrivals,
        "Bars begin with the order and end with power in the median; lines hold eight of ten cases; dotted: "
        "the year of the plan begins.",
    ),
}
"""Figure → (the function, its caption)."""
