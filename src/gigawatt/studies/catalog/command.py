"""``gigawatt catalog list`` and ``show``."""

from __future__ import annotations

from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give

__all__ = ["list_command", "show_command"]


def list_command(
    table: Annotated[
        str | None, typer.Argument(help="A table; without it, all tables.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """List the catalog's tables, or the entries of one."""
    from gigawatt.studies.catalog.door import catalog_list

    give(lambda report: catalog_list(table), None, json=json)


def show_command(
    table: Annotated[str, typer.Argument(show_default=False)],
    entry: Annotated[str, typer.Argument(show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """Show every number of one entry with unit, range, grade and source."""
    from gigawatt.studies.catalog.door import catalog_show

    give(lambda report: catalog_show(table, entry), None, json=json)
