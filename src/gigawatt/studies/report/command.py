"""``gigawatt report``: the report of a stored result or study, made anew."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console
from gigawatt.faces.terminal.options import Quiet, flagged

__all__ = ["report_command"]


def report_command(
    folder: Annotated[
        Path, typer.Argument(help="A folder of a result or of a study (--output).", show_default=False)
    ],
    format: Annotated[str, typer.Option(help="html, or md for Markdown.")] = "html",
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "--out", help="Another file; - prints it. Without it, it lies in the folder."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write the report of a stored result or study again, as one HTML page or as Markdown."""
    from gigawatt.faces.report.stored import stored

    found = stored(folder)
    text = flagged(lambda: found.text(format), report_command)
    if output == "-":
        sys.stdout.write(text)
        return
    file = found.folder / f"{found.stem}.{format}" if output is None else Path(output)
    _write(file, text)
    if not quiet:
        console().print(f"Report: {file}", markup=False)


def _write(file: Path, text: str) -> None:
    """The file whole or not at all; what else lies in its folder stays."""
    from gigawatt.core.store import write_beside

    try:
        write_beside(file, text)
    except InputError as error:
        raise error.at(key="--output") from None
