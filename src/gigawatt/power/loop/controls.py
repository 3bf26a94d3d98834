"""Controllers that change a load within seconds: batch, power cap, pause, store; by power or by voltage.

Each looks at what a meter showed some time ago (``delay``) and acts every ``period``. Those that follow a
power (:class:`BatchControl`, :class:`CapControl`, :class:`PauseControl`) integrate the excess over the
target: with the gain g of the span of their power a period, and a plant that answers within a period, the
excess shrinks by (1 − g·s) each time, s the steepest slope of the curve over its mean: stable for g·s < 2,
without overshoot for g·s ≤ 1. A cascade lets the first act until it is at its end, then the next; what came
last leaves first.

Those that hold the voltage are the two of OpenG2G: a proportional rule, and online feedback optimisation
(dual variables that add up what the voltage is beyond its limits, and a gradient step of the batch).

References
----------
Liang et al., GPU-to-Grid: Voltage Regulation via GPU Utilization Control, arXiv 2602.05116, 2026 (primal-dual
steps of the batch). OpenG2G, arXiv 2605.05519, 2026 (rule, feedback optimisation, storage droop). Åström and
Murray, Feedback Systems, 2008, section 10 (integral action and its saturation).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_rules
from gigawatt.core.errors import InputError
from gigawatt.power.loop.grid import GridCurve
from gigawatt.power.loop.pools import ServingPool, ServingState, TrainingState, between

__all__ = [
    "BatchControl",
    "CapControl",
    "FeedbackBatch",
    "Knobs",
    "PauseControl",
    "Seen",
    "StoreControl",
    "VoltageRule",
]

Array = NDArray[np.float64]


@dataclass
class Knobs:
    """What controllers may set: ``cap`` [W] of an accelerator; the pools' states have batches and pauses."""

    serving: Sequence[ServingState]
    training: Sequence[TrainingState]
    cap: float = math.inf


@dataclass(frozen=True)
class Seen:
    """What the meter showed: ``load`` [W] without the store, ``drawn`` [W] with it, the ``source`` voltage.

    ``target`` [W] is that of now (``inf``: none).
    """

    load: float
    drawn: float
    source: float
    target: float


def _period(name: str, period: float, delay: float, gain: float) -> None:
    rules = (
        ("period", period, "s, above 0", period > 0.0),
        ("delay", delay, "s, 0 or more", delay >= 0.0),
        ("gain", gain, "above 0, below 2", 0.0 < gain < 2.0),
    )
    check_rules(rules, name, finite=True, message="not a controller")


@dataclass
class _Placed(ABC):
    """A control between what is normal (``place`` 0) and what it can give at most (1), by integral action.

    ``gain``: share of the span that is made up in a period; ``release``: share a second by which it comes
    back when there is no target.
    """

    name: ClassVar[str]
    period: float = 1.0
    delay: float = 1.0
    gain: float = 0.3
    release: float = 0.02
    place: float = 0.0

    def __post_init__(self) -> None:
        _period(self.name, self.period, self.delay, self.gain)

    @property
    def ended(self) -> bool:
        """Whether it can give no more."""
        return self.place >= 1.0

    @property
    def started(self) -> bool:
        """Whether it gives anything."""
        return self.place > 0.0

    def relax(self, knobs: Knobs) -> None:
        """Come back where there is no target."""
        self.place = max(self.place - self.release * self.period, 0.0)
        self._set(knobs)

    @abstractmethod
    def _set(self, knobs: Knobs) -> None:
        """Turn the knobs to what the place means."""


@dataclass
class BatchControl(_Placed):
    """Lowers the batch limits of all services alike, in the logarithm, until the load is at its target.

    No limit falls below the smallest batch, which is ``place`` 1.
    """

    name = "batch"

    def act(self, excess: float, knobs: Knobs) -> None:
        """Move by an excess of the load [W], and set the limits."""
        span = sum(one.pool.span * one.replicas / one.pool.replicas for one in knobs.serving)
        if span <= 0.0:
            self.place = 1.0
            return
        if self.place == 0.0 and excess > 0.0:
            self.place = self._running(knobs)
        self.place = min(max(self.place + self.gain * excess / span, 0.0), 1.0)
        self._set(knobs)

    def _set(self, knobs: Knobs) -> None:
        for one in knobs.serving:
            pool = one.pool
            one.limit = pool.least * (pool.most / pool.least) ** (1.0 - self.place)

    @staticmethod
    def _running(knobs: Knobs) -> float:
        """Place at which the first limit binds: batches that run below their limits have slack."""
        places = [1.0]
        for one in knobs.serving:
            pool, each = one.pool, one.running / one.replicas if one.replicas > 0.0 else 0.0
            octaves = math.log2(pool.most / pool.least)
            if octaves > 0.0:
                places.append(1.0 - math.log2(max(each, pool.least) / pool.least) / octaves)
        return max(min(places), 0.0)


@dataclass
class CapControl(_Placed):
    """Lowers one power cap of all accelerators until the load is at its target; as :class:`BatchControl`."""

    name = "cap"

    @staticmethod
    def ends(knobs: Knobs) -> tuple[float, float]:
        """(highest, lowest) cap [W] of the pools."""
        caps = [one.pool.caps for one in (*knobs.serving, *knobs.training)]
        return max(float(x[0]) for x in caps), min(float(x[-1]) for x in caps)

    def act(self, excess: float, knobs: Knobs) -> None:
        """Move by an excess of the load [W], and set the cap."""
        span = sum(one.pool.capped_span for one in knobs.serving)
        span += sum(one.pool.capped_span for one in knobs.training)
        if span <= 0.0:
            self.place = 1.0
            return
        self.place = min(max(self.place + self.gain * excess / span, 0.0), 1.0)
        self._set(knobs)

    def _set(self, knobs: Knobs) -> None:
        high, low = self.ends(knobs)
        knobs.cap = high - self.place * (high - low) if self.place > 0.0 else math.inf


@dataclass
class PauseControl:
    """Pauses one training run after another while the load is above its target, until the target is gone.

    ``patience`` [s]: how long the load has to be above it.
    """

    period: float = 1.0
    delay: float = 1.0
    patience: float = 3.0
    _above: float = 0.0

    @property
    def ended(self) -> bool:
        """It never claims to be at its end: it is the last of a cascade."""
        return False

    @property
    def started(self) -> bool:
        """A pause holds as long as the target does: it does not leave for a load below it."""
        return False

    def act(self, excess: float, knobs: Knobs) -> None:
        """Count an excess of the load [W], and pause the next run when it lasts."""
        self._above = self._above + self.period if excess > 0.0 else 0.0
        if self._above < self.patience:
            return
        self._above = 0.0
        for one in knobs.training:
            if not one.paused:
                one.paused = True
                return

    def relax(self, knobs: Knobs) -> None:
        """End all pauses where there is no target."""
        self._above = 0.0
        for one in knobs.training:
            one.paused = False


@dataclass
class StoreControl:
    """A store that gives what the load is above its target, or by its droop what a low voltage asks.

    It acts at every step of the loop, ``delay`` [s] after what it sees. Efficiencies (0, 1], ``level`` and
    ``start`` shares of ``energy`` [J], ``power`` [W] the most at its terminals. Without a target it comes
    back to where it started with ``recharge`` of its power. ``droop``: share of the power per share of
    voltage beyond ``deadband`` from ``reference``; 0: it looks at the target alone.
    """

    power: float
    energy: float
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    level: float = 0.5
    delay: float = 0.0
    recharge: float = 0.25
    droop: float = 0.0
    deadband: float = 0.005
    reference: float = 1.0
    held: float = field(init=False)
    flow: float = field(init=False, default=0.0)
    lost: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        rules = (
            ("power", self.power, self.power >= 0.0), ("energy", self.energy, self.energy >= 0.0),
            ("charge_efficiency", self.charge_efficiency, 0.0 < self.charge_efficiency <= 1.0),
            ("discharge_efficiency", self.discharge_efficiency, 0.0 < self.discharge_efficiency <= 1.0),
            ("level", self.level, 0.0 <= self.level <= 1.0), ("droop", self.droop, self.droop >= 0.0),
        )  # fmt: skip
        check_rules(
            ((key, value, "in its range", fits) for key, value, fits in rules),
            "store", finite=True, message="not a store",
        )  # fmt: skip
        self.held = self.level * self.energy

    def act(self, seen: Seen, volts: float, step: float) -> float:
        """W that it takes (above 0) or gives in this step."""
        if self.droop > 0.0:
            off = volts - self.reference
            beyond = math.copysign(max(abs(off) - self.deadband, 0.0), off)
            wanted = self.droop * beyond * self.power
        elif math.isinf(seen.target):
            short = self.level * self.energy - self.held
            into = self.charge_efficiency if short > 0.0 else 1.0 / self.discharge_efficiency
            wanted = math.copysign(min(self.recharge * self.power, abs(short) / (into * step)), short)
        else:
            wanted = seen.target - seen.load
            if wanted > 0.0:
                wanted = 0.0  # it does not fill a load that is below its target
        flow = min(max(wanted, -self.power), self.power)
        if flow > 0.0:
            flow = min(flow, (self.energy - self.held) / (self.charge_efficiency * step))
            self.held = min(self.held + flow * self.charge_efficiency * step, self.energy)
            self.lost += flow * (1.0 - self.charge_efficiency) * step
        elif flow < 0.0:
            flow = max(flow, -self.held * self.discharge_efficiency / step)
            self.held = max(self.held + flow / self.discharge_efficiency * step, 0.0)
            self.lost += -flow * (1.0 / self.discharge_efficiency - 1.0) * step
        self.flow = flow
        return flow


@dataclass
class VoltageRule:
    """The rule of OpenG2G: batches fall in proportion to the worst voltage below its limit, rise above it.

    ``gain`` octaves of batch per share of voltage and period; ``deadband`` share of voltage. A batch does not
    rise while its tokens are slower than promised. ``sizes`` are those that an engine can take.
    """

    sizes: Sequence[float]
    low: float = 0.95
    high: float = 1.05
    gain: float = 10.0
    deadband: float = 1e-4
    period: float = 1.0
    delay: float = 0.0
    _place: list[float] = field(default_factory=list[float])

    def act(self, seen: Seen, grid: GridCurve, knobs: Knobs) -> None:
        """One step of the rule."""
        if not self._place:
            self._place = [math.log2(one.limit) for one in knobs.serving]
        volts = grid.at(seen.drawn, seen.source)
        under, over = self.low - float(volts.min()), float(volts.max()) - self.high
        pressure = under if under > self.deadband else -over if over > self.deadband else 0.0
        if pressure == 0.0:
            return
        for i, one in enumerate(knobs.serving):
            least, most = _octaves(one.pool, self.sizes)
            place = min(max(self._place[i] - self.gain * pressure, least), most)
            if place > self._place[i] and one.token_time > one.pool.objective:
                continue
            self._place[i] = place
            one.limit = _nearest(2.0**place, one.pool, self.sizes)


@dataclass
class FeedbackBatch:
    """Online feedback optimisation of the batches (G2G, equations 5 to 8 and 18).

    Dual variables of every node add up the voltage beyond its limits (``voltage_step``), those of every
    service the time between tokens beyond the promised one (``latency_step``); each batch x = log2 b goes
    down the gradient

        −w_tokens·N·∂r/∂x/r_max + scale·(η·H)·N·∂P/∂x + μ·∂L/∂x + w_switch·(x − x_before)

    by ``step``, with N replicas, r tokens/s, P in kW, L in s, H in 1/kW, the slope of the voltages with the
    power. Numbers without a name of their own are those of OpenG2G's example for the feeder of 13 nodes.
    """

    sizes: Sequence[float]
    low: float = 0.95
    high: float = 1.05
    step: float = 0.1
    w_tokens: float = 0.001
    w_switch: float = 1.0
    scale: float = 1e6
    voltage_step: float = 1.0
    latency_step: float = 1.0
    period: float = 1.0
    delay: float = 0.0
    _under: Array | None = None
    _over: Array | None = None
    _slow: list[float] = field(default_factory=list[float])
    _place: list[float] = field(default_factory=list[float])
    _before: list[float] = field(default_factory=list[float])

    def act(self, seen: Seen, grid: GridCurve, knobs: Knobs) -> None:
        """One step of duals and batches."""
        volts = grid.at(seen.drawn, seen.source)
        if self._under is None or self._over is None:
            self._under, self._over = np.zeros(len(volts)), np.zeros(len(volts))
            self._slow = [0.0 for _ in knobs.serving]
            self._place = [math.log2(one.limit) for one in knobs.serving]
            self._before = list(self._place)
        self._under = np.maximum(self._under + self.voltage_step * (self.low - volts), 0.0)
        self._over = np.maximum(self._over + self.voltage_step * (volts - self.high), 0.0)
        pull = float((self._over - self._under) @ grid.slope(seen.drawn)) * 1e3
        for i, one in enumerate(knobs.serving):
            pool, x = one.pool, self._place[i]
            late = one.token_time - pool.objective if math.isfinite(pool.objective) else 0.0
            self._slow[i] = max(self._slow[i] + self.latency_step * late, 0.0)
            watts, tokens, time = (
                _slope(pool, values[0], x) for values in (pool.power, pool.tokens, pool.token_time)
            )
            least, most = _octaves(pool, self.sizes)
            best = between(most, pool.octaves, pool.tokens[0])
            gradient = (
                -self.w_tokens * one.replicas * tokens / best
                + self.scale * pull * one.replicas * watts / 1e3
                + self._slow[i] * time
                + self.w_switch * (x - self._before[i])
            )
            self._before[i] = x
            self._place[i] = min(max(x - self.step * gradient, least), most)
            one.limit = _nearest(2.0 ** self._place[i], pool, self.sizes)


def _octaves(pool: ServingPool, sizes: Sequence[float]) -> tuple[float, float]:
    """(log2 of the smallest, of the largest) size that the pool can take."""
    able = [x for x in sizes if pool.batch[0] <= x <= pool.batch[-1]]
    if not able:
        raise InputError(
            "no size that this pool can take", key=f"{pool.name}.sizes",
            given=", ".join(f"{x:g}" for x in sizes),
            allowed=f"{pool.batch[0]:g} to {pool.batch[-1]:g}",
        )  # fmt: skip
    return math.log2(min(able)), math.log2(max(able))


def _nearest(batch: float, pool: ServingPool, sizes: Sequence[float]) -> float:
    able = [x for x in sizes if pool.batch[0] <= x <= pool.batch[-1]]
    return float(min(able, key=lambda size: abs(size - batch)))


def _slope(pool: ServingPool, values: Array, place: float) -> float:
    """Change with the octave of the batch, over the octave around ``place``."""
    knots = pool.octaves
    low, high = max(place - 0.5, float(knots[0])), min(place + 0.5, float(knots[-1]))
    return (between(high, knots, values) - between(low, knots, values)) / (high - low)
