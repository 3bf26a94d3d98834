"""``gigawatt catalog list`` and ``show``."""

from __future__ import annotations

import dataclasses

from gigawatt import catalog
from gigawatt.core.evidence import worst
from gigawatt.core.quantities import factor
from gigawatt.faces.terminal.console import console, number, print_json
from gigawatt.faces.terminal.doctor import user_catalog_words

__all__ = ["list_command", "show_command"]


def list_command(
    table: Annotated[
        str | None, typer.Argument(help="A table; without it, all tables.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """List the catalog's tables, or the entries of one."""
    from rich.table import Table

    if table is None:
        counts = {name: len(catalog.table(name)) for name in catalog.tables()}
        if as_json:
            print_json(counts)
            return
        shown = Table("table", "entries", box=None)
        for name, count in counts.items():
            shown.add_row(name, str(count))
        console().print(shown)
        console().print(f"user catalog: {user_catalog_words()}", markup=False)
        return
    rows = catalog.table(table)
    if as_json:
        print_json(
            [{"id": e.id, "name": e.text("name", e.id), "numbers": len(e.rows())} for e in rows.values()]
        )
        return
    own = set(catalog.user_catalog().get(table, ()))
    shown = Table("id", "name", "numbers", "worst grade", *(["from"] if own else []), box=None)
    shown.columns[0].no_wrap = True
    for entry in rows.values():
        grades = [row.grade for row in entry.rows()]
        shown.add_row(
            entry.id,
            entry.text("name", entry.id),
            str(len(grades)),
            worst(grades).label if grades else "",
            *(["user catalog"] if entry.id in own else []),
        )
    console().print(shown)
    if own:
        console().print(f"user catalog: {catalog.user_folder()}", markup=False)


def show_command(
    table: Annotated[str, typer.Argument(show_default=False)],
    entry: Annotated[str, typer.Argument(show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """Show every number of one entry with unit, range, grade and source."""
    from rich.table import Table

    if table == "chips":  # a design is built from its parts
        from gigawatt.machine.load import chip_row

        entry = chip_row(key)[0]
    else:
        entry = catalog.entity(table, key)
    if as_json:
        numbers = [{**dataclasses.asdict(row), "grade": row.grade.label} for row in entry.rows()]
        print_json({"id": entry.id, "table": table, "texts": dict(entry.texts), "numbers": numbers})
        return
    out = console()
    out.print(f"[bold]{entry.id}[/bold]  ({table})")
    for name, text in entry.texts.items():
        if text and name not in ("id", "source_id", "locator", "grade"):
            out.print(f"  {name}: {text}", markup=False)
    shown = Table("quantity", "value", "range", "unit", "year", "grade", "source", "note", box=None)
    shown.columns[0].no_wrap = True
    for row in entry.rows():
        scale = factor(row.unit)
        money = "$" in row.unit
        spread = (
            ""
            if row.low is None or row.high is None
            else f"{number(row.low / scale)} – {number(row.high / scale)}"
        )
        unit = f"{row.unit} ({catalog.CURRENCY_YEAR} money)" if money else row.unit
        value = number(row.value / scale) if money else row.written
        cite = " ".join(part for part in (row.source_id, row.locator) if part)
        shown.add_row(row.quantity, value, spread, unit, str(row.year or ""), row.grade.label, cite, row.note)
    out.print(shown)
    for source_id in sorted({row.source_id for row in entry.rows()}):
        source = catalog.source(source_id)
        out.print(
            f"  {source.id}: {source.title}, {source.publisher} {source.year or ''} {source.url}",
            markup=False,
        )
