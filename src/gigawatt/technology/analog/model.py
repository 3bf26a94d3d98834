"""Analog tiles behind the protocol of technologies."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.technology.analog import tiles, writing
from gigawatt.technology.interface import Product, Writing
from gigawatt.technology.multiplier import Multiplier
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.workload.operations import Array, Operation

__all__ = ["Analog"]


class Analog(Multiplier):
    """Tiles that hold weights, and gain cells that hold keys and values."""

    products = tiles

    def matrix_area(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Array:
        """Silicon of its tiles [m²]."""
        del m, statistics
        return tiles.area(substrate, n=n, k=k)

    def attention(
        self, substrate: Substrate, operation: Operation, *, cache: Array, cache_bits: float
    ) -> Product | None:
        """Each token through each head, writing of its key and value included."""
        del substrate, cache, cache_bits
        op = operation
        head = writing.attention_head(window=op.n, width=op.k)
        factor = op.batch * op.m
        energy = {name: value * factor for name, value in self.technology.grouped(head.energy).items()}
        return Product(energy, op.m * np.asarray(head.time))

    def write(self, substrate: Substrate, weights: float) -> Writing:
        """As :func:`gigawatt.technology.analog.writing.write`."""
        once = writing.write(substrate, weights)
        return Writing(float(once.energy), float(once.time))
