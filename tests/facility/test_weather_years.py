"""Weather years of ERA5: whole, in local time, bias-corrected with the raw series kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.facility import load_weather
from gigawatt.facility.years import list_years, load_years

SERIES = sorted(loader.table("sites_years"))
# mean capacity factors of the raw series (era5_cf_sites.csv of the data set): solar, wind
PUBLISHED = {
    "arizona": (0.2907, 0.0254),
    "texas": (0.2645, 0.3201),
    "uk": (0.1443, 0.2865),
    "crete": (0.2685, 0.4895),
}
SHARED = Path(__file__).resolve().parents[2].parent / "shared/data/weather/era5_cf_multiyear_1e4.parquet"


@pytest.mark.parametrize("name", SERIES)
def test_every_series_is_whole(name: str) -> None:
    years = load_years(name)
    assert 7 <= len(years) <= 11
    row = loader.entity("sites_years", name)
    noon = 12.0 + round(row.value("longitude") * 12 / np.pi) - row.value("longitude") * 12 / np.pi
    for year in years:
        for values in (year.solar, year.wind, year.wind_raw):
            assert values.shape == (8760,)
            assert 0.0 <= values.min() <= values.max() <= 1.0
        assert year.solar.reshape(365, 24)[:, [0, 1, 23]].max() < 0.03  # dark at midnight of local time
        daily = year.solar.reshape(365, 24).mean(axis=0)
        middle = float(np.dot(daily, np.arange(24) + 0.5) / daily.sum())
        assert middle == pytest.approx(noon, abs=1.3)  # clocks follow borders
    assert [year.year for year in years] == list(range(years[0].year, years[-1].year + 1))
    assert years[0].assumptions


@pytest.mark.parametrize("name", SERIES)
def test_low_winds_are_raised_and_years_keep_their_order(name: str) -> None:
    years = load_years(name)
    raw = np.array([year.wind_raw.mean() for year in years])
    mended = np.array([year.wind.mean() for year in years])
    row = loader.entity("sites_years", name)
    if "wind_capacity_factor" not in row.numbers:
        np.testing.assert_array_equal(raw, mended)
        assert raw.mean() > 0.14
        return
    proof = row.evidence("wind_capacity_factor")
    assert mended.mean() == pytest.approx(proof.value, abs=1e-6)
    assert mended.mean() > raw.mean()
    assert proof.low is not None
    assert proof.high is not None
    assert proof.low < proof.value < proof.high
    assert np.corrcoef(raw, mended)[0, 1] > 0.6  # calm valleys lose some of it
    flat_raw = np.concatenate([year.wind_raw for year in years])
    flat = np.concatenate([year.wind for year in years])
    order = np.argsort(flat_raw, kind="stable")
    moving = flat_raw[order] > 0.0
    steps = np.flatnonzero(np.diff(flat_raw[order][moving]) > 0.0)
    rising = np.maximum.accumulate(flat[order][moving])
    assert np.all(flat[order][moving][steps + 1] >= rising[steps] - 1e-12)  # a windier hour gives no less
    assert [item.key for item in years[0].assumptions] == ["site.years", "site.wind_capacity_factor"]


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_raw_means_are_the_data_sets(name: str) -> None:
    years = load_years(name)
    solar, wind = PUBLISHED[name]
    assert np.mean([year.solar.mean() for year in years]) == pytest.approx(solar, abs=2e-4)
    assert np.mean([year.wind_raw.mean() for year in years]) == pytest.approx(wind, abs=2e-4)


@pytest.mark.skipif(not SHARED.is_file(), reason="the data set is not beside the repository")
def test_the_hours_are_the_data_sets_in_local_time() -> None:
    """Hour h of Virginia is hour h + 5 of UTC; solar is stamped at the end of its hour."""
    import duckdb

    rows = duckdb.sql(
        f"select cf_solar, cf_wind from '{SHARED}' where site = 'virginia' and year = 2019 order by hour"
    ).fetchnumpy()
    (ours,) = load_years("virginia", years=(2019,))
    np.testing.assert_allclose(ours.wind_raw[:8700], rows["cf_wind"][5:8705] / 1e4, atol=6e-4)
    np.testing.assert_allclose(ours.solar[:8700], rows["cf_solar"][6:8706] / 1e4, atol=6e-4)


def test_sites_find_their_series() -> None:
    names = list_years()
    assert names["abilene-texas"] == ("texas", tuple(range(2015, 2026)))
    assert {"virginia", "phoenix-arizona", "des-moines-iowa", "berry-france"} <= set(names)
    assert set(SERIES) <= set(names)
    assert load_years("texas")[0].series == "texas"  # the series, not the site of that alias
    for site in ("virginia", "phoenix-arizona", "madrid"):
        weather = load_weather(site)
        (year,) = load_years(site, years=(weather.year,))
        assert weather.wind_capacity_factor is year.wind or np.array_equal(
            weather.wind_capacity_factor, year.wind
        )


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(MissingDataError, match=r"'italy' \(\d+ km away\)|'sicily' \(\d+ km away\)"):
        load_years("rome")
    with pytest.raises(InputError, match="allowed: 2015 to 2025"):
        load_years("virginia", years=(2012,))
    with pytest.raises(InputError, match="did you mean 'virginia'"):
        load_years("virgina")
    with pytest.raises(ValueError, match="read-only"):
        load_years("virginia")[0].wind[0] = 1.0


def test_what_ships_stays_small() -> None:
    size = sum(file.stat().st_size for file in loader.path("weather").rglob("*.parquet"))
    assert size < 7e6
    assert len(loader.table("sites")) >= 30
    assert len({row.text("country") for row in loader.table("sites").values()}) >= 15
