"""``gigawatt plan-pathway``: power over decades, bridging plants, the cost of waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import AnswerJson, AnswerQuiet, flag, option
from gigawatt.faces.terminal.question import Asked, asks

__all__ = ["plan_pathway_command"]


_WHAT, _PATHS, _PLANTS, _ANSWER = "Question", "Paths", "Plants", "Answer"


@asks("plan-pathway", "site.name", settings=True)
def plan_pathway_command(
    asked: Asked,
    years: Annotated[
        str | None,
        option("Where steps begin, 2025-2050 or 2025,2030,2040; 25 years where left out.", _WHAT),
    ] = None,
    every: Annotated[
        int, typer.Option(help="Years per step of a span of years.", min=1, rich_help_panel=_WHAT)
    ] = 5,
    whole_steps: Annotated[
        bool, flag("--whole-steps", "Do not start a step where a lead time ends.", _WHAT)
    ] = False,
    gas_price: Annotated[str | None, option("At the hub, such as 4 $/MMBtu; or by year.", _PATHS)] = None,
    build_rate: Annotated[
        list[str] | None, option("Largest build rate per year: wind=200 MW.", _PLANTS)
    ] = None,
    lead_time: Annotated[
        list[str] | None, option("Instead of the catalog's, queue included: grid=3 yr.", _PLANTS)
    ] = None,
    existing: Annotated[
        list[str] | None, option("Existing plants: gas-turbine=100 MW@2015.", _PLANTS)
    ] = None,
    learning: Annotated[
        list[str] | None,
        option("Cost change per doubling: fission-small=-10 %, or =rows for the catalog's.", _PLANTS),
    ] = None,
    case: Annotated[
        str, typer.Option(help="Capital costs: value, low or high.", rich_help_panel=_PLANTS)
    ] = "value",
    weeks: Annotated[
        int,
        typer.Option(help="Representative weeks per year; 52 is every hour.", min=1, rich_help_panel=_ANSWER),
    ] = 7,
    check: Annotated[
        bool,
        flag("--check", "Plan one step with every hour as well, and report the error of the weeks.", _ANSWER),
    ] = False,
    output: Annotated[Path | None, option("Folder for page, JSON and tables.", _ANSWER)] = None,
    json: AnswerJson = False,
    quiet: AnswerQuiet = False,
) -> None:
    """Plan a campus's power over decades: build, retire, bridge, and the cost of waiting for power."""
    words: dict[str, Any] = dict(locals())
    for name in ("asked", "output", "json", "quiet"):
        words.pop(name)
    from gigawatt.studies.pathway.door import plan_pathway

    words |= asked.words
    give(
        lambda report: plan_pathway(**words, settings=asked.settings, progress=report),
        plan_pathway_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip
