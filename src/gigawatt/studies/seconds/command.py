"""``gigawatt plan-seconds``: how a campus's power swings, what the connection bears, what store mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.terminal.console import console, print_json, progress
from gigawatt.faces.terminal.typed import typed

__all__ = ["EPILOG", "plan_seconds_command"]

EPILOG = "Example: gigawatt plan-seconds --chip nvidia-h100-sxm --count 16384 --plants gas-turbine=40MW"
_LOAD, _SUPPLY, _ANSWER = "The load", "What carries it", "Answer"

T = TypeVar("T")


def _option(help: str, panel: str = _LOAD, **more: Any) -> Any:
    return typer.Option(help=help, show_default=False, rich_help_panel=panel, **more)


def plan_seconds_command(
    chip: Annotated[str | None, _option("An accelerator, by the words of its name in any order.")] = None,
    count: Annotated[int | None, _option("Accelerators.", min=1)] = None,
    model: Annotated[
        str | None, _option("What is trained: a model of the catalog, llama-3.1-405b if left out.")
    ] = None,
    trace: Annotated[
        Path | None, _option("In place of a chip: a CSV with time [s] and power [W] of a node.")
    ] = None,
    nodes: Annotated[float, _option("Nodes that draw as the trace does.")] = 1.0,
    duration: Annotated[str | None, _option("What is looked at, 120 s if left out.")] = None,
    step: Annotated[str | None, _option("Time step, 10 ms if left out (a trace: its own).")] = None,
    spread: Annotated[str | None, _option("By how much nodes are apart, such as 20ms.")] = None,
    correlation: Annotated[
        float | None, _option("Of the nodes' swings: 1 one job, 0 many small ones.", min=0.0, max=1.0)
    ] = None,
    limits: Annotated[
        str | None, _option("What the connection asks: moderate (if left out) or tight.", _SUPPLY)
    ] = None,
    plants: Annotated[
        str | None,
        _option("Such as grid=100MW or gas-turbine=40MW,battery-2h=10MW; without grid: an island.", _SUPPLY),
    ] = None,
    short_circuit_ratio: Annotated[
        float | None, _option("Short-circuit power over the connection's.", _SUPPLY)
    ] = None,
    electricity: Annotated[str | None, _option("Price, such as '60 $/MWh'.", _SUPPLY)] = None,
    seed: Annotated[int, _option("Of what is drawn.", _ANSWER, min=0)] = 0,
    output: Annotated[Path | None, _option("Folder for seconds.html, .md, .json and .csv.", _ANSWER)] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print JSON alone on standard output.",
            show_default=False,
            rich_help_panel=_ANSWER,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=_ANSWER)
    ] = False,
) -> None:
    """Look at the seconds of a load: ramps, swings, oscillations, and the least store that mends them."""
    if output is not None:
        from gigawatt.core.store import writable

        try:
            writable(output)
        except InputError as error:
            raise error.at(key="--output") from None
    given = _pairs(plants or "")
    with progress(quiet=quiet or json) as report:
        report("Planning the training step", 0.0)
        from gigawatt.studies.seconds.answer import as_answer, series
        from gigawatt.studies.seconds.plan import plan_seconds, read_seconds_question

        question = _flagged(
            lambda: read_seconds_question(
                chip=chip, count=count, model=model, trace=None if trace is None else str(trace), nodes=nodes,
                duration=duration, step=step, limits=limits, plants=given,
                short_circuit_ratio=short_circuit_ratio, spread=spread, correlation=correlation,
                electricity=electricity, seed=seed,
            )
        )  # fmt: skip
        report("Sizing stores", 0.5)
        found = _flagged(lambda: plan_seconds(question))
        answer = as_answer(found)
        if output is not None:
            report("Writing the folder", 0.9)
            _write(output, answer, series(found))
    if json:
        print_json(answer)
    elif not quiet:
        from gigawatt.studies.seconds.summary import print_seconds

        print_seconds(answer, console())
        if output is not None:
            console().print(
                f"Written: {output / 'seconds.html'}, seconds.md, seconds.json, seconds.csv", markup=False
            )


def _flagged(call: Callable[[], T]) -> T:
    """Errors name the option, not what the rooms call it."""
    import inspect

    try:
        return call()
    except GigawattError as error:
        names = {name.replace("_", "-") for name in inspect.signature(plan_seconds_command).parameters}
        key = (error.key or "").replace("_", "-")
        if key in names:
            error.key = f"--{key}"
        raise


def _pairs(written: str) -> dict[str, str]:
    """``plant=power`` by commas."""
    pairs: dict[str, str] = {}
    for one in filter(None, (part.strip() for part in written.split(","))):
        name, equals, value = (part.strip() for part in one.partition("="))
        if not (equals and name and value):
            raise InputError(
                "not a pair", key="--plants", given=one, allowed="plant=power, such as grid=100MW"
            )
        if name in pairs:
            raise InputError("given twice", key="--plants", given=one)
        pairs[name] = value
    return pairs


def _write(folder: Path, answer: dict[str, Any], drawn: dict[str, list[float]]) -> None:
    import json

    from gigawatt.core.store import write_files
    from gigawatt.faces.report.studies import study_files

    series = {name: [float(value) for value in values] for name, values in drawn.items()}
    names = [name for name in drawn if len(drawn[name]) == len(drawn["time_s"])]
    rows = zip(*(drawn[name] for name in names), strict=True)
    table = "\n".join([",".join(names), *(",".join(f"{value:.6g}" for value in row) for row in rows)])
    write_files(
        folder,
        {
            **study_files("plan-seconds", answer, typed(), series),
            "drawn.json": json.dumps(series) + "\n",
            "seconds.csv": table + "\n",
        },
    )
