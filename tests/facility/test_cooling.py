"""Cooling parts: exchangers, towers, chillers, fans: limits, conservation, other people's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import loader
from gigawatt.core.errors import InputError
from gigawatt.facility import facility_load, load_weather
from gigawatt.facility.cooling import (
    approach_ratio,
    chiller_power,
    cooling_demand,
    cube_law,
    exchange_size,
    fan_speed,
    latent_heat,
    saturated_enthalpy,
    tower_evaporation,
)

KINDS = sorted(loader.table("cooling"))


@given(
    approach=st.floats(2.0, 15.0), rise=st.floats(3.0, 15.0), air=st.floats(0.4, 2.5), low=st.floats(0.2, 0.9)
)
@settings(deadline=None, max_examples=60)
def test_exchanger_at_its_rating_and_at_the_speed_found(
    approach: float, rise: float, air: float, low: float
) -> None:
    if rise / (approach + rise) / min(air, 1.0) > 0.98:
        return
    size = exchange_size(approach=approach, loop_rise=rise, air_ratio=air)
    at = {"size": size, "air_ratio": air, "heaviness": 1.0, "exponent": 0.6}
    assert approach_ratio(speed=1.0, **at) * rise == pytest.approx(approach, rel=1e-3)
    wanted = approach_ratio(speed=low, **at)
    found = fan_speed(wanted=wanted, floor=0.1, **at)
    assert found == pytest.approx(low, abs=1e-4)
    assert fan_speed(wanted=0.5 * approach / rise, floor=0.1, **at) == pytest.approx(1.0, abs=1e-5)
    assert fan_speed(wanted=1e9, floor=0.1, **at) == 0.1


def test_exchanger_against_the_logarithmic_mean() -> None:
    """Rating 8 K approach, 8 K range, 12 K air: ends of 4 and 8 K, so UA = Q ln(2)/4; NTU = UA·12/Q."""
    assert exchange_size(approach=8.0, loop_rise=8.0, air_ratio=8.0 / 12.0) == pytest.approx(
        12.0 * np.log(2.0) / 4.0
    )
    with pytest.raises(InputError, match="no exchanger reaches this approach"):
        exchange_size(approach=1.0, loop_rise=8.0, air_ratio=8.0 / 12.0)


def test_saturated_air_against_tables() -> None:
    """ASHRAE Handbook Fundamentals, moist air at 101.325 kPa: 9.47 to 100.0 kJ/kg at 0 to 30 °C."""
    kelvin = np.array([0.0, 10.0, 20.0, 30.0]) + 273.15
    theirs = np.array([9.473, 29.352, 57.555, 100.006]) * 1e3
    np.testing.assert_allclose(saturated_enthalpy(temperature=kelvin), theirs, rtol=6e-3)


def test_tower_water_in_cold_mild_and_desert_air() -> None:
    """Latent share of the heat: below two thirds at 0 °C, about 0.8 at 20 °C, above one in hot dry air."""
    heat = np.full(3, 1e6)
    dry = np.array([273.15, 295.15, 313.15])
    wet = np.array([272.15, 291.15, 291.15])
    kilograms = tower_evaporation(
        rejected=heat, air_flow=np.full(3, 30.0), dry_bulb=dry, wet_bulb=wet, pressure=101325.0
    )
    share = kilograms * latent_heat(temperature=dry) / heat
    assert 0.4 < share[0] < 0.66
    assert 0.75 < share[1] < 1.0
    assert share[2] > 1.0
    # the air's own energy balance: water carries what enthalpy and sensible heat leave over
    nothing = tower_evaporation(
        rejected=0.0, air_flow=30.0, dry_bulb=293.15, wet_bulb=293.15, pressure=101325.0
    )
    assert nothing == pytest.approx(0.0, abs=1e-3)


def test_cube_law() -> None:
    assert cube_law(share=0.5, floor=0.2) == pytest.approx(0.125)
    assert cube_law(share=0.1, floor=0.5, static=0.2) == pytest.approx(0.2 * 0.5 + 0.8 * 0.125)
    assert cube_law(share=0.3, floor=1.0) == 1.0


def test_chiller_plant_never_beats_its_best_unit_and_needs_all_at_full_load() -> None:
    load = np.linspace(0.001, 1.0, 500)
    power = chiller_power(load=load, units=5.0, constant=0.222903, linear=0.313387)
    assert chiller_power(load=1.0, units=5.0, constant=0.222903, linear=0.313387) == pytest.approx(1.0)
    assert chiller_power(load=0.0, units=5.0, constant=0.222903, linear=0.313387) == 0.0
    assert np.all(np.diff(power) > 0.0)
    assert np.max(np.abs(np.diff(power))) < 0.01  # no jumps where a chiller is switched
    best = 0.313387 + 2.0 * np.sqrt(0.222903 * 0.463710)  # least of a/x + b + c x
    assert (power / load).min() == pytest.approx(best, rel=1e-4)
    one = chiller_power(load=load, units=1.0, constant=0.222903, linear=0.313387)
    np.testing.assert_allclose(one, 0.222903 + 0.313387 * load + 0.463710 * load**2, atol=0.03)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("load", [1.0, 0.5, 0.1])
def test_every_kind_at_part_load(kind: str, load: float) -> None:
    """Half the heat in the same plant never needs more power; evaporated and drained water add up."""
    row = loader.entity("cooling", kind)
    dry = np.linspace(-25.0, 48.0, 74) + 273.15
    wet = dry - np.maximum(0.3 * (dry - 268.15), 0.0)
    found, full = (
        cooling_demand(
            heat=np.full(74, heat), supply=295.15, dry_bulb=dry, wet_bulb=wet, cooling=row, rated=1e6
        )
        for heat in (load * 1e6, 1e6)
    )
    for name in ("compressor", "rejector_fan", "pump", "rejected"):
        assert np.all(found[name] <= full[name] * (1.0 + 1e-9) + 1e-6), name
        assert np.all(found[name] >= 0.0)
    np.testing.assert_allclose(found["rejected"], load * 1e6 + found["compressor"])
    drained = row.value("cycles_of_concentration") - 1.0
    np.testing.assert_allclose(found["evaporated"], found["blowdown"] * drained)
    assert np.all(found["withdrawn"] >= found["evaporated"] + found["blowdown"] - 1e-12)
    np.testing.assert_allclose(found["supply"], 295.15)  # compressors hold it


def test_without_compressors_the_supply_follows_the_weather() -> None:
    """A dry cooler alone supplies air temperature plus its approach, and what is beyond the limit is told."""
    row = loader.entity("cooling", "warm-water-dry-cooler")
    dry = np.array([283.15, 305.15, 313.15])
    found = cooling_demand(
        heat=np.full(3, 1e6), supply=313.15, dry_bulb=dry, wet_bulb=dry - 10.0, cooling=row, trim=0.0
    )
    np.testing.assert_allclose(found["supply"], [313.15, 313.15, 321.15], atol=1e-6)
    np.testing.assert_allclose(found["compressor"], 0.0)
    half = cooling_demand(
        heat=np.full(3, 0.5e6), supply=313.15, dry_bulb=dry, wet_bulb=dry, cooling=row, trim=0.0, rated=1e6
    )
    assert half["supply"][2] == pytest.approx(317.15)  # half the load, half the approach
    year = facility_load(it_power=1e8, weather=load_weather("abilene-texas"), cooling=row)
    hot = np.count_nonzero(load_weather("abilene-texas").air_temperature() > 273.15 + 37.0 + 1e-6)
    assert year.failing_hours == hot > 0
    (notice,) = year.notices
    assert "the liquid loop of 'warm-water-dry-cooler' is supplied above 45 °C" in notice
    assert f"in {hot} hours" in notice
    cool = facility_load(it_power=1e8, weather=load_weather("turku"), cooling=row)
    assert cool.failing_hours == 0
    assert cool.notices == ()


def test_part_of_the_compressors_lifts_part_of_the_heat() -> None:
    row = loader.entity("cooling", "air-cooled-chiller-economiser")
    hot = {"dry_bulb": np.array([318.15]), "wet_bulb": np.array([298.15]), "supply": 293.15, "cooling": row}
    whole, some = (cooling_demand(heat=np.array([1e6]), trim=trim, **hot) for trim in (1.0, 0.4))
    assert some["mechanical"][0] == pytest.approx(0.4)
    assert some["compressor"][0] == pytest.approx(0.4 * whole["compressor"][0])
    assert some["supply"][0] > whole["supply"][0] == 293.15


def test_spare_units_share_the_load_and_save_fans() -> None:
    row = loader.entity("cooling", "tower")
    cold = {
        "heat": np.array([1e6]),
        "dry_bulb": np.array([278.15]),
        "wet_bulb": np.array([276.15]),
        "supply": 293.15,
        "cooling": row,
    }
    alone, spared = (cooling_demand(spare=spare, **cold) for spare in (1.0, 1.25))
    assert spared["rejector_fan"][0] < alone["rejector_fan"][0]
    assert spared["pump"][0] < alone["pump"][0]
    assert spared["rejected"][0] == pytest.approx(alone["rejected"][0], rel=0.02)
