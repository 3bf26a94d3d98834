"""Fuel in stock on the site, of plants that burn it while their own does not come: what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from gigawatt.catalog.loader import entity
from gigawatt.core.evidence import Assumption, worst
from gigawatt.core.quantities import show
from gigawatt.power.plants.hubs import NO_HUBS, price_row
from gigawatt.power.plants.plant import Plant
from gigawatt.power.plants.row_reader import RowReader

__all__ = ["with_stock"]

_ROW = ("supply_plan", "fuel-stock")
_DAY = 86400.0


def with_stock(
    plant: Plant,
    stock: float,
    *,
    year: float,
    rate: float,
    capital_recovery: Callable[[float], float],
    fuel_price: float | None = None,
    hubs: Mapping[str, str] = NO_HUBS,
    case: str = "value",
) -> Plant:
    """The plant with a stock of its second fuel; one that has no second fuel as it is.

    Per W of the plant, with its heat rate ``h`` [J/J]: burners ``b`` and tank ``stock * h * t``, paid back
    over the tank's life; the fuel, ``stock * h * p``, is there for ever and costs its interest. What is
    burnt in an outage, and its carbon, are not counted (0.6 h a year of one line).

    Parameters
    ----------
    plant : Plant
        With ``second_fuel`` where it can burn one.
    stock : float
        s at full output, >= 0.
    year, rate : float
        Of the prices; real discount rate [1/year].
    capital_recovery : callable
        Life [s] -> share of the investment that is paid back in a year.
    fuel_price : float, optional
        $/J of heat of the second fuel at the plant, in place of the catalog's price and delivery.
    hubs : mapping
        Hub at which a fuel is priced, by fuel.
    case : str
        ``value``, ``low`` or ``high`` end of the ranges of tank and burners.

    References
    ----------
    Rows of ``gigawatt catalog show supply_plan fuel-stock``.
    """
    if not (stock > 0.0 and plant.second_fuel):
        return plant
    read = RowReader(entity(*_ROW), year, {}, case)
    heat = RowReader(entity("plants", plant.id), year, {})
    fuel = RowReader(price_row(plant.second_fuel, hubs), year, {})
    held = stock * heat.number("heat_rate")
    price = fuel.number("price") + fuel.number("delivery") if fuel_price is None else fuel_price
    built = read.number("burner_cost", ranged=True) + held * read.number("tank_cost", ranged=True)
    rows = (*read.evidence, *fuel.evidence)
    name = entity("fuels", plant.second_fuel).text("name")
    said = Assumption(
        key=f"supply.fuel_stock.{plant.id}",
        value=f"{stock / _DAY:.4g} days of {name}: {show(built, '$/kW', 3)} of tank and "
        f"burners, {show(held * price, '$/kW', 3)} of fuel",
        reason="costs of a stock are none of the scenario's",
        grade=worst(one.grade for one in rows),
        source=", ".join(dict.fromkeys(one.source_id for one in rows)),
    )
    return replace(
        plant,
        stock=stock,
        capital=plant.capital + built * capital_recovery(read.number("life")) + held * price * rate,
        investment=plant.investment + built + held * price,
        evidence=tuple(dict.fromkeys((*plant.evidence, *rows))),
        assumptions=(*plant.assumptions, said),
    )
