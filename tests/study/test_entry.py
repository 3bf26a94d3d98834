"""A plant before the door of a plan: just below its price of entry it is built, just above it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gigawatt.core.errors import InputError
from gigawatt.studies.supply.entry import entries
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import SupplyQuestion, read_supply_question
from sampled import sampled

PLANTS = ("grid", "solar", "wind", "battery", "fusion", "space-solar")


@pytest.fixture(scope="module")
def question() -> SupplyQuestion:
    return read_supply_question(
        site="texas", load="100 MW", year=2040, plants=PLANTS, carbon="50 g/kWh", ordered="any"
    )


@pytest.mark.parametrize("name", sampled(["fusion", "space-solar"], 1))
def test_the_price_of_entry_divides_built_from_not_built(question: SupplyQuestion, name: str) -> None:
    bare = tuple(
        replace(plant, minimum_load=0.0, ramp=None, fixed=0.0) if plant.id == name else plant
        for plant in question.plants
        if plant.id in (name, "grid", "solar", "wind", "battery")
    )
    ends = {"low": bare, "high": bare, "plants": bare}
    found, (entry,) = entries(replace(question, units="any", **ends), [name])
    assert entry.worth > 0.0
    mine = next(plant for plant in bare if plant.id == name)
    recovery = mine.capital / mine.investment
    for share, built in ((0.98, True), (1.02, False)):
        capital = entry.enters_at * share
        tried = tuple(
            replace(plant, capital=capital * recovery, investment=capital) if plant.id == name else plant
            for plant in bare
        )
        given = replace(question, plants=tried, low=tried, high=tried, units="any")
        plan = plan_supply(given).plan
        assert (plan.capacity[name] > 1e5) is built
        assert plan.objective <= found.plan.objective * (1.0 + 1e-6)


def test_a_range_may_enter_at_its_low_end_only(question: SupplyQuestion) -> None:
    found, (fusion, space) = entries(question, ["fusion", "space-solar"])
    assert "fusion" not in found.plan.capacity
    assert fusion.enters in ("no", "at its low end")
    assert space.enters == "no"
    assert space.low < space.capital < space.high


def test_stores_and_strangers_are_refused(question: SupplyQuestion) -> None:
    with pytest.raises(InputError, match="battery: the value of a store does not follow"):
        entries(question, ["battery"])
    with pytest.raises(InputError, match="newcomers: not among the plants; given 'coal'"):
        entries(question, ["coal"])
