"""The points of a sweep in the order in which they are computed, each with its key.

Points are numbered; nothing of them is kept, so that ten million take no more memory than ten. Groups whose
values reach what is dear to compute (the plan of the supply, the search of layouts, the plan and the day of
serving) change slowest, so that a memory of the last results finds those again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gigawatt._version import __version__
from gigawatt.chain.graph import graph_of
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.memo import leaf_key
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.fingerprint import fingerprint
from gigawatt.core.graph import Graph
from gigawatt.core.once import stamp
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.sweep.study import CATALOG, CatalogKey, Group, SweepStudy, catalog_key

__all__ = ["Point", "Points", "scenario_key"]

#: What is dear, by the quantity that it is; the dearer, the slower it changes.
_DEAR: Mapping[str, int] = {"serving.day": 8, "serving.plan": 4, "supply.plan": 2, "layouts.search": 1}
_CATALOG = 1 << 10
"""Another catalog empties every cache: such a group changes slowest."""
_FILES = ("model", "machine.chip", "site.weather", "serving.trace")
"""Keys that may name a file beside the scenario."""
_CHECKED = 64
"""Named things of a column (sites, chips) that are looked up before anything starts."""


@dataclass(frozen=True)
class Point:
    """One scenario of a sweep: values of the scenario, of the catalog, and both as a store keeps them."""

    changes: Mapping[str, object]
    varied: Mapping[CatalogKey, float]
    axes: Mapping[str, float | str]


@dataclass(frozen=True)
class Points:
    """All points of a study, by number from 0."""

    study: SweepStudy
    groups: tuple[Group, ...]

    @classmethod
    def of(cls, study: SweepStudy) -> Points:
        """The points of a study, dear groups outermost; a name that nothing has is refused here.

        Raises
        ------
        InputError
            The first scenario, or one with another value of one axis, cannot be read: with the study's file,
            line and key.
        """
        graph = graph_of(study.base)
        first = cls(study, study.groups)[0]
        before = _leaf_keys(study, first.changes, None)
        ranked = [
            (
                _CATALOG
                if group.columns[0].key.startswith(CATALOG)
                else _weight(study, first, group, graph, before),
                i,
            )
            for i, group in enumerate(study.groups)
        ]
        order = sorted(ranked, key=lambda one: (-one[0], one[1]))
        return cls(study, tuple(study.groups[i] for _, i in order))

    def __len__(self) -> int:
        """How many."""
        return len(self.study)

    def __getitem__(self, number: int) -> Point:
        """Point ``number``; the last group changes fastest."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        changes = dict(self.study.always)
        varied = dict(self.study.fixed)
        axes: dict[str, float | str] = {}
        rows: list[tuple[Group, int]] = []
        for group in reversed(self.groups):
            number, row = divmod(number, len(group))
            rows.append((group, row))
        for group, row in reversed(rows):
            for column in group.columns:
                axes[column.key] = column.stored(row)
                if not column.key.startswith(CATALOG):
                    changes[column.key] = column.value(row)
                elif column.si is not None:
                    varied[catalog_key(column.key)] = float(column.si[row])
        return Point(changes, varied, axes)

    def key(self, number: int) -> str:
        """What tells the point from every other of the same catalog; see :func:`scenario_key`."""
        point = self[number]
        try:
            loaded = scenario_with(self.study.base, point.changes)
        except GigawattError:  # values that exclude each other: the store says so, under a key of its own
            return fingerprint((self.study.base.hash, sorted(point.axes.items()), "refused")).key.hex()
        return scenario_key(loaded, point.varied)


def _leaf_keys(study: SweepStudy, changes: Mapping[str, object], key: str | None) -> dict[str, bytes]:
    graph = graph_of(study.base)
    try:
        leaves = fill_leaves(scenario_with(study.base, changes))[0]
        return {name: leaf_key(graph.enter(graph.nodes[name], leaves)) for name in leaves}
    except InfeasibleError:  # of this point alone, which says so itself; of the others nothing is known
        return {}
    except GigawattError as error:
        if key is not None:
            study.blame(error, key)
        elif error.key in study.lines:
            study.blame(error, str(error.key))
        raise


def _weight(study: SweepStudy, first: Point, group: Group, graph: Graph, before: Mapping[str, bytes]) -> int:
    """How dear what a group reaches is; each of its names is looked up on the way."""
    reached: set[str] = set()
    names = any(column.si is None for column in group.columns)
    rows = range(min(len(group), _CHECKED)) if names else range(min(len(group), 2))
    for row in rows:
        changes = {
            **first.changes, **{c.key: c.value(row) for c in group.columns if not c.key.startswith(CATALOG)}
        }  # fmt: skip
        after = _leaf_keys(study, changes, group.columns[0].key)
        reached |= {name for name, key in after.items() if before.get(name) != key}
    for name in graph.order():
        if reached.intersection(graph.nodes[name].inputs):
            reached.add(name)
    return sum(weight for name, weight in _DEAR.items() if name in reached)


def scenario_key(loaded: LoadedScenario, varied: Mapping[CatalogKey, float] | None = None) -> str:
    """A content key of a scenario: 32 hexadecimal digits.

    Equal for scenarios of equal meaning, however they are written, whatever they are called; different where
    a file that they name (a model, weather, a trace) holds something else, and for another version of this
    package. The catalog's own version is not in it.
    """
    meant = loaded.scenario.model_dump(exclude={"name"})
    files = [(key, _digest(loaded, loaded.written[key])) for key in _FILES if key in loaded.written]
    rows = sorted((varied or {}).items())
    return fingerprint((meant, files, rows, __version__)).key.hex()


def _digest(loaded: LoadedScenario, name: str) -> str:
    for path in (loaded.file.parent / name, Path(name)):
        try:
            mark = stamp(path)
        except OSError:  # too long for a path
            continue
        if isinstance(mark, tuple):
            return _content(mark)
    return ""


@lru_cache(maxsize=256)
def _content(mark: tuple[str, int, int]) -> str:
    try:
        return hashlib.sha256(Path(mark[0]).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot read this file: {error.strerror}", file=mark[0]) from None
