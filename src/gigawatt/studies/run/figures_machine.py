"""Figures of the machine: what the step's time, the accelerator's memory and the energy go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import aligned, label, significant, with_unit
from gigawatt.faces.figures.style import INK, colour, empty, finish, on, safe
from gigawatt.studies.run.figures_tables import column, need_table
from gigawatt.studies.run.sayings import find

SECONDS_PER_DAY = 86400.0
"""Exact."""

__all__ = [
    "breakdown",
    "energy",
    "layout_rare",
    "layout_words",
    "layouts",
    "lost_time",
    "memory",
    "relief",
    "waterfall",
]

#: Share of the axis that a bar's text takes where the figure is as narrow as a telephone.
_TEXT = 0.31
_LIMITS = ("capacity", "limit")
_DEGREES = (
    ("tensor", "TP"),
    ("pipeline", "PP"),
    ("interleave", "VP"),
    ("data", "DP"),
    ("context", "CP"),
    ("expert", "EP"),
)


def waterfall(
    names: list[str],
    values: list[float],
    unit: str,
    total: str,
    said: Mapping[str, str] | None = None,
    extent: float = 0.0,
) -> Any:
    """Bars that start where the one above ends, and last the total: parts that add up, to be read.

    ``said`` are the words for names that have better ones. The last bar is ``sum(values)``; the
    axis reaches at least to ``extent``.
    """
    import plotly.graph_objects as go

    whole = sum(values)
    starts, at = [], 0.0
    for value in values:
        starts.append(at)
        at += value
    rows = [*((said or {}).get(name, label(name)) for name in names), total]
    widths = [*values, whole]
    shares = [value / whole if whole else 0.0 for value in widths]
    write, bare = aligned(widths, unit), aligned(widths)
    texts = [
        f"{bare(v)} · {100 * s:.1f} %" for v, s in zip(widths, shares, strict=True)
    ]  # the axis has the unit
    texts[-1] = f"<b>{write(whole)}</b>"
    bars = go.Bar(
        y=[safe(row) for row in rows],
        x=widths,
        base=[*starts, 0.0],
        orientation="h",
        marker={"color": [*(colour(n, i) for i, n in enumerate(names)), INK]},
        text=texts,
        textposition="none",
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    figure = go.Figure(bars)
    end = max(whole, extent)
    hues = [*(colour(n, i) for i, n in enumerate(names)), INK]
    for row, start, width, text, hue in zip(rows, [*starts, 0.0], widths, texts, hues, strict=True):
        place, anchor, shift = _beside(start, start + width, end)
        if row is rows[-1]:
            place, anchor, shift = start + width / 2, "center", 0
        figure.add_annotation(
            x=place,
            y=safe(row),
            text=text,
            showarrow=False,
            xanchor=anchor,
            xshift=shift,
            font={"color": on(hue)} if anchor == "center" else None,
        )
    figure.update_xaxes(range=[min(0.0, *starts), 1.03 * end] if end > 0 else None)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _beside(start: float, stop: float, end: float) -> tuple[float, str, int]:
    """Where a bar's text has room: right of it, else left, else inside; (place, anchor, shift in pixels)."""
    if end - stop >= _TEXT * end:
        return stop, "left", 7
    if start >= _TEXT * end:
        return start, "right", -7
    return (start + stop) / 2, "center", 0


def breakdown(result: Result) -> Any:
    """What the time of a step goes to, as bars that add up to the effective step time."""
    times, unit = column(need_table(result, "breakdown"), "time")
    figure = waterfall([str(n) for n in times.index], [float(v) for v in times], unit, "whole step")
    return finish(
        figure, title="What the time of a step goes to", height=80 + 38 * (len(times) + 1), x=f"time [{unit}]"
    )


def goodput(result: Result) -> Any:
    """Days of the run that make no progress, by what takes them."""
    shares, _ = column(need_table(result, "goodput"), "share")
    days = float(result["training.duration"]) / SECONDS_PER_DAY
    overhead = find(result, "training.overhead")  # stored results before 2026-12 have none
    return lost_time(shares.to_dict(), days, 0.0 if overhead is None else float(overhead.value))


def lost_time(parts: Mapping[str, float], days: float, overhead: float) -> Any:
    """Days of ``days`` on the clock that make no progress, by what takes them, as bars that add up.

    ``parts`` are shares of the time of steps and failures, ``overhead`` is what the run takes besides, as a
    share of it.
    """
    within = days / (1.0 + overhead)
    lost = {name: within * share for name, share in parts.items() if name != "progress"}
    lost = {name: time for name, time in (lost | {"besides": days - within}).items() if time > 0.0}
    if not lost:
        return empty("Lost wall-clock time", "nothing is lost")
    figure = waterfall(list(lost), list(lost.values()), "days", "lost in all")
    return finish(
        figure,
        title="Lost wall-clock time",
        height=80 + 38 * (len(lost) + 1),
        x=f"lost of {significant(days)} days [days]",
    )


def relief(result: Result) -> Any:
    """What doubling each resource (halving a latency) would save of the step."""
    return relief_bars(result, "the step", "step time saved [%]", room=1.18)


def relief_bars(result: Result, total: str, axis: str, *, room: float, longest: int = 30) -> Any:
    """Bars of what doubling a resource saves of ``total``; ``room``: length of the axis over the longest bar.

    Names of resources have at most ``longest`` characters.
    """
    import plotly.graph_objects as go

    gains = column(need_table(result, "relief"), "gain")[0].sort_values(ascending=False)
    percent = [100 * float(v) for v in gains]
    figure = go.Figure(
        go.Bar(
            y=[safe(label(str(n)), longest) for n in gains.index],
            x=percent,
            orientation="h",
            marker={"color": [colour(str(n), i) for i, n in enumerate(gains.index)]},
            text=[f"{v:.1f} %" for v in percent],
            textposition="outside",
            textangle=0,
            cliponaxis=False,
            hovertemplate=f"%{{y}}: %{{x:.2f}} % of {total}<extra></extra>",
        )
    )
    figure = finish(
        figure,
        title="What doubling a resource would save",
        height=80 + 38 * len(gains),
        x=axis,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[min(0.0, *percent) * 1.2, room * max(*percent, 0.1)])
    return figure


def layout_words(row: Any) -> str:
    """A layout in the field's shorthand: ``TP8 PP16 VP4 DP128 ZeRO1 µb1``; what is usual is left out.

    ``row`` is one of a result's table of layouts or of a plan's answer.
    """
    words = [f"{short}{int(row[name])}" for name, short in _DEGREES if name in row and int(row[name]) > 1]
    if "zero" in row and int(row["zero"]) > 0:
        words.append(f"ZeRO{int(row['zero'])}")
    if "microbatch" in row:
        words.append(f"µb{int(row['microbatch'])}")
    return " ".join([*words, *layout_extras(row)])


def layout_extras(row: Any) -> list[str]:
    """What only some layouts have, in words: recomputation, schedule, sharding, offload."""
    words: list[str] = []
    if str(row.get("recompute", "none")) != "none":
        words.append(f"recompute {row['recompute']}")
    return words + layout_rare(row)


def layout_rare(row: Any) -> list[str]:
    """Those of :func:`layout_extras` that have no column of their own in a table of layouts."""
    words = ["SP"] if row.get("sequence_parallel") in (1, True, "yes") else []
    if str(row.get("schedule", "1f1b")) != "1f1b":
        words.append(str(row["schedule"]))
    if str(row.get("shard", "all")) not in ("all", "0"):
        words.append(f"shard {row['shard']}")
    if str(row.get("offload", "none")) != "none":
        words.append(f"offload {row['offload']}")
    return words


def layouts(result: Result) -> Any:
    """Step time of the best layouts, with MFU and memory."""
    import plotly.graph_objects as go

    frame = need_table(result, "layouts")
    times, unit = column(frame, "step_time")
    mfu = [100 * float(v) for v in column(frame, "mfu")[0]]
    held, held_unit = column(frame, "memory")
    names = [f"{i}. {layout_words(row)}" for i, (_, row) in enumerate(frame.iterrows(), 1)]
    figure = go.Figure(
        go.Bar(
            y=[safe(name) for name in names],
            x=[float(v) for v in times],
            orientation="h",
            marker={"color": [colour("arithmetic"), *["#8fb4d0"] * (len(names) - 1)]},
            text=[f"{with_unit(float(t), unit)} · MFU {m:.1f} %" for t, m in zip(times, mfu, strict=True)],
            textposition="inside",
            insidetextanchor="start",
            insidetextfont={"color": ["#ffffff", *["#10202c"] * (len(names) - 1)]},
            customdata=[with_unit(float(v), held_unit) for v in held],
            hovertemplate="%{y}: %{text} · %{customdata}<extra></extra>",
        )
    )
    finish(figure, title="The best layouts", height=80 + 32 * len(names), x=f"step time [{unit}]")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def memory(result: Result) -> Any:
    """Memory of one accelerator in the best layout, part by part, against what it has."""
    sizes, unit = column(need_table(result, "memory"), "bytes")
    limit = next((float(v) for n, v in sizes.items() if str(n) in _LIMITS), None)
    parts = [
        (str(n), float(v)) for n, v in sizes.items() if str(n) not in (*_LIMITS, "total") and float(v) > 0
    ]
    if not parts:
        return empty("Memory of one accelerator", "no memory part is above zero")
    figure = waterfall([n for n, _ in parts], [v for _, v in parts], unit, "in use", extent=limit or 0.0)
    finish(figure, title="Memory of one accelerator", height=90 + 38 * (len(parts) + 1), x=f"memory [{unit}]")
    if limit is not None:
        figure.add_vline(x=limit, line={"color": INK, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=limit,
            y=1,
            yref="paper",
            yanchor="bottom",
            text=f"has {with_unit(limit, unit)}",
            showarrow=False,
            xanchor="right",
        )
    return figure


def energy(result: Result) -> Any:
    """Electricity of a million tokens by what uses it."""
    values, unit = column(need_table(result, "energy"), "energy")
    kept = [(str(n), float(v)) for n, v in values.items() if float(v) > 0]
    figure = waterfall([n for n, _ in kept], [v for _, v in kept], unit, "whole facility")
    return finish(
        figure,
        title="Electricity of a million tokens",
        height=80 + 36 * (len(kept) + 1),
        x=f"electricity [{unit}]",
    )
