"""What the next nine takes, as `run` says it: the figure of the same function as plan-supply."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.studies.run.bad_week import BAD_WEEK
from gigawatt.studies.run.door import run
from gigawatt.studies.run.nines import COST, MORE, NINES, SHARE, next_nine_words
from gigawatt.studies.supply.door import plan_supply

LOAD = "year: 2036\nload: {{peak: 100 MW}}\nsite: texas\nsupply: {{plants: {plants}}}\n"


def test_run_says_the_next_nine_as_plan_supply_does(tmp_path: Path) -> None:
    file = tmp_path / "load.yaml"
    file.write_text(LOAD.format(plants="[gas-engine]"))
    found = run(file).found
    asked = plan_supply("texas", load="100MW", plants="gas-engine", year="2036")["adequacy"]["nines"]
    rows = found.tables[NINES].to_dict("records")
    assert rows
    for row, one in zip(rows, asked, strict=True):
        assert row[SHARE] == pytest.approx(100.0 * one["hours_served"])
        if one["more_units"] is not None:
            assert (row[MORE], row[COST]) == pytest.approx((one["more_units"], one["USD_per_year"]), rel=1e-4)
    assert "of hours in full" in next_nine_words(found)


def test_with_stores_it_is_not_said(tmp_path: Path) -> None:
    file = tmp_path / "load.yaml"
    file.write_text(
        LOAD.format(plants="[solar, battery, gas-engine]").rstrip("}\n") + ", carbon_limit: 200 g/kWh}\n"
    )
    found = run(file).found
    assert NINES not in found.tables
    assert next_nine_words(found) == ""


@pytest.mark.parametrize("plants", ["[gas-engine]", "[solar, battery, gas-engine]"])
def test_a_bad_week_adds_up(tmp_path: Path, plants: str) -> None:
    """By the hour: what is there, with what lacks, is at least the load; something does lack."""
    file = tmp_path / "load.yaml"
    limit = ", carbon_limit: 300 g/kWh}\n" if "solar" in plants else "}\n"
    file.write_text(LOAD.format(plants=plants).rstrip("}\n") + limit)
    found = run(file).found
    week = found.tables[BAD_WEEK]
    assert len(week) == 168
    given = week.drop(columns=["hour", "load [MW]"]).sum(axis=1)
    assert (given >= week["load [MW]"] - 1e-6).all()
    assert (week["not served [MW]"] >= 0.0).all()
    assert week["not served [MW]"].sum() > 0.0  # outages were sized for, not away
    assert "gas engine, in order" in {trace.name for trace in found.figure("bad_week").data}
