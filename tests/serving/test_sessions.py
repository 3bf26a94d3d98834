"""Sessions: turns wait for answers and think times, prompts hold the conversation, blocks are conserved."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from synthetic_tables import plain_tables, plausible_tables

from gigawatt.core.errors import InputError
from gigawatt.serving import Autoscaling, EngineOptions, Fleet, Requests, simulate
from gigawatt.serving.outcome import steady_window
from gigawatt.serving.session_kinds import draw_sessions, list_session_kinds, read_session_kind
from gigawatt.serving.session_outcome import summarise_sessions
from gigawatt.serving.sessions import Sessions, conversations, in_order, moved, restarted, whole_sessions
from gigawatt.serving.traces import read_trace

KIND = "turns=geometric(mean=4); first=uniform(600, 0.5); new=uniform(200, 0.9); output=uniform(80, 0.9); "
KIND += "think=lognormal(median=4, p90=9); common=256; block=32"


def drawn(count: int = 150, rate: float = 2.0, kind: str = KIND, seed: int = 0) -> Requests:
    starts = np.cumsum(np.random.default_rng(seed).exponential(1.0 / rate, count))
    return draw_sessions(read_session_kind(kind), arrival=starts, seed=seed)[0]


def sessions_of(requests: Requests) -> Sessions:
    assert requests.sessions is not None
    return requests.sessions


@pytest.mark.parametrize("routing", ["round-robin", "least-loaded", "prefix-aware", "random"])
@pytest.mark.parametrize("replicas", [1, 3])
def test_a_turn_comes_a_think_time_after_the_answer(routing: str, replicas: int) -> None:
    requests = drawn()
    sessions = sessions_of(requests)
    found = simulate(requests, Fleet(plausible_tables(), replicas, routing))
    later = sessions.later
    assert later.sum() > 200
    assert found.arrival[later] == pytest.approx(
        found.finish[sessions.previous[later]] + sessions.think[later], abs=1e-9
    )
    assert found.arrival[~later] == pytest.approx(requests.arrival[~later])
    assert np.all(found.scheduled >= found.arrival - 1e-12)
    assert found.series.output_tokens.sum() == pytest.approx(requests.output.sum())
    computed = (requests.prompt - found.cached_tokens).sum() + found.counters["recomputed_tokens"]
    assert found.series.prompt_tokens.sum() == pytest.approx(computed)


def test_what_earlier_requests_hold_is_what_an_endless_cache_finds() -> None:
    """Oracle: the engine on one replica that evicts nothing, sessions far apart and all at once in blocks."""
    requests = drawn(rate=0.05)
    found = simulate(requests, Fleet(plausible_tables(capacity=1e9)))
    assert requests.held_before.sum() > 0.4 * requests.prompt.sum()
    assert np.array_equal(found.cached_tokens, requests.held_before)
    assert not Requests(requests.arrival, requests.prompt, requests.output).held_before.any()


def test_replicas_that_are_out_of_balance_share_the_load() -> None:
    """80 requests of one prefix at once: one replica takes them until it is 64 ahead of the idle one, and
    turns go where their conversation is while it is less."""
    count = 80
    shared = Requests(
        np.arange(count) * 1e-6, np.full(count, 330), np.full(count, 200),
        blocks=(np.arange(count + 1) * 20, np.tile(np.arange(20), count)), block_tokens=16,
    )  # fmt: skip
    first = Requests([0.0], [330], [1], blocks=(np.array([0, 20]), np.arange(20)), block_tokens=16)
    arrival = np.concatenate([first.arrival, shared.arrival + 5.0])
    asked = Requests(
        arrival, np.full(count + 1, 330), np.concatenate([[1], shared.output]),
        blocks=(np.arange(count + 2) * 20, np.tile(np.arange(20), count + 1)), block_tokens=16,
    )  # fmt: skip
    found = simulate(asked, Fleet(plausible_tables(), 2, "prefix-aware"))
    numbers = np.bincount(found.replica[1:], minlength=2)
    assert sorted(numbers) == [8, 72]
    tight = simulate(asked, Fleet(plausible_tables(), 2, "prefix-aware", slack=2))
    assert abs(int(np.diff(np.bincount(tight.replica[1:], minlength=2))[0])) < 20


def test_jumps_do_not_matter() -> None:
    requests = drawn(60)
    fleet = Fleet(plausible_tables(), 2, "prefix-aware")
    quick, slow = (simulate(requests, fleet, jumps=jumps) for jumps in (True, False))
    assert quick.finish == pytest.approx(slow.finish, rel=1e-9)
    assert np.array_equal(quick.cached_tokens, slow.cached_tokens)


@pytest.mark.parametrize("think", [0.0, 1e-6, 3.0])
def test_one_session_alone_is_a_chain_of_single_requests(think: float) -> None:
    """Oracle: each turn alone on an idle replica without a cache, one after another."""
    prompt, output = np.array([500, 900, 1500]), np.array([40, 1, 70])
    previous = np.array([-1, 0, 1])
    first, ids, common = conversations(previous, prompt, output, block_tokens=16)
    sessions = Sessions(previous, np.array([0.0, think, think]), first, ids, 16, common)
    tables = plain_tables(token=1e-4, iteration=1e-3)
    found = simulate(
        Requests(np.array([2.0, 2.0, 2.0]), prompt, output, sessions=sessions), Fleet(tables),
        EngineOptions(prefix_caching=False),
    )  # fmt: skip
    time = 2.0
    for turn in range(3):
        alone = simulate(Requests([0.0], prompt[turn : turn + 1], output[turn : turn + 1]), Fleet(tables))
        assert found.arrival[turn] == pytest.approx(time)
        assert found.finish[turn] == pytest.approx(time + alone.finish[0])
        time = found.finish[turn] + think


def test_requests_without_later_turns_are_served_as_before() -> None:
    """Limit: sessions of one turn are single requests with a shared beginning."""
    requests = drawn(kind="turns=1; first=800; new=1; output=60; think=1; common=512; block=32")
    sessions = sessions_of(requests)
    count = -(-requests.prompt // 32)
    offsets = np.concatenate([[0], np.cumsum(count)])
    ids = np.concatenate([sessions.ids[at : at + n] for at, n in zip(sessions.first, count, strict=True)])
    single = Requests(
        requests.arrival, requests.prompt, requests.output, blocks=(offsets, ids), block_tokens=32
    )
    fleet = Fleet(plausible_tables(), 2, "least-loaded")
    one, other = simulate(requests, fleet), simulate(single, fleet)
    assert np.array_equal(one.finish, other.finish)
    assert np.array_equal(one.cached_tokens, other.cached_tokens)


def test_an_endless_cache_holds_all_that_came_before() -> None:
    requests = drawn()
    sessions = sessions_of(requests)
    found = simulate(requests, Fleet(plausible_tables(capacity=1e12)))
    before = sessions.previous[sessions.later]
    whole = (requests.prompt + requests.output - 1)[before] // 32 * 32
    assert np.array_equal(found.cached_tokens[sessions.later], whole)


def test_the_hit_rate_grows_with_the_cache() -> None:
    requests = drawn(200, rate=4.0)
    shares = []
    for capacity in (4e3, 8e3, 1.6e4, 6.4e4, 1e6):
        found = simulate(requests, Fleet(plausible_tables(capacity=capacity)))
        shares.append(found.cached_tokens[~found.rejected].sum() / requests.prompt.sum())
    assert shares == sorted(shares)
    assert shares[0] < 0.5 * shares[-1]


def test_a_longer_think_time_lowers_the_rate_and_not_the_work() -> None:
    ends = []
    for think in (1, 20, 100):
        requests = drawn(kind=f"{KIND}; think={think} s")
        found = simulate(requests, Fleet(plausible_tables()))
        assert found.series.output_tokens.sum() == pytest.approx(drawn().output.sum())
        ends.append(np.nanmax(found.finish))
    assert ends == sorted(ends)
    assert ends[2] > ends[0] + 90.0


def test_what_follows_a_rejected_turn_is_rejected() -> None:
    requests = drawn()
    sessions = sessions_of(requests)
    found = simulate(requests, Fleet(plausible_tables()), EngineOptions(context_limit=1200))
    long = requests.prompt + requests.output > 1200
    assert 0 < long.sum() < len(requests)
    assert np.all(found.rejected[long])
    behind = sessions.later & found.rejected[sessions.previous]
    assert np.all(found.rejected[behind])
    assert np.all(np.isfinite(found.finish[~found.rejected]))


def test_small_caches_preempt_and_every_turn_ends() -> None:
    requests = drawn(120, rate=30.0, kind=f"{KIND}; output=uniform(900, 0.5)")
    found = simulate(requests, Fleet(plausible_tables(capacity=2.5e4), 2, "prefix-aware"))
    assert found.counters["preemptions"] > 0
    assert np.all(np.isfinite(found.finish[~found.rejected]))


def test_autoscaling_serves_sessions() -> None:
    scaling = Autoscaling(1, 4, target=4.0, interval=5.0, start_up=10.0, cool_down=20.0)
    requests = drawn(rate=8.0)
    found = simulate(requests, Fleet(plausible_tables(), 1, "least-loaded", autoscaling=scaling))
    assert np.all(np.isfinite(found.finish))
    assert len(np.unique(found.replica)) > 1


def test_the_summary_counts_sessions() -> None:
    requests = drawn()
    found = simulate(requests, Fleet(plausible_tables()))
    everything = summarise_sessions(found, requests, (0.0, float(found.finish.max())))
    assert everything.started == everything.finished == 150
    assert everything.turns == pytest.approx(len(requests) / 150)
    assert everything.cached_later > everything.cached_first
    assert steady_window(found)[1] == pytest.approx(found.arrival[~sessions_of(requests).later].max())


@pytest.mark.parametrize("name", list_session_kinds())
def test_shipped_kinds_can_be_drawn(name: str) -> None:
    kind = read_session_kind(name)
    requests, left = draw_sessions(kind, arrival=np.arange(400.0), longest=200_000)
    sessions = sessions_of(requests)
    later = sessions.later
    grown = requests.prompt[later] - (requests.prompt + requests.output)[sessions.previous[later]]
    assert np.all(grown >= 1)
    assert np.all(requests.prompt + requests.output <= 200_000)
    assert len(requests) + left > 400


def test_codex_sessions_hit_as_published() -> None:
    """Oracle: Mooncake Store's post reads 94.2 % of tokens from the cache on these traces."""
    requests, _ = draw_sessions(read_session_kind("codex-swe-bench"), arrival=np.arange(40.0))
    found = simulate(requests, Fleet(plausible_tables(capacity=1e9)))
    assert found.cached_tokens.sum() / requests.prompt.sum() == pytest.approx(0.942, abs=0.03)


def test_sessions_started_anew_keep_rate_and_think_times() -> None:
    requests = drawn(400)
    sessions = sessions_of(requests)
    period = float(requests.arrival[~sessions.later].max()) * 400 / 399
    arrival, rows, found = restarted(requests.arrival, sessions, period=period, rate=3.0, count=5000)
    starts = arrival[~found.later]
    assert len(arrival) == pytest.approx(5000, rel=0.02)
    assert len(arrival) / starts.max() == pytest.approx(3.0, rel=0.05)
    assert np.array_equal(np.sort(arrival), arrival)
    assert np.array_equal(found.think, sessions.think[rows])
    again = requests.with_sessions(arrival, rows, found)
    served = simulate(again, Fleet(plausible_tables(capacity=1e12)))
    before = (again.prompt + again.output - 1)[found.previous[found.later]] // 32 * 32
    assert np.array_equal(served.cached_tokens[found.later], before)


def test_moved_sessions_keep_their_turns() -> None:
    requests = drawn(50)
    sessions = sessions_of(requests)
    arrival, rows, found = moved(requests.arrival, sessions, 3.0 * requests.arrival[sessions.root])
    assert arrival[~found.later] == pytest.approx(3.0 * requests.arrival[~sessions.later])
    assert np.array_equal(rows[found.previous[found.later]], sessions.previous[rows[found.later]])


def test_whole_sessions_end_with_the_first_turn_left_out() -> None:
    sessions = Sessions(np.array([-1, 0, 1, -1]), np.zeros(4), np.zeros(4), np.zeros(9), 4)
    assert whole_sessions(sessions, np.array([True, False, True, True])).tolist() == [0, 3]


def test_edited_conversations_share_what_the_trace_says() -> None:
    previous, prompt, output = np.array([-1, 0, 1]), np.array([64, 96, 64]), np.array([16, 16, 16])
    first, ids, common = conversations(previous, prompt, output, block_tokens=16, shared=[32, 64, 32])
    turns = [ids[at : at + (p + o) // 16] for at, p, o in zip(first, prompt, output, strict=True)]
    same = [int(np.argmin(np.append(a[:4] == b[:4], False))) for a, b in pairwise(turns)]
    assert common == 2
    assert turns[0][:2].tolist() == [0, 1]
    assert same == [4, 2]


def test_order_by_arrival_keeps_turns_in_order() -> None:
    sessions = Sessions(np.array([-1, 0, -1]), np.zeros(3), np.zeros(3), np.zeros(3), 4)
    order, found = in_order(np.array([5.0, 9.0, 1.0]), sessions)
    assert order.tolist() == [2, 0, 1]
    assert found.previous.tolist() == [-1, -1, 1]


def test_a_trace_with_sessions(tmp_path: Path) -> None:
    file = tmp_path / "turns.csv"
    file.write_text(
        "timestamp,session,input_tokens,output_tokens,think_time [ms]\n"
        "0,a,100,20,\n1,b,300,20,\n4,a,200,20,1500\n9,a,320,20,500\n"
    )
    requests = read_trace(file, block_tokens=20)
    sessions = sessions_of(requests)
    assert sessions.previous.tolist() == [-1, -1, 0, 2]
    assert sessions.think.tolist() == [0.0, 0.0, 1.5, 0.5]
    found = simulate(requests, Fleet(plain_tables(token=1e-4)), EngineOptions(block=4))
    assert found.cached_tokens.tolist() == [0, 0, 100, 200]
    assert found.arrival[3] == pytest.approx(found.finish[2] + 0.5)


def test_a_trace_with_sessions_and_hashes(tmp_path: Path) -> None:
    file = tmp_path / "turns.jsonl"
    file.write_text(
        '{"timestamp": 0, "input_length": 8, "output_length": 4, "hash_ids": [1, 2], "session_id": "x"}\n'
        '{"timestamp": 9000, "input_length": 12, "output_length": 4, "hash_ids": [1, 3, 4], '
        '"session_id": "x"}\n'
    )
    requests = read_trace(file, block_tokens=4)
    found = simulate(requests, Fleet(plain_tables(token=1e-4)), EngineOptions(block=4))
    assert found.cached_tokens.tolist() == [0, 4]
    assert sessions_of(requests).think.tolist() == [0.0, 9.0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0,a,10,5,\n1,a,30,5,x\n", r"turns\.csv:3: think_time: not a think time; given 'x'"),
        ("0,a,10,5,\n1,a,30,5,-2\n", r"turns\.csv:3: think_time: not a think time; given '-2'"),
        ("0,a,10,5,\n1,,30,5,1\n", r"turns\.csv:3: session: no session"),
    ],
)
def test_bad_rows_of_sessions(tmp_path: Path, rows: str, message: str) -> None:
    file = tmp_path / "turns.csv"
    file.write_text(f"time,session,input_tokens,output_tokens,think_time\n{rows}")
    with pytest.raises(InputError, match=message):
        read_trace(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("codex-swe", "no such kind of sessions; given 'codex-swe'.*did you mean 'codex-swe-bench'"),
        ("chat; thinks=3", "no such property of sessions; given 'thinks=3'.*did you mean 'think'"),
        ("turns=5; first=10", "new is missing"),
        ("chat; turns=none", "sessions, turns: not a distribution"),
        ("chat; think=-3 s", "not a think time"),
        ("chat; block=0", "not a number of tokens"),
    ],
)
def test_bad_words_of_sessions(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_session_kind(text)


def test_what_does_not_go_together() -> None:
    requests = drawn(5)
    with pytest.raises(InputError, match="closed loops of their own"):
        simulate(requests, Fleet(plausible_tables()), concurrency=4)
    with pytest.raises(InputError, match="blocks are given twice"):
        replace(requests, blocks=(np.zeros(len(requests) + 1, int), np.zeros(0, int)), block_tokens=4)
    with pytest.raises(InputError, match="two turns follow"):
        Sessions(np.array([-1, 0, 0]), np.zeros(3), np.zeros(3), np.zeros(3), 4)
    with pytest.raises(InputError, match="before the turn before"):
        Sessions(np.array([1, -1]), np.zeros(2), np.zeros(2), np.zeros(3), 4)
