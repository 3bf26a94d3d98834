"""``gigawatt plan-training``: the best layouts, bottleneck, relief, inverse problems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import AnswerJson, AnswerQuiet, flag, option
from gigawatt.faces.terminal.question import Asked, asks

__all__ = ["plan_training_command"]

_LIMITS, _LAYOUT, _ANSWER = "Power and time", "Layout", "Answer"


@asks("plan-training", "model", "machine.chip", settings=True)
def plan_training_command(
    asked: Asked,
    largest_model: Annotated[
        bool,
        flag(
            "--largest-model",
            "Largest model of the family for --power (or --count) and --deadline.",
            _LIMITS,
        ),
    ] = False,
    cap_sweep: Annotated[
        bool,
        flag("--cap-sweep", "Time, energy and cost under every cap from the chip's limit down.", _LIMITS),
    ] = False,
    pin: Annotated[
        list[str] | None, option("Fix any column: --pin tensor=8 --pin sequence_parallel=no.", _LAYOUT)
    ] = None,
    top: Annotated[int, typer.Option(help="Layouts to show.", min=1, max=1000, rich_help_panel=_ANSWER)] = 5,
    relief: Annotated[
        bool, flag("--relief", "Time that more of each resource saves, each with a new search.", _ANSWER)
    ] = False,
    relief_factor: Annotated[
        float, typer.Option(help="Factor on the resource.", rich_help_panel=_ANSWER)
    ] = 2.0,
    pareto: Annotated[
        bool,
        flag(
            "--pareto",
            "Pareto front of time, count, energy and cost, from 1/8 to 8 times the count.",
            _ANSWER,
        ),
    ] = False,
    output: Annotated[
        Path | None, option("Folder for plan.html, plan.md, plan.json and the tables as CSV.", _ANSWER)
    ] = None,
    json: AnswerJson = False,
    quiet: AnswerQuiet = False,
) -> None:
    """Plan a training run: search all layouts on a machine for time, cost and bottleneck."""
    from gigawatt.studies.training.door import plan_training

    layout = asked.under("layout")
    widen = layout.pop("widen", ())
    pins = _pins(pin or [], layout)
    give(
        lambda report: plan_training(
            **asked.words, settings=asked.settings, pins=pins, widen=widen, largest_model=largest_model,
            top=top, relief=relief_factor if relief else False, pareto=pareto,
            cap_sweep=cap_sweep, timeline=output is not None, progress=report,
        ),
        plan_training_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip


def _pins(written: list[str], given: Mapping[str, str | int]) -> dict[str, str | int]:
    pins = dict(given)
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
