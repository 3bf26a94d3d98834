"""Light behind the protocol of technologies."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.technology.interface import Product
from gigawatt.technology.multiplier import Multiplier
from gigawatt.technology.photonic import products
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.workload.operations import Array, Operation

__all__ = ["Photonic"]


class Photonic(Multiplier):
    """Meshes and rings hold their weights; a crossbar is one chip for all layers."""

    products = products

    def matrix_area(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Array:
        """Photonics and converters of the arrays that hold it, or of the whole crossbar [m²]."""
        del m, statistics
        return products.area(substrate, n=n, k=k)

    def matrix_power(self, substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> Array:
        """Watts that hold a matrix; 0 where it is sent in."""
        return products.standing_power(substrate, n=n, k=k)

    def attention(
        self, substrate: Substrate, operation: Operation, *, cache: Array, cache_bits: float
    ) -> Product | None:
        """Both operands sent in."""
        op = operation
        head = products.attention(
            substrate, m=op.m, n=op.n, k=op.k, batch=op.batch, cache=cache, cache_bits=cache_bits
        )
        return Product(self.technology.grouped(head.energy), np.asarray(head.time, dtype=float))

    def stays(self, substrate: Substrate) -> bool:
        """Not in a crossbar."""
        return not products.dynamic(substrate)
