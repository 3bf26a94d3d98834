"""Weeks of a year that stand out, their days, and hours from high to low, on hours made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gigawatt.studies.supply.weeks import WEEK, days_of, hottest_and_coldest_week, sorted_hours, weeks

HOURS = np.arange(8760)


def year(**more: np.ndarray) -> pd.DataFrame:
    """A load of 10 MW; July is warm, nights are cool."""
    warm = 15.0 - 12.0 * np.cos(2.0 * np.pi * (HOURS - 24 * 20) / 8760)
    columns = {"load [MW]": np.full(8760, 10.0), "temperature [degC]": warm, **more}
    return pd.DataFrame(columns, index=pd.Index(HOURS, name="hour"))


def bump(day: int, high: float, low: float = 1.0) -> np.ndarray:
    """``low`` all year, ``high`` for the seven days from ``day`` on."""
    values = np.full(8760, low)
    values[24 * day : 24 * day + WEEK] = high
    return values


def test_the_hottest_week_is_in_july_and_weeks_start_at_midnight() -> None:
    found = weeks(year())
    assert list(found) == ["hottest", "coldest"]
    assert abs(found["hottest"] / 24 - (20 + 182)) < 5
    assert abs((found["coldest"] / 24 + 3) - 20) < 2
    assert all(start % 24 == 0 for start in found.values())
    assert hottest_and_coldest_week(year()) == (found["hottest"], found["coldest"])


def test_a_year_without_temperature_has_usual_weeks() -> None:
    found = weeks(year().drop(columns="temperature [degC]"))
    assert found == {"hottest": 4632, "coldest": 312}


def test_plants_of_a_kind_count_together() -> None:
    calm = bump(60, 2.0)
    frame = year(**{"wind [MW]": bump(100, 4.0), "wind-offshore [MW]": calm, "solar [MW]": bump(150, 0.0)})
    found = weeks(frame)
    assert found["windiest"] == 2400  # 4 + 1 there, 1 + 2 in the other
    assert found["darkest"] == 3600
    assert "dearest" not in found


def test_what_a_store_holds_is_no_wind() -> None:
    frame = year(
        **{"wind [MW]": bump(100, 4.0), "wind stored [MWh]": bump(200, 1e3), "wind charge [MW]": bump(7, 9.0)}
    )
    assert weeks(frame)["windiest"] == 2400


def test_a_plant_that_is_not_built_and_a_flat_price_stand_out_nowhere() -> None:
    frame = year(**{"wind [MW]": 1e-6 * bump(100, 4.0), "price [$/MWh]": np.full(8760, 40.0)})
    assert list(weeks(frame)) == ["hottest", "coldest"]
    priced = weeks(year(**{"price [$/MWh]": bump(30, 90.0, 40.0)}))
    assert priced["dearest"] == 720
    assert priced["cheapest"] == 0


def test_days_are_means_with_their_dates() -> None:
    frame = year(**{"price [$/MWh]": HOURS.astype(float)})
    found = days_of(frame, 24 * 59)
    assert found.index.tolist() == ["1 Mar", "2 Mar", "3 Mar", "4 Mar", "5 Mar", "6 Mar", "7 Mar"]
    assert found["price [$/MWh]"].tolist() == pytest.approx([24 * (59 + i) + 11.5 for i in range(7)])
    assert found["load [MW]"].tolist() == pytest.approx([10.0] * 7)
    assert len(days_of(frame, 8760 - 48)) == 2


def test_hours_from_high_to_low_are_quantiles_of_each_column() -> None:
    frame = year(**{"price [$/MWh]": np.random.default_rng(1).permutation(HOURS).astype(float)})
    found = sorted_hours(frame)
    assert found.index.tolist()[0] == "highest hour"
    assert found.index.tolist()[-1] == "lowest hour"
    prices = found["price [$/MWh]"]
    assert prices.iloc[0] == 8759.0
    assert prices.iloc[-1] == 0.0
    assert prices.loc["10 % of the year"] == pytest.approx(0.9 * 8759)
    assert (found.diff().dropna() <= 1e-9).all().all()
