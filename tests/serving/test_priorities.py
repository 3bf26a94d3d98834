"""Classes of requests by priority: queues whose mean waits are known, and what preemption changes.

References
----------
Cobham 1954, "Priority assignment in waiting line problems", Operations Research 2: non-preemptive. Kleinrock
1976, "Queueing systems" II, 3.4: preemptive resume.
"""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_tables import plain_tables, plausible_tables
from test_engine import equal, some

from gigawatt.core.compiled import COMPILED
from gigawatt.core.errors import InputError
from gigawatt.serving import EngineOptions, Fleet, Outcome, Requests, simulate

RATES = (2.0, 3.0, 2.0)
MEAN = 0.1
ALONE = {"max_sequences": 1, "token_budget": 10**6, "prefix_caching": False}


def mixed(count: int, seed: int) -> Requests:
    """Three classes of Poisson arrivals; geometric outputs of 100 tokens, a millisecond each."""
    rng = np.random.default_rng(seed)
    total = sum(RATES)
    return Requests(
        np.cumsum(rng.exponential(1.0 / total, count)), np.ones(count, int), rng.geometric(0.01, count),
        priority=rng.choice(3, count, p=np.array(RATES) / total),
    )  # fmt: skip


def served(requests: Requests, **options: bool) -> Outcome:
    fleet = Fleet(plain_tables(token=0.0, iteration=1e-3))
    return simulate(requests, fleet, EngineOptions(**ALONE, **options), bin=100.0)


def expected(preemptive: bool) -> list[float]:
    """Mean time from arrival to the last token of each class."""
    second = 2.0 * MEAN**2  # of exponential service
    sums = np.concatenate([[0.0], np.cumsum(np.array(RATES) * MEAN)])
    found = []
    for k in range(3):
        rates = RATES[: k + 1] if preemptive else RATES
        rest = sum(rates) * second / 2.0
        wait = rest / ((1.0 - sums[k]) * (1.0 - sums[k + 1]))
        found.append(wait + (MEAN / (1.0 - sums[k]) if preemptive else MEAN))
    return found


@pytest.mark.parametrize("preemptive", [False, True])
def test_times_are_cobhams_and_of_preemptive_resume(preemptive: bool) -> None:
    requests = mixed(1_000_000 if COMPILED else 10_000, 3)
    outcome = served(requests, priority_preemption=preemptive)
    assert (outcome.preemptions.sum() > 0) == preemptive
    times = outcome.finish - outcome.arrival
    found = [times[requests.priority == k].mean() for k in range(3)]
    assert found == pytest.approx(expected(preemptive), rel=0.03 if COMPILED else 0.5)


def test_the_most_urgent_class_does_not_notice_the_others() -> None:
    """With preemption its times are those of a queue of its own, but for the iteration under way."""
    requests = mixed(20_000, 5)
    mine = requests.priority == 0
    alone = Requests(requests.arrival[mine], requests.prompt[mine], requests.output[mine])
    among = served(requests, priority_preemption=True)
    apart = served(alone)
    late = among.finish[mine] - apart.finish
    assert (late >= -1e-9).all()
    assert late.max() < 0.05
    assert late.mean() < 2e-3


def test_pages_are_made_free_for_the_urgent() -> None:
    tables = plausible_tables(capacity=2480.0)
    requests = Requests(
        arrival=[0.0, 0.0, 1.0], prompt=[900, 900, 800], output=[300, 300, 20], priority=[1, 1, 0]
    )
    waits, takes = (
        simulate(requests, Fleet(tables), EngineOptions(priority_preemption=given)) for given in (False, True)
    )
    assert waits.first_token[2] > waits.finish[:2].min()
    assert takes.first_token[2] < 1.5
    assert takes.preemptions.tolist() == [0, 1, 0]
    assert takes.series.output_tokens.sum() == pytest.approx(620)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_and_jumps_change_nothing(seed: int, swap: bool) -> None:
    tables = plausible_tables(capacity=3000.0, verified=3.0, accepted=2.4)
    options = EngineOptions(
        max_sequences=8, priority_preemption=True, preemption="swap" if swap else "recompute",
        host_bandwidth=1e10,
    )  # fmt: skip
    requests = some(300, seed, rate=60.0)
    fast, slow = (
        simulate(requests, Fleet(tables, 2), options, bin=0.3, jumps=jumps) for jumps in (True, False)
    )
    assert fast.counters["jumps"] > 20
    equal(fast, slow, rtol=1e-9)
    assert fast.preemptions.sum() > 20
    assert np.isfinite(fast.finish).all()
    assert fast.series.output_tokens.sum() == pytest.approx(requests.output.sum())
    inside = (fast.finish - fast.arrival).sum()
    assert (fast.series.running + fast.series.waiting).sum() * 0.3 == pytest.approx(inside)
    computed = (requests.prompt - fast.cached_tokens).sum() + fast.counters["recomputed_tokens"]
    assert fast.series.prompt_tokens.sum() == pytest.approx(computed)


def test_one_priority_is_as_without_preemption() -> None:
    requests = some(300, 7, rate=20.0)
    plain = Requests(requests.arrival, requests.prompt, requests.output)
    one, other = (
        simulate(plain, Fleet(plausible_tables(capacity=3000.0)), EngineOptions(priority_preemption=given))
        for given in (False, True)
    )
    np.testing.assert_array_equal(one.finish, other.finish)
    np.testing.assert_array_equal(one.series.energy, other.series.energy)


def test_static_batches_are_not_preempted() -> None:
    with pytest.raises(InputError, match="priority_preemption: static batches are not preempted"):
        EngineOptions(mode="static", priority_preemption=True)
