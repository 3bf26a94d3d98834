"""``gigawatt simulate-serving``: requests over time on given replicas."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.faces.terminal.console import console, print_json, progress
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed
from gigawatt.studies.serving import options as o
from gigawatt.studies.serving.options import flag, option, outputs, question_of

if TYPE_CHECKING:
    from gigawatt.chain.asked import Told
    from gigawatt.chain.serving.question import ServingQuestion
    from gigawatt.chain.serving.replica import Degrees
    from gigawatt.chain.serving.simulate import ServingRun, Setup
    from gigawatt.machine import Cluster
    from gigawatt.serving.fleet import Autoscaling

__all__ = ["EPILOG", "simulate_serving_command"]

EPILOG = (
    "Example: gigawatt simulate-serving --model llama-3.1-70b --chip H100 --tensor 8 --replicas 4 "
    "--trace azure-conversation-2023 --rate 20/s"
)
_FLEET, _TIME = "Fleet", "Time"
_MANY = 2**20
"""Accelerators of a machine that cuts no domain short."""


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
    given: dict[str, Any] = dict(locals())
    given["output"], folder = outputs(output)
    given = _filled(given)
    from gigawatt.studies.serving.answer import run_answer

    with progress(quiet=quiet or json) as report:
        report("Reading the catalog", 0.0)
        run = flagged(lambda: _run(given, report), simulate_serving_command)
        answer = run_answer(run)
        if folder is not None:
            report("Writing the folder", 0.9)
            _write(folder, answer, run)
    if json:
        print_json(answer)
    elif not quiet:
        from gigawatt.studies.serving.summary import print_run

        print_run(answer, console())
        if folder is not None:
            files = "run.md, run.json, requests.csv, requests.parquet, series.csv"
            words = f"Written: {folder / 'run.html'}, {files}"
            console().print(words, markup=False)


def _filled(given: dict[str, Any]) -> dict[str, Any]:
    """The options, with what a scenario says where they are silent."""
    if given["scenario"] is not None:
        from gigawatt.chain.serving.scenario import asked_by

        said = asked_by(given["scenario"])
        if given["rate"] or given["demand"] or given["concurrency"]:
            said = {key: value for key, value in said.items() if key not in ("rate", "demand")}
        if given["span"] is not None:
            said.pop("requests", None)
        silent = {key for key, value in given.items() if value is None or (key == "seed" and value == 0)}
        given = given | {key: value for key, value in said.items() if key in silent}
    for key in ("model", "chip"):
        if given[key] is None:
            raise InputError(
                "is missing", key=f"--{key}", allowed=f"--{key} NAME, or a scenario that says it"
            )
    return given


def _run(given: dict[str, Any], report: Callable[[str, float], None]) -> ServingRun:
    from dataclasses import replace

    from gigawatt.chain.asked import Told
    from gigawatt.chain.serving.simulate import request_count, run_serving

    question, told = question_of(given), Told()
    rate = _rate(question, given)
    cluster, setup = _setup(question, given, rate, report, told)
    span = None if given["span"] is None else _quantity(given["span"], "s", "span", "1 h")
    count = request_count(
        question, rate=rate, count=given["requests"], span=span, concurrency=given["concurrency"]
    )
    report(f"{count:,} requests", 0.1)
    asked = question.traffic.at(rate=rate, count=count, seed=given["seed"])
    report(f"{count:,} requests on {setup.chips:,} accelerators", 0.2)
    run = run_serving(
        question, cluster, setup, asked, window=None if given["whole"] else "steady", seed=given["seed"]
    )
    return replace(run, assumptions=(*run.assumptions, *told.assumptions))


def _rate(question: ServingQuestion, given: dict[str, Any]) -> float:
    own = question.traffic.own_rate
    if question.demand is not None:
        return question.demand
    if given["concurrency"] is not None:
        return 1.0 if own is None else own
    if own is None:
        raise InputError(
            "how many requests?", key="rate", allowed="--rate such as '20/s', --demand or --concurrency"
        )
    return own


def _setup(
    question: ServingQuestion,
    given: dict[str, Any],
    rate: float,
    report: Callable[[str, float], None],
    told: Told,
) -> tuple[Cluster, Setup]:
    from gigawatt.chain.serving.choice import transfer
    from gigawatt.chain.serving.simulate import Setup, part
    from gigawatt.serving.fleet import Link

    cluster, _ = question.cluster(_MANY)
    report("The layout", 0.05)
    degrees, number = _degrees(question, given, rate, cluster)
    number = given["replicas"] if given["replicas"] is not None else number
    scaling = _autoscaling(given["autoscale"], told)
    if scaling is not None:
        number = min(max(number, scaling.minimum), scaling.maximum)
    options: dict[str, Any] = {
        "preemption": given["preemption"] or told.default("serving.preemption").text("text"),
        "host_bandwidth": None if given["host_bandwidth"] is None
        else _quantity(given["host_bandwidth"], "B/s", "host_bandwidth", "100 GB/s"),
        "prefix_caching": given["prefix_caching"],
        "mode": "static" if given["static"] else None,
        "long_prompt": given["long_prompt"],
    }  # fmt: skip
    main = part(question, degrees, number, **options)
    routing = given["routing"] or told.default("serving.routing").text("text")
    if given["prefill"] is None:
        setup = Setup(main, routing, scaling, concurrency=given["concurrency"])
        return cluster, setup
    if given["concurrency"] is not None or scaling is not None or given["static"]:
        key = "concurrency" if given["concurrency"] is not None else "autoscale" if scaling else "static"
        raise InputError("does not go with replicas for prompts alone", key=key, allowed="without --prefill")
    count, first = _counted_layout(question, given["prefill"], cluster)
    moved = transfer(question, cluster, float(first.chips[0]), float(degrees.chips[0]))
    before = part(question, first, count, **options)
    return cluster, Setup(main, routing, prefill=before, link=Link(moved.bandwidth, moved.latency))


def _degrees(
    question: ServingQuestion, given: dict[str, Any], rate: float, cluster: Cluster
) -> tuple[Degrees, int]:
    """(the replica, how many of it where nobody says)."""
    from dataclasses import replace

    from gigawatt.chain.serving.plan import plan_serving
    from gigawatt.chain.serving.replica import degrees_of
    from gigawatt.chain.serving.simulate import check_replica, least_replica

    text = given["layout"]
    if text is not None and text.strip().lower() != "auto":
        if question.fixed:
            raise InputError("the layout stands twice", key="layout", given=text, allowed="it or --tensor …")
        return _layout(question, text, cluster, "layout"), 1
    if question.fixed and text is None:
        found = degrees_of(**question.fixed)
        check_replica(question, cluster, found)
        return found, 1
    try:
        asked = question if given["concurrency"] is not None else replace(question, demand=rate)
        plan = plan_serving(asked, finalists=0)
    except InfeasibleError:
        return least_replica(question, cluster), 1
    pool = plan.first.pools[0]
    return pool.points.degrees, pool.replicas


def _layout(question: ServingQuestion, text: str, cluster: Cluster, key: str) -> Degrees:
    from gigawatt.chain.serving.replica import degrees_of
    from gigawatt.chain.serving.simulate import check_replica

    names = {"tp": "tensor", "pp": "pipeline", "dp": "data", "ep": "expert"}
    found: dict[str, int] = {}
    for word in re.split(r"[\s,]+", text.strip().lower()):
        match = re.fullmatch(r"(tp|pp|dp|ep)=?(\d+)", word)
        if match is None or names[match[1]] in found or int(match[2]) < 1:
            raise InputError(
                "not a layout", key=key, given=text, allowed="auto, or such as 'TP8' or 'TP4 PP2'"
            )
        found[names[match[1]]] = int(match[2])
    degrees = degrees_of(**found)
    try:
        check_replica(question, cluster, degrees)
    except (InputError, InfeasibleError) as error:
        error.key = key
        raise
    return degrees


def _counted_layout(question: ServingQuestion, text: str, cluster: Cluster) -> tuple[int, Degrees]:
    match = re.fullmatch(r"\s*(\d+)\s*[x×]\s*(.+?)\s*", text, re.IGNORECASE)
    if match is None or int(match[1]) < 1:
        raise InputError("not replicas of a layout", key="prefill", given=text, allowed="such as '2xTP8'")
    return int(match[1]), _layout(question, match[2], cluster, "prefill")


def _autoscaling(text: str | None, told: Told) -> Autoscaling | None:
    """``1-8,target=64,interval=10s,start=60s,cool=120s``: limits, and what is told of the rest."""
    if text is None:
        return None
    from gigawatt.serving.fleet import Autoscaling

    example = "such as '1-8,target=64,start=60s'"
    head, *rest = text.split(",")
    match = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", head)
    if match is None:
        raise InputError("not limits of replicas", key="autoscale", given=text, allowed=example)
    rules: dict[str, str] = {}
    for word in rest:
        name, sign, value = (part.strip() for part in word.partition("="))
        if not sign or name not in ("target", "interval", "start", "cool") or name in rules:
            raise InputError("not a rule of autoscaling", key="autoscale", given=word.strip(),
                             allowed="target, interval, start, cool")  # fmt: skip
        rules[name] = value
    if "target" not in rules:
        raise InputError("how many requests a replica?", key="autoscale", given=text, allowed=example)
    try:
        target = float(rules["target"])
    except ValueError:
        target = math.nan
    if not target > 0.0:
        raise InputError("not a number of requests", key="autoscale", given=rules["target"], allowed=example)
    usual = {"interval": "interval", "start": "start_up", "cool": "cool_down"}
    times = {
        name: _quantity(
            rules[name] if name in rules else told.default(f"serving.autoscaling_{row}").text("text"),
            "s", "autoscale", "60 s", least=0.0,
        )
        for name, row in usual.items()
    }  # fmt: skip
    try:
        return Autoscaling(
            int(match[1]), int(match[2]), target, times["interval"], times["start"], times["cool"]
        )
    except InputError as error:
        error.key = "autoscale"
        raise


def _quantity(text: str, unit: str, key: str, example: str, least: float | None = None) -> float:
    from gigawatt.core.quantities import parse

    try:
        value = parse(text, unit, example=example)
    except InputError as error:
        raise error.at(key=key) from None
    if not (value > 0 if least is None else value >= least):
        raise InputError("out of range", key=key, given=text, allowed=f"more than 0, such as {example!r}")
    return value


def _write(folder: Path, answer: dict[str, Any], run: ServingRun) -> None:
    import pandas as pd

    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files
    from gigawatt.studies.serving.answer import request_columns, series_columns

    series = series_columns(run)
    frames = {"requests": pd.DataFrame(request_columns(run)), "series": pd.DataFrame(series)}
    files = {
        **study_files("simulate-serving", answer, typed(), series),
        **{f"{name}.csv": frame.to_csv(index=False, lineterminator="\n") for name, frame in frames.items()},
    }
    write_files(folder, files, {"requests": frames["requests"]})
