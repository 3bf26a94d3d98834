"""The question turned round over any quantity: the best scenario of a range within limits, and what binds.

``solve`` finds values of some keys for which a quantity is largest or least while others keep their limits.
The limits that stand in the way are named by asking again with each a little wider.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gigawatt.chain.asking import COSTLY, LAYERS, Asker
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Grade
from gigawatt.studies.solve.search import SEED, Found, Position, Seen, Space, search
from gigawatt.studies.solve.space import Axis, Limit, check_limits

__all__ = ["Answer", "Kept", "Question", "Tried", "solve"]

Progress = Callable[[str, float], None]

_TOLERANCE = 1e-6
"""A limit is kept that is missed by no more than this part of it: a plan of supply is solved no closer."""
BINDS = 0.01
"""A limit binds whose value lies within this part of it."""
_WIDER = 0.1
_FULL = 8
_ALL = len(COSTLY)
_OF_PLAN = {"supply.carbon_intensity": "supply.carbon_limit"}
"""Limits that the plan of supply is told, since it can keep them: quantity → key."""
_FOLLOWS = {LAYERS: "model.parameters"}
"""Unknowns that are a quantity themselves, with amounts that cost nothing."""


@dataclass(frozen=True)
class Question:
    """What is sought: unknowns, limits, and the quantity that is to be largest (``most``) or least."""

    asker: Asker
    axes: tuple[Axis, ...]
    limits: tuple[Limit, ...]
    objective: str
    most: bool
    every: int = 400
    seed: int = SEED


@dataclass(frozen=True)
class Tried:
    """A point that was computed: its values, amounts [SI] by quantity, worst excess, what stood in the way.

    ``missed`` is the limit that it was given up for, ``score`` what is minimised (``nan``: not known).
    """

    values: Mapping[str, str]
    amounts: Mapping[str, float]
    excess: float
    reason: str = ""
    missed: str = ""
    score: float = math.nan


@dataclass(frozen=True)
class Kept:
    """A limit at the answer: the value [SI], ``room`` to the limit over it (negative: missed), ``binds``.

    ``stopped`` counts the better points that were given up for this limit.

    ``wider`` is the objective [SI] where the limit has ``share`` more room (``None``: not asked); ``gain`` by
    how much of itself that betters it.
    """

    limit: Limit
    value: float | None
    room: float
    binds: bool
    share: float = _WIDER
    wider: float | None = None
    gain: float = 0.0
    there: str = ""
    stopped: int = 0


@dataclass(frozen=True)
class Answer:
    """The best point, or the nearest where ``found`` is false; ``exact`` whether every point was covered."""

    question: Question
    found: bool
    values: Mapping[str, str]
    changes: Mapping[str, object]
    objective: float | None
    grade: Grade | None
    kept: tuple[Kept, ...]
    at_end: tuple[str, ...]
    method: str
    exact: bool
    points: int
    computed: Mapping[str, int]
    tried: tuple[Tried, ...] = field(repr=False)
    reasons: Mapping[str, int] = field(default_factory=dict[str, int])
    notices: tuple[str, ...] = ()
    cpu_seconds: float = 0.0


class _Looker:
    """Looks at positions of a question under some limits, cheap quantities first."""

    def __init__(self, question: Question, limits: Sequence[Limit], progress: Progress | None) -> None:
        self.question, self.limits, self.progress = question, tuple(limits), progress
        self.sign = -1.0 if question.most else 1.0
        self.tried: dict[Position, Tried] = {}
        asker = question.asker
        self.order = sorted(limits, key=lambda one: asker.stage(one.quantity))
        self.stage = asker.stage(question.objective)
        self.told = _told(question, limits)

    def changes(self, position: Position) -> dict[str, object]:
        axes = self.question.axes
        made = {
            axis.key: axis.at(at) if axis.continuous else axis.values[int(at)]
            for axis, at in zip(axes, position, strict=True)
        }
        return {**self.told, **made}

    def words(self, position: Position) -> dict[str, str]:
        changes = self.changes(position)
        return {axis.key: axis.words(changes[axis.key]) for axis in self.question.axes}

    def known(self, position: Position) -> float:
        """The score where an unknown is the objective itself; else ``nan``."""
        for axis, at in zip(self.question.axes, position, strict=True):
            if axis.amounts and _FOLLOWS.get(axis.key) == self.question.objective:
                return self.sign * axis.amounts[int(at)]
        return math.nan

    def peek(self, position: Position) -> float:
        """The score where it costs nothing."""
        known = self.known(position)
        if not math.isnan(known):
            return known
        try:
            value = self.question.asker.at(self.changes(position)).value(self.question.objective).value
        except GigawattError:
            return math.nan
        return self.sign * float(value)

    def look(self, position: Position, beat: float, depth: int = _ALL, *, whole: bool = False) -> Seen:
        """Values in the order of their cost, until one is missed or the score cannot beat ``beat``.

        Limits of a stage above ``depth`` are left out.
        """
        if self.progress is not None and position not in self.tried:
            number = len(self.tried) + 1
            words = ", ".join(self.words(position).values())
            self.progress(f"Point {number:,}: {words}", number / (number + 60.0))
        point = self.question.asker.at(self.changes(position))
        amounts: dict[str, float] = {}
        score, excess, reason, missed = self.known(position), -math.inf, "", ""
        stages = [(self.question.asker.stage(one.quantity), 1, one) for one in self.order]
        pending = [one for one in stages if one[0] <= depth]
        steps: list[tuple[int, int, Limit | None]] = [*pending, (self.stage, 0, None)]
        for _, _, limit in sorted(steps, key=lambda one: one[:2]):
            name = self.question.objective if limit is None else limit.quantity
            try:
                value = float(point.value(name).value)
            except GigawattError as error:
                excess, reason = math.inf, f"{error.key}: {error.message}" if error.key else error.message
                break
            if math.isnan(value):
                excess, reason = math.inf, f"{name} is not defined"
                break
            amounts[name] = value
            if limit is None:
                score = self.sign * value
                if score >= beat and not whole:
                    break
                continue
            miss = limit.excess(value)
            miss = 0.0 if 0.0 < miss <= _TOLERANCE else miss
            if miss > max(excess, 0.0):
                missed = limit.quantity
            excess = max(excess, miss)
            if excess > 0.0 and not whole:
                break
        if excess == -math.inf:
            excess = -1.0
        self.tried[position] = Tried(self.words(position), amounts, excess, reason, missed, score)
        return Seen(position, score, excess)

    def search(self, start: Position | None = None) -> Found:
        axes, cheap = self.question.axes, self.stage == 0
        depths = {self.question.asker.stage(one.quantity) for one in self.limits} | {0}
        space = Space(
            tuple(len(axis.values) for axis in axes),
            tuple(axis.ordered for axis in axes),
            tuple(sorted(depths)),
        )
        return search(
            space, self.look, peek=self.peek if cheap else None, every=self.question.every,
            seed=self.question.seed, start=start,
        )  # fmt: skip


def _told(question: Question, limits: Sequence[Limit]) -> dict[str, object]:
    """Keys that hand a limit to the plan of supply, unless the question or the scenario sets them itself."""
    asker = question.asker
    own = {*asker.base.lines, *asker.settings, *(axis.key for axis in question.axes)}
    return {
        _OF_PLAN[one.quantity]: one.show(one.value)
        for one in limits
        if one.most and one.quantity in _OF_PLAN and _OF_PLAN[one.quantity] not in own
    }


def solve(question: Question, progress: Progress | None = None) -> Answer:
    """The best point of a question; where there is none, the nearest and by how much it misses.

    Parameters
    ----------
    question : Question
        Unknowns, limits, objective.
    progress : callable, optional
        Called with (what is looked at, share done).

    Raises
    ------
    InputError
        No unknown, an unknown twice, limits that contradict or repeat one another.
    """
    if not question.axes:
        raise InputError(
            "nothing to find", key="--find", allowed="KEY=RANGE, such as machine.count=1024..8192"
        )
    keys = [axis.key for axis in question.axes]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise InputError("given twice", key=f"--find {twice}")
    check_limits(question.limits)
    started = time.process_time()
    looker = _Looker(question, question.limits, progress)
    found = looker.search()
    if found.best is None:
        return _nearest(question, looker, found, started)
    position = found.best.position
    looker.look(position, math.inf, whole=True)
    amounts = looker.tried[position].amounts
    changes = looker.changes(position)
    kept = tuple(
        _widened(question, looker, index, amounts[one.quantity], position, found.best.score, progress)
        for index, one in enumerate(question.limits)
    )
    wanted = question.asker.at(changes).value(question.objective)
    return _answered(
        question, looker, found, started, found=True, values=looker.words(position), changes=changes,
        objective=amounts[question.objective], grade=wanted.grade, kept=kept,
        at_end=_at_end(question, position),
    )  # fmt: skip


def _answered(question: Question, looker: _Looker, search: Found, started: float, **its: Any) -> Answer:
    """An answer with what every search says: how it went, what it tried, what it refused."""
    return Answer(
        question=question,
        method="; ".join([search.method, *search.remarks]),
        exact=search.exact,
        points=len(looker.tried),
        computed=question.asker.computed,
        tried=tuple(looker.tried.values()),
        reasons=_reasons(looker),
        notices=_notices(question, looker),
        cpu_seconds=time.process_time() - started,
        **its,
    )


def _widened(
    question: Question,
    looker: _Looker,
    index: int,
    value: float,
    position: Position,
    score: float,
    progress: Progress | None,
) -> Kept:
    """A limit at the answer, and what the same question gives with more room for it alone."""
    limit = question.limits[index]
    room = -limit.excess(value)
    binds = room <= BINDS
    limits = [one if i != index else one.relaxed(_WIDER) for i, one in enumerate(question.limits)]
    again = _Looker(question, limits, progress)
    best = again.search(position).best
    better = best is not None and best.score < score
    wider = best.score * again.sign if best is not None else None
    gain = abs(best.score - score) / abs(score) if better and best is not None and score else 0.0
    there = ", ".join(again.words(best.position).values()) if better and best is not None else ""
    stopped = sum(
        1 for one in looker.tried.values() if one.missed == limit.quantity and not one.score >= score
    )
    return Kept(limit, value, room, binds, _WIDER, wider, gain, there, stopped)


def _at_end(question: Question, position: Position) -> tuple[str, ...]:
    """Ordered unknowns that lie at an end of their range."""
    found: list[str] = []
    for axis, at in zip(question.axes, position, strict=True):
        last = 1.0 if axis.continuous else len(axis.values) - 1.0
        if axis.ordered and last > 0.0 and (at <= 1e-3 * last or at >= last * (1.0 - 1e-3)):
            found.append(axis.key)
    return tuple(found)


def _nearest(question: Question, looker: _Looker, found: Found, started: float) -> Answer:
    """Where nothing keeps all limits: the point that misses its worst limit by the least part of it."""
    close = sorted(looker.tried, key=lambda one: looker.tried[one].excess)[: _FULL * 4]
    whole: list[Position] = []
    for position in close:
        seen = looker.look(position, math.inf, whole=True)
        if math.isfinite(seen.excess):
            whole.append(position)
        if len(whole) >= _FULL:
            break
    values: Mapping[str, str] = {}
    changes: Mapping[str, object] = {}
    amounts: Mapping[str, float] = {}
    if whole:
        best = min(whole, key=lambda one: looker.tried[one].excess)
        values, changes, amounts = looker.words(best), looker.changes(best), looker.tried[best].amounts
    kept = tuple(
        Kept(one, amounts.get(one.quantity), _room(one, amounts), _room(one, amounts) <= BINDS)
        for one in question.limits
    )
    return _answered(
        question, looker, found, started, found=False, values=values, changes=changes,
        objective=amounts.get(question.objective), grade=None, kept=kept, at_end=(),
    )  # fmt: skip


def _room(limit: Limit, amounts: Mapping[str, float]) -> float:
    return -limit.excess(amounts[limit.quantity]) if limit.quantity in amounts else math.nan


def _reasons(looker: _Looker) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in looker.tried.values():
        if one.reason:
            found[one.reason] = found.get(one.reason, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1])[:5])


def _notices(question: Question, looker: _Looker) -> tuple[str, ...]:
    told = [
        f"the limit on {name} was given to the plan of supply as {key}"
        for name, key in _OF_PLAN.items()
        if key in looker.told
    ]
    asker = question.asker
    if any(axis.key == LAYERS for axis in question.axes) and not asker.base.serves:
        held = "training.tokens" in asker.settings or any(a.key == "training.tokens" for a in question.axes)
        if not held:
            told.append("a model of another size is trained on the scenario's tokens per active parameter")
    return tuple(told)
