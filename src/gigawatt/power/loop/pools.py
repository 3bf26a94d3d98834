"""Pools of accelerators as loads that follow a controller: services by batch, training by cap and pause.

The curves come from outside (a serving or training model); here they are arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError

__all__ = ["ServingPool", "ServingState", "TrainingPool", "TrainingState", "between"]

Array = NDArray[np.float64]

_FINE = 32
"""Points of an octave of the batch at which curves are looked up."""


def between(x: float, knots: Array, values: Array) -> float:
    """Value at ``x``, linear between ``knots`` (K,) and constant beyond them."""
    return float(np.interp(x, knots, values))


@dataclass(frozen=True)
class ServingPool:
    """Replicas of a model that take requests as they have room.

    Attributes
    ----------
    name : str
    replicas : float
    batch : array (B,)
        Requests at once in a replica, ascending.
    caps : array (C,) [W]
        Power caps of an accelerator, descending; the first is its own limit.
    power, tokens, token_time : array (C, B)
        W of a replica at the wall; tokens/s it writes; s between two tokens of a request.
    output : float
        Tokens written for a request.
    most : float
        Requests at once that its engine allows in normal operation, within ``batch``.
    demand : float [1/s]
        Requests that reach the pool; ``inf``: there are always some waiting.
    objective : float [s]
        Time between tokens that is promised.
    evicts : bool
        Whether requests beyond a lowered batch go back to the queue at once (their tokens stay written);
        else they are finished and the batch falls as they are.
    changes : tuple of (s, replicas)
        Replicas later on, linear between the points.
    """

    name: str
    replicas: float
    batch: Array
    caps: Array
    power: Array
    tokens: Array
    token_time: Array
    output: float
    most: float
    demand: float = math.inf
    objective: float = math.inf
    evicts: bool = False
    changes: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        b, c = len(self.batch), len(self.caps)
        if b < 2 or np.any(np.diff(self.batch) <= 0.0) or self.batch[0] < 1.0:
            self._refuse("batch", str(list(self.batch)), "two or more, ascending from 1")
        if np.any(np.diff(self.caps) >= 0.0):
            self._refuse("caps", str(list(self.caps)), "descending")
        for name in ("power", "tokens", "token_time"):
            values = getattr(self, name)
            if values.shape != (c, b) or not np.all(values > 0.0):
                self._refuse(name, str(values.shape), f"{c} caps by {b} batches, all above 0")
        if not self.batch[0] <= self.most <= self.batch[-1]:
            self._refuse("most", f"{self.most:g}", f"{self.batch[0]:g} to {self.batch[-1]:g}")
        for name in ("replicas", "output", "demand", "objective"):
            if not getattr(self, name) > 0.0:
                self._refuse(name, f"{getattr(self, name):g}", "above 0")

    def _refuse(self, key: str, given: str, allowed: str) -> None:
        raise InputError("not a sensible value", key=f"{self.name}.{key}", given=given, allowed=allowed)

    @property
    def least(self) -> float:
        """Smallest batch."""
        return float(self.batch[0])

    @property
    def span(self) -> float:
        """W between the batch of normal operation and the smallest."""
        high = between(math.log2(self.most), self.octaves, self.power[0])
        return max(self.replicas * (high - float(self.power[0, 0])), 0.0)

    @property
    def octaves(self) -> Array:
        """(B,) log2 of the batches."""
        return np.log2(self.batch)

    @property
    def capped_span(self) -> float:
        """W between its own limit and the lowest cap, at the batch of normal operation."""
        x, at = math.log2(self.most), self.octaves
        free, held = between(x, at, self.power[0]), between(x, at, self.power[-1])
        return max(self.replicas * (free - held), 0.0)

    def capacity(self, batch: float) -> float:
        """Requests a second that the pool finishes at a batch, without a cap."""
        tokens = between(math.log2(batch), self.octaves, self.tokens[0])
        return self.replicas * tokens / self.output


class _Curve:
    """A table (C, B) looked up fast: lists, an even grid of the logarithm of the batch."""

    def __init__(self, pool: ServingPool, values: Array) -> None:
        knots = pool.octaves
        start, end = float(knots[0]), float(knots[-1])
        points = max(2, round((end - start) * _FINE) + 1)
        self.start, self.step, self.last = start, (end - start) / (points - 1), points - 2
        places = [start + i * self.step for i in range(points)]
        self.rows = [[between(x, knots, values[c]) for x in places] for c in range(len(values))]

    def at(self, place: float, low: int, share: float) -> float:
        """At log2(batch) = ``place``, between caps ``low`` and ``low`` + 1."""
        u = (place - self.start) / self.step
        i = 0 if u <= 0.0 else min(int(u), self.last)
        u = min(max(u - i, 0.0), 1.0)
        row = self.rows[low]
        found = row[i] + u * (row[i + 1] - row[i])
        if share > 0.0:
            row = self.rows[low + 1]
            found += share * (row[i] + u * (row[i + 1] - row[i]) - found)
        return found


@dataclass
class ServingState:
    """A serving pool as it runs: requests and tokens so far, what it draws now.

    ``arrived`` = ``served`` + ``running`` + ``waiting`` at every step.
    """

    pool: ServingPool
    limit: float = 0.0
    running: float = 0.0
    waiting: float = 0.0
    arrived: float = 0.0
    served: float = 0.0
    written: float = 0.0
    power: float = 0.0
    token_time: float = 0.0
    replicas: float = 0.0
    _tables: tuple[_Curve, _Curve, _Curve] = field(init=False, repr=False)
    _caps: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pool = self.pool
        tables = [_Curve(pool, one) for one in (pool.power, pool.tokens, pool.token_time)]
        self._tables = (tables[0], tables[1], tables[2])
        self._caps = [float(x) for x in pool.caps]
        self.limit, self.replicas = pool.most, pool.replicas
        self.running = self.replicas * self.settled(pool.demand)
        self.arrived = self.running
        self._read(self._caps[0])

    def settled(self, demand: float) -> float:
        """Batch at which the pool keeps up with a demand [1/s], at most that of normal operation."""
        pool = self.pool
        if demand >= pool.capacity(pool.most):
            return pool.most
        knots = np.log2(pool.batch)
        rates = self.replicas * pool.tokens[0] / pool.output
        if demand <= rates[0]:
            return max(float(demand / rates[0]) * pool.least, 1e-6)
        return float(2.0 ** np.interp(demand, np.maximum.accumulate(rates), knots))

    def _place(self, cap: float) -> tuple[int, float]:
        caps = self._caps
        if len(caps) == 1 or cap >= caps[0]:
            return 0, 0.0
        for i in range(len(caps) - 1):
            if cap >= caps[i + 1]:
                return i, (caps[i] - cap) / (caps[i] - caps[i + 1])
        return len(caps) - 2, 1.0

    def _read(self, cap: float) -> float:
        """Set power and time between tokens; return tokens/s."""
        each = self.running / self.replicas if self.replicas > 0.0 else 0.0
        low, share = self._place(cap)
        least = self.pool.least
        place = math.log2(max(each, least))
        watts, tokens, time = (one.at(place, low, share) for one in self._tables)
        busy = min(each / least, 1.0)  # below the smallest batch a replica is at work a part of the time
        self.power, self.token_time = self.replicas * watts, time
        return self.replicas * tokens * busy

    def advance(self, step: float, cap: float) -> None:
        """A step of ``step`` [s] with accelerators held to ``cap`` [W]."""
        pool = self.pool
        room = self.replicas * self.limit
        if self.running > room and pool.evicts:
            self.waiting += self.running - room
            self.running = room
        rate = self._read(cap)
        self.written += rate * step
        done = min(rate / pool.output * step, self.running)
        self.running -= done
        self.served += done
        if math.isinf(pool.demand):
            free = max(room - self.running, 0.0)
            back = min(self.waiting, free)
            self.waiting -= back
            self.arrived += free - back
            self.running += free
            return
        self.arrived += pool.demand * step
        self.waiting += pool.demand * step
        taken = min(self.waiting, max(room - self.running, 0.0))
        self.waiting -= taken
        self.running += taken

    def resize(self, time: float) -> None:
        """Replicas at ``time`` [s]; requests of those that leave go back to the queue."""
        points = self.pool.changes
        if points:
            times, counts = zip(*points, strict=True)
            self.replicas = float(np.interp(time, times, counts))
            room = self.replicas * max(self.limit, 1.0)
            if self.running > room:
                self.waiting += self.running - room
                self.running = room


@dataclass(frozen=True)
class TrainingPool:
    """Accelerators of one training run.

    Attributes
    ----------
    name : str
    power : array (T,) [W]
        By the step of the loop, at the chips' own limit; the last value holds from there on.
    rest : float [W]
        While it is paused, and while it comes back.
    caps, power_share, speed : array (C,)
        Caps of an accelerator [W], the first its own limit; power and speed over those without a cap.
    tokens : float [tokens/s]
        Trained where nothing holds it back.
    restart : float [s]
        From the end of a pause until the run goes on.
    """

    name: str
    power: Array
    rest: float
    caps: Array
    power_share: Array
    speed: Array
    tokens: float
    restart: float = 0.0

    def __post_init__(self) -> None:
        alike = {len(self.caps), len(self.power_share), len(self.speed)}
        if len(alike) != 1 or not len(self.power) or np.any(np.diff(self.caps) >= 0.0):
            raise InputError("not a pool", key=f"{self.name}.caps", allowed="columns alike, caps descending")
        if not (self.rest >= 0.0 and self.restart >= 0.0 and self.tokens >= 0.0):
            raise InputError("not a pool", key=f"{self.name}.rest", allowed="0 or more")

    @property
    def capped_span(self) -> float:
        """W between its own limit and the lowest cap, in the mean."""
        return float(np.mean(self.power)) * float(1.0 - self.power_share[-1])


@dataclass
class TrainingState:
    """A training pool as it runs."""

    pool: TrainingPool
    paused: bool = False
    left: float = 0.0
    power: float = 0.0
    written: float = 0.0
    _watts: Sequence[float] = field(init=False, repr=False)
    _caps: Array = field(init=False, repr=False)
    _shares: Array = field(init=False, repr=False)
    _speeds: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._watts = self.pool.power.tolist()
        self._caps, self._shares = self.pool.caps[::-1], self.pool.power_share[::-1]
        self._speeds = self.pool.speed[::-1]
        self.power = self._watts[0]

    def advance(self, number: int, step: float, cap: float) -> None:
        """Step ``number`` of ``step`` [s] with accelerators held to ``cap`` [W]."""
        if self.paused:
            self.left = self.pool.restart
            self.power = self.pool.rest
            return
        if self.left > 0.0:
            self.left = max(self.left - step, 0.0)
            self.power = self.pool.rest
            return
        whole = self._watts[min(number, len(self._watts) - 1)]
        if len(self._caps) == 1 or cap >= self._caps[-1]:
            self.power = whole
            self.written += self.pool.tokens * step
            return
        share = between(cap, self._caps, self._shares)
        self.power = max(min(whole, self.pool.rest), whole * share)
        self.written += self.pool.tokens * between(cap, self._caps, self._speeds) * step
