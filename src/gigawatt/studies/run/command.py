"""``gigawatt run``: the whole chain on one scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import gigawatt
from gigawatt.core.errors import InputError
from gigawatt.core.store import as_json as answer
from gigawatt.core.store import save_result, writable
from gigawatt.faces.terminal.console import console, print_json, progress

__all__ = ["run_command"]


def run_command(
    scenario: Annotated[Path, typer.Argument(help="A scenario in YAML.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "--out", help="Folder of the result; default results/<name of the scenario file>."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Run the whole chain on a scenario: a table here, one HTML report and data files in a folder."""
    study = gigawatt.load(scenario)
    folder = out if out is not None else Path("results") / scenario.stem
    try:
        writable(folder)
    except InputError as error:
        raise error.at(key="--out") from None
    with progress(quiet=quiet) as report:
        result = study.run(progress=report)
        report("Writing the report", 0.98)
        from gigawatt.faces.report import render_files

        save_result(result, folder, extra=render_files(result))
    if as_json:
        print_json(answer(result))
    elif not quiet:
        from gigawatt.studies.run.summary import print_summary

        print_summary(result, console())
        console().print(f"Report: {folder / 'report.html'}, report.md", markup=False)
