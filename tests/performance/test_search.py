"""The search: same answer as evaluating everything, deterministic, says what is lacking."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from gigawatt.core.errors import InfeasibleError
from gigawatt.machine import build_cluster
from gigawatt.performance import TrainingRun, default_stack, enumerate_layouts, evaluate, load_stack, search
from gigawatt.performance.layouts import COLUMNS
from gigawatt.workload import read_architecture


def question(model: str = "llama-3.1-8b", count: int = 16, batch: int = 64):
    run = TrainingRun(read_architecture(model), 1e12, 8192, batch)
    return run, build_cluster(chip="H100-SXM5-80GB", count=count)[0], load_stack("megatron-core-2024")


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
    stack = load_stack("deepspeed-2022")
    found = search(run, cluster, stack, top=1)
    assert found.beyond
    assert found.best.fits.all()
    free = search(run, cluster, replace(stack, offers=()), top=1)
    assert not free.beyond
    assert np.array_equal(found.best.step_time, free.best.step_time)
    assert not search(*question(), top=1).beyond


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


def test_stack_of_a_chip_and_year() -> None:
    chips = {
        name: build_cluster(chip=name, count=8)[0].chip for name in ("A100-SXM4-80GB", "TPU-v5p", "GB200")
    }
    assert default_stack(chips["A100-SXM4-80GB"], 2021) == "megatron-2021"
    assert default_stack(chips["A100-SXM4-80GB"], 2023) == "deepspeed-2024"
    assert default_stack(chips["A100-SXM4-80GB"], 2019) == "megatron-2021"
    assert default_stack(chips["TPU-v5p"], 2026) == "maxtext-2024"
    assert default_stack(chips["GB200"], 2026) == "nemo-2025"
