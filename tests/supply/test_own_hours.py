"""Own hours of a grid: what may stand in the file, what it does to a plan, what is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.facility import load_site, load_weather
from gigawatt.facility.weather import load_place_years
from gigawatt.power import load_grid
from gigawatt.power.market.own_hours import read_own_hours
from gigawatt.studies.supply.door import plan_supply

PER_MWH = 3.6e9
PRICES = (
    40.0 + 60.0 * np.cos(np.arange(8760) / 8760 * 2.0 * np.pi) + np.arange(8760) % 24
)  # below 0 in summer


def write(file: Path, lines: list[str]) -> Path:
    file.write_text("\n".join(lines) + "\n")
    return file


def dated(file: Path, values: np.ndarray, first: str = "2023-01-01T00:00", *before: str) -> Path:
    begin = datetime.fromisoformat(first)
    rows = [f"{(begin + timedelta(hours=i)).isoformat()},{v:.4f}" for i, v in enumerate(values)]
    return write(file, [*before, "time,price [$/MWh]", *rows])


def test_hours_without_times_stay_in_their_order(tmp_path: Path) -> None:
    file = write(tmp_path / "h.csv", ["price [$/MWh],carbon [g/kWh]", *(f"{v:.6f},300" for v in PRICES)])
    own = read_own_hours(file, time_zone=-6.0)
    assert own.price is not None
    assert own.carbon is not None
    assert own.price * PER_MWH == pytest.approx(PRICES, abs=1e-5)
    assert own.carbon * PER_MWH == pytest.approx(np.full(8760, 300.0))
    assert own.year is None
    assert own.price.min() < 0.0


def test_a_leap_year_loses_29_february(tmp_path: Path) -> None:
    whole = np.arange(8784.0)
    file = write(tmp_path / "h.csv", ["price", *map(str, whole)])
    own = read_own_hours(file, time_zone=0.0)
    assert own.price is not None
    kept = np.delete(whole, np.arange(59 * 24, 60 * 24))
    assert own.price * PER_MWH == pytest.approx(kept)
    file = dated(tmp_path / "t.csv", whole, "2024-01-01T00:00")
    again = read_own_hours(file, time_zone=0.0)
    assert again.price is not None
    assert again.price * PER_MWH == pytest.approx(kept)
    assert again.year == 2024


def test_times_with_an_offset_become_local(tmp_path: Path) -> None:
    """06:00 UTC is midnight in Texas; the first six hours of a UTC year are the last of the year before."""
    file = dated(tmp_path / "h.csv", np.arange(8760.0), "2023-01-01T00:00+00:00")
    own = read_own_hours(file, time_zone=-6.0)
    assert own.price is not None
    assert own.price[0] * PER_MWH == pytest.approx(6.0)
    assert own.price[-6] * PER_MWH == pytest.approx(0.0)
    named = dated(tmp_path / "n.csv", np.arange(8760.0), "2023-01-01T00:00", "# time_zone: 0")
    assert read_own_hours(named, time_zone=-6.0).price == pytest.approx(own.price)


def test_hours_of_another_year_are_dealt_out_by_the_weather(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).standard_normal(8760) * 30.0
    own = read_own_hours(dated(tmp_path / "h.csv", PRICES + noise), time_zone=-6.0)
    skies = {sky.happened: sky for sky in load_place_years(load_site("dallas"))}
    assert own.price is not None
    same = load_grid("ercot", 2026, weather=skies[2023], own=own, delivery=0.0)
    other = load_grid("ercot", 2026, weather=skies[2021], own=own, delivery=0.0)
    assert same.price == pytest.approx(own.price)
    assert np.sort(other.price) == pytest.approx(np.sort(own.price))
    assert not np.allclose(other.price, own.price)
    assert "of another year" in next(a.reason for a in other.assumptions if a.key == "supply.grid_hours")


def test_a_grid_without_hours_takes_own_ones(tmp_path: Path) -> None:
    file = write(tmp_path / "h.csv", ["# zone: miso", "price", *map(str, PRICES)])
    own = read_own_hours(file, time_zone=-6.0)
    grid = load_grid("miso-north", 2026, own=own, delivery=5.0 / PER_MWH, boundary="direct")
    assert grid.price.mean() * PER_MWH == pytest.approx(PRICES.mean() + 5.0)
    assert grid.carbon.mean() * PER_MWH == pytest.approx(427.9)
    carbon = write(tmp_path / "c.csv", ["carbon [kg/MWh]", *map(str, 100.0 + np.arange(8760) % 24)])
    found = load_grid("ercot", 2026, own=read_own_hours(carbon, time_zone=-6.0))
    assert found.carbon * PER_MWH == pytest.approx(100.0 + np.arange(8760) % 24)
    assert found.price_year == 2024


def test_a_plan_pays_the_hours_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "h.csv", ["price [$/MWh]", *map(str, PRICES)])
    settings = {"supply.grid.hours": str(file), "supply.grid.delivery": "0 $/MWh"}
    words = {"load": "100MW", "plants": "grid", "year": 2026}
    dear = plan_supply("abilene-texas", **words, settings=settings)
    free = plan_supply("abilene-texas", **words, settings=settings | {"supply.grid.delivery": "7 $/MWh"})
    rise = free.data["cost_USD_per_MWh"] - dear.data["cost_USD_per_MWh"]
    assert rise == pytest.approx(7.0, rel=1e-3)
    assert dear.data["cost_USD_per_MWh"] == pytest.approx(PRICES.mean() + 9.42, rel=0.01)


def _lines(change: Callable[[list[str]], list[str]]) -> list[str]:
    begin = datetime.fromisoformat("2023-01-01T00:00")
    rows = [f"{(begin + timedelta(hours=i)).isoformat()},{v:.2f}" for i, v in enumerate(PRICES)]
    return change(["time,price [$/MWh]", *rows])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x[:101] + x[102:], "a gap: after 2023-01-05 03:00 comes 2023-01-05 05:00"),
        (lambda x: [*x[:101], *x[102:], x[-1]], "a gap: after 2023-01-05 03:00 comes 2023-01-05 05:00"),
        (lambda x: [*x[:101], x[100], *x[102:]], "not after the one before"),
        (lambda x: x[:-1], "not a year; given .8,759 hours.; allowed: 8,760"),
        (lambda x: [*x[:5], x[5].split(",")[0] + ",cheap", *x[6:]], "not a price; given 'cheap'"),
        (lambda x: [*x[:5], x[5].split(",")[0] + ",", *x[6:]], "not a price; given .nothing."),
        (lambda x: [*x[:5], x[5].split(",")[0] + ",nan", *x[6:]], "not a price"),
        (lambda x: [*x[:5], x[5].split(",")[0] + ",1e9", *x[6:]], "price out of range"),
        (lambda x: ["time,price [EUR/MWh]", *x[1:]], "not a unit of price"),
        (lambda x: ["time,prise", *x[1:]], "no column of price or carbon.*did you mean 'price'"),
        (lambda x: [*x[:9], "noon,4", *x[10:]], "not a time; given 'noon'"),
        (lambda x: [*x[:9], "2023-01-01T08:30,4", *x[10:]], "not a full hour"),
        (lambda x: [*x[:9], x[9] + ",7", *x[10:]], "another number of cells"),
        (lambda x: [*x[:9], "2023-01-01T08:00Z,4", *x[10:]], "some times have an offset"),
        (lambda x: ["# time_zone: Texas", *x], "not a time zone"),
        (lambda x: [], "an empty file"),
        (lambda x: [*x, *(f"2024-01-01T{h:02d}:00,5" for h in range(24))], "a year without 29 February"),
    ],
)  # fmt: skip
def test_bad_files_are_one_line(tmp_path: Path, change: Callable[[list[str]], list[str]], words: str) -> None:
    file = write(tmp_path / "h.csv", _lines(change))
    with pytest.raises(InputError, match=words) as caught:
        read_own_hours(file, time_zone=-6.0)
    assert "\n" not in str(caught.value)
    assert caught.value.key == "supply.grid.hours"
    assert Path(caught.value.file or "").name == "h.csv"


@pytest.mark.parametrize(("separator", "comma"), [(";", False), (";", True), ("\t", True)])
def test_hours_as_other_spreadsheets_write_them(tmp_path: Path, separator: str, comma: bool) -> None:
    """Semicolons or tabs, decimal commas, days before months, a byte-order mark and Windows' line ends."""
    usual = read_own_hours(dated(tmp_path / "usual.csv", PRICES), time_zone=-6.0)
    begin, point = datetime(2023, 1, 1), "," if comma else "."
    cells = [f"{v:.4f}".replace(".", point) for v in PRICES]
    rows = [f"{begin + timedelta(hours=i):%d.%m.%Y %H:%M}{separator}{cell}" for i, cell in enumerate(cells)]
    file = tmp_path / "other.csv"
    file.write_bytes("\r\n".join([f"time{separator}price [$/MWh]", *rows]).encode("utf-8-sig"))
    other = read_own_hours(file, time_zone=-6.0)
    assert other.price is not None
    assert np.array_equal(other.price, usual.price)
    assert other.year == usual.year == 2023


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read these hours: No such file"):
        read_own_hours(tmp_path / "none.csv", time_zone=0.0)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a text file"):
        read_own_hours(tmp_path / "b.csv", time_zone=0.0)
    file = write(tmp_path / "h.csv", ["# zone: germany", "price", *map(str, PRICES)])
    own = read_own_hours(file, time_zone=-6.0)
    sky = load_weather("abilene-texas")
    with pytest.raises(InputError, match=r"another zone.*given 'germany'.*allowed: ercot"):
        load_grid("ercot", 2026, weather=sky, own=own)
    plain = read_own_hours(write(tmp_path / "p.csv", ["price", *map(str, PRICES)]), time_zone=-6.0)
    with pytest.raises(InputError, match="the hours are given"):
        load_grid("ercot", 2026, weather=sky, own=plain, price_year=2022)
    for zone in ("ercot", "US-TEX-ERCO", "Texas"):
        named = write(tmp_path / "z.csv", [f"# zone: {zone}", "price", *map(str, PRICES)])
        assert load_grid("ercot", 2026, weather=sky, own=read_own_hours(named, time_zone=-6.0)).delivery > 0.0
