"""``gigawatt validate``: the scorecards of all tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option

__all__ = ["validate_command"]

_TABLES = (
    "Which scorecard: training, kernels, memory, power, collectives, serving, goodput, chain, "
    "uncertainty, adequacy, timelines, prices, supply, technologies, outlook."
)


def validate_command(
    table: Annotated[str, typer.Argument(help=_TABLES, show_default=False)],
    rows: Annotated[Path | None, typer.Option(help="Another file (or folder) of the same shape.")] = None,
    output: Annotated[Path | None, option("Folder for scorecard.html, .md and .json.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Predictions beside measurements: error by group, beside a naive baseline."""
    from gigawatt.studies.validate.door import validate

    give(lambda report: validate(table, rows, progress=report), None, output=output, json=json, quiet=quiet)
