"""Accelerators bought in another year, rented, and sold used."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.machine import load_chip
from gigawatt.machine.prices import MARKET, bought_in, rent_in, resale_share, sold
from gigawatt.studies.run.door import run

RUN = {
    "model": "llama-3.1-8b", "year": 2026, "training.tokens": "100B tokens", "machine.chip": "H100",
    "machine.count": 64, "site": "virginia", "supply.price": "60 $/MWh",
}  # fmt: skip


def found(**economics: object) -> Result:
    return run({**RUN, **{f"economics.{name}": value for name, value in economics.items()}}).found


def test_the_price_stands_until_its_row_and_falls_from_then_on() -> None:
    """By the catalog's share a year; never to nothing by 2045."""
    chip = load_chip("H100")
    share = 1.0 - catalog.entity("chip_prices", "default").value("decline")
    since = chip.evidence["price"].currency_year
    assert since is not None
    assert bought_in(chip, since).price == chip.price
    assert bought_in(chip, since + 3).price == pytest.approx(chip.price * share**3)
    years = [bought_in(chip, year).price for year in range(chip.year, 2046)]
    assert all(a >= b > 0.0 for a, b in pairwise(years))


def test_a_rent_lies_between_those_of_its_years() -> None:
    chip = load_chip("H100")
    rents = [rent_in(chip, year) or 0.0 for year in (2023, 2025, 2026, 2030)]
    assert all(a > b > 0.0 for a, b in pairwise(rents))
    assert rent_in(load_chip("TPU-v4"), 2023) is None


def test_the_year_of_purchase_moves_the_capital_alone() -> None:
    early, late = found(chip_bought=2023), found(chip_bought=2030)
    assert early["ledger.total_capital"] > late["ledger.total_capital"]
    assert early["ledger.rented_cost"] == late["ledger.rented_cost"]
    assert late["ledger.total_capital"] < found()["ledger.total_capital"] < early["ledger.total_capital"]


def test_a_rented_run_costs_its_hours_times_the_rent() -> None:
    result = found(chip_rent="2 $/h")
    hours = result["training.accelerator_hours"] / 3600.0
    assert result["ledger.rented_cost"] == pytest.approx(2.0 * hours)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"chip_bought": 2019}, "not sold before"), ({"chip_bought": 2025, "chip_price": "20 k$"}, "twice")],
)
def test_what_cannot_be_bought_is_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        found(**given)
    assert raised.value.key == "economics.chip_bought"


YEAR = 8760 * 3600.0


def test_used_ones_fetch_less_with_age_and_a_given_share_at_any() -> None:
    chip = load_chip("H100")
    market, half = sold(chip, MARKET), sold(chip, 0.5)
    ages = [0.0, 0.5, 1.0, 1.7, 3.0, 5.0, 6.0, 15.0]
    shares = [resale_share(market, age * YEAR) for age in ages]
    assert shares[0] == 1.0
    assert all(a > b > 0.0 for a, b in pairwise(shares))
    row = catalog.entity("chip_resale", "3-years").evidence("share")
    assert shares[4] == pytest.approx(row.value)
    assert shares[6] == pytest.approx(0.18 * 0.18 / 0.25)  # on as from four years to five
    assert {resale_share(half, age * YEAR) for age in ages} == {0.5}
    assert {resale_share(chip, age * YEAR) for age in ages} == {0.0}


def test_resale_takes_its_discounted_annuity_from_the_yearly_cost_alone() -> None:
    life = {"chip_life": "4 years", "discount_rate": "8 %"}
    kept, used = found(**life), found(chip_resale="25 %", **life)
    spares = 1.0 + catalog.entity("finance", "hyperscaler").value("spare_share")
    price = 64 * bought_in(load_chip("H100"), 2026).price * spares * 0.25
    saved = price * 1.08**-4 * 0.08 / (1.0 - 1.08**-4)
    fallen = kept["ledger.annual_cost"] - used["ledger.annual_cost"]
    assert fallen * YEAR == pytest.approx(saved, rel=1e-6)
    assert used["ledger.total_capital"] == kept["ledger.total_capital"]
    market = found(chip_resale=MARKET, **life)
    assert market["ledger.annual_cost"] == pytest.approx(used["ledger.annual_cost"])  # 25 % after four years
    assert [one.value for one in market.assumptions if one.key == "chip.resale"] == [
        "70 %, 50 %, 37 %, 25 %, 18 %"
    ]


def test_a_resale_that_is_none_says_what_would_do() -> None:
    with pytest.raises(InputError, match="not a resale value") as raised:
        found(chip_resale="scrap")
    assert (raised.value.key, raised.value.given) == ("economics.chip_resale", "scrap")
    assert "market" in str(raised.value.allowed)
