"""The event engine and the closed form of steady serving say the same, each made without the other."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.machine import build_cluster
from gigawatt.performance.serving.engines import load_engine
from gigawatt.performance.serving.inference import Replica
from gigawatt.performance.serving.steady import steady
from gigawatt.performance.serving.tables import step_tables
from gigawatt.serving.engine import EngineOptions
from gigawatt.serving.fleet import Fleet
from gigawatt.serving.requests import Requests
from gigawatt.serving.simulation import simulate
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares


@pytest.mark.parametrize(
    ("prompt", "output", "held"),
    [(1024, 1024, 1), (1024, 1024, 64), (8192, 1024, 32), (1024, 128, 64), (128, 1024, 128), (4000, 500, 32)],
)
def test_a_closed_loop(prompt: int, output: int, held: int) -> None:
    """A benchmark of ten times as many requests as it holds, lengths drawn from 0.8 of the longest on."""
    cluster, _ = build_cluster(chip="H100-SXM5-80GB", count=8)
    shares = Shares.of(tensor=4.0, weights="fp8", multiply="fp8", cache="fp8")
    r = Replica(
        read_architecture("llama-3.1-70b"), cluster, load_engine("vllm-2025"), shares, np.asarray(1.0)
    )
    count, rng = 10 * held + 20, np.random.default_rng(0)
    prompts, outputs = (rng.integers(int(0.8 * n), n + 1, count) for n in (prompt, output))
    requests = Requests(arrival=np.zeros(count), prompt=prompts, output=outputs)
    options = EngineOptions(prefix_caching=False)
    out = simulate(requests, Fleet(step_tables(r)), options, concurrency=held)
    closed = steady(r, prompt=0.9 * prompt, output=0.9 * output, held=float(held))
    token = float(np.mean((out.finish - out.first_token) / (outputs - 1)))
    assert float(closed.token) == pytest.approx(token, rel=0.04)
    first = float(np.mean(out.first_token - out.arrival))
    mixed = 0.9 * float(closed.first_token) + 0.1 * float(closed.burst) - r.engine.prompt
    assert mixed == pytest.approx(first, rel=0.2)
    assert float(closed.requests) == pytest.approx(count / np.max(out.finish), rel=0.09)  # it ends emptier
    assert float(closed.energy) == pytest.approx(float(out.series.energy.sum()) / count, rel=0.08)
