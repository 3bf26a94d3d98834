"""Equal units of one kind: how many, how large, how often they are out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_rules

__all__ = ["Units"]

Array = npt.NDArray[np.float64]
_NEVER = 1e-18


@dataclass(frozen=True)
class Units:
    """``count`` equal units that fail independently of one another.

    Attributes
    ----------
    size : float
        Power of one unit, in any unit of power that is the same throughout (> 0).
    forced : float
        Forced outage rate [0, 1): share of the time, maintenance aside, in which a unit is out.
    repair : float
        Mean time to repair [h], > 0; only frequencies and simulations read it.
    planned : float
        Share of the year in planned maintenance, [0, 1).
    derated : tuple of (float, float)
        Further states: (share of ``size`` that is lost, probability).
    """

    name: str
    count: int
    size: float
    forced: float
    repair: float = math.nan
    planned: float = 0.0
    derated: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        out = self.forced + sum(share for _, share in self.derated)
        rules = (
            ("count", self.count, "a whole number of units, 0 or more", 0 <= self.count < math.inf),
            ("unit_size", self.size, "above 0", 0.0 < self.size < math.inf),
            ("forced_outage_rate", self.forced, "0, below 1", 0.0 <= self.forced < 1.0),
            ("planned_outage", self.planned, "0, below 1", 0.0 <= self.planned < 1.0),
            ("repair_time", self.repair, "above 0 h", math.isnan(self.repair) or self.repair > 0.0),
            ("forced_outage_rate", out, "with derated states below 1", -math.inf < out < 1.0),
            ("derated", out, "shares and probabilities of 0 to 1",
             all(0.0 < lost <= 1.0 and share >= 0.0 for lost, share in self.derated)),
        )  # fmt: skip
        check_rules(rules, self.name)

    @property
    def total(self) -> float:
        """Power of all units."""
        return self.count * self.size

    @property
    def failure_rate(self) -> float:
        """Failures of a running unit [1/h]: ``forced / (1 - forced) / repair``."""
        return self.forced / (1.0 - self.forced) / self.repair

    def losses(self) -> Iterator[tuple[Array, Array]]:
        """Independent parts of what is out: (power lost, probability) of each state of each part."""
        if not self.derated:
            lost: Array = np.arange(self.count + 1, dtype=float) * self.size
            share = _binomial(self.count, self.forced)
            kept = share > _NEVER
            yield lost[kept], share[kept]
            return
        lost = np.array([0.0, *(part for part, _ in self.derated), 1.0]) * self.size
        share = np.array([0.0, *(share for _, share in self.derated), self.forced])
        share[0] = 1.0 - share.sum()
        for _ in range(self.count):
            yield lost, share


@lru_cache(maxsize=4096)
def _binomial(count: int, share: float) -> Array:
    """Probability that 0, 1, … of ``count`` units are out."""
    if share == 0.0:
        return np.array([1.0, *np.zeros(count)])
    k = np.arange(1, count + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((count - k + 1) / k))])
    at = np.arange(count + 1)
    return np.exp(ways + at * math.log(share) + (count - at) * math.log1p(-share))
