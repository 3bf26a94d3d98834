"""Options that `plan-serving` and `simulate-serving` share, and how what they say becomes a question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.options import read_pairs

if TYPE_CHECKING:
    from gigawatt.chain.serving.question import ServingQuestion

__all__ = ["flag", "flat_csv", "option", "outputs", "question_of"]

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

_ASKED = (
    "model", "chip", "trace", "prompt", "output", "arrivals", "variation", "shape", "rate", "demand",
    "objective", "weights", "cache", "precision", "sparsity", "engine", "guesses", "acceptance",
    "token_budget", "sequences", "year",
    "largest", "site", "pue", "electricity", "node", "scale_up", "scale_out", "domain", "topology",
    "oversubscription",
)  # fmt: skip
_DEGREES = ("tensor", "pipeline", "data", "expert")


def question_of(given: Mapping[str, Any]) -> ServingQuestion:
    """The question that the options of a command ask; ``given`` are all of its parameters."""
    from gigawatt.chain.serving.question import read_serving_question

    fixed = {name: given[name] for name in _DEGREES if given.get(name) is not None}
    words = {name: given[name] for name in _ASKED if name in given}
    return read_serving_question(fixed=fixed, settings=_settings(given.get("settings")), **words)


def _settings(written: list[str] | None) -> dict[str, object]:
    if not written:
        return {}
    from gigawatt.studies.solve.space import read_settings

    return read_settings(tuple(read_pairs("--set", "KEY=VALUE", written, split=False).items()))


def outputs(written: list[str] | None) -> tuple[str | None, Path | None]:
    """(tokens written, folder) of the values of ``--output``: what reads as lengths is lengths.

    Raises
    ------
    InputError
        Two of a kind, or a folder that cannot be written.
    """
    from gigawatt.core.store import writable

    lengths = [one for one in written or [] if _LENGTHS.fullmatch(one)]
    folders = [one for one in written or [] if not _LENGTHS.fullmatch(one)]
    for several in (lengths, folders):
        if len(several) > 1:
            raise InputError(
                "stands twice", key="--output", given=several[1], allowed=f"one of it and {several[0]}"
            )
    if not folders:
        return (lengths[0] if lengths else None), None
    try:
        return (lengths[0] if lengths else None), writable(folders[0])
    except InputError as error:
        raise error.at(key="--output") from None


def flat_csv(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV, nested keys joined by dots; lists of one level by their place."""
    import csv
    import io

    def flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in row.items():
            if isinstance(value, Mapping):
                found |= flat(value, f"{before}{key}.")
            elif isinstance(value, list):
                for i, one in enumerate(value):
                    found |= flat(one if isinstance(one, Mapping) else {"": one}, f"{before}{key}.{i}.")
            else:
                found[f"{before}{key}"] = value
        return found

    lines = [flat(row) for row in rows]
    heads = list(dict.fromkeys(key for line in lines for key in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, heads, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
