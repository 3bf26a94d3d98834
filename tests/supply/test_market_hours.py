"""Hours of markets: those that happened, dealt out by the weather, or modelled where they may not ship."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError
from gigawatt.facility import load_site, load_weather
from gigawatt.facility.weather import load_place_years
from gigawatt.money import capital_recovery_factor
from gigawatt.power import load_grid
from gigawatt.power.market import order
from gigawatt.power.market.forward import Later, later_hours
from gigawatt.power.market.hours import market_hours, read_price_year
from gigawatt.power.market.model import CUTS, modelled_year, of_quantiles, probit
from gigawatt.power.market.series import local_years, market_year, price_years
from gigawatt.power.residual import weather_driver
from gigawatt.power.resource import solar_capacity_factor

PER_MWH = 3.6e9
TABLE = loader.table("grids_hours")
SERIES = sorted(name for name, row in TABLE.items() if row.text("kind") == "series")
MODELS = sorted(name for name, row in TABLE.items() if row.text("kind") == "model")

# Published means, quantiles, extremes and counts of the market operators' own series of 2024, US$/MWh of
# 2024: shared/references/markets.md, section 1.
PUBLISHED = {
    "ercot": (28.1, 6.9, 19.8, 61.5, 2221.0, 16),
    "caiso-np15": (40.7, 4.9, 38.6, 71.6, 583.0, 276),
    "nyiso-capital": (38.2, 19.7, 30.3, 88.9, 505.0, 0),
    "ontario": (23.5, 8.7, 20.9, 43.9, 1018.0, 78),
    "germany": (85.0, 0.0, 86.0, 155.0, 1013.0, 519),
    "france": (62.8, 0.0, 64.0, 133.0, 308.0, 549),
    "spain": (68.1, 0.0, 70.0, 147.0, 209.0, 784),
    "netherlands": (83.6, 0.0, 87.0, 150.0, 945.0, 542),
    "great-britain": (92.5, 23.0, 93.0, 141.0, 565.0, 157),
    "new-south-wales": (86.5, -9.0, 54.0, 175.0, 10664.0, 579),
    "victoria": (54.3, -35.0, 43.0, 164.0, 10956.0, 2004),
    "korea": (92.0, 62.0, 98.0, 119.0, 169.0, 6),
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_hours_that_happened(name: str) -> None:
    found = market_hours(name, year=2024, time_zone=TABLE[name].value("time_zone") / 3600.0)
    price = found.price * PER_MWH
    mean, low, middle, high, most, free = PUBLISHED[name]
    assert price.mean() == pytest.approx(mean, rel=0.02, abs=0.1)
    for share, value in ((0.05, low), (0.5, middle), (0.95, high)):
        assert np.quantile(price, share) == pytest.approx(value, rel=0.02, abs=0.6)
    assert price.max() == pytest.approx(most, rel=0.001, abs=0.6)
    assert int((price <= 0.0).sum()) == pytest.approx(free, abs=12)  # 29 February is left out


@pytest.mark.parametrize("name", SERIES)
def test_means_of_the_table_are_those_of_the_files(name: str) -> None:
    """The rows of means and rates, by year, in the currency of the year."""
    row = TABLE[name]
    for year in price_years(row):
        over, filled = market_year(row, year, row.value("time_zone") / 3600.0)
        assert over.mean() == pytest.approx(1.0)
        assert filled <= 0.1 * 8760
        mean = row.evidence("price", year)
        assert mean.currency_year == year
        assert mean.value > 0.0
    assert row.evidence("level").low is not None
    known = (loader.path("grids/hours") / f"{name}.xz").stat().st_size
    assert known < 120_000


def test_only_what_may_ship_is_shipped() -> None:
    files = sorted(file.stem for file in loader.path("grids/hours").glob("*"))
    assert files == SERIES
    assert not set(files) & {"pjm-dominion", "tokyo", "india", "singapore"}
    assert sum(file.stat().st_size for file in loader.path("grids/hours").glob("*")) < 2_000_000
    assert set(MODELS) == {"pjm-dominion", "tokyo", "india", "singapore"}


def test_local_hours() -> None:
    """Hour 0 of a year in Texas is 06:00 UTC; 29 February is left out."""
    utc = np.arange(5 * 8760.0 + 48.0)
    texas = local_years(utc, -6.0)
    assert texas[2020][0] == 6.0
    assert texas[2020][59 * 24] == 6.0 + 60 * 24
    assert np.isnan(texas[2024][-6:]).all()
    assert local_years(utc, 9.0)[2021][0] == 8784.0 - 9.0


@pytest.mark.parametrize("name", MODELS)
def test_models_have_zeros_and_spikes_of_the_year(name: str) -> None:
    """Mean, 95th percentile and share of free hours of the year: hourly_stats of the same series."""
    facts = {  # 2024, US$/MWh: mean, p95, p99, hours at or below 0
        "pjm-dominion": (36.2, 88.7, 193.0, 3),
        "tokyo": (85.9, 137.0, 159.0, 0),
        "singapore": (121.6, 262.0, 464.0, 1),
        "india": (52.5, 120.0, 120.0, 0),
    }[name]
    row = TABLE[name]
    price = market_hours(name, year=2024, time_zone=0.0).price * PER_MWH
    assert price.mean() == pytest.approx(facts[0], rel=0.005)
    assert np.quantile(price, 0.95) == pytest.approx(facts[1], rel=0.02)
    assert np.quantile(price, 0.99) == pytest.approx(facts[2], rel=0.03)
    assert int((price <= 0.0).sum()) == pytest.approx(facts[3], abs=8)
    over = modelled_year(row, 2024, None, 0.0)
    assert np.array_equal(over, modelled_year(row, 2024, None, 0.0))  # always the same
    assert over.mean() == pytest.approx(1.0)


def test_dealing_keeps_every_price_of_a_month_and_hour() -> None:
    rng = np.random.default_rng(1)
    prices, driver = rng.standard_normal(8760), rng.standard_normal(8760)
    for weight in (0.0, 0.3, 1.0):
        dealt = order.deal(prices, driver, weight=weight)
        for cell in (0, 100, 287):
            mine = cell == order.CELL
            assert np.array_equal(np.sort(dealt[mine]), np.sort(prices[mine]))
    assert np.array_equal(order.deal(prices, driver, weight=0.0), prices)
    assert np.corrcoef(order.within(order.deal(prices, driver, weight=1.0)), order.within(driver))[
        0, 1
    ] == pytest.approx(1.0)
    with pytest.raises(InputError, match="not the hours of a year"):
        order.deal(prices[:-1], driver, weight=0.5)
    with pytest.raises(InputError, match="not a correlation"):
        order.deal(prices, driver, weight=1.5)


@settings(deadline=None, max_examples=20)
@given(weight=st.floats(0.05, 0.95), seed=st.integers(0, 50))
def test_dealing_has_the_correlation_that_is_asked_for(weight: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    prices, driver = rng.standard_normal(8760), rng.standard_normal(8760)
    dealt = order.deal(prices, driver, weight=weight)
    found = np.corrcoef(order.within(dealt), order.within(driver))[0, 1]
    assert found == pytest.approx(weight, abs=0.08)  # ranks, not normal scores, are summed


def test_a_still_winter_week_is_dear_in_both() -> None:
    """Prices of 2024 dealt out by the weather of 2021 follow its residual load as far as prices of 2024 do
    that of 2024, and prices of the same year are taken as they were."""
    site = load_site("frankfurt")
    skies = {sky.happened: sky for sky in load_place_years(site)}
    weight = TABLE["germany"].value("weather_weight")
    same = load_grid("germany", 2026, weather=skies[2024])
    other = load_grid("germany", 2026, weather=skies[2021])
    for grid, sky in ((same, skies[2024]), (other, skies[2021])):
        driver = weather_driver(loader.entity("grids", "germany"), sky)
        assert driver is not None
        found = np.corrcoef(order.within(grid.price), order.within(driver))[0, 1]
        assert found == pytest.approx(weight, abs=0.08)
    happened, _ = market_year(TABLE["germany"], 2024, 1.0)
    assert np.corrcoef(same.price, happened)[0, 1] == pytest.approx(1.0)
    assert np.corrcoef(other.price, happened)[0, 1] < 0.95
    assert np.sort(other.price) == pytest.approx(np.sort(same.price))
    assert "happened" in next(a.reason for a in same.assumptions if a.key == "supply.grid_hours")
    assert "dealt out" in next(a.reason for a in other.assumptions if a.key == "supply.grid_hours")


def test_the_price_year() -> None:
    sky = load_weather("abilene-texas")
    latest, dear = (load_grid("ercot", 2026, weather=sky, price_year=year) for year in (None, 2022))
    assert (latest.price_year, dear.price_year) == (2024, 2022)
    rise = 64.32 * 313.689 / 292.655 - 28.085
    assert (dear.price.mean() - latest.price.mean()) * PER_MWH == pytest.approx(rise, rel=0.01)
    own = load_grid("ercot", 2026, weather=load_place_years(load_site("dallas"))[1], price_year="weather")
    assert own.price_year == 2021
    with pytest.raises(InputError, match="2020, 2021, 2022, 2023, 2024"):
        load_grid("ercot", 2026, weather=sky, price_year=2019)
    with pytest.raises(InputError, match="no hours of a market"):
        load_grid("miso-north", 2026, price_year=2022)
    assert read_price_year("2023") == 2023
    with pytest.raises(InputError, match="not a year of prices"):
        read_price_year("latest")


def test_the_band_of_the_price_is_that_of_the_years() -> None:
    grid = load_grid("ercot", 2026)
    row = grid.evidence["price"]
    assert row.value == pytest.approx(grid.price.mean())
    assert row.low is not None
    assert row.high is not None
    year_2021 = 145.62 * 313.689 / 270.970
    assert (row.high - grid.delivery) * PER_MWH == pytest.approx(year_2021, rel=0.01)
    with loader.varied({("grids_hours", "ercot", "level"): 2.0}):
        twice = load_grid("ercot", 2026)
    assert twice.price.mean() - twice.delivery == pytest.approx(2.0 * (grid.price.mean() - grid.delivery))
    assert "price" not in load_grid("ercot", 2026, price=50.0 / PER_MWH).evidence
    assert load_grid("ercot", 2026, price_year=2022).evidence["price"].high is None


def test_delivery_is_charged_once() -> None:
    """Retail mean less the market's mean of that year and the connection of a flat load: never both."""
    connection = loader.entity("plants", "grid")
    rate = loader.entity("finance", "hyperscaler").value("discount_rate")
    year = 8760.0 * 3600.0
    recovery = float(capital_recovery_factor(rate=rate, life=connection.value("life")))
    built = connection.value("capital_cost") * recovery / year + connection.value("fixed_cost")
    checked = 0
    for row in loader.table("grids").values():
        if "delivery" in row.numbers:
            market = TABLE[row.text("hours")]
            each = [one.value for one in market.numbers["price"]]
            known = row.evidence("delivery")
            for found, mean in (
                (known.value, market.evidence("price", row.evidence("price").currency_year).value),
                (known.low, max(each)),
                (known.high, min(each)),
            ):  # fmt: skip
                left = max(0.0, row.value("price") - mean - built)
                assert found == pytest.approx(left, abs=0.06 / PER_MWH)
            checked += 1
    assert checked == 8
    grid = load_grid("germany", 2026)
    assert grid.delivery == loader.entity("grids", "germany").value("delivery")
    assert load_grid("germany", 2026, delivery=0.0).price.mean() == pytest.approx(
        grid.price.mean() - grid.delivery
    )
    assert load_grid("germany", 2026, price=50.0 / PER_MWH).price.mean() * PER_MWH == pytest.approx(50.0)


def test_reading_is_quick() -> None:
    sky = load_weather("abilene-texas")
    load_grid("ercot", 2026, weather=sky)
    market_hours("victoria", year=None, time_zone=10.0)
    begin = time.process_time()
    market_hours("netherlands", year=None, time_zone=1.0)
    assert time.process_time() - begin < 0.1  # 15 ms; the rest is for a busy machine


def test_normal_quantiles_and_quantile_functions() -> None:
    """Standard normal tables: 97.5 % at 1.959964, 50 % at 0."""
    assert probit([0.975, 0.5, 0.025, 0.5]) == pytest.approx([1.959964, 0.0, -1.959964, 0.0], abs=1e-6)
    shares = (np.arange(1000) + 0.5) / 1000
    values = of_quantiles(shares, np.array(CUTS) * 4.0 - 0.4)
    assert values.mean() == pytest.approx(1.0)
    assert values.min() == pytest.approx(-0.398, abs=1e-3)  # what is below zero is not scaled


def test_more_sun_deepens_noon_and_keeps_the_mean() -> None:
    sky = load_weather("karlsruhe")
    sun = solar_capacity_factor(sky)
    over, _ = market_year(TABLE["germany"], 2024, 1.0)
    later = Later(0.1, 0.0, 1.0, sun, None)
    now = later_hours(over, later)
    assert now.mean() == pytest.approx(1.0)
    noon = np.arange(8760) % 24 == 12
    assert now[noon].mean() < over[noon].mean() - 0.1
    assert (now <= 0.0).mean() > (over <= 0.0).mean()
    assert now.min() >= over.min()
    assert later_hours(over, Later(0.0, 0.0, 1.0, sun, sun)) == pytest.approx(over)
    assert later_hours(over, Later(0.1, 0.1, 1.0, None, None)) == pytest.approx(over)
    with pytest.raises(InputError, match="more_sun: below zero"):
        later_hours(over, Later(-0.1, 0.0, 1.0, sun, None))


def test_hours_stand_for_two_years_and_change_after() -> None:
    sky = load_weather("karlsruhe")
    now, soon, far = (load_grid("germany", year, weather=sky) for year in (2024, 2026, 2040))
    assert soon.price == pytest.approx(now.price)
    assert not np.allclose(far.price, now.price)
    assert far.price.mean() == pytest.approx(now.price.mean())
    assert "supply.grid_later" in {one.key for one in far.assumptions}
    asked = load_grid("germany", 2040, weather=sky, price_year=2024)
    assert asked.price == pytest.approx(now.price)
