"""``gigawatt catalog list``, ``show`` and ``gaps``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option

__all__ = ["gaps_command", "list_command", "show_command"]

Folder = Annotated[Path | None, option("Folder for catalog.html, .md and .json.")]


def list_command(
    table: Annotated[
        str | None, typer.Argument(help="A table; without it, all tables.", show_default=False)
    ] = None,
    output: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the catalog's tables, or the entries of one."""
    from gigawatt.studies.catalog.door import catalog_list

    give(lambda report: catalog_list(table), None, output=output, json=json, quiet=quiet)


def show_command(
    table: Annotated[str, typer.Argument(show_default=False)],
    entry: Annotated[str, typer.Argument(show_default=False)],
    output: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show every number of one entry with unit, range, grade and source."""
    from gigawatt.studies.catalog.door import catalog_show

    give(lambda report: catalog_show(table, entry), None, output=output, json=json, quiet=quiet)


def gaps_command(
    scenarios: Annotated[
        list[Path], typer.Argument(help="Scenarios in YAML, one or more.", show_default=False)
    ],
    everything: Annotated[bool, typer.Option("--all", help="Rows of every grade, not only guesses.")] = False,
    most: Annotated[int, typer.Option(min=1, max=1000, help="Rows that are listed.")] = 20,
    draws: Annotated[int | None, option("Draws of each scenario; default 2,000.")] = None,
    output: Folder = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the guesses with the largest share of the variance of scenarios' key figures."""
    from gigawatt.studies.catalog.gaps import catalog_gaps

    give(
        lambda report: catalog_gaps(
            scenarios, everything=everything, most=most, draws=draws, progress=report
        ),
        gaps_command, output=output, json=json, quiet=quiet, renamed={"everything": "--all"},
    )  # fmt: skip
