"""Options that `plan-serving` and `simulate-serving` share, and how what they say becomes a question."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gigawatt.core.errors import InputError

if TYPE_CHECKING:
    pass

__all__ = ["flag", "option", "outputs"]

WHAT, WHO, MACHINE, ENGINE, WHERE = "What is served", "To whom", "On what", "Engine", "Where"
LAYOUT, ANSWER = "Layout of a replica, held", "Answer"

T = TypeVar("T")

_LENGTHS = re.compile(r"\s*\d[\d_,]*\s*(tokens?)?\s*|\s*\w+\s*\(.*\)\s*")


def option(help: str, panel: str = WHAT, **more: Any) -> Any:
    """An option without a default, in a section of the help."""
    return typer.Option(help=help, show_default=False, rich_help_panel=panel, **more)


def flag(name: str, help: str, panel: str) -> Any:
    """A switch with its own name."""
    return typer.Option(name, help=help, show_default=False, rich_help_panel=panel)


Model = Annotated[str, option("A model of the catalog, or the path of a config.json.")]
Chip = Annotated[str, option("An accelerator, by the words of its name in any order.", MACHINE)]
ModelName = Annotated[str | None, option("A model of the catalog, or the path of a config.json.")]
ChipName = Annotated[str | None, option("An accelerator, by the words of its name in any order.", MACHINE)]
Weights = Annotated[str | None, option("Stored format of weights: bf16, fp8, fp4, int4 …")]
Cache = Annotated[str | None, option("Stored format of keys and values: bf16, fp8.")]
Precision = Annotated[
    str | None, option("One word for both: `gigawatt catalog list precisions`; says what it does to quality.")
]
Sparsity = Annotated[str | None, option("Pattern of zeros of the weights: 2:4.")]
Guesses = Annotated[int | None, option("Tokens guessed an iteration and checked together.")]
Acceptance = Annotated[float | None, option("Chance that a guessed token is right, 0 to 1.")]
Trace = Annotated[
    str | None, option("Requests: a row of `gigawatt catalog list traces`, a CSV or JSONL file.", WHO)
]
Prompt = Annotated[str | None, option("Tokens read, such as 1024 or 'lognormal(median=500, p90=2000)'.", WHO)]
Output = Annotated[
    list[str] | None,
    option("Tokens written, likewise; or the folder for JSON, tables and a page. May stand twice.", WHO),
]
Arrivals = Annotated[str | None, option("How they come: poisson, gamma, diurnal, constant.", WHO)]
Variation = Annotated[float | None, option("Of gamma arrivals: the gaps' coefficient of variation.", WHO)]
Shape = Annotated[str | None, option("Of diurnal arrivals: `gigawatt catalog list traces_shapes`.", WHO)]
Rate = Annotated[str | None, option("Requests, such as 20/s.", WHO)]
Demand = Annotated[str | None, option("Or tokens written, such as '1M tokens/s'.", WHO)]
Objective = Annotated[
    str | None,
    option("What is promised: 'ttft=2s,tpot=50ms,p99', or `gigawatt catalog list objectives`.", WHO),
]
EngineName = Annotated[str | None, option("A row of `gigawatt catalog list engines`.", ENGINE)]
TokenBudget = Annotated[int | None, option("Tokens of an iteration at most.", ENGINE)]
Sequences = Annotated[int | None, option("Sequences of an iteration at most.", ENGINE)]
Year = Annotated[int | None, option("Year of the software and of prices, 2026 if left out.", ENGINE)]
NodeName = Annotated[str | None, option("A row of `gigawatt catalog list nodes`.", MACHINE)]
ScaleUp = Annotated[str | None, option("Link inside a domain: `gigawatt catalog list links`.", MACHINE)]
ScaleOut = Annotated[str | None, option("Link between domains.", MACHINE)]
Domain = Annotated[int | None, option("Accelerators joined by the link inside a domain.", MACHINE)]
Topology = Annotated[str | None, option("Topology of the network between domains.", MACHINE)]
Oversubscription = Annotated[float | None, option("Divides the bandwidth beyond a leaf, 1 or more.", MACHINE)]
Site = Annotated[str | None, option("Where it stands: weather (PUE) and price of electricity.", WHERE)]
Pue = Annotated[float | None, option("PUE in place of the site's.", WHERE)]
Electricity = Annotated[str | None, option("Price, such as '60 $/MWh', in place of the site's.", WHERE)]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="KEY=VALUE of a scenario, such as 'economics.chip_life=3 years'; as often as needed.",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
Tensor = Annotated[int | None, option("Tensor parallelism (TP).", LAYOUT, min=1)]
Pipeline = Annotated[int | None, option("Pipeline stages (PP).", LAYOUT, min=1)]
Data = Annotated[int | None, option("Attention groups with sequences of their own (DP).", LAYOUT, min=1)]
Expert = Annotated[int | None, option("Groups that the experts lie on (EP).", LAYOUT, min=1)]
Seed = Annotated[int, typer.Option(help="Of everything drawn.", min=0, rich_help_panel=ANSWER)]
Json = Annotated[bool, flag("--json", "Print JSON alone on standard output.", ANSWER)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=ANSWER)
]


def outputs(written: list[str] | None) -> tuple[str | None, Path | None]:
    """(tokens written, folder) of the values of ``--output``: what reads as lengths is lengths.

    Raises
    ------
    InputError
        Two of a kind, or a folder that cannot be written.
    """
    from gigawatt.faces.terminal.answer import check_folder

    lengths = [one for one in written or [] if _LENGTHS.fullmatch(one)]
    folders = [one for one in written or [] if not _LENGTHS.fullmatch(one)]
    for several in (lengths, folders):
        if len(several) > 1:
            raise InputError(
                "stands twice", key="--output", given=several[1], allowed=f"one of it and {several[0]}"
            )
    return (lengths[0] if lengths else None), check_folder(folders[0] if folders else None)
