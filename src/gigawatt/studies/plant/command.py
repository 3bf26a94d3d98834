"""``gigawatt plant``: the sheet of a plant that is known by its physics, with figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import Json, Quiet, option, read_pairs

__all__ = ["plant_command"]


def plant_command(
    plant: Annotated[str, typer.Argument(help="msr, fusion or space-solar.", show_default=False)],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A number of the plant, such as net=400MW; as often as needed.", show_default=False
        ),
    ] = None,
    design: Annotated[str | None, option("A design of this kind; --designs lists them.")] = None,
    year: Annotated[int, typer.Option(help="Of operation, of which the costs are.")] = 2040,
    designs: Annotated[bool, typer.Option("--designs", help="List the designs and stop.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="List what --set takes and stop.")] = False,
    output: Annotated[Path | None, option("Folder for plant.html, plant.md and sheet.json.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Print the sheet of a plant from its physics: power, limits, fuel, availability, cost, and its row."""
    from gigawatt.studies.plant.door import plant as sheet

    written = read_pairs("--set", "key=value, such as net=400MW", settings or [], split=False)
    give(
        lambda report: sheet(
            plant, settings=written, design=design, year=year, designs=designs, keys=keys,
            curves=output is not None, progress=report,
        ),
        plant_command, output=output, json=json, quiet=quiet,
        renamed={key: f"--set {key}" for key in written},
    )  # fmt: skip
