"""``gigawatt run``: the whole chain on one scenario."""

from __future__ import annotations

from pathlib import Path

import gigawatt
from gigawatt.core.errors import InputError
from gigawatt.core.store import as_json as answer
from gigawatt.core.store import save_result, writable
from gigawatt.faces.terminal.console import console, print_json, progress

__all__ = ["run_command"]


def run_command(scenario: Path, out: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Run, save, print."""
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
