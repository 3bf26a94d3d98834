"""``gigawatt outlook``: the largest run, what binds it, machines and electricity, year by year to 2050."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet

__all__ = ["outlook_command"]


def outlook_command(
    scenario: Annotated[
        str, typer.Argument(help="base, headwinds, lift-off, or a YAML file that changes quantities.")
    ] = "base",
    draws: Annotated[int, typer.Option(help="100 to 100,000,000; memory does not grow with them.")] = 100_000,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same numbers.")] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="Which unknown makes the spread: Sobol indices, tornado.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="Folder for page, JSON and tables.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw the outlook to 2050: the largest training run, what binds it, machines and electricity."""
    from gigawatt.studies.outlook.door import draw_outlook

    give(
        lambda report: draw_outlook(scenario, draws, seed, sensitivity=sensitivity, progress=report),
        outlook_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip
