"""The kernel beside a plain engine of lists and dictionaries (``plain_engine.py``), request by request."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_engine import serve_plainly
from synthetic_tables import capped_tables, plausible_tables

from gigawatt.core.errors import InputError
from gigawatt.serving import ITL_EDGES, EngineOptions, Fleet, Requests, simulate


def drawn(seed: int, count: int, *, rate: float, longest: int, shares: bool) -> Requests:
    """Random requests; where ``shares``, trees of prefixes of 32-token blocks."""
    rng = np.random.default_rng(seed)
    prompt = rng.integers(1, longest, count)
    blocks = None
    if shares:
        names: list[int] = []
        offsets = [0]
        for i in range(count):
            whole = -(-int(prompt[i]) // 32)
            family, common = rng.integers(0, 3), rng.integers(0, whole + 1)
            names += [int(family) * 1000 + j for j in range(common)]
            names += [10_000 + 100 * i + j for j in range(whole - common)]
            offsets.append(len(names))
        blocks = (np.array(offsets), np.array(names))
    return Requests(
        arrival=np.cumsum(rng.exponential(1.0 / rate, count)),
        prompt=prompt,
        output=rng.integers(1, longest // 2, count),
        priority=rng.integers(0, 3, count),
        blocks=blocks,
        block_tokens=32 if shares else 0,
    )


OPTIONS = {
    "plain": EngineOptions(),
    "small budget": EngineOptions(token_budget=64, max_sequences=8),
    "whole prompts": EngineOptions(token_budget=300, max_sequences=8, chunked=False),
    "chunks of 50": EngineOptions(token_budget=128, long_prompt=50, watermark=0.05),
    "swap": EngineOptions(preemption="swap", host_bandwidth=1e11, host_capacity=2e9),
    "one at a time": EngineOptions(max_sequences=1),
    "prompts alone": EngineOptions(prompts_alone=True, token_budget=256, max_sequences=16),
    "whole prompts alone": EngineOptions(prompts_alone=True, chunked=False, token_budget=300),
    "looks each tenth": EngineOptions(prompts_alone=True, read_interval=10),
    "waits for a batch": EngineOptions(read_interval=10, batch_wait=0.9, token_budget=2048),
    "waits for half a batch": EngineOptions(read_interval=5, batch_wait=0.5, token_budget=512),
    "looks each third, mixed": EngineOptions(read_interval=3, token_budget=128),
}


def compare(requests: Requests, tables, options: EngineOptions, *, jumps: bool = True) -> int:
    plain = serve_plainly(requests, tables, options)
    outcome = simulate(requests, Fleet(tables), options, jumps=jumps)
    for name in ("first_token", "finish"):
        np.testing.assert_allclose(getattr(outcome, name), getattr(plain, name), rtol=1e-9, err_msg=name)
    np.testing.assert_array_equal(outcome.preemptions, plain.preemptions)
    np.testing.assert_array_equal(outcome.cached_tokens, plain.cached_tokens)
    assert outcome.counters["iterations"] == plain.iterations
    assert outcome.series.iterations.sum() == pytest.approx(plain.iterations, rel=1e-9)
    idle = tables.idle_power * outcome.series.bin * len(outcome.series)
    assert outcome.series.energy.sum() - idle == pytest.approx(plain.energy, rel=1e-9)
    assert outcome.series.busy.sum() == pytest.approx(plain.busy, rel=1e-9)
    assert plain.most_pages <= tables.capacity // options.block
    gaps, weights = np.array(plain.gaps).reshape(-1, 2).T
    expected, _ = np.histogram(gaps, bins=ITL_EDGES, weights=weights)
    np.testing.assert_allclose(np.cumsum(outcome.itl_weights), np.cumsum(expected), atol=1e-6)
    return int(plain.preemptions.sum())


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("cap", [600.0, 400.0, 300.0])
def test_the_kernel_under_a_power_cap_is_the_plain_engine(name: str, cap: float) -> None:
    """The plain engine asks the regulator that the closed form asks (``Regulator.hold``)."""
    requests = drawn(5, 40, rate=12.0, longest=400, shares=name != "plain")
    tables = capped_tables(cap, capacity=3000.0)
    compare(requests, tables, OPTIONS[name], jumps=False)
    free = simulate(requests, Fleet(replace(tables, held=None)), OPTIONS[name])
    leaps, steps = (simulate(requests, Fleet(tables), OPTIONS[name], jumps=jumps) for jumps in (True, False))
    assert not np.allclose(steps.finish, free.finish, rtol=1e-4)  # the cap binds
    np.testing.assert_allclose(leaps.finish, steps.finish, rtol=1e-4)  # straight lines between answers
    assert leaps.series.energy.sum() == pytest.approx(steps.series.energy.sum(), rel=1e-3)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("capacity", [700.0, 3000.0, 1e6])
def test_the_kernel_is_the_plain_engine(name: str, capacity: float) -> None:
    requests = drawn(3, 60, rate=12.0, longest=400, shares=name != "plain")
    preempted = compare(requests, plausible_tables(capacity=capacity), OPTIONS[name])
    assert preempted > 0 or capacity > 700.0 or name == "one at a time"


@pytest.mark.parametrize("jumps", [True, False])
def test_guessed_tokens_and_states(jumps: bool) -> None:
    """2.6 of 4 tokens are right; each sequence keeps a state of 100 tokens' size."""
    tables = plausible_tables(verified=4.0, accepted=2.6, capacity=2500.0, sequence_bytes=100 * 327680.0)
    requests = drawn(5, 80, rate=15.0, longest=300, shares=True)
    assert compare(requests, tables, EngineOptions(token_budget=256), jumps=jumps) > 0
    assert compare(requests, tables, replace(OPTIONS["swap"], host_capacity=1e8), jumps=jumps) > 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 40),
    rate=st.floats(0.5, 100.0),
    capacity=st.integers(620, 4000),
    budget=st.integers(8, 500),
    sequences=st.integers(1, 40),
    chunked=st.booleans(),
    swap=st.booleans(),
    caching=st.booleans(),
    verified=st.sampled_from([1.0, 1.0, 3.0]),
    long_prompt=st.sampled_from([None, 40]),
    watermark=st.sampled_from([0.0, 0.1]),
)
def test_random_traces(
    seed, count, rate, capacity, budget, sequences, chunked, swap, caching, verified, long_prompt, watermark
) -> None:
    tables = plausible_tables(
        capacity=float(capacity), verified=verified, accepted=1.0 + 0.5 * (verified - 1.0), sequence_bytes=1e5
    )
    options = EngineOptions(
        token_budget=budget,
        max_sequences=sequences,
        chunked=chunked,
        preemption="swap" if swap else "recompute",
        host_bandwidth=5e10,
        host_capacity=3e8,
        prefix_caching=caching,
        long_prompt=long_prompt,
        watermark=watermark,
    )
    compare(drawn(seed, count, rate=rate, longest=400, shares=True), tables, options, jumps=seed % 2 == 0)


@pytest.mark.parametrize("capacity", [700.0, 3000.0, 1e6])
def test_whole_prompts_that_wait_for_a_batch(capacity: float) -> None:
    """As TensorRT-LLM runs them: no chunks, prompts beside decoding."""
    options = EngineOptions(read_interval=5, batch_wait=0.5, token_budget=300, chunked=False)
    compare(drawn(3, 60, rate=12.0, longest=400, shares=True), plausible_tables(capacity=capacity), options)
    compare(
        drawn(5, 40, rate=12.0, longest=400, shares=True), capped_tables(400.0, capacity=3000.0), options,
        jumps=False,
    )  # fmt: skip


def test_a_prompt_that_gathers_waits_its_iterations_and_one_that_fills_the_share_does_not() -> None:
    """Beside one that runs: a prompt alone waits ten iterations, one of nine tenths of the budget none."""
    tables, waits = plausible_tables(), []
    for prompt in (100, 950):
        requests = Requests(
            arrival=np.array([0.0, 1.0]), prompt=np.array([100, prompt]), output=np.array([2000, 5])
        )
        options = EngineOptions(read_interval=10, batch_wait=0.9, token_budget=1000)
        gathered, at_once = (
            simulate(requests, Fleet(tables), o) for o in (options, EngineOptions(token_budget=1000))
        )
        step = (gathered.finish[0] - gathered.first_token[0]) / 1999
        waits.append((gathered.first_token[1] - at_once.first_token[1]) / step)
    assert waits[0] == pytest.approx(10.0, abs=0.5)
    assert waits[1] == pytest.approx(0.0, abs=0.5)
    with pytest.raises(InputError, match="batch_wait"):
        EngineOptions(batch_wait=1.5)
