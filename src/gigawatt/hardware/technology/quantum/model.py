"""Quantum computers behind the protocol of technologies."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from gigawatt.hardware.technology.multiplier import Multiplier
from gigawatt.hardware.technology.quantum import loading
from gigawatt.hardware.technology.substrate import Statistics, Substrate
from gigawatt.workload.operations import Array

__all__ = ["Quantum"]


class Quantum(Multiplier):
    """Weights are looked up in superposition for every token."""

    def joules(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Mapping[str, Array]:
        """As :func:`gigawatt.hardware.technology.quantum.loading.cost`."""
        return loading.cost(substrate, m=m, n=n, k=k, statistics=statistics)

    def seconds(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Array:
        """As :func:`gigawatt.hardware.technology.quantum.loading.time`."""
        return loading.time(substrate, m=m, n=n, k=k, statistics=statistics)

    def stays(self, substrate: Substrate) -> bool:
        """Every use brings its weights in."""
        del substrate
        return False
