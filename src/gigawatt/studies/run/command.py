"""``gigawatt run``: the whole chain on one scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import SETTINGS, read_settings

__all__ = ["run_command"]


def run_command(
    scenario: Annotated[Path, typer.Argument(help="A scenario in YAML.", show_default=False)],
    settings: Annotated[list[str] | None, SETTINGS] = None,
    uncertainty: Annotated[
        bool | None,
        typer.Option(
            help="Sample all uncertain inputs for 90 % intervals and their causes. "
            "Default: as the scenario says, else on.",
            show_default=False,
        ),
    ] = None,
    draws: Annotated[
        int | None, typer.Option(help="Number of draws; default 2,000.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Their seed; default 0.", show_default=False)] = None,
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
    from gigawatt.studies.run.door import Asked, answered

    asked = Asked(uncertainty, draws, seed, usual=True)
    folder = output if output is not None else Path("results") / scenario.stem
    other = read_settings(settings)
    give(
        lambda report: answered(scenario, other, asked, report),
        None, output=folder, json=json, quiet=quiet,
    )  # fmt: skip
