"""Accelerators that arrive and halls that are energised in phases: what runs, and what waits for what."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.site.campus import Phased, read_buildings, read_deliveries
from gigawatt.core.errors import InputError
from gigawatt.power.dates import date_words, year_of
from gigawatt.studies.run.campus import CampusPhases
from gigawatt.studies.run.door import run
from gigawatt.studies.run.phases import (
    BINDS,
    COUNT,
    ENERGISED,
    FROM,
    IDLE,
    PHASES,
    PRICE,
    RUNS,
    SERVED,
    TOKENS,
    UNTIL,
    phases_grid,
)

YEAR = 365 * 86400.0
RUN = """
year: 2026
model: llama-3.1-8b
training: {{tokens: 100T tokens}}
machine: {{chip: H100, count: 1024, deliveries: "2026-03: 410, 2027-07: 614"}}
site: {{name: texas, buildings: "2026-06: 0.5 MW, 2027-09: 2 MW"}}
supply: {supply}
"""
PRICED = RUN.format(supply="{price: 60 $/MWh}")
PLANNED = RUN.format(supply="{plants: [grid, gas-engine]}")


def rows_of(text: str, tmp: Path) -> tuple[Any, list[dict[str, Any]]]:
    file = tmp / "run.yaml"
    file.write_text(text)
    found = run(file)
    return found, found.found.tables[PHASES].to_dict("records")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[dict[str, Any]]]:
    return rows_of(PLANNED, tmp_path_factory.mktemp("planned"))


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[dict[str, Any]]]:
    return rows_of(PRICED, tmp_path_factory.mktemp("priced"))


def test_what_is_left_out_is_there_as_the_year_begins() -> None:
    found = read_deliveries("2027-01: 30 %, 2027-07: 512", count=1024, year=2027)
    assert found.first == pytest.approx(0.2)
    assert found.shares == pytest.approx((0.5, 1.0))
    assert [found.at(year) for year in (2027.0, 2027.4, 2027.5, 2040.0)] == pytest.approx(
        [0.5, 0.5, 1.0, 1.0]
    )
    assert found.complete == pytest.approx(2027.5)


def test_halls_hold_a_share_of_the_highest_hour() -> None:
    found = read_buildings("2026-10: 150 MW, 2027-06: 300 MW", peak=280e6, year=2026)
    assert found.first == 0.0
    assert found.shares == pytest.approx((150 / 280, 1.0))
    assert found.at(year_of("2026-10", begins=True)) == pytest.approx(150 / 280)
    assert found.at(2026.74) == 0.0
    assert Phased(1.0).complete == -np.inf  # all of it is there


@pytest.mark.parametrize("written", ["2027", "2027-01", "2028-02", "2027-12", "2027-06-30", "2028-03-01"])
def test_the_beginning_of_a_date_is_in_its_month(written: str) -> None:
    month = written[:7] if len(written) > 4 else f"{written}-01"
    assert date_words(year_of(written, begins=True)) == month


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2025-01: 40 %", "before the year of the question"),
        ("2060-01: 40 %", "out of range"),
        ("2027-01: 80 %, 2027-03: 40 %", "more accelerators arrive than there are; given '120 % of 1,024'"),
        ("2027-04: 10 %, 2027-03: 40 %", "the dates are not in order"),
        ("2027-04: 0.5", "not a share or a number"),
        ("2027-04: -5 %", "not a share or a number"),
        ("2027-04", "not a date and a value"),
        ("soon: 40 %", "not a date"),
        ("2027-04: lots", "not a number"),
    ],
)
def test_deliveries_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_deliveries(text, count=1024, year=2026)
    assert said in str(caught.value)
    assert str(caught.value).startswith("machine.deliveries: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2027-04: 1 MW", "the halls never hold the load; given '1 MW'; allowed: a last of 2 MW"),
        ("2027-04: 3 MW, 2027-06: 2 MW", "does not grow"),
        ("2027-04: 3 kg", "site.buildings: "),
        ("2025-04: 3 MW", "before the year of the question"),
    ],
)
def test_halls_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_buildings(text, peak=2e6, year=2026)
    assert said in str(caught.value)
    assert str(caught.value).startswith("site.buildings: ")


def test_what_binds_is_the_least_of_three() -> None:
    campus = CampusPhases(
        100, 1e6, Phased(0.0, (1.0, 3.0), (0.6, 1.0)), Phased(0.0, (2.0, 4.0), (0.5, 1.0)), 8.0, 10.0
    )
    assert campus.binds(0.0, 1.0) == "accelerators"
    assert campus.binds(1.0, 1.0) == "buildings"  # 0 % of the load, 60 % of the accelerators
    assert campus.binds(2.0, 1.0) == "buildings"
    assert campus.binds(2.0, 0.9) == "power"
    assert campus.binds(4.0, 1.0) == ""
    assert campus.idle(1.0, 0.0) == pytest.approx(60 * 8760)
    assert campus.idle(2.0, 0.45) == pytest.approx(15 * 8760)
    assert campus.shares(0) == ((0.0, 0.0), (1.0, 0.0), (2.0, 0.5), (3.0, 0.5), (4.0, 1.0))


def test_with_a_price_only_halls_and_accelerators_bind(priced: tuple[Any, list[dict[str, Any]]]) -> None:
    answer, rows = priced
    assert [row[BINDS] for row in rows] == ["accelerators", "buildings", "accelerators", "buildings", ""]
    assert [date_words(row[FROM]) for row in rows] == ["2026-01", "2026-03", "2026-06", "2027-07", "2027-09"]
    assert [row[COUNT] for row in rows] == [0, 410, 410, 1024, 1024]
    assert [row[ENERGISED] for row in rows[1:4]] == pytest.approx([0.0, 0.5, 0.5])
    peak = answer.found.quantities["facility.power_peak"].value
    assert rows[-1][ENERGISED] == pytest.approx(peak / 1e6)
    assert rows[3][RUNS] == pytest.approx(100.0 * 0.5 / rows[-1][ENERGISED], rel=1e-6)
    assert rows[3][IDLE] == pytest.approx(1024 * 8760 * (1.0 - rows[3][RUNS] / 100.0), rel=1e-6)
    assert all(row[PRICE] == pytest.approx(60.0) for row in rows)


def test_tokens_follow_what_runs(priced: tuple[Any, list[dict[str, Any]]]) -> None:
    """Tokens a year of the whole campus × share that runs × length of a phase, until all are trained."""
    answer, rows = priced
    found = answer.found.quantities
    rate, made = 100e12 / (found["training.duration"].value / YEAR), 0.0
    for row in rows:
        made = min(made + rate * row[RUNS] / 100.0 * (row[UNTIL] - row[FROM]), 100e12)
        assert row[TOKENS] == pytest.approx(made, rel=1e-6)
    assert any("first tokens 2026-06, all 100 trillion tokens by" in one for one in answer["notices"])


def test_power_binds_until_a_plant_is_there(planned: tuple[Any, list[dict[str, Any]]]) -> None:
    answer, rows = planned
    by = {date_words(row[FROM]): row for row in rows}
    assert by["2026-06"][BINDS] == "power"
    assert by["2026-06"][SERVED] == 0.0
    assert by["2026-06"][IDLE] == pytest.approx(410 * 8760, rel=1e-6)
    assert by["2027-04"][RUNS] == pytest.approx(40.0, abs=0.1)
    assert math.isnan(by["2026-01"][SERVED])  # nothing that could draw power
    assert rows[-1][BINDS] == ""
    text = answer["notices"][0]
    assert text.startswith("first power 2027-04, full power 2028-01: ")  # a connection of 1.9 years
    assert "if they are bought as they arrive" in text
    heads = phases_grid(answer.found)[0]
    assert "waits for" in str(heads)


def test_the_time_until_all_is_there_is_a_quantity(priced: tuple[Any, list[dict[str, Any]]]) -> None:
    found = priced[0].found.quantities
    assert found["machine.complete"].value / YEAR == pytest.approx(1.5)
    assert found["site.complete"].value / YEAR == pytest.approx(1.0 + 8.0 / 12.0)
