"""Stacked memory behind the protocol of technologies."""

from __future__ import annotations

from numpy.typing import ArrayLike

from gigawatt.machine.machine import Chip
from gigawatt.technology.multiplier import Multiplier
from gigawatt.technology.stacked_memory import products
from gigawatt.technology.stacked_memory.decoding import decode
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.token import TokenCost
from gigawatt.workload.architecture import Architecture

__all__ = ["StackedMemory"]


class StackedMemory(Multiplier):
    """A chip with other stacks, which multiply where that is quicker."""

    products = products

    def matrix_area(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> float:
        """Silicon of the chip and footprint of its stacks [m²]."""
        del m, n, k, statistics
        return products.area(substrate)

    def stays(self, substrate: Substrate) -> bool:
        """Weights lie in memory."""
        del substrate
        return False

    def decode(
        self,
        substrate: Substrate,
        architecture: Architecture,
        statistics: Statistics,
        *,
        batch: float,
        context: float,
        chip: Chip,
    ) -> TokenCost:
        """A token on the chip with these stacks."""
        return decode(substrate, architecture, statistics, batch=batch, context=context, chip=chip)
