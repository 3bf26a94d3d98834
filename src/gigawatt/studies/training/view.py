"""The layouts: of a run, the best and the cloud of all, memory and kernels; of a service, its replicas."""

from __future__ import annotations

from typing import Any

from gigawatt.chain.training.layout_space import LayoutSpace, by_binding, scenario_layout_space
from gigawatt.core.document import Grid
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import count, label, with_unit
from gigawatt.faces.report.frames import grid_of
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.rendering import Plot, fragment, plot
from gigawatt.studies.run import grids
from gigawatt.studies.run.figures import figure
from gigawatt.studies.run.figures_machine import layout_words
from gigawatt.studies.run.figures_tables import has_table
from gigawatt.studies.run.words_serving import is_serving
from gigawatt.studies.training.figures_layouts import layout_space as cloud_of

__all__ = ["show"]

_DRAWN = {"1500": "1,500", "500": "500", "4000": "4,000"}
"""Sizes of the layout sample that the page offers."""
_LISTED = 60
"""Sampled layouts in the table; the others are in the figure alone."""
_CAPTIONS = {
    "layouts": "Step time and MFU of the best layouts.",
    "memory": "Memory of one accelerator by part; each bar starts where the one above ends, the dashed "
    "line is the capacity.",
    "relief": "Share of the step time that doubling one resource (halving a latency or launch) saves, "
    "layout fixed.",
    "cost_relief": "Share of the cost of an output token that doubling one resource (halving a latency or "
    "overhead) saves, layout fixed, load optimised again.",
    "wall": "Decode in growing batches (circles) and prefill of growing length (squares, dashed) under "
    "the rooflines of the machine (dotted): memory-bound left of a ridge.",
}
_BINDING = {
    "binding": "bottleneck",
    "shown": "layouts",
    "fitting": "fitting",
    "step_time": "shortest step",
    "mfu": "MFU",
    "memory": "memory",
}
_CARDS = (
    ("training.step_time", "Shortest step"),
    ("training.mfu", "MFU"),
    ("layouts.looked_at", "Layouts searched"),
    ("layouts.fit", "Layouts that fit in memory"),
)
_CARDS_SERVING = (
    ("serving.replicas", "Replicas"),
    ("machine.count", "Accelerators"),
    ("serving.throughput_chip", "Output per accelerator"),
    ("serving.occupancy", "KV cache occupancy"),
    ("economics.cost_million_output", "Per million output tokens"),
)


def show(asked: Asked) -> Fragment:
    """Configurations, what binds them, memory; the cloud of all layouts where a model is trained."""
    result = asked.result
    return _serving(result) if is_serving(result) else _training(asked, result)


def _plots(result: Result, names: tuple[str, ...], tables: tuple[str, ...]) -> dict[str, Plot]:
    return {
        name: plot(name.replace("_", "-"), figure(result, name), _CAPTIONS[name])
        for name, needed in zip(names, tables, strict=True)
        if has_table(result, needed)
    }


def _training(asked: Asked, result: Result) -> Fragment:
    drawn = asked.setting("layouts", _DRAWN)
    asked.progress("Sampling layouts", 0.8)
    space = scenario_layout_space(asked.state.loaded(), most=int(drawn))
    plots = _plots(result, ("layouts", "memory", "relief"), ("layouts", "memory", "relief"))
    plots["cloud"] = plot("cloud", cloud_of(space), _cloud_words(space))
    best = space.frame.iloc[0]
    return fragment(
        "layouts.html.j2",
        title=f"Layouts: {result.name}",
        serves=False,
        words=f"The best layout is {layout_words(best)}. "
        f"{label(str(best['binding'])).capitalize()} takes most of its step.",
        cards=grids.cards(result, _CARDS),
        plots=plots,
        tables={name: grids.table(result, name) for name in ("layouts", "memory", "relief", "operations")},
        cloud=_cloud_table(space),
        binding=grid_of(
            by_binding(space).rename(index=label),
            "Sampled layouts by bottleneck, with the fastest of each that fits.",
            heads=_BINDING,
        ),
        drawn=drawn,
        choices=_DRAWN,
        query=asked.state.query(asked.settings),
    )


def _cloud_words(space: LayoutSpace) -> str:
    return (
        f"{count(space.shown)} of {count(space.looked_at)} layouts: the fastest, and an even sample of "
        "the others. Filled markers fit in the memory of an accelerator "
        f"({with_unit(space.capacity / 1e9, 'GB')}, dashed), open ones do not; the colour is the largest "
        "component of the step; the cross is the best. All come from the step model (calibrated)."
    )


def _cloud_table(space: LayoutSpace) -> Grid:
    frame = space.frame.head(_LISTED)
    shown: Any = frame[["step_time [s]", "mfu []", "memory [GB]"]].copy()
    shown.insert(0, "layout", [layout_words(row) for _, row in frame.iterrows()])
    shown["fits"] = frame["fits"]
    shown["binding"] = [label(name) for name in frame["binding"]]
    return grid_of(
        shown,
        f"The {len(shown)} fastest sampled layouts, including those that do not fit.",
        heads={"step_time": "step time", "mfu": "MFU", "binding": "bottleneck"},
    )


def _serving(result: Result) -> Fragment:
    names = ("memory", "cost_relief", "wall")
    listed = ("configurations", "memory", "relief", "formats")
    return fragment(
        "layouts.html.j2",
        title=f"Layouts: {result.name}",
        serves=True,
        words="A replica is the accelerators that hold the model once. These meet the SLO at the load of "
        "the highest hour; the first ones were simulated request by request, the others are "
        "closed-form.",
        cards=grids.cards(result, _CARDS_SERVING),
        plots=_plots(result, names, ("memory", "relief", "wall")),
        tables={name: grids.table(result, name) for name in listed},
        wall=_wall_table(result),
    )


def _wall_table(result: Result) -> Grid | None:
    if not has_table(result, "wall"):
        return None
    frame: Any = result.tables["wall"]
    columns = [
        name for name in map(str, frame.columns) if name.split(" [")[0] not in ("peak", "bandwidth", "cache")
    ]
    return grid_of(
        frame[columns],
        "Every point of the curves: arithmetic intensity, ridge and attained rate.",
        heads={"memory_times": "memory bandwidth factor", "binds": "bottleneck"},
    )
