"""A pathway of a site: years and paths as they are typed, lead times, learning, bridging, the command."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.chain.question_words import HERE
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.terminal import main
from gigawatt.money import capital_recovery_factor
from gigawatt.schema.changed import scenario_of
from gigawatt.studies.pathway.answer import pathway_answer, sentences
from gigawatt.studies.pathway.figures import FIGURES
from gigawatt.studies.pathway.plan import accelerators, pathways
from gigawatt.studies.pathway.question import Question, read_pathway_question, read_years

YEAR = 8760 * 3600.0
MWH = 3.6e9
SMALL = ("solar", "wind", "battery", "gas-engine", "fission-small")


_FIELDS = {
    "site": "site.name", "load": "load.mean", "plants": "supply.plants", "cooling": "site.cooling",
    "carbon_price": "supply.carbon_price", "carbon_limit": "supply.carbon_limit", "limits": "supply.limits",
}  # fmt: skip


def question(**more: object) -> Question:
    given: dict = {
        "site": "texas", "load": "1 GW", "plants": list(SMALL),
        "years": (2025.0, 2035.0, 2045.0), "end": 2055.0, "chip": "H100", "weeks": 2,
    } | more  # fmt: skip
    values = {key: given.pop(name) for name, key in _FIELDS.items() if name in given}
    return Question(scenario_of({**values, "year": int(given["years"][0])}, HERE), **given)


@pytest.fixture(scope="module")
def found():
    """Gas is dear and may not stay: a carbon price from the year in which the reactor is ready."""
    return pathways(
        question(plants=["gas-engine", "fission-small"], carbon_price="2025: 0 $/t, 2033: 300 $/t"),
        check=True,
    )


def test_nothing_is_on_line_before_its_lead_time(found) -> None:
    best = found.best
    for i, name in enumerate(best.names):
        lead = catalog.entity("plants", name).value("lead_time") / YEAR
        assert found.ready[name] == pytest.approx(2025 + lead)
        assert np.all(best.capacity[best.years < found.ready[name] - 1e-6, i] == 0.0)
        assert np.any(np.abs(best.years - math.ceil(4 * found.ready[name]) / 4) < 1e-9)


def test_what_waits_costs_the_hours_of_accelerators(found) -> None:
    best, waits = found.best, found.accelerators
    energy = best.energy_not_served[0]
    assert energy == pytest.approx(1e9 * YEAR, rel=1e-6)
    assert waits.hours(best.energy_not_served)[0] * waits.hour == pytest.approx(
        best.not_served_cost[0], rel=1e-9
    )
    assert waits.hours(np.array([energy]))[0] == pytest.approx(1e9 / waits.power * 8760, rel=1e-6)


def test_the_engine_bridges_to_the_reactor(found) -> None:
    best = found.best
    assert found.bridges == ("gas-engine",)
    share = best.energy / best.demand[:, None]
    i, j = best.names.index("gas-engine"), best.names.index("fission-small")
    assert share[1, i] > 0.9
    assert share[-1, j] > 0.9
    said = " | ".join(sentences(found))
    assert "gas engine bridges: ready in 2026.25" in said
    assert "when small light-water reactor came" in said
    assert "waiting instead, without gas engine" in said
    assert found.waiting is not None
    assert found.waiting.objective > best.objective
    assert np.all(found.waiting.energy_not_served[best.years < 2033] == pytest.approx(1e9 * YEAR, rel=1e-6))


def test_the_weeks_cost_what_the_year_costs(found) -> None:
    """Firm plants alone: any week stands for the year."""
    assert abs(found.week_error) < 0.01
    assert found.checked == found.best.years[-2]


def test_an_accelerator_hour_by_hand() -> None:
    """Price over life at no interest, spares and upkeep with it; building by its watts."""
    made = accelerators(chip="H100", pue=1.25, rate=0.0)
    money, house = catalog.entity("finance", "hyperscaler"), catalog.entity("building", "ai-campus")
    from gigawatt.machine.load import build_cluster

    cluster = build_cluster(chip="H100", count=1024)[0]
    spare, upkeep = 1 + money.value("spare_share"), money.value("it_upkeep")
    power = made.power / 1.25
    it = spare * (cluster.chip.price / money.value("chip_life")
                  + cluster.node.price / cluster.node.chips / money.value("node_life"))  # fmt: skip
    bought = spare * (cluster.chip.price + cluster.node.price / cluster.node.chips)
    bought += cluster.network_price
    network = cluster.network_price / money.value("network_life")
    rooms = power * house.value("construction") * (1 + house.value("density_premium")) / house.value("life")
    by_second = it + network + rooms + bought * upkeep / YEAR + power * house.value("operation")
    assert made.hour == pytest.approx(by_second * 3600, rel=1e-6)
    assert 0.5 < made.hour < 3.0


def test_a_carbon_limit_begins_with_its_first_year() -> None:
    asked = question(plants=["gas-engine"], weeks=1, cut=False, carbon_limit="2040: 10 g/kWh")
    best = pathways(asked, compare=False).best
    share = best.energy_not_served / best.demand
    assert share[1] < 1e-3
    assert share[2] > 0.9
    assert "are at a limit" in " ".join(sentences(pathways(asked, compare=False)))


def test_faster_power_is_never_dearer() -> None:
    asked = question(plants=["gas-engine", "fission-small"], years=(2025.0, 2035.0), end=2045.0, weeks=1)
    slow = pathways(asked, compare=False).best.objective
    fast = pathways(replace(asked, lead_times={"gas-engine": 0.25 * YEAR}), compare=False).best.objective
    assert fast < slow


def test_learning_turns_a_price_around() -> None:
    """At −20 % a doubling a reactor of 2045 costs 1.2^4 times that of 2025: four doublings."""
    asked = question(plants=["fission-small"], weeks=1, cut=False)
    made = {rate: pathways(replace(asked, learning={"fission-small": rate}), compare=False).best
            for rate in (-0.2, 0.0, 0.1)}  # fmt: skip
    row = catalog.entity("plants", "fission-small")
    recovery = float(capital_recovery_factor(rate=0.07, life=row.value("life")))
    for rate, best in made.items():
        last = next(one for one in best.vintages if one.year == 2045)
        grown = row.at("capital_cost", 2025)[0] * (1 - rate) ** 4
        assert last.running[-1].capital == pytest.approx(grown * recovery, rel=1e-6)
    assert made[-0.2].objective > made[0.0].objective > made[0.1].objective


def test_the_catalogs_learning_has_a_range() -> None:
    asked = question(plants=["fission-small"], weeks=1, cut=False, learning={"fission-small": None})
    low, middle, high = (
        pathways(replace(asked, case=case), compare=False).best.vintages[-1].running[-1].capital
        for case in ("low", "value", "high")
    )
    assert low <= middle < high


def test_paths_and_years() -> None:
    asked = read_pathway_question(site="texas", load="2025: 200 MW, 2030: 1 GW", carbon_price="50 $/t")
    scenario = asked.loaded.scenario
    assert scenario.load.mean == ((2025.0, 2e8), (2030.0, 1e9))
    assert scenario.supply.carbon_price == pytest.approx(0.05)
    assert scenario.supply.carbon_limit is None
    assert {one.key for one in asked.assumptions} == {"pathway.chip", "pathway.plants"}
    assert read_years("2025-2050", 5) == ((2025.0, 2030.0, 2035.0, 2040.0, 2045.0, 2050.0), 2055.0)
    assert read_years("2025,2028,2040", 5) == ((2025.0, 2028.0, 2040.0), 2052.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2030: 1 GW, 2025: 2 GW", "not in order"),
        ("soon: 1 GW", "not a year"),
        ("5 $/t", "load"),
        ("-1 GW", "load: out of range; .*more than 0"),
    ],
)
def test_a_bad_path_is_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_pathway_question(site="texas", load=text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"plants": ["gas-engin"]}, "gas-engine"),
        ({"plants": ["battery"]}, "no plant is ready|makes electricity"),
        ({"limits": {"wind": "100 MW"}, "plants": ["solar"]}, "not among the plants"),
        ({"site": "atlantis"}, "atlantis"),
        ({"chip": "H1000000"}, "H1000000"),
        ({"load": "0 MW"}, "load.mean: out of range"),
        ({"plants": ["fission-small"], "years": (2025.0,), "end": 2026.0}, "lead time"),
        ({"weeks": 60}, "1 to 52"),
        ({"cooling": "ice"}, "ice"),
        ({"plants": ["hydro", "gas-engine"]}, "no capacity factor of this plant"),
        ({"plants": ["fission-sodium", "fission-sodium-salt"]}, "inside a plant"),
    ],
)
def test_a_bad_question_is_one_line(change: dict, says: str) -> None:
    with pytest.raises(GigawattError, match=says) as caught:
        pathways(question(**change))
    assert "\n" not in str(caught.value)


def test_the_answer_is_json_and_adds_up(found) -> None:
    answer = json.loads(json.dumps(pathway_answer(found), allow_nan=False))
    for step in answer["steps"]:
        assert sum(row["cost_M$"] for row in step["plants"]) == pytest.approx(step["cost_M$"], abs=1e-6)
        assert sum(step["costs_M$"].values()) == pytest.approx(step["cost_M$"], abs=1e-6)
        given = sum(row["energy_GWh"] for row in step["plants"]) + step["not_served_GWh"]
        assert given == pytest.approx(step["load_MW"] * 8.76, rel=1e-5)
    for draw, _ in FIGURES.values():
        assert draw(answer).data


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan-pathway", "texas", "--load", "100 MW", "--plants", "solar,gas-engine",
             "--weeks", "1",
             "--years", "2025,2030", "--limit", "solar=50 MW",
             "--existing", "gas-turbine=20 MW@2010"]  # fmt: skip
    with pytest.raises(SystemExit) as done:
        main([*words, "--json", "--output", str(tmp_path / "out")])
    assert not done.value.code
    answer = json.loads(capsys.readouterr().out)
    assert answer["steps"][0]["year"] == 2025
    sizes = {row["plant"]: row["capacity_MW"] for row in answer["steps"][-1]["plants"]}
    assert sizes["solar"] <= 50.001
    first = {row["plant"]: row["capacity_MW"] for row in answer["steps"][0]["plants"]}
    assert first["gas-turbine"] == pytest.approx(20.0, rel=1e-3)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "pathway.html", "pathway.md", "pathway.json", "study.json", "steps.csv", "plants.csv",
    }  # fmt: skip
    with pytest.raises(SystemExit):
        main(words)
    assert "waits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"supply.reliability": "99.9 %"}, "supply.reliability: plan-pathway does not use .*plan-supply"),
        ({"load.mean": "1 GW"}, "load: given twice"),
        ({"supply.fuel_prices.coke": "1 $/MMBtu"}, "no such fuel; given 'coke'"),
        ({"suply.plants": ["solar"]}, "suply: unknown key; .*did you mean 'supply'"),
    ],
)
def test_a_field_without_use_is_refused_by_name(settings: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_pathway_question(site="texas", load="1 GW", settings=settings)


def test_several_weather_years_are_planned_over() -> None:
    """Weeks of three years in Texas stand for one year, with their own sun and wind."""
    one, three = (
        pathway_answer(pathways(read_pathway_question(
            site="texas", load="100 MW", plants="solar,wind,battery,gas-engine", years="2026-2036", weeks=6,
            settings={"site.weather_years": count},
        )))
        for count in (1, 3)
    )  # fmt: skip
    assert one["steps"][-1]["cost_$/MWh"] != three["steps"][-1]["cost_$/MWh"]
    assert three["steps"][-1]["cost_$/MWh"] == pytest.approx(one["steps"][-1]["cost_$/MWh"], rel=0.3)
    assert any(found["key"] == "site.years" for found in three["assumptions"])


@pytest.mark.parametrize("term", ["flexible: computed", "flexible: '10%:60$/MWh'", "reliability: 99.9 %"])
def test_terms_of_a_year_in_a_scenario_are_refused_by_name(tmp_path: Path, term: str) -> None:
    file = tmp_path / "campus.yaml"
    file.write_text(
        "year: 2026\nmodel: llama-3.1-8b\ntraining: {tokens: 1T tokens}\nmachine: {chip: H100, count: 64}\n"
        f"site: {{name: abilene-texas}}\nsupply:\n  plants: [grid]\n  {term}\n"
    )
    says = (
        rf"campus.yaml:8: supply.{term.partition(':')[0]}: plan-pathway does not use this key; .*plan-supply"
    )
    with pytest.raises(InputError, match=says):
        read_pathway_question(site=str(file), years="2026-2046")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--limit", "solar"], "--limit"),
        (["--carbon-price", "5 GW"], "--carbon-price"),
        (["--existing", "gas-turbine=20 MW"], "--existing"),
        (["--learning", "solar=fast"], "--learning"),
        (["--years", "2050-2025"], "--years"),
        (["--limit", "solar=1 MW", "--limit", "solar=2 MW"], "twice"),
    ],
)
def test_bad_words_are_one_line(more: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["plan-pathway", "texas", "--load", "100 MW", *more])
    assert done.value.code == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
