"""Tariffs, agreements and sales of a question: from words to the plan's books."""

from __future__ import annotations

import pytest

from gigawatt.chain.supply.grid_tariff import bill_of
from gigawatt.chain.supply.grid_trade import clean_share, read_agreements
from gigawatt.core.errors import InputError
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import read_supply_question

MWH = 3.6e9


def _asked(plants: str = "grid,gas-engine", tariff: str | None = None, **settings: object):
    named = {f"supply.{name.replace('__', '.')}": value for name, value in settings.items()}
    return read_supply_question(
        site="texas", load="100MW", plants=plants, tariff=tariff, settings={"supply.units": "any", **named}
    )


def test_the_bill_is_what_the_plan_pays_its_grid_with_agreements_beside() -> None:
    """Energy of an agreement is not billed by the tariff; its power counts for demand."""
    answer = plan_supply(
        _asked(
            "grid,battery,solar", "ercot-wholesale", ppa="solar 60 MW, matched 20 MW", ppa_price="35 $/MWh"
        )
    )
    bill, cost = bill_of(answer.plan), answer.plan.cost["grid"]
    assert bill is not None
    assert bill.dollars == pytest.approx(cost["fixed"] + cost["variable"] + cost["fuel"], rel=1e-6)
    delivery = next(p for p in bill.tariff.parts if p.line == "Delivery")
    peaks = [one.quantity for one in bill.lines if one.line == "Delivery"]
    assert len(peaks) == 12
    assert max(peaks) == pytest.approx(answer.plan.metered("grid").max())
    assert delivery.price == pytest.approx(0.6e-3)


def test_a_solar_agreement_is_paid_as_produced() -> None:
    answer = plan_supply(_asked(ppa="solar 100 MW, matched 20 MW", ppa_price="40 $/MWh"))
    plan = answer.plan
    agreement = plan.plants[plan.names.index("ppa-solar")]
    produced = float(agreement.hourly("availability", 8760).sum()) * 1e8 * 3600.0
    assert plan.cost["ppa-solar"]["fixed"] == pytest.approx(40.0 / MWH * produced)
    assert 0.0 < clean_share(plan) < 1.0
    assert sum(answer.costs.low.values()) <= plan.objective <= sum(answer.costs.high.values())
    assert clean_share(plan_supply(_asked()).plan) == 0.0


def test_sales_are_paid_no_more_than_energy_costs_in_the_hour() -> None:
    question = _asked("grid,solar", "dominion-gs-3", grid__sell="true", grid__sell_spread="2 $/MWh")
    grid = question.plants[0]
    hours = len(question.load)
    bought = grid.hourly("fuel", hours) + grid.hourly("variable", hours)
    assert (grid.hourly("sale", hours) <= bought + 1e-15).all()
    assert grid.sale_limit == float("inf")


BAD = {
    "no kind": ({"ppa": "hydro 10 MW"}, "no such agreement"),
    "no power": ({"ppa": "solar"}, "supply.ppa"),
    "twice": ({"ppa": "solar 1 MW, solar 2 MW"}, "the same kind twice"),
    "price alone": ({"ppa_price": "50 $/MWh"}, "no agreement has this price"),
    "limit alone": ({"grid__sell_limit": "5 MW"}, "nothing is sold"),
    "contract alone": ({"grid__contract": "5 MW"}, "no tariff takes a share of it"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_one_line(name: str) -> None:
    settings, words = BAD[name]
    with pytest.raises(InputError) as raised:
        _asked(**settings)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_agreement_needs_a_connection_and_a_small_one_no_large_load_tariff() -> None:
    with pytest.raises(InputError, match="no connection"):
        _asked("gas-engine", ppa="solar 10 MW")
    with pytest.raises(InputError, match=r"supply\.grid\.limit of at least 25 MW"):
        _asked(tariff="dominion-gs-5", grid__limit="10 MW")


def test_prices_of_agreements_are_those_of_the_market() -> None:
    (texan,), rows = read_agreements("solar 1 MW", None, "ercot")
    (other,), _ = read_agreements("solar 1 MW", None, "somewhere")
    assert texan.price < other.price
    assert rows[0].entity == "ercot"
    assert read_agreements("wind 2 GW", 5e-9, "ercot")[1] == ()
