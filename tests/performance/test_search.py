"""The search: same answer as evaluating everything, deterministic, says what is lacking."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.core.errors import InfeasibleError
from gigawatt.machine import build_cluster
from gigawatt.performance import TrainingRun, enumerate_layouts, evaluate, load_stack, search
from gigawatt.performance.degrees import unlike
from gigawatt.performance.known_costs import KnownCosts
from gigawatt.performance.layouts import COLUMNS
from gigawatt.workload import read_architecture


def question(model: str = "llama-3.1-8b", count: int = 16, batch: int = 64):
    run = TrainingRun(read_architecture(model), 1e12, 8192, batch)
    stack = replace(load_stack("megatron-core", 2024), offers=())  # every layout
    return run, build_cluster(chip="H100-SXM5-80GB", count=count)[0], stack


def test_best_is_that_of_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    run, cluster, stack = question()
    monkeypatch.setattr(importlib.import_module("gigawatt.performance.search"), "CHUNK", 257)
    done: list[tuple[int, int]] = []
    found = search(run, cluster, stack, top=7, progress=lambda *at: done.append(at))
    whole = evaluate(run, enumerate_layouts(run, cluster), cluster, stack)
    order = np.argsort(np.where(whole.fits, whole.step_time, np.inf), kind="stable")[:7]
    assert found.looked_at == len(whole)
    assert found.fit == whole.fits.sum()
    assert found.lacking_bytes == 0.0
    assert np.array_equal(found.best.step_time, whole.step_time[order])
    for name in COLUMNS:
        assert np.array_equal(getattr(found.best.layouts, name), getattr(whole.layouts, name)[order])
    for key, column in found.best.energy.items():
        assert np.array_equal(column, whole.energy[key][order])
    assert done[-1] == (len(whole), len(whole))
    assert len(done) > 3


def test_later_layouts_are_taken_where_no_offered_one_fits() -> None:
    """Scores of 8,192 tokens and whole inputs on every rank: 530 billion parameters fit no layout of 2022."""
    run = TrainingRun(read_architecture("gpt-530b"), 1e12, 8192, 7680)
    cluster = build_cluster(chip="A100-SXM4-40GB", count=8192)[0]
    stack = load_stack("deepspeed", 2022)
    found = search(run, cluster, stack, top=1)
    assert found.beyond
    assert found.best.fits.all()
    free = search(run, cluster, replace(stack, offers=()), top=1)
    assert not free.beyond
    assert np.array_equal(found.best.step_time, free.best.step_time)
    assert not search(*question(), top=1).beyond


@pytest.mark.parametrize(("top", "part"), [(1, False), (7, False), (1, True), (300, True)])
def test_rows_are_the_same_whether_counted_or_known(top: int, part: bool) -> None:
    """Memory of the likely ones alone, and costs of layers that another size left: to the last bit."""
    known = KnownCosts()
    fill = 0.4 if part and top == 1 else 0.0
    for model, count, batch in (
        ("llama-3.1-8b", 48, 96), ("llama-3.1-8b", 64, 96), ("deepseek-v3", 2048, 15360),
        ("llama-3.1-8b", 16, 64),
    ):  # fmt: skip
        run, cluster, stack = question(model, count, batch)
        run = replace(run, uneven=part)
        plain = search(run, cluster, stack, top=top, part=part, fill=fill)
        quick = search(run, cluster, stack, top=top, part=part, fill=fill, counted=False, known=known)
        assert quick.looked_at == plain.looked_at
        assert quick.fit <= plain.fit
        assert quick.best.to_frame().equals(plain.best.to_frame())


def test_uncounted_searches_go_beyond_and_lack_the_same() -> None:
    run = TrainingRun(read_architecture("gpt-530b"), 1e12, 8192, 7680)
    cluster, stack = build_cluster(chip="A100-SXM4-40GB", count=8192)[0], load_stack("deepspeed", 2022)
    plain, quick = (search(run, cluster, stack, top=1, counted=counted) for counted in (True, False))
    assert plain.beyond
    assert quick.beyond
    assert quick.best.to_frame().equals(plain.best.to_frame())
    said = list[str]()
    for counted in (True, False):
        with pytest.raises(InfeasibleError) as raised:
            search(*question("llama-3.1-405b", count=8, batch=8), counted=counted)
        said.append(str(raised.value))
    assert said[0] == said[1]


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=40),
    st.integers(1, 10**6),
)
def test_unlike_rows_are_those_of_numpy(runs: list[tuple[int, int, int]], far: int) -> None:
    one, two, lengths = (np.array(column) for column in zip(*runs, strict=True))
    for last in (0, far):
        columns = [np.append(np.repeat(column, lengths), last) for column in (one, two)]
        _, first, inverse = np.unique(np.stack(columns), axis=1, return_index=True, return_inverse=True)
        mine = unlike(columns)
        assert np.array_equal(mine[0], first)
        assert np.array_equal(mine[1], inverse.reshape(-1))


def test_the_same_question_has_the_same_answer() -> None:
    run, cluster, stack = question()
    one, two = (search(run, cluster, stack, {"tensor": 2}) for _ in range(2))
    assert one.best.to_frame().equals(two.best.to_frame())
    assert set(one.best.layouts.tensor) == {2}
    assert np.all(np.diff(one.best.step_time) >= 0.0)


def test_nothing_fits_and_by_how_much() -> None:
    run, cluster, stack = question("llama-3.1-405b", count=8, batch=8)
    with pytest.raises(InfeasibleError) as raised:
        search(run, cluster, stack)
    whole = evaluate(run, enumerate_layouts(run, cluster), cluster, stack)
    lacking = (whole.memory_total.min() - cluster.chip.memory_bytes) / 1e9
    assert f"lacks {lacking:.4g} GB per device" in str(raised.value)
    assert "\n" not in str(raised.value)
