"""``gigawatt codesign``: the front of chips, models and machines against today's best chip, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import AnswerJson, AnswerQuiet, option, read_pairs

__all__ = ["codesign_command"]

_ASKED, _SEARCH, _ANSWER = "What is varied", "Search", "Answer"


def codesign_command(
    scenario: Annotated[Path, typer.Argument(help="A scenario that trains or serves.", show_default=False)],
    design: Annotated[
        str, typer.Option(help="Today's chip from its parts: a design or file.", rich_help_panel=_ASKED)
    ] = "B200-parts",
    design_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--design-set",
            help="KEY=VALUE of the design, such as cooling=cold-plate.",
            show_default=False,
            rich_help_panel=_ASKED,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the scenario.", show_default=False, rich_help_panel=_ASKED),
    ] = None,
    source: Annotated[
        list[str] | None,
        option("Plants to choose beside the scenario's: grid+solar; as often as needed.", _ASKED),
    ] = None,
    formats: Annotated[str | None, option("Number formats to choose from, such as bf16,fp8.", _ASKED)] = None,
    hold: Annotated[str | None, option("Choices that stay as they are, such as dies,domain.", _ASKED)] = None,
    limit: Annotated[
        list[str] | None,
        option("'METRIC <= VALUE unit': power, chip_power, die_area, capital, time …", _ASKED),
    ] = None,
    population: Annotated[
        int, typer.Option(help="Designs of a generation, even.", min=4, rich_help_panel=_SEARCH)
    ] = 100,
    generations: Annotated[
        int | None, option("Generations; 40 where it trains, 24 where it serves.", _SEARCH, min=0)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the search.", rich_help_panel=_SEARCH)] = 0,
    output: Annotated[Path | None, option("Folder for codesign.html, .md and .json.", _ANSWER)] = None,
    json: AnswerJson = False,
    quiet: AnswerQuiet = False,
) -> None:
    """Vary a chip's area, memory, links and format, the model's shape, machine and power source together."""
    from gigawatt.studies.codesign.door import codesign

    give(
        lambda report: codesign(
            scenario, design=design, progress=report,
            design_settings=read_pairs("--design-set", "KEY=VALUE", design_settings or [], split=False),
            settings=read_pairs("--set", "KEY=VALUE", settings or [], split=False),
            sources=[_names(one, "+") for one in source or []], formats=_names(formats or "", ","),
            hold=_names(hold or "", ","), limits=limit or [], population=population,
            generations=generations, seed=seed,
        ),
        None, output=output, json=json, quiet=quiet,
    )  # fmt: skip


def _names(text: str, between: str) -> list[str]:
    return [one.strip() for one in text.split(between) if one.strip()]
