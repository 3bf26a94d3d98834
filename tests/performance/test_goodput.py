"""Goodput: Young's and Daly's results, published runs, shares that sum to one, a played run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.catalog import entity, table
from gigawatt.performance import checkpoint_interval, goodput
from gigawatt.performance.reliability.failures import Uncertain, hot_spares, recovery_time, shrink_loss
from gigawatt.performance.reliability.goodput import goodput_covered
from gigawatt.performance.reliability.runs import reliability_of

HOUR = 3600.0
DAY = 86400.0


def test_interval_is_youngs_for_rare_failures() -> None:
    """√(2 δ M) (Young 1974) where δ ≪ M."""
    found = checkpoint_interval(checkpoint_time=1.0, mean_time_between_failures=1e8)
    assert found == pytest.approx(np.sqrt(2.0 * 1e8), rel=1e-3)


def test_interval_is_the_best_one() -> None:
    """A numerical search over intervals finds none better than Daly's."""
    keywords = {"count": 16384, "failure_rate": 2e-5 / HOUR, "checkpoint_time": 60.0, "restart_time": 600.0}
    best, _ = goodput(**keywords)
    tried, _ = goodput(**keywords, interval=np.geomspace(60.0, 2e5, 4000))
    assert 1.0 - best == pytest.approx(1.0 - tried.max(), rel=1e-3)


def test_llama_3_interruptions_from_other_clusters() -> None:
    """419 in 54 days on 16,384 H100 (arXiv 2407.21783) lie in the band of clusters without Llama 3's."""
    assert entity("reliability_clusters", "llama3-h100").text("role") == "judge"
    exposure = 16384 * 54 * DAY
    assert entity("reliability", "large-cluster").value("failure_rate") * exposure == pytest.approx(
        419, rel=0.15
    )
    row = entity("reliability", "large-cluster").evidence("failure_rate")
    assert row.low * exposure < 419 < row.high * exposure
    own = entity("reliability", "llama3-h100").evidence("failure_rate")
    assert own.value * exposure == pytest.approx(419, rel=1e-3)
    assert own.low is not None
    assert own.high is not None
    assert 0.85 * 419 < own.low * exposure < 419 < own.high * exposure < 1.15 * 419


def test_llama_3_effective_time() -> None:
    """More than 90 % effective training time; nothing was fitted to it."""
    row = reliability_of("llama3-h100", accelerators=16384)
    share, breakdown = goodput(count=16384, **row.values())
    assert breakdown["failures_per_day"] * 54 == pytest.approx(419, rel=1e-3)
    assert breakdown["planned"] > 0.0
    assert 0.90 < share < 0.97


def test_spread_is_that_of_the_clusters_that_were_fitted() -> None:
    """The row of a cluster nobody measured: logarithmic mean and spread of the rows of role fit."""
    rates = np.log(
        [r.value("failure_rate") for r in table("reliability_clusters").values() if r.text("role") == "fit"]
    )
    row = entity("reliability", "large-cluster").evidence("failure_rate")
    reach = 1.645 * np.std(rates, ddof=1) * np.sqrt(1.0 + 1.0 / len(rates))
    assert np.log(row.value) == pytest.approx(np.mean(rates), abs=0.01)
    assert np.log(row.high / row.value) == pytest.approx(reach, abs=0.02)
    assert np.log(row.value / row.low) == pytest.approx(reach, abs=0.02)


@pytest.mark.parametrize("cluster", ["llama3-h100", "semianalysis-gb200"])
def test_clusters_that_judge(cluster: str) -> None:
    """Rates of large clusters that were left out lie in the band."""
    row = entity("reliability", "large-cluster").evidence("failure_rate")
    assert row.low < entity("reliability_clusters", cluster).value("failure_rate") < row.high


@pytest.mark.parametrize(("accelerators", "hours"), [(16384, 1.8), (131072, 0.23)])
def test_projections_of_meta(accelerators: int, hours: float) -> None:
    """Mean time to failure by the rate of RSC-1 (arXiv 2410.21680)."""
    rate = entity("reliability_clusters", "meta-rsc1-a100").value("failure_rate")
    assert 1.0 / (rate * accelerators) / HOUR == pytest.approx(hours, rel=0.03)


@pytest.mark.parametrize(
    ("accelerators", "seconds"), [(16384, 200), (22000, 300), (64000, 600), (98304, 900)]
)
def test_recovery_of_meta(accelerators: int, seconds: float) -> None:
    """Cold recovery without detection (arXiv 2602.00277, figure 2)."""
    found = recovery_time(accelerators=accelerators)
    detection = entity("recovery", "restart").value("detection")
    assert found.value - detection == pytest.approx(seconds, rel=0.2)
    assert found.low < seconds + detection < found.high


def test_a_hundred_thousand_accelerators_lose_half() -> None:
    """44 % effective at 98 thousand, 18 min between failures, 10 min of recovery (arXiv 2602.00277)."""
    row = entity("reliability_clusters", "meta-h100-98k")
    values = reliability_of("large-cluster", accelerators=98304).values()
    changed = values | {"failure_rate": row.value("failure_rate"), "restart_time": 600.0}
    share, parts = goodput(count=98304, **changed)
    assert share + parts["straggler"] == pytest.approx(0.58, abs=0.02)  # of 10 min alone
    share, parts = goodput(count=98304, **(values | {"failure_rate": row.value("failure_rate")}))
    assert share + parts["straggler"] == pytest.approx(row.value("effective"), abs=0.04)


@pytest.mark.parametrize(
    ("rate", "restart", "delta", "coverage"),
    [(2e-5, 600.0, 30.0, 0.0), (1e-4, 900.0, 60.0, 0.0), (1e-4, 900.0, 60.0, 0.8), (2e-3, 900.0, 60.0, 0.95)],
)
def test_a_run_played_event_by_event_keeps_what_the_closed_form_says(
    rate: float, restart: float, delta: float, coverage: float
) -> None:
    """8,192 accelerators; failures while the run stands still are mended in the same stop."""
    keywords = {"count": 8192, "failure_rate": rate / HOUR, "checkpoint_time": delta, "restart_time": restart}
    share, parts = goodput_covered(**keywords, coverage=coverage, pause=120.0, lag=20.0)
    tau, rng = float(parts["interval"]), np.random.default_rng(5)
    mean, clock, kept = HOUR / (8192 * rate), 0.0, 0.0
    for _ in range(20_000):  # intervals of work with their checkpoints
        done = 0.0
        while done < tau + delta:
            until = rng.exponential(mean)
            if until >= tau + delta - done:
                clock, done = clock + tau + delta - done, tau + delta
            elif rng.random() < coverage:
                clock, done = clock + until + 120.0, done + until
            else:
                clock, done = clock + until + restart + 20.0, 0.0
        kept += tau
    assert float(share) == pytest.approx(kept / clock, rel=0.02)


def test_uncertain_quantiles() -> None:
    for part in (Uncertain(2.0, 1.0, 10.0), Uncertain(2.0, 0.0, 3.0)):
        drawn = part.draw(np.array([-1.6448536269514722, 0.0, 1.6448536269514722]))
        assert drawn == pytest.approx([part.low, part.value, part.high])


def test_lag_and_planned_stops_cost() -> None:
    plain = {"count": 16384, "failure_rate": 2e-5 / HOUR, "checkpoint_time": 5.0, "restart_time": 300.0}
    share, _ = goodput(**plain)
    late, _ = goodput(**plain, lag=120.0)
    stopped, _ = goodput(**plain, planned_rate=2.0 / DAY, planned_time=600.0)
    assert late < share
    assert stopped == pytest.approx(share / (1.0 + 2.0 * 600.0 / DAY))


def test_copies_in_memory() -> None:
    """Without coverage it is the plain goodput; with all failures covered only pauses are left."""
    run = {"count": 16384, "failure_rate": 2e-5 / HOUR, "checkpoint_time": 30.0, "restart_time": 300.0}
    plain, _ = goodput(**run)
    shares, parts = goodput_covered(**run, coverage=np.array([0.0, 0.5, 1.0]), pause=305.0)
    assert shares[0] == pytest.approx(float(plain), rel=1e-12)
    assert np.all(np.diff(shares) > 0.0)
    assert shares[2] == pytest.approx(1.0 / (1.0 + 16384 * 2e-5 / HOUR * 305.0))
    paid, parts = goodput_covered(**run, pause=305.0, coverage=0.9, copies=0.004, straggler=0.01)
    names = ("progress", "checkpoint", "rework", "restart", "straggler", "planned", "evaluation")
    assert sum(parts[name] for name in names) == pytest.approx(1.0)
    assert paid < shares[2]


def test_spares() -> None:
    """Poisson quantile by hand: mean 2 under repair, P(≤ 4) = 0.947, P(≤ 5) = 0.983."""
    keywords = {"nodes": 2000.0, "failure_rate": 1e-3 / DAY, "repair_time": DAY}
    assert hot_spares(**keywords, confidence=np.array([0.9, 0.95, 0.98, 0.99])).tolist() == [4, 5, 5, 6]
    lost = shrink_loss(failure_rate=1e-3 / DAY, repair_time=DAY, replica_nodes=np.array([1.0, 16.0]))
    assert lost == pytest.approx([1e-3, 16e-3], rel=0.01)
    some = shrink_loss(
        failure_rate=1e-3 / DAY, repair_time=DAY, replica_nodes=1.0, nodes=2000.0, spares=np.arange(9.0)
    )
    chance = np.exp(-2.0 * 0.999) * np.cumprod(np.r_[1.0, 1.998 / np.arange(1.0, 40.0)])
    short = [np.sum(chance[s:] * (np.arange(s, 40) - s)) for s in range(9)]  # the sum, term by term
    assert some == pytest.approx(np.array(short) / 2000.0, rel=2e-3)
    assert np.all(np.diff(some) < 0.0)


@given(
    count=st.integers(1, 1_000_000),
    rate=st.floats(0.0, 1e-3),
    checkpoint=st.floats(0.0, 1000.0),
    restart=st.floats(0.0, 10_000.0),
    straggler=st.floats(0.0, 0.5),
    planned=st.floats(0.0, 1e-3),
    evaluation=st.floats(0.0, 0.5),
)
def test_shares_sum_to_one(
    count: int,
    rate: float,
    checkpoint: float,
    restart: float,
    straggler: float,
    planned: float,
    evaluation: float,
) -> None:
    share, breakdown = goodput(
        count=count,
        failure_rate=rate / HOUR,
        checkpoint_time=checkpoint,
        restart_time=restart,
        straggler=straggler,
        planned_rate=planned,
        evaluation=evaluation,
    )
    parts = [
        breakdown[k]
        for k in ("progress", "checkpoint", "rework", "restart", "straggler", "planned", "evaluation")
    ]
    assert sum(parts) == pytest.approx(1.0, abs=1e-9)
    assert all(part >= 0.0 for part in parts)
    assert share == breakdown["progress"]


def test_nothing_fails_nothing_is_lost() -> None:
    share, _ = goodput(count=1000, failure_rate=0.0, checkpoint_time=60.0, restart_time=600.0)
    assert share == 1.0


def test_more_chips_never_help() -> None:
    share, _ = goodput(
        count=np.array([1e2, 1e3, 1e4, 1e5]),
        failure_rate=2e-5 / HOUR,
        checkpoint_time=30.0,
        restart_time=600.0,
    )
    assert np.all(np.diff(share) < 0.0)


# elastic data parallelism


ELASTIC = {"pause": 180.0, "coverage": 0.99, "group": 4096.0, "group_restart_time": 155.0}


def elastic(
    count: float, failure_rate: float = 1.857e-5 / 3600.0, **more: float
) -> tuple[float, dict[str, float]]:
    given = {"checkpoint_time": 5.0, "restart_time": 900.0, "straggler": 0.02, "evaluation": 0.005} | ELASTIC
    share, parts = goodput_covered(count=count, failure_rate=failure_rate, **(given | more))
    return float(share), {name: float(value) for name, value in parts.items()}


def test_parts_of_an_elastic_run_sum_to_one_and_more_accelerators_lose_more() -> None:
    shares = []
    for count in np.geomspace(8, 2e6, 30):
        share, parts = elastic(count, planned_rate=1e-5, idle=0.01, copies=0.004)
        shares.append(share)
        whole = sum(value for name, value in parts.items() if name not in ("interval", "failures_per_day"))
        assert whole == pytest.approx(1.0, abs=1e-9)
        assert min(value for value in parts.values()) >= 0.0
    assert np.all(np.diff(shares) < 0.0)


def test_an_elastic_run_of_which_no_failure_stays_in_its_group_restarts_as_a_whole() -> None:
    share, _ = elastic(16384.0, coverage=0.0)
    plain, _ = goodput(count=16384.0, failure_rate=1.857e-5 / 3600.0, checkpoint_time=5.0, restart_time=900.0,
                       straggler=0.02, evaluation=0.005)  # fmt: skip
    assert share == pytest.approx(float(plain), rel=1e-12)


def test_elastic_data_parallelism_beside_what_is_published_of_98_thousand_accelerators() -> None:
    """Meta 2026: a failure every 18 minutes, 80 % effective with groups that leave."""
    rate = 1.0 / (18.0 * 60.0 * 98304.0)
    share, _ = elastic(98304.0, rate, planned_rate=0.87 / 86400.0)
    assert share == pytest.approx(0.80, abs=0.03)
