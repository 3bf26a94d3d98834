"""What is bought and sold beside a connection: power purchase agreements, and sales to the grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.assumption_list import quantity
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.quantities import HOURS_PER_YEAR, show
from gigawatt.power import Plant, SupplyPlan

__all__ = [
    "AGREEMENTS",
    "Agreement",
    "agreed",
    "assumed_of_prices",
    "clean_share",
    "market_based",
    "read_agreements",
    "selling",
]

Array = NDArray[np.float64]

AGREEMENTS = ("solar", "wind", "baseload", "matched")
"""Kinds: as much as sun or wind give, always, or as much as is asked for in each hour."""
_EVERYWHERE = "world"
_HOUR = 3600.0


@dataclass(frozen=True)
class Agreement:
    """A power purchase agreement: ``kind``, ``power`` [W], ``price`` [$/J] of each joule that is paid."""

    kind: str
    power: float
    price: float


def read_agreements(
    text: str, price: float | None, grid: str
) -> tuple[tuple[Agreement, ...], tuple[Evidence, ...]]:
    """(agreements, rows of their prices) of ``solar 200 MW, matched 50 MW``.

    Parameters
    ----------
    text : str
        Kinds of :data:`AGREEMENTS`, each with its power.
    price : float, optional
        $/J of all of them, in place of the catalog's.
    grid : str
        Id of the grid, whose row of ``ppas`` has the prices, else that of the world.

    Raises
    ------
    InputError
        Of the key ``supply.ppa``: an unknown kind, no power, a kind twice.
    """
    row = catalog.table("ppas").get(grid) or catalog.table("ppas")[_EVERYWHERE]
    found: dict[str, Agreement] = {}
    rows: list[Evidence] = []
    for one in text.split(","):
        kind, _, power = one.strip().partition(" ")
        if kind not in AGREEMENTS:
            raise InputError(
                "no such agreement", key="supply.ppa", given=one.strip(), nearest=nearest(kind, AGREEMENTS),
                allowed=f"{', '.join(AGREEMENTS)} with its power, such as 'solar 200 MW'",
            )  # fmt: skip
        if kind in found:
            raise InputError(
                "the same kind twice", key="supply.ppa", given=text, allowed="one power of each kind"
            )
        watts = quantity("supply.ppa", power, "W", "200 MW")
        if not watts > 0.0:
            raise InputError("not a power", key="supply.ppa", given=one.strip(), allowed="more than 0 MW")
        if price is None:
            rows.append(row.evidence(kind))
        found[kind] = Agreement(kind, watts, row.value(kind) if price is None else price)
    return tuple(found.values()), tuple(rows)


def assumed_of_prices(rows: Sequence[Evidence]) -> list[Assumption]:
    """Prices of agreements that the catalog fills in."""
    return [
        row.assumption(f"supply.ppa_price.{row.quantity}", f"the catalog's price of {row.entity}")
        for row in rows
    ]


def agreed(
    agreements: Sequence[Agreement], grid: str, hours: int, profile: Callable[[str], Array | None]
) -> tuple[Plant, ...]:
    """What agreements give, as plants that come through the connection ``grid``.

    Sun, wind and baseload are paid for as they are produced, taken or not; what is matched by the hour is
    paid for as it is taken. ``profile`` : capacity factor by the hour of ``solar`` and ``wind``.

    Raises ``InputError`` where the weather has no hours of one.
    """
    plants: list[Plant] = []
    for one in agreements:
        share: Array | float = 1.0
        if one.kind in ("solar", "wind"):
            there = profile(one.kind)
            if there is None:
                raise InputError("this weather has no hours of it", key="supply.ppa", given=one.kind,
                                 allowed="another kind, or a site with wind and sun")  # fmt: skip
            share = np.broadcast_to(there, (hours,))
        taken = one.kind == "matched"
        produced = float(np.mean(share)) * HOURS_PER_YEAR * _HOUR
        plants.append(
            Plant(
                id=f"ppa-{one.kind}",
                name=f"{one.kind} PPA",
                kind="profile",
                fixed=0.0 if taken else one.price * produced,
                variable=one.price if taken else 0.0,
                availability=share,
                minimum=one.power,
                maximum=one.power,
                through=grid,
            )
        )
    return tuple(plants)


def selling(plant: Plant, price: Array, given: Mapping[str, Any]) -> Plant:
    """A connection that takes what the site sells, at the hour's price less a spread.

    It is paid no more in an hour than energy costs there, so that nothing is bought to be sold in the same
    hour. ``given`` : ``sell``, ``sell_limit`` [W] (default: the connection's power), ``sell_spread`` [$/J].

    Raises ``InputError`` of a limit or a spread without a sale.
    """
    for name, unit in (("sell_limit", "MW"), ("sell_spread", "$/MWh")):
        if given.get(name) is not None and not given.get("sell"):
            raise InputError("nothing is sold", key=f"supply.grid.{name}", given=show(given[name], unit),
                             allowed="supply.grid.sell: true as well")  # fmt: skip
    if not given.get("sell"):
        return plant
    hours = len(price)
    bought = plant.hourly("fuel", hours) + plant.hourly("variable", hours)
    paid = np.minimum(price - (given.get("sell_spread") or 0.0), bought)
    most = given.get("sell_limit")
    return replace(plant, sale=paid, sale_limit=np.inf if most is None else most)


def clean_share(plan: SupplyPlan) -> float:
    """Market-based share of clean energy: what clean plants and agreements give, over the energy served.

    Stores give what they took; sales are not taken off. At most 1.
    """
    count, energy = len(plan.load), 0.0
    for i, plant in enumerate(plan.plants):
        if plant.storage is None and plant.kind != "grid":
            clean = 1.0 - plant.dirty(count, 0.0)
            energy += float((plan.hour_weight * clean) @ plan.dispatch[:, i]) * _HOUR * plan.weight
    return min(energy / plan.energy_served, 1.0) if plan.energy_served > 0.0 else 0.0


def market_based(plan: SupplyPlan, residual: float) -> float:
    """Operational carbon of the energy served [kg/J], market-based.

    What the connection draws beside agreements counts at the residual mix of its market, what agreements
    give at theirs, and plants of the site as they burn: beside the location-based carbon of the plan, where
    the connection counts at the grid's mean of the hour.

    Parameters
    ----------
    plan : SupplyPlan
        Whose energy.
    residual : float [kg/J]
        Of what no contract names (:func:`gigawatt.power.carbon.residual_mix`).

    References
    ----------
    WRI (2015). GHG Protocol Scope 2 Guidance, chapter 6.
    """
    if not plan.energy_served > 0.0:
        return math.nan
    drawn, carbon = plan.energy(), 0.0
    for plant in plan.plants:
        carbon += residual * drawn[plant.id] if plant.kind == "grid" else plan.carbon[plant.id]
    return carbon / plan.energy_served
