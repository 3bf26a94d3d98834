"""``gigawatt explain``: the walk from a number to its rows, as a tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Evidence
from gigawatt.core.explain import Step, as_data, explain, weakest, with_numbers
from gigawatt.core.quantities import parse
from gigawatt.core.result import Quantity, Result
from gigawatt.faces.terminal.console import console, number, print_json

__all__ = ["explain_command"]

_MOST_ROWS = 20
_SCENARIOS = (".yaml", ".yml")


def explain_command(
    result: Annotated[
        Path,
        typer.Argument(help="A folder that `gigawatt run` wrote, or a scenario file.", show_default=False),
    ],
    quantity: Annotated[
        str | None,
        typer.Argument(help="A dotted name; without it, all names are listed.", show_default=False),
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="How many levels of inputs to open.")] = 2,
    layout: Annotated[
        str | None,
        typer.Option(
            help="Of layouts.search or serving.plan: why not this layout, as tensor=8,pipeline=16.",
            show_default=False,
        ),
    ] = None,
    spread: Annotated[
        bool, typer.Option("--spread", help="The rows that the quantity's band comes from, largest first.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """Walk from a number to its formula, code, inputs and the rows of the catalog behind it."""
    found = _result(result)
    if layout is not None:
        from gigawatt.studies.explain.search_summary import verdict_command

        verdict_command(found, quantity, layout, as_json=json)
    elif spread:
        from gigawatt.studies.explain.spread_summary import spread_command

        spread_command(found, quantity, as_json=json)
    elif quantity is None:
        _all(found, as_json=json)
    else:
        _walk(found, quantity, depth, as_json=json)


def _result(source: Path) -> Result:
    """The stored result, or that of a scenario file."""
    if source.suffix in _SCENARIOS and source.is_file():
        from gigawatt.chain.study import Study

        return Study.read(source).run()
    from gigawatt.core.store import load_result

    return load_result(source)


def _all(result: Result, *, as_json: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    if as_json:
        print_json(
            [
                {"quantity": q.name, "unit": q.unit, "what": q.summary, "code": q.code}
                for q in result.quantities.values()
            ]
        )
        return
    shown = Table("quantity", "value", "unit", "grade", "what", box=None)
    shown.columns[0].no_wrap = True
    for q in result.quantities.values():
        shown.add_row(q.name, escape(_value(q)), _unit(q.unit), q.label, escape(q.summary))
    console().print(shown)


def _walk(result: Result, name: str, depth: int, *, as_json: bool) -> None:
    """The tree of one quantity, and of a search what it left out."""
    steps = list(explain(result, name, depth))
    searched = name in ("layouts.search", "serving.plan") and name in result.quantities
    if as_json:
        first, *others = [as_data(result, step) for step in steps]
        if searched:
            from gigawatt.studies.explain.search_summary import search_data

            first["search"] = search_data(result, name)
        print_json([first, *others])
        return
    out = console()
    out.print(_tree(result, steps, depth))
    weak = weakest(result, name)
    for grade in {row.grade.label for row in weak}:
        named = ", ".join(f"{row.name} ({row.where})" for row in weak[:6])
        more = f" and {len(weak) - 6} more" if len(weak) > 6 else ""
        out.print(f"Weakest rows on the path ({grade}): {named}{more}", markup=False)
    if searched:
        from gigawatt.studies.explain.search_summary import print_search

        print_search(result, name)


def _tree(result: Result, steps: list[Step], depth: int) -> Any:
    from rich.markup import escape
    from rich.tree import Tree

    branches: list[Tree] = []
    for step in steps:
        label = _label(step)
        branch = Tree(label) if step.depth == 0 else branches[step.depth - 1].add(label)
        branches[step.depth :] = [branch]
        if step.repeated:
            continue
        q = step.quantity
        for line in _how(result, q, first=step.depth == 0):
            branch.add(f"[dim]{escape(line)}[/dim]")
        for row in step.rows[:_MOST_ROWS]:
            branch.add(f"[dim]{escape(_row(row))}[/dim]")
        if len(step.rows) > _MOST_ROWS:
            branch.add(f"[dim]and {len(step.rows) - _MOST_ROWS} more rows: see --json[/dim]")
        if q.inputs and step.depth == depth:
            branch.add(f"[dim]from {escape(', '.join(q.inputs))}: see --depth {depth + 1}[/dim]")
    return branches[0]


def _how(result: Result, q: Quantity, *, first: bool) -> list[str]:
    """How a quantity is computed: words, method, expression with and without numbers, file and line."""
    said: list[str] = [text for text in (q.formula, q.method) if text and first]
    worked = with_numbers(result, q, _shown) if first else ""
    arithmetic = [f"= {text.replace(' * ', ' × ')}" for text in (q.expression, worked) if text]
    if not q.code:
        return [*said, *arithmetic]
    if first or not arithmetic:
        return [*said, *arithmetic, q.code]
    return [f"{arithmetic[0]}  {q.code}"]


def _shown(q: Quantity) -> str:
    return f"{_value(q)} {_unit(q.unit)}".strip()


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
    value = _shown(q) if q.value is not None else _value(q)
    given = f"  ← {q.where or q.reason or 'not given'}"
    origin = {"scenario": given, "default": f"  ← default: {q.reason}"}.get(q.origin, "")
    again = "  (opened above)" if step.repeated and q.inputs else ""
    said = f"{escape(q.summary)} ({q.label}){escape(origin)}{again}"
    return f"[bold]{q.name}[/bold] = {escape(value)}  [dim]{said}[/dim]"
