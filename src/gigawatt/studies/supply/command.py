"""``gigawatt plan-supply``: the cheapest plants for a load at a site, hour by hour, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import read_pairs

__all__ = ["EPILOG", "plan_supply_command"]

EPILOG = 'Example: gigawatt plan-supply texas --load 1GW --year 2035 --carbon "20 g/kWh"'
_LOAD, _PLANTS, _LIMITS, _MONEY = "The load", "What may be built", "What it must keep to", "Prices"
_ANSWER = "Answer"
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


def plan_supply_command(
    site: Annotated[
        str, typer.Argument(help="A site of the catalog, by words of its name.", show_default=False)
    ],
    load: Annotated[str | None, _option("Power at the meter in the highest hour, such as 1GW.")] = None,
    profile: Annotated[
        str | None,
        _option("flat, serving, a row of `gigawatt catalog list traces_shapes`, or a CSV of 8,760 hours."),
    ] = None,
    cooling: Annotated[
        str | None,
        _option("The load is at the racks: this row of `gigawatt catalog list cooling` adds to it."),
    ] = None,
    year: Annotated[int | None, _option("Year of operation, 2026 if left out.")] = None,
    weather: Annotated[
        Path | None, _option("Weather file (CSV, EPW, TMY3) in place of the site's own.")
    ] = None,
    years: Annotated[int | None, _option("Weather years in one plan, 1 to 10.", min=1, max=10)] = None,
    plants: Annotated[
        str | None, _option("Such as grid,solar,wind,battery: `gigawatt catalog list plants`.", _PLANTS)
    ] = None,
    limit: Annotated[
        list[str] | None, _option("Largest capacity of a plant: --limit grid=300MW.", _PLANTS)
    ] = None,
    capacity_factor: Annotated[
        list[str] | None, _option("Hours of a plant from a CSV: --capacity-factor hydro=FILE.", _PLANTS)
    ] = None,
    carbon: Annotated[
        str | None, _option("Most carbon of the energy served, such as '20 g/kWh'.", _LIMITS)
    ] = None,
    matching: Annotated[
        str | None,
        _option("hourly: clean plants and stores give all of every hour's load; or a share, 90%.", _LIMITS),
    ] = None,
    grid_counts: Annotated[
        bool, _option("Under --matching, the clean share of the grid's own mix counts.", _LIMITS)
    ] = False,
    reliability: Annotated[
        str | None, _option("Least share of the energy that is served, such as 99.99%.", _LIMITS)
    ] = None,
    flexible: Annotated[
        str | None, _option("Load that may be cut, and at what price: '10%:60$/MWh'.", _LIMITS)
    ] = None,
    deferrable: Annotated[
        str | None, _option("Load that may wait, and how long at most: '20%:6h'.", _LIMITS)
    ] = None,
    price: Annotated[
        str | None, _option("Mean price of the grid, such as '60 $/MWh'; its hours keep their shape.", _MONEY)
    ] = None,
    grid_carbon: Annotated[
        str | None, _option("Mean carbon of the grid, such as '300 g/kWh'.", _MONEY)
    ] = None,
    carbon_price: Annotated[str | None, _option("Such as '100 $/t'.", _MONEY)] = None,
    not_served_price: Annotated[
        str | None, _option("Of energy not served, such as '10000 $/MWh'.", _MONEY)
    ] = None,
    discount: Annotated[str | None, _option("Real discount rate, such as '7%'.", _MONEY)] = None,
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

    limits = read_pairs("--limit", "plant=power, such as grid=300MW", limit or [])
    shares = read_pairs("--capacity-factor", "plant=file, such as hydro=river.csv", capacity_factor or [])
    names = None if plants is None else _names(plants)
    give(
        lambda report: plan_supply(
            site, progress=report, load=load, year=year, profile=profile, cooling=cooling,
            weather=None if weather is None else str(weather), years=years, plants=names, limits=limits,
            capacity_factors=shares, carbon=carbon, carbon_price=carbon_price, price=price,
            grid_carbon=grid_carbon, reliability=reliability, not_served_price=not_served_price,
            discount=discount, flexible=flexible, deferrable=deferrable, matching=matching,
            grid_counts=grid_counts,
        ),
        plan_supply_command, output=output, json=json, quiet=quiet, renamed=_OPTIONS,
    )  # fmt: skip


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise InputError("no plant", key="--plants", given=text, allowed="such as grid,solar,wind,battery")
    return names
