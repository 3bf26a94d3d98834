"""Figures of the power: from the sources to arithmetic, weeks hour by hour, prices, capacities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import label, with_unit
from gigawatt.faces.figures.single_line import single_line
from gigawatt.faces.figures.style import (
    CUT,
    GRID,
    INK,
    NOT_SERVED,
    colour,
    empty,
    finish,
    safe,
    short,
    translucent,
)
from gigawatt.studies.run.figures_machine import waterfall
from gigawatt.studies.run.figures_tables import built, column, get_table, need_table, supply_columns
from gigawatt.studies.run.words_serving import is_serving
from gigawatt.studies.supply.weeks import hottest_and_coldest_week

__all__ = [
    "capacity",
    "carbon",
    "dispatch",
    "dispatch_week",
    "duration",
    "flexibility",
    "plant_names",
    "price",
    "sankey",
]

#: Below this share of all power a flow would be a hairline whose label hides others; it is left out.
_HAIRLINE = 2e-4
#: Below this share of the load a series is what the solver left, not a plant.
_DUST = 1e-3


def sankey(result: Result) -> Any:
    """Year means of power from each source through the building to what uses it."""
    import plotly.graph_objects as go

    frame = need_table(result, "flows")
    power, unit = column(frame, "power")
    links = list(zip(map(str, frame["source"]), map(str, frame["target"]), map(float, power), strict=True))
    targets = {t for _, t, _ in links}
    whole = sum(p for s, _, p in links if s not in targets)
    links = [link for link in links if link[2] > _HAIRLINE * whole]
    links = _without_relay(links, "electricity", "served")
    names = list(dict.fromkeys(n for s, t, _ in links for n in (s, t)))
    at = {name: i for i, name in enumerate(names)}
    through = {
        name: max(sum(p for _, t, p in links if t == name), sum(p for s, _, p in links if s == name))
        for name in names
    }
    hues = [_node_colour(name, i) for i, name in enumerate(names)]
    ends = {name for name in names if not any(s == name for s, _, _ in links)}
    figure = go.Figure(
        go.Sankey(
            arrangement="snap",
            node={
                "label": [f"{safe(n.replace('_', ' '))} · {with_unit(through[n], unit)}" for n in names],
                "color": hues,
                "pad": 18,
                "thickness": 14,
                "line": {"width": 0},
                "hovertemplate": "%{label}<extra></extra>",
            },
            link={
                "source": [at[s] for s, _, _ in links],
                "target": [at[t] for _, t, _ in links],
                "value": [p for _, _, p in links],
                "color": [translucent(hues[at[t]] if t in ends else hues[at[s]], 0.38) for s, t, _ in links],
                "hovertemplate": "%{source.label} → %{target.label}: %{value:.3g} "
                + safe(unit)
                + "<extra></extra>",
            },
        )
    )
    finish(figure, title="Where the power comes from and what it does (year means)", height=460)
    figure.update_layout(margin={"l": 6, "r": 6, "t": 36, "b": 12})
    return figure


def _without_relay(
    links: list[tuple[str, str, float]], first: str, second: str
) -> list[tuple[str, str, float]]:
    """The links with two nodes merged where all that leaves one enters the other and nothing else does."""
    out = [link for link in links if link[0] == first]
    into = [link for link in links if link[1] == second]
    if len(out) != 1 or out != into:
        return links
    return [(first if s == second else s, t, p) for s, t, p in links if (s, t) != (first, second)]


def _node_colour(name: str, number: int) -> str:
    if name in ("electricity", "served", "computing"):
        return {"electricity": "#6e7681", "served": "#6e7681", "computing": "#0072b2"}[name]
    return colour(name, number)


def dispatch(result: Result, *, summer: bool) -> Any:
    """:func:`dispatch_week` of the hottest or the coldest seven days of the site's year."""
    hot, cold = hottest_and_coldest_week(need_table(result, "hourly"))
    word = "hottest" if summer else "coldest"
    return dispatch_week(result, hot if summer else cold, f"The {word} week, hour by hour")


def dispatch_week(result: Result, start: int, title: str) -> Any:
    """The seven days from the hour ``start`` of the table on, hour by hour.

    What each plant gives is stacked up to the load and to what storage takes in; storage's intake is
    drawn below zero; the marginal price has its own strip below.
    """
    import numpy as np
    from plotly.subplots import make_subplots

    frame = need_table(result, "hourly")
    week = frame.iloc[start : start + 168]
    times = np.datetime64("2001-01-01T00:00") + np.arange(start, start + len(week)).astype("timedelta64[h]")
    stamps = [str(t) for t in times]
    figure: Any = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.78, 0.22], vertical_spacing=0.06
    )

    _stack_week(figure, week, stamps, plant_names(result))
    figure.add_scatter(
        x=stamps,
        y=short(column(week, "load")[0]),
        name="load",
        mode="lines",
        line={"color": INK, "width": 2, "shape": "hv"},
        hovertemplate="load %{y:,.4~g} MW<extra></extra>",
        row=1,
        col=1,
    )
    prices = _maybe(week, "price")
    if prices is not None:
        figure.add_scatter(
            x=stamps,
            y=short(prices),
            name="price",
            mode="lines",
            showlegend=False,
            line={"color": INK, "width": 1.2, "shape": "hv"},
            hovertemplate="$%{y:,.4~g}/MWh<extra></extra>",
            row=2,
            col=1,
        )
    finish(figure, title=title, height=440, legend=True)
    figure.update_layout(hovermode="x unified", margin={"t": 88})
    figure.update_xaxes(tickformat="%-d %b", dtick=86400000, hoverformat="%-d %b %H:00", showgrid=True)
    figure.update_yaxes(
        title={"text": "power [MW]", "standoff": 8}, row=1, col=1, zeroline=True, zerolinecolor=INK
    )
    figure.update_yaxes(
        title={"text": "price<br>[$/MWh]", "standoff": 8}, row=2, col=1, nticks=4, rangemode="tozero"
    )
    if prices is not None:
        _clip_scarcity(figure, short(prices), "y2")
    return figure


def _stack_week(figure: Any, week: Any, stamps: Sequence[str], names: Mapping[str, str]) -> None:
    """Areas of what plants give, steady ones at the bottom, and of what stores take below zero.

    Load that is cut or not served closes the stack; what stays below :data:`_DUST` of the load is left out.
    """

    def area(name: str, values: Any, hue: str, group: str, *, legend: bool, words: str) -> None:
        figure.add_scatter(
            x=stamps,
            y=short(values),
            name=safe(name),
            stackgroup=group,
            mode="lines",
            showlegend=legend,
            line={"width": 0.4, "color": hue, "shape": "hv"},
            fillcolor=translucent(hue, 0.82),
            legendgroup=name,
            hovertemplate=f"{safe(words)} %{{y:,.4~g}} MW<extra></extra>",
            row=1,
            col=1,
        )

    plants, charge, _ = supply_columns(week)
    least = _DUST * float(column(week, "load")[0].max())
    order = sorted(plants, key=lambda name: float(week[plants[name]].std() or 0.0))
    for number, name in enumerate(order):
        values = week[plants[name]]
        if float(values.abs().max()) > least:
            said = names.get(name, label(name))
            area(said, values, colour(name, number), "given", legend=True, words=said)
    for number, (name, where) in enumerate(charge.items()):
        taken = week[where].abs()
        if float(taken.max()) > least:
            said = names.get(name, label(name))
            area(said, -taken, colour(name, number), "taken", legend=False, words=f"{said} charges")
    for name, hue, words in (("not served", NOT_SERVED, "not served"), ("cut", CUT, "load cut")):
        values = _maybe(week, name)
        if values is not None and float(values.max()) > least:
            area(name, values, hue, "given", legend=True, words=words)


def _maybe(frame: Any, name: str) -> Any:
    try:
        return column(frame, name)[0]
    except InputError:
        return None


def plant_names(result: Result) -> dict[str, str]:
    """Plant ids → names, from the table of plants where it has them."""
    frame = get_table(result, "plants")
    if frame is None or "name" not in frame.columns:
        return {}
    return {str(i): str(n) for i, n in frame["name"].items()}


def _sorted(values: Any, points: int = 300) -> tuple[list[float], list[float]]:
    """(share of the year in percent, values from high to low) at ``points`` quantiles."""
    import numpy as np

    share = np.linspace(0.0, 1.0, points)
    ordered = np.quantile(np.asarray(values, dtype=float), 1.0 - share)
    return short(100 * share), short(ordered)


def duration(result: Result) -> Any:
    """Each source's power sorted from its highest to its lowest hour."""
    import plotly.graph_objects as go

    frame: Any = need_table(result, "hourly")
    plants, _, _ = supply_columns(frame)
    names = plant_names(result)
    figure = go.Figure()
    least = _DUST * float(column(frame, "load")[0].max())
    for number, (name, where) in enumerate([("load", "load"), *plants.items()]):
        values = column(frame, where)[0] if name == "load" else frame[where]
        if float(values.abs().max()) <= least:
            continue
        x, y = _sorted(values)
        hue = INK if name == "load" else colour(name, number)
        said = safe(names.get(name, label(name)))
        figure.add_scatter(
            x=x,
            y=y,
            name=said,
            mode="lines",
            line={"color": hue, "width": 2},
            hovertemplate=said + " %{y:,.4~g} MW or more in %{x:.3g} % of the year<extra></extra>",
        )
    return finish(
        figure,
        title="Power sorted from the highest hour to the lowest",
        height=340,
        x="share of the year [%]",
        y="power [MW]",
        legend=True,
    )


def price(result: Result) -> Any:
    """Marginal price of electricity sorted from the dearest hour to the cheapest."""
    import plotly.graph_objects as go

    x, y = _sorted(column(need_table(result, "hourly"), "price")[0])
    figure = go.Figure()
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": colour("arithmetic"), "width": 2},
        hovertemplate="$%{y:,.4~g}/MWh or more in %{x:.3g} % of the year<extra></extra>",
    )
    finish(
        figure,
        title="Marginal price, sorted from the highest to the lowest",
        height=280,
        x="share of the year [%]",
        y="price [$/MWh]",
    )
    _clip_scarcity(figure, y, "y")
    return figure


def _clip_scarcity(figure: Any, prices: list[float], axis: str) -> None:
    """Cut the axis where a few hours of scarcity would flatten all others, and say how dear they are."""
    usual = sorted(prices)[int(0.97 * len(prices))]
    if max(prices) <= 4 * max(usual, 1.0):
        return
    figure.layout["yaxis" + axis[1:]].range = [min(0.0, *prices), 1.4 * max(usual, 1.0)]
    figure.add_annotation(
        x=0,
        y=1,
        xref="paper",
        yref=f"{axis} domain",
        xanchor="left",
        yanchor="bottom" if axis == "y2" else "top",
        showarrow=False,
        xshift=8,
        font={"size": 11},
        text=f"highest price: {with_unit(max(prices), '$/MWh')}",
    )


def flexibility(result: Result) -> Any:
    """What it costs to give up a further part of the load, and how much of it is cut in how many hours."""
    from plotly.subplots import make_subplots

    frame = need_table(result, "flexibility")
    hourly = get_table(result, "hourly")
    cut: Any = None if hourly is None else _maybe(hourly, "cut")
    cuts = cut is not None and float(cut.max()) > 0.0
    figure = make_subplots(rows=1, cols=1 + cuts)
    x, y = [0.0], [float(frame["cost [$/MWh]"].iloc[0])]
    for share, cost in zip(frame["share [percent]"], frame["cost [$/MWh]"], strict=True):
        x += [x[-1], x[-1] + float(share)]
        y += [float(cost)] * 2
    figure.add_scatter(
        x=short(x), y=short(y), mode="lines", line={"color": colour("arithmetic"), "width": 2},
        hovertemplate="up to %{x:.3g} % of the load at $%{y:,.4~g}/MWh<extra></extra>", row=1, col=1,
    )  # fmt: skip
    if cuts and cut is not None:
        ordered = cut.sort_values(ascending=False)
        hours = max(int((ordered > _DUST * float(ordered.max())).sum()), 1)
        figure.add_scatter(
            x=list(range(1, hours + 1)), y=short(ordered.iloc[:hours]), mode="lines",
            line={"color": CUT, "width": 2, "shape": "hv"},
            hovertemplate="%{y:,.4~g} MW or more in %{x:,} h<extra></extra>", row=1, col=2,
        )  # fmt: skip
        figure.update_xaxes(title_text="hours of the year [h]", row=1, col=2)
        figure.update_yaxes(title_text="cut [MW]", rangemode="tozero", row=1, col=2)
    return finish(
        figure,
        title=f"What the {'service' if is_serving(result) else 'runs'} can give up, and what it costs",
        height=300,
        x="share of the load [%]",
        y="cost [$/MWh]",
    )


def capacity_chain(result: Result) -> Any:
    """The single line of the campus, from its plants to its racks."""
    return single_line(need_table(result, "capacity_chain").reset_index().to_dict("records"))


def capacity(result: Result) -> Any:
    """Capacity and yearly energy of each plant that is built."""
    from plotly.subplots import make_subplots

    frame = need_table(result, "plants")
    size, size_unit = column(frame, "capacity")
    made, made_unit = column(frame, "energy")
    names = plant_names(result)
    keep = built(frame)
    if not keep:
        return empty("Plants", "no plant is built")
    ids = [str(frame.index[i]) for i in keep]
    rows = [safe(names.get(n, label(n))) for n in ids]
    figure: Any = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.05,
        subplot_titles=(f"capacity [{size_unit}]", f"energy [{made_unit}]"),
    )
    for place, (values, unit) in enumerate(((size, size_unit), (made, made_unit)), 1):
        kept = [float(values.iloc[i]) for i in keep]
        figure.add_bar(
            y=rows,
            x=kept,
            orientation="h",
            marker={"color": [colour(n, i) for i, n in enumerate(ids)]},
            text=[with_unit(v, unit) for v in kept],
            textposition="outside",
            textangle=0,
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
            row=1,
            col=place,
        )
        figure.update_xaxes(range=[min(0.0, *kept), 1.5 * max(*kept, 1e-9)], row=1, col=place)
    finish(figure, title="Plants", height=125 + 38 * len(keep))
    figure.update_layout(margin={"t": 66})
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_annotations(font={"size": 13, "color": None})
    figure.update_xaxes(nticks=4, gridcolor=GRID)
    return figure


def carbon(result: Result) -> Any:
    """Carbon of a year of operation by plant, as bars that add up; plants without any are left out."""
    frame = need_table(result, "plants")
    values, unit = column(frame, "carbon")
    kept = [(str(n), float(v)) for n, v in values.items() if float(v) > 0.0]
    least = _DUST * sum(v for _, v in kept)
    kept = [(n, v) for n, v in kept if v > least]
    title = "Carbon of a year of operation"
    if not kept:
        return empty(title, "no plant emits any")
    figure = waterfall([n for n, _ in kept], [v for _, v in kept], unit, "whole year", plant_names(result))
    return finish(figure, title=title, height=80 + 36 * (len(kept) + 1), x=f"carbon of a year [{unit}]")
