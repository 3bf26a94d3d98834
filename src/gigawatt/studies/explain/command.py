"""``gigawatt explain``: the walk from a number to its rows, as a tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import SETTINGS, Json, Quiet, option, read_settings

__all__ = ["explain_command"]


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
    settings: Annotated[list[str] | None, SETTINGS] = None,
    output: Annotated[Path | None, option("Folder for explain.html, .md and .json.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Walk from a number to its formula, code, inputs and the rows of the catalog behind it."""
    from gigawatt.studies.explain.door import explain

    other = read_settings(settings)
    give(
        lambda report: explain(
            result, quantity, depth, layout=layout, spread=spread, settings=other, progress=report
        ),
        None, output=output, json=json, quiet=quiet, renamed={"settings": "--set"},
    )  # fmt: skip
