"""``gigawatt compare``: scenarios side by side, and which input moved what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import SETTINGS, read_settings

__all__ = ["compare_command"]

_NAMES = {"outputs": "--of", "settings": "--set"}


def compare_command(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="Two or more: scenarios in YAML, or folders that `gigawatt run` wrote.", show_default=False
        ),
    ],
    of: Annotated[
        list[str] | None,
        typer.Option(
            "--of",
            help="A quantity whose difference is split among the inputs; as often as needed.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every quantity that differs, not only those that matter.")
    ] = False,
    split: Annotated[
        bool, typer.Option("--split/--no-split", help="Whether to say which input moved what.")
    ] = True,
    orders: Annotated[
        int, typer.Option(min=4, max=1000, help="Orders to sample where more than six groups differ.")
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampled orders.")] = 0,
    uncertainty: Annotated[
        bool | None,
        typer.Option(
            help="Sample all uncertain inputs of the scenarios: how likely one is lower. "
            "Default: as they say, else yes.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[list[str] | None, SETTINGS] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for compare.json, compare.html and compare.md.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Put scenarios or results side by side; of two, split every difference among the inputs that differ."""
    from gigawatt.studies.compare.door import answered
    from gigawatt.studies.run.door import Asked

    other, asked = read_settings(settings), Asked(uncertainty, usual=True)
    give(
        lambda report: answered(
            sources, asked, of=of, split=split, orders=orders, seed=seed, everything=everything,
            settings=other, progress=report,
        ),
        compare_command, output=output, json=json, quiet=quiet, renamed=_NAMES,
    )  # fmt: skip
