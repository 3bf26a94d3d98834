"""Where a number comes from: a walk from a quantity down to source rows and scenario lines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gigawatt.core.evidence import Evidence
from gigawatt.core.result import Quantity, Result

__all__ = ["Step", "as_data", "explain", "weakest"]


@dataclass(frozen=True)
class Step:
    """One line of the walk. ``repeated`` marks a quantity that was opened above."""

    depth: int
    quantity: Quantity
    rows: tuple[Evidence, ...]
    repeated: bool


def explain(result: Result, name: str, depth: int = 4) -> Iterator[Step]:
    """Walk from ``name`` to its inputs, depth first, down to ``depth`` levels.

    The rows of a step are those that enter there: a leaf's rows that the quantity above reads, and for
    a computed quantity the rows that none of its inputs brings. Raises ``InputError`` for an unknown
    quantity, with the nearest.
    """
    seen: set[str] = set()

    def walk(key: str, level: int, reader: Quantity | None) -> Iterator[Step]:
        quantity = result.quantity(key)
        repeated = key in seen
        seen.add(key)
        yield Step(level, quantity, _entering(result, quantity, reader), repeated)
        if repeated or level >= depth:
            return
        for needed in quantity.inputs:
            yield from walk(needed, level + 1, quantity)

    return walk(name, 0, None)


def as_data(step: Step) -> dict[str, Any]:
    """A line of the walk as plain data."""
    q = step.quantity
    rows = [
        {
            "name": r.name,
            "written": r.written,
            "unit": r.unit,
            "grade": r.grade.label,
            "source": r.source_id,
            "locator": r.locator,
            "where": r.where,
            "note": r.note,
        }
        for r in step.rows
    ]
    return {
        "depth": step.depth,
        "quantity": q.name,
        "value": q.shown if isinstance(q.shown, str) or math.isfinite(q.shown) else None,
        "unit": q.unit,
        "grade": q.grade.label,
        "what": q.summary,
        "formula": q.formula,
        "inputs": list(q.inputs),
        "origin": q.origin,
        "where": q.where,
        "reason": q.reason,
        "rows": rows,
    }


def weakest(result: Result, name: str) -> tuple[Evidence, ...]:
    """The rows on the path of ``name`` that have the worst grade of all of them."""
    rows = result.quantity(name).evidence
    worst_grade = max((row.grade for row in rows), default=None)
    return tuple(row for row in rows if row.grade == worst_grade)


def _entering(result: Result, quantity: Quantity, reader: Quantity | None) -> tuple[Evidence, ...]:
    if quantity.inputs:
        brought = {_key(row) for needed in quantity.inputs for row in result.quantity(needed).evidence}
        return tuple(row for row in quantity.evidence if _key(row) not in brought)
    if reader is None:
        return quantity.evidence
    read = {_key(row) for row in reader.evidence}
    return tuple(row for row in quantity.evidence if _key(row) in read)


def _key(row: Evidence) -> tuple[str, str]:
    return row.where, row.quantity
