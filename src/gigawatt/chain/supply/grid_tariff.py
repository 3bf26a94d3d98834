"""The tariff of a grid connection: read from words, put on the connection, and the bill of a plan's draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.evidence import Assumption, Grade, worst
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power import Plant, SupplyPlan
from gigawatt.power.tariff import Bill, Clock, Tariff, with_tariff

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
    capital_recovery: Callable[[float], float],
) -> tuple[Plant, Mapping[str, Any]]:
    """(the connection under the tariff of ``given``, the terms with those of it); both unchanged without.

    ``given`` : terms of the connection, with ``tariff`` and ``contract`` [W]; ``price`` (H,) [$/J].
    """
    tariff = given.get("tariff")
    if tariff is None:
        return plant, given
    clock = Clock(year, len(price) // int(HOURS_PER_YEAR))
    billed = with_tariff(
        plant, tariff, clock, price, contract=given.get("contract"), capital_recovery=capital_recovery
    )
    soft = next(iter(tariff.of("nonfirm")), None)
    if soft is None:
        return billed, given
    terms = {"nonfirm": soft.off * _HOUR, "nonfirm_saving": soft.price * tariff.dollars}
    return billed, {**terms, **given}


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
    order = dict.fromkeys(part.line for part in bill.tariff.parts if part.line in amounts)
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
