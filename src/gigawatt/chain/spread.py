"""Which rows of the catalog the band of a quantity of a scenario comes from.

Every row that the quantity's branch of the graph reads is put to the ends of its range
(:mod:`gigawatt.chain.bands`); only the branch is evaluated again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from gigawatt.catalog import entity
from gigawatt.chain.asking import Asker
from gigawatt.chain.bands import bands
from gigawatt.chain.leaves import fill_leaves
from gigawatt.core.errors import InputError
from gigawatt.power.plan.kept_optima import keeping
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["Spread", "SpreadRow", "spread"]


@dataclass(frozen=True)
class SpreadRow:
    """One row: the quantity's SI values at its ends, ``share`` of the sum of squared logarithms."""

    name: str
    where: str
    grade: str
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class Spread:
    """SI value and band of a quantity, and the rows that move it, the largest effect first."""

    value: float
    low: float
    high: float
    rows: tuple[SpreadRow, ...]


def spread(loaded: LoadedScenario, name: str, progress: Callable[[str, float], None] | None = None) -> Spread:
    """The rows whose ranges move a quantity.

    Raises
    ------
    InputError
        No such quantity, or one that is not a positive number.
    """
    asker = Asker(loaded)
    asker.quantity(name, "quantity")

    def compute() -> dict[str, float]:
        with keeping(asker.optima):  # a plan of supply is solved once for all loads of one shape
            leaves, _ = fill_leaves(loaded)
            value = asker.graph.evaluate(leaves, targets=(name,))[name].value
        return {name: math.nan if value is None else float(value)}

    found = bands({name: compute}, progress, named=None)[name][name]
    if not found.value > 0.0:
        raise InputError("a band is of a positive number", key="quantity", given=name)
    widths = [math.log(high) ** 2 + math.log(low) ** 2 for _, low, high in found.from_rows]
    total = sum(widths) or 1.0
    rows: list[SpreadRow] = []
    for (row, low, high), width in zip(found.from_rows, widths, strict=True):
        table, one, quantity = row.split(".", 1)[0], *row.split(".", 1)[1].rsplit(".", 1)
        evidence = entity(table, one).evidence(quantity)
        rows.append(
            SpreadRow(row, evidence.where, evidence.grade.label, found.value * low, found.value * high,
                      width / total)
        )  # fmt: skip
    rows.sort(key=lambda row: -row.share)
    return Spread(found.value, found.low, found.high, tuple(rows))
