"""Scores against another package, a numerical integral and each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.scores import StudentT, crps_ensemble, crps_student_t, mean_by_group


# scoringrules 0.10.0, crps_t(observation, df, location, scale)
@pytest.mark.parametrize(
    ("freedom", "actual", "location", "scale", "expected"),
    [
        (2.5, 0.3, 0.0, 1.0, 0.3183461109292415),
        (4.0, -1.7, 0.4, 2.3, 1.270881553197487),
        (30.0, 3.0, 1.0, 0.5, 1.7094180440632756),
        (1.2, 10.0, 0.0, 1.0, 8.547359235194865),
    ],
)
def test_crps_of_student_as_scoringrules(
    freedom: float, actual: float, location: float, scale: float, expected: float
) -> None:
    assert float(crps_student_t(actual, location, scale, freedom)) == pytest.approx(expected, rel=1e-10)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.floats(1.5, 40.0), st.floats(-4.0, 4.0))
def test_crps_is_the_integral_of_its_definition(freedom: float, actual: float) -> None:
    below, _ = integrate.quad(lambda x: stats.t.cdf(x, freedom) ** 2, -np.inf, actual)
    above, _ = integrate.quad(lambda x: stats.t.sf(x, freedom) ** 2, actual, np.inf)
    assert float(crps_student_t(actual, 0.0, 1.0, freedom)) == pytest.approx(below + above, rel=1e-5)


def test_crps_of_an_ensemble_as_scoringrules_and_as_all_pairs() -> None:
    draws = np.array([0.1, 1.4, -2.0, 0.5, 0.9])
    assert float(crps_ensemble(draws[:, None], np.array([0.7]))[0]) == pytest.approx(0.272, rel=1e-12)
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((40, 3)), np.array([0.0, 2.0, -1.0])
    pairs = np.abs(x[:, None] - x[None]).mean(axis=(0, 1)) / 2.0
    assert crps_ensemble(x, y) == pytest.approx(np.abs(x - y).mean(axis=0) - pairs, rel=1e-12)


def test_an_ensemble_of_student_scores_as_its_closed_form() -> None:
    rng = np.random.default_rng(1)
    draws = 0.5 + 2.0 * rng.standard_t(5.0, (200_000, 1))
    closed = float(crps_student_t(1.3, 0.5, 2.0, 5.0))
    assert float(crps_ensemble(draws, np.array([1.3]))[0]) == pytest.approx(closed, rel=1e-2)


def test_intervals_quantiles_and_pit_agree() -> None:
    made = StudentT(np.array([0.0, 1.0]), np.array([1.0, 3.0]), np.array([4.0, 9.0]))
    edge = made.quantile(0.95)
    assert made.pit(edge) == pytest.approx([0.95, 0.95])
    assert made.width(0.9) == pytest.approx(edge - made.quantile(0.05))
    assert made.covers(edge - 1e-9).all()
    assert not made.covers(edge + 1e-6).any()
    assert made.widened(2.0).width() == pytest.approx(2.0 * made.width())


def test_calibrated_forecasts_have_uniform_pit_and_the_least_crps() -> None:
    rng = np.random.default_rng(5)
    n = 4000
    actual = rng.standard_t(6.0, n)
    right = StudentT(np.zeros(n), np.ones(n), np.full(n, 6.0))
    assert stats.kstest(right.pit(actual), "uniform").pvalue > 0.01
    for wrong in (
        right.widened(2.0),
        right.widened(0.5),
        StudentT(np.full(n, 0.7), np.ones(n), right.freedom),
    ):
        assert wrong.crps(actual).mean() > right.crps(actual).mean()


def test_every_group_counts_the_same() -> None:
    assert mean_by_group([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]) == pytest.approx(0.5)


@pytest.mark.parametrize(("scale", "freedom", "key"), [(0.0, 3.0, "scale"), (1.0, 1.0, "freedom")])
def test_no_distribution(scale: float, freedom: float, key: str) -> None:
    with pytest.raises(InputError, match=key):
        StudentT(np.zeros(1), np.array([scale]), np.array([freedom]))


def test_wrong_shares_and_shapes() -> None:
    with pytest.raises(InputError, match="share"):
        StudentT(np.zeros(1), np.ones(1), np.full(1, 3.0)).quantile(1.0)
    with pytest.raises(InputError, match="draws"):
        crps_ensemble(np.zeros((3, 2)), np.zeros(3))
