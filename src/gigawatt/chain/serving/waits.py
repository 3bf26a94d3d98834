"""The serving chain: latencies over the simulated days, and the share of requests that meets the SLO.

Each request counts as often as its kind of day is in a week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.registry import serving
from gigawatt.chain.serving.day import Day
from gigawatt.chain.serving.service import SPEED
from gigawatt.serving.objectives import Objective
from gigawatt.serving.outcome import latencies

__all__ = ["Waits"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Waits:
    """Requests that count, arrays (N,): ``times`` ``ttft, tpot, e2e`` [s], nan where there is none.

    ``weight`` of each, ``hour`` since the first midnight; ``limits`` of the SLO [s]; ``rejected``.
    """

    times: Mapping[str, Array]
    weight: Array
    hour: NDArray[np.int64]
    limits: Mapping[str, float]
    rejected: NDArray[np.bool_]
    _sorted: dict[str, tuple[Array, Array, float]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def quantile(self, key: str, q: float | Array) -> Any:
        """Of the times ``key`` below which the share ``q`` of the requests is, by weight."""
        values, below, whole = self._in_order(key)
        if not len(values):
            return np.full(np.shape(q), np.nan)[()]
        return np.interp(np.asarray(q) * whole, below, values)[()]

    def _in_order(self, key: str) -> tuple[Array, Array, float]:
        """(times in order, weight of those below with half of its own, weight of all), sorted once."""
        if key not in self._sorted:
            seen = np.isfinite(self.times[key])
            order = np.argsort(self.times[key][seen])
            weight = self.weight[seen][order]
            below = np.cumsum(weight) - weight / 2.0
            self._sorted[key] = self.times[key][seen][order], below, float(weight.sum())
        return self._sorted[key]

    @cached_property
    def kept(self) -> dict[str, NDArray[np.bool_]]:
        """Limit → whether a request keeps it (N,)."""
        return {
            key: ~self.rejected & ((self.times[key] <= limit) | np.isnan(self.times[key]))
            for key, limit in self.limits.items()
        }

    def scaled(self, *, ttft: float = 1.0, tpot: float = 1.0) -> Waits:
        """The same requests where TTFT and TPOT are these factors of theirs; E2E follows from both."""
        first, last = self.times["ttft"], self.times["e2e"]
        times = {
            "ttft": ttft * first,
            "tpot": tpot * self.times["tpot"],
            "e2e": ttft * first + tpot * (last - first),
        }
        return Waits(times, self.weight, self.hour, self.limits, self.rejected)

    def kept_by_hour(self) -> dict[str, tuple[float, float]]:
        """Limit → (share of the requests that keep it, the same in the worst hour)."""
        count = np.bincount(self.hour)
        seen = count > 0
        return {
            key: (
                float(np.average(good, weights=self.weight)),
                float((np.bincount(self.hour, good)[seen] / count[seen]).min()),
            )
            for key, good in self.kept.items()
        }

    @property
    def every(self) -> NDArray[np.bool_]:
        """Whether all limits are kept (N,)."""
        return np.logical_and.reduce([~self.rejected, *self.kept.values()])


@serving("serving.waits", "")
def waits(serving_day: Day, serving_objective: Objective) -> Waits:
    """What each request of the days waits.

    To the first token (TTFT), per token after it (TPOT), to the last (E2E).
    """
    outcome, weight = serving_day.outcome, serving_day.weight
    mine = weight > 0.0
    found = {key: value[mine] for key, value in latencies(outcome, serving_day.run.requests).items()}
    times = {key: found[key] for key in ("ttft", "tpot", "e2e")}
    limits = serving_objective.limits
    return Waits(times, weight[mine], serving_day.hour[mine], limits, outcome.rejected[mine])


_WORDS = {
    "ttft": ("s", "Time to first token (TTFT)", "first token − arrival"),
    "tpot": ("ms", "Time per output token (TPOT) of a request", "(last token − first token) / (tokens − 1)"),
    "e2e": ("s", "End-to-end latency of a request", "last token − arrival"),
}
_SHARES = {
    "p50": (0.5, "half of the requests stay below"),
    "p90": (0.9, "nine in ten requests stay below"),
    "p99": (0.99, "99 in a hundred requests stay below"),
}


def _time(key: str, share: float) -> Any:
    def read(serving_waits: Waits) -> float:
        return float(serving_waits.quantile(key, share))

    return read


for _key, (_unit, _what, _formula) in _WORDS.items():
    for _end, (_share, _said) in _SHARES.items():
        _read = _time(_key, _share)
        _read.__doc__ = f"{_what} that {_said}.\n\n{_formula}, over all requests of the simulated days"
        serving(f"serving.{_key}_{_end}", _unit, rows=SPEED)(_read)


@serving("serving.goodput", "percent", rows=SPEED)
def goodput(serving_waits: Waits) -> float:
    """Share of the requests that meets all limits of the SLO.

    Requests within all limits / all requests, over the simulated days.
    """
    return float(np.average(serving_waits.every, weights=serving_waits.weight))


@serving("serving.kept", "percent", rows=SPEED)
def kept(serving_waits: Waits) -> float:
    """Share of the requests that meets the tightest limit of the SLO.

    Least over the limits, over the simulated days; compared with the percentile of the SLO.
    """
    return min(share for share, _ in serving_waits.kept_by_hour().values())


@serving("serving.kept_worst", "percent", rows=SPEED)
def kept_worst(serving_waits: Waits) -> float:
    """Share of the requests that meets the tightest limit in the worst hour.

    Least over the limits and the hours of the days.
    """
    return min(worst for _, worst in serving_waits.kept_by_hour().values())


@serving("serving.rejected", "percent")
def rejected(serving_waits: Waits) -> float:
    """Share of the requests that is rejected.

    Longer than the context or than the cache of a replica.
    """
    return float(np.average(serving_waits.rejected, weights=serving_waits.weight))
