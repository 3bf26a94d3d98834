"""Exponents of value over users, ownership of compute, quoted growth factors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.trends import records_only, trend
from gigawatt.outlook.series import owners, quarters
from gigawatt.outlook.society import concentration as owners_module
from gigawatt.outlook.society.concentration import concentration
from gigawatt.outlook.society.value import metcalfe_exponent, revenue_and_users


def exponent(users, revenue, **more):
    return metcalfe_exponent(
        users, revenue, **{"users_error": 0.05, "revenue_error": 0.1, "draws": 20_000,
                           "rng": np.random.default_rng(0), **more},
    )  # fmt: skip


@pytest.mark.parametrize("true", [0.8, 1.0, 2.0])
def test_the_exponent_is_recovered_with_errors_in_both(true: float) -> None:
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(30):
        x = np.linspace(17.0, 20.5, 12)
        users = np.exp(x + 0.1 * rng.standard_normal(12))
        revenue = np.exp(2.0 + true * x + 0.15 * rng.standard_normal(12))
        drawn = exponent(users, revenue, users_error=0.1, revenue_error=0.1, draws=2000)
        low, high = np.quantile(drawn, [0.05, 0.95])
        inside += low <= true <= high
    assert inside >= 23  # 27 of 30 are expected


def test_without_errors_it_is_least_squares() -> None:
    rng = np.random.default_rng(1)
    x = np.linspace(0.0, 3.0, 60)
    y = 1.3 * x + 0.05 * rng.standard_normal(60)
    found = exponent(np.exp(x), np.exp(y), users_error=0.0, revenue_error=0.0)
    line = stats.linregress(x, y)
    assert found.mean() == pytest.approx(line.slope, abs=0.004)
    assert found.std() == pytest.approx(line.stderr, rel=0.12)


@settings(max_examples=6, derandomize=True, deadline=None)
@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_units_do_not_matter(users_unit: float, revenue_unit: float) -> None:
    _, users, revenue = revenue_and_users(with_first=False)
    one, two = exponent(users, revenue), exponent(users * users_unit, revenue * revenue_unit)
    assert np.median(two) == pytest.approx(np.median(one), rel=1e-3)


def test_openai_is_about_one_and_hangs_on_its_first_point() -> None:
    year, users, revenue = revenue_and_users(with_first=False)
    assert len(year) == 11
    assert np.polyfit(np.log(users), np.log(revenue), 1)[0] == pytest.approx(1.03, abs=0.005)
    _, more, paid = revenue_and_users(with_first=True)
    assert len(more) == 12
    assert np.polyfit(np.log(more), np.log(paid), 1)[0] == pytest.approx(1.23, abs=0.005)
    wide, narrow, heavy = exponent(more, paid), exponent(users, revenue), exponent(more, paid, freedom=3.0)
    assert wide.std() > narrow.std()
    assert np.median(narrow) < np.median(heavy) < np.median(wide)
    assert (np.abs(wide - 2.0) < 0.2).mean() < 0.01  # no square


@pytest.mark.parametrize(
    ("change", "key"),
    [({"draws": 0}, "draws"), ({"users_error": -1.0}, "users_error"), ({"freedom": 1.0}, "freedom"),
     ({"revenue": [1.0, 0.0, 2.0, 3.0]}, "users"), ({"users": [1.0, 2.0]}, "users")],
)  # fmt: skip
def test_impossible_values(change: dict[str, object], key: str) -> None:
    given_: dict[str, object] = {"users": [1.0, 2.0, 3.0, 4.0], "revenue": [1.0, 2.0, 3.0, 4.0], **change}
    if key == "users" and "revenue" in change:
        with np.errstate(divide="ignore"), pytest.raises(InputError, match=key):
            exponent(**given_)
        return
    with pytest.raises(InputError, match=key):
        exponent(**given_)


def test_equal_owners_and_one_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(values: dict[str, float]) -> None:
        rows = {("maker", name): (value, value, value) for name, value in values.items()}
        monkeypatch.setattr(owners_module, "owners", lambda quarter: rows)

    made({f"o{k}": 5.0 for k in range(8)})
    found = concentration("any", draws=10)
    assert found.hhi_low == found.hhi_high == pytest.approx(1e4 / 8)
    assert found.largest == pytest.approx({1: 1 / 8, 3: 3 / 8, 5: 5 / 8})
    made({"one": 3.0})
    assert concentration("any", draws=1).hhi_low == pytest.approx(1e4)
    made({"one": 3.0, "Other": 1.0})
    split = concentration("any", draws=1)
    assert (split.hhi_low, split.hhi_high) == pytest.approx((5625.0, 6250.0))


def test_ownership_as_it_was_published() -> None:
    last = concentration("2026-03-31")
    assert last.total == pytest.approx(20.85e6, rel=0.02)
    assert 1320 <= last.hhi_low <= last.hhi_high <= 1670
    assert last.hhi_low_5 < last.hhi_low < last.hhi_low_95
    for k in (1, 3, 5):
        assert last.largest_low[k] < last.largest[k] < last.largest_high[k]
    assert concentration("2022-03-31").largest[5] < last.largest[5]
    totals = [sum(row[0] for row in owners(one).values()) for one in quarters()]
    assert (np.diff(totals) > 0.0).all()  # deliveries only add up


def test_a_trend_is_least_squares() -> None:
    rng = np.random.default_rng(0)
    t = np.sort(rng.uniform(2010.0, 2025.0, 50))
    v = np.exp(0.3 * (t - 2010.0) + rng.standard_normal(50))
    found, line = trend(t, v), stats.linregress(t, np.log(v))
    assert np.log(found.factor) == pytest.approx(line.slope)
    assert np.log(found.high) - np.log(found.factor) == pytest.approx(1.96 * line.stderr, rel=1e-4)
    year, value = records_only([3.0, 1.0, 2.0, 4.0], [2.0, 1.0, 5.0, 6.0])
    assert year.tolist() == [1.0, 2.0, 4.0]
    assert value.tolist() == [1.0, 5.0, 6.0]


def test_refusals() -> None:
    with pytest.raises(InputError, match="quarter"):
        owners("2026-04-01")
    with pytest.raises(InputError, match="draws"):
        concentration("2026-03-31", draws=0)
    with pytest.raises(InputError, match="years"):
        trend([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(InputError, match="values"):
        trend([1.0, 2.0, 3.0], [1.0, 0.0, 2.0])
