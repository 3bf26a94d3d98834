"""Basis of a place and hedges of its price: what they add to a plan, and that they are all they change."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.catalog import loader
from gigawatt.chain.supply.grid_tariff import bill_of
from gigawatt.core.errors import InputError
from gigawatt.power import load_grid
from gigawatt.power.grid import grid_row
from gigawatt.power.market.basis import basis_of
from gigawatt.power.plants.swap import Swap
from gigawatt.studies.supply.plan import SupplyAnswer, plan_supply
from gigawatt.studies.supply.question import read_supply_question

MWH = 3.6e9
HOUR = 3600.0
BASIS = loader.table("basis")


def planned(site: str = "abilene-texas", plants: str = "grid", **settings: object) -> SupplyAnswer:
    named = {f"supply.{name.replace('__', '.')}": value for name, value in settings.items()}
    return plan_supply(
        read_supply_question(
            site=site, load="100MW", plants=plants, settings={"supply.units": "any", **named}
        )
    )


@pytest.mark.parametrize("name", sorted(BASIS))
def test_every_place_is_of_a_grid_and_its_hours_have_the_mean_of_its_row(name: str) -> None:
    row = BASIS[name]
    grid = grid_row(row.text("grid"))
    found = basis_of(name, grid, market=None, year=0, ranged=True)
    latest = max(row.numbers["basis"], key=lambda one: one.year or 0)
    assert found.hours.mean() == pytest.approx(latest.value, abs=1e-15)
    assert found.ends[0] <= 0.0 <= found.ends[1]
    assert found.evidence == latest


def test_a_zone_pays_its_basis_over_the_hub_and_the_hub_is_as_before() -> None:
    hub, zone = (load_grid("ercot", 2026, basis=name) for name in (None, "ercot-west"))
    assert zone.basis is not None
    assert hub.basis is None
    np.testing.assert_allclose(zone.price - zone.basis, hub.price, rtol=1e-12)
    assert zone.basis.mean() * MWH == pytest.approx(8.756)
    night, evening = zone.basis[3::24].mean(), zone.basis[20::24].mean()
    assert evening > night > 0.0  # wind of the night keeps the west cheap


def test_a_year_that_is_asked_for_has_the_basis_of_that_year_and_no_range() -> None:
    for year, mean in ((2022, -43.626), (2024, -5.810)):
        grid = load_grid("new-york", 2026, price_year=year, basis="nyiso-west")
        assert grid.basis is not None
        assert grid.basis.mean() * MWH == pytest.approx(mean)
        assert grid.basis_ends == (0.0, 0.0)


def test_the_range_has_hub_and_place_of_the_same_year() -> None:
    """New York West is 44 $/MWh below the Capital zone in its dearest year, 2022, and 4 in its cheapest."""
    grid = load_grid("new-york", 2026, basis="nyiso-west")
    low, high = grid.basis_ends
    mean = grid.evidence["basis"].value
    assert (mean + low) * MWH == pytest.approx(-4.381)
    assert (mean + high) * MWH == pytest.approx(-43.626)


def test_a_hedge_costs_price_less_hub_on_its_volume_and_changes_no_dispatch() -> None:
    usual = planned(plants="grid,gas-engine,battery")
    plan = planned(plants="grid,gas-engine,battery", hedge="60 % at 50 $/MWh, 10 MW at 40 $/MWh").plan
    grid = usual.question.grid
    hub = grid.price - grid.delivery
    owed = (0.6 * usual.plan.load * (50.0 / MWH - hub) + 1e7 * (40.0 / MWH - hub)).sum() * HOUR
    assert plan.objective - usual.plan.objective == pytest.approx(owed, rel=1e-6)
    np.testing.assert_allclose(plan.dispatch, usual.plan.dispatch, atol=1.0)
    assert plan.bound <= plan.objective


def test_a_load_that_is_hedged_whole_pays_the_same_in_every_year() -> None:
    """However dear the hours were: the price is fixed."""
    fixed = {"hedge": "100 % at 45 $/MWh", "grid__delivery": "0 $/MWh"}
    cheap, dear = (planned(**fixed, grid__year=str(year)) for year in (2020, 2021))
    open_dear = planned(grid__delivery="0 $/MWh", grid__year="2021")
    assert cheap.plan.objective == pytest.approx(dear.plan.objective, rel=1e-6)
    assert open_dear.plan.objective > 2.0 * dear.plan.objective
    wide = planned()
    narrow = planned(hedge="100 % forward")
    spread = [sum(one.costs.high.values()) - sum(one.costs.low.values()) for one in (wide, narrow)]
    assert spread[1] < 0.2 * spread[0]
    assert sum(narrow.costs.low.values()) <= narrow.plan.objective <= sum(narrow.costs.high.values())


def test_a_right_fixes_the_basis() -> None:
    held = [
        planned(grid__basis=basis, congestion_right="100 % at 3 $/MWh").plan.objective
        for basis in ("3 $/MWh", "-20 $/MWh", "ercot-west")
    ]
    assert held == pytest.approx([held[0]] * 3, rel=1e-6)
    assert planned(grid__basis="3 $/MWh").plan.objective == pytest.approx(held[0], rel=1e-6)


@pytest.mark.parametrize("tariff", [None, "ercot-wholesale"])
def test_the_bill_has_basis_and_hedges_and_is_what_the_plan_pays(tariff: str | None) -> None:
    given = {} if tariff is None else {"grid__tariff": tariff}
    answer = planned(plants="grid,battery", grid__basis="ercot-west", hedge="50 % forward",
                     congestion_right="20 MW at 9 $/MWh", **given)  # fmt: skip
    bill, cost = bill_of(answer.plan), answer.plan.cost["grid"]
    assert bill is not None
    paid = cost["fixed"] + cost["variable"] + cost["fuel"]
    connection = 0.0 if tariff else answer.plan.capacity["grid"] * answer.question.plants[0].fixed
    assert bill.dollars == pytest.approx(paid - connection, rel=1e-6)
    lines = bill.by_line()
    kinds = {one.line: one.kind for one in bill.lines}
    assert {"basis", "hedge", "congestion right"} <= set(kinds.values())
    drawn = answer.plan.dispatch[:, 0] + answer.plan.curtailed[:, 0]
    assert answer.question.grid.basis is not None
    basis = next(line for line, kind in kinds.items() if kind == "basis")
    paid = float(drawn @ answer.question.grid.basis) * HOUR
    assert lines[basis] * bill.tariff.dollars == pytest.approx(paid, rel=1e-6)


def test_a_swap_is_settled_by_month_and_years_weigh_as_they_are_given() -> None:
    hours = np.repeat([10.0, 30.0], 8760) / MWH
    swap = Swap("Hedge", "hedge", 20.0 / MWH, hours, share=0.5)
    load = np.full(2 * 8760, 4e6)
    assert swap.settled(load).total == pytest.approx(0.0, abs=1e-6)
    paid = swap.settled(load, duty=0.5, weights=np.array([1.5, 0.5]))
    assert paid.total == pytest.approx(1.0 * 8760 * (0.75 * 10.0 - 0.25 * 10.0))
    assert paid.amount[1] / paid.total == pytest.approx(28 / 365)


BAD = {
    "supply.grid.basis: no such place, and no price; given 'ercot-wst'; allowed: ercot-houston": {
        "grid__basis": "ercot-wst"
    },
    "supply.grid.basis: a place of new-york, the site's grid is ercot; given 'nyiso-west'": {
        "grid__basis": "nyiso-west"
    },
    "supply.hedge: not a hedge; given '80 % of it'": {"hedge": "80 % of it"},
    "supply.hedge: more than the load; given '110 %'": {"hedge": "60 % forward, 50 % at 40 $/MWh"},
    "supply.hedge: neither a share nor a power; given '5 GWh'": {"hedge": "5 GWh forward"},
    "supply.hedge: nothing is fixed": {"hedge": "0 % forward"},
    "supply.congestion_right: no basis that it could settle": {"congestion_right": "50 % forward"},
    "supply.hedge: no energy of the grid": {"plants": "gas-engine", "hedge": "50 % forward"},
    "supply.hedge: this tariff has prices of its own": {
        "hedge": "50 % forward", "grid__tariff": "dominion-gs-3"
    },
    "supply.grid.basis: this tariff has prices of its own": {
        "grid__basis": "4 $/MWh", "grid__tariff": "dominion-gs-3"
    },
    "supply.hedge: the catalog has no hours of a market of MISO": {
        "site": "des-moines-iowa", "hedge": "50 % forward"
    },
}  # fmt: skip


@pytest.mark.parametrize("line", BAD)
def test_what_cannot_be_held_is_one_line(line: str) -> None:
    with pytest.raises(InputError) as told:
        planned(**BAD[line])
    assert line in str(told.value)
    assert "\n" not in str(told.value)
