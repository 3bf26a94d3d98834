"""``gigawatt plan-serving``: replicas, how many, what they promise and cost, what binds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import read_settings
from gigawatt.studies.serving import options as o
from gigawatt.studies.serving.options import flag, option, outputs

__all__ = ["EPILOG", "plan_serving_command"]

EPILOG = (
    "Example: gigawatt plan-serving --model llama-3.1-70b --chip H100 --chips 64 --prompt 1024 --output 256 "
    "--objective interactive --weights fp8"
)


def plan_serving_command(
    model: o.Model,
    chip: o.Chip,
    weights: o.Weights = None,
    cache: o.Cache = None,
    precision: o.Precision = None,
    sparsity: o.Sparsity = None,
    guesses: o.Guesses = None,
    acceptance: o.Acceptance = None,
    trace: o.Trace = None,
    prompt: o.Prompt = None,
    output: o.Output = None,
    arrivals: o.Arrivals = None,
    variation: o.Variation = None,
    shape: o.Shape = None,
    rate: o.Rate = None,
    demand: o.Demand = None,
    objective: o.Objective = None,
    chips: Annotated[
        int | None, option("Accelerators there are; default: as many as the demand takes.", o.MACHINE)
    ] = None,
    largest: Annotated[
        int | None,
        option("Accelerators of a replica at most; default: a domain, or the fewest that fit.", o.MACHINE),
    ] = None,
    node: o.NodeName = None,
    scale_up: o.ScaleUp = None,
    scale_out: o.ScaleOut = None,
    domain: o.Domain = None,
    topology: o.Topology = None,
    oversubscription: o.Oversubscription = None,
    engine: o.EngineName = None,
    token_budget: o.TokenBudget = None,
    sequences: o.Sequences = None,
    year: o.Year = None,
    settings: o.Settings = None,
    tensor: o.Tensor = None,
    pipeline: o.Pipeline = None,
    data: o.Data = None,
    expert: o.Expert = None,
    site: o.Site = None,
    pue: o.Pue = None,
    electricity: o.Electricity = None,
    mode: Annotated[
        str,
        typer.Option(help="aggregated, disaggregated (pools for prompts and answers), or both.",
                     rich_help_panel="Choice"),
    ] = "aggregated",
    minimise: Annotated[
        str, typer.Option(help="cost, energy or chips, of a request.", rich_help_panel="Choice")
    ] = "cost",
    finalists: Annotated[
        int,
        typer.Option(help="Configurations tried by events; 0: closed form alone.", min=0, max=20,
                     rich_help_panel="Choice"),
    ] = 3,
    requests: Annotated[
        int, typer.Option(help="Requests of each such run, at least.", min=10, rich_help_panel="Choice")
    ] = 4000,
    seed: o.Seed = 0,
    roofline: Annotated[
        bool,
        flag("--roofline", "The memory wall: FLOPs for each byte, other formats, quicker memory.", o.ANSWER),
    ] = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:  # fmt: skip
    """Plan a service: screen all replicas and loads, try the best by events, say what they give and cost."""
    words: dict[str, Any] = dict(locals())
    words["output"], folder = outputs(output)
    for name in ("json", "quiet"):
        words.pop(name)
    words["settings"] = read_settings(settings)
    words["roofline"] = roofline or folder is not None
    from gigawatt.studies.serving.door import plan_serving

    give(
        lambda report: plan_serving(**words, progress=report),
        plan_serving_command, output=folder, json=json, quiet=quiet,
    )  # fmt: skip
