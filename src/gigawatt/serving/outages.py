"""Outages of a fleet: replicas that fail at a rate, fail at given times, are drained, or updated in turn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError

__all__ = ["KINDS", "OutageLog", "OutageSchedule", "Outages", "PlannedOutage", "logged"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Kinds, in the order of ``kernels.outage.FAIL``.
KINDS = ("failure", "drain", "update")
#: Failures of a run at most: a hundred megabytes.
MOST = 2_000_000
_ROW = 6


@dataclass(frozen=True)
class PlannedOutage:
    """One replica fails or is drained at a time, or all are updated in turn from then on.

    Attributes
    ----------
    kind : str
        ``failure``; ``drain``: takes nothing more from ``time`` on, and leaves when it has finished what it
        has; ``update``: every replica is drained, the next one when the one before is back.
    time : float [s]
    replica : int
        From 0; of ``update`` none.
    away : float [s]
        How long it is away, without power, before it restarts.
    """

    kind: str
    time: float
    replica: int = 0
    away: float = 0.0

    def __post_init__(self) -> None:
        check_word("kind", self.kind, KINDS, "no such outage")
        for key in ("time", "away"):
            if not 0.0 <= getattr(self, key) < math.inf:
                raise InputError("is no time", key=key, given=getattr(self, key), allowed="0 s or more")


@dataclass(frozen=True)
class Outages:
    """How replicas fail and come back.

    Attributes
    ----------
    failure_rate : float [1/s]
        Of a replica in service; failures come by chance at a constant rate.
    replaced : float in 0..1
        Share of them after which it is away for ``repair``; the others restart where they are.
    repair : float [s]
        Of exponential length where ``chance``, else always as long.
    detection : float [s]
        From a failure until it is noticed: requests hang so long before they go to other replicas.
    restart : float [s]
        Cold start of a replica that was away or failed.
    planned : tuple of PlannedOutage
        One rolling update at most.
    chance : bool
    together : int
        Replicas of one node: all of them are away while it is replaced.
    """

    failure_rate: float = 0.0
    replaced: float = 0.0
    repair: float = 0.0
    detection: float = 0.0
    restart: float = 0.0
    planned: tuple[PlannedOutage, ...] = ()
    chance: bool = False
    together: int = 1

    def __post_init__(self) -> None:
        for key in ("failure_rate", "repair", "detection", "restart"):
            if not 0.0 <= getattr(self, key) < math.inf:
                raise InputError("is negative", key=key, given=getattr(self, key), allowed="0 or more")
        if self.together < 1:
            raise InputError("is no number", key="together", given=self.together, allowed="1 or more")
        if not 0.0 <= self.replaced <= 1.0:
            raise InputError("is no share", key="replaced", given=self.replaced, allowed="0 to 1")
        updates = [one.time for one in self.planned if one.kind == "update"]
        if len(updates) > 1:
            raise InputError("a second rolling update", key="planned", given=updates, allowed="one")

    @property
    def any(self) -> bool:
        """Whether there can be outages at all."""
        return self.failure_rate > 0.0 or bool(self.planned)

    @property
    def out(self) -> tuple[float, float]:
        """Shares of the time that a replica is out of service by itself, and with the others of its node.

        λτ / (1 + λτ) of alternating renewal, with the rate λ of failures and the mean time τ out of service.
        """
        short = self.detection + self.restart
        rate, lost = self.failure_rate, self.replaced
        if self.together == 1:
            return _out(rate * (short + lost * self.repair)), 0.0
        return _out(rate * (1.0 - lost) * short), _out(rate * lost * self.together * (short + self.repair))

    @property
    def interruption_rate(self) -> float:
        """Failures that take a replica out of service [1/s], those of its node's others among them."""
        return self.failure_rate * (1.0 + self.replaced * (self.together - 1))


def _out(down: float) -> float:
    return down / (1.0 + down)


@dataclass(frozen=True)
class OutageLog:
    """What became of outages, one row each, in order of time; those of replicas out of service left out.

    Attributes
    ----------
    replica : array (K,)
    kind : array (K,)
        Indices of :data:`KINDS`.
    out, back : array (K,) [s]
        When the replica took nothing more, and when it took requests again; inf: not before the end.
    """

    replica: Ints
    kind: Ints
    out: Array
    back: Array

    def __len__(self) -> int:
        return len(self.out)

    def lost(self, start: float, end: float) -> float:
        """Replica-seconds out of service from ``start`` to ``end`` [s]."""
        return float(np.clip(np.minimum(self.back, end) - np.maximum(self.out, start), 0.0, None).sum())

    def most_out(self, start: float, end: float) -> int:
        """Replicas out of service at once, at most, from ``start`` to ``end`` [s]."""
        mine = (self.back > start) & (self.out < end)
        times = np.concatenate([np.maximum(self.out[mine], start), self.back[mine]])
        steps = np.repeat([1, -1], int(mine.sum()))
        order = np.lexsort((steps, times))  # one that comes back goes first
        return int(np.max(np.cumsum(steps[order]), initial=0))

    def during(self, times: Array) -> NDArray[np.bool_]:
        """Whether any replica is out of service at each of ``times`` (N,) [s]."""
        outs, backs = np.sort(self.out), np.sort(self.back)
        return np.searchsorted(outs, times, "right") > np.searchsorted(backs, times, "right")


class OutageSchedule:
    """The rows of ``kernels.outage`` of a fleet's outages, drawn on as the run goes on."""

    def __init__(self, outages: Outages, replicas: int, seed: int) -> None:
        for one in outages.planned:
            if one.kind != "update" and not 0 <= one.replica < replicas:
                raise InputError(
                    "no such replica", key="planned", given=one.replica, allowed=f"0 to {replicas - 1}"
                )
        self.outages, self.replicas = outages, replicas
        self._random = np.random.default_rng((seed, 1))
        self._rate = outages.failure_rate * replicas
        self._next = self._random.exponential(1.0 / self._rate) if self._rate > 0.0 else math.inf
        self._done, self._drawn = -1.0, 0

    def until(self, time: float) -> Array:
        """Rows (K, 6) of what comes up to ``time`` [s] and has not been drawn yet, in order of time."""
        given, rows = self.outages, list[list[float]]()
        while self._next <= time:
            lost = self._random.random() < given.replaced
            away = given.repair * lost * (self._random.exponential() if given.chance else 1.0)
            one, each = int(self._random.integers(self.replicas)), given.together if lost else 1
            first = one - one % each
            rows += [
                [self._next, float(r), 0.0, away] for r in range(first, min(first + each, self.replicas))
            ]
            self._next += self._random.exponential(1.0 / self._rate)
            self._drawn += 1
            if self._drawn > MOST:
                raise InputError(
                    "more failures than can be kept", key="failure_rate", given=given.failure_rate,
                    allowed=f"{MOST} failures in a run",
                )  # fmt: skip
        for one in given.planned:
            if self._done < one.time <= time:
                which = range(self.replicas) if one.kind == "update" else (one.replica,)
                rows += [[one.time, float(r), float(KINDS.index(one.kind)), one.away] for r in which]
        self._done = max(self._done, time)
        rows.sort(key=lambda row: row[0])
        found = np.full((len(rows), _ROW), np.nan)
        found[:, :4] = np.array(rows).reshape(-1, 4)
        return found


def logged(rows: Array) -> OutageLog:
    """The outages of rows (K, 6) after a run, in order of when replicas went out of service."""
    seen = rows[np.isfinite(rows[:, 4])]
    seen = seen[np.argsort(seen[:, 4], kind="stable")]
    back = np.where(np.isnan(seen[:, 5]), np.inf, seen[:, 5])
    return OutageLog(seen[:, 1].astype(np.int64), seen[:, 2].astype(np.int64), seen[:, 4], back)
