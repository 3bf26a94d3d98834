"""The plan: every prefix covers the space, nothing is too long or too large, training shapes are there."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.calibration.plan import (
    ATTENTION,
    COLLECTIVES,
    COPIES,
    Job,
    Rates,
    collective_jobs,
    is_judged,
    make_plan,
)
from gigawatt.workload.model_flops import visible_pairs
from gigawatt.workload.reader import read_architecture

GPU = Rates({"bf16": 8e14, "fp8": 1.5e15, "fp32": 5e13}, 3e12, 8e10)
CPU = Rates({"fp32": 1e11}, 1e10, 1.6e10)
SLOW = Rates({"fp32": 1e9}, 1e8, 1e9)


def plan(rates: Rates, seconds: float) -> list[Job]:
    forms = list(rates.flops)
    return make_plan(
        formats=forms,
        attention_formats=forms[:1],
        rates=rates,
        seconds=seconds,
        host_copies=True,
        fitted=forms[:2],
    )


@pytest.mark.parametrize(
    ("rates", "seconds"), [(GPU, 60.0), (GPU, 5.0), (CPU, 60.0), (CPU, 2.0), (SLOW, 4.0)]
)
def test_no_job_is_too_long_or_too_large_and_none_stands_twice(rates: Rates, seconds: float) -> None:
    jobs = plan(rates, seconds)
    assert len(set(jobs)) == len(jobs) >= 30
    smallest = Job("gemm", "fp32", 64, 64, 64)
    for job in jobs:
        assert rates.seconds(job) <= max(seconds / 80, rates.seconds(smallest)), job
        assert job.held <= rates.memory / 4, job


@pytest.mark.parametrize("rates", [GPU, CPU])
def test_a_beginning_covers_operations_and_sizes(rates: Rates) -> None:
    jobs = plan(rates, 60.0)
    assert {(job.operation, job.number_format) for job in jobs[: len(jobs) // 8]} == {
        (job.operation, job.number_format) for job in jobs
    }
    form = next(iter(rates.flops))
    every = [job for job in jobs if (job.operation, job.number_format) == ("gemm", form)]
    for size in ("m", "n", "k"):
        whole = np.log([getattr(job, size) for job in every])
        begun = whole[: len(whole) // 4]
        for share in (0.1, 0.5, 0.9):
            assert np.quantile(begun, share) == pytest.approx(np.quantile(whole, share), abs=0.8), (
                size,
                share,
            )


def test_training_shapes_are_those_of_published_models() -> None:
    model = read_architecture("llama-3.1-8b")
    shapes = {(job.m, job.n, job.k, job.layout) for job in plan(GPU, 60.0) if job.training}
    assert {layout for *_, layout in shapes} == {"nt", "nn", "tn"}
    assert any(model.hidden in (n, k) for _, n, k, _ in shapes)
    assert any(
        k in (256, 1024, 4096, 8192) for *_, k, layout in shapes if layout == "tn"
    )  # tokens are the depth


def test_the_rest_of_a_longer_budget_is_appended_to_a_shorter_one() -> None:
    short, long = plan(GPU, 30.0), plan(GPU, 60.0)
    kinds = [(job.operation, job.number_format) for job in short]
    assert kinds == [(job.operation, job.number_format) for job in long[: len(short)]]


def test_judging_shapes_are_of_both_halves() -> None:
    jobs = [job for job in plan(GPU, 60.0) if (job.operation, job.number_format) == ("gemm", "bf16")]
    judges = [job.training for index, job in enumerate(jobs) if is_judged(index)]
    assert 0.3 < np.mean(judges) < 0.7
    assert len(judges) == len(jobs) // 5


def test_flops_of_causal_attention() -> None:
    model = read_architecture("llama-3.1-8b")
    pairs = float(visible_pairs(model.blocks[0].attention, 4096.0, causal=True))
    job = Job(ATTENTION[0], "bf16", 4096, 4096, 128, batch=2, heads=32, shared=8)
    assert job.flops == pytest.approx(2 * 32 * 4 * 128 * pairs, rel=1e-3)
    assert (
        Job(ATTENTION[1], "bf16", 4096, 4096, 128).flops
        == 2.5 * Job(ATTENTION[0], "bf16", 4096, 4096, 128).flops
    )


def test_copies_begin_large_and_end_small() -> None:
    sizes = [job.size for job in plan(GPU, 60.0) if job.operation == COPIES[0]]
    assert sizes[0] == max(sizes) >= 1 << 28
    assert min(sizes) <= 1 << 13


def test_collectives() -> None:
    jobs = collective_jobs(devices=8, memory=8e10, gpu=True)
    assert {job.operation for job in jobs} == set(COLLECTIVES)
    assert {job.devices for job in jobs} == {8}
    first = {job.size for job in jobs[: 3 * len(COLLECTIVES)]}
    assert max(first) == 1 << 28
    assert min(first) <= 1 << 12
    assert len(set(jobs)) == len(jobs)
