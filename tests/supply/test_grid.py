"""Grids: every one loads, means are the catalog's, hours follow the residual load."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.core.evidence import Grade
from gigawatt.facility import load_weather
from gigawatt.power.grid import list_grids, load_grid
from gigawatt.power.residual import demand_shape, residual_shape
from gigawatt.power.resource import solar_capacity_factor, wind_capacity_factor

PER_MWH = 3.6e9
NAMED = sorted(loader.table("grids"))


@pytest.mark.parametrize("grid", NAMED)
def test_every_named_grid(grid: str) -> None:
    row = loader.entity("grids", grid)
    found = load_grid(grid, 2026, boundary=row.text("boundary"))
    for series in (found.price, found.carbon):
        assert series.shape == (8760,)
        assert np.isfinite(series).all()
    assert found.carbon.min() >= 0.0
    if not row.text("hours"):
        assert found.price.mean() == pytest.approx(row.value("price"), rel=1e-12)
        assert found.price.min() >= 0.0
    if row.text("method") != "cambium":
        assert found.carbon.mean() == pytest.approx(row.value("carbon"), rel=1e-12)
        assert found.price.std() > 0.0
        assert found.carbon.std() > 0.0
    assert 20.0 < found.carbon.mean() * PER_MWH < 900.0
    assert 25.0 < found.price.mean() * PER_MWH < 250.0
    assert found.limit == np.inf
    assert 0.5 < found.connection_time / (8760 * 3600) < 15.0
    assert found.assumptions
    assert all(item.reason and item.source for item in found.assumptions)


def test_every_country_loads() -> None:
    """All 212 countries of the codecarbon table, those without a price of their own at the world's."""
    countries = loader.table("grids_countries")
    assert len(countries) > 200
    for iso, row in countries.items():
        found = load_grid(iso, 2026, boundary="life-cycle")
        if found.id in NAMED:  # a country with a row of its own
            assert "supply.grid_hours" in {item.key for item in found.assumptions}
            continue
        if row.text("hours"):
            assert {"supply.grid_hours", "supply.grid.delivery"} <= {item.key for item in found.assumptions}
            continue
        assert found.carbon.min() == found.carbon.max() == row.value("carbon") > 0.0
        grades = [item.grade for item in found.assumptions if item.key == "supply.grid_price"]
        assert grades == ([] if "price" in row.numbers else [Grade.modelled])
    assert load_grid("isl", 2026, boundary="life-cycle").carbon.mean() * PER_MWH == pytest.approx(27.7)
    assert load_grid("Iceland", 2026).id == "ISL"


def test_egrid_rates() -> None:
    """EPA eGRID2022: ERCT 771.083 lb CO2, 0.049 lb CH4, 0.007 lb N2O per MWh; SRVC 622.987, 0.047, 0.007."""
    for grid, co2, ch4, n2o in (("ercot", 771.083, 0.049, 0.007), ("virginia", 622.987, 0.047, 0.007)):
        mean = load_grid(grid, 2026, boundary="direct").carbon.mean() * PER_MWH
        assert mean == pytest.approx((co2 + 28 * ch4 + 265 * n2o) * 0.45359237, rel=1e-3)


def test_prices_come_in_dollars_of_one_year() -> None:
    """EIA 2023: 6.96 cents in Ohio; 2024 dollars are 2.9 % fewer worth (CPI-U 313.689 over 304.702)."""
    written = float(loader.entity("grids", "pjm-ohio").evidence("price").written)
    assert load_grid("pjm-ohio", 2026).price.mean() * PER_MWH == pytest.approx(
        written * 313.689 / 304.702, rel=1e-6
    )


def test_carbon_and_price_fall_with_sun_and_wind() -> None:
    found, row = load_grid("spp-south", 2026), loader.entity("grids", "spp-south")
    weather = load_weather("texas-panhandle")
    renewable = row.value("solar_share") * solar_capacity_factor(weather)
    renewable = renewable + row.value("wind_share") * wind_capacity_factor(weather)
    assert np.corrcoef(found.carbon, renewable)[0, 1] < -0.4
    assert np.corrcoef(found.carbon, found.price)[0, 1] > 0.8


def test_the_sites_own_weather_is_used() -> None:
    own = load_grid("spp-south", 2026, weather=load_weather("west-texas"))
    reference = load_grid("spp-south", 2026)
    assert not np.allclose(reference.carbon, own.carbon)
    assert reference.carbon.mean() == pytest.approx(own.carbon.mean())
    assert "west-texas" in own.assumptions[0].value


def test_overrides() -> None:
    found = load_grid("germany", 2026, price=50 / PER_MWH, carbon=100 / PER_MWH, limit=1e9)
    assert found.price.mean() * PER_MWH == pytest.approx(50.0)
    assert found.carbon.mean() * PER_MWH == pytest.approx(100.0)
    assert found.limit == 1e9


def test_cambium_hours() -> None:
    """Cambium 2023, West Connect North, first hours of 2025: 325.3, 351.3 average, 219.7 marginal kg/MWh."""
    average, marginal = (
        load_grid("cambium", 2025, marginal=kind, boundary="direct") for kind in (False, True)
    )
    assert average.carbon[:2] * PER_MWH == pytest.approx([325.3, 351.3], abs=0.06)
    assert marginal.carbon[0] * PER_MWH == pytest.approx(219.7, abs=0.06)
    means = [load_grid("cambium", year).carbon.mean() for year in (2025, 2030, 2035)]
    between = load_grid("cambium", 2027).carbon.mean()
    assert means[0] > between > means[1] > means[2]
    assert between == pytest.approx(0.6 * means[0] + 0.4 * means[1], rel=1e-9)
    assert load_grid("cambium", 2060).carbon.mean() == load_grid("cambium", 2050).carbon.mean()
    assert (
        next(one for one in average.assumptions if one.key == "supply.grid_carbon").grade is Grade.projected
    )
    assert "2035" in next(one for one in average.assumptions if one.key == "supply.grid_carbon").reason
    with pytest.raises(MissingDataError, match="no marginal carbon"):
        load_grid("ercot", 2026, marginal=True)


@settings(deadline=None, max_examples=60)
@given(
    solar=st.floats(0.0, 0.6),
    wind=st.floats(0.0, 0.6),
    firm=st.floats(0.0, 0.9),
    floor=st.floats(0.01, 0.2),
    seed=st.integers(0, 100),
)
def test_residual_shape_has_mean_one(solar: float, wind: float, firm: float, floor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = residual_shape(
        demand=np.ones(240),
        solar=rng.random(240),
        wind=rng.random(240),
        solar_share=solar,
        wind_share=wind,
        firm_share=firm,
        floor=floor,
    )
    assert shape.mean() == pytest.approx(1.0)
    assert shape.min() > 0.0
    assert np.isfinite(shape).all()


def test_demand_shape() -> None:
    temperature = np.array([263.15, 288.15, 308.15])
    demand = demand_shape(
        temperature=temperature, cooling=0.02, heating=0.01, cooling_balance=291.15, heating_balance=287.15
    )
    assert demand.mean() == pytest.approx(1.0)
    assert demand / demand[1] == pytest.approx([1.24, 1.0, 1.34])


def test_unknown_grid_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'ercot'") as caught:
        load_grid("ercott", 2026)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="did you mean 'Iceland'"):
        load_grid("Icelnd", 2026)
    assert "ercot" in list_grids()
    assert "DEU" in list_grids()
