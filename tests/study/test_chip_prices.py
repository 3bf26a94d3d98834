"""Accelerators bought in another year, and rented."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.machine import load_chip
from gigawatt.machine.prices import bought_in, rent_in
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
