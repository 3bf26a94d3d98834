"""What a place pays where a question says nothing: price of fuels at its hub, and of carbon.

Both are read at the country of the site (:func:`gigawatt.facility.country_of`) in the year of the question.
A carbon price of the place is paid for what burns on the site: the price of the grid has it already, and the
supply chain of a fuel is not charged. One that is given is on all operational carbon.
"""

from __future__ import annotations

from collections.abc import Mapping

from gigawatt import catalog
from gigawatt.chain.filler import Filler
from gigawatt.core.evidence import Assumption
from gigawatt.core.graph import Leaf
from gigawatt.core.quantities import factor, show
from gigawatt.facility import Country, country_of
from gigawatt.power.plants.hubs import price_row
from gigawatt.schema.values import ByYear, at_year

__all__ = ["CARBON_MARKET", "CARBON_PRICE", "FUEL_PRICES", "carbon_price", "fill_carbon", "fill_fuels"]

CARBON_PRICE, CARBON_MARKET = "supply.carbon_price", "supply.carbon_market"
FUEL_PRICES = "supply.fuel_prices"
_PRICE, _PAID = "price", "paid_share"


def carbon_price(country: Country, year: float) -> tuple[tuple[float, float, float], Assumption]:
    """((value, low, high) in $/kg that a new plant pays for what it burns, whose price it is).

    price of the market × share of its emissions that a new plant pays for, linear between the years of both
    """
    row = catalog.entity("carbon_markets", country.text("carbon"))
    price, paid = row.at(_PRICE, year), row.at(_PAID, year)
    paying = (price[0] * paid[0], price[1] * paid[1], price[2] * paid[2])
    evidence = row.evidence(_PRICE, int(year))
    name = row.text("name")
    why = f"{name}, {country.name} in {year:g}"
    if "exchange" in row.numbers:
        written = price[0] * 1e3 / row.value("exchange")
        why = f"{name} in {year:g}: {written:,.3g} {row.text('currency')}/t"
    if paid[0] < 1.0:
        why += f", paid for {100.0 * paid[0]:.0f} % of what a new plant emits"
    if paying[2] > 0.0:
        why += "; on what burns on the site, the price of the grid has it already"
    shown = _ranged(paying, "$/t")
    return paying, evidence.assumption(CARBON_PRICE, why, shown)


def _ranged(triple: tuple[float, float, float], unit: str) -> str:
    """A value with its range in words: ``3.76 $/MMBtu (3.1 to 4.79)``."""
    middle, low, high = triple
    shown = show(middle, unit, 3)
    return f"{shown} ({low / factor(unit):.3g} to {high / factor(unit):.3g})" if high > low else shown


def fill_carbon(fill: Filler) -> None:
    """The carbon price that is given, or that of the place in the year."""
    year, supply = fill.loaded.scenario.year, fill.loaded.scenario.supply
    given = at_year(supply.carbon_price, year)
    fill.written(CARBON_MARKET, CARBON_PRICE, given is None)
    if given is not None:
        fill.written(CARBON_PRICE, CARBON_PRICE, given)
        return
    (price, _, _), why = carbon_price(country_of(fill.leaves["site.site"].value), year)
    fill.leaves[CARBON_MARKET] = Leaf(True, "catalog", reason=f"not given: {why.reason}", written=why.value)
    fill.leaves[CARBON_PRICE] = Leaf(price, "default", reason=why.reason, written=why.value, grade=why.grade)
    fill.assumptions.append(why)


def _fuel_assumption(
    fuel: str, country: Country, year: float, given: Mapping[str, ByYear]
) -> Assumption | None:
    """What a fuel costs at its hub in a year, with its range; ``None`` where it is given or has no hub."""
    row = price_row(fuel, country.hubs())
    if fuel in given or row.table != "fuel_hubs":
        return None
    evidence = row.evidence(_PRICE, int(year))
    return evidence.assumption(
        f"{FUEL_PRICES}.{fuel}",
        f"{row.text('name')} in {year:g}, the hub of {country.name}; {evidence.locator}",
        _ranged(row.at(_PRICE, year), "$/MMBtu"),
    )


def fill_fuels(fill: Filler) -> None:
    """List what the fuels of the plants that are offered cost here; needs plants and the prices given."""
    if fill.loaded.scenario.supply.price is not None:
        return
    country, year = country_of(fill.leaves["site.site"].value), fill.loaded.scenario.year
    plants = [catalog.entity("plants", name) for name in fill.leaves["supply.plants"].value]
    for fuel in dict.fromkeys(row.text("fuel") for row in plants):
        told = _fuel_assumption(fuel, country, year, fill.leaves[FUEL_PRICES].value) if fuel else None
        if told is not None:
            fill.assumptions.append(told)
