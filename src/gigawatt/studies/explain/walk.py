"""What ``gigawatt explain`` says of a result: its names, and the walk from one of them to its rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gigawatt import catalog
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Evidence
from gigawatt.core.explain import Step, as_data, explain, weakest, with_numbers
from gigawatt.core.quantities import parse
from gigawatt.core.result import Quantity, Result
from gigawatt.faces.terminal.console import number
from gigawatt.studies.run.uncertainty_words import ROW, causes_of

__all__ = ["names_data", "walk_data", "walk_rows"]

_MOST = 10
"""Inputs whose variance shares are listed."""


def names_data(result: Result) -> dict[str, Any]:
    """Every quantity: its unit, what it is, its code; and beside each its value and grade."""
    quantities = result.quantities.values()
    return {
        "rows": [{"quantity": q.name, "unit": q.unit, "what": q.summary, "code": q.code} for q in quantities],
        "values": [{"value": _value(q), "grade": q.label} for q in quantities],
    }


def walk_data(result: Result, name: str, depth: int) -> dict[str, Any]:
    """The walk from a quantity as rows; and beside each how it is shown.

    Raises
    ------
    InputError
        No such quantity, with the nearest.
    """
    steps = list(explain(result, name, depth))
    weak = weakest(result, name)
    found: dict[str, Any] = {
        "rows": [as_data(result, step) for step in steps],
        "steps": [_step(result, step, opened=step.depth < depth) for step in steps],
        "weakest": [{"name": row.name, "where": row.where, "grade": row.grade.label} for row in weak],
    }
    shares = causes_of(result, ROW).get(name, ())[:_MOST]
    if shares:
        found["variance"] = [{"input": one, "share": share, **_row_of(one)} for one, share in shares]
    return found


def _row_of(name: str) -> dict[str, str]:
    """Grade and place of the row ``table.id.quantity``; of the error of a model that it is measured."""
    table, _, rest = name.partition(".")
    entity, _, quantity = rest.rpartition(".")
    try:
        row = catalog.entity(table, entity).evidence(quantity)
    except (GigawattError, KeyError):
        return {"grade": "", "where": ""}
    return {"grade": row.grade.label, "where": row.where}


def _step(result: Result, step: Step, *, opened: bool) -> dict[str, Any]:
    q = step.quantity
    return {
        "shown": _shown(q),
        "grade": q.label,
        "repeated": step.repeated,
        "opened": opened,
        "worked": with_numbers(result, q, _shown) if step.depth == 0 else "",
        "ranges": [_range(row) for row in step.rows],
    }


def walk_rows(result: Result, name: str, depth: int) -> Iterator[dict[str, Any]]:
    """The walk as a table: a row a step, indented by its depth, then the rows of the catalog of that step."""
    for step in explain(result, name, depth):
        q = step.quantity
        computed = q.expression or q.formula or q.method
        origin = "as above" if step.repeated else computed if q.inputs else q.where or q.reason
        yield {"quantity": f"{'· ' * step.depth}{q.name}", "value": q.shown, "unit": q.unit, "grade": q.label,
               "from": origin, "code": q.code}  # fmt: skip
        for row in () if step.repeated else step.rows:
            yield {"quantity": f"{'· ' * (step.depth + 1)}{row.name}", "value": row.written, "unit": row.unit,
                   "grade": row.grade.label, "from": f"{row.where}, {row.source_id}", "code": ""}  # fmt: skip


def _shown(q: Quantity) -> str:
    return _value(q) if q.value is None else f"{_value(q)} {'' if q.unit == '1' else q.unit}".strip()


def _value(q: Quantity) -> str:
    """The value as a person reads it; a whole number without a unit, such as a year, keeps its digits."""
    if q.value is None or q.value == "":
        return "nothing"
    return str(q.value) if q.unit == "" and isinstance(q.value, int) else number(q.shown)


def _range(row: Evidence) -> str:
    """The range of a row in the unit of the row: by what its value in SI is of the number that is written."""
    if row.low is None:
        return ""
    low, high = row.low, row.low if row.high is None else row.high
    try:
        scale = row.value / parse(row.written, "1")
    except (InputError, ZeroDivisionError):
        scale = 0.0
    if not scale:
        return f"{number(low)} – {number(high)} SI"
    return f"{number(low / scale)} – {number(high / scale)}"
