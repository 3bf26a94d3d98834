"""Near-memory cards behind the protocol of technologies."""

from __future__ import annotations

from numpy.typing import ArrayLike

from gigawatt.catalog.loader import entity
from gigawatt.machine.machine import Chip
from gigawatt.technology.multiplier import Multiplier
from gigawatt.technology.near_memory import cards
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.token import TokenCost
from gigawatt.workload.architecture import Architecture

__all__ = ["NearMemory"]


class NearMemory(Multiplier):
    """A model as a pipeline of cards."""

    products = cards

    def matrix_area(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> float:
        """Silicon of one card [m²]."""
        del m, n, k, statistics
        return cards.area(substrate)

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
        """A token of the whole pipeline; no digital chip stands beside it."""
        del chip
        return cards.decode(substrate, architecture, statistics, batch=batch, context=context)

    def capital(self, cost: TokenCost) -> float:
        """The cards' own price [$]."""
        return cost.chips * entity("near_memory", cost.chip).value("price")
