"""Attention data parallelism: groups that meet at shared experts, in the event engine and in closed form."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from synthetic_tables import plain_tables, plausible_tables

from gigawatt.machine import build_cluster
from gigawatt.performance.serving.engines import engine_in_year, engine_of_version, load_engine
from gigawatt.performance.serving.groups import busiest_prompts, gathered_prompts, met_prompts, spread_prompts
from gigawatt.performance.serving.inference import Replica, multiply_format
from gigawatt.performance.serving.steady import Steady, steady
from gigawatt.performance.serving.tables import step_tables
from gigawatt.serving import EngineOptions, Fleet, Requests, simulate
from gigawatt.serving.engine import Outcome
from gigawatt.workload import read_architecture
from gigawatt.workload.inference import Shares

BUDGET = 8192


def replica(engine: str, *, tensor: int = 1, data: int = 8, padded: bool = False) -> Replica:
    """DeepSeek-V3 in FP8 on eight GB200, experts on all of them."""
    cluster, _ = build_cluster(chip="GB200", count=8)
    shares = Shares.of(
        tensor=float(tensor), data=float(data), expert=8.0, weights="fp8_block",
        multiply=multiply_format("fp8_block", cluster.chip),
    )  # fmt: skip
    software = replace(load_engine(engine), padded=float(padded))
    return Replica(read_architecture("deepseek-v3"), cluster, software, shares, np.asarray(1.0))


def both(
    r: Replica, prompt: int, output: int, held: int, *, interval: int = 1, balance: bool = False
) -> tuple[Outcome, Steady, Requests]:
    """A benchmark of ten times as many requests as are held, by the event engine and in closed form."""
    data, count, rng = int(r.shares.data), 10 * held + 20, np.random.default_rng(0)
    prompts, outputs = (rng.integers(int(0.8 * n), n + 1, count) for n in (prompt, output))
    requests = Requests(arrival=np.zeros(count), prompt=prompts, output=outputs)
    options = EngineOptions(
        token_budget=BUDGET * data, max_sequences=1024 * data, prompts_alone=r.engine.alone > 0.0,
        chunked=r.engine.chunked > 0.0, read_interval=interval, balance=balance, prefix_caching=False,
    )  # fmt: skip
    tables = step_tables(r, budget=BUDGET, sequences=1024.0)
    found = steady(
        r, prompt=0.9 * prompt, output=0.9 * output, held=float(held), budget=BUDGET, interval=interval,
        balance=float(balance),
    )  # fmt: skip
    return simulate(requests, Fleet(tables), options, concurrency=held), found, requests


def token_time(out: Outcome, requests: Requests) -> float:
    """Mean time between tokens [s]."""
    return float(np.mean((out.finish - out.first_token) / (requests.output - 1)))


@pytest.mark.parametrize(
    ("engine", "padded", "interval"),
    [("vllm-2025", False, 1), ("vllm-2025", True, 1), ("sglang-2025", False, 1), ("trtllm-2025", False, 60)],
)
@pytest.mark.parametrize(("prompt", "output", "held"), [(1024, 1024, 8), (1024, 1024, 256), (4000, 500, 64)])
def test_closed_form_and_event_engine_agree(
    engine: str, padded: bool, interval: int, prompt: int, output: int, held: int
) -> None:
    r = replica(engine, padded=padded)
    out, closed, requests = both(r, prompt, output, held, interval=interval, balance=interval > 1)
    assert float(closed.token) == pytest.approx(token_time(out, requests), rel=0.08)
    first = float(np.mean(out.first_token - out.arrival))
    mixed = 0.9 * float(closed.first_token) + 0.1 * float(closed.burst) - r.engine.prompt
    assert mixed == pytest.approx(first, rel=0.25)
    assert float(closed.requests) == pytest.approx(len(requests) / np.max(out.finish), rel=0.12)


def test_padding_and_waiting_cost_what_engines_say() -> None:
    """Less where experts have the tokens of all groups alone, and less where groups wait for each other."""
    padded = both(replica("vllm-2025", padded=True), 4000, 500, 64)
    free = both(replica("vllm-2025"), 4000, 500, 64)
    for i in (0, 1):
        rates = [np.max(one[0].finish) if i == 0 else 1.0 / float(one[1].requests) for one in (padded, free)]
        assert rates[0] > 1.15 * rates[1]
    apart = both(replica("trtllm-2025"), 4000, 500, 64)
    together = both(replica("trtllm-2025"), 4000, 500, 64, interval=60, balance=True)
    assert token_time(apart[0], apart[2]) > 1.2 * token_time(together[0], together[2])
    assert float(apart[1].token) > 1.2 * float(together[1].token)
    waits = [float(np.mean(one[0].first_token - one[0].arrival)) for one in (apart, together)]
    assert waits[0] < waits[1]


@pytest.mark.parametrize("padded", [False, True])
def test_one_group_is_a_replica_without_groups(padded: bool) -> None:
    """Neither padding nor waiting for others means anything to it."""
    words = {"prompt": 1024.0, "output": 512.0, "held": 32.0}
    alone = steady(replica("vllm-2025", tensor=8, data=1), **words)
    same = steady(replica("vllm-2025", tensor=8, data=1, padded=padded), **words, balance=1.0)
    assert float(same.token) == float(alone.token)
    assert float(same.first_token) == float(alone.first_token)
    out, _, requests = both(replica("vllm-2025", tensor=8, data=1), 1024, 64, 8)
    waits, _, _ = both(replica("vllm-2025", tensor=8, data=1), 1024, 64, 8, balance=True)
    np.testing.assert_array_equal(out.finish, waits.finish)
    assert len(requests) == 100


def test_more_groups_are_no_slower_at_saturation() -> None:
    """Prompts for every group at once: the latent cache and the queries are those of fewer accelerators."""
    count = 512
    requests = Requests(arrival=np.zeros(count), prompt=np.full(count, 1024), output=np.full(count, 256))
    spans: list[float] = []
    for data in (2, 4, 8):
        tables = step_tables(replica("vllm-2025", tensor=8 // data, data=data), budget=BUDGET, sequences=512)
        options = EngineOptions(token_budget=BUDGET * data, max_sequences=512 * data, prefix_caching=False)
        out = simulate(requests, Fleet(tables), options)
        spans.append(float(np.max(out.finish)))
    assert spans == sorted(spans, reverse=True)


def test_an_iteration_is_that_of_the_busiest_group_and_of_all_at_what_they_share() -> None:
    """A token takes a millisecond where all groups have as many, 0.4 of it at what they share."""
    tables = plain_tables(token=1e-3, groups=4.0, shared=0.4e-3 * np.array([0.0, 1.0]))
    requests = Requests(arrival=np.zeros(5), prompt=np.array([100, 60, 60, 60, 50]), output=np.ones(5, int))
    options = EngineOptions(token_budget=4000, prefix_caching=False)
    for count, most in ((1, 100), (2, 100), (5, 110)):
        some = Requests(requests.arrival[:count], requests.prompt[:count], requests.output[:count])
        out = simulate(some, Fleet(tables), options)
        span = 0.6e-3 * 4 * most + 0.4e-3 * int(some.prompt.sum())
        assert float(np.max(out.finish)) == pytest.approx(span)


def test_sequences_of_other_groups_go_on_beside_prompts_that_run_alone() -> None:
    """Two groups; a long prompt comes to one of them as both decode."""
    arrival, prompt = np.array([0.0, 0.0, 0.0105]), np.array([1, 1, 1000])
    requests = Requests(arrival=arrival, prompt=prompt, output=np.array([40, 40, 2]))
    options = EngineOptions(prompts_alone=True, token_budget=1 << 14, prefix_caching=False)
    last = [
        simulate(
            requests, Fleet(plain_tables(token=1e-3, groups=groups, shared=np.zeros(2))), options, jumps=jumps
        ).finish
        for groups in (1.0, 2.0)
        for jumps in (True, False)
    ]
    for one, other in ((0, 1), (2, 3)):
        np.testing.assert_allclose(last[one], last[other])
    assert last[0][0] == pytest.approx(last[0][1])
    mine, others = sorted(last[2][:2])  # of the group without the prompt, and of that with it
    assert others - mine == pytest.approx(1e-3)  # it has its last token in an iteration of its own


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("balance", [False, True])
def test_all_is_served_whatever_the_groups_do(alone: bool, balance: bool) -> None:
    """With preemptions, small budgets and jumps or not: the same to the last request."""
    rng = np.random.default_rng(1)
    requests = Requests(
        arrival=np.cumsum(rng.exponential(0.02, 150)), prompt=rng.integers(1, 400, 150),
        output=rng.integers(1, 200, 150),
    )  # fmt: skip
    tables = plausible_tables(capacity=4000.0, groups=4.0, shared=1e-5 * plausible_tables().tokens)
    options = EngineOptions(
        token_budget=512, max_sequences=32, prompts_alone=alone, read_interval=20 if balance else 1,
        balance=balance, prefix_caching=False,
    )  # fmt: skip
    both_ways = [simulate(requests, Fleet(tables), options, jumps=jumps) for jumps in (True, False)]
    assert np.isfinite(both_ways[0].finish).all()
    assert both_ways[0].preemptions.sum() > 0
    np.testing.assert_allclose(both_ways[0].finish, both_ways[1].finish, rtol=1e-9)
    assert float(both_ways[0].itl_weights.sum()) == pytest.approx(float((requests.output - 1).sum()))


@pytest.mark.parametrize(("count", "groups"), [(1, 8), (2, 8), (3, 4), (5, 3), (6, 4), (7, 2)])
def test_the_busiest_group(count: int, groups: int) -> None:
    """Beside all ways that prompts can fall on groups."""
    exact = np.mean([np.bincount(way).max() for way in product(range(groups), repeat=count)])
    assert float(busiest_prompts(float(count), float(groups))) == pytest.approx(exact, rel=1e-6)


def test_prompts_that_meet() -> None:
    counts = np.geomspace(1e-3, 500.0, 60)
    for groups in (1.0, 8.0, 144.0):
        found = busiest_prompts(counts, groups)
        assert (np.diff(found) >= -1e-9).all()
        assert (found >= np.maximum(counts / groups, 1.0) - 1e-9).all()
    np.testing.assert_allclose(busiest_prompts(counts, 1.0), np.maximum(counts, 1.0))
    met = met_prompts(counts)
    assert met[0] == pytest.approx(1.0, rel=1e-3)
    assert (met > np.maximum(counts, 1.0) * (1.0 - 1e-12)).all()
    assert float(gathered_prompts(1e6, 8.0)) == pytest.approx(8.0 * sum(1.0 / k for k in range(1, 9)))


@pytest.mark.parametrize(("mean", "groups"), [(0.1, 8), (1.0, 8), (4.0, 4), (8.0, 8), (20.0, 8), (20.0, 1)])
def test_prompts_dealt_out_in_turn(mean: float, groups: int) -> None:
    drawn = np.random.default_rng(0).poisson(mean, 200_000)
    drawn = drawn[drawn > 0]
    assert float(spread_prompts(mean, float(groups))) == pytest.approx(
        np.ceil(drawn / groups).mean(), rel=0.01
    )
    assert float(met_prompts(mean)) == pytest.approx(drawn.mean(), rel=0.01)


def test_releases_pad_as_they_did() -> None:
    """vLLM from 0.9 until 0.15 computes as many tokens in each group as in the longest."""
    vllm, sglang = load_engine("vllm-2025"), load_engine("sglang-2025")
    padded = {
        v: engine_of_version(vllm, v).padded for v in ("0.8.5", "0.9.0", "0.12.0", "v0.15.1", "0.16.0", "")
    }
    assert padded == {"0.8.5": 0.0, "0.9.0": 1.0, "0.12.0": 1.0, "v0.15.1": 1.0, "0.16.0": 0.0, "": 0.0}
    assert engine_of_version(sglang, "0.12.0") is sglang
    assert [engine_in_year(vllm, year)[0].padded for year in (2025, 2026)] == [1.0, 0.0]
    assert [len(engine_in_year(vllm, year)[1]) for year in (2025, 2026)] == [1, 0]
    assert engine_in_year(sglang, 2025) == (sglang, ())
