"""When power is there, year by year, of a run whose plants come after its year begins."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gigawatt.studies.pathway.door import plan_pathway
from gigawatt.studies.run.door import run
from gigawatt.studies.run.phases import CARBON, FROM, IDLE, IDLE_COST, PHASES, PRICE, SERVED, UNTIL
from sampled import sampled

RUN = (
    "model: llama-3.1-8b\ntraining: {tokens: 1T tokens}\nmachine: {chip: H100, count: 1024}\nsite: texas\n"
    "supply: {plants: [grid, solar, wind, battery, gas-engine]}\n"
)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("phases") / "run.yaml"
    file.write_text(f"year: 2026\n{RUN}")
    return file


@pytest.fixture(scope="module")
def answer(scenario: Path) -> Any:
    return run(scenario)


def rows(answer: Any) -> list[dict[str, Any]]:
    return answer.found.tables[PHASES].to_dict("records")


def test_phases_follow_one_another_until_all_is_there(answer: Any) -> None:
    found = rows(answer)
    assert found[0][FROM] == 2026.0
    assert all(a[UNTIL] == b[FROM] for a, b in pairwise(found))
    assert all(a[FROM] < a[UNTIL] for a in found)
    assert found[-1][SERVED] > 99.9


def test_before_a_plant_is_there_all_accelerators_stand_idle(answer: Any) -> None:
    first = rows(answer)[0]
    assert first[SERVED] == 0.0
    assert math.isnan(first[PRICE])
    assert math.isnan(first[CARBON])
    assert first[IDLE] == 1024 * 8760
    assert 0.5 < first[IDLE_COST] / first[IDLE] < 3.0  # $ an hour of an H100
    assert first[UNTIL] == 2027.25  # a gas engine takes 1.25 years


def test_a_run_over_several_weather_years_has_phases(tmp_path: Path, answer: Any) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f"year: 2026\n{RUN}".replace("site: texas", "site: {name: texas, weather_years: 2}"))
    several = rows(run(file))
    assert several[0][FROM] == 2026.0
    assert several[0][UNTIL] == rows(answer)[0][UNTIL]  # what can be there does not depend on the weather
    assert several[-1][SERVED] > 99.9


def test_what_the_prices_of_phases_leave_out_is_said(tmp_path: Path) -> None:
    file = tmp_path / "load.yaml"
    file.write_text(
        "year: 2026\nload: {mean: 20 MW}\nsite: abilene-texas\n"
        "supply: {plants: [grid, gas-engine], hedge: 80 % at 32 $/MWh}\n"
    )
    assert any("(without units in reserve and hedges)" in said for said in run(file).found.notices)


def test_it_is_the_answer_of_plan_pathway(answer: Any, scenario: Path) -> None:
    found = rows(answer)
    end = next(one[FROM] for one in reversed(found))
    last = int(answer.found.tables[PHASES][UNTIL].iloc[-1]) - 10
    path = plan_pathway(str(scenario), years=f"2026,{last}", every=10, weeks=3)
    steps = {step["year"]: step for step in path["steps"]}
    assert end in steps
    for one in found:
        step = steps[one[FROM]]
        if one[SERVED] > 0.0:
            assert one[PRICE] == pytest.approx(step["cost_$/MWh"], rel=0.02)
            assert one[CARBON] == pytest.approx(step["carbon_g/kWh"], rel=0.02, abs=1.0)


def test_the_first_notice_says_when_and_what_waiting_costs(answer: Any) -> None:
    first, second = answer["notices"][:2]
    assert first.startswith("first power 2027-04, full power 2028-01: ")  # the connection takes 1.9 years
    assert "idle accelerators" in first
    assert second.startswith("waiting instead of bridging with gas-engine costs $")


@pytest.mark.parametrize(
    "text", sampled([f"year: 2021\n{RUN}", f"year: 2036\n{RUN}", f"{RUN}year: 2026\n"], 1)
)
def test_a_run_whose_power_is_there_has_no_phases(text: str, tmp_path: Path) -> None:
    """Of a past year, of a year in which all is there, with plants that stand."""
    file = tmp_path / "run.yaml"
    there = text.replace("supply: {", "supply: {ordered: any, ") if "2026" in text else text
    file.write_text(there)
    assert PHASES not in run(file).found.tables


def test_a_store_inside_a_plant_has_no_pathway_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    plants = "[fission-sodium, fission-sodium-salt, gas-engine]"
    file.write_text(f"year: 2026\n{RUN}".replace("[grid, solar, wind, battery, gas-engine]", plants))
    answer = run(file)
    assert PHASES not in answer.found.tables or rows(answer)
    assert any("no phases" in one for one in answer["notices"]) != (PHASES in answer.found.tables)
