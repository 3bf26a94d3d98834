"""``gigawatt chip``: a chip from its parts: area, yield, money, watts, temperatures and what limits it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.core.errors import GigawattError
from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option, read_pairs

__all__ = ["build_command", "list_command"]

_HAND = "key=value, such as dies.gpu.area=400mm^2"


def list_command(
    parts: Annotated[bool, typer.Option("--parts", help="The parts that a design may name instead.")] = False,
    output: Annotated[Path | None, option("Folder for chip.html, .md and .json.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the designs of the catalog, or the nodes, packages, links, memories and coolings to build with."""
    from gigawatt.studies.chip.door import chip_list

    give(lambda report: chip_list(parts=parts), list_command, output=output, json=json, quiet=quiet)


def build_command(
    design: Annotated[str, typer.Argument(help="A design's file in YAML, or its id.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A value of the design, such as dies.gpu.area=400mm^2; as often as needed.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        option("Folder for chip.html, .md and .json, and chips.csv."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build a chip from its parts: area, yield, cost, power, temperatures, roofline, what limits it."""
    from gigawatt.studies.chip.door import chip_build

    written = read_pairs("--set", _HAND, settings or [], split=False)
    try:
        give(
            lambda report: chip_build(design, written, published=output is not None),
            build_command, output=output, json=json, quiet=quiet,
            renamed={key: f"--set {key}" for key in written},
        )  # fmt: skip
    except GigawattError as error:
        if error.key is not None and error.key.startswith("--set "):
            error.line = None  # it is none of the design's file
        raise
