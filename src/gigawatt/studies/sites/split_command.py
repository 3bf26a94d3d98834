"""``gigawatt split-load``: one load over several sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import SETTINGS, Json, Quiet, read_pairs, read_settings

__all__ = ["split_load_command"]


def _option(words: str) -> Any:
    return typer.Option(help=words, show_default=False)


def split_load_command(
    load: Annotated[
        str, typer.Argument(help="Power at the racks of all sites together (100 MW).", show_default=False)
    ],
    sites: Annotated[str, _option("Places with commas between, 2 to 12.")],
    most: Annotated[
        list[str] | None, _option("Most power at the racks of a site (texas=60MW), as often as needed.")
    ] = None,
    machines: Annotated[
        str | None, _option("Cost of machines and building by power at the racks and year (5000 $/kW).")
    ] = None,
    transfer: Annotated[
        str | None, _option("Price of moving the data of a megawatt-hour at the racks (1 $/MWh).")
    ] = None,
    users: Annotated[str | None, _option("A place from which requests come (frankfurt).")] = None,
    latency: Annotated[
        str | None, _option("In which a request and its answer may travel (60 ms), beside --users.")
    ] = None,
    year: Annotated[int | None, _option("The year.")] = None,
    settings: Annotated[list[str] | None, SETTINGS] = None,
    output: Annotated[Path | None, _option("Folder for split.html, split.md and split.json.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Divide one load over several sites: machines, plants and hours in one programme."""
    from gigawatt.studies.sites.split_door import split_load

    limits = read_pairs("--most", "place=power, such as texas=60MW", most or [])
    other = read_settings(settings)
    give(
        lambda report: split_load(
            load, sites=sites, most=limits, machines=machines, transfer=transfer, users=users,
            latency=latency, year=year, settings=other, progress=report,
        ),
        split_load_command, output=output, json=json, quiet=quiet, renamed={"settings": "--set"},
    )  # fmt: skip
