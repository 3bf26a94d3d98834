"""``gigawatt explain``: the walk from a number to its rows, as a tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Evidence
from gigawatt.core.explain import Step, as_data, explain, weakest
from gigawatt.core.quantities import parse
from gigawatt.core.result import Quantity
from gigawatt.core.store import load_result
from gigawatt.faces.terminal.console import console, number, print_json

__all__ = ["explain_command"]

_MOST_ROWS = 20


def explain_command(
    result: Annotated[Path, typer.Argument(help="A folder that `gigawatt run` wrote.", show_default=False)],
    quantity: Annotated[
        str | None,
        typer.Argument(help="A dotted name; without it, all names are listed.", show_default=False),
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="How many levels of inputs to open.")] = 2,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """Walk from a number to its formula, its inputs and the rows of the catalog behind it."""
    from rich.markup import escape
    from rich.table import Table
    from rich.tree import Tree

    stored = load_result(result)
    out = console()
    if quantity is None:
        if json:
            print_json(
                [{"quantity": q.name, "unit": q.unit, "what": q.summary} for q in stored.quantities.values()]
            )
            return
        shown = Table("quantity", "value", "unit", "grade", "what", box=None)
        shown.columns[0].no_wrap = True
        for q in stored.quantities.values():
            shown.add_row(q.name, escape(_value(q)), _unit(q.unit), q.label, escape(q.summary))
        out.print(shown)
        return
    steps = list(explain(stored, quantity, depth))
    if json:
        print_json([as_data(step) for step in steps])
        return
    branches: list[Tree] = []
    for step in steps:
        label = _label(step)
        branch = Tree(label) if step.depth == 0 else branches[step.depth - 1].add(label)
        branches[step.depth :] = [branch]
        if step.repeated:
            continue
        q = step.quantity
        if q.formula and step.depth == 0:
            branch.add(f"[dim]{escape(q.formula)}[/dim]")
        for row in step.rows[:_MOST_ROWS]:
            branch.add(f"[dim]{escape(_row(row))}[/dim]")
        if len(step.rows) > _MOST_ROWS:
            branch.add(f"[dim]and {len(step.rows) - _MOST_ROWS} more rows: see --json[/dim]")
        if q.inputs and step.depth == depth:
            branch.add(f"[dim]from {escape(', '.join(q.inputs))}: see --depth {depth + 1}[/dim]")
    out.print(branches[0])
    weak = weakest(stored, quantity)
    for grade in {row.grade.label for row in weak}:
        named = ", ".join(f"{row.name} ({row.where})" for row in weak[:6])
        more = f" and {len(weak) - 6} more" if len(weak) > 6 else ""
        out.print(f"Weakest rows on the path ({grade}): {named}{more}", markup=False)


def _row(row: Evidence) -> str:
    spread = _spread(row)
    cite = catalog.sources().get(row.source_id)
    title = f"{cite.title}, {cite.publisher}" if cite else row.source_id
    tail = "; ".join(part for part in (row.locator, row.note) if part)
    value = f"{row.written} {_unit(row.unit)}".strip()
    text = f"{row.name} = {value}{spread} ({row.grade.label}) {row.where}: {title}"
    return f"{text}; {tail}" if tail else text


def _value(quantity: Quantity) -> str:
    """The value as a person reads it; a whole number without a unit, such as a year, keeps its digits."""
    if quantity.value is None or quantity.value == "":
        return "nothing"
    if quantity.unit == "" and isinstance(quantity.value, int):
        return str(quantity.value)
    return number(quantity.shown)


def _unit(unit: str) -> str:
    """A unit beside its number; a plain number has none."""
    return "" if unit == "1" else unit


def _spread(row: Evidence) -> str:
    """The range of a row in the unit of the row: by what its value in SI is of the number that is written."""
    if row.low is None:
        return ""
    low, high = row.low, row.low if row.high is None else row.high
    try:
        scale = row.value / parse(row.written, "1")
    except (InputError, ZeroDivisionError):
        scale = 0.0
    if not scale:
        return f" ({number(low)} – {number(high)} SI)"
    return f" ({number(low / scale)} – {number(high / scale)})"


def _label(step: Step) -> str:
    from rich.markup import escape

    q = step.quantity
    value = f"{_value(q)} {_unit(q.unit)}".strip() if q.value is not None else _value(q)
    given = f"  ← {q.where}" if q.where else "  ← not given"
    origin = {"scenario": given, "default": f"  ← default: {q.reason}"}.get(q.origin, "")
    again = "  (opened above)" if step.repeated and q.inputs else ""
    said = f"{escape(q.summary)} ({q.label}){escape(origin)}{again}"
    return f"[bold]{q.name}[/bold] = {escape(value)}  [dim]{said}[/dim]"
