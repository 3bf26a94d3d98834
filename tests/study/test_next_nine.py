"""What the next nine takes, as `run` says it: the figure of the same function as plan-supply."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.studies.run.bad_week import BAD_WEEK
from gigawatt.studies.run.door import run
from gigawatt.studies.run.nines import COST, MORE, NINES, SHARE, next_nine_words
from gigawatt.studies.supply.door import plan_supply

LOAD = "year: 2036\nload: {{peak: 100 MW}}\nsite: texas\nsupply: {{plants: {plants}}}\n"


@pytest.mark.parametrize(
    ("plants", "limit"),
    [("gas-engine", ""), ("solar,battery,gas-engine", "200 g/kWh")],
    ids=["units", "stores"],
)
def test_run_says_the_next_nine_as_plan_supply_does(tmp_path: Path, plants: str, limit: str) -> None:
    file = tmp_path / "load.yaml"
    text = LOAD.format(plants=f"[{plants}]")
    file.write_text(text.rstrip("}\n") + f", carbon_limit: {limit}}}\n" if limit else text)
    found = run(file).found
    given = {"carbon": limit} if limit else {}
    asked = plan_supply("texas", load="100MW", plants=plants, year="2036", **given)["adequacy"]["nines"]
    rows = found.tables[NINES].to_dict("records")
    assert rows
    for row, one in zip(rows, asked, strict=True):
        assert row[SHARE] == pytest.approx(100.0 * one["hours_served"])
        if one["more_units"] is not None:
            assert (row[MORE], row[COST]) == pytest.approx((one["more_units"], one["USD_per_year"]), rel=1e-4)
    assert "of hours in full" in next_nine_words(found)


def test_a_nine_that_no_number_of_units_reaches(tmp_path: Path) -> None:
    """Engines on one gas line and one switchyard: no figure, and the report is written all the same."""
    file = tmp_path / "load.yaml"
    text = LOAD.format(plants="[solar, battery, gas-engine]")
    file.write_text(text.rstrip("}\n") + ", reliability: 99.994%}\n")
    answer = run(file)
    assert answer.found.tables[NINES][MORE].isna().all()
    assert "no number of units of gas engine would serve 99.999 % of hours" in next_nine_words(answer.found)
    assert "no number of units" in str(answer.document)


@pytest.mark.parametrize("plants", ["[gas-engine]", "[solar, battery, gas-engine]"])
def test_units_that_never_fail_rule_out_no_nine_that_some_number_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plants: str
) -> None:
    """The same nines as where every number of units is looked at."""
    file = tmp_path / "load.yaml"
    file.write_text(LOAD.format(plants=plants).rstrip("}\n") + ", reliability: 99.9%}\n")
    quick = run(file).found.tables[NINES]
    monkeypatch.setattr("gigawatt.power.adequacy.nines._ROUNDING", float("inf"))
    assert run(file).found.tables[NINES].equals(quick)


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
