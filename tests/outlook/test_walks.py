"""Random walks against the paper's formula, plain recomputation and simulated worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.learning import combination, experience, learning_rate, wright
from gigawatt.outlook.forecasts.scores import StudentT
from gigawatt.outlook.forecasts.walks import Pool, pool, random_walk, shrink, step_variance, steps, trend_line


def a_star(m: float, tau: float, theta: float) -> float:
    """Farmer and Lafond (2016), equation for A*: the error of a forecast tau steps ahead from m steps."""
    return -2.0 * theta + (1.0 + 2.0 * (m - 1.0) * theta / m + theta**2) * (tau + tau**2 / m)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.integers(3, 40), st.integers(1, 20), st.floats(-0.9, 0.9))
def test_the_papers_variance_on_yearly_steps(m: int, tau: int, theta: float) -> None:
    made = random_walk(
        drift=[0.1], variance=[4.0], count=[float(m)], span=[float(m)], horizon=[float(tau)], theta=theta
    )
    assert float(made.scale[0]) ** 2 == pytest.approx(4.0 * a_star(m, tau, theta) / (1 + theta**2), rel=1e-9)
    assert float(made.location[0]) == pytest.approx(0.1 * tau)
    assert float(made.freedom[0]) == m - 1


def test_running_estimates_are_those_of_each_prefix() -> None:
    rng = np.random.default_rng(2)
    years = np.cumsum(np.array([1950, 1, 1, 3, 1, 2, 1, 1, 5, 1], dtype=float))
    y = np.cumsum(rng.standard_normal(10))
    theta = 0.63
    found = steps(years, y, theta)
    for k in range(3, 11):
        t, v = years[:k], y[:k]
        gap, growth = np.diff(t), np.diff(v)
        drift = growth.sum() / gap.sum()
        residual = (growth - drift * gap) / np.sqrt(step_variance(gap, theta))
        i = k - 3
        assert found.drift[i] == pytest.approx(drift)
        assert found.variance[i] == pytest.approx(residual @ residual / (k - 2), rel=1e-9)
        line = np.polyfit(t - t[-1], v, 1)
        off = v - np.polyval(line, t - t[-1])
        assert [found.slope[i], found.level[i]] == pytest.approx(line, rel=1e-7, abs=1e-9)
        assert found.residual[i] == pytest.approx(off @ off / (k - 2), rel=1e-7)


def test_a_variance_of_years_is_that_of_their_sum() -> None:
    rng, theta = np.random.default_rng(0), 0.63
    noise = rng.standard_normal((400_000, 8))
    growth = noise[:, 1:] + theta * noise[:, :-1]
    assert growth[:, :5].sum(axis=1).var() / growth[:, 0].var() == pytest.approx(
        float(step_variance(5.0, theta)), rel=0.01
    )


def test_walks_cover_walks() -> None:
    rng, theta, n, known = np.random.default_rng(8), 0.63, 4000, 8
    noise = rng.standard_normal((n, 22))
    y = np.cumsum(0.3 + noise[:, 1:] + theta * noise[:, :-1], axis=1)
    years = np.arange(21.0)
    last = [steps(years[:known], one[:known], theta) for one in y]
    pick = {
        key: np.array([getattr(one, key)[-1] for one in last])
        for key in ("drift", "variance", "count", "span")
    }
    for h in (1, 4, 12):
        made = random_walk(**pick, horizon=np.full(n, float(h)), theta=theta)
        # neighbours in time are alike, so that the variance of few steps is too low (the paper's figure 7)
        assert 0.83 < made.covers(y[:, known - 1 + h] - y[:, known - 1]).mean() < 0.92


def test_a_line_has_its_residual_as_error() -> None:
    years = np.arange(12.0)
    y = 2.0 - 0.1 * years + 0.05 * (-1.0) ** years
    found = steps(years, y, 0.0)
    fields = {key: getattr(found, key)[-1:] for key in ("value", "level", "slope", "residual", "count")}
    far, near = (trend_line(**fields, horizon=[h]) for h in (20.0, 1.0))
    assert float(far.scale[0]) == float(near.scale[0]) == pytest.approx(0.053, abs=0.005)
    assert float(far.location[0] - near.location[0]) == pytest.approx(-1.9, abs=0.04)


def test_pooling_finds_the_population() -> None:
    rng = np.random.default_rng(4)
    n, m = 800, 12
    s2 = 0.04 * 6.0 / rng.chisquare(6.0, n)
    drift = -0.2 + 0.1 * rng.standard_normal(n)
    growth = drift[:, None] + np.sqrt(s2)[:, None] * rng.standard_normal((n, m))
    found = pool(
        estimate=growth.mean(axis=1), unit_variance=np.full(n, 1.0 / m), variance=growth.var(axis=1, ddof=1),
        count=np.full(n, float(m)),
    )  # fmt: skip
    assert found.mean == pytest.approx(-0.2, abs=0.01)
    assert found.spread**0.5 == pytest.approx(0.1, rel=0.08)
    assert found.variance == pytest.approx(0.04, rel=0.1)
    assert found.freedom == pytest.approx(6.0, rel=0.25)


def _same(one: Pool):
    return lambda name: np.array([getattr(one, name)])


def test_shrinking_lies_between_own_and_others_and_knows_its_limits() -> None:
    own = {"estimate": [0.5], "unit_variance": [0.1], "variance": [0.2], "count": [6.0]}
    between = shrink(_same(Pool(0.0, 0.02, 0.3, 4.0)), **own)
    assert 0.0 < float(between.mean[0]) < 0.5
    assert float(between.variance[0]) == pytest.approx((4.0 * 0.3 + 5.0 * 0.2) / 9.0)
    alone = shrink(_same(Pool.nothing()), **own)
    assert (float(alone.mean[0]), float(alone.variance[0]), float(alone.freedom[0])) == (0.5, 0.2, 5.0)
    assert float(alone.spread[0]) == pytest.approx(0.2 * 0.1)
    alike = shrink(_same(Pool(0.1, 0.0, 0.3, 4.0)), **own)
    assert float(alike.mean[0]) == pytest.approx(0.1)
    assert float(alike.spread[0]) == 0.0


def test_experience_of_an_exact_law() -> None:
    rng = np.random.default_rng(6)
    years = np.arange(15.0)
    x = np.cumsum(rng.uniform(0.1, 0.4, 15))
    found = experience(years, 3.0 - 0.32 * x, x, 0.63)
    assert found.exponent == pytest.approx(np.full(13, -0.32))
    assert found.variance == pytest.approx(np.zeros(13), abs=1e-12)
    assert found.growth[-1] == pytest.approx((x[-1] - x[0]) / 14.0)
    assert float(learning_rate(-0.32193)) == pytest.approx(0.2, abs=1e-4)


def test_wright_covers_worlds_of_wright() -> None:
    rng, theta, n, known = np.random.default_rng(9), 0.63, 3000, 10
    noise = 0.1 * rng.standard_normal((n, 26))
    growth = 0.2 + 0.05 * rng.standard_normal((n, 25))
    x = np.cumsum(growth, axis=1)
    y = np.cumsum(-0.4 * growth + noise[:, 1:] + theta * noise[:, :-1], axis=1)
    years = np.arange(25.0)
    made = [experience(years[:known], b[:known], a[:known], theta) for a, b in zip(x, y, strict=True)]
    get = {key: np.array([getattr(one, key)[-1] for one in made]) for key in vars(made[0])}
    count = np.full(n, known - 1.0)
    nothing = lambda name: np.array(getattr(Pool.nothing(), name))  # noqa: E731
    exponent = shrink(
        nothing,
        estimate=get["exponent"],
        unit_variance=get["exponent_unit"],
        variance=get["variance"],
        count=count,
    )
    grown = shrink(
        nothing, estimate=get["growth"], unit_variance=get["growth_unit"], variance=get["growth_variance"],
        count=count,
    )  # fmt: skip
    for h in (1.0, 5.0, 15.0):
        forecast = wright(exponent, grown, np.full(n, h), theta)
        ahead = y[:, known - 1 + int(h)] - y[:, known - 1]
        # with few steps the variance of noise that moves slowly is too low, as above
        assert 0.8 < forecast.covers(ahead).mean() < 0.96


def test_a_combination_is_between() -> None:
    one, two = (
        StudentT(np.array([x]), np.array([s]), np.array([f]))
        for x, s, f in ((0.0, 1.0, 5.0), (2.0, 3.0, 9.0))
    )
    made = combination(one, two, 0.5)
    assert (float(made.location[0]), float(made.freedom[0])) == (1.0, 5.0)
    assert float(made.scale[0]) == pytest.approx(5.0**0.5)
    assert float(combination(one, two, 1.0).location[0]) == 0.0


@pytest.mark.parametrize(
    ("years", "values", "key"),
    [([1.0, 2.0], [0.0, 1.0], "years"), ([1.0, 2.0, 2.5], [0.0, 1.0, 2.0], "years"),
     ([1.0, 2.0, 3.0], [0.0, np.nan, 2.0], "years")],
)  # fmt: skip
def test_series_that_are_none(years: list[float], values: list[float], key: str) -> None:
    with pytest.raises(InputError, match=key):
        steps(years, values, 0.63)


def test_refusals() -> None:
    with pytest.raises(InputError, match="theta"):
        step_variance(1.0, 1.0)
    with pytest.raises(InputError, match="variance"):
        pool(estimate=[1.0], unit_variance=[1.0], variance=[1.0], count=[5.0])
    with pytest.raises(InputError, match="produced"):
        experience([1.0, 2.0, 3.0], [0.0, 0.1, 0.2], [1.0, 1.0, 1.0], 0.63)
    one = StudentT(np.zeros(1), np.ones(1), np.full(1, 3.0))
    with pytest.raises(InputError, match="share"):
        combination(one, one, 1.5)
