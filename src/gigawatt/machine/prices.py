"""Prices of accelerators by year: bought in another year than that of the catalog's row, or rented."""

from __future__ import annotations

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Evidence
from gigawatt.machine.machine import Chip

__all__ = ["price_in", "rent_in"]

_TABLE, _DEFAULT = "chip_prices", "default"


def _fallen(years: float) -> float:
    """Share of a price that is left after so many years on sale."""
    return (1.0 - catalog.entity(_TABLE, _DEFAULT).value("decline")) ** max(years, 0.0)


def price_in(chip: Chip, year: int) -> tuple[float, tuple[Evidence, ...]]:
    """(price of a new one bought in a year [$], the rows that it follows from).

    Until the year of its own row the price stands; from then on it falls by the catalog's share a year.

    Raises
    ------
    InputError
        The chip is not sold yet.
    """
    if year < chip.year:
        raise InputError(f"{chip.name} is not sold before {chip.year}", given=year,
                         allowed=f"{chip.year} or later")  # fmt: skip
    own = chip.evidence.get("price")
    since = (None if own is None else own.year or own.currency_year) or chip.year
    decline = catalog.entity(_TABLE, _DEFAULT).evidence("decline")
    return chip.price * _fallen(year - since), (decline,)


def rent_in(chip: Chip, year: int) -> float | None:
    """Rent of one for a second in a year [$/s]; ``None`` where the catalog has none.

    Linear between the years of its rows, the first before them; after the last it falls as prices do.
    """
    row = catalog.table(_TABLE).get(chip.id)
    if row is None or "rental" not in row.numbers:
        return None
    last = max(one.year or 0 for one in row.numbers["rental"])
    return row.at("rental", year)[0] * _fallen(year - last)
