"""What the Monte Carlo draws from: shapes, seeds, closed forms, ranks; and hindcasts of AI records."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.current import current_forecast
from gigawatt.outlook.forecasts.growth import (
    CORRELATED,
    fit_growth,
    growth_correlation,
    list_growth,
    regime_prior,
    sample_together,
)
from gigawatt.outlook.forecasts.records import record_hindcast
from gigawatt.outlook.series import electricity, list_records, points, record


@pytest.mark.parametrize(
    "name", ["training_compute", "ai_compute_stock", "us_data_centre_electricity", "DRAM"]
)
def test_draws_have_their_shape_and_follow_the_seed(name: str) -> None:
    made = fit_growth(name)
    one, two = (made.sample(np.random.default_rng(5), 300, 26) for _ in range(2))
    assert one.shape == (300, 26)
    assert np.isfinite(one).all()
    assert (one == two).all()
    assert made.last_value > 0.0


def test_every_name_can_be_fitted() -> None:
    names = list_growth()
    assert len(names) == len(set(names)) == 96
    for name in names:
        drawn = fit_growth(name).sample(np.random.default_rng(0), 50, 3)
        assert np.isfinite(drawn).all(), name


def test_records_never_fall_and_start_from_the_last() -> None:
    for name in list_records():
        series = record(name)
        assert (np.diff(series.values) >= 0.0).all()
        drawn = fit_growth(name).sample(np.random.default_rng(1), 500, 10)
        assert (drawn >= 0.0).all()
        assert (np.diff(drawn, axis=1) >= 0.0).all()
        assert fit_growth(name).last_value == pytest.approx(float(np.exp(series.values[-1])))


def test_a_record_is_the_highest_so_far() -> None:
    date, value = points("memory_bandwidth")
    made = record("memory_bandwidth")
    year = int(made.years[-3])
    assert np.exp(made.values[-3]) == pytest.approx(value[date < year + 1].max())
    assert np.exp(made.values[-1]) == pytest.approx(8e12)  # GB300, MI355X: 8 TB/s


def test_paths_of_costs_spread_as_their_closed_form() -> None:
    now = current_forecast("Photovoltaics_2")
    drawn = now.sample(np.random.default_rng(2), 100_000, 15)
    made = now.predictive(np.arange(1.0, 16.0))
    for h in (0, 4, 14):
        low, middle, high = np.quantile(drawn[:, h], [0.05, 0.5, 0.95])
        half = float(made.quantile(0.95)[h] - made.location[h])
        assert middle == pytest.approx(float(made.location[h]), abs=0.03 * half)
        assert high - low == pytest.approx(2.0 * half, rel=0.04)
    assert (now.factors >= 1.0).all()


def test_a_cut_series_is_a_hindcast() -> None:
    early, late = fit_growth("memory_bandwidth", 2015), fit_growth("memory_bandwidth")
    assert (early.last_year, late.last_year) == (2015, 2025)
    assert regime_prior("memory_bandwidth", 2015).drift != regime_prior("memory_bandwidth").drift
    assert fit_growth("DRAM", 1990).last_year == 1990
    slow, fast = (np.median(one.sample(np.random.default_rng(0), 4000, 5)[:, -1]) for one in (early, late))
    assert slow < fast


def test_correlation_is_one_of_growth() -> None:
    names, matrix = growth_correlation()
    assert names == CORRELATED
    assert np.allclose(matrix, matrix.T)
    assert np.allclose(np.diag(matrix), 1.0)
    assert np.linalg.eigvalsh(matrix).min() > 0.0
    assert np.abs(matrix - np.eye(len(names))).max() < 1.0
    both = [np.diff(record(name).values) for name in ("chip_flops", "chip_flops_per_watt")]
    plain = np.corrcoef(both)[0, 1]
    _, shrunk = growth_correlation(("chip_flops", "chip_flops_per_watt"))
    assert 0.0 < shrunk[0, 1] <= plain


def test_together_keeps_each_and_follows_the_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    from gigawatt.outlook.forecasts import growth

    names = ("chip_flops", "memory_bandwidth")
    monkeypatch.setattr(
        growth, "growth_correlation", lambda names: (names, np.array([[1.0, 0.8], [0.8, 1.0]]))
    )
    made = sample_together(names, np.random.default_rng(4), 5000, 8)
    rank = stats.spearmanr(made[names[0]][:, -1], made[names[1]][:, -1]).statistic
    assert rank == pytest.approx(6.0 / np.pi * np.arcsin(0.4), abs=0.03)  # of a Gaussian copula
    alone = fit_growth(names[1]).sample(np.random.default_rng(9), 5000, 8)
    assert np.quantile(made[names[1]][:, -1], [0.1, 0.5, 0.9]) == pytest.approx(
        np.quantile(alone[:, -1], [0.1, 0.5, 0.9]), rel=0.08
    )


def test_records_reach_their_targets() -> None:
    compute, bandwidth = record_hindcast("training_compute"), record_hindcast("memory_bandwidth")
    assert compute.mean("covered", "regimes") >= 0.85
    assert compute.mean("width", "regimes") < compute.mean("width", "walk")
    assert compute.mean("crps", "regimes") < compute.mean("crps", "walk")
    assert 0.85 <= bandwidth.mean("covered", "regimes") <= 0.97
    assert bandwidth.mean("covered", "walk") < 0.85  # what regimes are there for
    assert len(bandwidth.actual) == 55


def test_the_flat_forecast_of_2016_was_too_sure() -> None:
    made = fit_growth("us_lbnl_2016", 2014)
    assert made.last_value == pytest.approx(70.0 * 3.6e15)
    ahead = made.sample(np.random.default_rng(0), 50_000, 4)[:, -1]
    assert (ahead > np.log(76.0 / 58.0)).mean() > 0.025
    low, high = np.quantile(ahead, [0.05, 0.95])
    assert low < np.log(73.0 / 70.0) < high  # what the report said is within it too


def test_published_levels_of_electricity() -> None:
    us = electricity("us_data_centre_electricity")
    assert np.exp(us.values[us.years == 2023]) / 3.6e15 == pytest.approx(176.0)
    report = electricity("us_lbnl_2016")
    growth = np.exp(np.diff(report.values))
    assert growth == pytest.approx([1.90, 1.24, 1.04], abs=0.01)  # "nearly 90, 24 and 4 %"


def test_refusals() -> None:
    with pytest.raises(InputError, match="memory_bandwidth"):
        fit_growth("memory_bandwith")
    with pytest.raises(InputError, match=r"until.*or later"):
        fit_growth("memory_bandwidth", 2009)
    with pytest.raises(InputError, match=r"until.*or later"):
        fit_growth("DRAM", 1973)
    with pytest.raises(InputError, match="draws"):
        fit_growth("chip_flops").sample(np.random.default_rng(0), 0, 5)
    with pytest.raises(InputError, match="names"):
        growth_correlation(("chip_flops",))
    with pytest.raises(InputError, match="common years"):
        growth_correlation(("chip_flops", "ai_compute_stock"))
    with pytest.raises(InputError, match="hindcast"):
        record_hindcast("ai_compute_stock")
    with pytest.raises(InputError, match=r"did you mean 'training_compute'"):
        record("training_computer")
