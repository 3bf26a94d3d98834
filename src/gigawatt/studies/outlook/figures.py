"""Figures of the outlook: bands by year, what binds, what relief gives, a tornado."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gigawatt.faces.figures.style import finish, safe, translucent

__all__ = ["FIGURES", "SHOWN", "bands", "binding", "relief", "tornado"]

_HUES = {
    "power": "#d55e00",
    "chips": "#0072b2",
    "capital": "#e69f00",
    "interconnect": "#cc79a7",
    "data": "#009e73",
    "demand": "#8c929a",
    "latency": "#cc79a7",
    "factories": "#0072b2",
    "money": "#e69f00",
}
_DECADES = 1e3  # beyond it powers of ten are marked, below it 1, 2 and 5


def bands(answer: Mapping[str, Any], name: str, hue: str = "#0072b2") -> Any:
    """Median and the 50 and 90 % intervals of an output by year, on a logarithmic axis."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    row = answer["bands"][name]
    column = {q: [values[i] for values in row["values"]] for i, q in enumerate(answer["quantiles"])}
    years = answer["years"]
    for low, high, alpha, words in ((0.05, 0.95, 0.18, "5 to 95 %"), (0.25, 0.75, 0.35, "25 to 75 %")):
        figure.add_scatter(
            x=[*years, *reversed(years)],
            y=[*column[high], *reversed(column[low])],
            fill="toself",
            fillcolor=translucent(hue, alpha),
            line={"width": 0},
            name=words,
            hoverinfo="skip",
        )
    unit = "" if row["unit"] == "1" else row["unit"]
    figure.add_scatter(
        x=years,
        y=column[0.5],
        mode="lines",
        line={"color": hue, "width": 2.5},
        name="median",
        hovertemplate=f"%{{x}}: %{{y:.3g}} {safe(unit)}<extra></extra>",
    )
    if name == "feasible":
        trend = [
            values[answer["quantiles"].index(0.5)] for values in answer["bands"]["desired_run"]["values"]
        ]
        top = 10.0 * max(column[0.95])
        shown = [(x, y) for x, y in zip(years, trend, strict=True) if y <= top]
        figure.add_scatter(
            x=[x for x, _ in shown],
            y=[y for _, y in shown],
            mode="lines",
            name="on trend, median",
            line={"color": hue, "width": 1.5, "dash": "dot"},
            hovertemplate="%{x}: %{y:.3g}<extra></extra>",
        )
    wide = max(column[0.95]) > _DECADES * min(column[0.05])
    figure.update_yaxes(type="log", exponentformat="power" if wide else "none", dtick=1 if wide else "D2")
    words = f"{row['words']}{f' [{unit}]' if unit else ''}"
    return finish(
        figure,
        title=safe(row["words"][:1].upper() + row["words"][1:], 90),
        height=380,
        y=safe(words, 60),
        legend=True,
    )


def binding(answer: Mapping[str, Any], key: str = "binding_actual") -> Any:
    """Stacked shares of draws by what binds in a year."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    for name, shares in answer[key].items():
        figure.add_bar(
            x=answer["years"],
            y=[100.0 * share for share in shares],
            name=safe(name),
            marker={"color": _HUES.get(name, "#6a51a3"), "line": {"width": 0}},
            hovertemplate=f"{safe(name)}: %{{y:.0f}} %, %{{x}}<extra></extra>",
        )
    figure.update_layout(barmode="stack")
    figure.update_yaxes(range=[0, 100])
    titles = {
        "binding_actual": "What binds the largest run (demand: the trend is below what is feasible)",
        "binding_flat": "What would bind without the utilisation cliff",
        "held_back": "What holds back the world's additions of machines",
    }
    return finish(figure, title=titles.get(key, key), height=360, y="share of draws [%]", legend=True)


def relief(answer: Mapping[str, Any]) -> Any:
    """Factor on the feasible run if one limit alone were lifted: median, with 10 to 90 %."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    for name, rows in answer["relief"].items():
        hue = _HUES.get(name, "#6a51a3")
        figure.add_scatter(
            x=answer["years"],
            y=[row[1] for row in rows],
            mode="lines",
            name=safe(name),
            line={"color": hue, "width": 2},
            customdata=[[row[0], row[2]] for row in rows],
            hovertemplate=f"{safe(name)}, %{{x}}: ×%{{y:.3g}} "
            "(%{customdata[0]:.3g} to %{customdata[1]:.3g})"
            "<extra></extra>",
        )
    figure.update_yaxes(type="log", dtick=1)
    return finish(figure, title="What relief gives", height=340, y="factor on the feasible run", legend=True)


def tornado(name: str, rows: list[Mapping[str, Any]], unit: str, most: int = 12) -> Any:
    """The answer with each quantity at its 10 and 90 % quantile, others at their median, widest on top."""
    import plotly.graph_objects as go

    figure: Any = go.Figure()
    shown = list(reversed(rows[:most]))
    labels = [safe(row["quantity"].replace("_", " "), 40) for row in shown]
    middle = float(shown[-1]["middle"]) if shown else 0.0
    for key, hue, words in (("low", "#56b4e9", "at its 10 %"), ("high", "#d55e00", "at its 90 %")):
        figure.add_bar(
            y=labels,
            x=[row[key] - middle for row in shown],
            base=middle,
            orientation="h",
            name=words,
            marker={"color": hue, "line": {"width": 0}},
            customdata=[row[key] for row in shown],
            hovertemplate="%{y}: %{customdata:.4g}<extra></extra>",
        )
    figure.update_layout(barmode="overlay")
    title = f"{name.replace('_', ' ')}: one quantity at a time"
    return finish(figure, title=safe(title, 80), height=90 + 26 * len(shown), x=safe(unit), legend=True)


FIGURES: Mapping[str, tuple[Callable[[Mapping[str, Any]], Any], str]] = {
    "feasible": (
        partial(bands, name="feasible"),
        "The largest training run that is feasible, and the one on trend (dotted).",
    ),
    "binding": (binding, "Share of draws, each with one limit that binds."),
    "binding_flat": (
        partial(binding, key="binding_flat"),
        "The least of power, chips, capital, latency and data at the utilisation of small runs: what most "
        "published estimates compare.",
    ),
    "relief": (relief, "The run without one limit over the run with all of them."),
    "electricity": (partial(bands, name="electricity"), "Electricity of the world's data centres."),
    "stock": (partial(bands, name="stock"), "AI machines of the world, in H100 equivalents."),
    "ai_nameplate": (
        partial(bands, name="ai_nameplate"),
        "Power that AI machines of the world could draw.",
    ),
    "leading_power": (partial(bands, name="leading_power"), "Power of the largest run."),
    "capital": (
        partial(bands, name="capital"),
        "Spending on AI machines and their buildings, dollars of 2024.",
    ),
    "held_back": (
        partial(binding, key="held_back"),
        "Additions are the least of what factories, money and power allow.",
    ),
}
"""Figure → (the function of the outlook's JSON, its caption)."""

SHOWN = tuple(
    (name, FIGURES[name][1])
    for name in ("feasible", "electricity", "stock", "ai_nameplate", "leading_power", "capital")
)
"""Outputs whose bands are drawn in the report, with their captions."""
