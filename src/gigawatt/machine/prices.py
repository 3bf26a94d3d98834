"""Prices of accelerators by year and age: bought in a year, rented, or sold used."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from gigawatt import catalog
from gigawatt.core.evidence import Assumption, worst
from gigawatt.core.quantities import show
from gigawatt.machine.machine import Chip

__all__ = ["MARKET", "bought_in", "rent_in", "resale_share", "sold"]

_TABLE, _DEFAULT, _RESALE = "chip_prices", "default", "chip_resale"
MARKET = "market"
"""The word for resale as the catalog's rows have it by age."""


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
    told = decline.assumption("chip.price", reason, show(price, "$"))
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


def sold(chip: Chip, share: float | str) -> Chip:
    """The chip sold used at the end of its life: for a ``share`` of its price, or as the ``market`` pays.

    The market's rows are shares by age of the table ``chip_resale``.
    """
    if not isinstance(share, str):
        return replace(chip, resale=((0.0, share),))
    ages = catalog.table(_RESALE).values()
    rows = {f"resale_{one.id}": one.evidence("share") for one in ages}
    first = next(iter(rows.values()))
    said = ", ".join(f"{100.0 * row.value:.3g} %" for row in rows.values())
    reason = f"sold used at the end of their life: share of the price by age, {', '.join(r.id for r in ages)}"
    told = Assumption("chip.resale", said, reason, worst(r.grade for r in rows.values()), first.source_id)
    return replace(
        chip, resale=tuple((one.value("age"), one.value("share")) for one in ages),
        assumptions=(*chip.assumptions, told), evidence={**chip.evidence, **rows},
    )  # fmt: skip


def resale_share(chip: Chip, age: float) -> float:
    """Share of its price for which the chip sells at an ``age`` [s]; 0 where it is not sold.

    All of the price when it is new; in proportion between the logarithms of two rows, and beyond the last it
    falls on as between the last two. A single row is that of any age.
    """
    if len(chip.resale) < 2:
        return chip.resale[0][1] if chip.resale else 0.0
    pairs = list(pairwise(((0.0, 1.0), *chip.resale)))
    (young, more), (old, less) = next((pair for pair in pairs if age <= pair[1][0]), pairs[-1])
    return more * (less / more) ** ((age - young) / (old - young))
