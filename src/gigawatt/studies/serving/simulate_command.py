"""``gigawatt simulate-serving``: requests over time on given replicas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.studies.serving import options as o
from gigawatt.studies.serving.options import flag, option, outputs

__all__ = ["EPILOG", "simulate_serving_command"]

EPILOG = (
    "Example: gigawatt simulate-serving --model llama-3.1-70b --chip H100 --tensor 8 --replicas 4 "
    "--trace azure-conversation-2023 --rate 20/s"
)
_FLEET, _TIME = "Fleet", "Time"


def simulate_serving_command(
    scenario: Annotated[
        Path | None,
        typer.Argument(help="A scenario with a serving: section; options replace what it says.",
                       show_default=False),
    ] = None,
    model: o.ModelName = None,
    chip: o.ChipName = None,
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
    concurrency: Annotated[
        int | None, option("Closed loop: so many requests are always in flight.", o.WHO, min=1)
    ] = None,
    objective: o.Objective = None,
    node: o.NodeName = None,
    scale_up: o.ScaleUp = None,
    scale_out: o.ScaleOut = None,
    domain: o.Domain = None,
    topology: o.Topology = None,
    oversubscription: o.Oversubscription = None,
    engine: o.EngineName = None,
    token_budget: o.TokenBudget = None,
    sequences: o.Sequences = None,
    preemption: Annotated[str | None, option("recompute or swap.", o.ENGINE)] = None,
    host_bandwidth: Annotated[
        str | None, option("Of a replica to its host's memory, for swapping, such as 100GB/s.", o.ENGINE)
    ] = None,
    prefix_caching: Annotated[
        bool,
        typer.Option("--prefix-caching/--no-prefix-caching", help="Keep blocks of prompts that come again.",
                     rich_help_panel=o.ENGINE),
    ] = True,
    static: Annotated[
        bool, flag("--static", "Static batches in place of continuous ones, for comparison.", o.ENGINE)
    ] = False,
    long_prompt: Annotated[
        int | None, option("Tokens of one prompt in an iteration at most.", o.ENGINE)
    ] = None,
    year: o.Year = None,
    layout: Annotated[
        str | None, option("auto: what plan-serving chooses; or such as 'TP8' or 'TP4 PP2'.", o.LAYOUT)
    ] = None,
    tensor: o.Tensor = None,
    pipeline: o.Pipeline = None,
    data: o.Data = None,
    expert: o.Expert = None,
    replicas: Annotated[
        int | None, option("Replicas; of those for answers where there are both.", _FLEET)
    ] = None,
    routing: Annotated[
        str | None, option("round-robin, least-loaded, prefix-aware, random.", _FLEET)
    ] = None,
    autoscale: Annotated[
        str | None, option("Such as '1-8,target=64,start=60s': replicas, requests each, start-up.", _FLEET)
    ] = None,
    prefill: Annotated[
        str | None, option("Replicas for prompts alone, such as '2xTP8': disaggregated serving.", _FLEET)
    ] = None,
    requests: Annotated[
        int | None, option("Requests; default: those of the trace's time, else of ten minutes.", _TIME)
    ] = None,
    span: Annotated[str | None, option("Or how long they come, such as 1h.", _TIME)] = None,
    whole: Annotated[
        bool, flag("--whole", "Look at the whole run, warm-up and tail included.", _TIME)
    ] = False,
    site: o.Site = None,
    pue: o.Pue = None,
    electricity: o.Electricity = None,
    seed: o.Seed = 0,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:  # fmt: skip
    """Simulate a service: every request through queues and batches; latencies, power, what tokens cost."""
    words: dict[str, Any] = dict(locals())
    words["output"], folder = outputs(output)
    for name in ("json", "quiet"):
        words.pop(name)
    from gigawatt.studies.serving.simulate_door import simulate_serving

    give(
        lambda report: simulate_serving(**words, progress=report),
        simulate_serving_command, output=folder, json=json, quiet=quiet,
    )  # fmt: skip
