"""``gigawatt run``: the whole chain on one scenario."""

from __future__ import annotations

from pathlib import Path

import gigawatt
from gigawatt.cli.terminal import console, print_json, progress
from gigawatt.errors import InputError
from gigawatt.study.store import as_json as answer
from gigawatt.study.store import save_result, writable

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
        from gigawatt.report import render_files

        save_result(result, folder, extra=render_files(result))
    if as_json:
        print_json(answer(result))
    elif not quiet:
        from gigawatt.cli.summary import print_summary

        print_summary(result, console())
        console().print(f"Report: {folder / 'report.html'}, report.md", markup=False)
