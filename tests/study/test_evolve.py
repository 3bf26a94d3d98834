"""NSGA-II against brute force, known fronts and its own definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.performance.search import non_dominated
from gigawatt.studies.codesign.evolve import crowding, evolve, ranks, spread_out


def every(sizes: tuple[int, ...]) -> np.ndarray:
    return np.array(list(itertools.product(*map(range, sizes))), dtype=np.int64)


@given(st.integers(0, 10_000))
@settings(max_examples=8, derandomize=True, deadline=None)
def test_the_front_of_a_small_space_is_found_exactly(seed: int) -> None:
    """Drawn objectives and limits over 6 × 5 × 4 points; brute force is the oracle."""
    sizes = (6, 5, 4)
    rng = np.random.default_rng(seed)
    table = rng.random((*sizes, 3))
    past = rng.random(sizes) - 0.7
    points = every(sizes)

    def ask(genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return table[tuple(genes.T)], past[tuple(genes.T)]

    found = evolve(sizes, (True, True, False), ask, population=40, generations=60, seed=1)
    values, excess = ask(points)
    kept = np.flatnonzero(excess <= 0.0)
    best = kept[non_dominated(values[kept])]
    theirs = {tuple(points[i]) for i in best}
    ours = {tuple(found.genes[i]) for i in found.front}
    assert ours == theirs


def test_a_smooth_front_is_covered() -> None:
    """Schaffer's problem on 1,001 values: the front is x from 0 to 2, trading x² against (x − 2)²."""

    def ask(genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x = genes[:, 0] / 100.0 - 5.0
        return np.stack([x**2, (x - 2.0) ** 2], axis=1), np.zeros(len(genes))

    found = evolve([1001], [True], ask, population=60, generations=40, seed=0)
    x = found.genes[found.front, 0] / 100.0 - 5.0
    assert x.min() == pytest.approx(0.0, abs=0.02)
    assert x.max() == pytest.approx(2.0, abs=0.02)
    assert np.all((x >= -1e-9) & (x <= 2.0 + 1e-9))
    assert len(x) > 150
    assert np.max(np.diff(np.sort(x))) < 0.06


def test_the_same_seed_gives_the_same_and_no_point_is_asked_twice() -> None:
    asked: list[tuple[int, ...]] = []

    def ask(genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.extend(map(tuple, genes.tolist()))
        return np.stack([genes[:, 0], 9 - genes[:, 0] + genes[:, 1]], axis=1).astype(float), np.zeros(
            len(genes)
        )

    one = evolve((10, 10), (True, True), ask, population=20, generations=10, seed=5)
    assert len(asked) == len(set(asked))
    other = evolve((10, 10), (True, True), ask, population=20, generations=10, seed=5)
    assert np.array_equal(one.genes, other.genes)
    assert np.all(np.diff(one.history, axis=0) <= 0.0)


def test_points_to_begin_with_are_kept_where_none_beats_them() -> None:
    needle = (37, 91)

    def ask(genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hit = np.all(genes == needle, axis=1)
        return np.where(hit, 0.0, 1.0 + genes.sum(axis=1))[:, None], np.zeros(len(genes))

    found = evolve((100, 100), (True, True), ask, population=8, generations=2, start=np.array([needle]))
    assert tuple(found.genes[found.front[0]]) == needle


def test_ranks_are_layers_and_what_passes_a_limit_comes_last() -> None:
    values = np.array([[1.0, 4.0], [2.0, 2.0], [4.0, 1.0], [3.0, 3.0], [5.0, 5.0], [0.0, 0.0], [0.0, 1.0]])
    excess = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 1.0])
    assert list(ranks(values, excess)) == [0, 0, 0, 1, 2, 4, 3]


def test_crowding_is_the_box_around_a_point() -> None:
    values = np.array([[0.0, 4.0], [1.0, 2.0], [4.0, 0.0]])
    found = crowding(values)
    assert np.isinf(found[[0, 2]]).all()
    assert found[1] == pytest.approx(2.0)
    assert len(spread_out(values, 2)) == 2


@pytest.mark.parametrize(("population", "sizes"), [(3, (2,)), (7, (2,)), (4, (0,))])
def test_what_cannot_be_searched_is_refused(population: int, sizes: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        evolve(
            sizes, [True] * len(sizes), lambda g: (g.astype(float), np.zeros(len(g))), population=population
        )
