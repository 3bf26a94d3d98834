"""Prices of accelerators by year: bought in a year, or rented."""

from __future__ import annotations

from dataclasses import replace

from gigawatt import catalog
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import show
from gigawatt.machine.machine import Chip

__all__ = ["bought_in", "rent_in"]

_TABLE, _DEFAULT = "chip_prices", "default"


def _fallen(years: float) -> float:
    """Share of a price that is left after so many years on sale."""
    return (1.0 - catalog.entity(_TABLE, _DEFAULT).value("decline")) ** max(years, 0.0)


def bought_in(chip: Chip, year: float) -> Chip:
    """The chip at the price of a new one bought in a year.

    price · (1 − decline)^(year − year of its own row); until that year the price stands. That of a chip built
    from its parts follows from these and stays.
    """
    entry, row = catalog.table("chips").get(chip.id), chip.evidence.get("price")
    if entry is None or entry.text("design"):
        return chip
    since = (None if row is None else row.year or row.currency_year) or chip.year
    if year <= since or not since or chip.price <= 0.0:
        return chip
    decline = catalog.entity(_TABLE, _DEFAULT).evidence("decline")
    price = chip.price * _fallen(year - since)
    reason = (
        f"bought in {year:g}: {show(chip.price, '$')} of {since} fall by {100 * decline.value:.3g} % a year"
    )
    told = Assumption("chip.price", show(price, "$"), reason, decline.grade, decline.source_id)
    return replace(chip, price=price, assumptions=(*chip.assumptions, told),
                   evidence={**chip.evidence, "price_decline": decline})  # fmt: skip


def rent_in(chip: Chip, year: int) -> float | None:
    """Rent of one for a second in a year [$/s]; ``None`` where the catalog has none.

    Linear between the years of its rows, the first before them; after the last it falls as prices do.
    """
    row = catalog.table(_TABLE).get(chip.id)
    if row is None or "rental" not in row.numbers:
        return None
    last = max(one.year or 0 for one in row.numbers["rental"])
    return row.at("rental", year)[0] * _fallen(year - last)
