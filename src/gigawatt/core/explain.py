"""Where a number comes from: a walk from a quantity down to source rows and scenario lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gigawatt.core.evidence import Evidence
from gigawatt.core.formula import put_in
from gigawatt.core.quantities import finite_or_none
from gigawatt.core.result import Quantity, Result

__all__ = ["Step", "as_data", "explain", "terms_of", "weakest", "with_numbers"]


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


def terms_of(result: Result, quantity: Quantity) -> dict[str, float]:
    """SI values of all terms of a quantity's expression that are numbers, quantities among them."""
    inputs = {name: result.quantity(name).value for name in quantity.inputs}
    numbers = {name: value for name, value in inputs.items() if isinstance(value, int | float)}
    return {name: value for name, value in {**numbers, **quantity.terms}.items() if _stands(name, quantity)}


def _stands(term: str, quantity: Quantity) -> bool:
    return bool(quantity.expression) and put_in(quantity.expression, {term: "x"}) != quantity.expression


def with_numbers(result: Result, quantity: Quantity, shown: Callable[[Quantity], str]) -> str:
    """The expression of a quantity with the values of its terms; quantities as ``shown``, the others in SI.

    Empty where a quantity has no expression, or one that only names the value itself.
    """
    if not quantity.expression or quantity.expression in quantity.terms:
        return ""
    words = {
        name: shown(result.quantity(name)) if name in quantity.inputs else f"{value:.6g}"
        for name, value in terms_of(result, quantity).items()
    }
    return put_in(quantity.expression, words)


def as_data(result: Result, step: Step) -> dict[str, Any]:
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
        "expression": q.expression,
        "terms": {name: finite_or_none(value) for name, value in terms_of(result, q).items()},
        "method": q.method,
        "code": q.code,
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
