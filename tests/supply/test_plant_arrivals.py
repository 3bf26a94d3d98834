"""What can be there in the year: orders, lead times, what is left out, refused or bridged."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.chain.supply.arrivals import arrival_of
from gigawatt.chain.supply.orders import Orders, read_orders
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.power import load_grid
from gigawatt.power.dates import Arrival, year_of
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.supply.answer import as_answer
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import SupplyQuestion, read_supply_question

YEAR = 365.0 * 86400.0
NOW = year_of("2026-11")


def asked(**words: object) -> SupplyQuestion:
    return read_supply_question(site="texas", load="100 MW", **words)


def names(question: SupplyQuestion) -> list[str]:
    return [plant.id for plant in question.plants]


def test_a_lead_time_is_a_lognormal_of_two_pieces() -> None:
    """Low and high are its 5 and 95 %, the value its median; chance is the inverse of the quantile."""
    one = Arrival("x", "x", 2026.0, (5.0 * YEAR, 2.0 * YEAR, 8.0 * YEAR))
    for probability, year in ((0.05, 2028.0), (0.5, 2031.0), (0.95, 2034.0)):
        assert one.ready(probability) == pytest.approx(year)
        assert one.chance(year) == pytest.approx(probability)
    z = NormalDist().inv_cdf(0.25) / NormalDist().inv_cdf(0.95)
    assert one.ready(0.25) == pytest.approx(2026.0 + 5.0 * math.exp(z * math.log(5.0 / 2.0)))
    assert one.chance(2025.0) == one.chance(2026.0) == 0.0
    stands = Arrival("x", "x", 2026.0, (0.0, 0.0, 0.0))
    assert (stands.ready(0.9), stands.chance(2026.0), stands.chance(2025.9)) == (2026.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("2026-11", Orders(NOW)),
        ("any", Orders(None)),
        ("2026-11, grid: 2022-03", Orders(NOW, {"grid": year_of("2022-03")})),
        ("grid: any", Orders(NOW, {"grid": None})),
        ("any, reactor: 2024", Orders(None, {"fission-small": 2024.5})),
    ],
)
def test_orders_as_people_write_them(text: str, orders: Orders) -> None:
    assert read_orders(text) == orders


@pytest.mark.parametrize(
    ("written", "orders"),
    [
        ("2026-11-15", Orders(year_of("2026-11-15"))),
        ("2026", Orders(2026.5)),
        ("{all: 2026-11, grid: 2022-03-01}", Orders(NOW, {"grid": year_of("2022-03-01")})),
        ("{grid: any}", Orders(NOW, {"grid": None})),
    ],
)
def test_orders_as_a_file_writes_them(written: str, orders: Orders, tmp_path: Path) -> None:
    """YAML makes dates and mappings of them."""
    file = tmp_path / "run.yaml"
    file.write_text(f"load: {{peak: 10 MW}}\nsite: texas\nsupply:\n  ordered: {written}\n")
    assert read_orders(read_scenario(file).scenario.supply.ordered) == orders


@pytest.mark.parametrize(
    "text", ["soon", "2026-13", "2026, 2027", "grid: 2022, grid: 2023", "grud: 2022", "grid:", ""]
)
def test_orders_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_orders(text)
    assert caught.value.key == "supply.ordered"


@pytest.mark.parametrize("year", [2028, 2030, 2032, 2036])
def test_a_plan_holds_nothing_that_had_to_be_ordered_before_now(year: int) -> None:
    """By the median lead time, of every plant that the question does not name."""
    answer = as_answer(plan_supply(asked(year=year)))
    for row in answer["plants"]:
        assert row["ready"] <= year
        assert row["order_by"] >= NOW
        assert row["ready"] == pytest.approx(NOW + row["lead_time_years"])
        assert row["ready_low"] <= row["ready"] <= row["ready_high"]
    for said in answer["lead_times"]:
        if "order by" in said:
            assert year_of(said.rpartition(" ")[2]) >= NOW - 1.0 / 12.0


def test_what_is_left_out_is_named_with_its_year() -> None:
    question = asked(year=2030)
    assert "fission-small" not in names(question)
    assert "grid" not in names(question)
    said = [one for one in question.notices if "small light-water reactor is left out" in one]
    assert len(said) == 1
    assert "2034-11" in said[0]
    assert any(one.key == "supply.ordered" for one in question.assumptions)


def test_the_later_the_year_the_more_is_there_and_the_surer_the_less() -> None:
    kinds = [
        set(names(asked(year=year))) - {"gas-turbine-rented", "gas-fuel-cell", "power-leased"}
        for year in range(2027, 2037)
    ]
    assert all(few <= more for few, more in pairwise(kinds))
    assert "fission-small" in kinds[-1]
    by_chance = [set(names(asked(year=2031, ready=f"{p} %"))) for p in (5, 20, 50, 80, 95)]
    assert all(more >= few for more, few in pairwise(by_chance))
    assert by_chance[0] > by_chance[-1]


def test_where_nothing_is_there_bridges_are() -> None:
    assert names(asked(year=2027)) == ["gas-turbine-rented", "gas-fuel-cell", "power-leased"]
    answer = as_answer(plan_supply(asked(year=2027)))
    assert answer["plants"][0]["ready"] > 2027.0
    assert answer["plants"][0]["order_by"] is None
    assert any("there at the start of 2027 with" in one for one in answer["lead_times"])


@pytest.mark.parametrize(
    ("plants", "year", "said"),
    [
        ("reactor", 2027, "a year from 2035 on"),
        ("small-reactor,gas-engine", 2027, "a year from 2035 on"),
        ("gas-engine", 2027, "a year from 2029 on"),
        ("fusion", 2026, "a year from 2043 on"),
        ("fusion,grid", 2040, "a year from 2043 on"),
    ],
)
def test_what_is_asked_for_by_name_is_refused_with_the_year(plants: str, year: int, said: str) -> None:
    with pytest.raises(InfeasibleError) as caught:
        asked(year=year, plants=plants)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    works = int(said.split()[3])
    assert asked(year=works, plants=plants).plants
    assert asked(year=year, plants=plants, ordered="any").plants


def test_a_plant_that_may_have_been_ordered_is_kept_with_its_chance() -> None:
    """A connection asked for now is there in 2030 in one case of five: kept where it is named, said so."""
    question = asked(year=2030, plants="grid,solar")
    answer = as_answer(plan_supply(question))
    grid = next(row for row in answer["plants"] if row["id"] == "grid")
    chance = question.arrivals.by["grid"].chance(2030)
    assert 0.1 < chance < 0.5
    assert grid["order_by"] is None
    assert any(f"there at the start of 2030 with {100 * chance:.0f} %" in one for one in answer["lead_times"])
    with pytest.raises(InfeasibleError, match="cannot be there by 2030"):
        asked(year=2030, plants="grid,solar", ready="50 %")
    assert names(asked(year=2030, plants="grid,solar", ready="50 %", ordered="grid: 2024")) == [
        "grid",
        "solar",
    ]


def test_a_connection_that_the_question_names_may_stand() -> None:
    """It is kept, and the answer says when it would come if it were requested now."""
    question = asked(year=2027, plants="grid")
    answer = as_answer(plan_supply(question))
    assert answer["plants"][0]["order_by"] is None
    assert any("there at the start of 2027 with 0 %" in one for one in answer["lead_times"])
    for more in ({"ready": "50 %"}, {"ordered": "2026-11"}):
        with pytest.raises(InfeasibleError, match="a year from 2032 on"):
            asked(year=2027, plants="grid", **more)


def test_a_limit_of_a_plant_that_is_left_out_goes_with_it() -> None:
    question = asked(year=2029, limits={"fission-small": "10 MW", "gas-engine": "150 MW"})
    assert "fission-small" not in names(question)
    assert next(p for p in question.plants if p.id == "gas-engine").maximum == pytest.approx(1.5e8)


def test_this_year_asks_what_to_order() -> None:
    """All plants are offered, ordered as the year begins; the answer says when each is there."""
    question = asked(year=2026)
    assert names(question) == catalog.entity("defaults", "supply.plants").text("text").split("|")
    answer = as_answer(plan_supply(question))
    grid = next(row for row in answer["plants"] if row["id"] == "grid")
    assert (grid["order_by"], grid["ready"]) == (None, 2026.0 + grid["lead_time_years"])
    assert any("ordered at the start of 2026 it gives power from" in one for one in answer["lead_times"])
    with pytest.raises(InfeasibleError, match="no plant can be there in 2026: the first is"):
        asked(year=2026, ordered="2026-11")


def test_orders_do_not_move_a_supply_that_is_bought(tmp_path: Path) -> None:
    from gigawatt.chain.study import Study

    file = tmp_path / "run.yaml"
    file.write_text(
        "year: 2027\nmodel: llama-3.1-8b\ntraining: {tokens: 1T tokens}\nmachine: {chip: H100, count: 64}\n"
        "site: virginia\nsupply: {price: 60 $/MWh}\n"
    )
    assert Study.read(file).run()["supply.electricity_cost"] == pytest.approx(60.0 / 3.6e9)


def test_a_pathway_has_the_same_dates() -> None:
    from gigawatt.studies.pathway.plan import pathways
    from gigawatt.studies.pathway.question import read_pathway_question

    words = {"site": "texas", "load": "50 MW", "years": "2027,2037", "weeks": 1, "whole_steps": True,
             "plants": "grid,gas-engine,solar"}  # fmt: skip
    orders = {"supply.ordered": "2026-11, grid: 2024"}
    found = pathways(read_pathway_question(**words, settings=orders), compare=False)
    year = asked(year=2032, plants="grid,gas-engine,solar", settings=orders)
    for name, when in found.ready.items():
        assert when == pytest.approx(max(2027.0, year.arrivals.by[name].ready()))
    surer = pathways(
        read_pathway_question(**words, settings=orders | {"supply.ready": "90 %"}), compare=False
    )
    assert surer.ready["solar"] == pytest.approx(year.arrivals.by["solar"].ready(0.9))


@pytest.mark.parametrize("site", ["luleå", "reykjavik", "nairobi"])
def test_sun_and_batteries_alone_are_bridged(site: str) -> None:
    """No gas by law or for want of it, the connection months late: panels alone were $4,529/MWh in Luleå."""
    found = plan_supply(read_supply_question(site=site, load="100 MW", year=2031))
    assert found.plan.capacity["power-leased"] > 50e6
    assert as_answer(found)["cost_USD_per_MWh"] < 250.0


def test_leased_power_comes_by_its_own_lead_time_not_by_the_queue() -> None:
    grid = load_grid("ercot", 2028)
    leased, queued = (arrival_of(name, NOW, grid) for name in ("power-leased", "grid"))
    row = catalog.entity("plants", "power-leased").evidence("lead_time")
    assert leased.lead == (row.value, row.low, row.high)
    assert queued.lead == (grid.connection_time, *grid.connection_range)
    assert leased.ready() < queued.ready()
    (plant,) = asked(year=2029, plants=["power-leased"], settings={"supply.grid.nonfirm": "100 h"}).plants
    there = np.asarray(plant.availability)
    assert there.min() > 0.99  # the connection's terms are not its own
    margin = catalog.entity("plants", "power-leased").value("variable_cost")
    assert plant.variable == pytest.approx(margin)
    assert np.allclose(plant.fuel, asked(year=2029, plants=["power-leased"]).grid.price)


def test_a_connection_that_may_be_cut_comes_earlier() -> None:
    grid = load_grid("ercot", 2028)
    row = catalog.entity("grids_defaults", "world").evidence("connection_time_nonfirm")
    assert grid.connection_lead(nonfirm=True) == (row.value, row.low, row.high)
    assert arrival_of("grid", NOW, grid, nonfirm=True).ready() < arrival_of("grid", NOW, grid).ready()
    quick = replace(grid, connection_time=YEAR, connection_range=(0.5 * YEAR, 2.0 * YEAR))
    assert quick.connection_lead(nonfirm=True) == (YEAR, 0.5 * YEAR, 2.0 * YEAR)
    assert "grid" not in names(asked(year=2029))
    assert "grid" in names(asked(year=2029, settings={"supply.grid.nonfirm": "100 h"}))
    assert "grid" not in names(asked(year=2029, settings={"supply.grid.nonfirm": "0 h"}))


def test_a_small_load_waits_in_no_queue_of_large_ones() -> None:
    """By its peak: a transformer, a circuit, or a substation and the queue; never later than a large one."""
    grid = load_grid("ercot", 2028)
    rows = catalog.entity("grids_defaults", "world")
    small, medium = (rows.evidence(f"connection_time_{size}") for size in ("small", "medium"))
    assert grid.connection_lead(peak=1e6) == (small.value, small.low, small.high)
    assert grid.connection_lead(peak=10e6) == (medium.value, medium.low, medium.high)
    assert grid.connection_lead(peak=10.1e6) == grid.connection_lead()
    waits = [grid.connection_lead(peak=watts)[0] for watts in (1e3, 1e5, 2e6, 1e7, 2e7, 1e9)]
    assert waits == sorted(waits)
    quick = replace(grid, connection_time=0.2 * YEAR, connection_range=(0.05 * YEAR, 0.4 * YEAR))
    assert quick.connection_lead(peak=1e6) == (0.2 * YEAR, 0.05 * YEAR, 0.4 * YEAR)


def test_whether_a_connection_is_offered_depends_on_the_load() -> None:
    def offered(load: str, year: int, **words: object) -> list[str]:
        return names(read_supply_question(site="texas", load=load, year=year, **words))

    assert "grid" in offered("0.8 MW", 2028)
    assert "grid" not in offered("8 MW", 2028)
    assert "grid" in offered("8 MW", 2029)
    large = read_supply_question(site="texas", load="80 MW", year=2029)
    assert "grid" not in names(large)
    assert any("grid connection is left out" in one for one in large.notices)
    assert offered("0.8 MW", 2028, plants=["grid"], ordered="2026-11") == ["grid"]
    with pytest.raises(InfeasibleError, match="cannot be there by 2028: grid"):
        offered("80 MW", 2028, plants=["grid"], ordered="2026-11")
    only = {"settings": {"supply.limits": {"solar": "0 W", "wind": "0 W"}}}
    assert "power-leased" in offered("80 MW", 2027, **only)
    assert "power-leased" not in offered("0.8 MW", 2028, **only)
