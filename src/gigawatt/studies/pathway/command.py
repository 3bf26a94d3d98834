"""``gigawatt plan-pathway``: power over decades, what bridges, what waiting costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, number, print_json, progress
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed
from gigawatt.studies.serving.options import flag, flat_csv, option

if TYPE_CHECKING:
    from gigawatt.studies.pathway.plan import Question

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
    given: dict[str, Any] = dict(locals())
    with progress(quiet=quiet or json) as report:
        report("Reading the catalog", 0.0)
        answer = flagged(lambda: _answer(given, report), plan_pathway_command)
        if output is not None:
            _write(output, answer)
    if json:
        print_json(answer)
    elif not quiet:
        _print(answer)
        if output is not None:
            console().print(
                f"Written: {output / 'pathway.html'}, pathway.md, pathway.json, tables as CSV", markup=False
            )


def _answer(given: dict[str, Any], report: Callable[[str, float], None]) -> dict[str, Any]:
    from gigawatt.studies.pathway.answer import pathway_answer
    from gigawatt.studies.pathway.plan import pathways

    if given["output"] is not None:
        from gigawatt.core.store import writable

        writable(given["output"])
    return pathway_answer(pathways(_question(given), check=given["check"], progress=report))


def _question(given: dict[str, Any]) -> Question:
    from gigawatt.core.quantities import parse
    from gigawatt.studies.pathway.plan import Question, read_path, read_years

    def single(key: str, unit: str) -> float | None:
        try:
            return None if given[key] is None else parse(given[key], unit)
        except InputError as error:
            raise error.at(key=key) from None

    def each(key: str, unit: str) -> dict[str, float]:
        return {name: _value(key, text, unit) for name, text in _pairs(key, given[key])}

    years, end = read_years(given["years"], given["every"])
    learns: dict[str, float | None] = {
        name: None if text == "rows" else _value("learning", text, "percent")
        for name, text in _pairs("learning", given["learning"])
    }
    stands: list[tuple[str, float, float]] = []
    for name, text in _pairs("existing", given["existing"]):
        watts, sign, year = text.partition("@")
        if not sign or not year.strip().isdigit():
            raise InputError("no year", key="existing", given=text, allowed="such as gas-turbine=100 MW@2015")
        stands.append((name, _value("existing", watts.strip(), "W"), float(year)))
    return Question(
        site=given["site"], load=read_path(given["load"], "W", "load"),
        plants=tuple(name.strip() for name in given["plants"].split(",")), years=years, end=end,
        chip=given["chip"], cut=not given["whole_steps"],
        carbon_limit=read_path(given["carbon"], "g/kWh", "carbon"),
        carbon_price=read_path(given["carbon_price"], "$/t", "carbon_price"),
        gas_price=read_path(given["gas_price"], "$/MMBtu", "gas_price"),
        grid_price=read_path(given["grid_price"], "$/MWh", "grid_price"),
        limits=each("limit", "W"),
        build_rates={name: rate / parse("1 yr", "s") for name, rate in each("build_rate", "W").items()},
        lead_times=each("lead_time", "yr"), learning=learns, existing=tuple(stands), case=given["case"],
        rate=single("discount_rate", "percent"), not_served_price=single("not_served", "$/MWh"),
        weeks=given["weeks"],
    )  # fmt: skip


def _value(key: str, text: str, unit: str) -> float:
    from gigawatt.core.quantities import parse

    try:
        return parse(text, unit)
    except InputError as error:
        raise error.at(key=key) from None


def _pairs(key: str, written: Sequence[str] | None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in written or ():
        name, sign, value = one.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise InputError("not a plant and a value", key=key, given=one, allowed="such as wind=200 MW")
        if key != "existing" and any(name.strip() == known for known, _ in found):
            raise InputError("this plant stands twice", key=key, given=one, allowed="each plant once")
        found.append((name.strip(), value.strip()))
    return found


def _print(answer: dict[str, Any]) -> None:
    from rich.table import Table

    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = [row["plant"] for row in answer["steps"][0]["plants"]]
    names = [
        name for i, name in enumerate(names)
        if max(step["plants"][i]["capacity_MW"] for step in answer["steps"])
        > 1e-3 * max(step["load_MW"] for step in answer["steps"])
    ]  # fmt: skip
    for head in (
        "from",
        "load MW",
        *(f"{name} MW" for name in names),
        "$/MWh",
        "g/kWh",
        "not served",
        "idle M$/yr",
    ):
        table.add_column(head, justify="right")
    for step in answer["steps"]:
        size = {row["plant"]: row["capacity_MW"] for row in step["plants"]}
        cells = [f"{step['year']:g}", number(step["load_MW"])]
        cells += [number(round(size[name], 1)) for name in names]
        cells += [
            "–" if step[key] is None else number(step[key], 3) for key in ("cost_$/MWh", "carbon_g/kWh")
        ]
        whole = step["served_GWh"] + step["not_served_GWh"]
        cells += [
            f"{step['not_served_GWh'] / whole:.1%}" if whole else "–",
            number(round(step["idle_cost_M$"], 1)),
        ]
        table.add_row(*cells)
    out.print(table)
    out.print()
    for text in answer["words"]:
        out.print(f"• {text}", markup=False)
    weeks = answer["weeks"]
    error = weeks["error_of_cost"]
    tail = "" if error is None else f"; in {weeks['checked_step']:g} they cost {error:+.1%} beside every hour"
    out.print(
        f"\nPresent cost {number(answer['present_cost_M$'])} M$ at {answer['discount_rate']:.1%} a year; "
        f"each step by {weeks['hours']:,} hours that stand for its year{tail}.",
        markup=False,
    )
    for text in answer["notices"]:
        out.print(f"note: {text}", markup=False)


def _write(folder: Path, answer: dict[str, Any]) -> None:
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files

    steps = [{k: v for k, v in step.items() if k != "plants"} for step in answer["steps"]]
    plants = [{"year": step["year"], **row} for step in answer["steps"] for row in step["plants"]]
    write_files(folder, {
        **study_files("plan-pathway", answer, typed()),
        "steps.csv": flat_csv(steps),
        "plants.csv": flat_csv(plants),
    })  # fmt: skip
