"""Prompts here, answers there: bytes that travel, links that are shared, how many replicas of each."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_tables import plain_tables, plausible_tables

from gigawatt.core.errors import InputError
from gigawatt.performance.serving.step_tables import iteration_cost
from gigawatt.serving import EngineOptions, Fleet, Link, Requests, Series, plan_ratio, simulate_disaggregated

SERIES = [name for name in Series.__dataclass_fields__ if name != "bin"]


def some(count: int, seed: int, rate: float = 10.0) -> Requests:
    rng = np.random.default_rng(seed)
    return Requests(
        arrival=np.cumsum(rng.exponential(1.0 / rate, count)), prompt=rng.integers(1, 1500, count),
        output=rng.integers(1, 200, count), priority=rng.integers(0, 2, count),
    )  # fmt: skip


def test_by_hand() -> None:
    """0.1 s a token; 2 B a token, 1 B/s, 0.5 s of latency.

    A (10 tokens) has its first token at 1.0 and travels until 21.0, there at 21.5; B (5), on another prefill
    replica at 0.5, until 10.5, there at 11.0. One decode replica: its link takes B first, then A, from 10.5
    to 30.5, there at 31.0. Then 0.1 s a token: B has 3 more, A 1.
    """
    requests = Requests(arrival=[0.0, 0.0], prompt=[10, 5], output=[2, 4])
    tables = plain_tables(token=0.1)
    outcome = simulate_disaggregated(requests, Fleet(tables, 2), Fleet(tables), link=Link(1.0, 0.5))
    np.testing.assert_allclose(outcome.first_token, [1.0, 0.5])
    np.testing.assert_allclose(outcome.finish, [31.1, 11.3])
    assert outcome.counters["transferred_bytes"] == 30.0
    assert outcome.replica.tolist() == [2, 2]
    assert outcome.itl_weights.sum() == pytest.approx(4)
    two = simulate_disaggregated(requests, Fleet(tables, 2), Fleet(tables, 2), link=Link(1.0, 0.5))
    np.testing.assert_allclose(two.finish, [21.6, 11.3])
    shared = simulate_disaggregated(
        requests, Fleet(tables, 2), Fleet(tables, 2), link=Link(1.0, 0.5, shared=2)
    )
    np.testing.assert_allclose(shared.finish, [31.1, 11.3])


@pytest.mark.parametrize("routing", ["round-robin", "least-loaded"])
def test_what_is_sent_arrives_and_is_counted_once(routing: str) -> None:
    requests = some(800, 1)
    tables = plausible_tables(capacity=3000.0, sequence_bytes=1e7)
    outcome = simulate_disaggregated(
        requests, Fleet(tables, 2), Fleet(tables, 3, routing), link=Link(5e10, 1e-3)
    )
    assert not outcome.rejected.any()
    goes = requests.output > 1
    size = (requests.prompt * tables.token_bytes + tables.sequence_bytes)[goes].sum()
    assert outcome.counters["transferred_bytes"] == pytest.approx(size)
    series = outcome.series
    assert series.output_tokens.sum() == pytest.approx(requests.output.sum())
    assert outcome.itl_weights.sum() == pytest.approx((requests.output - 1).sum())
    recomputed = outcome.counters["recomputed_tokens"]
    assert series.prompt_tokens.sum() == pytest.approx(requests.prompt.sum() + recomputed)
    assert outcome.preemptions.sum() == outcome.counters["preemptions"] > 0
    assert recomputed > 0
    assert (outcome.replica[goes] >= 2).all()
    for name in SERIES:
        parts = sum(getattr(pool, name) for pool in outcome.pools.values())
        np.testing.assert_allclose(getattr(series, name), parts)
    assert outcome.pools["prefill"].output_tokens.sum() == pytest.approx(len(requests))
    np.testing.assert_allclose(series.replicas_on, 5.0)


def test_slower_links_delay_and_jumps_change_nothing() -> None:
    requests = some(600, 2)
    tables = plausible_tables()
    ends = []
    for bandwidth in (1e12, 2e10, 4e9):
        found = [
            simulate_disaggregated(
                requests, Fleet(tables), Fleet(tables, 2), link=Link(bandwidth), jumps=jumps
            )
            for jumps in (True, False)
        ]
        np.testing.assert_allclose(found[0].finish, found[1].finish, rtol=1e-9)
        for name in SERIES:
            np.testing.assert_allclose(
                getattr(found[0].series, name), getattr(found[1].series, name), rtol=1e-9, atol=1e-6
            )
        ends.append(found[0].finish - found[0].first_token)
        alone = (requests.prompt * tables.token_bytes / bandwidth)[requests.output > 1]
        assert (ends[-1][requests.output > 1] > alone).all()
    assert ends[0].mean() < ends[1].mean() < ends[2].mean()


def test_one_that_either_side_rejects_is_rejected() -> None:
    requests = Requests(arrival=[0.0, 1.0, 2.0], prompt=[100, 100, 3000], output=[10, 1500, 10])
    outcome = simulate_disaggregated(
        requests, Fleet(plausible_tables(capacity=2000.0)), Fleet(plausible_tables(capacity=1500.0)),
        link=Link(1e10),
    )  # fmt: skip
    assert outcome.rejected.tolist() == [False, True, True]
    assert outcome.series.output_tokens.sum() == pytest.approx(10)


def test_static_decoding_is_refused() -> None:
    with pytest.raises(InputError, match=r"mode: cannot take what is prefilled; given 'static'"):
        simulate_disaggregated(
            some(2, 0), Fleet(plausible_tables()), Fleet(plausible_tables()), None,
            EngineOptions(mode="static"), link=Link(1e9),
        )  # fmt: skip


def test_a_ratio_is_the_smallest_mix() -> None:
    tables = plausible_tables()
    kept = {"utilisation": 0.8, "token_budget": 2048, "max_sequences": 128, "tpot": 0.05}
    rate = np.array([1.0, 10.0, 100.0])
    found = plan_ratio(tables, tables, rate=rate, prompt=1200.0, output=210.0, **kept)
    for used, count in (
        (found.prefill_utilisation, found.prefill),
        (found.decode_utilisation, found.decode),
    ):
        assert (used <= 0.8 + 1e-9).all()
        fewer = used * count / np.maximum(count - 1, 1)
        assert ((fewer > 0.8) | (count == 1)).all()
    time, _ = iteration_cost(tables, decoding=0.0, context=0.0, chunk=1200.0)
    assert found.prefill_utilisation[2] * found.prefill[2] == pytest.approx(100.0 * float(time))
    assert (found.tpot <= 0.05).all()
    step, _ = iteration_cost(tables, decoding=float(found.sequences[0]), context=1305.0)
    assert found.tpot[0] == pytest.approx(float(step))
    more = plan_ratio(tables, tables, rate=rate[:, None], prompt=[300.0, 3000.0], output=210.0, **kept)
    assert more.prefill.shape == (3, 2)
    assert (more.prefill[:, 1] >= more.prefill[:, 0]).all()
    assert more.prefill[2, 1] / more.decode[2, 1] > more.prefill[2, 0] / more.decode[2, 0]


def test_a_planned_mix_serves_the_demand() -> None:
    """Both fleets are as busy as the plan says or less, since full iterations are the most efficient."""
    tables = plausible_tables()
    requests = some(3000, 6, rate=30.0)
    prompt, output = requests.prompt.mean(), requests.output.mean()
    found = plan_ratio(
        tables, tables, rate=30.0, prompt=prompt, output=output, utilisation=0.7, token_budget=8192,
        max_sequences=128,
    )  # fmt: skip
    fleets = [Fleet(tables, int(count), "least-loaded") for count in (found.prefill, found.decode)]
    outcome = simulate_disaggregated(requests, *fleets, link=Link(1e12))
    busy = outcome.pools["prefill"].busy.sum() / requests.span / int(found.prefill)
    assert busy < 0.75
    waits = outcome.scheduled - outcome.arrival
    assert waits.mean() < 0.2
    assert outcome.pools["decode"].waiting.mean() < 1.0


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"utilisation": 1.2}, "utilisation: is no share; given 1.2; allowed: above 0, at most 1"),
        ({"tpot": 1e-4}, "tpot: one sequence alone is slower; given 0.0001; allowed: "),
        ({"output": 1e8}, "output: one sequence does not fit the cache; given 100000000.0; allowed: "),
    ],
)
def test_errors_are_one_line(changes: dict[str, float], line: str) -> None:
    kept = {
        "rate": 1.0, "prompt": 100.0, "output": 100.0, "utilisation": 0.8, "token_budget": 2048,
        "max_sequences": 8,
    }  # fmt: skip
    with pytest.raises(InputError) as caught:
        plan_ratio(plausible_tables(), plausible_tables(), **(kept | changes))
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize("held", [1, 5, 16])
def test_a_closed_loop_over_two_fleets(held: int) -> None:
    """So many are in flight at all times but the end, and each arrives as another finishes."""
    rng, count = np.random.default_rng(1), 8 * held
    requests = Requests(
        arrival=np.zeros(count), prompt=rng.integers(50, 400, count), output=rng.integers(2, 60, count)
    )
    fleets = Fleet(plausible_tables(), 1), Fleet(plausible_tables(), 2, "least-loaded")
    out = simulate_disaggregated(requests, *fleets, link=Link(1e10), concurrency=held)
    assert (out.arrival[:held] == 0.0).all()
    done = np.sort(out.finish)
    np.testing.assert_allclose(out.arrival[held:], done[: count - held], rtol=0.0, atol=2e-3 * done[-1])
    middle = 0.5 * (out.arrival[held:-1] + out.arrival[held + 1 :]) if held > 1 else np.zeros(0)
    flight = [(out.arrival <= t).sum() - (out.finish <= t).sum() for t in middle]
    assert all(abs(n - held) <= 1 for n in flight)
    with pytest.raises(InputError, match="must be positive"):
        simulate_disaggregated(requests, *fleets, link=Link(1e10), concurrency=0)
