"""A tariff as a plan sees it: prices of energy by the hour, charges on demand, payments once and yearly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.power.plants.demand import Demand
from gigawatt.power.plants.plant import Plant
from gigawatt.power.tariff.bill import Metered
from gigawatt.power.tariff.clock import Clock
from gigawatt.power.tariff.parts import BY_CONTRACT, Tariff
from gigawatt.power.tariff.prices import demand_of, energy_price

__all__ = ["with_tariff"]

Array = NDArray[np.float64]

_KEY = "supply.grid.tariff"


def with_tariff(
    plant: Plant,
    tariff: Tariff,
    clock: Clock,
    price: Array,
    *,
    basis: Array | None = None,
    contract: float | None = None,
    capital_recovery: Callable[[float], float],
) -> Plant:
    """A grid connection under a tariff, in place of the price, the delivery and the fixed cost of its row.

    Parameters
    ----------
    plant : Plant
        Of kind ``grid``.
    tariff : Tariff
        Without blocks of energy.
    clock : Clock
        Of all hours.
    price : (H,) [$/J]
        Hourly price of the grid, which passes through ``hours`` and tells the coincident peaks.
    basis : (H,) [$/J], optional
        What the place pays more in an hour that passes through; peaks are those of ``price``.
    contract : float, optional
        Contract demand [W]; default: the power of the connection.
    capital_recovery : callable
        Share of an investment paid in a year, by the life [s] that it is paid over.

    Returns
    -------
    Plant
        ``fuel`` the price of energy, ``variable`` the riders, ``fixed`` 0 and what is by contract demand,
        ``demand``, ``standing``; a connection that is paid once has its price in place of the row's.

    Raises
    ------
    InputError
        Blocks of energy; a price that tells no peaks; power below the tariff's minimum.
    """
    blocks = [part.line for part in tariff.parts if part.in_blocks]
    if blocks:
        raise InputError(
            "blocks of a month's energy are billed, not planned",
            key=_KEY,
            given=tariff.id,
            allowed="a tariff with one price of energy in each hour",
        )
    if plant.maximum < tariff.minimum_power:
        raise InputError(
            "the connection may not be as large as this tariff asks for",
            key=_KEY,
            given=tariff.id,
            allowed=f"supply.grid.limit of at least {tariff.minimum_power / 1e6:g} MW",
        )
    by_kind = {kind: energy_price(tariff, clock, price, kind, basis) for kind in ("energy", "rider")}
    demand: list[Demand] = []
    fixed = standing = 0.0
    for part in tariff.of("demand"):
        charge = demand_of(part, tariff, clock, price, contract)
        if part.determinant == BY_CONTRACT and contract is None:
            fixed += float(charge.price.sum()) / charge.years
        else:
            demand.append(charge)
    for part in tariff.of("fixed"):
        standing += part.price * part.charges * tariff.dollars * tariff.weight(part)
    plant = replace(
        plant,
        fuel=by_kind["energy"],
        variable=by_kind["rider"],
        fixed=fixed,
        demand=tuple(demand),
        standing=standing,
        metered=Metered(tariff, clock, price, contract, basis),
    )
    once = sum(part.price * tariff.dollars * tariff.weight(part) for part in tariff.of("connection"))
    if once > 0.0:
        life = tariff.term or plant.life
        plant = replace(plant, capital=once * capital_recovery(life), investment=once)
    return plant
