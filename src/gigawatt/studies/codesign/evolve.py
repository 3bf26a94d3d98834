"""Several objectives at once over whole numbers: NSGA-II with limits, and everything that it saw.

Written here since the well-kept package for it brings 16 others and 130 MB for what are two pages; it is held
to brute force on small spaces and, in ``benchmarks/``, to that package.

References
----------
Deb, Pratap, Agarwal, Meyarivan 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
Trans. Evolutionary Computation 6(2). Limits: Deb 2000, "An efficient constraint handling method for genetic
algorithms", Comput. Methods Appl. Mech. Eng. 186.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.search import non_dominated

__all__ = ["Evolved", "check_population", "crowding", "evolve", "ranks", "spread_out"]

Array = NDArray[np.float64]
Genes = NDArray[np.int64]
Evaluate = Callable[[Genes], tuple[Array, Array]]
"""Genes (P, G) → (values (P, M) that are minimised, excess (P,): 0 or less where every limit is kept)."""
Progress = Callable[[str, float], None]

_CROSSED = 0.9
_BETWEEN = 0.3
_JUMP = 0.35


@dataclass(frozen=True)
class Evolved:
    """Every point that was evaluated: ``genes (N, G)``, ``values (N, M)``, ``excess (N,)``.

    ``front`` are the rows that keep the limits and that no other one beats; ``history`` the least value of
    each objective after each generation ``(generations + 1, M)``.
    """

    genes: Genes
    values: Array
    excess: Array
    front: NDArray[np.intp]
    history: Array


def check_population(population: int) -> None:
    """Raise ``InputError`` for a population below 4 or an odd one."""
    if population < 4 or population % 2:
        raise InputError("not a population", key="--population", given=population, allowed="4, 6, 8 …")


def ranks(values: Array, excess: Array) -> NDArray[np.int64]:
    """Rank of each row: 0 for the front, 1 for what only the front beats …; those past a limit come last.

    Parameters
    ----------
    values : array (N, M)
        Minimised.
    excess : array (N,)
        Above 0 where a limit is passed; such rows are ranked among themselves by it.
    """
    found = np.full(len(values), -1, dtype=np.int64)
    kept = np.flatnonzero(excess <= 0.0)
    rank = 0
    if len(kept):
        mine = values[kept]
        no_worse = np.all(mine[:, None, :] <= mine[None, :, :], axis=2)
        better = np.any(mine[:, None, :] < mine[None, :, :], axis=2)
        beats = no_worse & better
        count = beats.sum(axis=0)
        left = np.ones(len(kept), dtype=bool)
        while left.any():
            now = left & (count == 0)
            found[kept[now]] = rank
            count = count - beats[now].sum(axis=0)
            left &= ~now
            rank += 1
    past = np.flatnonzero(excess > 0.0)
    order = past[np.argsort(excess[past], kind="stable")]
    found[order] = rank + np.arange(len(order))
    return found


def crowding(values: Array) -> Array:
    """How far the neighbours of each row of a front lie, over all objectives; infinite at the ends."""
    n, m = values.shape
    if n <= 2:
        return np.full(n, np.inf)
    found = np.zeros(n)
    for k in range(m):
        order = np.argsort(values[:, k], kind="stable")
        column = values[order, k]
        wide = column[-1] - column[0]
        found[order[0]] = found[order[-1]] = np.inf
        if wide > 0.0:
            found[order[1:-1]] += (column[2:] - column[:-2]) / wide
    return found


def spread_out(values: Array, most: int) -> NDArray[np.intp]:
    """At most so many rows of a front, as far apart as they go: the most crowded are left out one by one."""
    rows = np.arange(len(values))
    while len(rows) > most:
        rows = np.delete(rows, int(np.argmin(crowding(values[rows]))))
    return rows


def evolve(
    sizes: Sequence[int],
    ordered: Sequence[bool],
    evaluate: Evaluate,
    *,
    population: int = 100,
    generations: int = 40,
    seed: int = 0,
    start: Genes | None = None,
    progress: Progress | None = None,
) -> Evolved:
    """The front of a space of whole numbers.

    Parameters
    ----------
    sizes : sequence of int (G,)
        Gene g takes 0 to sizes[g] − 1.
    ordered : sequence of bool (G,)
        Whether neighbouring values are alike.
    evaluate : callable
        Genes (P, G) → values (P, M), excess (P,). No point is asked for twice.
    population, generations : int
        Even and at least 4; 0 or more.
    seed : int
        The same seed gives the same answer.
    start : array (S, G), optional
        Points to begin with; the rest is drawn evenly over each gene.
    progress : callable, optional
        Called with (words, share done).

    Raises
    ------
    InputError
        A population below 4 or odd, a gene without values.
    """
    check_population(population)
    if min(sizes, default=0) < 1:
        raise InputError("a gene without values", key="sizes", given=str(list(sizes)))
    rng, size = np.random.default_rng(seed), np.asarray(sizes, dtype=np.int64)
    near = np.asarray(ordered, dtype=bool)
    known: dict[bytes, tuple[Genes, Array, float]] = {}

    def asked(genes: Genes) -> tuple[Array, Array]:
        new = {row.tobytes(): row for row in genes if row.tobytes() not in known}
        if new:
            rows = np.stack(list(new.values()))
            values, excess = evaluate(rows)
            for row, value, miss in zip(rows, values, excess, strict=True):
                known[row.tobytes()] = (row, value, float(miss))
        found = [known[row.tobytes()] for row in genes]
        return np.stack([one[1] for one in found]), np.array([one[2] for one in found])

    genes = _evenly(size, population, rng)
    if start is not None:
        first = np.unique(np.asarray(start, dtype=np.int64), axis=0)[:population]
        genes[: len(first)] = first
    values, excess = asked(genes)
    history = [_least(known)]
    for generation in range(generations):
        if progress is not None:
            progress(f"Generation {generation + 1}, {len(known):,} designs", generation / generations)
        rank = ranks(values, excess)
        apart = _apart(values, rank)
        parents = _tournament(rank, apart, population, rng)
        children = _children(genes[parents], size, near, rng)
        theirs, miss = asked(children)
        genes, at = np.unique(np.concatenate([genes, children]), axis=0, return_index=True)
        values, excess = np.concatenate([values, theirs])[at], np.concatenate([excess, miss])[at]
        rank = ranks(values, excess)
        order = np.lexsort((-_apart(values, rank), rank))[:population]
        genes, values, excess = genes[order], values[order], excess[order]
        history.append(_least(known))
    every = list(known.values())
    seen, value = np.stack([one[0] for one in every]), np.stack([one[1] for one in every])
    past = np.array([one[2] for one in every])
    kept = np.flatnonzero(past <= 0.0)
    front = kept[non_dominated(value[kept])] if len(kept) else kept
    return Evolved(seen, value, past, front, np.stack(history))


def _evenly(size: Genes, count: int, rng: np.random.Generator) -> Genes:
    """A Latin hypercube of whole numbers (count, G)."""
    places = np.stack([rng.permutation(count) for _ in size], axis=1)
    shares = (places + rng.random(places.shape)) / count
    return np.minimum((shares * size).astype(np.int64), size - 1)


def _least(known: dict[bytes, tuple[Genes, Array, float]]) -> Array:
    rows = [value for _, value, miss in known.values() if miss <= 0.0]
    if not rows:
        return np.full(len(next(iter(known.values()))[1]), np.nan)
    return np.min(np.stack(rows), axis=0)


def _apart(values: Array, rank: NDArray[np.int64]) -> Array:
    found = np.zeros(len(values))
    for one in np.unique(rank):
        rows = np.flatnonzero(rank == one)
        found[rows] = crowding(values[rows])
    return found


def _tournament(
    rank: NDArray[np.int64], apart: Array, count: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    one, other = rng.integers(0, len(rank), (2, count))
    wins = (rank[one] < rank[other]) | ((rank[one] == rank[other]) & (apart[one] >= apart[other]))
    return np.where(wins, one, other)


def _children(parents: Genes, size: Genes, near: NDArray[np.bool_], rng: np.random.Generator) -> Genes:
    """Crossed in pairs gene by gene, ordered ones also between both; one gene each mutated in the mean."""
    count, number = parents.shape
    mine = parents.copy()
    other = parents[np.arange(count) ^ 1]
    crossed = rng.random((count, 1)) < _CROSSED
    taken = crossed & (rng.random(parents.shape) < 0.5)
    mine = np.where(taken, other, mine)
    low, high = np.minimum(parents, other), np.maximum(parents, other)
    between = low + np.floor(rng.random(parents.shape) * (high - low + 1)).astype(np.int64)
    mine = np.where(crossed & near & (rng.random(parents.shape) < _BETWEEN), between, mine)
    changed = rng.random(parents.shape) < max(1.0 / number, 0.02)
    step = rng.geometric(_JUMP, parents.shape) * np.where(rng.random(parents.shape) < 0.5, -1, 1)
    stepped = np.clip(mine + step, 0, size - 1)
    drawn = np.floor(rng.random(parents.shape) * size).astype(np.int64)
    return np.where(changed, np.where(near, stepped, drawn), mine)
