"""The tariff of a grid connection: read from words, put on the connection, and the bill of a plan's draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog.loader import CURRENCY_YEAR
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade, worst
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power import Plant, SupplyPlan
from gigawatt.power.tariff import Bill, Clock, Part, Tariff, with_tariff
from gigawatt.power.tariff.bill import BASIS, Metered

__all__ = ["BILL_COLUMNS", "assumed_of", "bill_of", "bill_rows", "under_tariff"]

Array = NDArray[np.float64]

_HOUR = 3600.0
BILL_COLUMNS = ("line", "kind", "amount", "amount [$/yr]", "share []")
"""Columns of the table ``bill``; ``amount`` is in the tariff's currency."""


def assumed_of(tariff: Tariff) -> Assumption:
    """How well the prices of a tariff are known."""
    grades = [part.grade for part in tariff.parts if part.kind != "hours"]
    recalled = [part.line for part in tariff.parts if part.grade == Grade.guess and part.kind != "hours"]
    reason = f"prices of {len(grades)} parts, by the tariff"
    if recalled:
        reason = f"prices of {', '.join(dict.fromkeys(recalled))} are guesses; {len(grades)} parts in all"
    source = next((part.source_id for part in tariff.parts if part.source_id), "")
    return Assumption("supply.grid.tariff", tariff.id, reason, worst([Grade.vendor, *grades]), source)


def under_tariff(
    plant: Plant,
    given: Mapping[str, Any],
    *,
    year: int,
    price: Array,
    basis: Array | None = None,
    delivery: float = 0.0,
    capital_recovery: Callable[[float], float],
) -> tuple[Plant, Mapping[str, Any]]:
    """(the connection under the tariff of ``given``, the terms with those of it); both unchanged without.

    Without a tariff a place with a ``basis`` or hedges is billed by what energy is made of: the hub's hours,
    basis and delivery.

    Parameters
    ----------
    plant : Plant
        The connection.
    given : mapping
        Its terms, with ``tariff``, ``contract`` [W] and ``hedges``.
    year : int
        Of the calendar.
    price, basis : (H,) [$/J]
        Of the hub's hours, and what the place pays more.
    delivery : float [$/J]
        On top of an hour where there is no tariff.
    capital_recovery : callable
        Share of an investment paid in a year, by the life [s] that it is paid over.

    Raises
    ------
    InputError
        A basis or a hedge under a tariff that passes no hours through, beside those of ``with_tariff``.
    """
    tariff, hedges = given.get("tariff"), given.get("hedges")
    clock = Clock(year, len(price) // int(HOURS_PER_YEAR))
    if tariff is None:
        if basis is None and not hedges:
            return plant, given
        return replace(plant, metered=Metered(_of_hours(delivery), clock, price, basis=basis)), given
    if not tariff.of("hours") and (basis is not None or hedges):
        raise InputError(
            "this tariff has prices of its own, no hours of the market", given=tariff.id,
            key="supply.grid.basis" if basis is not None else "supply.hedge",
            allowed="a tariff with a part of kind hours, such as ercot-wholesale, or none",
        )  # fmt: skip
    billed = with_tariff(
        plant, tariff, clock, price, basis=basis, contract=given.get("contract"),
        capital_recovery=capital_recovery,
    )  # fmt: skip
    soft = next(iter(tariff.of("nonfirm")), None)
    if soft is None:
        return billed, given
    terms = {"nonfirm": soft.off * _HOUR, "nonfirm_saving": soft.price * tariff.dollars}
    return billed, {**terms, **given}


def _of_hours(delivery: float) -> Tariff:
    """What energy costs where no tariff is given: the market's hours, and delivery [$/J]."""
    parts = [Part("Energy", "hours")]
    if delivery:
        parts.append(Part("Delivery", "rider", price=delivery, per="J"))
    return Tariff("hours", "hours of the market", "$", 1.0, tuple(parts), year=CURRENCY_YEAR)


def bill_of(plan: SupplyPlan) -> Bill | None:
    """The bill of what a plan draws from its grid in a mean year; ``None`` without a tariff."""
    for i, plant in enumerate(plan.plants):
        if plant.metered is not None:
            weights = plan.hour_weight.reshape(plan.years, -1).mean(1)
            bought = plan.dispatch[:, i] + plan.curtailed[:, i]
            return plant.metered.bill(
                plan.metered(plant.id), bought, plan.capacity[plant.id], duty=plan.duty, weights=weights
            )
    return None


def bill_rows(bill: Bill) -> list[dict[str, Any]]:
    """The lines of a year, their months together, in the order of the tariff."""
    kinds = {one.line: one.kind for one in reversed(bill.lines)}
    amounts, total = bill.by_line(), bill.total
    lines = (line for part in bill.tariff.parts for line in (part.line, f"{part.line}{BASIS}"))
    order = dict.fromkeys([*(line for line in lines if line in amounts), *amounts])
    rows = [
        (
            line,
            kinds[line],
            amounts[line],
            amounts[line] * bill.tariff.dollars,
            amounts[line] / (total or 1.0),
        )
        for line in order
    ]
    return [dict(zip(BILL_COLUMNS, row, strict=True)) for row in rows]
