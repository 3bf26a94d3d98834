"""``gigawatt plan-serving``: replicas, how many, what they promise and cost, what binds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.faces.terminal.console import console, print_json, progress
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed
from gigawatt.studies.serving import options as o
from gigawatt.studies.serving.options import flag, flat_csv, option, outputs, question_of

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
    given: dict[str, Any] = dict(locals())
    given["output"], folder = outputs(output)
    given["folder"] = folder
    with progress(quiet=quiet or json) as report:
        report("Reading the catalog", 0.0)
        answer = flagged(lambda: _answer(given, report), plan_serving_command)
        if folder is not None:
            report("Writing the folder", 0.97)
            _write(folder, answer)
    if json:
        print_json(answer)
    elif not quiet:
        from gigawatt.studies.serving.summary import print_plan

        print_plan(answer, console())
        if folder is not None:
            console().print(
                f"Written: {folder / 'plan.html'}, plan.md, plan.json, tables as CSV", markup=False
            )


def _answer(given: dict[str, Any], report: Callable[[str, float], None]) -> dict[str, Any]:
    from gigawatt.chain.serving.intensity import memory_wall
    from gigawatt.chain.serving.plan import plan_serving
    from gigawatt.studies.serving.answer import plan_answer

    question = question_of(given)
    plan = plan_serving(
        question, chips=given["chips"], mode=given["mode"], minimise=given["minimise"],
        finalists=given["finalists"], requests=given["requests"], seed=given["seed"], progress=report,
    )  # fmt: skip
    wall = None
    if given["roofline"] or given["folder"] is not None:
        report("The memory wall", 0.96)
        wall = memory_wall(question, plan.cluster, plan.first.pools[-1].points.degrees, plan.prices)
    return plan_answer(plan, wall)


def _write(folder: Path, answer: dict[str, Any]) -> None:
    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files

    tables = {"configurations": answer["best"], "front": answer["front"]}
    tables["roofline"] = answer["roofline"]["rows"]
    files = study_files("plan-serving", answer, typed())
    write_files(folder, files | {f"{name}.csv": flat_csv(rows) for name, rows in tables.items() if rows})
