"""Goodput: Young's and Daly's results, Llama 3's published run, shares that sum to one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.catalog import entity
from gigawatt.performance import checkpoint_interval, goodput

HOUR = 3600.0


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


def test_llama_3_run() -> None:
    """419 unexpected interruptions in 54 days on 16,384 H100, more than 90 % effective (arXiv 2407.21783)."""
    row = entity("reliability", "llama3-h100")
    share, breakdown = goodput(
        count=16384,
        failure_rate=row.value("failure_rate"),
        checkpoint_time=row.value("checkpoint_time"),
        restart_time=row.value("restart_time"),
        straggler=row.value("straggler"),
    )
    assert breakdown["failures_per_day"] * 54 == pytest.approx(419, rel=1e-3)
    assert 0.90 < share < 0.97


@given(
    count=st.integers(1, 1_000_000),
    rate=st.floats(0.0, 1e-3),
    checkpoint=st.floats(0.0, 1000.0),
    restart=st.floats(0.0, 10_000.0),
    straggler=st.floats(0.0, 0.5),
)
def test_shares_sum_to_one(
    count: int, rate: float, checkpoint: float, restart: float, straggler: float
) -> None:
    share, breakdown = goodput(
        count=count,
        failure_rate=rate / HOUR,
        checkpoint_time=checkpoint,
        restart_time=restart,
        straggler=straggler,
    )
    parts = [breakdown[k] for k in ("progress", "checkpoint", "rework", "restart", "straggler")]
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
