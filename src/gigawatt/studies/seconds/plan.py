"""Power swings of a campus: a training step of the model, or a trace, through stores to grid or island."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.candidates import plant_id
from gigawatt.chain.training.plan import plan_training
from gigawatt.chain.training.question import read_question
from gigawatt.core.errors import InfeasibleError, InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.quantities import parse
from gigawatt.machine.machine import Cluster
from gigawatt.money import capital_recovery_factor
from gigawatt.performance import StepTable
from gigawatt.performance.serving.power import load_node_power, load_serving_power, wall_power
from gigawatt.power.seconds import (
    Bound,
    Carried,
    Frontier,
    Limits,
    Measures,
    Segment,
    Sized,
    TrainingLoad,
    carry_seconds,
    frontier,
    least_store,
    list_stores,
    load_limits,
    load_store,
    measure,
    resample,
    smallest_store,
    store_prices,
    sum_nodes,
    training_power,
)

__all__ = [
    "FLOORS",
    "Run",
    "SecondsAnswer",
    "SecondsQuestion",
    "StoreOffer",
    "plan_seconds",
    "read_seconds_question",
    "read_trace",
    "training_load",
]

Array = NDArray[np.float64]

FLOORS = (0.0, 0.25, 0.5, 0.7, 0.8, 0.9)
"""Software power floors, as shares of the peak."""
_COMPUTE = ("arithmetic", "memory_bandwidth", "launch")
_EXCHANGE = ("interconnect_bandwidth", "interconnect_latency")
_STANDING = ("idle", "node", "network")
_AWAKE = 1.05
_SECOND, _LONGEST = 1.0, 3600.0


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
    ``accelerators`` (``inf`` where not known); ``plants`` id → W, empty: the connection alone.
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
    short_circuit_ratio: float | None
    electricity: float
    rate: float
    assumptions: tuple[Assumption, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class StoreOffer:
    """A candidate store: ``sized`` with its ``cost`` [$/year], or the reason against it (``refused``)."""

    store: str
    sized: Sized | None
    cost: float
    refused: str = ""


@dataclass(frozen=True)
class SecondsAnswer:
    """Measures of the load, the limits it exceeds (measure over limit), and the remedies.

    ``frontier`` is of floors alone, ``slow`` of floors with a start and a stop held to the ramps by software.
    """

    question: SecondsQuestion
    measures: Measures
    excess: Mapping[str, float]
    offers: tuple[StoreOffer, ...]
    frontier: Frontier | None
    slow: Frontier | None
    frontier_store: str
    bound: Bound | None
    carried: Carried | None
    cpu_seconds: float
    notices: tuple[str, ...]


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

    def wall(watts: float) -> float:
        return float(wall_power(node=node, chip_power=watts)) / node.chips + network

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
    path = Path(file)
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            names = reader.fieldnames or []
            for name in ("time", "power"):
                if name not in names:
                    raise InputError(
                        f"the column {name} is missing", file=path, line=1, given=", ".join(names),
                        allowed="time [s], power [W]", nearest=nearest(name, names),
                    )  # fmt: skip
            times: list[float] = []
            powers: list[float] = []
            for row in reader:
                try:
                    times.append(float(row["time"]))
                    powers.append(float(row["power"]))
                except (TypeError, ValueError):
                    raise InputError(
                        "not a number",
                        file=path,
                        line=reader.line_num,
                        given=f"{row['time']}, {row['power']}",
                    ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read this file ({error})", key="trace", given=str(path)) from None
    if len(times) < 2:
        raise InputError("a trace needs two rows or more", file=path, given=len(times))
    return np.asarray(times), np.asarray(powers)


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
    told: list[Assumption] = []
    notices: list[str] = []
    row = catalog.entity("dynamics_load", "training")

    def default(key: str, name: str, reason: str) -> float:
        evidence: Evidence = row.evidence(name)
        told.append(
            Assumption(key, f"{evidence.written} {evidence.unit}", reason, evidence.grade, evidence.source_id)
        )
        return evidence.value

    lag = default("spread", "spread", "nodes do not swing in phase") if spread is None else parse(spread, "s")
    rho = default("correlation", "correlation", "one job") if correlation is None else correlation
    if trace is not None:
        times, powers = read_trace(trace)
        mean = float((times[-1] - times[0]) / (len(times) - 1))
        dt = mean if step is None else parse(step, "s")
        one = resample(times, powers, step=dt)
        load = sum_nodes(one, step=dt, nodes=nodes, spread=lag, correlation=rho, seed=seed)
        what = f"{nodes:,.0f} × {Path(trace).name}"
        idle, accelerators, segments = float(load.min()), math.inf, ()
        notices.append("the accelerators of a trace are unknown: a store in racks has no size limit")
        if dt < 0.75 * mean:
            notices.append(
                f"the trace has a step of {mean:.3g} s: it contains frequencies up to {0.5 / mean:.3g} Hz"
            )
    else:
        dt = 0.01 if step is None else parse(step, "s")
        length = 120.0 if duration is None else parse(duration, "s")
        if not 10.0 <= length <= _LONGEST:
            raise InputError(
                "not a duration", key="duration", given=duration, allowed=f"10 to {_LONGEST:g} s"
            )
        planned = _planned(str(chip), count, model, told, settings or {}) if run is None else run
        one_chip = training_load(planned.best, planned.cluster)
        nodes = planned.count / planned.cluster.node.chips
        one_chip = replace(one_chip, ripple=one_chip.ripple / math.sqrt(nodes))
        default("jitter", "jitter", "steps differ slightly")
        default("ripple", "ripple", "kernels of the work differ; every node for itself")
        default("rest_share", "rest_share", "chips rest at lower clocks before and after the run")
        start, stop = (default(key, key, "idle around the run") for key in ("start", "stop"))
        one = training_power(one_chip, step=dt, duration=length, start=start, stop=length - stop, seed=seed)
        load = sum_nodes(one, step=dt, nodes=float(planned.count), spread=lag, correlation=rho, seed=seed)
        what = planned.what
        accelerators, segments = float(planned.count), one_chip.segments
        idle = one_chip.idle * accelerators
        if one_chip.step_time > length - start - stop:
            notices.append(f"a step takes {one_chip.step_time:.3g} s: the series is shorter than one step")
    peak = float(load.max())
    chosen = limits if limits is not None else "moderate"
    found = load_limits(chosen, peak=peak)
    if dt > 0.5 / found.high or len(load) * dt < 2.0 / found.low:
        high = 0.5 / dt * (1.0 - 1e-12)
        if high > found.low and len(load) * dt >= 2.0 / found.low:
            notices.append(f"oscillations are judged up to {high:.3g} Hz only: the step is {dt:.3g} s")
            found = replace(found, high=high)
        else:
            notices.append("oscillations are not judged: the series is too short or its step too coarse")
            found = replace(found, amplitude=math.inf)
    for quantity in ("ramp", "dynamic_range", "amplitude"):
        evidence = catalog.entity("dynamics_limits", chosen).evidence(quantity)
        told.append(
            Assumption(
                f"limits.{chosen}.{quantity}", f"{evidence.written} {evidence.unit}",
                "share of the peak; the utility has its own", evidence.grade, evidence.source_id,
            )
        )  # fmt: skip
    finance = catalog.entity("finance", "hyperscaler").evidence("discount_rate")
    price = (
        default("electricity", "electricity", "no price is set")
        if electricity is None
        else parse(electricity, "$/J")
    )
    return SecondsQuestion(
        what=what,
        load=load,
        step=dt,
        idle=idle,
        accelerators=accelerators,
        segments=segments,
        limits_id=chosen,
        limits=found,
        plants={plant_id("plants", key): parse(text, "W") for key, text in (plants or {}).items()},
        short_circuit_ratio=short_circuit_ratio,
        electricity=price,
        rate=finance.value,
        assumptions=tuple(told),
        notices=tuple(notices),
    )


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


def plan_seconds(
    question: SecondsQuestion, progress: Callable[[str, float], None] | None = None
) -> SecondsAnswer:
    """The measures of the load, every store and floor, and the verdict on the plants where some are given.

    Parameters
    ----------
    question : SecondsQuestion
        The load, and its limits.
    progress : callable, optional
        Called with (what is done, share done).

    Raises
    ------
    InputError, InfeasibleError
        Plants that cannot carry the load at all.
    """
    q, started = question, time.process_time()
    say = progress or (lambda text, share: None)
    say("Measuring", 0.0)

    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=q.rate, life=life))

    notices = list(q.notices)
    found = measure(q.load, step=q.step, limits=q.limits)
    excess = found.excess(q.limits)
    offers: list[StoreOffer] = []
    curve: Frontier | None = None
    slow: Frontier | None = None
    bound: Bound | None = None
    best = ""
    if excess:
        seconds = len(q.load) * q.step
        for number, name in enumerate(list_stores()):
            say(f"Sizing the store {name}", 0.05 + 0.45 * number / len(list_stores()))
            prices = store_prices(name, electricity=q.electricity, capital_recovery=recovery)
            basis = load_store(name, accelerators=q.accelerators)
            try:
                sized = smallest_store(q.load, step=q.step, limits=q.limits, store=basis)
            except InfeasibleError as error:
                offers.append(StoreOffer(name, None, math.inf, str(error)))
                continue
            cost = prices.yearly(
                power=sized.store.power, energy=sized.store.energy, burnt=sized.passed.losses, seconds=seconds
            )
            offers.append(StoreOffer(name, sized, cost))
        able = [one for one in offers if one.sized is not None]
        best = min(able, key=lambda one: one.cost).store if able else list_stores()[-1]
        prices = store_prices(best, electricity=q.electricity, capital_recovery=recovery)
        row, peak = catalog.entity("dynamics_load", "training"), float(q.load.max())
        basis = load_store(best, accelerators=q.accelerators)
        most = row.value("floor_most") * peak
        floors = [share * peak for share in FLOORS if share * peak <= most]

        def software(slowly: bool) -> Frontier:
            return frontier(
                q.load, step=q.step, limits=q.limits, prices=prices, floors=floors, store=basis,
                hold=row.value("hold"), awake=min(_AWAKE * q.idle, peak), slow=slowly,
            )  # fmt: skip

        try:
            say("Software power floors", 0.5)
            curve = software(False)
            slow = software(True)
            bound = least_store(q.load, step=q.step, limits=q.limits, prices=prices, store=basis, floor=most)
        except InfeasibleError as error:
            notices.append(str(error))
    verdict: Carried | None = None
    if q.plants:
        say("Checking the plants", 0.8)
        verdict = carry_seconds(
            q.load, step=q.step, plants=q.plants, limits=q.limits, electricity=q.electricity,
            capital_recovery=recovery, short_circuit_ratio=q.short_circuit_ratio,
        )  # fmt: skip
        notices += verdict.notices
    return SecondsAnswer(
        question=q,
        measures=found,
        excess=excess,
        offers=tuple(offers),
        frontier=curve,
        slow=slow,
        frontier_store=best,
        bound=bound,
        carried=verdict,
        cpu_seconds=time.process_time() - started,
        notices=tuple(notices),
    )
