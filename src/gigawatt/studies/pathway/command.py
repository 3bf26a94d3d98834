"""``gigawatt plan-pathway``: power over decades, what bridges, what waiting costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.studies.serving.options import flag, option

__all__ = ["EPILOG", "plan_pathway_command"]

EPILOG = (
    'Example: gigawatt plan-pathway texas --load "2025: 200 MW, 2030: 1 GW" --carbon-price "2030: 50 $/t"'
)

_WHAT, _PATHS, _PLANTS, _ANSWER = "What is asked", "Paths", "Plants", "Answer"


def plan_pathway_command(
    site: Annotated[str, typer.Argument(help="A site of the catalog.", show_default=False)],
    load: Annotated[str, option("Mean power at the meter; one value, or by year, linear between.", _WHAT)],
    years: Annotated[
        str, typer.Option(help="2025-2050, or 2025,2030,2040: where steps begin.", rich_help_panel=_WHAT)
    ] = "2025-2050",
    every: Annotated[
        int, typer.Option(help="Years of a step, of a span of years.", min=1, rich_help_panel=_WHAT)
    ] = 5,
    whole_steps: Annotated[
        bool, flag("--whole-steps", "No steps of their own where a lead time ends.", _WHAT)
    ] = False,
    chip: Annotated[str, typer.Option(help="The accelerator that waits.", rich_help_panel=_WHAT)] = "H100",
    carbon: Annotated[str | None, option("Limit of the mean, such as 100 g/kWh; or by year.", _PATHS)] = None,
    carbon_price: Annotated[str | None, option("Such as 50 $/t; or by year.", _PATHS)] = None,
    gas_price: Annotated[str | None, option("At the hub, such as 4 $/MMBtu; or by year.", _PATHS)] = None,
    grid_price: Annotated[str | None, option("Mean, such as 60 $/MWh; or by year.", _PATHS)] = None,
    plants: Annotated[
        str, typer.Option(help="What may be built, commas between.", rich_help_panel=_PLANTS)
    ] = "grid,solar,wind,battery,gas-engine,gas-turbine,gas-combined-cycle,fission-small",
    limit: Annotated[list[str] | None, option("Most of a plant: grid=300 MW.", _PLANTS)] = None,
    build_rate: Annotated[list[str] | None, option("Most built in a year: wind=200 MW.", _PLANTS)] = None,
    lead_time: Annotated[
        list[str] | None, option("In place of the catalog's, queue included: grid=3 yr.", _PLANTS)
    ] = None,
    existing: Annotated[list[str] | None, option("Stands already: gas-turbine=100 MW@2015.", _PLANTS)] = None,
    learning: Annotated[
        list[str] | None,
        option("Fall of cost at each doubling: fission-small=-10 %, or =rows for the catalog's.", _PLANTS),
    ] = None,
    case: Annotated[
        str, typer.Option(help="Capital costs: value, low or high.", rich_help_panel=_PLANTS)
    ] = "value",
    discount_rate: Annotated[str | None, option("Real, such as 7 %.", _PATHS)] = None,
    not_served: Annotated[
        str | None,
        option("Price of power that lacks, such as 500 $/MWh; default: idle accelerators.", _PATHS),
    ] = None,
    weeks: Annotated[
        int,
        typer.Option(help="Weeks that stand for a year; 52 is every hour.", min=1, rich_help_panel=_ANSWER),
    ] = 7,
    check: Annotated[
        bool,
        flag("--check", "Plan one step with every hour too, and say how far the weeks are off.", _ANSWER),
    ] = False,
    output: Annotated[Path | None, option("Folder for page, JSON and tables.", _ANSWER)] = None,
    json: Annotated[bool, flag("--json", "Print JSON alone on standard output.", _ANSWER)] = False,
    quiet: Annotated[bool, flag("--quiet", "No progress, no summary.", _ANSWER)] = False,
) -> None:
    """Plan a campus's power over decades: build, retire, bridge; and what waiting for power costs."""
    words: dict[str, Any] = dict(locals())
    for name in ("output", "json", "quiet"):
        words.pop(name)
    from gigawatt.studies.pathway.door import plan_pathway

    give(
        lambda report: plan_pathway(**words, progress=report),
        plan_pathway_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip
