"""Regimes of growth against a multivariate t, a whole enumeration of partitions, and made worlds."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.regimes import RegimePrior, fit_regimes

PRIOR = RegimePrior(drift=0.2, drift_spread=1.5, scale=0.3, freedom=3.0, hazard=0.0, thetas=(0.4,))


def covariance(n: int, theta: float, spread: float) -> np.ndarray:
    """Of n years of growth in s²: moving average, and the drift that all share."""
    matrix = (1 + theta**2) * np.eye(n) + theta * (np.eye(n, k=1) + np.eye(n, k=-1))
    return matrix + spread


def single(growth: np.ndarray, prior: RegimePrior) -> float:
    """ln evidence of one regime by SciPy's multivariate t, mean over thetas."""
    logs = [
        stats.multivariate_t(
            np.full(len(growth), prior.drift),
            prior.scale**2 * covariance(len(growth), theta, prior.drift_spread), df=prior.freedom,
        ).logpdf(growth)
        for theta in prior.thetas
    ]  # fmt: skip
    return float(np.logaddexp.reduce(logs) - np.log(len(logs)))


def test_evidence_of_one_regime_is_a_multivariate_t() -> None:
    growth = np.array([0.1, 0.5, -0.2, 0.9, 0.3])
    assert fit_regimes(growth, PRIOR).evidence == pytest.approx(single(growth, PRIOR), rel=1e-10)


def test_evidence_sums_over_all_partitions() -> None:
    growth = np.array([0.1, 0.2, 0.9, 1.1, 0.0])
    prior = RegimePrior(0.2, 1.0, 0.3, 2.0, 0.15, (-0.5, 0.5))
    n, total, current = len(growth), [], {}
    for size in range(n):
        for cuts in combinations(range(1, n), size):
            edges = (0, *cuts, n)
            value = size * np.log(0.15) + (n - 1 - size) * np.log(0.85)
            value += sum(single(growth[a:b], prior) for a, b in pairwise(edges))
            total.append(value)
            current[edges[-2]] = np.logaddexp(current.get(edges[-2], -np.inf), value)
    found = fit_regimes(growth, prior)
    assert found.evidence == pytest.approx(np.logaddexp.reduce(total), rel=1e-9)
    for start, value in current.items():
        mine = found.weight[found.start == start].sum()
        assert mine == pytest.approx(np.exp(value - found.evidence), rel=1e-6)


def test_draws_without_change_are_the_conditional_multivariate_t() -> None:
    growth, years = np.array([0.1, 0.5, -0.2, 0.9, 0.3, 0.4]), 4
    n = len(growth)
    whole = PRIOR.scale**2 * covariance(n + years, 0.4, PRIOR.drift_spread)
    inverse = np.linalg.inv(whole[:n, :n])
    off = growth - PRIOR.drift
    mean = PRIOR.drift + whole[n:, :n] @ inverse @ off
    freedom = PRIOR.freedom + n
    scale = (
        (whole[n:, n:] - whole[n:, :n] @ inverse @ whole[:n, n:])
        * (PRIOR.freedom + off @ inverse @ off)
        / freedom
    )
    drawn = fit_regimes(growth, PRIOR).sample(np.random.default_rng(0), 400_000, years)
    sums = np.tril(np.ones((years, years)))
    assert drawn.mean(axis=0) == pytest.approx(sums @ mean, abs=0.01)
    assert np.cov(drawn.T) == pytest.approx(sums @ scale @ sums.T * freedom / (freedom - 2.0), rel=0.03)


def test_a_change_is_found_and_the_new_rate_carried_on() -> None:
    rng = np.random.default_rng(1)
    growth = np.concatenate([0.15 + 0.03 * rng.standard_normal(8), 0.45 + 0.03 * rng.standard_normal(6)])
    thetas = (-0.5, 0.0, 0.5)
    free = fit_regimes(growth, RegimePrior(0.3, 10.0, 0.05, 2.0, 0.1, thetas))
    assert free.weight[free.start == 8].sum() > 0.9
    ahead = np.median(free.sample(np.random.default_rng(2), 4000, 1))
    held = fit_regimes(growth, RegimePrior(0.3, 10.0, 0.05, 2.0, 0.0, thetas))
    assert set(held.start) == {0.0}
    assert ahead == pytest.approx(0.45, abs=0.03)
    assert free.evidence > held.evidence


@settings(max_examples=10, derandomize=True, deadline=None)
@given(st.floats(-2.0, 2.0), st.floats(0.2, 5.0))
def test_shift_and_scale(shift: float, factor: float) -> None:
    growth = np.array([0.1, 0.2, 0.9, 1.1, 0.0, 0.4])
    base = RegimePrior(0.2, 1.0, 0.3, 2.0, 0.1, (-0.5, 0.5))
    moved = RegimePrior(factor * 0.2 + shift, 1.0, factor * 0.3, 2.0, 0.1, (-0.5, 0.5))
    one, two = fit_regimes(growth, base), fit_regimes(factor * growth + shift, moved)
    assert two.weight == pytest.approx(one.weight, rel=1e-5)
    assert two.drift == pytest.approx(factor * one.drift + shift, rel=1e-6, abs=1e-8)
    assert two.evidence == pytest.approx(one.evidence - len(growth) * np.log(factor), rel=1e-6, abs=1e-8)


def test_change_widens_and_the_seed_decides() -> None:
    growth = np.array([0.3, 0.2, 0.4, 0.3, 0.25, 0.35])
    calm, restless = (
        fit_regimes(growth, RegimePrior(0.3, 4.0, 0.1, 3.0, hazard, (0.0,))) for hazard in (0.0, 0.2)
    )
    widths = [
        np.ptp(np.quantile(one.sample(np.random.default_rng(0), 20_000, 10)[:, -1], [0.05, 0.95]))
        for one in (calm, restless)
    ]
    assert widths[1] > widths[0]
    again = [restless.sample(np.random.default_rng(7), 5, 3) for _ in range(2)]
    assert (again[0] == again[1]).all()


@pytest.mark.parametrize(
    ("change", "key"),
    [({"hazard": 1.0}, "hazard"), ({"scale": 0.0}, "scale"), ({"freedom": -1.0}, "freedom"),
     ({"drift_spread": 0.0}, "drift_spread"), ({"thetas": ()}, "thetas"), ({"thetas": (1.0,)}, "thetas")],
)  # fmt: skip
def test_impossible_priors(change: dict[str, object], key: str) -> None:
    with pytest.raises(InputError, match=key):
        RegimePrior(**{**vars(PRIOR), **change})  # type: ignore[arg-type]


def test_impossible_growth_and_draws() -> None:
    for growth in ([], [np.nan, 0.1]):
        with pytest.raises(InputError, match="growth"):
            fit_regimes(np.array(growth), PRIOR)
    fitted = fit_regimes(np.array([0.1, 0.2]), PRIOR)
    for draws, years, key in ((0, 1, "draws"), (1, 0, "years")):
        with pytest.raises(InputError, match=key):
            fitted.sample(np.random.default_rng(0), draws, years)
