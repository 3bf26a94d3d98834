"""Bad weather files: gaps filled by choice or refused, leap years, another time zone, missing rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt.core.errors import GigawattError, InputError, MissingDataError
from gigawatt.facility import Weather, load_weather
from gigawatt.facility.mend import fill_gaps, gaps, night_share
from gigawatt.power.resource.solar import solar_capacity_factor

SITE = load_weather("abilene-texas")


def write(
    path: Path, *, holes: dict[int, str] | None = None, zone: float = -6.0, roll: int = 0, rows: int = 8760
) -> Path:
    """Abilene's radiation and temperature as a CSV, with holes in the temperature."""
    assert SITE.ghi is not None
    assert SITE.temperature is not None
    light, warm = np.roll(SITE.ghi, roll), SITE.temperature - 273.15
    head = ["# latitude: 32.33", "# longitude: -100.18", f"# time_zone: {zone}", "# year: 2013"]
    head += ["ghi [W/m^2],temperature [degC]"]
    body = [f"{light[i % 8760]:.0f},{(holes or {}).get(i, f'{warm[i % 8760]:.1f}')}" for i in range(rows)]
    path.write_text("\n".join(head + body) + "\n", encoding="utf-8")
    return path


def said(path: Path, **options: int) -> str:
    with pytest.raises(GigawattError) as caught:
        load_weather(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("nothing", ["", "NaN", "nan", "NA", "-"])
def test_gaps_are_counted_and_filled_by_choice(tmp_path: Path, nothing: str) -> None:
    path = write(tmp_path / "gap.csv", holes={100: nothing, 101: nothing, 500: nothing})
    text = said(path)
    for word in (
        ":106",
        "temperature",
        "3 of 8760 hours",
        "longest gap 2 h",
        "100 to 101, 500 to 500",
        "fill=2",
    ):
        assert word in text, text
    assert "fill=2" in said(path, fill=1)
    weather = load_weather(path, fill=2)
    assert weather.temperature is not None
    assert SITE.temperature is not None
    line = np.interp([100, 101], [99, 102], SITE.temperature[[99, 102]])
    np.testing.assert_allclose(weather.temperature[[100, 101]], line, atol=0.06)
    assert next((a.key, a.value) for a in weather.assumptions) == (
        "site.weather.temperature",
        "3 hours filled",
    )


def test_long_gaps_take_the_days_beside() -> None:
    day = np.tile(np.maximum(np.sin(np.pi * (np.arange(24) - 6) / 12), 0.0), 365)
    holed = day.copy()
    holed[1000:1030] = np.nan
    filled, counts = fill_gaps({"ghi": holed}, fill=30, file="x.csv", first_line=1)
    np.testing.assert_allclose(filled["ghi"], day, atol=1e-12)  # a line would have lost the noon
    assert counts == {"ghi": 30}
    assert gaps(holed) == [(1000, 30)]
    with pytest.raises(InputError, match="fill=30"):
        fill_gaps({"ghi": holed}, fill=29, file="x.csv", first_line=1)
    with pytest.raises(InputError, match="without the column"):
        fill_gaps({"ghi": np.full(8760, np.nan)}, fill=10, file="x.csv", first_line=1)


def test_a_gap_at_either_end(tmp_path: Path) -> None:
    weather = load_weather(write(tmp_path / "ends.csv", holes={0: "", 8759: ""}), fill=3)
    assert weather.temperature is not None
    assert np.isfinite(weather.temperature).all()


@pytest.mark.parametrize("off", [-8, -3, 2, 6, 11])
def test_a_wrong_time_zone_names_the_right_one(tmp_path: Path, off: int) -> None:
    text = said(write(tmp_path / "zone.csv", zone=-6.0 + off))
    for word in ("sun at night", f"given '{-6 + off}'", "time_zone -6,", f"moved by {off:+d} h"):
        assert word in text, text


def test_hours_in_universal_time(tmp_path: Path) -> None:
    """Rows in UTC said to be local: six hours late."""
    text = said(write(tmp_path / "utc.csv", roll=6))
    assert "6 h late" in text
    assert "time_zone 0," in text


def test_every_shipped_site_keeps_its_clock() -> None:
    for name in ("abilene-texas", "rome", "brisbane", "kuala-lumpur", "kiruna", "gujarat"):
        weather = load_weather(name)
        assert weather.ghi is not None
        assert night(weather) < 0.002


def night(weather: Weather) -> float:
    assert weather.ghi is not None
    return night_share(
        radiation=weather.ghi,
        latitude=weather.latitude,
        longitude=weather.longitude,
        time_zone=weather.time_zone,
        year=weather.year,
        sun_time=weather.sun_time,
    )


def test_rows_too_few_or_too_many(tmp_path: Path) -> None:
    assert "1 too few" in said(write(tmp_path / "a.csv", rows=8759))
    assert "2 too many" in said(write(tmp_path / "b.csv", rows=8762))
    assert "2 rows an hour" in said(write(tmp_path / "c.csv", rows=17520))


def test_a_leap_year_without_31_december(tmp_path: Path) -> None:
    """8,760 rows that hold 29 February lack another day."""
    days = [
        (m, d)
        for m, n in enumerate([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 30], 1)
        for d in range(1, n + 1)
    ]
    head = ["LOCATION,Nowhere,TX,USA,TMY3,722660,32.41,-99.68,-6.0,546.0", *["X,"] * 7]
    rows = [
        f"2012,{m},{d},{h + 1},60,?9,15,9,70,95000,0,0,300,0,0,0,0,0,0,0,180,3.5"
        for m, d in days
        for h in range(24)
    ]
    path = tmp_path / "leap.epw"
    path.write_text("\n".join(head + rows), encoding="utf-8")
    text = said(path)
    assert "29 February is there" in text
    assert f":{9 + 59 * 24}" in text


def test_missing_radiation_says_which() -> None:
    with pytest.raises(MissingDataError, match="it lacks dni, dhi"):
        solar_capacity_factor(replace(SITE, dni=None, dhi=None))
