"""The optimum that a search finds is never beaten by pinning a column, nor its floor by a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.machine import Cluster, build_cluster
from gigawatt.performance import Stack, TrainingRun, capped, capped_search, default_stack, evaluate, search
from gigawatt.performance.degrees import divisors
from gigawatt.performance.layouts import COLUMNS, SCHEDULES, layouts_of, not_offered
from gigawatt.performance.search import floor_of, kind_of
from gigawatt.performance.step import evaluate_prepared, prepare
from gigawatt.schema.pins import RARE
from gigawatt.workload import read_architecture

SCENARIOS = (  # model, chip, accelerators, sequences a step, tokens of one, year of the software
    ("llama-3.1-8b", "A100-SXM4-80GB", 8, 64, 4096, 2022),
    ("llama-3.1-8b", "H100-SXM5-80GB", 48, 96, 8192, 2024),
    ("llama-3.1-8b", "TPU-v5p", 64, 512, 2048, 2024),
    ("llama-2-7b", "A100-SXM4-80GB", 128, 1024, 512, 2023),
    ("llama-3.1-8b", "H200-SXM-141GB", 128, 16, 131072, 2025),
    ("mixtral-8x7b", "A100-SXM4-80GB", 64, 256, 4096, 2023),
    ("mixtral-8x7b", "H100-SXM5-80GB", 256, 512, 4096, 2024),
    ("qwen3-235b-a22b", "H100-SXM5-80GB", 512, 1024, 4096, 2025),
    ("llama-3.1-70b", "A100-SXM4-80GB", 512, 512, 4096, 2023),
    ("llama-3.1-70b", "GB200-NVL72", 576, 288, 131072, 2025),
    ("llama-3.1-70b", "TPU-v5p", 1024, 512, 4096, 2024),
    ("gpt3-175b", "A100-SXM4-80GB", 1024, 1536, 2048, 2021),
    ("llama-3.1-405b", "H100-SXM5-80GB", 1024, 256, 8192, 2024),
    ("deepseek-v3", "GB200-NVL72", 1152, 4608, 4096, 2025),
    ("deepseek-v3", "H800-SXM5-80GB", 2048, 15360, 4096, 2024),
    ("gpt-530b", "A100-SXM4-80GB", 2240, 1920, 2048, 2021),
    ("gpt3-175b", "H100-SXM5-80GB", 3584, 1536, 2048, 2023),
    ("llama-3.1-405b", "B200-SXM-180GB", 4096, 1024, 32768, 2025),
    ("gemma-2-27b", "TPU-v5p", 6144, 1024, 8192, 2024),
    ("llama-3.1-405b", "H100-SXM5-80GB", 16384, 2048, 8192, 2024),
)
FEW = (0, 3, 5)
"""Scenarios of the suite that always runs."""


def question(number: int) -> tuple[TrainingRun, Cluster, Stack]:
    model, chip, count, batch, sequence, year = SCENARIOS[number]
    run = TrainingRun(read_architecture(model), 1e12, sequence, batch)
    cluster, _ = build_cluster(chip=chip, count=count)
    return run, cluster, default_stack(cluster.chip, year)


def values_of(run: TrainingRun, cluster: Cluster, few: bool) -> dict[str, list[int]]:
    """Values of every column, sane and beyond; a ``few`` of them where asked."""
    model, every = run.architecture, divisors(cluster.count)
    experts = [block.experts.count for block in model.blocks if block.experts]
    found = {
        "tensor": [d for d in every if d <= 128],
        "pipeline": [d for d in every if d <= model.layers + 2],
        "interleave": list(range(1, min(model.layers, 40) + 1)),
        "data": every,
        "context": [d for d in every if d <= run.sequence],
        "expert": divisors(min(experts)) if experts else [1],
        "zero": [0, 1, 2, 3],
        "microbatch": [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 512],
        "recompute": [0, 1, 2, 3],
        "sequence_parallel": [0, 1],
        "schedule": list(range(len(SCHEDULES))),
        "shard": [0, *(d for d in every if 1 < d <= cluster.scale_up_size)],
        "offload": [0, 1, 2],
    }
    assert set(found) == set(COLUMNS)
    return {name: ([*values[:2], *values[2::3]] if few else values) for name, values in found.items()}


def offering(stack: Stack, name: str, value: int) -> tuple[Stack, tuple[str, ...]]:
    """Software that offers a value as well, and the rare column that is searched for it."""
    offers = tuple((key, (*kept, value) if key == name else kept) for key, kept in stack.offers)
    return replace(stack, offers=offers), (name,) if name in RARE and value else ()


def violations(number: int, few: bool = False) -> Iterator[str]:
    """Pins that beat the search without them, of the software that offers what is pinned."""
    run, cluster, stack = question(number)
    known: dict[Any, float] = {}
    for name, values in values_of(run, cluster, few).items():
        for value in values:
            mine, widen = offering(stack, name, value)
            if name not in widen and not not_offered(stack, {name: value}):
                mine = stack
            try:
                pinned = search(run, cluster, mine, {name: value}, top=1, widen=widen, counted=False)
            except GigawattError:
                continue
            key = (mine.offers, widen)
            if key not in known:
                free = search(run, cluster, mine, top=1, widen=widen, counted=False)
                known[key] = float(free.best.step_time[0])
            step = float(pinned.best.step_time[0])
            if step < known[key]:
                yield f"{SCENARIOS[number]}: {name} {value} takes {step:.6g} s, not {known[key]:.6g} s"


@pytest.mark.parametrize("number", FEW)
def test_no_pin_of_a_few_beats_the_search(number: int) -> None:
    assert list(violations(number, few=True)) == []


@pytest.mark.apart
@pytest.mark.parametrize("number", range(len(SCENARIOS)))
def test_no_pin_beats_the_search(number: int) -> None:
    assert list(violations(number)) == []


def test_tensor_parallelism_across_domains_is_found_where_it_is_quickest() -> None:
    """405 billion parameters in four stages of 1,024 H100: 8 tensor ranks leave too little memory."""
    run, cluster, stack = question(12)
    free = search(run, cluster, stack, {"pipeline": 4}, top=1)
    assert not free.beyond
    assert free.best.layouts.tensor[0] > cluster.scale_up_size
    pinned = search(run, cluster, stack, {"pipeline": 4, "tensor": int(free.best.layouts.tensor[0])}, top=1)
    assert np.array_equal(pinned.best.step_time, free.best.step_time)


def test_the_schedule_that_is_pinned_is_kept() -> None:
    """HAI-LLM runs DualPipe of itself; 1F1B that is asked for is 1F1B."""
    run, cluster, _ = question(14)
    stack = default_stack(cluster.chip, 2024)
    own = replace(stack, schedule="dualpipe")
    assert set(layouts_of(run, cluster, own, {"pipeline": 16}).schedule) == {0, SCHEDULES.index("dualpipe")}
    pinned = layouts_of(run, cluster, own, {"pipeline": 16, "schedule": 0})
    assert set(pinned.schedule) == {0}
    assert not_offered(own, {"schedule": 0, "zero": 1}) == {}
    assert not_offered(stack, {"schedule": 3, "offload": 1, "zero": 1}) == {"schedule": 3, "offload": 1}
    assert not_offered(stack, {"schedule": 3, "offload": 1}, ("schedule", "offload")) == {}


def test_a_pin_is_not_answered_with_what_later_software_offers() -> None:
    """Of 2021 some layouts fit, none with four stages of 8 tensor ranks: with these pins nothing fits."""
    run, cluster, stack = question(11)
    pins = {"pipeline": 4, "tensor": 8}
    assert not search(run, cluster, stack, top=1).beyond
    for counted in (True, False):
        with pytest.raises(InfeasibleError, match="with pipeline 4, tensor 8: the closest lacks"):
            search(run, cluster, stack, pins, top=1, counted=counted)
    assert search(run, cluster, replace(stack, offers=()), pins, top=1).best.fits.all()


@settings(max_examples=25, deadline=None)
@given(
    number=st.sampled_from([0, 1, 3, 4, 5, 6, 8, 11]),
    seed=st.integers(0, 10**6),
    balanced=st.sampled_from([0.0, 1.0]),
    share=st.floats(0.0, 1.0),
)
def test_no_step_is_shorter_than_its_floor(number: int, seed: int, balanced: float, share: float) -> None:
    """Random layouts of every schedule, sharding and offload; software that overlaps and balances or not."""
    run, cluster, stack = question(number)
    stack = replace(
        stack,
        offers=(),
        balanced=balanced,
        overlap_data=share,
        overlap_pipeline=share,
        overlap_optimizer=share,
    )
    layouts = layouts_of(run, cluster, stack, widen=RARE)
    some = np.random.default_rng(seed).choice(len(layouts), size=min(300, len(layouts)), replace=False)
    mine = layouts.take(np.sort(some))
    prepared = prepare(run, mine, cluster, stack)
    floors, steps = floor_of(prepared, mine), evaluate_prepared(prepared, mine, slice(None)).step_time
    assert (floors <= steps).all()
    assert (floors > 0.0).all()


@pytest.mark.parametrize("cap", [None, 450.0])
def test_the_best_of_each_kind_under_a_cap_are_those_of_brute_force(cap: float | None) -> None:
    run, cluster, stack = question(1)
    found = capped_search(run, cluster, stack, top=10, cap=cap, kinds=True)
    kinds = kind_of(found.best.layouts)
    assert len(np.unique(kinds)) == len(kinds) == 10
    layouts = layouts_of(run, cluster, stack)
    whole = capped(evaluate(run, layouts, cluster, stack), cluster, cap)
    times = np.where(whole.fits, whole.step_time, np.inf)
    kind = kind_of(layouts)
    least = np.sort([times[kind == one].min() for one in np.unique(kind)])[:10]
    assert found.best.step_time == pytest.approx(least, rel=1e-12)
