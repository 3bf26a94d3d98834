"""Figures of a planned service.

Each takes the document that ``gigawatt plan-serving --json`` prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gigawatt.core.quantities import several
from gigawatt.faces.figures.readable import label, large, significant, with_unit
from gigawatt.faces.figures.style import colour, empty, finish
from gigawatt.studies.run.figures_machine import waterfall
from gigawatt.studies.serving.adapters import adapter_words
from gigawatt.studies.serving.encoders import encoder_words

__all__ = [
    "FIGURES",
    "facts",
    "front",
    "layout_words",
    "machines",
    "memory",
    "parts",
    "roofline",
    "ticks",
    "wall_rows",
]

_HEIGHT, _ROW = 80, 38
_DEGREES = (("tensor", "TP"), ("pipeline", "PP"), ("data", "DP"), ("expert", "EP"))
_HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#6a51a3", "#56b4e9", "#b8a13a")
_SHORT = 1024.0
"""Context of a decoding sequence on the drawn curve [tokens]."""


def layout_words(pool: Mapping[str, Any]) -> str:
    """The degrees of a replica: ``TP4 PP2``."""
    return " ".join(f"{short}{pool[name]}" for name, short in _DEGREES if pool[name] > 1) or "one accelerator"


def parts(answer: Mapping[str, Any]) -> Any:
    """Time of each pool's replicas by component, a bar per pool."""
    import plotly.graph_objects as go

    pools = answer["pools"]
    rows = [f"{pool['role']}, {layout_words(pool)}" for pool in pools]
    names = list(dict.fromkeys(name for pool in pools for name in pool["parts"]))
    names.sort(key=lambda name: -sum(pool["parts"].get(name, 0.0) for pool in pools))
    figure = go.Figure(
        [
            go.Bar(
                y=rows,
                x=[100.0 * pool["parts"].get(name, 0.0) for pool in pools],
                orientation="h",
                name=label(name),
                marker={"color": _hue(name, i)},
                text=[
                    f"{100.0 * pool['parts'].get(name, 0.0):.0f} %"
                    if pool["parts"].get(name, 0.0) > 0.05
                    else ""
                    for pool in pools
                ],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                hovertemplate=f"{label(name)}: %{{x:.1f}} % of the time of %{{y}}<extra></extra>",
            )
            for i, name in enumerate(names)
        ]
    )
    finish(figure, title="Time of a replica by component", height=130 + 48 * len(rows),
           x="share of the time [%]", legend=True)  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.35)
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _hue(name: str, number: int) -> str:
    known = {
        "prompts": "#009e73", "memory": "#56b4e9", "arithmetic": "#0072b2", "launch": "#8c929a",
        "exchange": "#d55e00", "latency": "#e69f00", "host": "#cc79a7", "limit": "#6a51a3",
        "overhead": "#a9afb7", "waiting": "#d9dde2",
    }  # fmt: skip
    return known.get(name, colour(name, number))


def memory(answer: Mapping[str, Any]) -> Any:
    """Memory of one accelerator of the decode replicas."""
    parts = {name: float(v) for name, v in answer["memory_GB"].items()}
    figure = waterfall(list(parts), list(parts.values()), "GB", "all")
    return finish(figure, title="Memory of one accelerator", height=_HEIGHT + 10 + _ROW * (len(parts) + 1),
                  x="memory [GB]")  # fmt: skip


def front(answer: Mapping[str, Any]) -> Any:
    """Output per accelerator against speed per user; colour: energy; filled: the SLO is met."""
    import plotly.graph_objects as go

    rows: Sequence[Mapping[str, Any]] = answer["front"]
    if not rows:
        return empty("Pareto front", "nothing fits")
    energy = [row["energy_per_output_token_J"] for row in rows]
    low, high = min(energy), max(energy)
    figure = go.Figure()
    for kept, words in ((True, "meets the SLO"), (False, "misses the SLO")):
        for mode, shape in (("aggregated", "circle"), ("disaggregated", "diamond")):
            mine = [row for row in rows if row["within_objective"] == kept and row["mode"] == mode]
            if not mine:
                continue
            hues = [_log(row["energy_per_output_token_J"]) for row in mine]
            both = len({row["mode"] for row in rows}) > 1
            figure.add_scatter(
                x=[row["tokens_per_s_user"] for row in mine],
                y=[row["tokens_per_s_chip"] for row in mine],
                mode="markers",
                name=f"{mode}, {words}" if both else words,
                marker={
                    "symbol": shape if kept else f"{shape}-open",
                    "size": 10,
                    "color": hues,
                    "colorscale": "Viridis",
                    "cmin": _log(low),
                    "cmax": _log(high) if high > low else _log(low) + 1.0,
                    "line": {"width": 0 if kept else 1.5},
                    "showscale": not figure.data,
                    "colorbar": {
                        "title": {"text": "J/token"},
                        "tickvals": [_log(v) for v in ticks(low, high)],
                        "ticktext": [significant(v, 2) for v in ticks(low, high)],
                        "thickness": 14,
                    },
                },
                customdata=[
                    [" + ".join(layout_words(pool) for pool in row["layouts"]), significant(row["held_mean"]),
                     significant(row["energy_per_output_token_J"])]
                    for row in mine
                ],
                hovertemplate="%{x:.3g} tokens/s per user, %{y:.4g} per accelerator, %{customdata[2]} "
                              "J/token: %{customdata[0]}, %{customdata[1]} in flight<extra></extra>",
            )  # fmt: skip
    tpot = answer["tpot_s"]["mean"]
    if tpot:
        figure.add_scatter(
            x=[1.0 / tpot], y=[answer["output_tokens_per_s_chip"]], mode="markers", name="chosen",
            marker={"symbol": "x", "size": 12, "color": "#c1121f"},
            hovertemplate="chosen: %{x:.3g} tokens/s per user, %{y:.4g} per accelerator<extra></extra>",
        )  # fmt: skip
    finish(
        figure,
        title="Pareto front",
        height=460,
        x="tokens/s per user",
        y="output tokens/s per accelerator",
        legend=True,
    )
    for axis, key in ((figure.update_xaxes, "tokens_per_s_user"), (figure.update_yaxes, "tokens_per_s_chip")):
        marks = ticks(min(row[key] for row in rows) / 1.3, 1.3 * max(row[key] for row in rows))
        axis(type="log", tickvals=marks, ticktext=[significant(mark) for mark in marks])
    return figure


def _log(value: float) -> float:
    import math

    return math.log10(max(value, 1e-12))


def ticks(low: float, high: float) -> list[float]:
    """Ticks 1, 2, 5, 10 … between two values, and at least the ends."""
    steps = [m * 10.0**e for e in range(-6, 8) for m in (1.0, 2.0, 5.0) if low <= m * 10.0**e <= high]
    return steps if len(steps) >= 2 else [low, high]


def roofline(answer: Mapping[str, Any]) -> Any:
    """Roofline: FLOP/s against arithmetic intensity, with curves of decode and prefill."""
    import plotly.graph_objects as go

    wall = answer.get("roofline")
    if not wall:
        return empty("Roofline", "not computed: --roofline")
    figure = go.Figure()
    chosen = _drawn(wall["curves"], answer)
    reach = [x for one in chosen for x in one["intensity_FLOP_per_B"]]
    low, high = min(reach) / 1.5, 2.0 * max(*reach, *(one["ridge_FLOP_per_B"] for one in chosen))
    roofs: set[tuple[float, float]] = set()
    hues: dict[str, str] = {}
    for one in chosen:
        name = _machine(one)
        hue = hues.setdefault(name, _HUES[len(hues) % len(_HUES)])
        roof = (one["peak_FLOP_per_s"], one["bandwidth_B_per_s"])
        if roof not in roofs:
            roofs.add(roof)
            ridge = one["ridge_FLOP_per_B"]
            figure.add_scatter(
                x=[low, ridge, high],
                y=[low * roof[1] / 1e12, roof[0] / 1e12, roof[0] / 1e12],
                mode="lines", line={"color": "rgba(128,134,142,0.55)", "width": 1.2, "dash": "dot"},
                showlegend=False, hovertemplate=f"roof, ridge at {significant(ridge)} FLOP/B<extra></extra>",
            )  # fmt: skip
        decode = one["phase"] == "decode"
        keep = [i for i, fits in enumerate(one["memory_fits"]) if fits]
        figure.add_scatter(
            x=[one["intensity_FLOP_per_B"][i] for i in keep],
            y=[one["reached_FLOP_per_s"][i] / 1e12 for i in keep],
            mode="lines+markers",
            name=name,
            legendgroup=name,
            showlegend=decode,
            line={"color": hue, "width": 2, "dash": "solid" if decode else "dash"},
            marker={"size": 6, "symbol": "circle" if decode else "square"},
            customdata=[
                [_point(one, i), one["binds"][i], significant(one["tokens_per_s_chip"][i])] for i in keep
            ],
            hovertemplate=f"{name}, %{{customdata[0]}}: %{{x:.3g}} FLOP/B, %{{y:.3g}} TFLOP/s, "
            "%{customdata[2]} tokens/s/chip; bottleneck: %{customdata[1]}<extra></extra>",
        )
    finish(figure, title="Roofline", height=500, x="arithmetic intensity [FLOP/B]",
           y="TFLOP/s per accelerator", legend=True)  # fmt: skip
    figure.update_xaxes(type="log", range=[_log(low), _log(high)], dtick=1)
    figure.update_yaxes(type="log", dtick=1)
    return figure


def _point(one: Mapping[str, Any], i: int) -> str:
    if one["phase"] == "decode":
        return f"{one['batch'][i]:,.0f} decoding"
    return f"prefill of {one['context_tokens'][i]:,.0f}"


def _machine(one: Mapping[str, Any]) -> str:
    quick = f", memory × {one['memory_times']:g}" if one["memory_times"] != 1 else ""
    cache = f", cache {one['cache']}"
    return f"{one['weights']}{cache}{quick}"


def _drawn(curves: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The distinct curves: every format with the scenario's cache, and the faster memories."""
    cache = answer["cache"]
    return [
        one
        for one in curves
        if one["cache"] == cache and (one["phase"] == "prompt" or one["context_tokens"][0] == _SHORT)
        and (one["phase"] == "decode" or one["memory_times"] == 1)
    ]  # fmt: skip


def machines(answer: Mapping[str, Any]) -> Any:
    """Output tokens/s per accelerator in every format and with faster memory, and their energy."""
    import plotly.graph_objects as go

    wall = answer.get("roofline")
    if not wall:
        return empty("Formats and memories", "not computed: --roofline")
    rows = [row for row in wall["rows"][2::3] if row["memory_fits"]]
    base = next((row for row in rows if row["memory_times"] == 1), None)
    if base is None:
        return empty("Formats and memories", "no format fits")
    names = [_machine(row) for row in rows]
    values = [row["tokens_per_s_chip"] for row in rows]
    energy = [significant(row["energy_per_token_J"]) for row in rows]
    hues = {"memory": "#56b4e9", "arithmetic": "#0072b2"}
    figure = go.Figure(
        go.Bar(
            y=names,
            x=values,
            orientation="h",
            marker={"color": [hues.get(row["binds"], "#a9afb7") for row in rows]},
            text=[
                f"{significant(v)}, {e} J/token; bottleneck: {row['binds']}"
                for v, e, row in zip(values, energy, rows, strict=True)
            ],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    finish(
        figure,
        title="Formats and memories",
        height=_HEIGHT + 30 * len(rows),
        x="output tokens/s per accelerator",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[0, 1.6 * max(values)])
    return figure


FIGURES: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Any], str]] = {
    "parts": (
        "pools",
        parts,
        "Time of a replica by component at its load; prompts: time that prefill adds.",
    ),
    "memory": (
        "memory_GB",
        memory,
        "Memory of one accelerator of the decode replicas; each bar starts where the one above ends.",
    ),
    "front": (
        "front",
        front,
        "Pareto front of replicas and loads over speed per user, output per accelerator and energy at the "
        "meter; closed form. The cross is the chosen plan by the event engine.",
    ),
    "roofline": (
        "roofline",
        roofline,
        "Decode from 1 sequence up (circles, doubling, 1,024 tokens of context) and prefill from 32 "
        "tokens up (squares, dashed), under the machine's rooflines (dotted). Memory-bound left of a "
        "ridge.",
    ),
    "machines": (
        "roofline",
        machines,
        "At the largest batch that memory and engine allow. Light blue: memory-bound, dark blue: "
        "compute-bound, grey: launches, links or the host.",
    ),
}
"""Figure → (key of the answer that it needs, the function, its caption)."""


def _times(row: Mapping[str, Any]) -> str:
    names = sorted((q for q in row if q != "max"), key=lambda q: -1.0 if q == "mean" else float(q[1:]))
    return ", ".join(f"{q} {with_unit(row[q], 's')}" for q in names if row[q] is not None)


def facts(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Scenario and results in two columns."""
    objective = answer["objective"]
    limits = [
        f"{key.upper()} ≤ {with_unit(objective[f'{key}_s'], 's')}"
        for key in ("ttft", "tpot", "e2e")
        if objective[f"{key}_s"] is not None
    ]
    if objective["percentile"]:
        limits.append(f"p{100 * objective['percentile']:g}")
    power, energy = answer["power_kW"], answer["energy_per_output_token_J"]
    lengths = (
        f"{answer['prompt_tokens_mean']:,.0f} prompt tokens, {answer['output_tokens_mean']:,.0f} "
        "output tokens"
    )
    traced = answer["arrivals"] == "trace"
    scaling = answer.get("autoscaling")
    pools = [
        f"{pool['replicas']:,} × {layout_words(pool)}"
        if scaling is None
        else f"{scaling['minimum']:,} to {scaling['maximum']:,} × {layout_words(pool)}"
        for pool in answer["pools"]
    ]
    shown = [
        ("requests", f"{answer['trace'] if traced else answer['arrivals']}, {lengths}"),
        ("formats", f"weights {answer['weights']}, cache {answer['cache']}; engine {answer['engine']}"),
        *adapter_words(answer),
        *encoder_words(answer),
        ("objective", ", ".join(limits)),
        ("replicas", f"{' + '.join(pools)}, {several(answer['chips'], 'accelerator')}"),
        ("served", f"{significant(answer['requests_per_s'] or 0.0)} requests/s, "
                   f"{large(round(answer['output_tokens_per_s'] or 0.0))} output tokens/s, "
                   f"{significant(answer['output_tokens_per_s_chip'] or 0.0)} per accelerator"),
        *((name, _times(answer[key])) for name, key in
          (("TTFT", "ttft_s"), ("TPOT", "tpot_s"), ("ITL", "itl_s"), ("E2E", "e2e_s")) if key in answer),
        ("cost", f"{with_unit(answer['USD_per_million_prompt_tokens'] or 0.0, '$')} per million prompt "
                 f"tokens, {with_unit(answer['USD_per_million_output_tokens'] or 0.0, '$')} per million "
                 f"output tokens; {with_unit(answer['USD_per_hour'], '$')} an hour"),
        ("power", f"{with_unit(power['meter'], 'kW')} at the meter, accelerators "
                  f"{with_unit(power['accelerators'], 'kW')}"),
        ("energy", f"{significant(energy['meter'] or 0.0)} J per output token at the meter, "
                   f"{significant(energy['accelerators'] or 0.0)} J at the accelerators"),
    ]  # fmt: skip
    return shown


def wall_rows(answer: Mapping[str, Any]) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Title, head and rows of the roofline: formats and memories; prefill, one request, a full batch."""
    wall = answer["roofline"]
    rows = [
        (
            row["weights"],
            row["cache"],
            f"× {row['memory_times']:g}",
            "prefill" if row["phase"] == "prompt" else f"decoding {row['batch']:,.0f}",
            significant(row["intensity_FLOP_per_B"]),
            significant(row["ridge_FLOP_per_B"]),
            row["binds"] if row["memory_fits"] else "does not fit",
            significant(row["tokens_per_s_chip"]),
            with_unit(row["token_time_s"], "s"),
            significant(row["energy_per_token_J"]),
        )
        for row in wall["rows"]
    ]
    heads = (
        "weights",
        "cache",
        "memory",
        "pass",
        "FLOP/B",
        "ridge",
        "binds",
        "tokens/s/chip",
        "time",
        "J/token",
    )
    title = f"{layout_words(wall['layout'])} in other formats and with faster memory"
    return title, heads, rows
