"""Tariffs: rows, what is refused, and bills to the cent against published examples."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.power.tariff import Clock, Part, Tariff, bill, cents, list_tariffs, read_tariff
from gigawatt.power.tariff.clock import coincident_hours

CLOCK = Clock(2026)
KWH, KW = 3.6e6, 1e3
EXAMPLES = {
    name: list(rows)
    for name, rows in groupby(
        catalog.table("tariffs_published").values(), key=lambda row: row.text("example")
    )
}
#: Decimals that the page prints where they are not cents: dollars, thousands, a tenth of a million.
DIGITS = {"fort-collins": 0, "fort-collins-summer": 0, "aep-ohio": -5, "aep-ohio-minimum": -5,
          "aep-ohio-proposed": -5, "centerpoint-4cp": -3}  # fmt: skip


def _load(items: dict[str, float], month: int | None) -> tuple[np.ndarray, np.ndarray]:
    """(load [W], price) of a year with the energy [kWh] and peak [kW] of an example in its month, or with a
    power [kW] that is the same in all hours."""
    if "power" in items:
        return np.full(CLOCK.hours, items["power"] * KW), 1.0 + np.arange(CLOCK.hours)
    there = np.flatnonzero(CLOCK.month == month - 1) if month else np.arange(CLOCK.hours)
    load, price = np.zeros(CLOCK.hours), np.ones(CLOCK.hours)
    peak, coincident = items.get("peak", 0.0), items.get("coincident", 0.0)
    load[there[7]], load[there[50]] = peak, coincident
    price[there[50]] = 2.0
    if "on-peak" in items:  # from 17 to 18 on the first day; twice as much at night, which is not billed
        load[there[17]], load[there[2]] = items["on-peak"], 2.0 * items["on-peak"]
        return load * KW, price
    rest = np.setdiff1d(there, there[[7, 50]])
    load[rest] = max(items.get("energy", 0.0) - peak - coincident, 0.0) / len(rest)
    if "peak in another month" in items:
        load[np.flatnonzero(CLOCK.month == (month or 1) % 12)[3]] = items["peak in another month"]
    return load * KW, price


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_published_bill_to_the_cent(name: str) -> None:
    rows = EXAMPLES[name]
    month = int(rows[0].text("month")) if rows[0].text("month") else None
    loads = {row.text("name"): float(row.text("value")) for row in rows if row.text("what") == "load"}
    load, price = _load(loads, month)
    contract = loads["contract"] * KW if "contract" in loads else None
    answer = bill(load, read_tariff(rows[0].text("tariff")), CLOCK, price=price, contract=contract)
    if month is None:
        found = {line: cents(amount) for line, amount in answer.by_line().items()}
    else:
        found = {}
        for line in answer.of_month(month):
            found[line.line] = cents(found.get(line.line, 0.0) + line.amount)
    digits = DIGITS.get(name, 2)
    for row in rows:
        if row.text("what") == "line":
            assert round(found[row.text("name")] + 1e-9, digits) == float(row.text("value")), row.text("name")
        elif row.text("what") == "total":
            assert cents(sum(found.values())) == float(row.text("value"))


def test_examples_are_of_five_utilities() -> None:
    tariffs = {rows[0].text("tariff") for rows in EXAMPLES.values()}
    utilities = {catalog.table("tariffs")[one].text("utility") for one in tariffs} - {"not named"}
    assert len(utilities) >= 5
    assert all(row.text("source_id") in catalog.sources() for rows in EXAMPLES.values() for row in rows)


@pytest.mark.parametrize("name", list_tariffs())
def test_every_tariff_of_the_catalog_prices_a_flat_load(name: str) -> None:
    tariff = read_tariff(name)
    price = 1e-8 * (1.0 + np.sin(np.arange(CLOCK.hours)))
    answer = bill(np.full(CLOCK.hours, 5e7), tariff, CLOCK, price=price)
    assert np.isfinite(answer.total)
    assert answer.total > 0.0
    assert {line.line for line in answer.lines} == {p.line for p in tariff.parts if p.kind != "connection"}


def test_every_part_belongs_to_a_tariff() -> None:
    assert {one.text("tariff") for one in catalog.table("tariffs_parts").values()} == set(list_tariffs())


def test_a_flat_load_by_hand() -> None:
    """10 MW at Wisconsin Rapids: 3,393 on-peak hours of 2026 (261 weekdays), the rest off-peak."""
    answer = bill(np.full(CLOCK.hours, 1e7), read_tariff("wisconsin-rapids-cp4"), CLOCK).by_line()
    assert answer["Energy, on-peak"] == pytest.approx(261 * 13 * 1e4 * 0.0755)
    assert answer["Energy, off-peak"] == pytest.approx((8760 - 261 * 13) * 1e4 * 0.0581)
    assert answer["Demand, on-peak"] == pytest.approx(12 * 1e4 * 8.0)
    assert answer["Distribution demand"] == pytest.approx(12 * 1e4 * 1.5)
    assert answer["Customer charge"] == pytest.approx(12 * 210.0)


def test_ratchet_and_minimum_take() -> None:
    load = np.full(CLOCK.hours, 1e6)
    load[CLOCK.month == 6] = 4e6
    part = Part("Demand", "demand", 1.0, "month", "month", ratchet=0.5)
    energy = Part("Energy", "energy", 1e-9, "J")
    demand = bill(load, Tariff("t", "t", "$", 1.0, (energy, part)), CLOCK).by_line()["Demand"]
    assert demand == pytest.approx(4e6 + 11 * 2e6)
    held = Part("Demand", "demand", 1.0, "month", "month", minimum=0.8)
    demand = bill(load, Tariff("t", "t", "$", 1.0, (energy, held)), CLOCK, contract=5e6).by_line()["Demand"]
    assert demand == pytest.approx(12 * 4e6)


def test_leap_years_keep_their_weekdays() -> None:
    clock = Clock(2024)
    assert clock.weekday[0] == 0  # 1 January 2024 was a Monday
    assert clock.weekday[(31 + 28) * 24] == 4  # 1 March 2024 a Friday, 29 February left out


def test_triads_lie_ten_days_apart_in_winter() -> None:
    price = np.random.default_rng(1).random(8760)
    days = coincident_hours(price, "TRIADS") // 24
    assert len(days) == 3
    assert set(CLOCK.month[days * 24].tolist()) <= {10, 11, 0, 1}
    gaps = [abs(a - b) for a in days for b in days if a != b]
    assert all(min(gap, 365 - gap) >= 10 for gap in gaps)
    assert len(set(coincident_hours(price, "5CP") // 24)) == 5


HEAD = "line,kind,price,unit,determinant,months,days,hours,from_kWh,to_kWh,ratchet,minimum\n"
BAD = {
    "no energy": ("Demand,demand,5,$/kW/month,month,,,,,,,\n", "without a price of energy"),
    "no month": ("Energy,energy,50,$/MWh,,1-11,,,,,,\n", "no price of energy in dec"),
    "two prices": ("A,energy,5,$/MWh,,,,,,,,\nB,energy,6,$/MWh,,,,8-20,,,,\n", "two prices of energy in jan"),
    "no hour": ("A,energy,50,$/MWh,,,,0-23,,,,\n", "no price of energy in jan, monday, hour 23"),
    "determinant": ("Demand,demand,5,$/kW/month,monthly,,,,,,,\n", "no such determinant of demand"),
    "hours": ("Energy,energy,50,$/MWh,,,,8-25,,,,\n", "not hours of a day"),
    "month": ("Energy,energy,50,$/MWh,,13,,,,,,\n", "not a month"),
    "unit": ("Energy,energy,50,$/kW/month,,,,,,,,\n", "not the unit of such a price"),
    "number": ("Energy,energy,fifty,$/MWh,,,,,,,,\n", "not a number"),
    "kind": ("Energy,enrgy,50,$/MWh,,,,,,,,\n", "no such kind of part"),
    "block": ("Energy,energy,50,$/MWh,,,,,100,,,\n", "no price of a block of energy"),
    "ratchet": ("E,energy,50,$/MWh,,,,,,,,\nD,demand,5,$/kW/year,year,,,,,,80,\n", "not a ratchet of this"),
    "currency": ("E,energy,50,XYZ/MWh,,,,,,,,\n", "no such currency"),
    "negative demand": ("E,energy,50,$/MWh,,,,,,,,\nD,demand,-9,$/kW/month,month,,,,,,,\n",
                        "a demand charge below zero; given '-9'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_tariff_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    rows, words = BAD[name]
    file = tmp_path / "mine.csv"
    file.write_text(HEAD + rows)
    with pytest.raises(InputError) as raised:
        read_tariff(str(file))
    assert words in str(raised.value)
    assert "mine.csv" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_tariff_between_semicolons_with_decimal_commas(tmp_path: Path) -> None:
    rows = "E,energy,50.25,$/MWh,,,,,,,,\nD,demand,9.5,$/kW/month,month,,,,,,,80\n"
    point, comma = tmp_path / "point.csv", tmp_path / "comma.csv"
    point.write_text(HEAD + rows)
    comma.write_bytes((HEAD + rows).replace(",", ";").replace(".", ",").encode("utf-8-sig"))
    assert read_tariff(str(comma)).parts == read_tariff(str(point)).parts


def test_an_unknown_tariff_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'dominion-gs-5'"):
        read_tariff("dominion-gs5")


def test_a_file_of_ones_own_is_the_row_of_the_catalog(tmp_path: Path) -> None:
    """A file with the parts of a catalog's tariff bills alike, in money of the catalog's year."""
    file = tmp_path / "mine.csv"
    file.write_text(
        HEAD
        + "Energy,energy,0.0811,$/kWh,,,,,,,,\nDemand,demand,7,$/kW/month,month,,,,,,75,\n"
        + "Facility fee,fixed,55,$/month,,,,,,,,\n"
    )
    load = 1e6 * (1.0 + 0.5 * np.sin(np.arange(CLOCK.hours) / 900.0))
    mine, theirs = (bill(load, read_tariff(one), CLOCK) for one in (str(file), "osage-large-industrial"))
    assert mine.by_line() == pytest.approx(theirs.by_line())
