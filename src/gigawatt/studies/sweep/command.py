"""``gigawatt sweep``: many scenarios into one store, and ``gigawatt sweep show``: what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.console import console
from gigawatt.faces.terminal.options import SETTINGS, Json, Quiet, option, read_settings

__all__ = ["run_command", "show_command"]


def run_command(
    study: Annotated[
        Path, typer.Argument(help="A study in YAML: base, over, zip, sample, read.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option(help="Folder of the store; default results/<name of the study file>.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that compute.")] = 1,
    scheduler: Annotated[
        str | None,
        option("Address of a Dask scheduler, such as tcp://localhost:8786."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="The store has to be there: go on with it.")
    ] = False,
    settings: Annotated[list[str] | None, SETTINGS] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compute every scenario of a study that its store does not know yet.

    What was computed is kept and never computed again, whenever this ends.
    """
    from gigawatt.studies.sweep.door import sweep

    folder = output if output is not None else Path("results") / study.stem
    other = read_settings(settings)
    try:
        answer = give(
            lambda report: sweep(
                study, folder, workers=workers, scheduler=scheduler, resume=resume, look=False,
                settings=other, progress=report,
            ),
            None, json=json, quiet=quiet, renamed={"settings": "--set"},
        )  # fmt: skip
    except InputError as error:
        if error.key is None and error.given == str(folder):
            error.key = "--output"
        raise
    faults = answer.found.faults
    if faults:
        raise InputError(
            f"{len(faults)} scenarios failed for a fault of the program and are kept nowhere",
            given=faults[0],
        )


def show_command(
    store: Annotated[Path, typer.Argument(help="A folder that `gigawatt sweep` wrote.", show_default=False)],
    sql: Annotated[str | None, option("A query; tables sweep (units as shown) and si.")] = None,
    csv: Annotated[Path | None, option("Write the rows as CSV.")] = None,
    output: Annotated[Path | None, option("Folder for sweep.html, sweep.md and their data.")] = None,
    x: Annotated[str | None, option("Column of the figure's horizontal axis.")] = None,
    y: Annotated[str | None, option("Column of its vertical axis.")] = None,
    by: Annotated[str | None, option("Column of its colours.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what a store holds: its columns, the answer to a query, a figure, a CSV file."""
    from gigawatt.studies.sweep.door import sweep_report, sweep_show

    if (x is None) != (y is None):
        raise InputError("a figure has both axes or neither", key="--x" if x is None else "--y",
                         allowed="--x and --y")  # fmt: skip
    if csv is not None:
        from gigawatt.studies.sweep.show import write_csv
        from gigawatt.studies.sweep.store import SweepStore

        write_csv(SweepStore(store), sql or "SELECT * FROM sweep", csv)
    if output is not None:
        give(lambda report: sweep_report(store, x=x, y=y, by=by), None, output=output, quiet=True)
    give(lambda report: sweep_show(store, sql), None, json=json, quiet=quiet)
    for path in (csv, None if output is None else output / "sweep.html"):
        if path is not None and not (quiet or json):
            console().print(f"Written: {path}", markup=False)
