"""``gigawatt explain --spread``: the rows of the catalog that a quantity's band comes from."""

from __future__ import annotations

from gigawatt.chain.spread import spread
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.faces.terminal.console import console, number, print_json, progress, table
from gigawatt.schema.stored import stored_scenario

__all__ = ["spread_command"]


def spread_command(result: Result, name: str | None, *, as_json: bool) -> None:
    """Print the rows whose ranges move a quantity, the largest effect first."""
    if name is None:
        raise InputError("--spread is of one quantity", key="quantity", allowed="a dotted name")
    quantity = result.quantity(name)
    with progress(quiet=as_json) as say:
        found = spread(stored_scenario(result), name, say)
    scale = factor(quantity.unit)
    if as_json:
        rows = [
            {"row": row.name, "where": row.where, "grade": row.grade, "low": row.low / scale,
             "high": row.high / scale, "share": row.share}
            for row in found.rows
        ]  # fmt: skip
        print_json({"quantity": name, "unit": quantity.unit, "value": found.value / scale,
                    "low": found.low / scale, "high": found.high / scale, "rows": rows})  # fmt: skip
        return
    out, unit = console(), "" if quantity.unit == "1" else f" {quantity.unit}"
    out.print(
        f"{name} = {number(found.value / scale)}{unit}, {number(found.low / scale)} to "
        f"{number(found.high / scale)} by the ranges of {len(found.rows)} rows; share of the squared spread:",
        markup=False,
    )
    grid = table(("share", "right"), ("low", "right"), ("high", "right"), ("row", "left"), ("grade", "left"),
                 ("where", "left"))  # fmt: skip
    for row in found.rows:
        ends = number(row.low / scale), number(row.high / scale)
        grid.add_row(f"{row.share:.1%}", *ends, row.name, row.grade, row.where)
    out.print(grid)
