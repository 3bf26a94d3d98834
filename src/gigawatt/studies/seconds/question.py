"""The question of the seconds: a training step of the model or a trace, its limits, what surrounds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.supply.candidates import plant_id
from gigawatt.chain.training.plan import plan_training
from gigawatt.chain.training.question import read_question
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.quantities import parse
from gigawatt.machine.machine import Cluster
from gigawatt.performance import StepTable
from gigawatt.performance.serving.power import load_node_power, load_serving_power, wall_power
from gigawatt.power.seconds import (
    Code,
    Event,
    Limits,
    Protection,
    Segment,
    TrainingLoad,
    load_code,
    load_event,
    load_limits,
    load_protection,
    resample,
    sum_nodes,
    training_power,
)
from gigawatt.power.seconds.columns import read_columns
from gigawatt.power.seconds.ride_rows import DEFAULT_CODE, DEFAULT_PROTECTION

__all__ = ["Run", "SecondsQuestion", "read_seconds_question", "read_trace", "training_load"]

Array = NDArray[np.float64]

_COMPUTE = ("arithmetic", "memory_bandwidth", "launch")
_EXCHANGE = ("interconnect_bandwidth", "interconnect_latency")
_STANDING = ("idle", "node", "network")
_LONGEST = 3600.0


@dataclass(frozen=True)
class Run:
    """A planned training run: its name, its step (one row), its machine."""

    what: str
    best: StepTable
    cluster: Cluster

    @property
    def count(self) -> int:
        """Accelerators."""
        return self.cluster.count


@dataclass(frozen=True)
class SecondsQuestion:
    """A load (T,) [W] by ``step`` [s], where it comes from, and its limits.

    ``idle`` [W]: the whole load at rest; ``segments`` of one accelerator's step, empty for a trace;
    ``accelerators`` (``inf`` where not known); ``plants`` id → W, empty: the connection alone. ``code``
    and ``protection`` of its ride-through, ``event`` of the voltage where one is asked about; ``run`` is the
    training run, ``None`` of a trace.
    """

    what: str
    load: Array
    step: float
    idle: float
    accelerators: float
    segments: tuple[Segment, ...]
    limits_id: str
    limits: Limits
    plants: Mapping[str, float]
    code: Code
    protection: Protection
    event: Event | None
    short_circuit_ratio: float | None
    electricity: float
    rate: float
    assumptions: tuple[Assumption, ...]
    notices: tuple[str, ...]
    run: Run | None = None


def training_load(best: StepTable, cluster: Cluster) -> TrainingLoad:
    """What one accelerator draws at the wall, with its share of node and network, in the layout ``best``.

    Parts of the step in three blocks: work (arithmetic, memory, launches), exposed exchange, bubble. Joules
    of the core and its memory belong to the work, those of the links to work and exchange alike; idle power
    and the network's run all of the time. What the node adds falls with its chips' watts
    (:func:`gigawatt.performance.serving.power.wall_power`), and before and after the run its chips rest at
    lower clocks than those of a chip that waits. That all exposed exchange is one block is the worst case of
    the swing. ``ripple`` is that of one node.
    """
    count, chip = float(cluster.count), cluster.chip
    parts = {name: float(seconds[0]) for name, seconds in best.parts.items()}
    energy = {name: float(joules[0]) / count for name, joules in best.energy.items()}
    whole = sum(parts.values())
    waiting = energy.get("idle", 0.0) / whole
    links = energy.get("scale_up", 0.0) + energy.get("scale_out", 0.0)
    core = sum(joules for name, joules in energy.items() if name not in _STANDING) - links
    work = sum(parts.get(name, 0.0) for name in _COMPUTE)
    exchange = sum(parts.get(name, 0.0) for name in _EXCHANGE)
    bubble = whole - work - exchange
    linked = links / (work + exchange) if work + exchange > 0.0 else 0.0
    node = load_node_power(cluster.node, chip)
    network = energy.get("network", 0.0) / whole
    empty = node.base * cluster.node.empty(cluster.count) / count

    def wall(watts: float) -> float:
        return float(wall_power(node=node, chip_power=watts)) / node.chips + empty + network

    row = catalog.entity("dynamics_load", "training")
    return TrainingLoad(
        segments=(
            Segment("work", wall(waiting + core / work + linked), work),
            Segment("exchange", wall(waiting + linked), exchange),
            Segment("bubble", wall(waiting), max(bubble, 0.0)),
        ),
        idle=wall(row.value("rest_share") * waiting),
        jitter=row.value("jitter"),
        ripple=row.value("ripple"),
        highest=wall(load_serving_power(chip).limit),
    )


def read_trace(file: str | Path) -> tuple[Array, Array]:
    """(s, W) of a CSV file with the columns ``time`` and ``power``; a bad one is an ``InputError``."""
    times, powers = read_columns(Path(file), ("time", "power"), key="trace", words="time [s], power [W]")
    if len(times) < 2:
        raise InputError("a trace needs two rows or more", file=Path(file), given=len(times))
    return times, powers


class _Swing(NamedTuple):
    """How nodes swing beside each other: s apart, their correlation, the seed of what is drawn."""

    spread: float
    correlation: float
    seed: int


class _Said:
    """What is assumed on the way, and what is to be said."""

    def __init__(self) -> None:
        self.assumptions: list[Assumption] = []
        self.notices: list[str] = []

    def default(self, key: str, name: str, reason: str) -> float:
        """A number of the row ``training`` of ``dynamics_load`` in place of what was not given."""
        evidence: Evidence = catalog.entity("dynamics_load", "training").evidence(name)
        self.assumptions.append(evidence.assumption(key, reason))
        return evidence.value


@dataclass(frozen=True)
class _Series:
    """The power of all nodes by the time step [W], and what is known of where it is from."""

    what: str
    load: Array
    step: float
    idle: float
    accelerators: float
    segments: tuple[Segment, ...]


def _length(duration: str | None) -> float:
    length = 120.0 if duration is None else parse(duration, "s")
    if not 10.0 <= length <= _LONGEST:
        raise InputError("not a duration", key="duration", given=duration, allowed=f"10 to {_LONGEST:g} s")
    return length


def _of_trace(trace: str, step: str | None, nodes: float, swing: _Swing, said: _Said) -> _Series:
    """A measured node, ``nodes`` times."""
    times, powers = read_trace(trace)
    mean = float((times[-1] - times[0]) / (len(times) - 1))
    dt = mean if step is None else parse(step, "s")
    load = sum_nodes(
        resample(times, powers, step=dt),
        step=dt,
        nodes=nodes,
        spread=swing.spread,
        correlation=swing.correlation,
        seed=swing.seed,
    )
    said.notices.append("the accelerators of a trace are unknown: a store in racks has no size limit")
    if dt < 0.75 * mean:
        said.notices.append(
            f"the trace has a step of {mean:.3g} s: it contains frequencies up to {0.5 / mean:.3g} Hz"
        )
    return _Series(f"{nodes:,.0f} × {Path(trace).name}", load, dt, float(load.min()), math.inf, ())


def _of_run(planned: Run, dt: float, length: float, swing: _Swing, said: _Said) -> _Series:
    """A planned training run that starts, computes and stops."""
    one_chip = training_load(planned.best, planned.cluster)
    nodes = planned.cluster.node.number(planned.count)
    one_chip = replace(one_chip, ripple=one_chip.ripple / math.sqrt(nodes))
    said.default("jitter", "jitter", "steps differ slightly")
    said.default("ripple", "ripple", "kernels of the work differ; every node for itself")
    said.default("rest_share", "rest_share", "chips rest at lower clocks before and after the run")
    start, stop = (said.default(key, key, "idle around the run") for key in ("start", "stop"))
    one = training_power(one_chip, step=dt, duration=length, start=start, stop=length - stop, seed=swing.seed)
    accelerators = float(planned.count)
    load = sum_nodes(
        one, step=dt, nodes=accelerators, spread=swing.spread, correlation=swing.correlation, seed=swing.seed
    )
    if one_chip.step_time > length - start - stop:
        said.notices.append(f"a step takes {one_chip.step_time:.3g} s: the series is shorter than one step")
    idle = one_chip.idle * accelerators
    return _Series(planned.what, load, dt, idle, accelerators, one_chip.segments)


def _limits(chosen: str, made: _Series, said: _Said) -> Limits:
    """Limits of the connection, judged as far as the series can tell."""
    dt, length = made.step, len(made.load) * made.step
    found = load_limits(chosen, peak=float(made.load.max()))
    if dt > 0.5 / found.high or length < 2.0 / found.low:
        high = 0.5 / dt * (1.0 - 1e-12)
        if high > found.low and length >= 2.0 / found.low:
            said.notices.append(f"oscillations are judged up to {high:.3g} Hz only: the step is {dt:.3g} s")
            found = replace(found, high=high)
        else:
            said.notices.append("oscillations are not judged: the series is too short or its step too coarse")
            found = replace(found, amplitude=math.inf)
    for quantity in ("ramp", "dynamic_range", "amplitude"):
        evidence = catalog.entity("dynamics_limits", chosen).evidence(quantity)
        said.assumptions.append(
            evidence.assumption(f"limits.{chosen}.{quantity}", "share of the peak; the utility has its own")
        )  # fmt: skip
    return found


def read_seconds_question(
    *,
    chip: str | None = None,
    count: int | None = None,
    model: str | None = None,
    trace: str | None = None,
    run: Run | None = None,
    nodes: float = 1.0,
    duration: str | None = None,
    step: str | None = None,
    limits: str | None = None,
    plants: Mapping[str, str] | None = None,
    code: str | None = None,
    protection: str | None = None,
    event: str | None = None,
    short_circuit_ratio: float | None = None,
    spread: str | None = None,
    correlation: float | None = None,
    electricity: str | None = None,
    seed: int = 0,
    settings: Mapping[str, object] | None = None,
) -> SecondsQuestion:
    """Read a question as a person types it.

    Parameters
    ----------
    chip, count, model
        A training run: ``count`` accelerators, with the best layout of the model there.
    trace, nodes
        Or a CSV with ``time`` [s] and ``power`` [W] of a node, and how many there are.
    run : Run, optional
        Or a training run that is planned already.
    duration, step : str, optional
        Of the run that is looked at, such as ``120 s``, ``10 ms``; a trace has its own length, and its own
        mean step where none is given.
    limits : str, optional
        Row of ``dynamics_limits``.
    plants : mapping, optional
        Plant → power, such as ``{"gas-turbine": "40MW"}``.
    code, protection, event : str, optional
        Rows of ``ride_through`` and ``ride_through_loads``, event of ``grid_events`` or a CSV file with
        ``time`` [s] and ``voltage``.
    short_circuit_ratio, spread, correlation, seed
        As :func:`gigawatt.power.seconds.carry_seconds` and ``sum_nodes`` have them.
    electricity : str, optional
        Such as ``60 $/MWh``.
    settings : mapping, optional
        Fields of the training run: ``{"training.sequence": "4096 tokens", "layout.tensor": 8}``.

    Raises
    ------
    InputError, InfeasibleError
        What cannot be read; a model that fits in no layout.
    """
    if sum(one is not None for one in (trace, chip, run)) != 1:
        raise InputError(
            "give a chip or a trace", key="chip", allowed="--chip with --count, or --trace FILE (not both)"
        )
    _check_alone(trace, {"count": count, "model": model, "duration": duration, **dict(settings or {})}, nodes)
    said = _Said()
    lag = (
        said.default("spread", "spread", "nodes do not swing in phase")
        if spread is None
        else parse(spread, "s")
    )
    rho = said.default("correlation", "correlation", "one job") if correlation is None else correlation
    swing = _Swing(lag, rho, seed)
    planned: Run | None = None
    if trace is not None:
        made = _of_trace(trace, step, nodes, swing, said)
    else:
        dt = 0.01 if step is None else parse(step, "s")
        length = _length(duration)
        planned = _planned(str(chip), count, model, said.assumptions, settings or {}) if run is None else run
        made = _of_run(planned, dt, length, swing, said)
    chosen = limits if limits is not None else "moderate"
    found = _limits(chosen, made, said)
    asked = load_code(DEFAULT_CODE if code is None else code)
    if code is None:
        said.assumptions.append(
            _chosen("ride_through", asked.id, "code", "no place with a code of its own is given")
        )
    kept = load_protection(DEFAULT_PROTECTION if protection is None else protection)
    if protection is None:
        said.assumptions.append(
            _chosen("ride_through_loads", kept.id, "protection", "as at the sites of July 2024")
        )
    finance = catalog.entity("finance", "hyperscaler").evidence("discount_rate")
    price = (
        said.default("electricity", "electricity", "no price is set")
        if electricity is None
        else parse(electricity, "$/J")
    )
    return SecondsQuestion(
        what=made.what,
        load=made.load,
        step=made.step,
        idle=made.idle,
        accelerators=made.accelerators,
        segments=made.segments,
        limits_id=chosen,
        limits=found,
        plants={plant_id("plants", key): parse(text, "W") for key, text in (plants or {}).items()},
        code=asked,
        protection=kept,
        event=None if event is None else load_event(event),
        short_circuit_ratio=short_circuit_ratio,
        electricity=price,
        rate=finance.value,
        assumptions=tuple(said.assumptions),
        notices=tuple(said.notices),
        run=planned,
    )


def _chosen(table: str, id: str, key: str, reason: str) -> Assumption:
    """A row that is taken because nobody named one, with the weakest grade of its numbers."""
    weakest = max(catalog.entity(table, id).rows(), key=lambda row: row.grade)
    return weakest.assumption(key, reason, id)


def _check_alone(trace: str | None, given: Mapping[str, object], nodes: float) -> None:
    """Raise ``InputError`` of a word that does not apply: model options of a trace, nodes of a model."""
    if trace is None:
        if nodes != 1.0:
            raise InputError("nodes are those of a trace", key="nodes", given=nodes, allowed="--count")
        return
    for key, value in given.items():
        if value is not None:
            raise InputError(
                "a trace is a load already", key=key, given=str(value), allowed="--chip, or a trace"
            )


def _planned(
    chip: str, count: int | None, model: str | None, told: list[Assumption], settings: Mapping[str, object]
) -> Run:
    """The best layout of a model on ``count`` accelerators."""
    if count is None:
        raise InputError(
            "the number of accelerators is missing", key="count", allowed="a whole number of 1 or more"
        )
    name = "llama-3.1-405b" if model is None else model
    if model is None:
        grade = catalog.entity("dynamics_load", "training").evidence("jitter").grade
        told.append(Assumption("model", name, "no model is set", grade, "models.csv"))
    question = read_question(model=name, chip=chip, settings=settings)
    plan = plan_training(question, count, top=1)
    what = f"{question.architecture.name} on {count:,} × {question.chip.name}"
    return Run(what, plan.search.best, plan.cluster)
