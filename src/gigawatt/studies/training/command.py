"""``gigawatt plan-training``: the best layouts, what binds, what relieves it, the inverse questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import read_settings

__all__ = ["EPILOG", "plan_training_command"]

EPILOG = (
    "Example: gigawatt plan-training --model llama-3.1-405b --chip nvidia-h100-sxm --count 16384 "
    "--power 300MW --relief"
)
_RUN, _MACHINE, _LIMITS, _PLACE = "What is trained", "On what", "Power and time", "Where"
_LAYOUT, _ANSWER = "Layout, held and widened", "Answer"


def _option(help: str, panel: str = _RUN, **more: Any) -> Any:
    return typer.Option(help=help, show_default=False, rich_help_panel=panel, **more)


def _flag(name: str, help: str, panel: str) -> Any:
    return typer.Option(name, help=help, show_default=False, rich_help_panel=panel)


def _degree(help: str, least: int = 1, most: int | None = None) -> Any:
    return _option(help, _LAYOUT, min=least, max=most)


def plan_training_command(
    model: Annotated[str, _option("A model of the catalog, or the path of a config.json.")],
    chip: Annotated[str, _option("An accelerator, by the words of its name in any order.", _MACHINE)],
    tokens: Annotated[str | None, _option("Such as 15.6T; default: what the model was trained on.")] = None,
    sequence: Annotated[str | None, _option("Tokens of a sequence, such as 8192.")] = None,
    batch: Annotated[str | None, _option("Global batch: 2048 (sequences) or '16M tokens'.")] = None,
    format: Annotated[str | None, _option("Number format of the multiplications: bf16, fp8, fp4 …")] = None,
    precision: Annotated[str | None, _option("A word for it: `gigawatt catalog list precisions`.")] = None,
    optimizer: Annotated[str | None, _option("A row of `gigawatt catalog list optimizers`.")] = None,
    stack: Annotated[str | None, _option("Software: a row of `gigawatt catalog list stacks`.")] = None,
    year: Annotated[int | None, _option("Year of the software and of prices, 2026 if left out.")] = None,
    count: Annotated[int | None, _option("Accelerators.", _MACHINE)] = None,
    node: Annotated[str | None, _option("A row of `gigawatt catalog list nodes`.", _MACHINE)] = None,
    scale_up: Annotated[
        str | None, _option("Link inside a domain: `gigawatt catalog list links`.", _MACHINE)
    ] = None,
    scale_out: Annotated[str | None, _option("Link between domains.", _MACHINE)] = None,
    domain: Annotated[
        int | None, _option("Accelerators joined by the link inside a domain.", _MACHINE)
    ] = None,
    topology: Annotated[str | None, _option("Topology of the network between domains.", _MACHINE)] = None,
    oversubscription: Annotated[
        float | None, _option("Divides the bandwidth beyond a leaf, 1 or more.", _MACHINE)
    ] = None,
    reliability: Annotated[
        str | None,
        _option("Fails like this cluster: a row of `gigawatt catalog list reliability`.", _MACHINE),
    ] = None,
    power: Annotated[
        str | None,
        _option("Power at the meter, such as 300MW: how many it feeds, or a limit to --count.", _LIMITS),
    ] = None,
    deadline: Annotated[
        str | None,
        _option("Time on the clock, such as 90d. Without --count: the fewest accelerators.", _LIMITS),
    ] = None,
    largest_model: Annotated[
        bool,
        _flag(
            "--largest-model",
            "Largest model of the family for --power (or --count) and --deadline.",
            _LIMITS,
        ),
    ] = False,
    cap: Annotated[str | None, _option("Power cap of an accelerator, such as 500W.", _LIMITS)] = None,
    cap_sweep: Annotated[
        bool,
        _flag("--cap-sweep", "Time, energy and cost under every cap from its own limit down.", _LIMITS),
    ] = False,
    site: Annotated[
        str | None, _option("Where it stands: weather (PUE) and price of electricity.", _PLACE)
    ] = None,
    pue: Annotated[float | None, _option("PUE in place of the site's.", _PLACE)] = None,
    electricity: Annotated[
        str | None, _option("Price, such as '60 $/MWh', in place of the site's.", _PLACE)
    ] = None,
    sites: Annotated[
        int | None, _option("Data centres that share the accelerators; needs the two below.", _PLACE)
    ] = None,
    distance: Annotated[str | None, _option("Between them, such as 1000km.", _PLACE)] = None,
    wan: Annotated[
        str | None, _option("Lines of one site together, each way, such as 400Gbit/s.", _PLACE)
    ] = None,
    method: Annotated[
        str | None, _option("How they keep in step: `gigawatt catalog list wan_methods`, or all.", _PLACE)
    ] = None,
    tensor: Annotated[int | None, _degree("Pin tensor parallelism (TP).")] = None,
    pipeline: Annotated[int | None, _degree("Pin pipeline stages (PP).")] = None,
    interleave: Annotated[int | None, _degree("Pin runs of layers a stage (VP).")] = None,
    data: Annotated[int | None, _degree("Pin data parallelism (DP).")] = None,
    context: Annotated[int | None, _degree("Pin context parallelism (CP).")] = None,
    expert: Annotated[int | None, _degree("Pin expert parallelism (EP).")] = None,
    microbatch: Annotated[int | None, _degree("Pin sequences in a microbatch.")] = None,
    zero: Annotated[int | None, _degree("Pin the ZeRO stage, 0 to 3.", 0, 3)] = None,
    recompute: Annotated[
        str | None, _option("Pin recomputation: none, selective, full, feed-forward.", _LAYOUT)
    ] = None,
    schedule: Annotated[
        str | None, _option("Pin the pipeline's schedule: 1f1b, zb-h1, zb-h2, dualpipe.", _LAYOUT)
    ] = None,
    shard: Annotated[
        str | None, _option("Pin the ranks that ZeRO shares over (FSDP, HSDP): a number, or all.", _LAYOUT)
    ] = None,
    offload: Annotated[
        str | None, _option("Pin what lies in the host's memory: none, optimizer, all.", _LAYOUT)
    ] = None,
    pin: Annotated[
        list[str] | None, _option("Pin any column: --pin tensor=8 --pin sequence_parallel=no.", _LAYOUT)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="KEY=VALUE of a scenario, such as 'economics.chip_life=3 years'; as often as needed.",
            show_default=False,
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    widen: Annotated[
        str | None, _option("Search rare columns too: any of schedule,shard,offload, or all.", _LAYOUT)
    ] = None,
    top: Annotated[int, typer.Option(help="Layouts to show.", min=1, max=1000, rich_help_panel=_ANSWER)] = 5,
    relief: Annotated[
        bool, _flag("--relief", "What more of each resource would save, each with a new search.", _ANSWER)
    ] = False,
    relief_factor: Annotated[
        float, typer.Option(help="How many times as much of it.", rich_help_panel=_ANSWER)
    ] = 2.0,
    pareto: Annotated[
        bool,
        _flag(
            "--pareto",
            "Best compromises of time, count, energy and cost, from 1/8 to 8 times as many.",
            _ANSWER,
        ),
    ] = False,
    output: Annotated[
        Path | None, _option("Folder for plan.html, plan.md, plan.json and the tables as CSV.", _ANSWER)
    ] = None,
    json: Annotated[bool, _flag("--json", "Print JSON alone on standard output.", _ANSWER)] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=_ANSWER)
    ] = False,
) -> None:
    """Plan a training run: search all layouts on a machine, say how long, how much and what binds."""
    from gigawatt.studies.training.door import plan_training

    pins = _pins(
        pin or [],
        tensor=tensor, pipeline=pipeline, interleave=interleave, data=data, context=context, expert=expert,
        microbatch=microbatch, zero=zero, recompute=recompute, schedule=schedule, shard=shard,
        offload=offload,
    )  # fmt: skip
    give(
        lambda report: plan_training(
            model=model, chip=chip, count=count, power=power, deadline=deadline, largest_model=largest_model,
            top=top, relief=relief_factor if relief else False, pareto=pareto, cap_sweep=cap_sweep,
            timeline=output is not None, sites=sites, distance=distance, wan=wan, method=method,
            format=format, progress=report, tokens=tokens, sequence=sequence, batch=batch,
            precision=precision, optimizer=optimizer, stack=stack, year=year, pins=pins,
            widen=tuple(name for name in (widen or "").split(",") if name.strip()), site=site, pue=pue,
            electricity=electricity, reliability=reliability, node=node, scale_up=scale_up,
            scale_out=scale_out, domain=domain, topology=topology, oversubscription=oversubscription,
            cap=cap, settings=read_settings(settings),
        ),
        plan_training_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip


def _pins(written: list[str], **given: int | str | None) -> dict[str, str | int]:
    pins: dict[str, str | int] = {key: value for key, value in given.items() if value is not None}
    for one in written:
        key, equals, value = one.partition("=")
        if not equals:
            raise InputError("not a pin", key="--pin", given=one, allowed="column=value, such as tensor=8")
        name, value = key.strip().replace("-", "_"), value.strip()
        if str(pins.get(name, value)) != value:
            raise InputError(
                "pinned twice", key="--pin", given=one, allowed=f"one of {name}={pins[name]} and {one}"
            )
        pins[name] = value
    return pins
