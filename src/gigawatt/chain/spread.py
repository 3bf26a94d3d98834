"""Which rows of the catalog the band of a quantity of a scenario comes from.

Every row that the quantity's branch of the graph reads is put to the ends of its range, everything else held
(:mod:`gigawatt.chain.recompute`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gigawatt.catalog.entity import Change, Key
from gigawatt.chain.asking import Asker
from gigawatt.chain.bands import row_ends, to_end
from gigawatt.chain.recompute import Recompute
from gigawatt.core.errors import GigawattError, InputError
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
    """The rows whose ranges move a quantity, each put to its ends with everything else held.

    Raises
    ------
    InputError
        No such quantity, or one that is not a positive number.
    """
    Asker(loaded).quantity(name, "quantity")
    branch = Recompute(loaded, (name,))
    value = branch.values[name]
    middle = math.nan if value is None else float(value)
    if not middle > 0.0:
        raise InputError("a band is of a positive number", key="quantity", given=name)
    moving = {key: row for key, row in branch.rows.items() if row_ends(row) is not None}
    rows: list[SpreadRow] = []
    for number, (key, row) in enumerate(moving.items()):
        if progress is not None:
            progress(".".join(key), number / len(moving))
        ends = (_at(branch, name, {key: to_end(row, side)}) for side in (0, 1))
        factors = [found / middle for found in ends if found > 0.0]
        low, high = min([1.0, *factors]), max([1.0, *factors])
        if low < high:
            width = math.log(high) ** 2 + math.log(low) ** 2
            rows.append(
                SpreadRow(".".join(key), row.where, row.grade.label, middle * low, middle * high, width)
            )
    total = sum(row.share for row in rows) or 1.0
    down = math.sqrt(sum(math.log(row.low / middle) ** 2 for row in rows))
    up = math.sqrt(sum(math.log(row.high / middle) ** 2 for row in rows))
    shared = sorted((replace(row, share=row.share / total) for row in rows), key=lambda row: -row.share)
    return Spread(middle, middle * math.exp(-down), middle * math.exp(up), tuple(shared))


def _at(branch: Recompute, name: str, rows: Mapping[Key, Change]) -> float:
    """The quantity at other values of rows; nan where a function refuses them."""
    try:
        found = branch.at(rows)[name]
    except GigawattError:
        return math.nan
    return math.nan if found is None else float(found)
