"""The back-test of hourly prices: no hour of a judged year is read, and it says what the hours say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError
from gigawatt.power.market import series
from gigawatt.power.market.model import modelled_year
from gigawatt.validation import validate
from gigawatt.validation.prices import PriceYear, daily_spread, predicted, prices_card, scarcity_band


@pytest.fixture(scope="module")
def card() -> dict:  # type: ignore[type-arg]
    return validate("prices").to_json()


def test_the_held_out_year(card: dict) -> None:  # type: ignore[type-arg]
    """What was reached on 2024: a fall of any of it is news."""
    latest = next(group for group in card["groups"] if group["group"] == "2024")
    assert latest["n"] == 21
    assert latest["p95_within_25_percent"] >= 0.9
    assert latest["free_hours_within_3_points"] >= 0.85
    assert latest["scarcity_in_band"] >= 0.95
    targets = {one["what"]: one for one in card["targets"]}
    assert targets["95th percentile within 25 %"]["ok"]
    assert not targets["share of hours at or below zero within 3 points"]["ok"]  # said, not hidden
    assert card["refused_reasons"] == {"no year before it": 22}
    assert card["parameters_fitted"] == 0


def test_figures_are_those_of_the_series(card: dict) -> None:  # type: ignore[type-arg]
    """Germany 2024 from 2023: published quantiles of both years (markets.md, section 1)."""
    row = next(one for one in card["series"]["germany"] if one["year"] == 2024)
    assert row["from"] == 2023
    assert row["p95"] == pytest.approx(155.0, rel=0.01)
    assert row["free"] == pytest.approx(519 / 8760, abs=0.002)
    hours = series.market_year(loader.entity("grids_hours", "germany"), 2023, 1.0)[0]
    assert row["p95_predicted"] == pytest.approx(np.quantile(hours, 0.95) * row["mean_USD_per_MWh"])


def test_no_hour_of_the_judged_year_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from gigawatt.validation import prices

    read: list[int] = []
    whole = prices.market_hours

    def watched(name: str, **words: object) -> object:
        read.append(int(words["year"]))  # type: ignore[call-overload]
        return whole(name, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(prices, "market_hours", watched)
    found = predicted(PriceYear("spain", 2023, 90.0, 150.0, 0.0, 0.0))
    assert found is not None
    assert set(read) == {2020, 2021, 2022}
    assert found.base == 2022


def test_the_band_of_scarcity_hours() -> None:
    assert scarcity_band([0.0, 0.0]) == (0.0, 0.005)
    assert scarcity_band([0.02, 0.04]) == (0.01, 0.08)


def test_rows_of_a_file(tmp_path: Path) -> None:
    """ERCOT 2025, January to November (hourly_stats of the operator's series): 33.48 and 71.79 $/MWh."""
    file = tmp_path / "mine.csv"
    rows = [
        ["series", "year", "mean", "p95", "share_free", "share_scarce"],
        ["ercot", 2025, 33.48, 71.79, 24 / 8016, ""],
    ]
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    (one,) = prices_card(file).detail
    assert one.base == 2024
    assert one.made.p95 / one.measured.p95 - 1.0 == pytest.approx(0.022, abs=0.01)
    assert one.near
    assert one.free_near
    assert one.in_band is None
    assert one.covered


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (["ercott", 2025, 30, 60, 0, 0], "no such series of prices.*did you mean 'ercot'"),
        (["ercot", 2025.5, 30, 60, 0, 0], "year: out of range"),
        (["ercot", 2025, -30, 60, 0, 0], "mean: out of range"),
        (["ercot", 2025, 30, "", 0, 0], "p95: this cell is empty"),
        (["ercot", 2025, 30, 60, 3, 0], "share_free: out of range; given '3'"),
        (["ercot", 2025, 30, "x", 0, 0], "p95: not a number"),
    ],
)
def test_bad_rows_are_one_line(tmp_path: Path, row: list[object], words: str) -> None:
    file = tmp_path / "mine.csv"
    with file.open("w", newline="") as stream:
        head = ["series", "year", "mean", "p95", "share_free", "share_scarce"]
        csv.writer(stream).writerows([head, row])
    with pytest.raises(InputError, match=words) as caught:
        prices_card(file)
    assert "mine.csv:2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_growth_of_sun_and_wind_is_nearer_than_none(card: dict) -> None:  # type: ignore[type-arg]
    """Over four years hours as they were have too few free ones; with the growth they have fewer too few."""
    plain, grown = card["four_years_ahead"]
    assert plain["n"] == grown["n"] >= 10
    assert plain["free_hours_bias"] < grown["free_hours_bias"] < 0.0
    assert grown["free_hours_within_3_points"] >= plain["free_hours_within_3_points"]


def test_modelled_hours_have_the_measured_spread_of_the_day() -> None:
    """Four dearest less four cheapest hours of PJM, Tokyo, Singapore and India, of the operators' hours."""
    for name, row in loader.table("grids_hours").items():
        for year in series.price_years(row) if row.text("kind") == "model" else ():
            known = loader.entity("grids_hours_quantiles", f"{name}-{year}").value("daily_spread")
            assert daily_spread(modelled_year(row, year, None, 0.0)) == pytest.approx(known, rel=0.03), (
                name,
                year,
            )


def test_the_model_of_hours_in_years_it_has_not_seen(card: dict) -> None:  # type: ignore[type-arg]
    """What was reached: 19 years of four markets, each by the others."""
    rows = {one["series"]: one for one in card["modelled_hours"]}
    assert sum(one["n"] for one in rows.values()) == 19
    assert all(one["p95_within_25_percent"] >= 0.8 for one in rows.values())
    assert all(one["daily_spread_error"] < 0.3 for one in rows.values())


def test_a_year_left_out_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from gigawatt.power.market import model

    read: list[str] = []
    whole = loader.entity

    def watched(table: str, name: str) -> object:
        read.append(name)
        return whole(table, name)

    row = loader.entity("grids_hours", "tokyo")
    monkeypatch.setattr(model.loader, "entity", watched)
    modelled_year(row, 2022, None, 0.0, left_out=True)
    assert "tokyo-2022" not in read
    assert "tokyo-2021" in read
