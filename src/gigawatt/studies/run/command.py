"""``gigawatt run``: the whole chain on one scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import gigawatt
from gigawatt.faces.terminal.answer import check_folder
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
    from gigawatt.core.store import as_json, save_result
    from gigawatt.faces.terminal.document import write_document
    from gigawatt.studies.run.document import document
    from gigawatt.studies.run.render import render_files

    folder = output if output is not None else Path("results") / scenario.stem
    check_folder(folder)
    with progress(quiet=quiet or json) as report:
        result = gigawatt.load(scenario).run(progress=report)
        report("Writing the report", 0.98)
        said = document(result)
        save_result(result, folder, extra=render_files(said))
    if json:
        print_json(as_json(result))
    elif not quiet:
        write_document(said, console())
        console().print(f"Report: {folder / 'report.html'}, report.md", markup=False)
