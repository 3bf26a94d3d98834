"""Tiers below the prefix cache: blocks are conserved, limits are known caches, loads never cost more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic_tables import plain_tables, plausible_tables
from test_sessions import KIND, drawn, sessions_of

from gigawatt.core.errors import InputError
from gigawatt.serving import EngineOptions, Fleet, Link, Outcome, Requests, simulate, simulate_disaggregated
from gigawatt.serving.cache_tiers import CacheTier, of_replica, read_tiers
from gigawatt.serving.sessions import Sessions, conversations

TOKEN = plausible_tables().token_bytes
HOST = CacheTier("host", 2e4 * TOKEN, 50e9, 2e-5)
SSD = CacheTier("ssd", 6e4 * TOKEN, 40e9, 1e-4)
REMOTE = CacheTier("remote", 1e9 * TOKEN, 25e9, 1e-3, shared=True)
ENDLESS = CacheTier("host", math.inf, math.inf)


def served(
    tiers: tuple[CacheTier, ...], *, capacity: float = 1.6e4, replicas: int = 1, **more: str
) -> Outcome:
    requests = drawn(200, rate=4.0, **more)
    fleet = Fleet(plausible_tables(capacity=capacity), replicas, "prefix-aware")
    return simulate(requests, fleet, EngineOptions(tiers=tiers))


@pytest.mark.parametrize("tiers", [(HOST,), (HOST, SSD), (HOST, SSD, REMOTE), (REMOTE,)])
@pytest.mark.parametrize("replicas", [1, 3])
def test_blocks_are_conserved(tiers: tuple[CacheTier, ...], replicas: int) -> None:
    found = served(tiers, replicas=replicas, capacity=1.2e4)
    above = found.counters["evictions"] * 32
    for tier in tiers:
        use = found.tiers[tier.name]
        assert use.written_tokens + use.kept_tokens == above
        assert use.written_tokens == use.evicted_tokens + use.held_tokens
        assert use.held_tokens <= tier.capacity / TOKEN * (1 if tier.shared else replicas)
        assert use.loaded_tokens >= use.hit_tokens
        above = use.evicted_tokens
    hits = sum(use.hit_tokens for use in found.tiers.values())
    assert 0 < hits <= found.cached_tokens.sum()
    computed = (drawn(200, rate=4.0).prompt - found.cached_tokens).sum() + found.counters["recomputed_tokens"]
    assert found.series.prompt_tokens.sum() == pytest.approx(computed)


def test_an_endless_tier_without_delay_is_an_endless_cache() -> None:
    """Limit: infinite bandwidth and no latency are hits in the accelerator's memory."""
    below, above = served((ENDLESS,), capacity=5e4), served((), capacity=1e12)
    kept = served((), capacity=5e4)
    assert np.array_equal(below.cached_tokens, above.cached_tokens)
    assert below.finish == pytest.approx(above.finish)
    assert kept.cached_tokens.sum() < 0.95 * above.cached_tokens.sum()


def test_a_tier_that_is_never_worth_a_load_changes_nothing() -> None:
    """Limit: where recomputation is always quicker, the answer is that of one tier."""
    slow = CacheTier("host", math.inf, 1.0, 1e6)
    without, with_slow = served(()), served((slow,))
    assert np.array_equal(without.finish, with_slow.finish)
    assert np.array_equal(without.cached_tokens, with_slow.cached_tokens)
    assert with_slow.tiers["host"].hit_tokens == 0


def test_a_tier_where_nothing_is_evicted_changes_nothing() -> None:
    without, beside = served((), capacity=1e9), served((HOST, SSD, REMOTE), capacity=1e9)
    assert np.array_equal(without.finish, beside.finish)
    assert all(use.written_tokens == 0 for use in beside.tiers.values())


def test_more_bandwidth_shortens_ttft() -> None:
    requests = drawn(200, rate=4.0)
    waits = []
    for bandwidth in (3e9, 1e10, 1e11, math.inf):
        found = served((CacheTier("host", math.inf, bandwidth),))
        waits.append(float((found.first_token - found.arrival)[sessions_of(requests).later].mean()))
    assert waits == sorted(waits, reverse=True)
    assert waits[-1] < 0.9 * waits[0]


def two_turns(bandwidth: float, latency: float) -> Outcome:
    """A turn, another session that pushes its blocks out, and the turn's next, on an idle replica."""
    prompt, output = np.array([1600, 1935, 1760]), np.array([1, 1, 1])
    previous = np.array([-1, -1, 0])
    first, ids, common = conversations(previous, prompt, output, block_tokens=16)
    sessions = Sessions(previous, np.array([0.0, 0.0, 100.0]), first, ids, 16, common)
    tables = plain_tables(token=1e-3, capacity=1936.0, token_bytes=1000.0)
    tier = CacheTier("host", 1e9, bandwidth, latency)
    requests = Requests(np.array([0.0, 10.0, 100.0]), prompt, output, sessions=sessions)
    return simulate(requests, Fleet(tables), EngineOptions(tiers=(tier,)))


def test_a_load_takes_bytes_over_bandwidth_and_latency() -> None:
    """By hand: 1,600 tokens of 1 kB at 4 MB/s and 50 ms; then 160 tokens at 1 ms each."""
    found = two_turns(4e6, 0.05)
    assert found.cached_tokens[2] == 1600
    ttft = float(found.first_token[2] - found.arrival[2])
    assert ttft == pytest.approx(1600 * 1000.0 / 4e6 + 0.05 + 160e-3)


def test_recomputation_where_it_is_quicker() -> None:
    """By hand: 1,600 tokens are computed in 1.6 s; a load of 1.6 MB at 1 MB/s takes as long."""
    slow, quick = two_turns(0.9e6, 0.0), two_turns(1.1e6, 0.0)
    assert slow.cached_tokens[2] == 0
    assert slow.first_token[2] - slow.arrival[2] == pytest.approx(1.76)
    assert quick.cached_tokens[2] == 1600
    assert quick.first_token[2] - quick.arrival[2] == pytest.approx(1.6 / 1.1 + 0.16)


def test_jumps_do_not_matter() -> None:
    requests = drawn(80, rate=4.0)
    fleet, options = Fleet(plausible_tables(capacity=1.2e4), 2), EngineOptions(tiers=(HOST, SSD, REMOTE))
    quick, slow = (simulate(requests, fleet, options, jumps=jumps) for jumps in (True, False))
    assert quick.finish == pytest.approx(slow.finish, rel=1e-9)
    assert quick.tiers == slow.tiers


def test_small_caches_preempt_and_every_turn_ends() -> None:
    found = served((HOST, SSD, REMOTE), capacity=9e3, kind=f"{KIND}; output=uniform(900, 0.5)")
    assert found.counters["preemptions"] > 0
    assert np.all(np.isfinite(found.finish[~found.rejected]))


def test_a_pool_serves_a_replica_what_another_computed() -> None:
    alone = served((HOST,), replicas=4, capacity=1e4)
    shared = served((HOST, REMOTE), replicas=4, capacity=1e4)
    assert shared.tiers["remote"].hit_tokens > 0
    assert shared.cached_tokens.sum() > alone.cached_tokens.sum()


def test_words() -> None:
    tiers, rows = read_tiers("host=256GB@40GB/s+10us, dram-pool=1TB".replace("dram-pool", "remote"))
    assert [tier.name for tier in tiers] == ["host", "remote"]
    assert (tiers[0].bandwidth, tiers[0].latency) == (pytest.approx(40e9), pytest.approx(1e-5))
    assert tiers[0].capacity == pytest.approx(256e9)
    assert [row.id for row in rows] == ["remote"]
    wide = of_replica(tiers, 8.0)
    assert wide[0].bandwidth == pytest.approx(320e9)
    assert (wide[0].capacity, wide[1].capacity) == (pytest.approx(8 * 256e9), pytest.approx(1e12))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("host", "host has no capacity; given 'host'; allowed: such as 'host=256GB'"),
        ("host=", "host has no capacity"),
        ("hots=1GB", "no such tier; given 'hots'.*did you mean 'host'"),
        ("host=1GB, host=2GB", "given twice"),
        ("host=1 W", "tiers: .*W"),
        ("host=0GB", "must be positive"),
        ("", "no tier"),
    ],
)
def test_bad_words(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_tiers(text)


def test_what_does_not_go_together() -> None:
    single = Requests([0.0, 1.0], [10, 10], [5, 5])
    with pytest.raises(InputError, match="tiers hold prefixes"):
        simulate(single, Fleet(plausible_tables()), EngineOptions(tiers=(HOST,)))
    with pytest.raises(InputError, match="not an order of tiers"):
        EngineOptions(tiers=(REMOTE, HOST))
    fleet, options = Fleet(plausible_tables()), EngineOptions(tiers=(HOST,))
    with pytest.raises(InputError, match="both prefill and decode"):
        simulate_disaggregated(single, fleet, fleet, options, link=Link(1e9))
    with pytest.raises(InputError, match="both prefill and decode"):
        simulate_disaggregated(drawn(3), fleet, fleet, link=Link(1e9))
