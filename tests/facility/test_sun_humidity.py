"""Formulas of sun and moist air against pvlib and published values."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.facility.humidity import (
    air_density,
    air_pressure,
    dew_point,
    dew_point_from_daily_minimum,
    relative_humidity,
    saturation_pressure,
    wet_bulb,
)
from gigawatt.facility.load import latent_heat
from gigawatt.facility.sun import extraterrestrial_normal, hours_to_days_since_2000, sun_position


@pytest.mark.parametrize(
    ("year", "zone", "latitude", "longitude"),
    [(2013, -6, 32.33, -100.18), (2024, 8, -28.4, 114.5), (2012, 1, 67.86, 20.25), (2020, 8, 3.26, 101.65)],
)
def test_sun_position_is_pvlibs(year: int, zone: int, latitude: float, longitude: float) -> None:
    """pvlib's NREL solar position algorithm, an hour of each day of a year, leap years included."""
    pvlib, pd = pytest.importorskip("pvlib"), pytest.importorskip("pandas")
    times = pd.date_range(f"{year}-01-01", f"{year}-12-31 23:00", freq="h") + pd.Timedelta(minutes=30)
    times = times[~((times.month == 2) & (times.day == 29))]
    hour = np.arange(8760)[::7]
    theirs = pvlib.solarposition.get_solarposition(
        times[::7].tz_localize("UTC") - pd.Timedelta(hours=zone), latitude, longitude
    )
    days = hours_to_days_since_2000(hour_of_year=hour + 0.5, year=year, time_zone=zone)
    elevation, azimuth = sun_position(days_since_2000=days, latitude=latitude, longitude=longitude)
    assert np.max(np.abs(elevation - theirs["elevation"].to_numpy())) < 0.02
    turn = (azimuth - theirs["azimuth"].to_numpy() + 180.0) % 360.0 - 180.0
    assert np.max(np.abs(turn) * np.cos(np.radians(elevation))) < 0.02


def test_extraterrestrial_radiation_is_pvlibs() -> None:
    pvlib = pytest.importorskip("pvlib")
    day = np.arange(1, 366)
    theirs = pvlib.irradiance.get_extra_radiation(day, solar_constant=1366.1, method="spencer")
    np.testing.assert_allclose(
        extraterrestrial_normal(day_of_year=day, solar_constant=1366.1), theirs, rtol=1e-6
    )


def test_wet_bulb_worked_example() -> None:
    """Stull (2011), section 2: 20 °C and 50 % give 13.7 °C."""
    assert wet_bulb(temperature=293.15, humidity=0.5) - 273.15 == pytest.approx(13.7, abs=0.05)


def test_wet_bulb_within_the_published_error_of_the_psychrometer() -> None:
    """The psychrometric equation, solved by bisection; Stull names -1 to +0.65 K.

    The equation's own constant (6.6e-4 /K) is worth about 0.2 K in hot air.
    """
    temperature, humidity = np.meshgrid(np.arange(5.0, 46.0, 5.0) + 273.15, np.arange(0.2, 1.0, 0.1))
    vapour = humidity * saturation_pressure(temperature=temperature)
    low, high = temperature - 40.0, temperature.copy()
    for _ in range(60):
        middle = (low + high) / 2.0
        wet = saturation_pressure(temperature=middle) - 6.6e-4 * 101325.0 * (temperature - middle)
        low, high = np.where(wet < vapour, middle, low), np.where(wet < vapour, high, middle)
    error = wet_bulb(temperature=temperature, humidity=humidity) - low
    assert error.min() > -1.0
    assert error.max() < 0.9


def test_wet_bulb_rises_with_humidity_and_stays_below_air() -> None:
    humidity = np.linspace(0.0, 1.0, 101)
    for celsius in (-10.0, 10.0, 30.0, 45.0):
        wet = wet_bulb(temperature=celsius + 273.15, humidity=humidity)
        assert np.all(wet <= celsius + 273.15)
        if celsius >= 10.0:
            assert np.all(np.diff(wet) >= -1e-9)


def test_steam_table_values() -> None:
    """IAPWS: saturation 2,339 Pa at 20 °C, 7,384 Pa at 40 °C; latent heat 2,453.5 and 2,406.0 kJ/kg."""
    assert saturation_pressure(temperature=293.15) == pytest.approx(2339.0, rel=4e-3)
    assert saturation_pressure(temperature=313.15) == pytest.approx(7384.0, rel=4e-3)
    assert latent_heat(temperature=293.15) == pytest.approx(2453.5e3, rel=2e-3)
    assert latent_heat(temperature=313.15) == pytest.approx(2406.0e3, rel=2e-3)


def test_standard_atmosphere() -> None:
    """ISO 2533: 89,874.6 Pa at 1,000 m; 1.225 kg/m³ at sea level and 15 °C."""
    assert air_pressure(elevation=1000.0) == pytest.approx(89874.6, rel=1e-4)
    assert air_density(temperature=288.15, pressure=101325.0) == pytest.approx(1.225, rel=1e-3)


def test_dew_point_guess_is_the_minimum_of_the_day() -> None:
    temperature = 290.0 + np.sin(np.arange(48) / 24 * 2 * np.pi) + np.repeat([0.0, 5.0], 24)
    dew = dew_point_from_daily_minimum(temperature=temperature)
    assert dew[:24] == pytest.approx(289.0, abs=0.01)
    assert dew[24:] == pytest.approx(294.0, abs=0.01)
    assert np.all(relative_humidity(temperature=temperature, dew_point=dew) <= 1.0)


def test_dew_point_turns_the_saturation_pressure_round():
    temperature = np.array([250.0, 283.0, 310.0])
    dew = dew_point(temperature=temperature, humidity=np.array([0.3, 0.6, 1.0]))
    back = relative_humidity(temperature=temperature, dew_point=dew)
    np.testing.assert_allclose(back, [0.3, 0.6, 1.0], rtol=1e-12)
