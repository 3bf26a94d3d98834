"""``gigawatt catalog list`` and ``show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give

__all__ = ["list_command", "show_command"]


def list_command(
    table: Annotated[
        str | None, typer.Argument(help="A table; without it, all tables.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for catalog.html, .md and .json.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
) -> None:
    """List the catalog's tables, or the entries of one."""
    from gigawatt.studies.catalog.door import catalog_list

    give(lambda report: catalog_list(table), None, output=output, json=json, quiet=quiet)


def show_command(
    table: Annotated[str, typer.Argument(show_default=False)],
    entry: Annotated[str, typer.Argument(show_default=False)],
    output: Annotated[
        Path | None, typer.Option(help="Folder for catalog.html, .md and .json.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
) -> None:
    """Show every number of one entry with unit, range, grade and source."""
    from gigawatt.studies.catalog.door import catalog_show

    give(lambda report: catalog_show(table, entry), None, output=output, json=json, quiet=quiet)
