"""``gigawatt rank-sites``: one question at many sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import SETTINGS, Json, Quiet, option, read_settings

__all__ = ["rank_sites_command"]


def rank_sites_command(
    scenario: Annotated[
        Path | None, typer.Argument(help="A scenario in YAML; its site does not count.", show_default=False)
    ] = None,
    sites: Annotated[
        str | None,
        typer.Option(
            help="Places with commas between, countries (Germany), or all; default: the sites "
            "of the catalog with hours of their own.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[str, typer.Option(help="Order of the rows: cost, carbon, date or short.")] = "cost",
    load: Annotated[
        str | None,
        option("Power in the highest hour (100 MW), without a scenario."),
    ] = None,
    year: Annotated[int | None, option("The year.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that compute.")] = 1,
    settings: Annotated[list[str] | None, SETTINGS] = None,
    output: Annotated[
        Path | None,
        option("Folder for sites.html, sites.md, sites.json and sites.csv."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask one question at many sites, and rank them by cost, carbon, date and hours short."""
    from gigawatt.studies.sites.door import rank_sites

    other = read_settings(settings)
    give(
        lambda report: rank_sites(
            scenario, sites=sites, by=by, load=load, year=year, workers=workers, settings=other,
            progress=report,
        ),
        rank_sites_command, output=output, json=json, quiet=quiet, renamed={"settings": "--set"},
    )  # fmt: skip
