"""Terms of a grid connection: hours in which it may be cut, charges on coincident peaks, payment for reserve.

All act on hours of the grid that are known beforehand, its dearest: its price says when it is short. A plan
that knows these hours saves at most this; who has to guess them cuts more often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR, show
from gigawatt.power import Flexible, Plant
from gigawatt.power.tariff.clock import coincident_hours, coincident_rule

__all__ = ["GRID_TERMS", "check_reserve", "read_peak_hours", "with_terms"]

Array = NDArray[np.float64]

GRID_TERMS = (
    "limit", "counts", "tariff", "contract", "nonfirm", "nonfirm_saving", "peak_charge", "peak_hours",
    "reserve_price", "sell", "sell_limit", "sell_spread",
)  # fmt: skip
"""Keys of ``supply.grid`` that are of the connection."""
_HOUR, _YEAR = 3600.0, int(HOURS_PER_YEAR)


def read_peak_hours(text: str) -> str | int:
    """``4CP``, ``12CP``, ``5CP``, ``triads``, or a number of hours of the year, 1 to 8,760.

    Raises ``InputError`` of the key ``supply.grid.peak_hours``.
    """
    return coincident_rule(text, key="supply.grid.peak_hours")


def with_terms(plant: Plant, price: Array, given: Mapping[str, Any]) -> Plant:
    """A grid connection with its terms.

    Parameters
    ----------
    plant : Plant
        Of kind ``grid``.
    price : (years · 8760,) [$/J]
        Of the grid, of which the dearest hours of each year are those of need.
    given : mapping
        Of :data:`GRID_TERMS`, ``None`` where left out: ``nonfirm`` [s a year] for which the connection may be
        cut, ``nonfirm_saving`` [$/W and year] that it costs less for it; ``peak_charge`` [$/W and year] on
        the mean power drawn in the ``peak_hours``; ``reserve_price`` [$/J] for load that could be cut.

    Returns
    -------
    Plant
        Availability 0 in the hours of a cut; ``peak_charge / (hours · 3600)`` on the price of each peak hour.

    Raises
    ------
    InputError
        Terms of a grid whose price does not tell its hours; a saving larger than what a connection costs, or
        without hours; peak hours without a charge.
    """
    off, charge = given.get("nonfirm"), given.get("peak_charge")
    saving, rule = given.get("nonfirm_saving"), given.get("peak_hours")
    if rule is not None and charge is None:
        raise InputError("no charge on these hours", key="supply.grid.peak_hours", given=rule,
                         allowed="supply.grid.peak_charge, such as 60 $/kW, as well")  # fmt: skip
    if saving is not None and off is None:
        raise InputError("nothing is saved by a firm connection", key="supply.grid.nonfirm_saving",
                         given=show(saving, "$/kW"), allowed="supply.grid.nonfirm as well")  # fmt: skip
    if off or charge:
        _need_hours(price, "nonfirm" if off else "peak_charge")
    years, hours = len(price) // _YEAR, len(price)
    if off:
        there = np.array(plant.hourly("availability", hours))
        for year in range(years):
            first = year * _YEAR
            there[first + coincident_hours(price[first : first + _YEAR], round(off / _HOUR))] = 0.0
        plant = replace(plant, availability=there)
    if saving:
        plant = _cheaper(plant, saving)
    if charge:
        assert rule is not None
        variable = np.array(plant.hourly("variable", hours))
        for year in range(years):
            at = year * _YEAR + coincident_hours(price[year * _YEAR : (year + 1) * _YEAR], rule)
            variable[at] += charge / (len(at) * _HOUR)
        plant = replace(plant, variable=variable)
    return replace(plant, reserve_price=given.get("reserve_price") or 0.0)


def _need_hours(price: Array, name: str) -> None:
    if len(price) % _YEAR or float(np.ptp(price)) <= 0.0:
        raise InputError(
            "the hours in which this grid is short are not known: its price is the same in all",
            key=f"supply.grid.{name}", allowed="a site on a grid with hours, such as abilene-texas",
        )  # fmt: skip


def _cheaper(plant: Plant, saving: float) -> Plant:
    cost = plant.capital + plant.fixed
    if saving > cost:
        raise InputError("more than the connection costs", key="supply.grid.nonfirm_saving",
                         given=show(saving, "$/kW"), allowed=f"at most {show(cost, '$/kW', 3)}")  # fmt: skip
    return replace(
        plant, capital=plant.capital * (1.0 - saving / cost), fixed=plant.fixed * (1.0 - saving / cost)
    )


def check_reserve(plants: Sequence[Plant], gives: Flexible | None) -> None:
    """Raise ``InputError`` where a grid would pay for load that could be cut, and none can."""
    if gives is None and any(plant.reserve_price > 0.0 for plant in plants):
        raise InputError(
            "no load can be cut, so none is offered", key="supply.grid.reserve_price",
            allowed="supply.flexible as well, such as '10%:60$/MWh', or computed for a model",
        )  # fmt: skip
