"""The engine's rules on small examples worked by hand, and what must hold whatever the options."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_tables import plain_tables, plausible_tables

from gigawatt.core.errors import InputError
from gigawatt.performance.serving.step_tables import iteration_cost
from gigawatt.serving import Autoscaling, EngineOptions, Fleet, Outages, Outcome, Requests, Series, simulate
from gigawatt.serving.fleet import ROUTINGS

SERIES = [name for name in Series.__dataclass_fields__ if name != "bin"]
TIMES = ("arrival", "scheduled", "first_token", "finish")
COUNTS = ("replica", "preemptions", "cached_tokens", "rejected")


def some(count: int, seed: int, *, rate: float = 8.0, longest: int = 400, shares: bool = True) -> Requests:
    """Random requests, of which a third begin with the same four blocks of 64 tokens."""
    rng = np.random.default_rng(seed)
    prompt = rng.integers(1, longest, count)
    whole = -(-prompt // 64)
    offsets = np.concatenate([[0], np.cumsum(whole)])
    names = np.arange(offsets[-1]) + 100
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], whole)
    common = (within < 4) & np.repeat(rng.random(count) < 0.3, whole)
    names[common] = within[common]
    return Requests(
        arrival=np.cumsum(rng.exponential(1.0 / rate, count)),
        prompt=prompt,
        output=rng.integers(1, longest // 2, count),
        priority=rng.integers(0, 3, count),
        blocks=(offsets, names) if shares else None,
        block_tokens=64 if shares else 0,
    )


def equal(one: Outcome, other: Outcome, rtol: float) -> None:
    for name in TIMES:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=rtol, err_msg=name)
    for name in COUNTS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in SERIES:
        wanted = getattr(other.series, name)
        np.testing.assert_allclose(
            getattr(one.series, name), wanted, rtol=rtol, atol=rtol * max(wanted.max(), 1.0), err_msg=name
        )
    np.testing.assert_allclose(np.cumsum(one.itl_weights), np.cumsum(other.itl_weights), rtol=rtol, atol=1e-6)
    for name in set(one.counters) - {"jumps"}:
        assert one.counters[name] == pytest.approx(other.counters[name], rel=1e-9), name


# by hand


def test_three_requests_in_chunks() -> None:
    """Budget 10, 1 s an iteration and 0.1 s a token. Prompts 8, 12, 4; outputs 3, 2, 1.

    From 0.0: chunk 8 of A, 2 of B: 2.0 s; A's first token at 2.0.
    From 2.0: A decodes, 9 of B: 2.0 s. From 4.0: A decodes and is done, 1 of B, 4 of C: 1.6 s; the first
    tokens of B and C, C done, at 5.6. From 5.6: B decodes, 1.1 s, done at 6.7.
    """
    requests = Requests(arrival=[0.0, 0.0, 0.5], prompt=[8, 12, 4], output=[3, 2, 1])
    outcome = simulate(
        requests, Fleet(plain_tables(token=0.1, iteration=1.0)), EngineOptions(token_budget=10)
    )
    np.testing.assert_allclose(outcome.scheduled, [0.0, 0.0, 4.0])
    np.testing.assert_allclose(outcome.first_token, [2.0, 5.6, 5.6])
    np.testing.assert_allclose(outcome.finish, [5.6, 6.7, 5.6])
    series = outcome.series
    np.testing.assert_allclose(series.prompt_tokens, [5, 5, 4.5, 4.5, 3.125, 1.875, 0.0], atol=1e-12)
    np.testing.assert_allclose(series.running, [2, 2, 2, 2, 3, 0.6 * 3 + 0.4, 0.7])
    np.testing.assert_allclose(series.waiting, [0.5, 1, 1, 1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(series.busy, [1, 1, 1, 1, 1, 1, 0.7])
    assert outcome.counters["iterations"] == 4


def test_a_static_batch() -> None:
    """At most two, 1 s an iteration and 0.1 s a token, padding included. Prompts 4, 6, 5; outputs 2, 4, 1.

    A and B: 12 padded tokens, 2.2 s, first tokens at 2.2; three iterations of two sequences, 1.2 s each; both
    return at 5.8. Then C alone: 1.5 s, 7.3.
    """
    requests = Requests(arrival=[0.0, 0.0, 0.1], prompt=[4, 6, 5], output=[2, 4, 1])
    options = EngineOptions(mode="static", max_sequences=2)
    outcome = simulate(requests, Fleet(plain_tables(token=0.1, iteration=1.0)), options)
    np.testing.assert_allclose(outcome.scheduled, [0.0, 0.0, 5.8])
    np.testing.assert_allclose(outcome.first_token, [2.2, 2.2, 7.3])
    np.testing.assert_allclose(outcome.finish, [5.8, 5.8, 7.3])
    assert outcome.series.output_tokens.sum() == pytest.approx(7)
    assert outcome.series.prompt_tokens.sum() == pytest.approx(15)
    assert outcome.itl_weights.sum() == pytest.approx(4)  # A's one gap, B's three
    assert outcome.series.energy.sum() == pytest.approx(0.1 * (12 + 6 + 5))


def test_the_least_loaded_is_known_as_of_the_arrival() -> None:
    """1 s a token. A (5 tokens) goes to 0 and B (2) to 1, done at 2.1. C at 2.0 finds both busy, goes to 0,
    whose turn it is, D at 2.2 finds 1 idle. C at 2.11 finds 1 idle, D then both busy.
    """
    tables = plain_tables(token=1.0)
    for at, wanted in ((2.0, [0, 1, 0, 1]), (2.11, [0, 1, 1, 0])):
        requests = Requests(arrival=[0.0, 0.1, at, 2.2], prompt=[5, 2, 5, 5], output=[1, 1, 1, 1])
        outcome = simulate(requests, Fleet(tables, replicas=2, routing="least-loaded"))
        assert outcome.replica.tolist() == wanted


def test_the_most_urgent_and_earliest_go_first() -> None:
    requests = Requests(arrival=[0.0, 0.1, 0.2, 0.3], prompt=[5] * 4, output=[1] * 4, priority=[0, 2, 1, 1])
    outcome = simulate(requests, Fleet(plain_tables(token=1.0)), EngineOptions(max_sequences=1))
    np.testing.assert_allclose(outcome.finish, [5.0, 20.0, 10.0, 15.0])


def test_urgent_ones_wait_less() -> None:
    requests = some(2000, 1, rate=6.0)
    outcome = simulate(requests, Fleet(plausible_tables()), EngineOptions(max_sequences=4))
    wait = outcome.scheduled - outcome.arrival
    first, second, third = (wait[requests.priority == level].mean() for level in range(3))
    assert first < 0.5 * second < 0.25 * third


def test_an_iteration_takes_what_the_reference_says() -> None:
    """Alone: a prompt of 700 in chunks of 256, then 39 tokens."""
    tables = plausible_tables()
    requests = Requests(arrival=[0.0], prompt=[700], output=[40])
    outcome = simulate(requests, Fleet(tables), EngineOptions(token_budget=256))
    chunks, energies = iteration_cost(
        tables, decoding=0.0, context=0.0, chunk=[256.0, 256.0, 188.0], before=[0.0, 256.0, 512.0]
    )
    steps, energy = iteration_cost(tables, decoding=1.0, context=700.0 + np.arange(39))
    assert outcome.first_token[0] == pytest.approx(chunks.sum(), rel=1e-12)
    assert outcome.finish[0] == pytest.approx(chunks.sum() + steps.sum(), rel=1e-12)
    above = outcome.series.energy.sum() - tables.idle_power * len(outcome.series)
    assert above == pytest.approx(energies.sum() + energy.sum(), rel=1e-12)
    assert outcome.counters["jumps"] >= 1


def test_too_long_ones_are_rejected_and_counted() -> None:
    requests = Requests(arrival=[0.0, 1.0, 2.0], prompt=[100, 900, 100], output=[10, 200, 2000])
    outcome = simulate(requests, Fleet(plausible_tables(capacity=2000.0)), EngineOptions(context_limit=1000))
    np.testing.assert_array_equal(outcome.rejected, [False, True, True])
    assert np.isnan(outcome.finish[1:]).all()
    assert outcome.replica.tolist() == [0, -1, -1]
    outcome = simulate(requests, Fleet(plausible_tables(capacity=2000.0)))
    np.testing.assert_array_equal(outcome.rejected, [False, False, True])


def test_a_closed_loop_keeps_so_many_in_flight() -> None:
    requests = some(400, 4)
    for replicas in (1, 3):
        outcome = simulate(
            requests, Fleet(plausible_tables(capacity=3000.0), replicas=replicas), concurrency=24
        )
        assert outcome.arrival[:24].max() == 0.0
        assert set(outcome.arrival[24:]) <= set(outcome.finish)
        last = outcome.arrival.max()
        for time in np.linspace(0.0, last, 500, endpoint=False):
            assert np.sum((outcome.arrival <= time) & (outcome.finish > time)) == 24
        whole = slice(0, int(last))
        inside = (outcome.series.running + outcome.series.waiting)[whole]
        np.testing.assert_allclose(inside, 24.0)


def test_replicas_are_turned_on_and_off() -> None:
    """2 s a request; 20 at once, all to the first replica, then one every 50 s; 4 outstanding a replica.

    At 1 s 20 are outstanding and three replicas wanted; at 24 s, when 8 are, two, and at 44 s, after the
    cool-down, one.
    """
    arrival = np.concatenate([np.zeros(20), [50.0, 100.0, 150.0]])
    requests = Requests(arrival=arrival, prompt=np.full(23, 2), output=np.ones(23, int))
    scaling = Autoscaling(minimum=1, maximum=3, target=4.0, interval=1.0, start_up=5.0, cool_down=20.0)
    tables = plain_tables(token=1.0, idle_power=10.0)
    fleet = Fleet(tables, routing="least-loaded", autoscaling=scaling)
    outcome = simulate(requests, fleet, EngineOptions(max_sequences=1))
    on = outcome.series.replicas_on
    np.testing.assert_allclose(on, [1.0] + [3.0] * 23 + [2.0] * 20 + [1.0] * (len(on) - 44))
    assert outcome.finish[19] == pytest.approx(40.0)
    assert outcome.series.energy.sum() == pytest.approx(10.0 * on.sum() + 46.0)
    assert outcome.replicas == 3


def test_in_turn_each_replica_is_on_its_own() -> None:
    """Three replicas are three simulations of every third request."""
    requests, fleet = some(300, 6, rate=30.0, shares=False), Fleet(plausible_tables(capacity=3000.0))
    together = simulate(requests, Fleet(fleet.tables, replicas=3))
    for r in range(3):
        mine = slice(r, None, 3)
        columns = (requests.arrival, requests.prompt, requests.output, requests.priority)
        alone = simulate(Requests(*(column[mine] for column in columns)), fleet)
        np.testing.assert_array_equal(together.finish[mine], alone.finish)
        np.testing.assert_array_equal(together.preemptions[mine], alone.preemptions)
    assert together.preemptions.sum() > 0


def test_replicas_that_start_take_requests_when_ready() -> None:
    arrival = np.arange(40) * 1.0
    requests = Requests(arrival=arrival, prompt=np.full(40, 4), output=np.ones(40, int))
    scaling = Autoscaling(minimum=1, maximum=4, target=1.0, interval=2.0, start_up=3.0, cool_down=1e9)
    fleet = Fleet(plain_tables(token=1.0), routing="least-loaded", autoscaling=scaling)
    outcome = simulate(requests, fleet, EngineOptions(max_sequences=1))
    assert (outcome.replica[arrival < 5.0] == 0).all()
    assert set(outcome.replica[arrival >= 15.0]) == {0, 1, 2, 3}


# whatever the options


@pytest.mark.parametrize("routing", ROUTINGS)
@pytest.mark.parametrize("way", ["open", "closed", "scaled", "guessed", "static"])
def test_jumps_change_nothing(routing: str, way: str) -> None:
    """To 1e-9, bins of energy included, though most iterations are in jumps."""
    changes = {"verified": 4.0, "accepted": 2.6} if way == "guessed" else {}
    tables = plausible_tables(capacity=6000.0, **changes)
    scaling = Autoscaling(1, 4, 12.0, 2.0, 3.0, 5.0) if way == "scaled" else None
    fleet = Fleet(tables, replicas=3, routing=routing, autoscaling=scaling)
    options = EngineOptions(mode="static" if way == "static" else "continuous", max_sequences=64)
    found = [
        simulate(
            some(300, 7, rate=20.0), fleet, options, concurrency=30 if way == "closed" else None, bin=0.3,
            seed=5, jumps=jumps,
        )
        for jumps in (True, False)
    ]  # fmt: skip
    assert found[0].counters["jumps"] > 100
    assert found[1].counters["jumps"] == 0
    equal(*found, rtol=1e-9)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 60),
    rate=st.floats(0.5, 200.0),
    replicas=st.integers(1, 4),
    routing=st.sampled_from(ROUTINGS),
    capacity=st.integers(660, 5000),
    sequences=st.integers(1, 30),
    budget=st.integers(30, 600),
    chunked=st.booleans(),
    swap=st.booleans(),
    static=st.booleans(),
    scaled=st.booleans(),
    concurrency=st.sampled_from([None, None, 1, 9]),
    verified=st.sampled_from([1.0, 3.0]),
    context_limit=st.sampled_from([None, 300]),
)
def test_nothing_is_lost(
    seed, count, rate, replicas, routing, capacity, sequences, budget, chunked, swap, static, scaled,
    concurrency, verified, context_limit,
) -> None:  # fmt: skip
    """Requests in are requests finished or rejected, tokens out are tokens asked for, time is spent once."""
    tables = plausible_tables(capacity=float(capacity), verified=verified, accepted=0.3 + 0.7 * verified)
    options = EngineOptions(
        token_budget=budget, max_sequences=sequences, chunked=chunked, context_limit=context_limit,
        preemption="swap" if swap else "recompute", host_bandwidth=1e10, host_capacity=1e9,
        mode="static" if static else "continuous",
    )  # fmt: skip
    scaling = Autoscaling(1, replicas + 1, 5.0, 1.0, 2.0, 3.0) if scaled else None
    fleet = Fleet(tables, replicas, routing, autoscaling=scaling)
    requests = some(count, seed, rate=rate)
    outcome = simulate(requests, fleet, options, concurrency=concurrency, seed=seed)
    served = ~outcome.rejected
    assert np.isfinite(outcome.finish[served]).all()
    assert np.isnan(outcome.finish[~served]).all()
    assert (outcome.scheduled >= outcome.arrival)[served].all()
    assert (outcome.first_token > outcome.scheduled)[served].all()
    assert (outcome.finish >= outcome.first_token)[served].all()
    series, output = outcome.series, requests.output[served]
    assert series.output_tokens.sum() == pytest.approx(output.sum(), rel=1e-9)
    assert outcome.itl_weights.sum() == pytest.approx((output - 1).sum(), rel=1e-9, abs=1e-6)
    computed = requests.prompt[served].sum() - outcome.cached_tokens[served].sum()
    assert series.prompt_tokens.sum() == pytest.approx(computed + outcome.counters["recomputed_tokens"])
    assert series.iterations.sum() == pytest.approx(outcome.counters["iterations"])
    assert outcome.preemptions.sum() == outcome.counters["preemptions"]
    inside = (outcome.finish - outcome.arrival)[served].sum()
    assert (series.running + series.waiting).sum() == pytest.approx(inside, rel=1e-9, abs=1e-9)
    assert (series.busy <= series.replicas_on + 1e-9).all()
    assert (series.energy >= tables.idle_power * series.replicas_on * (1.0 - 1e-12)).all()
    if not static:
        held = series.kv_tokens[series.replicas_on > 0] / series.replicas_on[series.replicas_on > 0]
        assert (held <= capacity).all()
        assert (series.running <= series.replicas_on * min(sequences, budget // verified) + 1e-9).all()


@pytest.mark.parametrize("seed", range(40))
def test_a_sequence_preempted_before_its_last_token_gains_no_other(seed: int) -> None:
    """12 tokens at 2.4 an iteration are 5 iterations, but 6 by the rounding of 12 / 2.4."""
    tables = plausible_tables(capacity=2032.0, verified=3.0, accepted=0.3 + 0.7 * 3.0)
    requests = some(35, seed, rate=91.0)
    outcome = simulate(requests, Fleet(tables), EngineOptions(token_budget=320, max_sequences=10))
    assert outcome.series.output_tokens.sum() == pytest.approx(requests.output.sum(), rel=1e-9)


def test_the_same_seed_is_the_same_outcome() -> None:
    fleet = Fleet(plausible_tables(), replicas=5, routing="random")
    requests = some(300, 8)
    one, same, other = (simulate(requests, fleet, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.finish, same.finish)
    np.testing.assert_array_equal(one.series.energy, same.series.energy)
    assert (one.replica != other.replica).any()


def test_bins_do_not_matter_and_grow() -> None:
    requests = some(200, 9, rate=50.0)
    fleet = Fleet(plausible_tables(capacity=2000.0), replicas=2)
    coarse, fine = (simulate(requests, fleet, bin=width) for width in (10.0, 0.01))
    np.testing.assert_array_equal(coarse.finish, fine.finish)
    assert len(fine.series) > 1000
    for name in ("output_tokens", "prompt_tokens", "iterations", "busy"):
        assert getattr(fine.series, name).sum() == pytest.approx(getattr(coarse.series, name).sum())
    for name in ("running", "waiting", "kv_tokens"):
        whole = getattr(coarse.series, name).sum() * 10.0
        assert getattr(fine.series, name).sum() * 0.01 == pytest.approx(whole)


def test_no_requests() -> None:
    outcome = simulate(
        Requests(arrival=[], prompt=np.zeros(0, int), output=np.zeros(0, int)), Fleet(plausible_tables())
    )
    assert len(outcome) == 0
    assert outcome.series.energy.tolist() == [720.0]


WITHOUT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from test_engine import outcome_for_comparison
print(json.dumps(outcome_for_comparison()))
"""


def outcome_for_comparison() -> dict[str, object]:
    from gigawatt.core.compiled import COMPILED

    found: dict[str, object] = {"compiled": COMPILED}
    for routing, swap in (("prefix-aware", False), ("random", True)):
        fleet = Fleet(plausible_tables(capacity=2500.0), replicas=2, routing=routing)
        options = EngineOptions(
            preemption="swap" if swap else "recompute", host_bandwidth=1e10, priority_preemption=swap
        )
        outcome = simulate(some(150, 11, rate=20.0), fleet, options, bin=0.1)
        columns = {name: getattr(outcome, name).tolist() for name in (*TIMES, *COUNTS, "itl_weights")}
        columns |= {name: getattr(outcome.series, name).tolist() for name in SERIES}
        found[routing] = columns | {"counters": outcome.counters}
        outages = Outages(failure_rate=0.3, replaced=0.5, repair=2.0, detection=0.5, restart=1.0)
        outcome = simulate(some(150, 11, rate=20.0), replace(fleet, outages=outages), options, bin=0.1)
        assert outcome.interrupted.any()
        columns = {name: getattr(outcome, name).tolist() for name in (*TIMES, *COUNTS, "interrupted")}
        columns |= {name: getattr(outcome.series, name).tolist() for name in SERIES}
        found[f"{routing} with failures"] = columns | {"counters": outcome.counters}
    return found


def test_not_compiled_all_is_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT, str(Path(__file__).parent)],
        capture_output=True, text=True, timeout=120, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    here = json.loads(json.dumps(outcome_for_comparison()))
    assert there.pop("compiled") is False
    here.pop("compiled")
    for routing, columns in here.items():
        assert columns["counters"]["preemptions"] > 0
        for name, values in columns.items():
            if name != "counters":
                np.testing.assert_allclose(there[routing][name], values, rtol=1e-13, atol=1e-12, err_msg=name)
        assert there[routing]["counters"] == pytest.approx(columns["counters"])


# errors


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Requests([0.0, 2.0, 1.0], [1, 1, 1], [1, 1, 1]),
         "arrival: row 2 comes before the row above it; given 1.0; allowed: ascending times; sort them"),
        (lambda: Requests([-1.0], [1], [1]),
         "arrival: row 0 is no time; given -1.0; allowed: seconds from 0 on"),
        (lambda: Requests([0.0, 1.0], [4, 0], [1, 1]),
         "prompt: row 1 has no tokens; given 0; allowed: 1 token or more"),
        (lambda: Requests([0.0], [1], [2.5]), "output: row 0 is no whole number; given 2.5; allowed: tokens"),
        (lambda: Requests([0.0], [1, 2], [1]),
         "prompt: another number of requests than arrivals; given (2,); allowed: (1,)"),
        (lambda: Requests([0.0], [1], [1], priority=[-1]),
         "priority: row 0 is negative; given -1; allowed: 0, the most urgent, or more"),
        (lambda: Requests([0.0], [40], [1], blocks=([0, 3], [1, 2, 3]), block_tokens=20),
         "blocks: row 0 has more blocks than its prompt fills; given 3; "
         "allowed: prompt / block_tokens, rounded up"),
        (lambda: EngineOptions(preemption="swop"),
         "preemption: no such choice; given 'swop'; allowed: recompute, swap; did you mean 'swap'?"),
        (lambda: EngineOptions(preemption="swap"),
         "host_bandwidth: swapping needs a bandwidth; given 0.0; allowed: bytes per second, more than 0"),
        (lambda: EngineOptions(token_budget=0),
         "token_budget: must be positive; given 0; allowed: 1 or more"),
        (lambda: Fleet(plausible_tables(), routing="least-load"),
         "routing: no such routing; given 'least-load'; allowed: round-robin, least-loaded, prefix-aware, "
         "random; did you mean 'least-loaded'?"),
        (lambda: simulate(some(3, 0), Fleet(plausible_tables()), EngineOptions(block=24)),
         "block: blocks of prefixes are no whole pages; given 24; "
         "allowed: a divisor of the 64 tokens of a block"),
        (lambda: simulate(some(3, 0), Fleet(plausible_tables()), bin=1e-12),
         "bin: more bins than can be kept; given 1e-12; allowed: 10000000 of them"),
        (lambda: simulate(some(3, 0), Fleet(plausible_tables()), concurrency=0),
         "concurrency: must be positive; given 0; allowed: 1 or more"),
    ],
)  # fmt: skip
def test_errors_are_one_line(make, line: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == line
