"""A planned supply: its books close, its range brackets it, its question is read as written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt.chain.site.load import profile_hours
from gigawatt.chain.supply.terms import read_flexible
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.facility import load_site
from gigawatt.power import Flexible
from gigawatt.studies.supply.answer import as_answer, hourly
from gigawatt.studies.supply.plan import SupplyAnswer, plan_supply, priced
from gigawatt.studies.supply.question import read_supply_question

PLANTS = ("grid", "solar", "wind", "battery")


@pytest.fixture(scope="module")
def found() -> SupplyAnswer:
    question = read_supply_question(
        site="abilene texas", load="100 MW", year=2030, plants=PLANTS, carbon="50 g/kWh", discount="7 %"
    )
    return plan_supply(question)


def test_the_books_close(found: SupplyAnswer) -> None:
    answer = as_answer(found)
    plants = answer["plants"]
    assert sum(row["cost_USD_per_year"] for row in plants) == pytest.approx(answer["cost_USD_per_year"])
    served = answer["load_GWh"] * 1e3 - answer["not_served_MWh"]
    assert answer["cost_USD_per_MWh"] * served == pytest.approx(answer["cost_USD_per_year"], rel=1e-9)
    assert sum(row["share"] for row in plants) == pytest.approx(1.0, abs=1e-6)
    assert sum(sum(row["cost_parts_USD_per_year"].values()) for row in plants) == pytest.approx(
        answer["cost_USD_per_year"]
    )
    assert sum(answer["price_hours"].values()) == pytest.approx(8760.0)
    assert answer["carbon_g_per_kWh"] <= 50.0 * (1 + 1e-5)
    assert answer["load_peak_MW"] == pytest.approx(100.0)
    assert answer["gap"] < 1e-6


def test_months_balance_and_sum_to_the_year(found: SupplyAnswer) -> None:
    answer = as_answer(found)
    for month in answer["months"]:
        given = sum(month["plants_GWh"].values()) + month["not_served_GWh"] - month["charged_GWh"]
        assert given == pytest.approx(month["load_GWh"], rel=1e-6)
    assert sum(month["load_GWh"] for month in answer["months"]) == pytest.approx(876.0)
    by_plant = {row["id"]: row["energy_GWh"] for row in answer["plants"]}
    for name, energy in by_plant.items():
        assert sum(month["plants_GWh"][name] for month in answer["months"]) == pytest.approx(energy, abs=1e-6)


def test_the_range_brackets_the_cost_and_its_middle_is_the_plan(found: SupplyAnswer) -> None:
    plan = found.plan
    middle = priced(plan, found.question.plants, found.question.carbon_price)
    for name, value in middle.items():
        assert value == pytest.approx(sum(plan.cost[name].values()), rel=1e-9, abs=1e-3)
        assert found.costs.low[name] <= value * (1 + 1e-12) + 1e-3
        assert found.costs.high[name] >= value * (1 - 1e-12) - 1e-3
    assert sum(found.costs.low.values()) < sum(middle.values()) < sum(found.costs.high.values())


def test_the_low_end_of_the_range_is_no_cheaper_than_its_own_optimum(found: SupplyAnswer) -> None:
    """The mix held at low costs is a feasible plan of those costs."""
    best = plan_supply(replace(found.question, plants=found.question.low)).plan
    lost = found.plan.cost["energy not served"]["not_served"]
    assert sum(found.costs.low.values()) + lost >= best.objective * (1 - 1e-6)


def test_hours_hold_what_the_figures_draw(found: SupplyAnswer) -> None:
    hours = hourly(found)
    built = [row["id"] for row in as_answer(found)["plants"] if row["built"]]
    assert set(built) <= set(hours)
    assert {len(values) for values in hours.values()} == {8760}
    given = sum(np.array(hours[name]) for name in built) + np.array(hours["not served"])
    taken = sum(
        (np.array(values) for name, values in hours.items() if name.endswith(" charge")), np.zeros(8760)
    )
    assert np.max(np.abs(given - taken - np.array(hours["load"]))) < 0.2  # MW: four digits of up to 250 MW


def test_a_price_takes_the_place_of_the_grids_and_has_no_range() -> None:
    question = read_supply_question(
        site="texas", load="10 MW", year=2030, plants=("grid",), price="60 $/MWh", grid_carbon="300 g/kWh"
    )
    answer = as_answer(plan_supply(question))
    (grid,) = answer["plants"]
    assert grid["cost_parts_USD_per_year"]["fuel"] / (grid["energy_GWh"] * 1e3) == pytest.approx(
        60.0, rel=1e-6
    )
    assert answer["carbon_g_per_kWh"] == pytest.approx(300.0, rel=1e-6)
    assert [np.mean(one.fuel) for one in (*question.low, *question.high)] == pytest.approx([60 / 3.6e9] * 2)


def test_no_more_limit_no_higher_cost(found: SupplyAnswer) -> None:
    free = plan_supply(replace(found.question, carbon_limit=None)).plan
    assert free.objective <= found.plan.objective * (1 + 1e-6)
    assert free.carbon_intensity >= found.plan.carbon_intensity


def test_a_load_above_every_limit_says_by_how_much() -> None:
    question = read_supply_question(
        site="texas", load="1 GW", year=2030, plants=("grid", "battery"), limits={"grid": "300 MW"}
    )
    with pytest.raises(InfeasibleError, match=r"exceeds the sum of all limits: its mean is 1 GW") as told:
        plan_supply(question)
    assert told.value.key == "limits"
    assert "too little" in str(told.value)


@pytest.mark.parametrize(
    ("words", "site"),
    [("texas", "abilene-texas"), ("abilene texas", "abilene-texas"), ("Ashburn", "virginia"),
     ("Telangana India", "telangana")],
)  # fmt: skip
def test_sites_by_words(words: str, site: str) -> None:
    assert load_site(words).id == site


def test_an_unknown_site_has_its_nearest() -> None:
    with pytest.raises(InputError) as told:
        load_site("kirunna")
    assert told.value.nearest == "kiruna"


def test_profiles(tmp_path: Path) -> None:
    flat = read_supply_question(site="texas", load="1 GW")
    assert flat.load.tolist() == [1e9] * 8760
    asked = read_supply_question(site="texas", load="1 GW", profile="serving")
    words = asked.profile
    assert asked.load.max() == pytest.approx(1e9)
    serving, _ = profile_hours("serving", time_zone=0.0, year=2023)
    assert 0.3 < serving.mean() / serving.max() < 0.95
    assert "azure" in words
    # 2023 began on a Sunday: weekday hours are the same on Monday and Tuesday and not on Sunday
    days = serving.reshape(365, 24)
    assert np.array_equal(days[1], days[2])
    assert not np.array_equal(days[0], days[1])
    file = tmp_path / "load.csv"
    values = np.linspace(10.0, 20.0, 8760)
    file.write_text("load [MW]\n" + "\n".join(map(repr, values.tolist())) + "\n")
    assert read_supply_question(site="texas", profile=str(file)).load == pytest.approx(values * 1e6)
    scaled = read_supply_question(site="texas", load="1 GW", profile=str(file)).load
    assert scaled == pytest.approx(values * 5e7)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("load [MW]\n" + "1\n" * 8784, r"8,784 hours.*leave out 29 February"),
        ("1\n" * 8759, "8,759 hours"),
        ("load [MW]\n" + "1\n" * 100 + "x\n" + "1\n" * 8659, r":102: .*not a load"),
        ("load [MW]\n" + "-1\n" * 8760, "not a load"),
        ("load [kg]\n" + "1\n" * 8760, "not a unit of power"),
        ("hour,power\n" + "1,2\n" * 8760, "no column 'load'"),
        ("0\n" * 8760, "all values are zero"),
        ("", "an empty file"),
    ],
)
def test_profiles_that_cannot_be(tmp_path: Path, text: str, cause: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=cause):
        read_supply_question(site="texas", load="1 GW", profile=str(file))


def test_a_river_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "river.csv"
    file.write_text("\n".join(["0.5"] * 8760))
    question = read_supply_question(
        site="texas", load="10 MW", plants=("hydro",), capacity_factors={"hydro": str(file)}
    )
    (river,) = question.plants
    assert np.ptp(river.hourly("availability", 8760)) == 0.0
    assert 0.4 < river.hourly("availability", 8760)[0] <= 0.5
    file.write_text("\n".join(["1.5"] * 8760))
    with pytest.raises(InputError, match="not shares of a capacity"):
        read_supply_question(
            site="texas", load="10 MW", plants=("hydro",), capacity_factors={"hydro": str(file)}
        )


def test_flexible() -> None:
    gives = read_flexible("10%:60$/MWh", "20%:6h")
    assert gives is not None
    assert (gives.cut_share, gives.cut_cost) == pytest.approx((0.1, 60 / 3.6e9))
    assert (gives.defer_share, gives.defer_window) == pytest.approx((0.2, 6 * 3600.0))
    assert read_flexible(None) is None
    for text in ("20%", "20%:30min", "20%:1000h", "95%:6h"):
        with pytest.raises(InputError, match="deferrable: "):
            read_flexible("10%:60$/MWh", text)
    for text in ("10%", "0%:60$/MWh", "120%:60$/MWh", "10%:-1$/MWh"):
        with pytest.raises(InputError):
            read_flexible(text)


def test_waiting_pays_where_there_is_room_and_loses_nothing(found: SupplyAnswer) -> None:
    gives = Flexible(defer_share=0.2, defer_window=6 * 3600.0)
    day = 0.8 + 0.2 * np.cos(np.arange(8760) / 24 * 2 * np.pi)
    asked = replace(found.question, load=found.question.load * day)
    stiff, waits = plan_supply(asked), plan_supply(replace(asked, flexible=gives))
    assert waits.plan.objective < 0.995 * stiff.plan.objective
    answer = as_answer(waits)
    assert 1e3 < answer["put_off_MWh"] <= 0.2 * answer["load_GWh"] * 1e3
    assert (answer["deferrable_share"], answer["deferrable_h"], answer["flexible_share"]) == (0.2, 6.0, None)
    assert waits.plan.drawn.max() <= asked.load.max() * (1 + 1e-6)
    assert waits.plan.drawn.sum() == pytest.approx(asked.load.sum(), rel=1e-9)
    flat = as_answer(plan_supply(replace(found.question, flexible=gives)))  # nowhere below the highest hour
    assert flat["put_off_MWh"] == pytest.approx(0.0, abs=1.0)


def test_cutting_is_never_dearer(found: SupplyAnswer) -> None:
    cut = plan_supply(replace(found.question, flexible=Flexible(0.1, 100 / 3.6e9)))
    assert cut.plan.objective <= found.plan.objective * (1 + 1e-6)
    answer = as_answer(cut)
    assert 0.0 < answer["cut_MWh"] <= 0.1 * 876e3
    assert answer["flexible_USD_per_MWh"] == pytest.approx(100.0)


def test_hourly_matching_leaves_no_dirty_hour(found: SupplyAnswer) -> None:
    matched = plan_supply(replace(found.question, carbon_limit=None, matching=0.9)).plan
    dirty = matched.dispatch[:, list(matched.names).index("grid")]
    assert np.all(dirty <= 0.1 * matched.load * (1 + 1e-5))


def test_a_file_with_one_value_a_section_is_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "load.yaml"
    file.write_text("site: texas\nload: 1 GW\nsupply: {plants: [grid]}\n")
    here, typed = (
        read_supply_question(site=str(file)),
        read_supply_question(site="texas", load="1 GW", plants=("grid",)),
    )
    assert here.load.tolist() == typed.load.tolist()
    assert here.plants[0].fuel == pytest.approx(typed.plants[0].fuel)
    changed = read_supply_question(site=str(file), settings={"load": "2 GW"})
    assert changed.load.max() == pytest.approx(2e9)
    file.write_text("site: texas\nload: 1\n")
    with pytest.raises(InputError, match=r"load\.yaml:2: load\.peak: the unit is missing"):
        read_supply_question(site=str(file))


def test_a_load_by_year_is_that_of_the_year_and_fuel_prices_move_the_cost() -> None:
    words = {"load.mean": "2025: 200 MW, 2030: 1 GW", "supply.ordered": "2020"}
    mid = read_supply_question(site="texas", year=2027, plants=("gas-turbine",), settings=words)
    assert mid.load.mean() == pytest.approx(5.2e8)
    dear = {"supply.fuel_prices.natural-gas": "20 $/MMBtu"}
    more = read_supply_question(site="texas", year=2027, plants=("gas-turbine",), settings=words | dear)
    assert np.mean(more.plants[0].fuel) > 2 * np.mean(mid.plants[0].fuel)
    assert np.mean(more.low[0].fuel) == pytest.approx(np.mean(more.high[0].fuel))  # of a given price
    with pytest.raises(InputError, match="no such fuel"):
        read_supply_question(site="texas", load="1 GW", settings={"supply.fuel_prices.gass": "2 $/MMBtu"})


def test_the_supply_of_a_scenario_that_trains_is_that_of_run(tmp_path: Path) -> None:
    from gigawatt.chain.study import Study

    file = tmp_path / "run.yaml"
    file.write_text(
        "model: llama-3.1-8b\ntraining: {tokens: 1T tokens}\nmachine: {chip: H100, count: 64}\n"
        "site: virginia\nsupply: {plants: [grid, solar, battery], carbon_limit: 250 g/kWh}\n"
    )
    result = Study.read(file).run()
    answer = as_answer(plan_supply(read_supply_question(site=str(file))))
    assert answer["cost_USD_per_MWh"] == pytest.approx(result["supply.electricity_cost"] * 3.6e9, rel=1e-9)
    assert answer["carbon_g_per_kWh"] == pytest.approx(result["supply.carbon_intensity"] * 3.6e9, rel=1e-9)
    assert answer["load_mean_MW"] == pytest.approx(result["facility.power_mean"] / 1e6, rel=1e-9)
    assert answer["building"]["pue"] == pytest.approx(result["facility.pue"], rel=1e-9)


def test_a_scenario_finds_its_hours_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gigawatt.chain.graph import graph_of
    from gigawatt.chain.leaves import fill_leaves
    from gigawatt.schema.scenario import read_scenario

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hours.csv").write_text("load [MW]\n" + "10\n" * 8759 + "30\n")
    file = tmp_path / "mine" / "campus.yaml"
    file.write_text("load: {hours: hours.csv}\nsite: abilene-texas\n")
    monkeypatch.chdir(tmp_path)
    loaded = read_scenario(file)
    load = graph_of(loaded).evaluate(fill_leaves(loaded)[0], targets=["facility.load"])["facility.load"].value
    assert load.facility.max() == pytest.approx(30e6)


def test_the_range_of_a_plan_that_must_run_holds_its_cost() -> None:
    """Two reactors of 300 MW for 20 MW burn fuel for what is curtailed; ranges are priced as books are."""
    question = read_supply_question(site="texas", load="20MW", plants=["fission-small"], year="2036")
    answer = plan_supply(question)
    assert answer.plan.curtailed.sum() > 0.5 * answer.plan.load.sum()
    lost = answer.plan.cost["energy not served"]["not_served"]
    spent = sum(priced(answer.plan, question.plants, question.carbon_price).values())
    assert spent == pytest.approx(answer.plan.objective - lost, rel=1e-9)
    assert sum(answer.costs.low.values()) <= spent <= sum(answer.costs.high.values())
