"""Searching a space of unknowns for the best point within limits; what was searched is said.

A position has for each unknown the number of its value, or a share from 0 to 1 where it is continuous.
Nothing is taken to be monotone that was not seen to be:

*every point*: a small space, exactly; best first where the score costs nothing.
*along*: one long unknown, for every combination of the others: scanned, then bisected where the scan was
monotone, else looked at value by value inside the brackets; brackets of a continuous one are solved by brentq
(limits) and bounded minimisation (score).
*evolution*: several long unknowns: differential evolution, then descent to a point no neighbour of which is
better.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["SEED", "Found", "Look", "Position", "Seen", "Space", "search"]

Position = tuple[float, ...]
SEED = 0
"""Of the differential evolution, where nobody says which."""
_SCAN = 9
_SCAN_SCORE = 17
_ALL_INSIDE = 40
_VALLEYS = 3
_COMBINATIONS = 64
_EDGE = 1e-4
_CLOSE = 1e-3
_GENERATIONS, _PEOPLE = 24, 10
_ROUNDS = 6


@dataclass(frozen=True)
class Seen:
    """What a look at a position gave.

    ``score`` is minimised (``nan``: not known); ``excess`` is by how much of a limit the worst one is missed
    (at most 0: all are kept; infinite: the point cannot be computed).
    """

    position: Position
    score: float
    excess: float

    @property
    def feasible(self) -> bool:
        """Whether every limit is kept and the score known."""
        return self.excess <= 0.0 and not math.isnan(self.score)


Look = Callable[[Position, float, int], Seen]
"""(position, score to beat, depth) → what was seen: limits up to that depth of cost; one that cannot beat the
score need not be looked at further."""
Peek = Callable[[Position], float]


@dataclass(frozen=True)
class Space:
    """Numbers of values of each unknown (0: continuous), whether they have an order, depths of the limits.

    ``depths`` rise with what a limit of that depth costs to look at; limits of a depth are looked at after
    those of all lower ones.
    """

    sizes: tuple[int, ...]
    ordered: tuple[bool, ...]
    depths: tuple[int, ...] = (0,)

    @property
    def count(self) -> float:
        """Points; infinite where an unknown is continuous."""
        return math.inf if 0 in self.sizes else float(math.prod(self.sizes))


@dataclass
class Found:
    """The best position, if any keeps the limits; how it was searched; whether that is exact."""

    best: Seen | None
    method: str
    exact: bool
    remarks: list[str] = field(default_factory=list[str])


def search(
    space: Space,
    look: Look,
    *,
    peek: Peek | None = None,
    every: int = 400,
    seed: int = SEED,
    start: Position | None = None,
) -> Found:
    """The position of least score within all limits.

    Parameters
    ----------
    space : Space
        The unknowns.
    look : callable
        Computes a position.
    peek : callable, optional
        The score alone, where it costs next to nothing.
    every : int
        Points up to which all are looked at.
    seed : int
        Of the evolution.
    start : tuple, optional
        A position to begin with, such as the best one under tighter limits.
    """
    run = _Run(space, look, peek)
    if start is not None:
        run.see(start)
    if space.count <= every:
        return run.every_point()
    long = max(range(len(space.sizes)), key=lambda k: space.sizes[k] or math.inf)
    others = [n for k, n in enumerate(space.sizes) if k != long]
    if 0 not in others and math.prod(others) <= _COMBINATIONS and space.ordered[long]:
        return run.along(long)
    return run.evolution(seed)


class _Run:
    def __init__(self, space: Space, look: Look, peek: Peek | None) -> None:
        self.space, self.look, self.peek = space, look, peek
        self.best: Seen | None = None
        self.deepest = max(space.depths, default=0)
        self.bisected = self.walked = 0

    def see(self, position: Position) -> Seen:
        """A look that keeps the best."""
        beat = math.inf if self.best is None else self.best.score
        seen = self.look(position, beat, self.deepest)
        if seen.feasible and (
            seen.score < beat
            or (self.best is not None and seen.score == beat and position < self.best.position)
        ):
            self.best = seen
        return seen

    def every_point(self) -> Found:
        points = [tuple(map(float, p)) for p in itertools.product(*(range(n) for n in self.space.sizes))]
        words = f"every one of {len(points):,} points"
        if self.peek is None:
            for point in points:
                self.see(point)
            return Found(self.best, words, True)
        score = {point: self.peek(point) for point in points}
        for point in sorted(points, key=lambda one: (_last(score[one]), one)):
            if self.best is not None and not score[point] < self.best.score:
                break
            self.see(point)
        return Found(self.best, f"{words}, the best first", True)

    def along(self, long: int) -> Found:
        sizes = self.space.sizes
        others = [range(n) if k != long else range(1) for k, n in enumerate(sizes)]
        combinations = list(itertools.product(*others))
        for chosen in combinations:

            def place(at: float, chosen: tuple[int, ...] = chosen) -> Position:
                return tuple(at if k == long else float(v) for k, v in enumerate(chosen))

            if sizes[long] == 0:
                self._continuous(place)
            elif self.peek is not None:
                self._first(place, sizes[long])
            else:
                self._valleys(place, 0, sizes[long] - 1)
        words = f"{len(combinations):,} combinations, along unknown {long + 1} of each"
        found = Found(self.best, words, False)
        if self.bisected:
            found.remarks.append(f"bisected in {self.bisected}, where the scan was monotone")
        if self.walked:
            found.remarks.append(f"looked at value by value in {self.walked}, where it was not")
        return found

    def _first(self, place: Callable[[float], Position], size: int) -> None:
        """The first of the values, best score first, that keeps the limits."""
        assert self.peek is not None
        beat = math.inf if self.best is None else self.best.score
        scores = {i: self.peek(place(float(i))) for i in range(size)}
        better = sorted((i for i in scores if scores[i] < beat), key=lambda i: (scores[i], i))
        if not better:
            return
        first: int | None = 0
        for depth in sorted(set(self.space.depths)) or [0]:
            first = self._first_at([place(float(i)) for i in better], first, depth)
            if first is None:
                return
        self.see(place(float(better[first])))

    def _first_at(self, places: list[Position], start: int, depth: int) -> int | None:
        """The first place from ``start`` on that keeps the limits up to a depth, if any was seen."""
        seen: dict[int, Seen] = {}

        def kept(j: int) -> bool:
            if j not in seen:
                seen[j] = self.look(places[j], math.inf, depth)
            return seen[j].excess <= 0.0

        if kept(start):
            return start
        at = [start + j for j in _spread(len(places) - start, _SCAN)]
        pattern = [kept(j) for j in at]
        if not any(pattern):
            for j in _around([seen[j].excess for j in at], at):
                kept(j)
            hits = [j for j in seen if seen[j].excess <= 0.0]
            return self._walk(kept, start, min(hits)) if hits else None
        k = pattern.index(True)
        if not all(pattern[k:]):
            return self._walk(kept, start, at[k])
        self.bisected += 1
        low, first = at[k - 1], at[k]
        while first - low > 1:
            middle = (low + first) // 2
            low, first = (low, middle) if kept(middle) else (middle, first)
        return first

    def _walk(self, kept: Callable[[int], bool], start: int, stop: int) -> int:
        """The first value from ``start`` to ``stop`` that keeps the limits; ``stop`` does."""
        self.walked += 1
        return next(j for j in range(start, stop + 1) if kept(j))

    def _valleys(self, place: Callable[[float], Position], low: int, high: int) -> None:
        """The least score among whole numbers: a scan, then inside the brackets of its valleys."""
        if high - low + 1 <= _ALL_INSIDE:
            for i in range(low, high + 1):
                self.see(place(float(i)))
            return
        at = [low + j for j in _spread(high - low + 1, _SCAN_SCORE)]
        ranks = [_rank(self.look(place(float(i)), math.inf, self.deepest)) for i in at]
        for i in at:
            self.see(place(float(i)))
        for j in _minima(ranks):
            left, right = at[max(j - 1, 0)], at[min(j + 1, len(at) - 1)]
            self._valleys(place, left, right)

    def _continuous(self, place: Callable[[float], Position]) -> None:
        """The least score over a share from 0 to 1: a scan, edges of the limits, bottoms of the valleys."""
        from scipy.optimize import brentq, minimize_scalar

        shares = np.linspace(0.0, 1.0, _SCAN_SCORE)
        seen = [self.look(place(float(x)), math.inf, self.deepest) for x in shares]
        for one in seen:
            self.see(one.position)
        for a, b, x, y in zip(seen[:-1], seen[1:], shares[:-1], shares[1:], strict=True):
            if a.feasible == b.feasible:
                continue
            if math.isfinite(a.excess) and math.isfinite(b.excess) and a.excess * b.excess < 0.0:

                def gap(at: float) -> float:
                    return self.look(place(float(at)), math.inf, self.deepest).excess

                root = float(brentq(gap, x, y, xtol=_EDGE * float(y - x)))  # pyright: ignore
                inside = _EDGE * float(y - x) * (1.0 if b.feasible else -1.0)
                for shift in (0.0, inside, 4.0 * inside):
                    self.see(place(min(max(root + shift, 0.0), 1.0)))
            else:
                self._edge(place, float(x), float(y), a.feasible)
        ranks = [_rank(one) for one in seen]
        for j in _minima(ranks):
            left, right = float(shares[max(j - 1, 0)]), float(shares[min(j + 1, len(shares) - 1)])

            def height(at: float, scale: float = seen[j].score) -> float:
                return _height(self.see(place(float(at))), scale)

            options = {"maxiter": 24, "xatol": _CLOSE * (right - left)}
            minimize_scalar(height, bounds=(left, right), method="bounded", options=options)

    def _edge(self, place: Callable[[float], Position], low: float, high: float, left: bool) -> None:
        """Halving towards the edge of what can be computed, of which ``left`` says the side."""
        for _ in range(14):
            middle = 0.5 * (low + high)
            if self.see(place(middle)).feasible == left:
                low = middle
            else:
                high = middle

    def evolution(self, seed: int) -> Found:
        from scipy.optimize import differential_evolution

        sizes = self.space.sizes
        bounds = [(0.0, 1.0) if n == 0 else (0.0, n - 1.0) for n in sizes]
        scale = 1.0 if self.best is None else abs(self.best.score) or 1.0

        def height(x: np.ndarray) -> float:
            place = tuple(float(v) if n == 0 else float(round(v)) for v, n in zip(x, sizes, strict=True))
            return _height(self.see(place), scale)

        made = differential_evolution(
            height, bounds, integrality=[n > 0 for n in sizes], rng=seed, polish=False, tol=1e-6,
            maxiter=_GENERATIONS, popsize=_PEOPLE, init="sobol",
        )  # fmt: skip
        rounds = self._descend()
        found = Found(self.best, f"differential evolution, seed {seed}, {made.nit} generations", False)
        found.remarks.append(f"then {rounds} rounds of looking at all neighbours, until none was better")
        return found

    def _descend(self) -> int:
        for number in range(1, _ROUNDS * 8):
            before = self.best
            if before is None:
                return 0
            for k, n in enumerate(self.space.sizes):
                for value in self._neighbours(before.position[k], n, self.space.ordered[k], number):
                    self.see((*before.position[:k], value, *before.position[k + 1 :]))
            if self.best is before and (0 not in self.space.sizes or number >= _ROUNDS):
                return number
        return _ROUNDS * 8

    @staticmethod
    def _neighbours(at: float, size: int, ordered: bool, round_: int) -> list[float]:
        if size == 0:
            step = 0.1 * 0.4**round_
            return [min(max(at + s, 0.0), 1.0) for s in (-step, step)]
        if ordered:
            return [v for v in (at - 1.0, at + 1.0) if 0.0 <= v < size]
        return [float(v) for v in range(size) if v != at]


def _last(score: float) -> float:
    return math.inf if math.isnan(score) else score


def _rank(seen: Seen) -> tuple[int, float]:
    """Feasible before infeasible; of the former the least score, of the latter the least excess."""
    if seen.feasible:
        return 0, seen.score
    return 1, math.inf if math.isnan(seen.excess) else seen.excess


def _height(seen: Seen, scale: float) -> float:
    """One number in the same order: 0 to 1 for what keeps the limits, above 1 for what does not."""
    if seen.feasible:
        return 0.5 + math.atan(seen.score / (abs(scale) or 1.0)) / math.pi
    return 1.0 + min(seen.excess, 1e6) if not math.isnan(seen.excess) else 1e7


def _spread(count: int, most: int) -> list[int]:
    """At most so many numbers of 0 to count − 1, evenly apart, both ends among them."""
    return sorted({round(x) for x in np.linspace(0, count - 1, min(most, count))})


def _minima(ranks: Sequence[tuple[int, float]]) -> list[int]:
    """Places that no neighbour is below, the lowest first, a few at most; of a level stretch the first."""
    low = [
        j
        for j, one in enumerate(ranks)
        if (j == 0 or one < ranks[j - 1]) and (j == len(ranks) - 1 or one <= ranks[j + 1])
    ]
    return sorted(low, key=lambda j: ranks[j])[:_VALLEYS]


def _around(excess: Sequence[float], at: Sequence[int]) -> list[int]:
    """Numbers inside the brackets around the least excess of a scan, a few dozen at most."""
    found: list[int] = []
    for j in _minima([(1, one) for one in excess]):
        low, high = at[max(j - 1, 0)], at[min(j + 1, len(at) - 1)]
        found += [low + k for k in _spread(high - low + 1, _ALL_INSIDE // 2)]
    return list(dict.fromkeys(found))
