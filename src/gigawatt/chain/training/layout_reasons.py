"""The reasons of the layout search: layouts left out, by reason, and any layout by itself.

Everything is computed by the functions of the search, on arrays over layouts. A layout is left out for one of
three reasons: its degrees do not divide, its memory does not suffice, or its step takes longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.asking import Asker
from gigawatt.core.quantities import compact, several
from gigawatt.machine import Cluster
from gigawatt.performance import Stack, StepTable, TrainingRun, capped, capped_search
from gigawatt.performance.layouts import COLUMNS, IndivisibleError, Layouts, layouts_of
from gigawatt.performance.search import CHUNK, Search
from gigawatt.performance.step import Prepared, Stepwise, evaluate_prepared, prepare
from gigawatt.schema.pins import word_of
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["INDIVISIBLE", "LayoutQuestion", "LayoutReasons", "LayoutVerdict", "Loss", "row_words"]

INDIVISIBLE: Mapping[str, str] = {
    "tensor": "tensor does not divide the accelerators",
    "pipeline": "tensor · pipeline does not divide the accelerators",
    "interleave": "interleaved chunks are not of equal layers",
    "context": "tensor · pipeline · context does not divide the accelerators",
    "data": "data does not divide the global batch",
    "expert": "expert does not divide tensor · data · context",
    "microbatch": "microbatches do not divide the sequences of a replica, or the stages the microbatches",
    "sequence_parallel": "sequence parallelism without tensor parallelism",
    "recompute": "recomputation",
    "zero": "ZeRO without ranks to share with",
    "schedule": "the schedule does not suit stages and microbatches",
    "shard": "sharding does not divide data · context",
    "offload": "offload",
}
"""Column → the condition that the combinations dropped at that column violate."""
_SMALL = 1e-3
"""Shares below this are written with three digits after the point."""
_INPUTS = ("training.run", "machine.machine", "software.stack", "layout.fixed", "layout.widen",
           "machine.power_cap")  # fmt: skip


def row_words(layout: Mapping[str, int]) -> str:
    """A layout in words, ``tensor 8, pipeline 16, …``; columns at their least value are left out."""
    least = Layouts.of(global_batch=1)
    return ", ".join(
        f"{name.replace('_', ' ')} {word_of(name, value)}"
        for name, value in layout.items()
        if value != int(getattr(least, name)[0])
    )


@dataclass(frozen=True)
class Loss:
    """By what ``share`` a layout is slower than the best, and in which ``part`` most, by ``seconds``."""

    share: float
    part: str
    seconds: float

    @classmethod
    def of(cls, table: StepTable, row: int, best: StepTable) -> Loss:
        """The loss of one row of ``table`` to the first of ``best``."""
        more = {name: float(part[row] - best.parts[name][0]) for name, part in table.parts.items()}
        share = float(table.step_time[row] / best.step_time[0]) - 1.0
        part = max(more, key=lambda name: more[name] if share >= 0.0 else -more[name])
        return cls(share, part, more[part])


@dataclass(frozen=True)
class LayoutReasons:
    """The layouts that a search left out, and the loss of the best ones to the first.

    ``indivisible``: column → combinations of its values with those of the columns before that do not divide.
    ``too_large``: part of memory that is largest → layouts that do not fit. ``lacking`` [B] of the closest of
    these. ``losses``, of the rows of ``search.best`` after the first.
    """

    search: Search
    indivisible: Mapping[str, int]
    too_large: Mapping[str, int]
    lacking: float
    losses: tuple[Loss, ...]

    def to_json(self) -> dict[str, Any]:
        """Stable keys, plain numbers."""
        best = self.search.best
        losses = (Loss(0.0, "", 0.0), *self.losses)
        return {
            "looked_at": self.search.looked_at,
            "fit": self.search.fit,
            "in_full": self.search.in_full,
            "indivisible": [
                {"column": name, "reason": INDIVISIBLE[name], "combinations": number}
                for name, number in self.indivisible.items()
            ],
            "too_large": [{"part": part, "layouts": number} for part, number in self.too_large.items()],
            "lacking_bytes": self.lacking,
            "best": [
                {
                    "layout": _numbers(best.layouts, row),
                    "step_time": float(best.step_time[row]),
                    "memory": float(best.memory_total[row]),
                    "slower": loss.share,
                    "part": loss.part,
                    "seconds": loss.seconds,
                }
                for row, loss in enumerate(losses)
            ],
        }


@dataclass(frozen=True)
class LayoutVerdict:
    """Layouts with some columns fixed, and why the search did not take the best of them.

    ``outcome`` is ``does not divide``, ``does not fit``, ``slower``, ``quicker`` (only where ``outside``)
    or ``best``. Of ``looked_at`` layouts with these columns ``fit``; ``step`` is the quickest that fits,
    else the one that lacks least memory (``lacking`` [B]), and ``None`` where none divides. ``reason`` says
    what does not divide, ``outside`` why the search of the scenario does not look at this layout.
    """

    fixed: Mapping[str, int]
    outcome: str
    best: StepTable
    capacity: float
    reason: str = ""
    outside: str = ""
    looked_at: int = 0
    fit: int = 0
    step: StepTable | None = None
    lacking: float = 0.0
    loss: Loss | None = None

    @property
    def sentence(self) -> str:
        """The reason against the layout."""
        step, loss = self.step, self.loss
        if step is None or loss is None:
            return f"does not divide: {self.reason}"
        if self.outcome == "does not fit":
            part = max(step.memory, key=lambda name: float(step.memory[name][0]))
            return (
                f"does not fit: the closest of {several(self.looked_at, 'layout')} lacks "
                f"{compact(self.lacking, 'B')} of {compact(self.capacity, 'B')} per accelerator; the "
                f"largest part is {part}, {compact(float(step.memory[part][0]), 'B')}"
            )
        if self.outcome == "best":
            return "the best layout of the search"
        more = f"{abs(loss.share):.3%}" if abs(loss.share) < _SMALL else f"{abs(loss.share):.1%}"
        times = f"{float(step.step_time[0]):.4g} s a step instead of {float(self.best.step_time[0]):.4g} s"
        part = f"{loss.part.replace('_', ' ')} {loss.seconds:+.3g} s"
        return f"{self.outcome} by {more}: {times}, most of it {part}"

    def to_json(self) -> dict[str, Any]:
        """Stable keys, plain numbers; ``layout``, ``step_time``, ``memory`` … are null where none divides."""
        step, loss = self.step, self.loss
        return {
            "fixed": dict(self.fixed),
            "outcome": self.outcome,
            "sentence": self.sentence,
            "reason": self.reason,
            "outside": self.outside,
            "looked_at": self.looked_at,
            "fit": self.fit,
            "layout": None if step is None else _numbers(step.layouts, 0),
            "step_time": None if step is None else float(step.step_time[0]),
            "parts": None if step is None else _first(step.parts),
            "memory": None if step is None else _first(step.memory),
            "memory_total": None if step is None else float(step.memory_total[0]),
            "capacity": self.capacity,
            "lacking_bytes": self.lacking,
            "slower": None if loss is None else loss.share,
            "part": None if loss is None else loss.part,
            "seconds": None if loss is None else loss.seconds,
            "best": {
                "layout": _numbers(self.best.layouts, 0),
                "step_time": float(self.best.step_time[0]),
                "parts": _first(self.best.parts),
                "memory": _first(self.best.memory),
            },
        }


@dataclass(frozen=True)
class LayoutQuestion:
    """The inputs of ``layouts.search``: run, machine, software, fixed and widened columns, power cap [W]."""

    run: TrainingRun
    cluster: Cluster
    stack: Stack
    fixed: Mapping[str, int]
    widen: tuple[str, ...]
    cap: float | None

    @classmethod
    def of(cls, loaded: LoadedScenario) -> LayoutQuestion:
        """The layout question of a training scenario."""
        point = Asker(loaded).at({})
        run, machine, stack, fixed, widen, cap = (point.value(name).value for name in _INPUTS)
        return cls(run, machine.cluster, stack, dict(fixed), widen, cap)

    def search(self, fixed: Mapping[str, int], top: int = 10) -> Search:
        """The search with these columns fixed."""
        return capped_search(
            self.run, self.cluster, self.stack, fixed, top=top, widen=self.widen, cap=self.cap, kinds=True
        )

    def layouts(
        self, fixed: Mapping[str, int], refused: dict[str, int] | None = None, found: Search | None = None
    ) -> Layouts:
        """Every layout that divides with these columns fixed: of the stack, or of what a search looked at."""
        stack = self.stack if found is None else found.offering(self.stack)
        return layouts_of(self.run, self.cluster, stack, fixed, self.widen, refused)

    def reasons(self) -> LayoutReasons:
        """What the search leaves out, by reason; raises what the search raises."""
        found = self.search(self.fixed)
        refused: dict[str, int] = {}
        layouts = self.layouts(self.fixed, refused, found)
        total, largest, names = self._memory(layouts)
        large = np.flatnonzero(total > self.cluster.chip.memory_bytes)
        counts = np.bincount(largest[large], minlength=len(names))
        order = np.argsort(-counts, kind="stable")
        return LayoutReasons(
            search=found,
            indivisible={name: refused[name] for name in COLUMNS if refused.get(name)},
            too_large={names[i]: int(counts[i]) for i in order if counts[i]},
            lacking=float(total[large].min() - self.cluster.chip.memory_bytes) if len(large) else 0.0,
            losses=tuple(Loss.of(found.best, row, found.best) for row in range(1, len(found.best))),
        )

    def verdict(self, columns: Mapping[str, int]) -> LayoutVerdict:
        """The reason against a layout with these columns, beside those that the scenario fixes.

        Raises
        ------
        InputError
            No such column, or a value out of its range.
        """
        fixed, found, chip = {**self.fixed, **columns}, self.search(self.fixed), self.cluster.chip
        best = found.best
        try:
            layouts = self.layouts(fixed, found=found)
        except IndivisibleError as error:
            message = error.message.removeprefix("a layout that cannot divide: ")
            allowed = f" (given {error.given}, allowed {error.allowed})" if error.allowed else ""
            reason = message + allowed
            return LayoutVerdict(fixed, "does not divide", best, chip.memory_bytes, reason)
        total, _, _ = self._memory(layouts)
        fit = int(np.sum(total <= chip.memory_bytes))
        if fit:
            step = self.search(fixed, top=1).best
        else:
            closest = np.flatnonzero(total == total.min())
            table = evaluate_prepared(self._prepared(layouts), layouts, closest)
            table = capped(table, self.cluster, self.cap)
            step = table.take(np.array([int(np.argmin(table.step_time))]))
        loss = Loss.of(step, 0, best)
        outcome = "does not fit" if not fit else "slower" if loss.share > 0.0 else "quicker"
        if _same(step.layouts, best.layouts.take(np.arange(1))).any():
            outcome = "best"
        outside = self._outside(step.layouts, found)
        return LayoutVerdict(
            fixed, outcome, best, chip.memory_bytes, "", outside, len(layouts), fit, step,
            max(float(step.memory_total[0]) - chip.memory_bytes, 0.0), loss,
        )  # fmt: skip

    def _prepared(self, layouts: Layouts) -> Prepared:
        return prepare(self.run, layouts, self.cluster, self.stack)

    def _memory(self, layouts: Layouts) -> tuple[NDArray[np.float64], NDArray[np.intp], tuple[str, ...]]:
        """(bytes of the worst device, index of its largest part), each ``(L,)``, and the parts by index."""
        prepared = self._prepared(layouts)
        total, largest = np.empty(len(layouts)), np.empty(len(layouts), dtype=np.intp)
        names: tuple[str, ...] = ()
        for start in range(0, len(layouts), CHUNK):
            rows = slice(start, min(start + CHUNK, len(layouts)))
            parts = Stepwise(prepared, layouts, rows).memory()
            names = tuple(parts)
            parts_bytes = np.stack([np.broadcast_to(part, rows.stop - start) for part in parts.values()])
            total[rows], largest[rows] = parts_bytes.sum(axis=0), np.argmax(parts_bytes, axis=0)
        return total, largest, names

    def _outside(self, layout: Layouts, found: Search) -> str:
        """Why the scenario's search leaves a layout out; empty where it covers it."""
        looked_at, offers = self.layouts(self.fixed, found=found), dict(found.offering(self.stack).offers)
        if _same(looked_at, layout).any():
            return ""
        for name in COLUMNS:
            value, known = int(getattr(layout, name)[0]), np.unique(getattr(looked_at, name))
            if value not in known:
                words = _listed(word_of(name, int(one)) for one in known)
                who = f"{self.stack.id} offers" if name in offers else "the search covers"
                return f"{who} {name.replace('_', ' ')} {words} only"
        return "the search leaves out this combination of degrees"


def _same(layouts: Layouts, one: Layouts) -> NDArray[np.bool_]:
    """Which layouts equal the first of ``one``."""
    return np.logical_and.reduce([getattr(layouts, name) == getattr(one, name)[0] for name in COLUMNS])


def _numbers(layouts: Layouts, row: int) -> dict[str, int]:
    return {name: int(getattr(layouts, name)[row]) for name in COLUMNS}


def _first(columns: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    return {name: float(np.ravel(column)[0]) for name, column in columns.items()}


def _listed(words: Iterable[str]) -> str:
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
