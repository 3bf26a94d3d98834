"""``gigawatt simulate-serving``: requests over time on given replicas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import AnswerJson, AnswerQuiet, flag, option
from gigawatt.faces.terminal.question import Asked, asks
from gigawatt.studies.serving import options as o
from gigawatt.studies.serving.options import outputs

__all__ = ["simulate_serving_command"]

_CLASSES, _FLEET, _TIME = "Classes", "Fleet", "Time"


@asks("simulate-serving", settings=True)
def simulate_serving_command(
    asked: Asked,
    scenario: Annotated[
        Path | None,
        typer.Argument(help="A scenario with a serving: section; options replace its values.",
                       show_default=False),
    ] = None,
    output: o.Output = None,
    concurrency: Annotated[
        int | None, option("Closed loop: number of requests always in flight.", o.WHO, min=1)
    ] = None,
    token_budget: o.TokenBudget = None,
    sequences: o.Sequences = None,
    preemption: Annotated[str | None, option("recompute or swap.", o.ENGINE)] = None,
    priority_preemption: Annotated[
        bool, flag("--priority-preemption", "Requests preempt those of a lower priority.", _CLASSES)
    ] = False,
    host_bandwidth: Annotated[
        str | None, option("Replica to host memory, for swapping, such as 100GB/s.", o.ENGINE)
    ] = None,
    prefix_caching: Annotated[
        bool,
        typer.Option("--prefix-caching/--no-prefix-caching", help="Cache shared prefixes of prompts.",
                     rich_help_panel=o.ENGINE),
    ] = True,
    static: Annotated[
        bool, flag("--static", "Static batches in place of continuous ones, for comparison.", o.ENGINE)
    ] = False,
    long_prompt: Annotated[
        int | None, option("Most tokens of one prompt per iteration.", o.ENGINE)
    ] = None,
    layout: Annotated[
        str | None, option("auto (the choice of plan-serving), or such as 'TP8' or 'TP4 PP2'.", o.LAYOUT)
    ] = None,
    autoscale: Annotated[
        str | None, option("Such as '1-8,target=64,start=60s': replicas, requests each, start-up.", _FLEET)
    ] = None,
    prefill: Annotated[
        str | None,
        option("Prefill replicas, such as '2xTP8': disaggregated prefill and decode; published: both pools "
               "as published for this model, engine, accelerator, format and concurrency.", _FLEET),
    ] = None,
    outages: Annotated[
        str | None,
        option("Drains and failures, such as 'update@10min, drain=0@20min+5min, fail=1@30min'.", _FLEET),
    ] = None,
    requests: Annotated[
        int | None, option("Number of requests; default: the trace's duration, else ten minutes.", _TIME)
    ] = None,
    span: Annotated[str | None, option("Duration of arrivals instead, such as 1h.", _TIME)] = None,
    whole: Annotated[
        bool, flag("--whole", "Evaluate the whole run, warm-up and tail included.", _TIME)
    ] = False,
    json: AnswerJson = False,
    quiet: AnswerQuiet = False,
) -> None:  # fmt: skip
    """Simulate a service: every request through queues and batches; latencies, power, cost per token."""
    lengths, folder = outputs(output)
    from gigawatt.studies.serving.simulate_door import simulate_serving

    give(
        lambda report: simulate_serving(
            scenario, **asked.words, settings=asked.settings, output=lengths, concurrency=concurrency,
            token_budget=token_budget, sequences=sequences, preemption=preemption,
            host_bandwidth=host_bandwidth, prefix_caching=prefix_caching, static=static,
            long_prompt=long_prompt, layout=layout, autoscale=autoscale, prefill=prefill, outages=outages,
            priority_preemption=priority_preemption,
            requests=requests, span=span, whole=whole,
            progress=report,
        ),
        simulate_serving_command, output=folder, json=json, quiet=quiet,
    )  # fmt: skip
