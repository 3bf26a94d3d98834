"""Plants from the catalog: values of the sources that the rows name, units, evidence, refusals."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Grade
from gigawatt.money import capital_recovery_factor
from gigawatt.power import Plant, Storage, build_plant, default_not_served_price, list_plants, plan

MWH = 3.6e9
KWH = 3.6e6
YEAR = 8760 * 3600.0
SOURCES: set[str] = set()
for _name in ("supply", "plants", "countries", "tariffs"):
    with loader.path(f"sources/{_name}.csv").open(encoding="utf-8") as stream:
        SOURCES |= {row["id"] for row in csv.DictReader(stream)}


def recovery(life: float) -> float:
    return float(capital_recovery_factor(rate=0.07, life=life))


def built(name: str, year: float = 2030, **other: object) -> Plant:
    needs: dict = {}
    if name in ("solar", "wind", "hydro", "space-solar"):
        needs["profile"] = np.full(24, 0.3)
    if name in ("grid", "power-leased"):
        needs.update(price=60 / MWH, carbon=0.35 / KWH)
    return build_plant(name, year=year, capital_recovery=recovery, **(needs | other))


def deflate(year: int) -> float:
    index = {int(e.year or 0): e.value for e in loader.entity("price_index", "usd").rows()}
    return index[loader.CURRENCY_YEAR] / index[year]


@pytest.mark.parametrize("name", list_plants())
@pytest.mark.parametrize("year", [2025, 2032.5, 2050])
def test_every_plant_can_be_built_with_sources(name: str, year: float) -> None:
    plant = built(name, year)
    capital = (
        plant.fixed if name.endswith(("-rented", "-leased")) else plant.capital
    )  # all of its cost is a rent
    assert capital + (plant.storage.energy_capital if plant.storage else 0.0) > 0.0
    assert plant.lead_time > 0.0
    assert len(plant.evidence) > 4
    for row in plant.evidence:
        assert row.source_id in SOURCES
        assert row.low is None or row.low <= row.value
        assert row.high is None or row.value <= row.high
    assert plant.assumptions[0].grade == max(row.grade for row in plant.evidence)


def test_no_recalled_row_claims_a_better_grade_than_guess() -> None:
    for table in ("plants", "fuels", "supply_plan"):
        for entity in loader.table(table).values():
            for row in entity.rows():
                if "recalled, not read again" in row.note:
                    assert row.grade == Grade.guess, f"{row.where}: {row.name}"


# NREL ATB 2024, $/kW of 2022: utility PV and land-based wind moderate 2030
@pytest.mark.parametrize(
    ("name", "year", "dollars"),
    [
        ("solar", 2030, 1_284.6),
        ("wind", 2030, 1_515.4),
    ],
)
def test_capital_costs_are_those_of_atb_2024(name: str, year: int, dollars: float) -> None:
    assert built(name, year).investment * 1e3 == pytest.approx(dollars * deflate(2022), rel=1e-4)


def test_a_small_reactor_costs_what_darlington_does() -> None:
    # 20.9 G CAD for four units of 300 MW, 7.7 G for the first, 0.735 $/CAD: 12,800 and 18,900 $/kW of 2024
    row = loader.entity("plants", "fission-small").evidence("capital_cost", 2030)
    assert row.value * 1e3 == pytest.approx(20.9e9 * 0.735 / 1.2e6, rel=0.01)
    assert row.high is not None
    assert row.high * 1e3 == pytest.approx(7.7e9 * 0.735 / 3e5, rel=0.01)
    for year in (2035, 2045, 2050):  # nobody knows it within 2 %
        value, low, high = loader.entity("plants", "fission-small").at("capital_cost", year)
        assert low < 0.75 * value
        assert high > 1.5 * value


# recalled turnkey prices of 2025 in the US with duties: value and range in $/kWh
@pytest.mark.parametrize(
    ("name", "hours", "mean", "low", "high"),
    [("battery-2h", 2, 260, 220, 330), ("battery-4h", 4, 236, 190, 300), ("battery-8h", 8, 205, 170, 260)],
)
def test_a_battery_costs_what_is_paid(name: str, hours: int, mean: float, low: float, high: float) -> None:
    def in_2025(dollars: float) -> float:
        return dollars * deflate(2025)

    of_power = {case: built(name, 2025, case=case) for case in ("value", "low", "high")}
    for case, paid in (("value", mean), ("low", low), ("high", high)):
        plant = of_power[case]
        assert plant.storage is not None
        whole = plant.investment * 1e3 / hours + plant.storage.energy_investment * KWH
        assert whole == pytest.approx(in_2025(paid), rel=0.1), case


def test_reactor_is_not_steam_methane_reforming() -> None:
    # `SMR` of the cost collection is a chemical plant of about 500 $/kW
    assert built("fission-small").investment > 5.0


def test_gas_is_priced_as_orders_are_today() -> None:
    plant = built("gas-combined-cycle", 2026)
    assert 2.0 < plant.investment < 2.5
    assert float(np.mean(plant.fuel)) * MWH == pytest.approx(
        6.6 * (3.76 * deflate(2026) + 0.5), rel=0.05
    )  # about 6.6 MMBtu/MWh


def test_gas_carbon_lies_in_the_life_cycle_range_of_unece() -> None:
    # UNECE 2022: 403 to 513 g/kWh for natural gas combined cycle, supply chain included
    plant = built("gas-combined-cycle")
    assert 403 < float(np.mean(plant.carbon)) * KWH * 1e3 < 513
    without = built("gas-combined-cycle", boundary="direct")
    assert 330 < float(np.mean(without.carbon)) * KWH * 1e3 < 370


def test_construction_carbon_gives_back_the_source_at_its_capacity_factor() -> None:
    # IPCC AR5 medians: solar 48, wind 11 g/kWh; UNECE nuclear 5.1 to 6.4
    for name, grams, factor in (("solar", 48, 0.2), ("wind", 11, 0.35), ("fission-small", 5.75, 0.9)):
        assert built(name).construction_carbon / (factor * YEAR) * KWH * 1e3 == pytest.approx(grams)


def test_units_of_a_battery() -> None:
    plant = built("battery", 2030)
    assert isinstance(plant.storage, Storage)
    # 138.7 $/kWh of 2025: 190 in 2025, falling as ATB 2024 does; 2.5 % a year, 15 years
    assert plant.storage.energy_investment * KWH == pytest.approx(138.7 * deflate(2025), rel=1e-4)
    assert plant.storage.energy_capital / plant.storage.energy_investment == pytest.approx(
        recovery(15 * YEAR)
    )
    assert plant.fixed / plant.investment == pytest.approx(0.025)
    assert plant.storage.duration_max == pytest.approx(12 * 3600)
    assert plant.storage.self_discharge < 1e-2


def test_series_are_read_between_their_years() -> None:
    early, late, middle = built("wind", 2030), built("wind", 2035), built("wind", 2032.5)
    assert middle.investment == pytest.approx((early.investment + late.investment) / 2)
    assert built("wind", 2060).investment == built("wind", 2050).investment


def test_range_of_costs() -> None:
    low, mid, high = (built("solar", case=case).capital for case in ("low", "value", "high"))
    assert low < mid < high


def test_scenario_goes_before_catalog() -> None:
    plant = built(
        "gas", overrides={"capital_cost": 3.0, "variable_cost": 0.0}, fuel_price=10 / 1.05505585262e9
    )
    assert plant.investment == 3.0
    assert plant.variable == 0.0
    assert float(np.mean(plant.fuel)) * MWH == pytest.approx(66.4, rel=0.02)
    assert not any(row.quantity == "capital_cost" for row in plant.evidence)


def test_ramp_and_life_units() -> None:
    plant = built("gas-combined-cycle")
    assert plant.ramp == pytest.approx(0.72)  # RTS-GMLC: 1.2 % a minute
    assert plant.capital / plant.investment == pytest.approx(recovery(25 * YEAR))


def test_price_of_lost_load_is_a_row() -> None:
    price, assumption = default_not_served_price()
    assert price * MWH == pytest.approx(35_685)  # Brattle for ERCOT, 2024
    assert assumption.key == "supply.not_served_price"


def test_catalog_plants_make_a_plan() -> None:
    sun = np.tile(np.clip(np.sin((np.arange(24) - 6) / 12 * np.pi), 0, 1), 10)
    plants = [
        built("grid", limit=5e7),
        built("solar", profile=sun),
        built("battery"),
        built("gas-combined-cycle"),
        built("fission-small"),
    ]
    found = plan(load=np.full(240, 1e8), plants=plants, not_served_price=default_not_served_price()[0])
    assert 30 < found.cost_per_energy * MWH < 120
    assert found.upfront["gas-combined-cycle"] == pytest.approx(
        found.capacity["gas-combined-cycle"] * plants[3].investment
    )
    assert found.capacity["grid"] <= 5e7


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: built("gas-turbin"), "no such entry in the catalog's plants; given 'gas-turbin'"),
        (
            lambda: built("solar", profile=None),
            "solar: a plant that follows the weather needs its hourly profile",
        ),
        (lambda: built("grid", price=None), "grid: the grid needs a price and a carbon intensity"),
        (lambda: built("wind", overrides={"capitol_cost": 1.0}), "wind: no such quantity of this plant"),
        (lambda: built("wind", case="mean"), "wind: unknown case; given 'mean'; allowed: value, low, high"),
        (lambda: built("wind", limit=-1.0), "wind: the largest capacity is below the smallest"),
        (
            lambda: built("solar", profile=np.array([2.0])),
            "solar.availability: not a sensible value; given '1.9",
        ),
        (lambda: Plant("x", "profil"), "x: unknown kind of plant; given 'profil'"),
        (lambda: Plant("x", "storage"), "x: a plant of kind 'storage', and no other, has storage data"),
        (lambda: Plant("x", "grid", fuel=math.nan), "x.fuel: not a sensible value"),
        (
            lambda: Plant("x", "storage", carbon=1e-9, storage=Storage(1.0, 1.0, 0.0)),
            "x.carbon: the carbon of a store is that of what charges it",
        ),
        (
            lambda: Plant("x", "storage", storage=Storage(1.1, 1.0, 0.0)),
            "x.storage.charge_efficiency: not a sensible value; given '1.1'; allowed: above 0, at most 1",
        ),
        (
            lambda: Plant("x", "storage", storage=Storage(1.0, 1.0, 0.0, duration_min=2.0, duration_max=1.0)),
            "x.storage: the durations are not in order",
        ),
    ],
)
def test_refusals(make: object, text: str) -> None:
    with pytest.raises(InputError) as error:
        make()  # type: ignore[operator]
    assert str(error.value).startswith(text)
