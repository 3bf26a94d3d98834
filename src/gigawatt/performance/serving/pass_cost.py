"""Seconds and joules of an iteration of a served model, by what binds; parts add up one after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PARTS", "PassCost", "no_cost"]

Array = NDArray[np.float64]

PARTS = ("arithmetic", "memory", "launch", "exchange", "latency")
"""What the time of a pass is bound by: rates of arithmetic, memory and links, their latencies, launches."""


@dataclass
class PassCost:
    """Seconds of one iteration by what binds, and joules of all accelerators above idle.

    ``core`` joules of them are of multiplications, and fall with the core's voltage.
    ``hidden`` seconds of exchange go on beside the rest (two-batch overlap), and take ``cores`` of the chips'
    arithmetic units meanwhile; ``parts`` are without them.
    """

    parts: dict[str, Array]
    energy: Array
    hidden: Array | float = 0.0
    cores: float = 0.0
    core: Array | float = 0.0

    @property
    def work(self) -> Array:
        """Seconds of all that is not hidden, with what hidden exchange takes from it."""
        return np.asarray(sum(self.parts.values(), np.zeros(())) + self.cores * self.hidden)

    @property
    def time(self) -> Array:
        """The longer of the work and of the exchange beside it."""
        return np.maximum(self.work, self.hidden)

    @property
    def bound(self) -> dict[str, Array]:
        """Seconds of :attr:`time` by what binds: exchange has those that nothing hides."""
        alone = np.asarray(sum(self.parts.values(), np.zeros(())))
        return {**self.parts, "exchange": self.parts["exchange"] + self.time - alone}

    def plus(self, other: PassCost) -> PassCost:
        """Both, one after another."""
        return PassCost(
            {name: self.parts[name] + other.parts[name] for name in PARTS},
            self.energy + other.energy,
            self.hidden + other.hidden,
            max(self.cores, other.cores),
            self.core + other.core,
        )

    def times(self, factor: ArrayLike) -> PassCost:
        """The cost of ``factor`` such passes."""
        f = np.asarray(factor, dtype=float)
        parts = {name: value * f for name, value in self.parts.items()}
        return PassCost(parts, self.energy * f, self.hidden * f, self.cores, self.core * f)

    def beside(self, share: float) -> PassCost:
        """The same with a ``share`` of its exchange hidden."""
        parts = self.parts | {name: self.parts[name] * (1.0 - share) for name in ("exchange", "latency")}
        hidden = share * (self.parts["exchange"] + self.parts["latency"])
        return PassCost(parts, self.energy, hidden, core=self.core)


def no_cost() -> PassCost:
    """The cost of nothing."""
    return PassCost({name: np.zeros(()) for name in PARTS}, np.zeros(()))
