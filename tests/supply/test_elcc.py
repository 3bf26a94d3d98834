"""Marginal ELCC: against brute force, a perfect unit, common modes, its own amount; published classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.catalog import table
from gigawatt.power.adequacy import adequacy_of
from gigawatt.power.adequacy.elcc import credits_of
from gigawatt.power.adequacy.system import System, system_of
from gigawatt.studies.supply.accreditation import accreditation_grids, accreditation_json
from gigawatt.studies.supply.plan import SupplyAnswer, plan_supply
from gigawatt.studies.supply.question import read_supply_question


def planned(**words: object) -> SupplyAnswer:
    settings = {"year": 2030, "supply.ordered": "any"}
    return plan_supply(read_supply_question(site="texas", load="100MW", settings=settings, **words))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def engines() -> SupplyAnswer:
    return planned(plants=["gas-engine"])


@pytest.fixture(scope="module")
def mixed() -> SupplyAnswer:
    return planned(plants=["gas-engine", "gas-turbine", "solar", "wind"])


def share_of(answer: SupplyAnswer, system: System, plant: str) -> float:
    return next(one.share for one in credits_of(answer.plan, system) if one.plant == plant)


def alone(system: System) -> System:
    return replace(system, modes=())


def with_forced(system: System, forced: float) -> System:
    """A kind more whose units are out so often and never maintained, of the plant of the first."""
    first = system.kinds[0]
    units = replace(first.units, count=1, size=1e3, forced=forced, planned=0.0)
    ones = np.ones(len(system.need))
    added = replace(
        first, units=units, share=ones, risk=ones, hazard=ones, plant=replace(first.plant, id="x")
    )
    return replace(system.with_kind(added), modes=())


def test_a_perfect_unit_counts_in_full(engines: SupplyAnswer) -> None:
    plan, system = engines.plan, with_forced(system_of(engines.plan), 0.0)
    plan = replace(plan, capacity={**plan.capacity, "x": 1e3})
    assert {one.plant: one.share for one in credits_of(plan, system)}["x"] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("forced", [0.02, 0.1, 0.3])
def test_a_unit_apart_from_all_counts_as_often_as_it_is_there(engines: SupplyAnswer, forced: float) -> None:
    """Weather and maintenance aside, what is there in the hours of loss is 1 - forced."""
    plan, system = engines.plan, with_forced(system_of(engines.plan), forced)
    plan = replace(plan, capacity={**plan.capacity, "x": 1e3})
    found = {one.plant: one.share for one in credits_of(plan, system)}["x"]
    assert found == pytest.approx(1.0 - forced, rel=0.01)


def test_against_brute_force(mixed: SupplyAnswer) -> None:
    """A unit put into the tables, and perfect power sought until as little is lost."""
    system = alone(system_of(mixed.plan))
    little = 0.01 * float(mixed.plan.load.max())
    i, one = next((i, one) for i, one in enumerate(system.kinds) if one.plant.id == "gas-engine")
    small = replace(one, units=replace(one.units, count=1, size=little, planned=0.0))
    still = replace(one, units=replace(one.units, planned=0.0))
    kinds = (*system.kinds[:i], still, *system.kinds[i + 1 :])
    system = replace(system, kinds=kinds)
    bigger = replace(
        system, kinds=(*kinds, small), out=np.column_stack([system.out, 0 * system.out[:, i]]),
        **{name: np.column_stack([getattr(system, name), getattr(one, name)])
           for name in ("share", "risk", "hazard")},
    )  # fmt: skip
    left = bigger.indices().energy
    low, high = 0.0, 2.0 * little
    for _ in range(40):
        middle = 0.5 * (low + high)
        lost = replace(system, need=system.need - middle).indices().energy
        low, high = (middle, high) if lost > left else (low, middle)
    assert share_of(mixed, system, "gas-engine") == pytest.approx(low / little, rel=0.01)


def test_it_falls_with_its_own_amount() -> None:
    """Of sun, as what is left to lose moves into the night."""
    plan = (mixed := planned(plants=["gas-engine", "solar"], carbon="450 g/kWh")).plan
    solar = next(one for one in plan.plants if one.id == "solar")
    system = system_of(plan)
    there = np.asarray(solar.hourly("availability", len(plan.load)))
    more = replace(system, need=system.need - 100e6 * there)
    assert share_of(mixed, more, "solar") < share_of(mixed, system, "solar") < float(there.mean())


def test_what_hangs_on_one_line_counts_less(engines: SupplyAnswer) -> None:
    """Hours in which the line is out, a further engine is out too."""
    system = system_of(engines.plan)
    shared, apart = (share_of(engines, one, "gas-engine") for one in (system, alone(system)))
    assert shared < apart < 1.0


def test_nothing_lost_nothing_counted(engines: SupplyAnswer) -> None:
    system = alone(system_of(engines.plan))
    assert credits_of(engines.plan, replace(system, need=system.need * 1e-3)) == ()


def test_stores_are_simulated() -> None:
    answer = planned(plants=["gas-engine", "solar", "battery"], carbon="250 g/kWh")
    found = {one.plant: one.share for one in credits_of(answer.plan, adequacy_of(answer.plan).system)}
    assert set(found) == {"gas-engine", "solar", "battery"}
    assert 0.0 < found["battery"] < found["gas-engine"] < 1.1
    assert found["solar"] < found["gas-engine"]


def test_the_classes_of_a_market_are_rows(engines: SupplyAnswer) -> None:
    """PJM's gas turbine: 63, 60 and 61 % of 1 GW; another grid has none."""
    credits = [
        replace(credits_of(engines.plan, system_of(engines.plan))[0], plant="gas-turbine", capacity=1e9)
    ]
    rows = accreditation_json(credits, "pjm-dominion")[0]["ratings"]
    assert [row["delivery_from"] for row in rows] == [2025, 2026, 2027]
    assert [row["accredited_MW"] for row in rows] == pytest.approx([630.0, 600.0, 610.0])
    assert accreditation_json(credits, "ercot")[0]["ratings"] == []
    assert len(accreditation_grids({"accreditation": accreditation_json(credits, "pjm-ohio")})) == 2
    assert accreditation_grids({"accreditation": []}) == ()
    plants = table("plants")
    assert all(name.removeprefix("pjm-") in plants for name in table("accreditation"))
