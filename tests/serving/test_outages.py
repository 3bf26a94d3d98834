"""Replicas that fail, are drained and come back: by hand, as queues with breakdowns, and what is conserved.

References
----------
White, Christie 1958, "Queuing with preemptive priorities or with breakdown", Operations Research 6: M/M/1
whose server breaks down whether it works or not. Barlow, Proschan 1975, "Statistical theory of reliability
and life testing": alternating renewal, k-out-of-n systems.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_tables import plain_tables, plausible_tables
from test_cache_tiers import HOST, REMOTE
from test_engine import COUNTS, SERIES, TIMES, equal, some
from test_sessions import drawn, sessions_of

from gigawatt.core.compiled import COMPILED
from gigawatt.core.errors import InputError
from gigawatt.performance.reliability.failures import hot_spares, in_service, reserve_of
from gigawatt.serving import (
    Autoscaling,
    EngineOptions,
    Fleet,
    Outages,
    PlannedOutage,
    Requests,
    simulate,
    simulate_disaggregated,
)
from gigawatt.serving.cache_tiers import CacheTier
from gigawatt.serving.fleet import ROUTINGS, Link
from gigawatt.serving.outages import OutageLog, OutageSchedule

# by hand


def test_a_failure_loses_what_is_under_way() -> None:
    """1 s an iteration and 0.1 s a token. One request of 4 prompt and 5 output tokens; it fails at 5.0.

    Prefill 0 to 1.4; decode to 2.5, 3.6, 4.7: four tokens are out. The iteration of the fifth is cut. Noticed
    at 6.0, away for 3 s, restarted 2 s later, at 11.0: prompt and four tokens in 1.8 s bring the fifth.
    """
    tables = plain_tables(token=0.1, iteration=1.0, idle_power=2.0)
    outages = Outages(detection=1.0, restart=2.0, planned=(PlannedOutage("failure", 5.0, 0, 3.0),))
    requests = Requests(arrival=[0.0], prompt=[4], output=[5])
    outcome = simulate(requests, Fleet(tables, outages=outages))
    assert outcome.first_token.tolist() == pytest.approx([1.4])
    assert outcome.finish.tolist() == pytest.approx([12.8])
    assert outcome.interrupted.tolist() == [1]
    log = outcome.outages
    assert log is not None
    assert (log.out.tolist(), log.back.tolist()) == ([5.0], [11.0])
    assert outcome.counters["recomputed_tokens"] == 8
    assert outcome.counters["iterations"] == 6  # the one cut short among them
    series = outcome.series
    np.testing.assert_allclose(series.replicas_on, [1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_allclose(series.running[:12], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_allclose(series.waiting[:12], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0])
    # a joule a token: 4 and 3 before, 0.3/1.1 of the one cut short, 8 after; 2 W while it is on
    assert series.energy.sum() == pytest.approx(0.1 * (4 + 3 + 0.3 / 1.1 + 8) + 2.0 * 10)


def test_a_jump_that_is_cut_brings_its_whole_iterations() -> None:
    tables = plain_tables(token=0.0, iteration=1.0)
    outages = Outages(planned=(PlannedOutage("failure", 50.5),))
    requests = Requests(arrival=[0.0], prompt=[4], output=[100])
    outcome = simulate(requests, Fleet(tables, outages=outages))
    assert outcome.finish.tolist() == pytest.approx([100.5])
    assert outcome.counters["recomputed_tokens"] == 4 + 50
    np.testing.assert_allclose(outcome.series.output_tokens[:51].sum(), 50 + 0.5)


def test_others_take_over_once_it_is_noticed() -> None:
    tables = plain_tables(token=0.0, iteration=1.0)
    outages = Outages(detection=3.0, planned=(PlannedOutage("failure", 4.5, 0, 100.0),))
    requests = Requests(arrival=[0.0, 0.1, 5.0], prompt=[1, 1, 1], output=[10, 10, 10])
    outcome = simulate(requests, Fleet(tables, 2, "least-loaded", outages=outages))
    assert outcome.replica.tolist() == [1, 1, 1]
    # at 7.5 replica 1 is within the iteration that ends at 8.1; 4 tokens are out
    np.testing.assert_allclose(outcome.finish, [8.1 + 6.0, 10.1, 5.1 + 10.0])


def test_a_drained_replica_finishes_what_it_has() -> None:
    tables = plain_tables(token=0.0, iteration=1.0)
    outages = Outages(restart=2.0, planned=(PlannedOutage("drain", 4.5, 0, 5.0),))
    requests = Requests(arrival=[0.0, 4.6, 14.0, 17.5], prompt=[1, 1, 1, 1], output=[10, 1, 1, 1])
    outcome = simulate(requests, Fleet(tables, 1, outages=outages))
    log = outcome.outages
    assert log is not None
    assert (log.out.tolist(), log.back.tolist()) == ([4.5], [17.0])
    # the second and third wait until it is back
    np.testing.assert_allclose(outcome.finish, [10.0, 18.0, 18.0, 19.0])
    assert outcome.interrupted.sum() == 0


def test_a_rolling_update_takes_one_replica_after_the_other() -> None:
    tables = plausible_tables()
    outages = Outages(restart=5.0, planned=(PlannedOutage("update", 3.0, away=1.0),))
    requests = some(2000, 3, rate=10.0)
    outcome = simulate(requests, Fleet(tables, 4, "least-loaded", outages=outages))
    log = outcome.outages
    assert log is not None
    assert log.replica.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(log.out[1:], log.back[:-1])
    assert (log.back - log.out >= 6.0).all()
    assert log.most_out(0.0, 1e9) == 1
    assert outcome.interrupted.sum() == 0
    assert outcome.counters["recomputed_tokens"] == 0


def test_a_replica_that_fails_forgets_its_prefixes() -> None:
    names = np.arange(4)
    requests = Requests(
        arrival=[0.0, 50.0, 100.0], prompt=[256] * 3, output=[2] * 3,
        blocks=(np.array([0, 4, 8, 12]), np.tile(names, 3)), block_tokens=64,
    )  # fmt: skip
    outages = Outages(planned=(PlannedOutage("failure", 70.0),))
    held = simulate(requests, Fleet(plausible_tables()))
    lost = simulate(requests, Fleet(plausible_tables(), outages=outages))
    assert held.cached_tokens.tolist() == [0, 192, 192]
    assert lost.cached_tokens.tolist() == [0, 192, 0]


# queues with breakdowns


def breakdown_queue(*, rate: float, service: float, fails: float, mended: float) -> float:
    """Mean requests in an M/M/1 whose server breaks down at ``fails`` and is mended at ``mended`` [1/s].

    With the server up, the generating function is P(z) = μ p0 / (μ − λz − ξλz/(λ(1 − z) + η)),
    with it down Q(z) = ξ P(z) / (λ(1 − z) + η); the mean is P'(1) + Q'(1).
    """
    slope = -rate - fails * rate * (mended + rate) / mended**2
    spare = service - rate - fails * rate / mended
    up = mended / (mended + fails)
    first = -up * slope / spare
    return first + fails / mended * first + fails * rate * up / mended**2


@pytest.mark.parametrize(("fails", "mended"), [(0.05, 0.5), (0.3, 1.0)])
def test_one_replica_that_breaks_down_is_white_and_christies_queue(fails: float, mended: float) -> None:
    """One request at a time, geometric outputs of 100 tokens on average, each in a millisecond."""
    count = 400_000 if COMPILED else 4_000
    rng = np.random.default_rng(4)
    output = rng.geometric(1.0 / 100.0, count)
    requests = Requests(np.cumsum(rng.exponential(1.0 / 3.0, count)), np.ones(count, int), output)
    outages = Outages(failure_rate=fails, replaced=1.0, repair=1.0 / mended, chance=True)
    fleet = Fleet(plain_tables(token=0.0, iteration=1e-3), outages=outages)
    outcome = simulate(requests, fleet, EngineOptions(max_sequences=1, token_budget=10**6), bin=100.0)
    expected = breakdown_queue(rate=3.0, service=10.0, fails=fails, mended=mended)
    inside = (outcome.finish - outcome.arrival).mean() * 3.0
    assert inside == pytest.approx(expected, rel=0.04 if COMPILED else 0.5)
    log, end = outcome.outages, float(outcome.finish.max())
    assert log is not None
    assert 1.0 - log.lost(0.0, end) / end == pytest.approx(
        mended / (mended + fails), rel=0.005 if COMPILED else 0.1
    )


def test_replicas_of_a_node_are_out_together() -> None:
    """Shares of time with 0, 1, 2 … replicas out are those of the closed form, nodes being independent."""
    outages = Outages(
        failure_rate=0.004, replaced=0.6, repair=40.0, detection=1.0, restart=5.0, together=3, chance=True
    )
    requests = some(20_000 if COMPILED else 1000, 6, rate=0.02)
    outcome = simulate(requests, Fleet(plausible_tables(), 7, outages=outages), bin=100.0)
    log, end = outcome.outages, float(outcome.finish.max())
    assert log is not None
    alone, node = outages.out
    times = np.sort(np.random.default_rng(0).uniform(0.0, end, 20_000))
    out = (log.out[:, None] <= times) & (times < log.back[:, None])
    for spare in (0, 2, 3, 4):
        expected = in_service(replicas=7, needed=7 - spare, out=alone, together=3, node_out=node)
        found = float((out.sum(axis=0) <= spare).mean())
        assert found == pytest.approx(expected, abs=0.01 if COMPILED else 0.05)


@pytest.mark.parametrize(("replicas", "together"), [(1, 1), (5, 1), (6, 2), (7, 3), (4, 8)])
def test_in_service_counts_every_state(replicas: int, together: int) -> None:
    """Oracle: all states of nodes and replicas, one by one."""
    out, node = 0.1, 0.25
    nodes = -(-replicas // together)
    shares = np.zeros(replicas + 1)
    for state in itertools.product((0, 1), repeat=nodes + replicas):
        away, down = state[:nodes], state[nodes:]
        count = sum(down[r] or away[r // together] for r in range(replicas))
        sizes = [min(together, replicas - n * together) / together for n in range(nodes)]
        gone = [node / (1 - node) * size / (1 + node / (1 - node) * size) for size in sizes]
        chance = np.prod([g if a else 1 - g for a, g in zip(away, gone, strict=True)])
        shares[count] += chance * np.prod([out if d else 1 - out for d in down])
    for needed in range(replicas + 1):
        found = in_service(replicas=replicas, needed=needed, out=out, together=together, node_out=node)
        assert found == pytest.approx(shares[: replicas - needed + 1].sum(), rel=1e-12)


def test_the_reserve_is_the_fewest_that_is_enough() -> None:
    shares = {"out": 0.03, "together": 4, "node_out": 0.01}
    for needed in (1, 8, 300):
        spare = reserve_of(needed=needed, confidence=0.999, **shares)
        assert in_service(replicas=needed + spare, needed=needed, **shares) >= 0.999
        assert in_service(replicas=needed + spare - 1, needed=needed, **shares) < 0.999
    assert reserve_of(needed=5, confidence=0.5, out=0.0) == 0
    # many replicas, each by itself: Palm's theorem has nearly the same number of spares for nodes
    palm = hot_spares(nodes=2000, failure_rate=1e-6, repair_time=1e4, confidence=0.999)
    assert reserve_of(needed=2000, out=0.01 / 1.01, confidence=0.999) == pytest.approx(int(palm), abs=2)


def test_failures_on_several_replicas_leave_the_share_of_alternating_renewal() -> None:
    """In service: 1 / (1 + rate · (detection + replaced · repair + restart)), whatever the distributions."""
    outages = Outages(failure_rate=0.02, replaced=0.7, repair=20.0, detection=1.0, restart=5.0)
    requests = some(20_000 if COMPILED else 1500, 5, rate=2.0)
    outcome = simulate(requests, Fleet(plausible_tables(), 6, "least-loaded", outages=outages), bin=10.0)
    log, end = outcome.outages, float(outcome.finish.max())
    assert log is not None
    assert outages.out == (pytest.approx(0.4 / 1.4), 0.0)
    share = 1.0 - log.lost(0.0, end) / (6 * end)
    assert share == pytest.approx(1.0 / 1.4, rel=0.01 if COMPILED else 0.1)
    # failures come only in service
    assert len(log) == pytest.approx(0.02 * share * 6 * end, rel=0.05 if COMPILED else 0.3)


# whatever the options


def test_without_failures_nothing_changes() -> None:
    """To the last bit with a rate of 0; all times to the last bit with a failure after the end."""
    requests = some(300, 7, rate=20.0)
    tables = plausible_tables(capacity=6000.0)
    for routing in ROUTINGS:
        plain, none, late = (
            simulate(requests, Fleet(tables, 3, routing, outages=outages), bin=0.3)
            for outages in (
                None, Outages(detection=1.0, restart=9.0),
                Outages(planned=(PlannedOutage("failure", 1e5),), restart=9.0),
            )
        )  # fmt: skip
        assert plain.outages is None
        assert none.outages is None
        assert late.outages is not None
        assert len(late.outages) == 0
        for other in (none, late):
            for name in (*TIMES, *COUNTS, "itl_weights"):
                np.testing.assert_array_equal(getattr(plain, name), getattr(other, name), err_msg=name)
            for name in SERIES:  # bins add up in another order once nothing more comes
                one, two = getattr(plain.series, name), getattr(other.series, name)
                np.testing.assert_allclose(one, two, rtol=0.0 if other is none else 1e-14, err_msg=name)
            assert plain.counters == other.counters


@pytest.mark.parametrize("routing", ROUTINGS)
@pytest.mark.parametrize("way", ["open", "closed", "scaled", "guessed"])
def test_jumps_change_nothing(routing: str, way: str) -> None:
    changes = {"verified": 4.0, "accepted": 2.6} if way == "guessed" else {}
    tables = plausible_tables(capacity=6000.0, **changes)
    scaling = Autoscaling(1, 4, 12.0, 2.0, 3.0, 5.0) if way == "scaled" else None
    outages = Outages(
        failure_rate=0.03, replaced=0.5, repair=4.0, detection=0.4, restart=1.0,
        planned=(PlannedOutage("update", 6.0), PlannedOutage("drain", 2.0, 1, 1.0)),
    )  # fmt: skip
    fleet = Fleet(tables, 3, routing, autoscaling=scaling, outages=outages)
    found = [
        simulate(
            some(300, 7, rate=20.0), fleet, EngineOptions(max_sequences=64),
            concurrency=30 if way == "closed" else None, bin=0.3, seed=5, jumps=jumps,
        )
        for jumps in (True, False)
    ]  # fmt: skip
    assert found[0].counters["jumps"] > 100
    assert found[0].outages is not None
    assert len(found[0].outages) > 3
    np.testing.assert_array_equal(found[0].interrupted, found[1].interrupted)
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
    alone=st.booleans(),
    swap=st.booleans(),
    scaled=st.booleans(),
    groups=st.sampled_from([1.0, 2.0]),
    concurrency=st.sampled_from([None, None, 1, 9]),
    verified=st.sampled_from([1.0, 3.0]),
    failures=st.floats(0.0, 0.3),
    replaced=st.floats(0.0, 1.0),
    detection=st.sampled_from([0.0, 0.7]),
    restart=st.sampled_from([0.0, 2.5]),
    planned=st.lists(
        st.tuples(st.sampled_from(["failure", "drain"]), st.floats(0.0, 9.0), st.floats(0.0, 3.0)), max_size=3
    ),
    update=st.booleans(),
)
def test_nothing_is_lost(
    seed, count, rate, replicas, routing, capacity, sequences, budget, alone, swap, scaled, groups,
    concurrency, verified, failures, replaced, detection, restart, planned, update,
) -> None:  # fmt: skip
    """Requests in are requests finished, tokens out are tokens asked for, time is spent once."""
    tables = plausible_tables(
        capacity=float(capacity), verified=verified, accepted=0.3 + 0.7 * verified, groups=groups
    )
    options = EngineOptions(
        token_budget=budget, max_sequences=sequences, prompts_alone=alone,
        preemption="swap" if swap else "recompute", host_bandwidth=1e10, host_capacity=1e9,
    )  # fmt: skip
    most = replicas + 1 if scaled else replicas
    given_outages = [
        PlannedOutage(kind, time, n % most, away) for n, (kind, time, away) in enumerate(planned)
    ]
    outages = Outages(
        failure_rate=failures, replaced=replaced, repair=2.0, detection=detection, restart=restart,
        chance=True,
        planned=(*given_outages, *((PlannedOutage("update", 1.0, away=0.5),) if update else ())),
    )  # fmt: skip
    scaling = Autoscaling(1, replicas + 1, 5.0, 1.0, 2.0, 3.0) if scaled else None
    fleet = Fleet(tables, replicas, routing, autoscaling=scaling, outages=outages)
    requests = some(count, seed, rate=rate)
    outcome = simulate(requests, fleet, options, concurrency=concurrency, seed=seed)
    served = ~outcome.rejected
    assert np.isfinite(outcome.finish[served]).all()
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
    assert (series.replicas_on <= most + 1e-9).all()
    assert (series.energy >= tables.idle_power * series.replicas_on * (1.0 - 1e-12)).all()
    held = series.kv_tokens[series.replicas_on > 1e-9] / series.replicas_on[series.replicas_on > 1e-9]
    assert (held <= capacity * (1.0 + 1e-9)).all()
    log = outcome.outages
    if log is not None and len(log):
        assert (log.back >= log.out).all()
        end = float(np.nanmax(outcome.finish)) if served.any() else 1.0
        assert log.lost(0.0, end) <= most * end * (1.0 + 1e-9)
        assert log.most_out(0.0, end) <= most
        for r in range(most):  # one outage of a replica at a time
            mine = log.replica == r
            assert (log.out[mine][1:] >= log.back[mine][:-1] - 1e-9).all()


@pytest.mark.parametrize("tiers", [(), (HOST,), (HOST, REMOTE)])
def test_sessions_and_tiers_outlive_failures(tiers: tuple[CacheTier, ...]) -> None:
    """Every turn ends, a think time after the answer before; blocks that tiers lose are counted."""
    requests = drawn(200, rate=4.0)
    outages = Outages(failure_rate=0.06, replaced=0.5, repair=5.0, detection=0.5, restart=3.0)
    fleet = Fleet(plausible_tables(capacity=1.2e4), 3, "prefix-aware", outages=outages)
    outcome = simulate(requests, fleet, EngineOptions(tiers=tiers))
    assert outcome.outages is not None
    assert len(outcome.outages) > 3
    assert outcome.interrupted.sum() > 0
    assert np.isfinite(outcome.finish).all()
    sessions = sessions_of(requests)
    later = np.flatnonzero(sessions.later)
    expected = outcome.finish[sessions.previous[later]] + sessions.think[later]
    np.testing.assert_allclose(outcome.arrival[later], expected)
    for tier in tiers:
        use = outcome.tiers[tier.name]
        assert use.written_tokens == use.evicted_tokens + use.held_tokens
    whole = simulate(
        requests, Fleet(plausible_tables(capacity=1.2e4), 3, "prefix-aware"), EngineOptions(tiers=tiers)
    )
    assert outcome.cached_tokens.sum() < whole.cached_tokens.sum()


def test_bins_do_not_matter() -> None:
    """Failures are drawn on as the bins grow: the same ones, whatever the width."""
    outages = Outages(failure_rate=0.05, replaced=0.5, repair=3.0, detection=0.5, restart=2.0)
    fleet = Fleet(plausible_tables(capacity=2000.0), 2, outages=outages)
    coarse, fine = (simulate(some(200, 9, rate=50.0), fleet, bin=width) for width in (10.0, 0.01))
    np.testing.assert_array_equal(coarse.finish, fine.finish)
    assert coarse.outages is not None
    assert fine.outages is not None
    np.testing.assert_array_equal(coarse.outages.out, fine.outages.out)
    for name in ("output_tokens", "prompt_tokens", "iterations", "busy"):
        assert getattr(fine.series, name).sum() == pytest.approx(getattr(coarse.series, name).sum())


def test_rows_are_drawn_once() -> None:
    given_outages = Outages(failure_rate=1.0, planned=(PlannedOutage("drain", 3.0),))
    at_once = OutageSchedule(given_outages, 2, 1).until(20.0)
    schedule = OutageSchedule(given_outages, 2, 1)
    parts = [schedule.until(time) for time in (0.0, 2.9, 3.0, 3.0, 11.0, 20.0)]
    np.testing.assert_array_equal(np.concatenate(parts), at_once)
    assert (np.diff(at_once[:, 0]) >= 0.0).all()
    assert len(at_once) == pytest.approx(41, abs=15)


def test_what_a_log_says() -> None:
    log = OutageLog(
        np.array([0, 1, 0]), np.array([0, 0, 1]), np.array([1.0, 2.0, 10.0]), np.array([3.0, 5.0, np.inf])
    )
    assert log.lost(0.0, 20.0) == pytest.approx(2 + 3 + 10)
    assert log.lost(2.5, 4.0) == pytest.approx(0.5 + 1.5)
    assert log.most_out(0.0, 20.0) == 2
    assert log.most_out(3.5, 20.0) == 1
    assert log.during(np.array([0.5, 1.0, 4.0, 6.0, 11.0])).tolist() == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: PlannedOutage("crash", 1.0),
         "kind: no such outage; given 'crash'; allowed: failure, drain, update"),
        (lambda: PlannedOutage("drain", -1.0), "time: is no time; given -1.0; allowed: 0 s or more"),
        (lambda: Outages(failure_rate=-1.0), "failure_rate: is negative; given -1.0; allowed: 0 or more"),
        (lambda: Outages(replaced=2.0), "replaced: is no share; given 2.0; allowed: 0 to 1"),
        (
            lambda: simulate(
                some(3, 0),
                Fleet(plausible_tables(), outages=Outages(planned=(PlannedOutage("drain", 1.0, 1),))),
            ),
            "planned: no such replica; given 1; allowed: 0 to 0",
        ),
        (
            lambda: simulate(
                some(3, 0), Fleet(plausible_tables(), outages=Outages(failure_rate=1.0)),
                EngineOptions(mode="static"),
            ),
            "mode: static batches have no outages; given 'static'; allowed: continuous",
        ),
        (
            lambda: simulate_disaggregated(
                some(3, 0, shares=False), Fleet(plausible_tables(), outages=Outages(failure_rate=1.0)),
                Fleet(plausible_tables()), link=Link(1e10),
            ),
            "outages: failures are modelled on replicas that both prefill and decode; "
            "allowed: aggregated replicas",
        ),
    ],
)  # fmt: skip
def test_errors_are_one_line(make, line: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == line
