"""``gigawatt plan-serving``: replicas, latencies, cost and bottleneck."""

from __future__ import annotations

from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import AnswerJson, AnswerQuiet, flag, option
from gigawatt.faces.terminal.question import Asked, asks
from gigawatt.studies.serving import options as o
from gigawatt.studies.serving.options import outputs

__all__ = ["plan_serving_command"]


@asks("plan-serving", "model", "machine.chip", settings=True)
def plan_serving_command(
    asked: Asked,
    output: o.Output = None,
    largest: Annotated[
        int | None,
        option("Most accelerators per replica; default: a domain, or the fewest that fit.", o.MACHINE),
    ] = None,
    token_budget: o.TokenBudget = None,
    sequences: o.Sequences = None,
    minimise: Annotated[
        str, typer.Option(help="cost, energy or chips per request.", rich_help_panel="Choice")
    ] = "cost",
    finalists: Annotated[
        int,
        typer.Option(help="Configurations simulated by events; 0: closed form alone.", min=0, max=20,
                     rich_help_panel="Choice"),
    ] = 3,
    requests: Annotated[
        int, typer.Option(help="Fewest requests per simulation.", min=10, rich_help_panel="Choice")
    ] = 4000,
    roofline: Annotated[
        bool,
        flag("--roofline", "Roofline: FLOP/B, other formats, faster memory.", o.ANSWER),
    ] = False,
    json: AnswerJson = False,
    quiet: AnswerQuiet = False,
) -> None:  # fmt: skip
    """Plan a service: screen all replicas and loads, simulate the best, report throughput and cost."""
    lengths, folder = outputs(output)
    from gigawatt.studies.serving.door import plan_serving

    give(
        lambda report: plan_serving(
            **asked.words, settings=asked.settings, output=lengths, largest=largest,
            token_budget=token_budget, sequences=sequences, minimise=minimise, finalists=finalists,
            requests=requests, roofline=roofline or folder is not None, progress=report,
        ),
        plan_serving_command, output=folder, json=json, quiet=quiet,
    )  # fmt: skip
