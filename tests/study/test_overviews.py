"""Tables of all sites and all plants: the rooms' own numbers, for whoever chooses one of them."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.facility import country_of, load_site, load_weather
from gigawatt.money import capital_recovery_factor, discount_rate, levelised_cost
from gigawatt.power import build_plant, load_grid, solar_capacity_factor, wind_capacity_factor
from gigawatt.studies.plant.overview import levelised_cost_of, plant_costs, plant_overview
from gigawatt.studies.supply.site_overview import COLUMNS, site_overview

YEAR = HOURS_PER_YEAR * 3600.0


@pytest.fixture(scope="module")
def sites():
    return site_overview(2030)


@pytest.fixture(scope="module")
def plants():
    return plant_overview(2030, "rome")


def test_every_site_has_a_row(sites) -> None:
    assert list(sites.index) == list(catalog.table("sites"))
    assert tuple(sites.columns) == COLUMNS
    assert sites["solar_capacity_factor []"].between(0.05, 0.4).all()
    assert sites["wind_capacity_factor []"].between(0.02, 0.7).all()
    assert sites["latitude [deg]"].between(-90, 90).all()


@pytest.mark.parametrize("name", ["abilene-texas", "kiruna", "gujarat"])
def test_a_site_has_the_rooms_numbers(sites, name: str) -> None:
    sky = load_weather(name)
    grid = load_grid(catalog.entity("sites", name).text("grid"), 2030, weather=sky)
    row = sites.loc[name]
    assert row["solar_capacity_factor []"] == float(solar_capacity_factor(sky).mean())
    assert row["wind_capacity_factor []"] == float(wind_capacity_factor(sky).mean())
    assert row["temperature [degC]"] == pytest.approx(float(sky.air_temperature().mean()) - 273.15)
    assert row["price [$/MWh]"] == pytest.approx(3.6e9 * float(grid.price.mean()))
    assert row["carbon [g/kWh]"] == pytest.approx(3.6e9 * float(grid.carbon.mean()))


def test_a_table_is_the_callers_own(sites) -> None:
    mine = site_overview(2030)
    mine["solar_capacity_factor []"] = 0.0
    assert site_overview(2030).equals(sites)


def test_every_plant_has_a_row(plants) -> None:
    assert list(plants.index) == list(catalog.table("plants"))
    stores = plants["kind"] == "storage"
    assert plants.loc[stores, "lcoe [$/MWh]"].isna().all()
    made = plants[~stores]
    assert (made["lcoe_low [$/MWh]"] <= made["lcoe [$/MWh]"]).all()
    assert (made["lcoe [$/MWh]"] <= made["lcoe_high [$/MWh]"]).all()
    assert made["capacity_factor []"].between(0.1, 1.0).all()
    assert plants["grade"].str.len().gt(0).all()


def test_a_levelised_cost_is_that_of_economics(plants) -> None:
    """By the formula of ``economics.levelised_cost`` (sLCOE of NREL), from the plant's own numbers."""
    country = country_of(load_site("rome"))
    risk = country.row_with("risk_premium")
    rate, _ = discount_rate(premium=None if risk is None else risk.evidence("risk_premium"))
    sky = load_weather("rome")

    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=rate, life=life))

    profile = solar_capacity_factor(sky)
    plant = build_plant("solar", year=2030, capital_recovery=recovery, profile=profile, country=country)
    factor = float(np.mean(plant.availability))
    expected = levelised_cost(
        capital=plant.investment, rate=rate, life=plant.life, operating=plant.fixed,
        variable=float(np.mean(plant.variable)), output=factor * YEAR,
    )  # fmt: skip
    assert levelised_cost_of(plant, capacity_factor=factor) == pytest.approx(float(expected), rel=1e-12)
    assert plants.loc["solar", "lcoe [$/MWh]"] == pytest.approx(3.6e9 * float(expected), rel=1e-12)
    assert plants.loc["solar", "capacity_factor []"] == pytest.approx(factor)


def test_the_grid_costs_what_the_grid_costs(plants) -> None:
    sky = load_weather("rome")
    grid = load_grid(catalog.entity("sites", "rome").text("grid"), 2030, weather=sky)
    row = plants.loc["grid"]
    assert row["lcoe [$/MWh]"] > 3.6e9 * float(grid.price.mean())
    assert row["carbon [g/kWh]"] == pytest.approx(3.6e9 * float(grid.carbon.mean()))


def test_a_site_by_words_and_none() -> None:
    assert plant_overview(2030, "rome").equals(plant_overview(2030, "Rome, Italy"))
    with pytest.raises(InputError) as caught:
        plant_overview(2030, "romme")
    assert caught.value.nearest == "rome"


def test_costs_by_year_are_the_catalogs() -> None:
    frame = plant_costs("battery-4h", (2025, 2050))
    row = catalog.entity("plants", "battery-4h")
    value, low, high = row.at("capital_cost", 2050)
    assert frame.iloc[1][["capital [$/kW]", "low [$/kW]", "high [$/kW]"]].tolist() == pytest.approx(
        [1e3 * value, 1e3 * low, 1e3 * high]
    )
    assert frame["energy_capital [$/kWh]"].is_monotonic_decreasing
    assert "energy_capital [$/kWh]" not in plant_costs("solar")


def test_a_plant_that_cannot_stand_here_says_so() -> None:
    """North of the polar circle no satellite over the equator stands high enough."""
    row = plant_overview(2030, "kiruna").loc["space-solar"]
    assert np.isnan(row["lcoe [$/MWh]"])
    assert np.isnan(row["capacity_factor []"])
    assert row["capital [$/kW]"] > 0.0
    assert row["note"].startswith("not here: no satellite of this orbit")
