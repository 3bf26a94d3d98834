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
"""A relief below this share of the run's time is drawn as zero."""
_HEIGHT, _ROW = 80, 38
_TIMES = 1.3
"""Caps that make a run longer than this are drawn beyond the frame."""
_NEVER = 100.0
"""A run that takes this many times as long counts as infeasible."""
_TITLE = 30
"""Height of a figure's own title, which a page has as a heading instead."""
_NEXT_DOOR = 1.0
"""Kilometres at which sites beside each other stand on a logarithmic axis."""


def step_parts(answer: Mapping[str, Any]) -> Any:
    """Step time of the best layout by component, as bars that add up."""
    parts = answer["parts_s"]
    figure = waterfall(list(parts), [float(v) for v in parts.values()], "s", "total")
    return finish(
        figure,
        title="Step time by component",
        height=_HEIGHT + _ROW * (len(parts) + 1),
        x="time [s]",
    )


def memory_parts(answer: Mapping[str, Any]) -> Any:
    """Memory of one accelerator in the best layout by part, against its capacity."""
    parts = {name: float(v) for name, v in answer["best"][0]["memory_parts_GB"].items() if v > 0}
    limit = float(answer["memory_limit_GB"])
    figure = waterfall(list(parts), list(parts.values()), "GB", "used", extent=limit)
    finish(
        figure,
        title="Memory of one accelerator",
        height=_HEIGHT + 10 + _ROW * (len(parts) + 1),
        x="memory [GB]",
    )
    figure.add_vline(x=limit, line={"color": INK, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=limit, y=1, yref="paper", yanchor="bottom", xanchor="right", showarrow=False,
        text=f"capacity {with_unit(limit, 'GB')}",
    )  # fmt: skip
    return figure


def relief(answer: Mapping[str, Any]) -> Any:
    """Relief by more of each resource, with the layout fixed and after a new search."""
    import plotly.graph_objects as go

    rows: Sequence[Mapping[str, Any]] = answer.get("relief") or ()
    if not rows:
        return empty("Relief by more of each resource", "not computed: --relief")
    factor = max(float(row["factor"]) for row in rows)
    names = [safe(f"{row['words']} {'×' if row['factor'] > 1 else '÷'} {factor:g}", 48) for row in rows]
    fixed_layout, new_search = (
        [100 * float(row[key]) for row in rows] for key in ("gain_same_layout", "gain")
    )
    figure = go.Figure(
        [
            go.Bar(
                y=names,
                x=new_search,
                orientation="h",
                name="after a new search",
                marker={"color": [colour(str(row["words"]), i) for i, row in enumerate(rows)]},
                text=[f"{v:.1f} %" if v > 100 * _SMALL else "nothing" for v in new_search],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{y}: %{x:.2f} % of the run's time<extra></extra>",
            ),
            go.Bar(
                y=names,
                x=fixed_layout,
                orientation="h",
                name="with the layout fixed",
                marker={"color": "#a9afb7"},
                hovertemplate="%{y}, layout fixed: %{x:.2f} %<extra></extra>",
            ),
        ]
    )
    finish(
        figure,
        title="Relief by more of each resource",
        height=_HEIGHT + _ROW * len(rows) + 30,
        x="time of the run saved [%]",
        legend=True,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(
        range=[min(0.0, *fixed_layout, *new_search) * 1.2, 1.18 * max(*fixed_layout, *new_search, 0.1)]
    )
    return figure


def pareto(answer: Mapping[str, Any]) -> Any:
    """Days against accelerators of the Pareto front; the colour is the cost, the size the energy."""
    import plotly.graph_objects as go

    rows: Sequence[Mapping[str, Any]] = answer.get("pareto") or ()
    if not rows:
        return empty("Pareto front", "not computed: --pareto")
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
    finish(figure, title="Pareto front", height=420, x="accelerators", y="days")
    ticks = sorted(set(counts))
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{n:,}" for n in ticks])
    figure.update_yaxes(type="log")
    return figure


def tried(answer: Mapping[str, Any]) -> Any:
    """Days of every case that an inverse problem searched, against the deadline."""
    import plotly.graph_objects as go

    inverse = answer.get("inverse")
    if not inverse:
        return empty("Searched cases", "not an inverse problem: --deadline without --count")
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
    return finish(figure, title="Searched cases", height=360, x=words, y="days")


def goodput_parts(answer: Mapping[str, Any]) -> Any:
    """Wall-clock time lost, by cause."""
    return lost_time(answer["goodput_parts"], answer["days"], answer["overhead"])


def power_caps(answer: Mapping[str, Any]) -> Any:
    """Days, energy and cost of the best layout under power caps, over those without a cap."""
    import plotly.graph_objects as go

    sweep = answer.get("cap_sweep")
    if not sweep:
        return empty("Power caps", "not computed: --cap-sweep")
    rows = sweep["rows"]
    caps = [row["power_cap_W"] for row in rows]
    figure = go.Figure()
    for key, name, hue, unit in (
        ("days", "time", "arithmetic", "days"),
        ("energy_per_token_J", "energy", "evaluation", "J/token"),
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
    finish(figure, title="Power caps", height=380, x="power cap per accelerator [W]",
           y="relative to no cap", legend=True)  # fmt: skip
    shown = [row["power_cap_W"] for row in rows if row["days"] <= _TIMES * rows[0]["days"]]
    if len(shown) < len(rows):  # what takes far longer hides what matters
        figure.update_yaxes(range=[0.95, _TIMES])
        figure.update_xaxes(range=[0.98 * min(shown), 1.02 * max(caps)])
    return figure


def site_lines(answer: Mapping[str, Any]) -> Any:
    """Bandwidth that every synchronisation method needs, by distance; the cross is this scenario."""
    import plotly.graph_objects as go

    found = answer.get("sites")
    if not found:
        return empty("Several sites", "not computed: --sites")
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
        name="this scenario",
        mode="markers",
        marker={"symbol": "x", "size": 11, "color": INK},
        hovertemplate="%{x:,.0f} km, %{y:,.3g} Gbit/s<extra></extra>",
    )
    finish(figure, title="Bandwidth that several sites need", height=420, x="distance between sites [km]",
           y="bandwidth of one site, each way [Gbit/s]", legend=True)  # fmt: skip
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
        return empty("The pipeline", "no timeline: one stage, or no output folder")
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
        "Step time by component; each bar starts where the one above ends.",
    ),
    "memory_parts": (
        "best",
        memory_parts,
        "Memory of one accelerator in the best layout; the dashed line is its capacity.",
    ),
    "goodput_parts": (
        "goodput_parts",
        goodput_parts,
        "Lost wall-clock time; each bar starts where the one above ends.",
    ),
    "timeline": (
        "timeline",
        pipeline_timeline,
        "Passes of the first microbatches on every stage of one pipeline, by the exact schedule.",
    ),
    "caps": (
        "cap_sweep",
        power_caps,
        "The best layout under power caps per accelerator, relative to no cap.",
    ),
    "sites": (
        "sites",
        site_lines,
        "Lines with which a step is at most 5 % longer: a way of keeping in step works above and left of "
        "its curve. The cross is what wthis scenario for.",
    ),
    "relief": ("relief", relief, "Share of the run's time that more of each resource saves."),
    "pareto": (
        "pareto",
        pareto,
        "Pareto front of accelerators and layouts over time, accelerators, energy and cost: colour is "
        "cost, size is energy.",
    ),
    "tried": ("inverse", tried, "Searched cases; the dashed line is the deadline."),
}
"""Figure → (key of the answer that it needs, the function, its caption)."""
