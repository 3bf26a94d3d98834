"""``gigawatt calibrate``: measure this machine and make it a chip of the user catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option

__all__ = ["calibrate_command"]


def calibrate_command(
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:0 …")] = "auto",
    seconds: Annotated[float, typer.Option(help="Time to measure.")] = 60.0,
    formats: Annotated[str, typer.Option(help="Number formats; others are left out.")] = "bf16,fp16,fp32,fp8",
    name: Annotated[str, typer.Option(help="Name of the new chip; default by the device.")] = "",
    like: Annotated[str, typer.Option(help="Chip that lends price, power limit, die area …")] = "",
    table: Annotated[Path | None, typer.Option(help="Measured table, .csv or .parquet.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="Folder of the user catalog.")] = None,
    backend: Annotated[str, typer.Option(help="torch, or numpy (CPU).")] = "torch",
    processes: Annotated[int, typer.Option(min=1, help="On a CPU: processes of collectives.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, measure nothing.")] = False,
    output: Annotated[Path | None, option("Folder for calibration.html, .md and .json.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure this machine through torch and write it into the user catalog as a chip."""
    from gigawatt.studies.calibrate.door import answered, session_of

    if output is not None and output.suffix in (".csv", ".parquet"):
        raise InputError(
            "the measured table has an option of its own", key="--output", given=str(output),
            allowed=f"--table {output}, or a folder for the report",
        )  # fmt: skip
    session = session_of(
        device=device, seconds=seconds, formats=formats, name=name, like=like, table=table, catalog=catalog,
        backend=backend, processes=processes,
    )  # fmt: skip
    try:
        give(
            lambda report: answered(session, dry_run=dry_run, progress=report),
            None, output=output, json=json, quiet=quiet,
        )  # fmt: skip
    except KeyboardInterrupt:
        if session.measured.rows:
            typer.echo(f"{len(session.measured.rows)} rows so far, marked partial: {session.table}", err=True)
        raise
