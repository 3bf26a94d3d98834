"""Sites and their weather: every one loads, is whole and physical; the mends are listed."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.core.evidence import Grade
from gigawatt.facility import Site, load_site, load_weather
from gigawatt.facility.bias import raise_to_mean
from gigawatt.facility.weather import HOURS

SITES = sorted(loader.table("sites"))
RANGES = {
    "ghi": (0.0, 1400.0),
    "dni": (0.0, 1200.0),
    "dhi": (0.0, 800.0),
    "temperature": (220.0, 325.0),
    "dew_point": (215.0, 305.0),
    "wind_10m": (0.0, 40.0),
    "wind_100m": (0.0, 60.0),
    "solar_capacity_factor": (0.0, 1.0),
    "wind_capacity_factor": (0.0, 1.0),
}


@pytest.mark.parametrize("site", SITES)
def test_every_site_has_a_whole_and_physical_year(site: str) -> None:
    weather = load_weather(site)
    seen = 0
    for name, (low, high) in RANGES.items():
        series = getattr(weather, name)
        if series is None:
            continue
        seen += 1
        assert series.shape == (HOURS,), name
        assert np.isfinite(series).all(), name
        assert low <= series.min() <= series.max() <= high, (name, series.min(), series.max())
    assert seen >= 4
    assert weather.temperature is not None
    wet = weather.wet_bulb()
    assert np.all(wet <= weather.temperature)
    if weather.dew_point is not None:
        assert np.mean(weather.dew_point <= weather.temperature + 0.51) > 0.99  # files round to 1 or 0.1 K


@pytest.mark.parametrize("site", SITES)
def test_sunlight_falls_by_day_and_centres_on_solar_noon(site: str) -> None:
    weather = load_weather(site)
    light = weather.ghi if weather.ghi is not None else weather.solar_capacity_factor
    assert light is not None
    daily = light.reshape(365, 24).sum(axis=0)
    middle = float(np.dot(daily, np.arange(24) + weather.sun_time) / daily.sum())
    noon = 12.0 + weather.time_zone - weather.longitude / 15.0
    assert middle == pytest.approx(
        noon, abs=0.45 if weather.ghi is not None else 0.6
    )  # clouds and haze tilt a day's light


def test_site_seam() -> None:
    site = load_site("abilene")
    assert isinstance(site, Site)
    assert (site.id, site.grid, site.country) == ("abilene-texas", "ercot", "USA")
    assert site.latitude == pytest.approx(32.33)
    assert site.longitude == pytest.approx(-100.18)
    assert site.time_zone == pytest.approx(-6.0)
    assert site.evidence["latitude"].grade is Grade.modelled


@pytest.mark.parametrize("site", SITES)
def test_every_site_names_a_grid_of_the_catalog(site: str) -> None:
    assert load_site(site).grid in {*loader.table("grids"), *loader.table("grids_countries")}


def test_weather_of_the_nrel_sites_matches_the_sums_of_the_source() -> None:
    """Annual GHI of the raw NSRDB files in kWh/m² (sum of the hours, computed on the raw series)."""
    for site, raw in (("abilene-texas", 2014.4), ("iron-range-minnesota", 1320.1), ("rome", 1557.7)):
        ghi = load_weather(site).ghi
        assert ghi is not None
        assert ghi.sum() / 1e3 == pytest.approx(raw, rel=2e-3)


def test_virginia_says_what_was_filled_in() -> None:
    weather = load_weather("virginia")
    assert weather.ghi is None
    assert weather.wind_capacity_factor is not None
    assert weather.wind_capacity_factor.mean() == pytest.approx(0.25, rel=0.06)  # one year of eleven
    assert weather.wind_capacity_factor.max() <= 1.0
    assert weather.temperature is not None
    assert weather.temperature.mean() - 273.15 == pytest.approx(13.1, abs=0.3)
    keys = {item.key for item in weather.assumptions}
    assert keys == {"site.temperature", "site.wind_capacity_factor"}
    assert all(item.grade is Grade.guess and item.reason for item in weather.assumptions)


def test_missing_humidity_is_an_assumption() -> None:
    assert [item.key for item in load_weather("karlsruhe").assumptions] == ["site.dew_point"]


def test_raise_to_mean_keeps_order_and_bounds() -> None:
    share = np.random.default_rng(1).beta(0.4, 3.0, 2000)
    share[:50], share[50:60] = 0.0, 1.0
    for mean in (0.05, 0.2, 0.6):
        raised = raise_to_mean(share=share, mean=mean)
        assert raised.mean() == pytest.approx(mean, abs=1e-9)
        assert np.all(np.diff(raised[np.argsort(share)]) >= 0.0)
        assert raised.min() == 0.0
        assert raised.max() == 1.0
    with pytest.raises(MissingDataError, match="cannot have that mean"):
        raise_to_mean(share=share, mean=0.999)


def test_unknown_site_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'virginia'"):
        load_weather("virgina")


def test_site_without_weather_names_the_mend() -> None:
    site = load_site("abilene-texas")
    bare = Site(**{**{f: getattr(site, f) for f in Site.__dataclass_fields__}, "weather": ""})
    with pytest.raises(MissingDataError, match="has no weather") as caught:
        load_weather(bare)
    assert "EPW" in str(caught.value)
    assert "\n" not in str(caught.value)
