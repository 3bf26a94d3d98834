"""Event-driven cores behind the protocol of technologies."""

from __future__ import annotations

from numpy.typing import ArrayLike

from gigawatt.technology.multiplier import Multiplier
from gigawatt.technology.neuromorphic import cores
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.workload.operations import Array

__all__ = ["Neuromorphic"]


class Neuromorphic(Multiplier):
    """Cores that hold weights and leak as long as the step takes."""

    products = cores

    def matrix_area(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Array:
        """Silicon of the cores that hold it [m²]."""
        del m, statistics
        return cores.area(substrate, n=n, k=k)

    def matrix_power(self, substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> Array:
        """Watts that its cores leak."""
        return cores.standing_power(substrate, n=n, k=k)
