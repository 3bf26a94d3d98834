"""What the parts of a tariff cost: a price of energy in every hour, and charges on demand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power.plants.demand import Demand
from gigawatt.power.tariff.clock import MONTH_DAYS, Clock, coincident_hours, coincident_rule
from gigawatt.power.tariff.parts import BY_CONTRACT, Part, Tariff

__all__ = ["demand_of", "energy_price"]

Array = NDArray[np.float64]

_KEY = "supply.grid.tariff"
_YEAR = int(HOURS_PER_YEAR)
_MONTHS = 12


def energy_price(
    tariff: Tariff, clock: Clock, price: Array | None, kind: str, basis: Array | None = None
) -> Array:
    """(H,) $/J of the parts of a ``kind``, ``energy`` (with ``hours``) or ``rider``, taxes with them.

    ``basis`` (H,) [$/J] is added to the ``price`` of the hours that pass through.
    """
    found = np.zeros(clock.hours)
    for part in tariff.of(kind):
        worth = part.price * tariff.dollars * tariff.weight(part)
        found[clock.within(part.months, part.days, part.hours)] += worth
    for part in tariff.of("hours") if kind == "energy" else ():
        if price is None:
            raise InputError("the hourly price of the grid is needed", key=_KEY, given=tariff.id)
        there = clock.within(part.months, part.days, part.hours)
        passed = price if basis is None else price + basis
        found[there] += passed[there] * tariff.weight(part)
    return found


def demand_of(
    part: Part, tariff: Tariff, clock: Clock, price: Array | None, contract: float | None
) -> Demand:
    """The charge of a part of kind ``demand``, in $ with taxes; ``contract`` as in :func:`with_tariff`.

    Raises ``InputError`` where coincident peaks are asked for and ``price`` does not tell them.
    """
    worth = part.price * tariff.dollars * tariff.weight(part) * part.scale
    year = np.repeat(np.arange(clock.years), _YEAR)
    count = clock.within(range(_MONTHS), part.days, part.hours)
    monthly = part.determinant in ("month", "month-CP", BY_CONTRACT)
    if part.determinant == "month-CP":
        count = count & _marked(tariff, clock, price, "12CP")
    elif not monthly and part.determinant != "year":
        count = _marked(tariff, clock, price, coincident_rule(part.determinant, key="determinant"))
    elif part.determinant == "year":
        count = clock.within(part.months, part.days, part.hours)
    period = np.where(count, year * _MONTHS + clock.month if monthly else year, -1)
    each = np.zeros(_MONTHS)
    each[list(part.months)] = {"month": 1.0, "year": 1.0 / _MONTHS}.get(part.per, 0.0)
    if part.per == "day":
        each[list(part.months)] = np.array(MONTH_DAYS)[list(part.months)]
    prices = worth * (each if monthly else np.array([each.sum()]))
    mean = not monthly and part.determinant != "year"
    return Demand(
        line=part.line,
        period=period,
        price=np.tile(prices, clock.years),
        years=clock.years,
        mean=mean,
        ratchet=0.0 if not monthly else part.ratchet,
        ratchet_in=np.tile(np.isin(np.arange(_MONTHS), part.ratchet_months), clock.years)
        if monthly
        else None,
        minimum=1.0 if part.determinant == BY_CONTRACT else part.minimum,
        contract=contract,
    )


def _marked(tariff: Tariff, clock: Clock, price: Array | None, rule: str | int) -> NDArray[np.bool_]:
    """(H,) hours of the coincident peaks of each year."""
    if price is None or float(np.ptp(price)) <= 0.0:
        raise InputError(
            "the coincident peaks of this grid are unknown: its price is the same in all hours",
            key=_KEY,
            given=tariff.id,
            allowed="a grid with hours, or a tariff without them",
        )
    marked = np.zeros(clock.hours, dtype=bool)
    for first in range(0, clock.hours, _YEAR):
        marked[first + coincident_hours(price[first : first + _YEAR], rule)] = True
    return marked
