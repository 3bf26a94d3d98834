"""``gigawatt plan-supply``: the cheapest plants for a load at a site, hour by hour, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, print_json, progress
from gigawatt.faces.terminal.options import flagged, read_pairs
from gigawatt.faces.terminal.typed import typed

if TYPE_CHECKING:
    from gigawatt.studies.supply.plan import SupplyAnswer

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

T = TypeVar("T")


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
    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    limits = read_pairs("--limit", "plant=power, such as grid=300MW", limit or [])
    shares = read_pairs("--capacity-factor", "plant=file, such as hydro=river.csv", capacity_factor or [])
    names = None if plants is None else _names(plants)
    with progress(quiet=quiet or json) as report:
        report("Reading the catalog", 0.0)
        from gigawatt.studies.supply.answer import as_answer
        from gigawatt.studies.supply.plan import plan_supply
        from gigawatt.studies.supply.question import read_supply_question

        question = _flagged(
            lambda: read_supply_question(
                site=site, load=load, year=year, profile=profile, cooling=cooling,
                weather=None if weather is None else str(weather), years=years, plants=names, limits=limits,
                capacity_factors=shares,
                carbon=carbon, carbon_price=carbon_price, price=price, grid_carbon=grid_carbon,
                reliability=reliability, not_served_price=not_served_price, discount=discount,
                flexible=flexible, deferrable=deferrable, matching=matching, grid_counts=grid_counts,
            )
        )  # fmt: skip
        report("Planning every hour", 0.3)
        found = _flagged(lambda: plan_supply(question))
        answer = as_answer(found)
        if output is not None:
            report("Writing the folder", 0.9)
            _write(output, answer, found)
    if json:
        print_json(answer)
    elif not quiet:
        from gigawatt.studies.supply.summary import print_supply

        print_supply(answer, console())
        if output is not None:
            console().print(
                f"Written: {output / 'plan.html'}, plan.md, plan.json, tables as CSV", markup=False
            )


def _flagged(call: Callable[[], T]) -> T:
    return flagged(call, plan_supply_command, _OPTIONS)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise InputError("no plant", key="--plants", given=text, allowed="such as grid,solar,wind,battery")
    return names


def _write(folder: Path, answer: dict[str, Any], found: SupplyAnswer) -> None:
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files
    from gigawatt.studies.supply.answer import hourly

    hours = hourly(found)
    files = {
        **study_files("plan-supply", answer, typed(), hours),
        "plants.csv": _csv([_flat(row) for row in answer["plants"]]),
        "months.csv": _csv([_flat(row) for row in answer["months"]]),
        "hourly.csv": _csv(
            [
                {"hour": i, **dict(zip(hours, row, strict=True))}
                for i, row in enumerate(zip(*hours.values(), strict=True))
            ]
        ),
    }
    write_files(folder, files)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row without nesting, for CSV: ``plants_GWh.solar``."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            found.update({f"{key}.{inner}": one for inner, one in value.items()})
        else:
            found[key] = value
    return found


def _csv(rows: list[dict[str, Any]]) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
