"""Market-based carbon beside location-based: agreements at theirs, the residual mix for the rest."""

from __future__ import annotations

import pytest

from gigawatt.catalog import loader
from gigawatt.chain.supply.grid_trade import market_based
from gigawatt.power.carbon import DIRECT, LIFE_CYCLE, SUPPLY_CHAIN, residual_mix
from gigawatt.power.grid import load_grid
from gigawatt.studies.run.door import run
from gigawatt.studies.supply.answer import as_answer
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import read_supply_question

GRAM = 3.6e9


def asked(site: str, plants: str = "grid", **settings: str):
    return plan_supply(read_supply_question(site=site, load="100 MW", plants=plants, settings=settings))


def test_a_residual_mix_is_the_published_one_at_the_stack() -> None:
    germany = loader.entity("grids", "germany")
    value, said = residual_mix(germany, DIRECT, 1.0)
    assert value * GRAM == pytest.approx(724.56)
    assert "2024" in said.reason
    texas = loader.entity("grids", "ercot")  # 823.81 lb of CO2, 0.043 of CH4, 0.006 of N2O per MWh
    pounds = 823.81 + 29.8 * 0.043 + 273.0 * 0.006
    assert residual_mix(texas, DIRECT, 1.0)[0] * GRAM == pytest.approx(pounds * 0.45359237, abs=0.06)
    upstream = loader.entity("grids_defaults", "world").value("fossil_upstream")
    assert 1.15 < upstream < 1.25
    for boundary in (SUPPLY_CHAIN, LIFE_CYCLE):
        assert residual_mix(germany, boundary, 1.0)[0] == pytest.approx(upstream * value)


def test_the_mean_stands_in_where_no_residual_mix_is_published() -> None:
    grid = load_grid("great-britain", 2026)
    assert grid.residual == pytest.approx(float(grid.carbon.mean()))
    (said,) = [one for one in grid.assumptions if one.key == "carbon.residual_mix"]
    assert said.grade.label == "guess"
    assert "stands in" in said.reason


@pytest.mark.parametrize("name", sorted(loader.table("grids")))
def test_a_residual_mix_is_dirtier_than_clean_and_no_worse_than_coal(name: str) -> None:
    row = loader.entity("grids", name)
    value, _ = residual_mix(row, DIRECT, 300.0 / GRAM)
    assert 10.0 < value * GRAM < 1000.0


def test_a_grid_alone_counts_at_its_residual_mix() -> None:
    supply = asked("karlsruhe", **{"carbon.boundary": "direct"})
    answer = as_answer(supply)
    assert answer["carbon_market_based_g_per_kWh"] == pytest.approx(724.56, rel=1e-6)
    assert answer["carbon_g_per_kWh"] < 350.0


def test_an_agreement_is_clean_and_the_rest_residual() -> None:
    ppa = {"supply.ppa": "baseload 40 MW", "carbon.boundary": "direct"}
    supply = asked("karlsruhe", **ppa)
    answer = as_answer(supply)
    assert answer["carbon_market_based_g_per_kWh"] == pytest.approx(
        (1.0 - answer["clean_share_market_based"]) * 724.56, rel=1e-6
    )
    assert answer["clean_share_market_based"] == pytest.approx(0.4, rel=0.01)


def test_plants_of_the_site_count_as_they_burn() -> None:
    supply = asked("texas", "gas-turbine")
    assert market_based(supply.plan, 1.0) == pytest.approx(supply.plan.carbon_intensity)


def test_run_says_the_same_as_plan_supply() -> None:
    supply = asked("karlsruhe")
    found = run({"site.name": "karlsruhe", "load.peak": "100 MW", "supply.plants": ["grid"]})
    assert found.found["supply.carbon_intensity_market"] == pytest.approx(
        market_based(supply.plan, supply.question.grid.residual)
    )


def test_a_residual_mix_that_is_given_takes_the_place_of_the_catalogs() -> None:
    given = {"supply.grid.residual_carbon": "400 g/kWh", "carbon.boundary": "direct"}
    mine, usual = (as_answer(asked("karlsruhe", **one)) for one in (given, {"carbon.boundary": "direct"}))
    assert mine["carbon_market_based_g_per_kWh"] == pytest.approx(400.0)
    assert mine["carbon_g_per_kWh"] == usual["carbon_g_per_kWh"]
    assert "carbon.residual_mix" in {one["key"] for one in usual["assumptions"]}
    assert "carbon.residual_mix" not in {one["key"] for one in mine["assumptions"]}
