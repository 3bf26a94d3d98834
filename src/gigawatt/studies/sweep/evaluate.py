"""Some points of a sweep, evaluated in this process, wherever it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.chain.graph import graph_of
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.memo import Memo, Remembered
from gigawatt.chain.study import blame
from gigawatt.core.errors import GigawattError
from gigawatt.core.graph import Value
from gigawatt.core.quantities import finite_or_none
from gigawatt.power.plan.kept_optima import keeping
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.sweep.points import Point

__all__ = ["Answer", "Row", "Task", "evaluate_task"]


@dataclass(frozen=True)
class Task:
    """Points that one process evaluates one after another, and what is read off each; ``keys`` name them."""

    base: LoadedScenario
    read: tuple[str, ...]
    keys: tuple[str, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Row:
    """What came of a point: SI numbers and texts by quantity; or why the scenario has no answer.

    ``fault`` is said where the program itself failed, which is no answer and is kept nowhere.
    """

    key: str
    axes: Mapping[str, float | str]
    values: Mapping[str, float | str | None]
    seconds: float
    error: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Answer:
    """Rows of a task, and by which catalog and which version of this package."""

    rows: tuple[Row, ...]
    catalog: str
    version: str


_own = Remembered()
_one_at_a_time = threading.Lock()  # the catalog is varied for the whole process


def evaluate_task(task: Task, remembered: Remembered | None = None) -> Answer:
    """Evaluate the points of a task.

    Parameters
    ----------
    task : Task
        Points of equal changes of the catalog should follow one another: each change empties all caches.
    remembered : Remembered, optional
        What is known from earlier points; left out, what this process has.

    Returns
    -------
    Answer
        One row a point, in order. An error of a point is in its row.
    """
    rows = list[Row]()
    known = _own if remembered is None else remembered
    both = list(zip(task.keys, task.points, strict=True))
    with _one_at_a_time, keeping(known.optima):
        for changed, some in groupby(both, key=lambda one: sorted(one[1].varied.items())):
            with ExitStack() as block:
                if changed:
                    block.enter_context(catalog.varied(dict(changed)))
                rows.extend(_row(task, key, point, known.memo) for key, point in some)
    return Answer(tuple(rows), catalog.version(), __version__)


def _row(task: Task, key: str, point: Point, memo: Memo) -> Row:
    start = time.perf_counter()
    values: dict[str, float | str | None] = {}
    error = fault = ""
    try:
        loaded = scenario_with(task.base, point.changes)
        leaves = fill_leaves(loaded)[0]
        found = memo.evaluate(
            graph_of(loaded), leaves, targets=task.read, varied=point.varied,
            blame=lambda error, name: blame(loaded, error, name),
        )  # fmt: skip
        values = {name: _stored(found[name]) for name in task.read}
    except GigawattError as refused:
        error = str(refused)
    except Exception as broken:
        fault = f"{type(broken).__name__}: {broken}"
    return Row(key, point.axes, values, time.perf_counter() - start, error, fault)


def _stored(value: Value) -> float | str | None:
    """A single number in SI, a text, or nothing."""
    found: Any = value.value
    if found is None or isinstance(found, str):
        return found
    if isinstance(found, bool):
        return str(found)
    return finite_or_none(found)
