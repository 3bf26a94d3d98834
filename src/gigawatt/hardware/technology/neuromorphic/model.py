"""Event-driven cores behind the protocol of technologies."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from gigawatt.hardware.technology.multiplier import Multiplier
from gigawatt.hardware.technology.neuromorphic import cores
from gigawatt.hardware.technology.substrate import Statistics, Substrate
from gigawatt.workload.operations import Array

__all__ = ["Neuromorphic"]


class Neuromorphic(Multiplier):
    """Cores that hold weights and leak as long as the step takes."""

    def joules(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Mapping[str, Array]:
        """As :func:`gigawatt.hardware.technology.neuromorphic.cores.cost`."""
        return cores.cost(substrate, m=m, n=n, k=k, statistics=statistics)

    def seconds(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Array:
        """As :func:`gigawatt.hardware.technology.neuromorphic.cores.time`."""
        return cores.time(substrate, m=m, n=n, k=k, statistics=statistics)

    def matrix_area(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Array:
        """Silicon of the cores that hold it [m²]."""
        del m, statistics
        return cores.area(substrate, n=n, k=k)

    def matrix_power(self, substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> Array:
        """Watts that its cores leak."""
        return cores.standing_power(substrate, n=n, k=k)
