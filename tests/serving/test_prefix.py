"""The prefix cache beside a plain dictionary, and what it brings."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from synthetic_tables import plain_tables, plausible_tables

from gigawatt.serving import EngineOptions, Fleet, Requests, simulate

BLOCK = 16


def conversations(count: int, seed: int) -> Requests:
    """Turns of conversations that begin with one of 5 system prompts; each turn repeats those before it."""
    rng = np.random.default_rng(seed)
    names: list[int] = []
    offsets, prompt = [0], []
    open_ones: list[list[int]] = [[int(rng.integers(0, 5)) * 100 + j for j in range(6)] for _ in range(12)]
    for i in range(count):
        which = int(rng.integers(0, len(open_ones)))
        turn = open_ones[which] + [10_000 + 50 * i + j for j in range(int(rng.integers(1, 8)))]
        open_ones[which] = turn if len(turn) < 40 else turn[:6]
        names += turn
        offsets.append(len(names))
        prompt.append(BLOCK * len(turn) - int(rng.integers(0, 2)) * int(rng.integers(0, BLOCK)))
    return Requests(
        arrival=np.cumsum(rng.exponential(0.05, count)),
        prompt=prompt,
        output=np.ones(count, int),
        blocks=(np.array(offsets), np.array(names)),
        block_tokens=BLOCK,
    )


def test_blocks_of_earlier_prompts_are_what_an_endless_cache_finds() -> None:
    requests = conversations(300, 3)
    spaced = Requests(
        np.arange(300) * 100.0, requests.prompt, requests.output, blocks=requests.blocks, block_tokens=BLOCK
    )
    found = simulate(spaced, Fleet(plausible_tables(capacity=1e9)))
    assert np.array_equal(found.cached_tokens, spaced.held_before)


def hits_of_a_dictionary(requests: Requests, capacity: int) -> list[int]:
    """One request after the other; a cache of so many blocks, of which the running one takes its own."""
    offsets, names = requests.blocks
    cache: OrderedDict[int, None] = OrderedDict()
    found = []
    for i in range(len(requests)):
        mine = names[offsets[i] : offsets[i + 1]].tolist()
        whole = mine[: int(requests.prompt[i]) // BLOCK]
        hits = 0
        while hits < min(len(whole), (int(requests.prompt[i]) - 1) // BLOCK) and whole[hits] in cache:
            hits += 1
        found.append(BLOCK * hits)
        for name in whole[:hits]:
            del cache[name]
        while len(cache) + len(mine) > capacity:
            cache.popitem(last=False)
        for name in reversed(whole):
            cache.pop(name, None)
            cache[name] = None
    return found


@pytest.mark.parametrize("capacity", [50, 120, 400, 10**6])
def test_hits_are_those_of_a_dictionary(capacity: int) -> None:
    requests = conversations(1500, capacity)
    tables = plain_tables(token=1e-6, capacity=float(capacity * BLOCK))
    outcome = simulate(requests, Fleet(tables), EngineOptions(max_sequences=1, block=BLOCK))
    assert outcome.cached_tokens.tolist() == hits_of_a_dictionary(requests, capacity)
    assert outcome.cached_tokens.sum() > 0.1 * requests.prompt.sum()
    assert (outcome.counters["evictions"] > 0) == (capacity < 1000)


@pytest.mark.parametrize("block", [1, 4, 16])
def test_pages_smaller_than_blocks_give_the_same_hits(block: int) -> None:
    requests = conversations(300, 3)
    found = simulate(requests, Fleet(plausible_tables(capacity=1e7)), EngineOptions(block=block))
    other = simulate(requests, Fleet(plausible_tables(capacity=1e7)), EngineOptions(block=8))
    np.testing.assert_array_equal(found.cached_tokens, other.cached_tokens)


def test_the_last_token_of_a_prompt_is_always_computed() -> None:
    requests = Requests(
        arrival=[0.0, 5.0], prompt=[32, 32], output=[1, 1], blocks=([0, 2, 4], [1, 2, 1, 2]), block_tokens=16
    )
    outcome = simulate(requests, Fleet(plausible_tables()))
    assert outcome.cached_tokens.tolist() == [0, 16]
    assert outcome.series.prompt_tokens.sum() == pytest.approx(48)


def test_only_whole_leading_blocks_match() -> None:
    """The second prompt ends inside its second block; the third has another first block."""
    requests = Requests(
        arrival=[0.0, 5.0, 10.0], prompt=[64, 30, 64], output=[1, 1, 1],
        blocks=([0, 4, 6, 10], [1, 2, 3, 4, 1, 2, 9, 2, 3, 4]), block_tokens=16,
    )  # fmt: skip
    outcome = simulate(requests, Fleet(plausible_tables()))
    assert outcome.cached_tokens.tolist() == [0, 16, 0]


def test_shared_blocks_are_held_once() -> None:
    """40 sequences of 330 tokens that share 320 fit where 8 that share nothing do."""
    offsets, names = np.arange(41) * 20, np.tile(np.arange(20), 40)
    arrival = np.concatenate([[0.0], np.full(39, 1.0)])
    columns = {"arrival": arrival, "prompt": np.full(40, 330), "output": np.full(40, 50)}
    fleet = Fleet(plausible_tables(capacity=3000.0))
    shared = simulate(Requests(**columns, blocks=(offsets, names), block_tokens=16), fleet)
    alone = simulate(Requests(**columns), fleet)
    assert shared.series.running.max() > 20.0
    assert alone.series.running.max() < 9.0
    assert shared.series.kv_tokens.max() <= 3000.0
    assert shared.preemptions.sum() == 0


def test_prefix_aware_routing_finds_the_blocks() -> None:
    """Conversations stay where they were, within the bound on the load."""
    requests = conversations(2000, 5)
    tables = plausible_tables(capacity=8000.0)
    cached = {}
    for routing in ("round-robin", "prefix-aware"):
        outcome = simulate(requests, Fleet(tables, replicas=4, routing=routing))
        cached[routing] = outcome.cached_tokens.sum()
        assert np.bincount(outcome.replica).min() > 100
    assert cached["prefix-aware"] > 1.2 * cached["round-robin"]


def test_without_caching_nothing_is_cached() -> None:
    options = EngineOptions(prefix_caching=False)
    outcome = simulate(conversations(100, 1), Fleet(plausible_tables()), options)
    assert outcome.cached_tokens.sum() == 0
    requests = conversations(100, 1)
    assert outcome.series.prompt_tokens.sum() == pytest.approx(requests.prompt.sum())


def test_hashes_of_64_bits_are_names_too() -> None:
    rng = np.random.default_rng(0)
    requests = conversations(200, 2)
    offsets, names = requests.blocks
    known, place = np.unique(names, return_inverse=True)
    hashes = rng.integers(0, 2**64, len(known), dtype=np.uint64)[place]
    hashed = Requests(requests.arrival, requests.prompt, requests.output, None, (offsets, hashes), BLOCK)
    one, other = (simulate(x, Fleet(plausible_tables(capacity=3000.0))) for x in (requests, hashed))
    np.testing.assert_array_equal(one.cached_tokens, other.cached_tokens)
