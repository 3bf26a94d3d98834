"""The molten-salt reactor for a plan: following a load, stores, fuel, price, and its row."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power import build_plant
from gigawatt.power.plants.molten_salt import curves, sheet
from gigawatt.power.plants.molten_salt.cost import availability, fuel_use, separative_work, unit_cost
from gigawatt.power.plants.molten_salt.follow import follow, ramp_limit, smallest_store
from gigawatt.power.plants.molten_salt.system import system

HOUR = 3600.0
few = settings(deadline=None, max_examples=15, derandomize=True)


@pytest.fixture(scope="module")
def plant():
    return system("imsr", refinement=0.5)


@pytest.fixture(scope="module")
def ramp(plant) -> float:
    return ramp_limit(plant)


def test_the_smallest_store_of_a_square_wave() -> None:
    # a supply that cannot change gives the mean: half the swing for half a period must be held
    time = np.linspace(0.0, 2.0, 2001)
    load = np.where(time < 1.0, 3.0, 1.0)
    found = smallest_store(time, load, ramp=0.0, low=0.0, high=10.0)
    assert found.energy == pytest.approx(1.0, rel=2e-3)
    assert np.ptp(found.supply) == pytest.approx(0.0, abs=1e-9)


def test_no_store_where_the_supply_is_quick_enough() -> None:
    time = np.linspace(0.0, 10.0, 11)
    load = 5.0 + np.sin(time)
    found = smallest_store(time, load, ramp=10.0, low=0.0, high=10.0)
    assert found.energy == 0.0
    assert found.supply == pytest.approx(load)


@few
@given(seed=st.integers(0, 99), ramp=st.floats(0.01, 2.0), more=st.floats(1.1, 5.0))
def test_a_store_balances_stays_within_and_shrinks_with_the_ramp(seed: int, ramp: float, more: float) -> None:
    time = np.linspace(0.0, 24.0, 49)
    load = np.random.default_rng(seed).uniform(2.0, 8.0, 49)
    found = smallest_store(time, load, ramp=ramp, low=0.0, high=10.0)
    step = np.diff(time)
    into = ((found.supply - load)[1:] + (found.supply - load)[:-1]) / 2.0 * step
    assert np.diff(found.level) == pytest.approx(into, abs=1e-6)
    assert found.level[-1] == pytest.approx(found.level[0], abs=1e-6)
    assert found.level.min() >= -1e-6
    assert found.level.max() <= found.energy + 1e-6
    assert np.abs(np.diff(found.supply)).max() <= ramp * step[0] + 1e-6
    assert smallest_store(time, load, ramp=more * ramp, low=0.0, high=10.0).energy <= found.energy + 1e-6


def test_a_store_cannot_mend_a_supply_that_is_too_small() -> None:
    with pytest.raises(InfeasibleError, match="the mean load is outside"):
        smallest_store([0.0, 1.0], [5.0, 5.0], ramp=1.0, low=0.0, high=4.0)
    with pytest.raises(InputError, match="a ramp below 0"):
        smallest_store([0.0, 1.0], [5.0, 5.0], ramp=-1.0, low=0.0, high=4.0)


def test_the_ramp_follows_the_rate_that_metal_stands(plant, ramp: float) -> None:
    usual = plant.row.value("temperature_rate")
    assert ramp_limit(plant, rate=usual / 2.0) == pytest.approx(ramp / 2.0, rel=0.15)
    assert ramp_limit(plant, rate=usual * 2.0) > 1.7 * ramp
    with pytest.raises(InputError, match="rate of temperature out of range"):
        ramp_limit(plant, rate=-1.0)


def test_a_day_of_serving_is_followed_within_limits(plant, ramp: float) -> None:
    time = np.linspace(0.0, 24.0 * HOUR, 289)
    load = 195e6 * (0.65 - 0.3 * np.cos(2.0 * np.pi * time / (24.0 * HOUR)))
    found = follow(plant, time=time, load=load, ramp=ramp)
    assert found.within
    assert found.units == 1
    assert found.salt == 0.0
    assert found.buffer == 0.0
    assert np.abs(found.reactor.residual).max() < 1e-9
    assert found.reactor.power[-1] == pytest.approx(found.heat[-1], rel=0.02)
    assert found.reactor.outlet.max() < plant.row.value("maximum_temperature")


def test_the_steps_of_training_need_a_buffer_and_salt(plant, ramp: float) -> None:
    time = np.arange(0.0, 1801.0, 2.0)
    load = 370e6 * np.where(time % 40.0 < 30.0, 1.0, 0.5)
    load[300:600] = 370e6 * 0.3
    found = follow(plant, time=time, load=load, ramp=ramp)
    assert found.units == 2
    assert found.buffer > 0.0
    assert found.salt > 0.0
    assert found.within
    quick = follow(plant, time=time, load=load, ramp=ramp, ramp_turbine=10.0)
    assert quick.buffer == 0.0
    assert quick.salt >= 0.9 * found.salt
    given = np.trapezoid(found.turbine, time)
    assert given == pytest.approx(np.trapezoid(load, time), rel=1e-6)


def test_loads_that_cannot_be_followed(plant) -> None:
    time = np.array([0.0, 1000.0, 2000.0])
    with pytest.raises(InfeasibleError, match="the mean load is outside"):
        follow(plant, time=time, load=np.full(3, 300e6), units=1, ramp=1e-3)
    with pytest.raises(InputError, match="a load below 0"):
        follow(plant, time=time, load=np.full(3, -1.0), ramp=1e-3)
    with pytest.raises(InputError, match="no turbine"):
        follow(system("msre"), time=time, load=np.full(3, 1e6), ramp=1e-3)


def test_separative_work_of_the_textbook() -> None:
    # Benedict, Pigford, Levi: 1 kg of 3 % with tails of 0.2 % takes 4.306 kg of work and 5.479 kg of uranium
    work, feed = separative_work(product=0.03, tails=0.002, feed=0.00711)
    assert work == pytest.approx(4.306, abs=0.005)
    assert feed == pytest.approx(5.479, abs=0.003)
    assert separative_work(product=0.00711, tails=0.002, feed=0.00711) == pytest.approx((0.0, 1.0), abs=1e-12)
    with pytest.raises(InputError, match="enrichments out of order"):
        separative_work(product=0.03, tails=0.01, feed=0.00711)


def test_fuel_falls_with_burnup_and_efficiency() -> None:
    usual = {
        "burnup": 2.5e12, "efficiency": 0.44, "product": 0.0495, "tails": 0.0025, "feed": 0.00711,
        "uranium_price": 200.0, "conversion_price": 45.0, "separation_price": 170.0, "salt_price": 300.0,
    }  # fmt: skip
    base = fuel_use(**usual)
    assert base.uranium == pytest.approx(1.0 / (2.5e12 * 0.44))
    assert fuel_use(**usual | {"burnup": 5e12}).cost == pytest.approx(base.cost / 2.0)
    assert fuel_use(**usual | {"efficiency": 0.5}).cost < base.cost
    assert fuel_use(**usual | {"tails": 0.0015}).natural < base.natural
    with pytest.raises(InputError, match="all of the uranium would fission"):
        fuel_use(**usual | {"burnup": 1e14})


def test_learning_may_be_negative() -> None:
    first = unit_cost(estimate=5.0, overrun=1.3, units=1.0, learning_rate=-0.2)
    assert first == pytest.approx(11.5)
    assert unit_cost(estimate=5.0, overrun=1.3, units=2.0, learning_rate=-0.2) == pytest.approx(1.2 * first)
    assert unit_cost(estimate=5.0, overrun=1.3, units=4.0, learning_rate=0.1) == pytest.approx(0.81 * first)
    with pytest.raises(InputError, match="learning out of range"):
        unit_cost(estimate=5.0, overrun=0.0, units=2.0, learning_rate=1.0)
    with pytest.raises(InputError, match="no unit before the first"):
        unit_cost(estimate=5.0, overrun=0.0, units=0.0, learning_rate=0.1)


def test_availability_is_what_outages_leave() -> None:
    assert availability(forced=0.0, outage=0.0, interval=1.0) == 1.0
    assert availability(forced=0.1, outage=10.0, interval=100.0) == pytest.approx(0.81)
    with pytest.raises(InputError, match="outages out of range"):
        availability(forced=0.1, outage=2.0, interval=1.0)


def test_the_row_of_the_plan_is_what_the_physics_gives() -> None:
    row = entity("plants", "fission-molten-salt")
    for year in (2035, 2040, 2050):
        made = sheet(year=year)
        value, low, high = row.at("capital_cost", year)
        assert made.quantities["capital_cost"] == pytest.approx(value, rel=1e-3)
        assert made.quantities["capital_cost_low"] == pytest.approx(low, rel=1e-3)
        assert made.quantities["capital_cost_high"] == pytest.approx(high, rel=1e-3)
    ours = sheet().quantities
    for name in ("ramp", "minimum_load", "availability", "fuel_cost", "heat_rate", "unit_size"):
        assert ours[name] == pytest.approx(row.value(name), rel=0.01), name
    for name in ("fixed_cost", "variable_cost", "lead_time", "life", "water", "construction_carbon"):
        assert ours[name] == row.value(name), name
    built = build_plant("msr", year=2040, capital_recovery=lambda life: 0.08)
    assert built.ramp == pytest.approx(ours["ramp"] * HOUR, rel=0.01)


def test_the_sheet_tells_and_is_plain() -> None:
    made = sheet({"temperature_rate": 0.03, "learning_rate": -0.2, "units_built": 4.0})
    text = json.loads(json.dumps(made.to_json()))
    assert text["design"] == "imsr"
    assert {line["section"] for line in text["lines"]} == {"reactor", "operation", "fuel", "money"}
    assert made.quantities["ramp"] > sheet().quantities["ramp"]
    assert made.quantities["capital_cost"] == pytest.approx(1.44 * sheet().quantities["capital_cost"])
    assert "molten_salt.learning_rate" not in {one.key for one in made.assumptions}
    for key, (value, unit, meaning, low, high) in made.settings.items():
        assert meaning
        if key != "fuel":
            assert low <= float(value) <= high, key
            assert isinstance(unit, str)
    low = min(sheet({"fuel": fuel}).quantities["ramp"] for fuel in ("u235", "u233"))
    assert low > 0.0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"burnupp": 1.0}, "did you mean 'burnup'?"),
        ({"burnup": 1.0}, "burnup: outside the physical range of heat from a kg of uranium"),
        ({"fuel": "u238"}, "no such fuel"),
        ({"tails": "few"}, "not a quantity"),
        ({"fuel_coefficient": 1e-5}, "fuel_coefficient"),
        ({"enrichment": 0.9}, "outside the physical range"),
    ],
)
def test_settings_are_refused_in_a_line(given: dict[str, float | str], words: str) -> None:
    with pytest.raises(InputError) as caught:
        sheet(given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_design_without_turbine_or_a_year_out_of_range_has_no_sheet() -> None:
    with pytest.raises(InputError, match="no turbine"):
        sheet(design="msre")
    with pytest.raises(InputError, match="year out of range"):
        sheet(year=1950)


def test_curves_of_the_figures() -> None:
    found = curves({"turbine_minimum": 0.3})
    assert set(found) == {"startup", "coastdown", "step", "day"}
    for curve in found.values():
        length = len(curve["time"])
        for name, values in curve.items():
            assert np.all(np.isfinite(values))
            assert name.startswith("measured") or len(values) == length
    assert len(found["startup"]["measured_time"]) > 30
    day = found["day"]
    assert np.ptp(day["load"]) > 0.3 * day["load"].max()
