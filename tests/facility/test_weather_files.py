"""Weather files of a user: three formats, written here in the right form, and what is said of bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.facility import load_weather

HOUR = np.arange(8760)
TEMPERATURE = np.round(
    15.0 + 10.0 * np.sin(2 * np.pi * (HOUR / 8760 - 0.3)) + 5.0 * np.sin(2 * np.pi * HOUR / 24), 1
)
GHI = np.maximum(0, np.round(900 * np.sin(np.pi * (HOUR % 24 - 6) / 12))).astype(int)
DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
DATES = [(m + 1, d + 1, h) for m, days in enumerate(DAYS) for d in range(days) for h in range(24)]


def write_epw(path: Path) -> Path:
    head = ["LOCATION,Nowhere,TX,USA,TMY3,722660,32.41,-99.68,-6.0,546.0"]
    head += ["DESIGN CONDITIONS,0", "TYPICAL/EXTREME PERIODS,0", "GROUND TEMPERATURES,0"]
    head += [
        "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
        "COMMENTS 1,",
        "COMMENTS 2,",
        "DATA PERIODS,1,1,Data,Sunday,1/1,12/31",
    ]
    rows = [
        f"2009,{m},{d},{h + 1},60,?9,{t},{t - 4:.1f},70,95000,0,0,300,{g},{g},{g // 5},0,0,0,0,180,3.5"
        ",0,0,10,1000,9,9,0,0,0,0,0,0,0"
        for (m, d, h), t, g in zip(DATES, TEMPERATURE, GHI, strict=True)
    ]
    path.write_text("\n".join(head + rows) + "\n", encoding="utf-8")
    return path


def write_tmy3(path: Path) -> Path:
    header = "Date (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),DNI (W/m^2),DHI (W/m^2)"
    header += ",Dry-bulb (C),Dew-point (C),Wspd (m/s)"
    rows = [
        f"{m:02d}/{d:02d}/1999,{h + 1:02d}:00,{g},{g},{g // 5},{t},{t - 4:.1f},3.5"
        for (m, d, h), t, g in zip(DATES, TEMPERATURE, GHI, strict=True)
    ]
    path.write_text(
        "\n".join(['722660,"NOWHERE",TX,-6.0,32.410,-99.680,546', header, *rows]) + "\n", encoding="utf-8"
    )
    return path


def write_csv(
    path: Path, rows: int = 8760, header: str = "ghi [W/m^2],temperature [degC],humidity []"
) -> Path:
    head = ["# latitude: 32.41", "# longitude: -99.68", "# time_zone: -6", "# elevation: 546", header]
    hours = HOUR if rows == 8760 else np.arange(rows) % 8760
    body = [f"{GHI[i]},{TEMPERATURE[i]},0.75" for i in hours]
    path.write_text("\n".join(head + body) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["epw", "tmy3", "csv"])
def test_three_formats_give_the_same_year(tmp_path: Path, kind: str) -> None:
    write = {"epw": write_epw, "tmy3": write_tmy3, "csv": write_csv}[kind]
    weather = load_weather(write(tmp_path / f"year.{kind}"))
    assert weather.latitude == pytest.approx(32.41)
    assert weather.longitude == pytest.approx(-99.68)
    assert weather.time_zone == -6.0
    assert weather.elevation == 546.0
    assert weather.sun_time == 0.5
    np.testing.assert_allclose(weather.temperature, TEMPERATURE + 273.15)
    np.testing.assert_allclose(weather.ghi, GHI)
    assert weather.dew_point is not None
    if kind != "csv":
        np.testing.assert_allclose(weather.dew_point, TEMPERATURE - 4.0 + 273.15)
        np.testing.assert_allclose(weather.wind_10m, 3.5)


def test_humidity_becomes_the_dew_point(tmp_path: Path) -> None:
    """20 °C at 50 % has its dew point at 9.26 °C (Lawrence 2005, BAMS 86, table of the Magnus form)."""
    header = "temperature [degC],humidity [%]"
    head = ["# latitude: 1", "# longitude: 1", "# time_zone: 0", header]
    (tmp_path / "h.csv").write_text("\n".join(head + ["20,50"] * 8760), encoding="utf-8")
    weather = load_weather(tmp_path / "h.csv")
    assert weather.dew_point is not None
    assert weather.dew_point[0] - 273.15 == pytest.approx(9.26, abs=0.03)


def test_leap_year_drops_29_february(tmp_path: Path) -> None:
    head = ["# latitude: 1", "# longitude: 1", "# time_zone: 0", "temperature [degC]"]
    days = np.repeat(np.arange(366) % 30, 24)
    (tmp_path / "leap.csv").write_text("\n".join(head + [str(d) for d in days]), encoding="utf-8")
    weather = load_weather(tmp_path / "leap.csv")
    assert weather.temperature is not None
    assert weather.temperature.shape == (8760,)
    assert weather.temperature[59 * 24] - 273.15 == pytest.approx(60 % 30)
    assert weather.temperature[58 * 24] - 273.15 == pytest.approx(58 % 30)


def expect(path: Path, *words: str) -> None:
    with pytest.raises(GigawattError) as caught:
        load_weather(path)
    text = str(caught.value)
    assert "\n" not in text
    for word in (path.name, *words):
        assert word in text, text


def test_bad_files_are_one_line_with_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    with pytest.raises(InputError, match="no such weather file"):
        load_weather(path)
    expect(write_csv(path, rows=8000), "not a year of hours", "8000", "8760")
    expect(write_csv(path, header="ghi [W/m^2],temprature [degC],humidity []"), ":5", "temperature")
    expect(write_csv(path, header="ghi,temperature [degC],humidity []"), ":5", "needs a unit", "ghi [W/m^2]")
    expect(write_csv(path, header="ghi [m/s],temperature [degC],humidity []"), "needs a unit")
    lines = write_csv(path).read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:104], "0,hot,0.5", *lines[105:]]), encoding="utf-8")
    expect(path, ":105", "temperature", "not a number", "hot")
    path.write_text("\n".join([*lines[:104], "0,99,0.5", *lines[105:]]), encoding="utf-8")
    expect(path, ":105", "temperature", "impossible", "99")
    path.write_text("\n".join([*lines[:104], "0", *lines[105:]]), encoding="utf-8")
    expect(path, ":105", "too short")
    path.write_text("\n".join(lines[1:]), encoding="utf-8")
    expect(path, "latitude", "# latitude: 32.3")
    path.write_bytes(b"\xff\xfe\x00\x01" * 10)
    expect(path, "not a text file")


def test_bad_epw_and_tmy3(tmp_path: Path) -> None:
    epw = write_epw(tmp_path / "a.epw")
    text = epw.read_text(encoding="utf-8").splitlines()
    epw.write_text("\n".join(text[1:]), encoding="utf-8")
    expect(epw, ":1", "not an EPW file")
    broken = text[20].split(",")
    broken[6] = "99.9"
    epw.write_text("\n".join([*text[:20], ",".join(broken), *text[21:]]), encoding="utf-8")
    expect(epw, ":21", "temperature", "1 of 8760 hours are missing", "fill=1")
    tmy3 = write_tmy3(tmp_path / "a.tmy3")
    tmy3.write_text(tmy3.read_text(encoding="utf-8").replace("Dry-bulb (C)", "Drybulb (C)"), encoding="utf-8")
    expect(tmy3, ":2", "Dry-bulb (C)", "Drybulb (C)")


def test_pvlib_reads_the_same_tmy3() -> None:
    """The Greensboro file that pvlib carries, read by pvlib and by us."""
    pvlib = pytest.importorskip("pvlib")
    path = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
    theirs, place = pvlib.iotools.read_tmy3(path, map_variables=True)
    ours = load_weather(path)
    assert ours.latitude == pytest.approx(place["latitude"])
    np.testing.assert_allclose(ours.ghi, theirs["ghi"].to_numpy())
    np.testing.assert_allclose(ours.temperature, theirs["temp_air"].to_numpy() + 273.15)
