"""When panels give power: hours of a site beside the sun, and beside long series of a reanalysis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.catalog import loader
from gigawatt.facility import Weather, load_site, load_weather
from gigawatt.facility.sun import hours_to_days_since_2000, sun_position
from gigawatt.facility.years import load_years
from gigawatt.power.resource.solar import solar_capacity_factor

EUROPE = sorted(
    name
    for name in loader.table("sites")
    if -12.0 < load_site(name).longitude < 32.0 and load_site(name).latitude > 36.0
)
NEAR = {
    "karlsruhe": "swiss-jura", "nuremberg": "germany", "jutland": "jutland", "horns-rev": "jutland",
    "brighton": "dover-strait", "bruges": "dover-strait", "linkoping": "sweden", "lublin": "poland",
    "berry-france": "france", "madrid": "spain",
}  # fmt: skip
"""Site → the series of 7 to 11 years of ERA5 that is nearest, at most 235 km away."""
PLACES = {
    "swiss-jura": (47.1, 7.0), "germany": (51.0, 10.0), "jutland": (56.5, 8.2), "dover-strait": (50.95, 1.45),
    "sweden": (59.0, 15.0), "poland": (52.2, 21.0), "france": (47.0, 2.5), "spain": (40.0, -3.7),
}  # fmt: skip
ZONES = {"dover-strait": 0.0}


def middle(hours: np.ndarray, width: float = 1.0) -> float:
    """The hour of local time about which a year's days lie."""
    days = hours.reshape(365, -1)
    clock = (np.arange(days.shape[1]) + 0.5) * width
    turn = np.angle(np.sum(days.sum(axis=0) * np.exp(2j * np.pi * clock / 24.0)))
    return float(turn / (2.0 * np.pi) * 24.0) % 24.0


def late(hours: np.ndarray, latitude: float, longitude: float, time_zone: float) -> float:
    """How many hours after the sun the panels have their middle, each day weighted by what it gives."""
    quarters = np.arange(4 * 8760) / 4.0 + 0.125
    moments = hours_to_days_since_2000(hour_of_year=quarters, year=2015, time_zone=time_zone)
    height, _ = sun_position(days_since_2000=moments, latitude=latitude, longitude=longitude)
    light = np.clip(np.sin(np.radians(height)), 0.0, None).reshape(365, -1)
    light = light * (hours.reshape(365, 24).sum(axis=1) / np.maximum(light.sum(axis=1), 1e-9))[:, None]
    return middle(hours) - middle(light, 0.25)


def of_site(weather: Weather) -> float:
    hours = solar_capacity_factor(weather)
    return late(hours, weather.latitude, weather.longitude, weather.time_zone)


def test_panels_of_european_sites_have_their_middle_at_noon() -> None:
    """Instants of the radiation were taken for means of the hour: 0.3 to 0.6 h late at 20 sites."""
    found = {name: of_site(load_weather(name)) for name in EUROPE}
    assert max(map(abs, found.values())) < 0.21, (
        found
    )  # clouds of the afternoon: 0.10 in eleven years of Poland
    assert abs(np.mean(list(found.values()))) < 0.07
    assert np.median(np.abs(list(found.values()))) < 0.1


@pytest.mark.parametrize("site", NEAR)
def test_panels_are_on_time_beside_a_reanalysis(site: str) -> None:
    series = NEAR[site]
    years = load_years(series)
    hours = np.mean([one.solar for one in years], axis=0)
    there = late(hours, *PLACES[series], ZONES.get(series, 1.0))
    assert of_site(load_weather(site)) == pytest.approx(there, abs=0.1)


@pytest.mark.parametrize("moment", [0.0, 1.0])
def test_a_clear_day_is_the_same_from_instants_as_from_means(moment: float) -> None:
    base = load_weather("rome")

    def clear(at: float) -> np.ndarray:
        moments = hours_to_days_since_2000(hour_of_year=np.arange(8760) + at, year=2013, time_zone=1.0)
        height, _ = sun_position(days_since_2000=moments, latitude=base.latitude, longitude=base.longitude)
        up = np.clip(np.sin(np.radians(height)), 0.0, None)
        dni, dhi = 800.0 * np.sqrt(up), 90.0 * up
        weather = replace(base, year=2013, sun_time=at, dni=dni, dhi=dhi, ghi=dhi + dni * up)
        return solar_capacity_factor(weather)

    assert np.mean(np.abs(clear(moment) - clear(0.5))) < 0.008  # 0.06 where the hour is the instant
    assert clear(moment).mean() == pytest.approx(clear(0.5).mean(), rel=0.01)
