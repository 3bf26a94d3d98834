"""``gigawatt plan-supply``: the cheapest plants for a load at a site, hour by hour, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import read_pairs
from gigawatt.faces.terminal.question import Asked, asks

__all__ = ["EPILOG", "plan_supply_command"]

EPILOG = 'Example: gigawatt plan-supply texas --load 1GW --year 2035 --carbon "20 g/kWh"'
_LOAD, _PLANTS, _ANSWER = "Load", "Supply", "Answer"
#: What the plan calls its limits → the option that sets them.
_OPTIONS = {
    "carbon_limit": "--carbon",
    "carbon_price": "--carbon-price",
    "not_served_limit": "--reliability",
    "not_served_price": "--not-served-price",
    "site": "SITE",
    "site.weather": "--weather",
}


def _option(help: str, panel: str = _LOAD, **more: Any) -> Any:
    return typer.Option(help=help, show_default=False, rich_help_panel=panel, **more)


@asks("plan-supply")
def plan_supply_command(
    asked: Asked,
    load: Annotated[str | None, _option("Power at the meter in the highest hour, such as 1GW.")] = None,
    profile: Annotated[
        str | None,
        _option("flat, serving, a row of `gigawatt catalog list traces_shapes`, or a CSV of 8,760 hours."),
    ] = None,
    capacity_factor: Annotated[
        list[str] | None, _option("Hours of a plant from a CSV: --capacity-factor hydro=FILE.", _PLANTS)
    ] = None,
    output: Annotated[
        Path | None, _option("Folder for plan.html, plan.md, plan.json and the tables as CSV.", _ANSWER)
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print JSON alone on standard output.",
            show_default=False,
            rich_help_panel=_ANSWER,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=_ANSWER)
    ] = False,
) -> None:
    """Plan the supply of a load: which plants, how large, what they do in every hour, at least cost."""
    from gigawatt.studies.supply.door import plan_supply

    words = dict(asked.words)
    limits = read_pairs("--limit", "plant=power, such as grid=300MW", words.pop("limit", []))
    shares = read_pairs("--capacity-factor", "plant=file, such as hydro=river.csv", capacity_factor or [])
    give(
        lambda report: plan_supply(
            **words, load=load, profile=profile, limits=limits, capacity_factors=shares, progress=report
        ),
        plan_supply_command, output=output, json=json, quiet=quiet, renamed=_OPTIONS,
    )  # fmt: skip
