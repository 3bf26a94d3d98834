"""The layouts of a training run as a cloud: step time against memory, what binds, which fit.

The search evaluates in full only what may be among the best. Here a few thousand of all layouts are, chosen
evenly sampled: the best, and from those that fit and those that do not every n-th in the order of the
floor under their step time, from the quickest to the slowest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.asking import Asker
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.machine import Cluster
from gigawatt.performance import StepTable, TrainingRun, capped, capped_search
from gigawatt.performance.layouts import layouts_of
from gigawatt.performance.search import CHUNK, floor_of, memory_of
from gigawatt.performance.stacks import Stack
from gigawatt.performance.step import PARTS, evaluate_prepared, prepare
from gigawatt.schema.fields import TRAINING
from gigawatt.schema.pins import word_of
from gigawatt.schema.scenario import LoadedScenario, read_scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LayoutSpace", "by_binding", "layout_space", "scenario_layout_space"]

Rows = NDArray[np.intp]

_BEST = 0.1
"""Share of the sample that is the fastest layouts."""
_OUTSIDE = 0.25
"""Largest share of layouts that do not fit."""
_REACH = 2.5
"""Layouts beyond this multiple of the memory are left out."""


@dataclass(frozen=True)
class LayoutSpace:
    """``frame``: one row a layout, the best first; ``capacity`` [B] of an accelerator; how many there are.

    Columns of ``frame``: those of a result's table of layouts, ``step_time [s]``, ``mfu []``,
    ``memory [GB]``, ``fits``, ``best`` (one row) and ``binding``, the part of the step that takes longest.
    ``shown`` layouts of ``looked_at``, of which ``fit``.
    """

    frame: pd.DataFrame
    capacity: float
    looked_at: int
    fit: int

    @property
    def shown(self) -> int:
        """Rows of the frame."""
        return len(self.frame)


def layout_space(
    run: TrainingRun,
    cluster: Cluster,
    stack: Stack,
    fixed: Mapping[str, int] | None = None,
    widen: Iterable[str] = (),
    *,
    cap: float | None = None,
    most: int = 2000,
) -> LayoutSpace:
    """A few thousand of the layouts of a run, evaluated in full.

    Parameters
    ----------
    run, cluster, stack, fixed, widen, cap
        As in :func:`gigawatt.performance.capped_search`.
    most : int
        Rows at most, 50 to 5,000.

    Raises
    ------
    InfeasibleError
        Nothing fits.
    InputError
        A pin that cannot divide, or a number of rows out of range.
    """
    import pandas as pd

    check_range("most", most, 50, 5000, "layouts", message="out of range")
    names = tuple(widen)
    found = capped_search(run, cluster, stack, fixed, top=1, widen=names, cap=cap)
    layouts = layouts_of(run, cluster, found.offering(stack), fixed, names)
    prepared = prepare(run, layouts, cluster, stack)
    starts = range(0, len(layouts), CHUNK)
    rows = (slice(start, min(start + CHUNK, len(layouts))) for start in starts)
    memory = np.concatenate([memory_of(prepared, layouts, some) for some in rows])
    floor = floor_of(prepared, layouts)
    capacity = cluster.chip.memory_bytes
    fits = memory <= capacity
    inside, outside = (
        np.flatnonzero(mask)[np.argsort(floor[mask], kind="stable")]
        for mask in (fits, ~fits & (memory <= _REACH * capacity))
    )
    some = min(len(outside), round(_OUTSIDE * most))
    first = inside[: round(_BEST * most)]
    rest = inside[len(first) :]
    chosen = np.concatenate([first, _spaced(rest, most - some - len(first) - 1), _spaced(outside, some)])
    table = evaluate_prepared(prepared, layouts, np.sort(chosen))
    if cap is not None:
        table = capped(table, cluster, cap)
    shown = _frame(found.best, best=True)
    others: Any = _frame(table, best=False)
    same = list(found.best.layouts.to_frame().columns)
    double = (others[same] == shown[same].iloc[0]).all(axis=1)
    frame = pd.concat([shown, others[~double].sort_values("step_time [s]", kind="stable")])
    return LayoutSpace(frame.reset_index(drop=True), capacity, found.looked_at, int(fits.sum()))


def _spaced(rows: Rows, count: int) -> Rows:
    """At most ``count`` of ``rows``, evenly spaced, both ends kept."""
    if len(rows) <= count:
        return rows
    return rows[np.unique(np.linspace(0, len(rows) - 1, max(count, 0)).astype(int))]


def _frame(table: StepTable, *, best: bool) -> pd.DataFrame:
    frame = table.layouts.to_frame()
    for name in ("recompute", "schedule", "shard", "offload"):
        frame[name] = [word_of(name, value) for value in frame[name]]
    frame["sequence_parallel"] = ["yes" if value else "no" for value in frame["sequence_parallel"]]
    frame["step_time [s]"] = table.step_time
    frame["mfu []"] = table.mfu
    frame["memory [GB]"] = np.asarray(table.memory_total) / 1e9
    frame["fits"] = np.asarray(table.fits, dtype=bool)
    frame["best"] = best
    parts = np.stack([np.broadcast_to(table.parts[name], len(table)) for name in PARTS])
    frame["binding"] = [PARTS[i] for i in np.argmax(parts, axis=0)]
    return frame


def by_binding(space: LayoutSpace) -> pd.DataFrame:
    """What binds, counted: one row a part of the step, the one that binds most layouts first.

    Columns: ``shown`` layouts of the cloud, ``fitting`` of them, and of the quickest that fits
    ``step_time [s]``, ``mfu []`` and ``memory [GB]`` (NaN where none fits).
    """
    import pandas as pd

    rows: list[dict[str, object]] = []
    groups: Any = space.frame.groupby("binding", sort=True)
    for name, mine in groups:
        fitting = mine[mine["fits"]]
        quickest = fitting.loc[fitting["step_time [s]"].idxmin()] if len(fitting) else None
        numbers = {
            column: float("nan") if quickest is None else float(quickest[column])
            for column in ("step_time [s]", "mfu []", "memory [GB]")
        }
        rows.append({"binding": str(name), "shown": len(mine), "fitting": len(fitting), **numbers})
    rows.sort(key=lambda row: (-int(str(row["shown"])), str(row["binding"])))
    return pd.DataFrame(rows).set_index("binding")


def scenario_layout_space(scenario: LoadedScenario | str | Path, *, most: int = 2000) -> LayoutSpace:
    """:func:`layout_space` of the run of a scenario that trains.

    Raises
    ------
    InputError
        No such file, or a scenario that serves.
    """
    loaded = scenario if isinstance(scenario, LoadedScenario) else read_scenario(scenario)
    if loaded.branch != TRAINING:
        raise InputError("not a training scenario", file=loaded.file, allowed="a training: section")
    point = Asker(loaded).at({})
    names = ("training.run", "machine.machine", "software.stack", "layout.fixed", "layout.widen",
             "machine.power_cap")  # fmt: skip
    run, machine, stack, fixed, widen, cap = (point.value(name).value for name in names)
    return layout_space(run, machine.cluster, stack, dict(fixed), widen, cap=cap, most=most)
