"""The question of flexibility: what of a campus can follow a call within seconds, and the grid it sees."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import candidates, replica
from gigawatt.core.errors import InfeasibleError, InputError, nearest
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import parse
from gigawatt.machine.machine import Cluster
from gigawatt.performance.power import capped
from gigawatt.performance.serving.curve import BatchCurve, batch_curve
from gigawatt.power.loop import (
    GridCurve,
    ServingPool,
    TrainingPool,
    feeder_bus,
    feeder_grid,
    load_feeder,
    reactive,
    thevenin_grid,
)
from gigawatt.power.seconds import Machine, machines_of
from gigawatt.power.seconds.columns import read_columns
from gigawatt.studies.seconds.question import SecondsQuestion, training_load

__all__ = ["CONTROLS", "FlexibleQuestion", "Service", "read_flexible"]

Array = NDArray[np.float64]

CONTROLS = ("batch", "cap", "pause", "store")
"""What can follow a call; ``all``: each alone, and together."""
_CAPS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
_BATCH = tuple(2.0**i for i in range(11))
_LONGEST = 4 * 3600.0


@dataclass(frozen=True)
class Service:
    """A service beside the training run: ``what`` it is, its pool, accelerators, objective [s]."""

    what: str
    pool: ServingPool
    accelerators: int


@dataclass(frozen=True)
class FlexibleQuestion:
    """A call, who may answer it, and the grid.

    ``controls`` are names of :data:`CONTROLS`; the load is to fall by ``cut`` (share) ``within`` [s] for
    ``hold`` [s], or along ``follow`` (s, share of the normal power); ``limit`` of the voltage (share of the
    rated one either way, ``None``: not held). ``window`` [s] of the utility's meter, ``tolerance`` and
    ``delay`` [s], ``gain`` and ``release`` [1/s] of the controllers; ``lead`` and ``tail`` [s] before and
    after the call.
    """

    controls: tuple[str, ...]
    cut: float
    within: float
    hold: float
    follow: tuple[Array, Array] | None
    limit: float | None
    service: Service | None
    training: TrainingPool | None
    grid: Callable[[float, float], GridCurve]
    grid_words: str
    machines: tuple[Machine, ...]
    accelerators: float
    window: float
    tolerance: float
    delay: float
    gain: float
    release: float
    lead: float
    tail: float
    assumptions: tuple[Assumption, ...]


def read_flexible(
    question: SecondsQuestion,
    *,
    control: str | None = None,
    cut: str | None = None,
    within: str | None = None,
    hold: str | None = None,
    follow: str | Path | None = None,
    limit_voltage: str | None = None,
    feeder: str | None = None,
    serve: str | None = None,
    serving_count: int | None = None,
) -> FlexibleQuestion | None:
    """Read the words of flexibility beside a question of the seconds; ``None`` where none is given.

    Parameters
    ----------
    question : SecondsQuestion
        Whose training run, or trace, is one pool.
    control : str, optional
        One of :data:`CONTROLS` or ``all``, which it is if left out.
    cut, within, hold : str, optional
        Such as ``20 %``, ``30 s``, ``15 min``.
    follow : path, optional
        CSV with ``time`` [s] and ``power`` (share of the normal power that is allowed; 1 or more: all).
    limit_voltage : str, optional
        Such as ``5 %``: batches are led by the voltage as well.
    feeder : str, optional
        ``FEEDER``, ``FEEDER@BUS`` or ``FILE.dss@BUS``; two buses by the short-circuit ratio if left out.
    serve, serving_count : optional
        Model of a service beside the training run, and its number of accelerators of the same kind.

    Raises
    ------
    InputError, InfeasibleError
        What cannot be read; a service that does not fit.
    """
    words = (control, cut, within, hold, follow, limit_voltage, feeder, serve, serving_count)
    if all(one is None for one in words):
        return None
    row, told = catalog.entity("dynamics_load", "flexibility"), list[Assumption]()

    def default(name: str, given: str | None, unit: str, reason: str) -> float:
        if given is not None:
            value = parse(given, unit)
            if not (math.isfinite(value) and value > 0.0):
                raise InputError("not a sensible value", key=name, given=given, allowed="above 0")
            return value
        evidence = row.evidence(name)
        text = evidence.shown
        told.append(evidence.assumption(name, reason, text))
        return evidence.value

    asked = _controls(control)
    if follow is not None and (cut, within, hold) != (None, None, None):
        raise InputError(
            "a course is a call already", key="follow", given=str(follow), allowed="--cut, or a file"
        )
    series = None if follow is None else _course(Path(follow))
    share = 0.0 if series else default("cut", cut, "1", "no cut is given")
    if share >= 1.0:
        raise InputError("not a cut", key="cut", given=cut, allowed="above 0 %, below 100 %")
    quick = 0.0 if series else default("within", within, "s", "no time is given")
    length = float(series[0][-1]) if series else default("hold", hold, "s", "no time is given")
    if length + quick > _LONGEST:
        raise InputError(
            "too long for seconds", key="hold", given=hold, allowed=f"up to {_LONGEST:g} s in all"
        )
    limit = None if limit_voltage is None else parse(limit_voltage, "1")
    if limit is not None and not 0.0 < limit < 0.5:
        raise InputError(
            "not a limit", key="limit_voltage", given=limit_voltage, allowed="above 0 %, below 50 %"
        )
    service = _service(question, serve, serving_count, default)
    training = _training(question)
    grid, grid_words = _grid(question, feeder, told)
    return FlexibleQuestion(
        controls=asked, cut=share, within=quick, hold=length, follow=series, limit=limit,
        service=service, training=training, grid=grid, grid_words=grid_words,
        machines=_machines(question),
        accelerators=question.accelerators,
        window=default("window", None, "s", "the utility's meter"),
        tolerance=default("tolerance", None, "1", "of the normal power"),
        delay=default("delay", None, "s", "of meter and controller"),
        gain=default("gain", None, "1", "of the controllers"),
        release=default("release", None, "1/s", "of the controllers"),
        lead=default("lead", None, "s", "normal operation first"),
        tail=default("tail", None, "s", "what comes after"),
        assumptions=tuple(told),
    )  # fmt: skip


def _machines(q: SecondsQuestion) -> tuple[Machine, ...]:
    """What turns on an island; nothing on a grid, whose frequency a campus does not move."""
    built = {name: watts for name, watts in q.plants.items() if watts > 0.0}
    return machines_of(built) if built and "grid" not in built else ()


def _controls(control: str | None) -> tuple[str, ...]:
    if control is None or control == "all":
        return (*CONTROLS, "all")
    if control not in CONTROLS:
        raise InputError(
            "no such control", key="control", given=control, allowed=(*CONTROLS, "all"),
            nearest=nearest(control, (*CONTROLS, "all")),
        )  # fmt: skip
    return (control,)


def _course(file: Path) -> tuple[Array, Array]:
    """(s, share) of a call as a file has it."""
    times, shares = read_columns(file, ("time", "power"), key="follow", words="time [s], power (share)")
    if len(times) < 2 or times[0] != 0.0 or np.any(np.diff(times) <= 0.0):
        raise InputError("the times of a course ascend from 0 s", file=file, allowed="two rows or more")
    if np.any(shares < 0.0):
        raise InputError(
            "not a share of the normal power", file=file, given=float(shares.min()), allowed="0 or more"
        )
    return times, shares


def _training(q: SecondsQuestion) -> TrainingPool:
    """The training run at the mean of its step, with what caps make of it; a trace can only be paused."""
    if q.run is None:
        one = np.ones(1)
        return TrainingPool("trace", np.array([float(q.load.mean())]), q.idle, np.array([1.0]), one, one, 0.0)
    best, cluster = q.run.best, q.run.cluster
    count, limit = float(cluster.count), cluster.chip.power_limit

    def mean(power: float | None) -> tuple[float, float, float]:
        """(W of an accelerator, s of a step, W at rest) under a cap [W]."""
        load = training_load(capped(best, cluster, power), cluster)
        joules = sum(one.power * one.duration for one in load.segments)
        return joules / load.step_time, load.step_time, load.idle

    whole, time, rest = mean(None)
    load = training_load(best, cluster)
    normal = sum(one.power * one.duration for one in load.segments) / load.step_time
    caps, shares, speeds = [limit], [1.0], [1.0]
    for share in _CAPS:
        try:
            watts, longer, _ = mean(share * limit)
        except InfeasibleError:
            break
        caps.append(share * limit)
        shares.append(min(watts / whole, shares[-1]))
        speeds.append(min(time / longer, speeds[-1]))
    back = catalog.entity("recovery", "restart")
    return TrainingPool(
        q.run.what, np.array([normal * count]), rest * count, np.array(caps), np.array(shares),
        np.array(speeds), float(best.tokens_per_second[0]), back.value("base") + back.value("each") * count,
    )  # fmt: skip


def _service(
    q: SecondsQuestion, model: str | None, count: int | None, default: Callable[..., float]
) -> Service | None:
    """Replicas of a model on accelerators of the run's kind, each the smallest that writes the most."""
    if model is None and count is None:
        return None
    if model is None or count is None:
        raise InputError(
            "a service has a model and accelerators", key="serve" if model is None else "serving_count",
            allowed="--serve MODEL --serving-count N",
        )  # fmt: skip
    if q.run is None:
        raise InputError(
            "a service is on accelerators of a run", key="serve", given=model, allowed="--chip, --count"
        )
    prompt, output = (default(name, None, "token", "no lengths are known") for name in ("prompt", "output"))
    promised = default("token_time", None, "s", "no objective is given")
    busy = default("service_load", None, "1", "no requests are given")
    asked = read_serving_question(
        model=model, chip=q.run.cluster.chip.id, prompt=f"{prompt:g} tokens", output=f"{output:g} tokens"
    )
    if count < 1:
        raise InputError("no number of accelerators", key="serving_count", given=count, allowed="1 or more")
    cluster, _ = asked.cluster(max(count, q.run.cluster.node_chips))
    curve, most = _fastest(asked, cluster, prompt, output, promised)
    replicas = count // curve.chips
    if replicas < 1:
        raise InputError(
            "too few accelerators for a replica", key="serving_count", given=count,
            allowed=f"{curve.chips} or more",
        )  # fmt: skip
    pool = ServingPool(
        asked.architecture.name, float(replicas), curve.batch, curve.caps, curve.power, curve.tokens,
        curve.token_time, output, most, objective=promised,
    )  # fmt: skip
    demand = busy * pool.capacity(most)
    used = replicas * curve.chips
    what = f"{asked.architecture.name} on {used:,} × {asked.chip.name}"
    return Service(what, replace(pool, demand=demand), used)


def _fastest(
    asked: ServingQuestion, cluster: Cluster, prompt: float, output: float, promised: float
) -> tuple[BatchCurve, float]:
    """(curve of the replica that writes most an accelerator within the promised time, its batch there)."""
    degrees, _ = candidates(asked, cluster)
    limit = cluster.chip.power_limit
    best: tuple[float, BatchCurve, float] | None = None
    for i in range(len(degrees)):
        one = replica(asked, cluster, degrees.take([i]))
        try:
            curve = batch_curve(
                one, prompt=prompt, output=output, batch=np.array(_BATCH),
                caps=np.array([share * limit for share in _CAPS]),
            )  # fmt: skip
        except InputError:
            continue
        able = np.flatnonzero(curve.token_time[0] <= promised)
        if len(able) < 1 or len(curve.batch) < 2:
            continue
        place = max(int(able[-1]), 1)
        rate = float(curve.tokens[0, place]) / curve.chips
        if best is None or rate > best[0]:
            best = (rate, curve, float(curve.batch[place]))
    if best is None:
        raise InfeasibleError(
            f"no replica of {asked.architecture.name} writes its tokens in time", key="serve",
            given=f"{promised * 1e3:g} ms", allowed="a smaller model, more accelerators",
        )  # fmt: skip
    return best[1], best[2]


def _grid(
    q: SecondsQuestion, feeder: str | None, told: list[Assumption]
) -> tuple[Callable[[float, float], GridCurve], str]:
    """(W at most and normally → voltages, what it is in words)."""
    evidence = catalog.entity("dynamics_load", "training").evidence("power_factor")
    factor = evidence.value
    told.append(evidence.assumption("power_factor", "of the load", evidence.written))
    if feeder is None:
        row = catalog.entity("dynamics_machines", "grid")
        strength = row.evidence("short_circuit_ratio")
        ratio = strength.value if q.short_circuit_ratio is None else q.short_circuit_ratio
        if q.short_circuit_ratio is None:
            told.append(
                strength.assumption("short_circuit_ratio", "no connection is given", strength.written)
            )  # fmt: skip
        angle = row.value("x_over_r")

        def two(most: float, normal: float) -> GridCurve:
            """Taps stand so that the normal load has the rated voltage."""
            strength = ratio * normal
            resistance = normal / strength / math.hypot(1.0, angle)
            reactance, lag = resistance * angle, reactive(factor)
            behind = math.hypot(1.0 + resistance + reactance * lag, reactance - resistance * lag)
            return thevenin_grid(
                most=most, short_circuit=strength, x_over_r=angle, power_factor=factor, voltage_behind=behind
            )

        return two, f"a connection with a short-circuit ratio of {ratio:g}"
    name, _, bus = feeder.rpartition("@") if "@" in feeder else (feeder, "", "")
    if name.lower().endswith(".dss"):
        from gigawatt.power.loop.opendss import opendss_grid

        if not bus:
            raise InputError("the bus is missing", key="feeder", given=feeder, allowed="FILE.dss@BUS")
        told_as = f"bus {bus} of {Path(name).name}"
        return (lambda most, _: opendss_grid(name, bus, most=most, power_factor=factor)), told_as
    made = load_feeder(name)
    at = made.check(bus or feeder_bus(name))
    return (
        lambda most, _: feeder_grid(made, at, most=most, power_factor=factor, without=made.regulated)
    ), f"bus {at} of {name}"
