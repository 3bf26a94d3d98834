"""``gigawatt plan-seconds``: power swings of a campus, and the smallest store within limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.answer import give
from gigawatt.faces.terminal.options import AnswerJson, AnswerQuiet, option
from gigawatt.faces.terminal.question import Asked, asks

__all__ = ["plan_seconds_command"]

_LOAD, _SUPPLY, _RIDE, _ANSWER = "The load", "Supply", "Ride-through", "Answer"
_CALL = "Flexibility"


@asks("plan-seconds", settings=True)
def plan_seconds_command(
    asked: Asked,
    trace: Annotated[
        Path | None, option("Instead of a chip: a CSV with time [s] and power [W] of a node.", _LOAD)
    ] = None,
    nodes: Annotated[float, option("Number of nodes with the power of the trace.", _LOAD)] = 1.0,
    duration: Annotated[str | None, option("Simulated time, 120 s if left out.", _LOAD)] = None,
    step: Annotated[str | None, option("Time step, 10 ms if left out (a trace: its own).", _LOAD)] = None,
    spread: Annotated[str | None, option("Time shift between nodes, such as 20ms.", _LOAD)] = None,
    correlation: Annotated[
        float | None,
        option(
            "Correlation of the nodes' swings: 1 for one job, 0 for many small ones.", _LOAD, min=0.0, max=1.0
        ),
    ] = None,
    limits: Annotated[
        str | None, option("Limits of the connection: moderate (if left out) or tight.", _SUPPLY)
    ] = None,
    plants: Annotated[
        str | None,
        option("Such as grid=100MW or gas-turbine=40MW,battery-2h=10MW; without grid: an island.", _SUPPLY),
    ] = None,
    short_circuit_ratio: Annotated[
        float | None, option("Short-circuit power over the connection's.", _SUPPLY)
    ] = None,
    code: Annotated[
        str | None, option("Grid code to ride through, ercot-nogrr-282 if left out.", _RIDE)
    ] = None,
    protection: Annotated[
        str | None,
        option("What it does in a dip: ups-counter (if left out), ups, rack-battery, supply.", _RIDE),
    ] = None,
    event: Annotated[
        str | None, option("Dips: virginia-2024-07-10, or a CSV with time [s] and voltage [p.u.].", _RIDE)
    ] = None,
    export_load_model: Annotated[
        Path | None, option("JSON file for parameters of PERC1 and the composite load model.", _RIDE)
    ] = None,
    control: Annotated[
        str | None, option("What answers a call: batch, cap, pause, store, or all (if left out).", _CALL)
    ] = None,
    cut: Annotated[str | None, option("How much less is asked for, 20 % if left out.", _CALL)] = None,
    within: Annotated[str | None, option("Time until it has to be less, 30 s if left out.", _CALL)] = None,
    hold: Annotated[str | None, option("Time that it has to stay less, 15 min if left out.", _CALL)] = None,
    follow: Annotated[
        Path | None, option("Instead: a CSV with time [s] and power (share of the normal one).", _CALL)
    ] = None,
    limit_voltage: Annotated[
        str | None, option("Lead the batches by the voltage too, within such as 5%.", _CALL)
    ] = None,
    feeder: Annotated[
        str | None, option("Feeder and bus of the campus: ieee-13@671, or FILE.dss@BUS.", _CALL)
    ] = None,
    serve: Annotated[str | None, option("Model of a service beside the training run.", _CALL)] = None,
    serving_count: Annotated[int | None, option("Its accelerators.", _CALL)] = None,
    seed: Annotated[int, option("Random seed of the nodes.", _ANSWER, min=0)] = 0,
    output: Annotated[Path | None, option("Folder for seconds.html, .md, .json and .csv.", _ANSWER)] = None,
    json: AnswerJson = False,
    quiet: AnswerQuiet = False,
) -> None:
    """Analyse the power swings of a load: ramps, oscillations, the smallest store that meets limits."""
    from gigawatt.studies.seconds.door import plan_seconds

    pairs = _pairs(plants or "")
    give(
        lambda report: plan_seconds(
            **asked.words, settings=asked.settings, plants=pairs, progress=report,
            trace=None if trace is None else str(trace), nodes=nodes, duration=duration, step=step,
            limits=limits, short_circuit_ratio=short_circuit_ratio, spread=spread, correlation=correlation,
            code=code, protection=protection, event=event, export_load_model=export_load_model, seed=seed,
            flexible={
                "control": control, "cut": cut, "within": within, "hold": hold, "follow": follow,
                "limit_voltage": limit_voltage, "feeder": feeder, "serve": serve,
                "serving_count": serving_count,
            },
        ),
        plan_seconds_command, output=output, json=json, quiet=quiet,
    )  # fmt: skip


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
