"""Cuts into stages: equal, pinned ends, balanced against brute force; what devices hold."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.performance.schedules.pipeline import StageTimes, balanced, chunks, cut, cuts, in_flight
from gigawatt.workload import read_architecture


def longest(times: list[float], sizes: list[int], first: float, last: float) -> float:
    runs, at = [], 0
    for size in sizes:
        runs.append(sum(times[at : at + size]))
        at += size
    runs[0] += first
    runs[-1] += last
    return max(runs)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(0.1, 3.0), min_size=1, max_size=9),
    st.integers(1, 9),
    st.floats(0.0, 4.0),
    st.floats(0.0, 4.0),
)
def test_balanced_is_the_best_of_all_cuts(times: list[float], runs: int, first: float, last: float) -> None:
    runs = min(runs, len(times))
    (sizes,) = balanced(layers=times, runs=runs, first=first, last=last)
    assert len(sizes) == runs
    assert sizes.sum() == len(times)
    assert sizes.min() >= 1
    every = [
        np.diff([0, *inner, len(times)]).tolist() for inner in combinations(range(1, len(times)), runs - 1)
    ]
    best = min(longest(times, one, first, last) for one in every)
    assert longest(times, sizes.tolist(), first, last) == pytest.approx(best, rel=1e-9)


def test_balanced_for_many_numbers_of_runs_at_once() -> None:
    rng = np.random.default_rng(0)
    times = rng.uniform(0.5, 1.5, 126)
    together = balanced(layers=times, runs=np.arange(1, 127), first=0.2, last=2.0)
    for runs in (1, 2, 16, 17, 64, 126):
        (alone,) = balanced(layers=times, runs=runs, first=0.2, last=2.0)
        assert (together[runs - 1] == alone).all()
    worst = [longest(times.tolist(), one.tolist(), 0.2, 2.0) for one in together]
    assert (np.diff(worst) <= 1e-12).all()


def test_a_heavy_head_takes_layers_off_the_last_stage() -> None:
    """Llama 3 405B gave its first and last stage one layer less (arXiv:2407.21783, section 3.3.2)."""
    (sizes,) = balanced(layers=np.ones(126), runs=16, first=1.0, last=1.0)
    assert sizes.tolist() == [7, *[8] * 14, 7]
    (sizes,) = balanced(layers=np.ones(126), runs=16, first=0.0, last=3.0)
    assert sizes[-1] == 6  # and the head, worth three layers: nine, as the longest of the others
    assert longest([1.0] * 126, sizes.tolist(), 0.0, 3.0) == 9.0


def test_explicit_sizes_and_the_v() -> None:
    order = (0, 0, 1, 1, 1, 1)
    counts = cut(order=order, kinds=2, pipeline=2, interleave=1, sizes=[4, 2])
    assert counts.tolist() == [[2, 2], [0, 2]]
    loop = cut(order=order, kinds=2, pipeline=2, interleave=2, sizes=[1, 1, 1, 3])
    assert loop.tolist() == [[1, 1], [1, 3]]
    both = cut(order=order, kinds=2, pipeline=2, interleave=2, sizes=[1, 1, 1, 3], shape="v")
    assert both.tolist() == [[1, 3], [1, 1]]
    with pytest.raises(InputError, match="allowed: 2 sizes of 0 or more, 6 layers together"):
        cut(order=order, kinds=2, pipeline=2, interleave=1, sizes=[4, 3])
    with pytest.raises(InputError, match="given 9; allowed: 1 to 3"):
        balanced(layers=np.ones(3), runs=9)


def test_cuts_by_time_are_never_longer_than_equal_ones() -> None:
    model = read_architecture("deepseek-v3")
    kinds = np.array([0.5 if block.experts is None else 1.0 for block in model.blocks])
    times = StageTimes(kinds=kinds, embedding=0.1, head=1.7)
    pipeline = np.array([1, 4, 8, 16, 16, 61], dtype=np.int32)
    interleave = np.array([1, 1, 2, 1, 2, 1], dtype=np.int32)
    layers = np.array([block.count for block in model.blocks], dtype=float)

    def slowest(found) -> list[float]:  # type: ignore[no-untyped-def]
        stage = found.layers @ kinds + found.embedding * times.embedding + found.head * times.head
        return np.where(found.number > 0, stage, 0.0).max(axis=1)[found.index].tolist()

    equal, timed = cuts(model, pipeline, interleave), cuts(model, pipeline, interleave, times=times)
    for row in range(len(pipeline)):
        number = timed.number[timed.index[row]]
        assert number.sum() == pipeline[row]
        assert (number @ timed.layers[timed.index[row]] == layers).all()
    for row, (a, b) in enumerate(zip(slowest(timed), slowest(equal), strict=True)):
        assert a <= b + 1e-9 or interleave[row] > 1
    assert slowest(timed)[3] < slowest(equal)[3]
    pinned = cuts(model, pipeline, interleave, sizes={(16, 1): [4] * 15 + [1]})
    stage = pinned.layers[pinned.index[3]]
    assert (stage.sum(axis=1) - pinned.head[pinned.index[3]]).max() == 4.0


def test_both_directions_by_layout() -> None:
    model = read_architecture("deepseek-v3")
    pipeline, interleave = np.array([8, 8], dtype=np.int32), np.ones(2, dtype=np.int32)
    mixed = cuts(model, pipeline, interleave, bidirectional=np.array([False, True]))
    one = cuts(model, pipeline[:1], interleave[:1])
    two = cuts(model, pipeline[:1], interleave[:1], bidirectional=True)
    for row, alone in ((0, one), (1, two)):
        at = mixed.index[row]
        kept = mixed.number[at] > 0
        assert mixed.layers[at][kept].tolist() == alone.layers[0][alone.number[0] > 0].tolist()
        assert mixed.head[at] @ mixed.number[at] == 1.0


def test_in_flight_of_split_schedules() -> None:
    stage = np.arange(4)
    given = {"stage": stage, "pipeline": 4, "interleave": 1, "microbatches": 100}
    assert in_flight(**given).tolist() == [4, 3, 2, 1]
    assert in_flight(**given, kind="zb-h1").tolist() == [4, 4, 4, 4]
    assert in_flight(**given, kind="zb-h1", weight_share=0.0).tolist() == [4, 3, 2, 1]
    assert in_flight(**given, kind="zb-h2").tolist() == [7, 7, 7, 7]
    assert in_flight(**given, kind="zb-h2", weight_share=0.0).tolist() == [7, 5, 3, 1]
    assert in_flight(**given, kind="dualpipe").tolist() == [5, 5, 5, 5]


def test_chunks_sum_to_stages() -> None:
    model = read_architecture("deepseek-v3")
    pipeline, interleave = np.array([1, 4, 8, 4], dtype=np.int32), np.array([1, 2, 3, 2], dtype=np.int32)
    for shape in ("loop", "v"):
        found = chunks(model, pipeline, interleave, shape=shape)
        order = tuple(k for k in model.order if model.blocks[k].role != "prediction")
        for row, (p, v) in enumerate(zip(pipeline.tolist(), interleave.tolist(), strict=True)):
            at = found.index[row]
            stage = cut(order=order, kinds=len(model.blocks), pipeline=p, interleave=v, shape=shape)
            by_device = found.layers[at].sum(axis=1)
            predictions = sum(b.count for b in model.blocks if b.role == "prediction")
            assert np.abs(by_device[:p] - stage).sum() == predictions
            assert by_device[p:].sum() == 0.0
            assert found.layers[at].sum() == sum(block.count for block in model.blocks)
            assert found.embedding[at, 0, 0] == found.embedding[at].sum() == found.head[at].sum() == 1.0
            last = 0 if shape == "v" and v % 2 == 0 else p - 1
            assert found.head[at, last, v - 1] == 1.0


def test_rows_alone_and_rows_together_fill_alike() -> None:
    from gigawatt.performance.schedules import pipeline

    rng = np.random.default_rng(4)
    for _ in range(200):
        n = int(rng.integers(1, 60))
        ends = np.concatenate([[0.0], np.cumsum(rng.choice([1.0, 1.5, rng.random()], n))])
        count = rng.integers(1, n + 1, int(rng.integers(1, 9)))
        limit = ends[-1] * rng.random(len(count)) + 0.5
        first, last = rng.random(2)
        one = pipeline._fill_rows(ends, count, limit, first, last)  # pyright: ignore[reportPrivateUsage]
        all_ = pipeline._fill_together(ends, count, limit, first, last)  # pyright: ignore[reportPrivateUsage]
        for mine, theirs, runs in zip(one.starts, all_.starts, count, strict=True):
            assert np.array_equal(mine[: runs + 1], theirs[: runs + 1])
        assert np.array_equal(one.fits, all_.fits)
        assert np.array_equal(one.longest, all_.longest)
        assert np.array_equal(one.wanted, all_.wanted)
