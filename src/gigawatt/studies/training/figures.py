"""Figures of a planned training run.

Each takes the document that ``gigawatt plan-training --json`` prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gigawatt.faces.figures.readable import large, significant, with_unit
from gigawatt.faces.figures.style import INK, colour, empty, finish, safe
from gigawatt.studies.run.figures_machine import lost_time, waterfall

__all__ = [
    "FIGURES",
    "goodput_parts",
    "memory_parts",
    "pareto",
    "pipeline_timeline",
    "power_caps",
    "relief",
    "site_lines",
    "step_parts",
    "tried",
]

_SMALL = 1e-4
"""A relief below this share of the run's time is drawn as nothing."""
_HEIGHT, _ROW = 80, 38
_TIMES = 1.3
"""Caps that make a run longer than this are drawn beyond the frame."""
_NEVER = 100.0
"""A run that takes this many times as long is not done."""
_TITLE = 30
"""Height of a figure's own title, which a page has as a heading instead."""
_NEXT_DOOR = 1.0
"""Kilometres at which sites beside each other stand on a logarithmic axis."""


def step_parts(answer: Mapping[str, Any]) -> Any:
    """What the time of a step of the best layout goes to, as bars that add up."""
    parts = answer["parts_s"]
    figure = waterfall(list(parts), [float(v) for v in parts.values()], "s", "whole step")
    return finish(
        figure,
        title="What the time of a step goes to",
        height=_HEIGHT + _ROW * (len(parts) + 1),
        x="time [s]",
    )


def memory_parts(answer: Mapping[str, Any]) -> Any:
    """Memory of one accelerator in the best layout, part by part, against what it has."""
    parts = {name: float(v) for name, v in answer["best"][0]["memory_parts_GB"].items() if v > 0}
    limit = float(answer["memory_limit_GB"])
    figure = waterfall(list(parts), list(parts.values()), "GB", "in use", extent=limit)
    finish(
        figure,
        title="Memory of one accelerator",
        height=_HEIGHT + 10 + _ROW * (len(parts) + 1),
        x="memory [GB]",
    )
    figure.add_vline(x=limit, line={"color": INK, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=limit, y=1, yref="paper", yanchor="bottom", xanchor="right", showarrow=False,
        text=f"has {with_unit(limit, 'GB')}",
    )  # fmt: skip
    return figure


def relief(answer: Mapping[str, Any]) -> Any:
    """What more of each resource saves of the run's time: with the layout held, and after a new search."""
    import plotly.graph_objects as go

    rows: Sequence[Mapping[str, Any]] = answer.get("relief") or ()
    if not rows:
        return empty("What would relieve it", "not asked for: --relief")
    factor = max(float(row["factor"]) for row in rows)
    names = [safe(f"{row['words']} {'×' if row['factor'] > 1 else '÷'} {factor:g}", 48) for row in rows]
    held, moved = ([100 * float(row[key]) for row in rows] for key in ("gain_same_layout", "gain"))
    figure = go.Figure(
        [
            go.Bar(
                y=names,
                x=moved,
                orientation="h",
                name="after a new search",
                marker={"color": [colour(str(row["words"]), i) for i, row in enumerate(rows)]},
                text=[f"{v:.1f} %" if v > 100 * _SMALL else "nothing" for v in moved],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{y}: %{x:.2f} % of the run's time<extra></extra>",
            ),
            go.Bar(
                y=names,
                x=held,
                orientation="h",
                name="with the layout held",
                marker={"color": "#a9afb7"},
                hovertemplate="%{y}, layout held: %{x:.2f} %<extra></extra>",
            ),
        ]
    )
    finish(
        figure,
        title="What more of each resource saves",
        height=_HEIGHT + _ROW * len(rows) + 30,
        x="time of the run saved [%]",
        legend=True,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[min(0.0, *held, *moved) * 1.2, 1.18 * max(*held, *moved, 0.1)])
    return figure


def pareto(answer: Mapping[str, Any]) -> Any:
    """Days against accelerators of the best compromises; the colour is the cost, the size the energy."""
    import plotly.graph_objects as go

    rows: Sequence[Mapping[str, Any]] = answer.get("pareto") or ()
    if not rows:
        return empty("Best compromises", "not asked for: --pareto")
    counts, days = [int(row["count"]) for row in rows], [float(row["days"]) for row in rows]
    cost, energy = (
        [float(row["cost_USD"]) / 1e6 for row in rows],
        [float(row["energy_MWh"]) for row in rows],
    )
    most = max(energy)
    figure = go.Figure(
        go.Scatter(
            x=counts,
            y=days,
            mode="markers+lines",
            line={"color": "rgba(128,134,142,0.4)", "width": 1},
            marker={
                "size": [9 + 15 * e / most for e in energy],
                "color": cost,
                "colorscale": "Viridis",
                "colorbar": {"title": {"text": "cost [M$]"}},
                "line": {"width": 0},
            },
            customdata=[
                [with_unit(c * 1e6, "$"), with_unit(e, "MWh"), f"{100 * float(row['mfu']):.1f} %"]
                for c, e, row in zip(cost, energy, rows, strict=True)
            ],
            hovertemplate="%{x:,} accelerators: %{y:.3g} days, %{customdata[0]}, %{customdata[1]}, "
            "MFU %{customdata[2]}<extra></extra>",
        )
    )
    finish(figure, title="Best compromises", height=420, x="accelerators", y="days")
    ticks = sorted(set(counts))
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{n:,}" for n in ticks])
    figure.update_yaxes(type="log")
    return figure


def tried(answer: Mapping[str, Any]) -> Any:
    """Days of everything that an inverse question searched, against the deadline."""
    import plotly.graph_objects as go

    inverse = answer.get("inverse")
    if not inverse:
        return empty("What was searched", "no inverse question: --deadline without --count")
    rows = [row for row in inverse["searched"] if row["days"] is not None]
    models = inverse["kind"] == "largest_model"
    key, words = ("parameters", "parameters") if models else ("count", "accelerators")
    figure = go.Figure(
        go.Scatter(
            x=[row[key] for row in rows],
            y=[row["days"] for row in rows],
            mode="markers",
            marker={"size": 9, "color": colour("arithmetic")},
            customdata=[large(float(row[key])) for row in rows],
            hovertemplate=f"%{{customdata}} {words}: %{{y:.3g}} days<extra></extra>",
        )
    )
    deadline = float(inverse["deadline_days"])
    figure.add_hline(y=deadline, line={"color": INK, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=1, xref="paper", xanchor="right", y=deadline, yanchor="bottom", showarrow=False,
        text=f"{significant(deadline)} days",
    )  # fmt: skip
    return finish(figure, title="What was searched", height=360, x=words, y="days")


def goodput_parts(answer: Mapping[str, Any]) -> Any:
    """Where the time on the clock goes that makes no progress."""
    return lost_time(answer["goodput_parts"], answer["days"])


def power_caps(answer: Mapping[str, Any]) -> Any:
    """Days, energy and cost of the best layout under power caps, over those without a cap."""
    import plotly.graph_objects as go

    found = answer.get("cap_sweep")
    if not found:
        return empty("Power caps", "not asked for: --cap-sweep")
    rows = found["rows"]
    caps = [row["power_cap_W"] for row in rows]
    figure = go.Figure()
    for key, name, hue, unit in (
        ("days", "time", "arithmetic", "days"),
        ("energy_per_token_J", "energy", "evaluation", "J a token"),
        ("cost_USD", "cost", "restart", "$"),
    ):
        values = [row[key] for row in rows]
        figure.add_scatter(
            x=caps,
            y=[value / values[0] for value in values],
            name=name,
            mode="lines+markers",
            line={"color": colour(hue), "width": 2},
            customdata=[[significant(value), f"{100 * row['clock']:.0f} %"]
                        for value, row in zip(values, rows, strict=True)],
            hovertemplate=f"{name} at %{{x:.0f}} W: × %{{y:.3f}}, %{{customdata[0]}} {unit}, "
            "clock %{customdata[1]}<extra></extra>",
        )  # fmt: skip
    finish(figure, title="Power caps", height=380, x="power cap of an accelerator [W]",
           y="over that without a cap", legend=True)  # fmt: skip
    shown = [row["power_cap_W"] for row in rows if row["days"] <= _TIMES * rows[0]["days"]]
    if len(shown) < len(rows):  # what takes far longer hides what matters
        figure.update_yaxes(range=[0.95, _TIMES])
        figure.update_xaxes(range=[0.98 * min(shown), 1.02 * max(caps)])
    return figure


def site_lines(answer: Mapping[str, Any]) -> Any:
    """Lines that every way of keeping sites in step needs, by distance; the cross is what is there."""
    import plotly.graph_objects as go

    found = answer.get("sites")
    if not found:
        return empty("Several sites", "not asked for: --sites")
    region = found["still_works"]
    distances = [max(d, _NEXT_DOOR) for d in region["distances_km"]]
    figure = go.Figure()
    for i, (name, needed) in enumerate(region["needed_Gbit_per_s"].items()):
        figure.add_scatter(
            x=distances,
            y=needed,
            name=name,
            mode="lines",
            line={"color": colour("", i), "width": 2},
            hovertemplate=f"{name}, %{{x:,.0f}} km: %{{y:,.3g}} Gbit/s<extra></extra>",
        )
    figure.add_scatter(
        x=[max(found["distance_km"], _NEXT_DOOR)],
        y=[found["wan_Gbit_per_s"]],
        name="as asked",
        mode="markers",
        marker={"symbol": "x", "size": 11, "color": INK},
        hovertemplate="%{x:,.0f} km, %{y:,.3g} Gbit/s<extra></extra>",
    )
    finish(figure, title="Lines that several sites need", height=420, x="distance between sites [km]",
           y="lines of one site, each way [Gbit/s]", legend=True)  # fmt: skip
    figure.update_xaxes(type="log", dtick=1)
    figure.update_yaxes(type="log", dtick=1)
    return figure


_PASSES = {
    "forward": "#0072b2",
    "backward": "#e69f00",
    "input_gradient": "#e69f00",
    "weight_gradient": "#009e73",
}


def pipeline_timeline(answer: Mapping[str, Any]) -> Any:
    """When each device of one pipeline runs which pass, for the first microbatches of a step."""
    import plotly.graph_objects as go

    rows = answer.get("timeline")
    if not rows:
        return empty("The pipeline", "no timeline: one stage, or no folder asked for")
    devices = max(rows["device"]) + 1
    figure = go.Figure()
    for name, hue in _PASSES.items():
        mine = [i for i, one in enumerate(rows["pass"]) if one == name]
        if not mine:
            continue
        start, end = ([1e3 * rows[key][i] for i in mine] for key in ("start_s", "end_s"))
        figure.add_bar(
            y=[rows["device"][i] for i in mine],
            x=[b - a for a, b in zip(start, end, strict=True)],
            base=start,
            orientation="h",
            name=name.replace("_", " "),
            marker={"color": hue, "line": {"color": "#ffffff", "width": 0.5}},
            customdata=[[rows["microbatch"][i] + 1, rows["chunk"][i] + 1] for i in mine],
            hovertemplate=f"{name.replace('_', ' ')} of microbatch %{{customdata[0]}}, chunk "
            "%{customdata[1]}: %{x:.3g} ms<extra></extra>",
        )
    finish(
        figure,
        title="The pipeline",
        height=_HEIGHT + 40 + max(18 * devices, 80),
        x="time [ms]",
        y="stage",
        legend=True,
    )
    figure.update_layout(barmode="overlay", bargap=0.1)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


FIGURES: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Any], str]] = {
    "step_parts": (
        "parts_s",
        step_parts,
        "What the time of a step goes to; each bar starts where the one above ends.",
    ),
    "memory_parts": (
        "best",
        memory_parts,
        "Memory of one accelerator in the best layout; the dashed line is what it has.",
    ),
    "goodput_parts": (
        "goodput_parts",
        goodput_parts,
        "Where time on the clock is lost; each bar starts where the one above ends.",
    ),
    "timeline": (
        "timeline",
        pipeline_timeline,
        "Passes of the first microbatches on every stage of one pipeline, by the exact schedule.",
    ),
    "caps": (
        "cap_sweep",
        power_caps,
        "The best layout under power caps of an accelerator, over the same without a cap.",
    ),
    "sites": (
        "sites",
        site_lines,
        "Lines with which a step is at most 5 % longer: a way of keeping in step works above and left of its "
        "curve. The cross is what was asked for.",
    ),
    "relief": ("relief", relief, "What more of each resource would save of the run's time."),
    "pareto": (
        "pareto",
        pareto,
        "Numbers of accelerators and layouts that none beats in time, accelerators, energy and cost: colour "
        "is cost, size is energy.",
    ),
    "tried": ("inverse", tried, "What was searched; the dashed line is the deadline."),
}
"""Figure → (what must stand in the answer, the function, its caption)."""
