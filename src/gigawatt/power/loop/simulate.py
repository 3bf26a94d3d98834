"""The loop: pools, store and grid by the step, with meters, delays and controllers between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.power.loop.controls import (
    BatchControl,
    CapControl,
    FeedbackBatch,
    Knobs,
    PauseControl,
    Seen,
    StoreControl,
    VoltageRule,
)
from gigawatt.power.loop.grid import GridCurve
from gigawatt.power.loop.pools import ServingPool, ServingState, TrainingPool, TrainingState

__all__ = ["Course", "run_loop"]

Array = NDArray[np.float64]
PowerControl = BatchControl | CapControl | PauseControl
VoltageControl = VoltageRule | FeedbackBatch

_MOST = 2_000_000


@dataclass(frozen=True)
class Course:
    """What happened, by the step (T,), (T, S) over services.

    ``load`` [W] of all pools and what stands beside them, ``drawn`` [W] from the grid, ``target`` [W]
    (``inf``: none); ``source`` voltage, ``lowest`` and ``highest`` over all nodes; ``stored`` [J]; ``cap``
    [W] (``inf``: none); ``paused`` training runs. Of services ``limit`` and ``batch`` of a replica,
    ``token_time`` [s], ``waiting`` requests. At the end ``written`` tokens by service, ``trained`` tokens
    by run, ``arrived`` and ``served`` requests, ``lost`` [J] in the store.
    """

    step: float
    load: Array
    drawn: Array
    target: Array
    source: Array
    lowest: Array
    highest: Array
    stored: Array
    cap: Array
    paused: Array
    limit: Array
    batch: Array
    token_time: Array
    waiting: Array
    power: Array
    written: Array
    trained: Array
    arrived: Array
    served: Array
    running: Array
    lost: float

    @property
    def time(self) -> Array:
        """s at the start of each step."""
        return np.arange(len(self.load), dtype=np.float64) * self.step


def run_loop(
    *,
    step: float,
    duration: float,
    grid: GridCurve | Callable[[float], GridCurve],
    serving: Sequence[ServingPool] = (),
    training: Sequence[TrainingPool] = (),
    beside: float = 0.0,
    target: Array | None = None,
    source: Array | None = None,
    power_controls: Sequence[PowerControl] = (),
    voltage_control: VoltageControl | None = None,
    store: StoreControl | None = None,
) -> Course:
    """Run the loop.

    Parameters
    ----------
    step, duration : float
        s; 0.1 to 1 s resolve what controllers of this kind do.
    grid : GridCurve or callable
        That of all times, or s → that of then (taps that move).
    serving, training : sequence
        Pools.
    beside : float
        W that nothing changes.
    target, source : array (T,), optional
        W that the load shall not exceed (``inf``: none); voltage of the source over its usual one.
    power_controls : sequence
        A cascade: the first acts until it is at its end, then the next; the last that started leaves first.
    voltage_control, store : optional
        Beside it.

    Raises
    ------
    InputError
        No positive step, too many steps, series of another length, a source that moves behind a feeder.
    """
    count = _count(step, duration, target, source)
    goals = np.full(count, math.inf) if target is None else np.asarray(target, dtype=float)
    sources = np.ones(count) if source is None else np.asarray(source, dtype=float)
    moving = grid if callable(grid) else None
    now = grid(0.0) if callable(grid) else grid
    if not now.scales and np.any(sources != 1.0):
        raise InputError(
            "a feeder's source stands still", key="voltage", allowed="a connection by its short-circuit ratio"
        )
    services, runs = [ServingState(pool) for pool in serving], [TrainingState(pool) for pool in training]
    knobs, kept = Knobs(services, runs), _Kept(count, len(services))
    first = beside + sum(one.power for one in services) + sum(one.power for one in runs)
    meter = _Meter(kept, goals, sources, step, first)
    resizing = any(pool.changes for pool in serving)
    every = [max(1, round(one.period / step)) for one in power_controls]
    watched = max(1, round(voltage_control.period / step)) if voltage_control is not None else 0
    for k in range(count):
        if moving is not None:
            now = moving(k * step)
        due = [one for one, often in zip(power_controls, every, strict=True) if k % often == 0]
        if due:
            _cascade(power_controls, due, meter, k, knobs)
        if voltage_control is not None and k % watched == 0:
            voltage_control.act(meter.seen(k, voltage_control.delay), now, knobs)
        whole = beside
        for one in services:
            if resizing:
                one.resize(k * step)
            one.advance(step, knobs.cap)
            whole += one.power
        for one in runs:
            one.advance(k, step, knobs.cap)
            whole += one.power
        drawn = whole
        if store is not None:
            seen = meter.seen(k, store.delay) if store.delay > 0.0 else meter.latest(k, whole)
            volts = float(now.at(whole, float(sources[k])).min()) if store.droop > 0.0 else 1.0
            drawn += store.act(seen, volts, step)
        kept.keep(k, whole, drawn, knobs, 0.0 if store is None else store.held)
        if moving is not None:
            volts_now = now.at(drawn, float(sources[k]))
            kept.ends[k] = volts_now.min(), volts_now.max()
    if moving is None:
        kept.ends[:, 0], kept.ends[:, 1] = now.ends(kept.drawn, sources)
    return Course(
        step=step, load=kept.load, drawn=kept.drawn, target=goals, source=sources,
        lowest=kept.ends[:, 0], highest=kept.ends[:, 1], stored=kept.stored, cap=kept.cap, paused=kept.paused,
        limit=kept.limit, batch=kept.batch, token_time=kept.token_time, waiting=kept.waiting,
        power=kept.power,
        written=np.array([one.written for one in services]),
        trained=np.array([one.written for one in runs]),
        arrived=np.array([one.arrived for one in services]),
        served=np.array([one.served for one in services]),
        running=np.array([one.running for one in services]),
        lost=store.lost if store is not None else 0.0,
    )  # fmt: skip


class _Kept:
    """What is kept of every step."""

    def __init__(self, count: int, services: int) -> None:
        self.load, self.drawn, self.stored, self.cap, self.paused = (np.zeros(count) for _ in range(5))
        self.limit, self.batch, self.token_time, self.waiting, self.power = (
            np.zeros((count, services)) for _ in range(5)
        )
        self.ends = np.ones((count, 2))

    def keep(self, k: int, load: float, drawn: float, knobs: Knobs, stored: float) -> None:
        self.load[k], self.drawn[k], self.stored[k], self.cap[k] = load, drawn, stored, knobs.cap
        self.paused[k] = sum(one.paused for one in knobs.training)
        for i, one in enumerate(knobs.serving):
            self.limit[k, i], self.power[k, i] = one.limit, one.power
            self.batch[k, i] = one.running / one.replicas if one.replicas > 0.0 else 0.0
            self.token_time[k, i], self.waiting[k, i] = one.token_time, one.waiting


@dataclass(frozen=True)
class _Meter:
    """Shows what was ``delay`` ago; ``first`` [W] before the start."""

    kept: _Kept
    goals: Array
    sources: Array
    step: float
    first: float

    def latest(self, k: int, load: float) -> Seen:
        return Seen(load, load, float(self.sources[k]), float(self.goals[k]))

    def seen(self, k: int, delay: float) -> Seen:
        back = k - 1 - round(delay / self.step)
        if back < 0:
            return self.latest(k, self.first)
        return Seen(
            float(self.kept.load[back]),
            float(self.kept.drawn[back]),
            float(self.sources[back]),
            float(self.goals[k]),
        )


def _count(step: float, duration: float, target: Array | None, source: Array | None) -> int:
    check_range("step", step, 0.0, unit="s", open_low=True, message="not a time step")
    count = round(duration / step) if math.isfinite(duration) else 0
    if not 1 <= count <= _MOST:
        raise InputError(
            "too few steps or too many", key="duration", given=f"{duration:g} s of {step:g} s",
            allowed=f"1 to {_MOST:,} steps",
        )  # fmt: skip
    for key, values in (("target", target), ("source", source)):
        if values is not None and len(values) != count:
            raise InputError(
                "a series of another length", key=key, given=len(values), allowed=f"{count} steps"
            )
    return count


def _cascade(
    controls: Sequence[PowerControl], due: Sequence[PowerControl], meter: _Meter, k: int, knobs: Knobs
) -> None:
    """Let the one whose turn it is act: down from the first with room, up from the last that gave."""
    seen = meter.seen(k, due[0].delay)
    if math.isinf(seen.target):
        for one in due:
            one.relax(knobs)
        return
    excess = seen.load - seen.target
    if excess > 0.0:
        turn = next((one for one in controls if not one.ended), controls[-1])
    else:
        turn = next((one for one in reversed(controls) if one.started), None)
    for one in due:
        if one is turn:
            one.act(meter.seen(k, one.delay).load - seen.target, knobs)
        elif isinstance(one, PauseControl) and excess <= 0.0:
            one.act(0.0, knobs)
