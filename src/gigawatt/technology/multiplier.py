"""A technology that multiplies by weights beside a digital host: all of the protocol from joules and seconds.

A subclass says what one product takes (:meth:`Multiplier.joules`, :meth:`Multiplier.seconds`) and, where it
has them, silicon, standing power and writing. The rest follows from its registration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.core.errors import InputError
from gigawatt.machine.machine import Chip
from gigawatt.technology.interface import Cost, Efficiency, ModelDefaults, Product
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.work import Work
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.operations import Array, Operation

__all__ = ["Multiplier"]

_CACHE_BITS = 16.0


class Multiplier(ModelDefaults):
    """A :class:`~gigawatt.technology.interface.Model` of products by weights.

    ``products`` may be a module with functions ``cost`` and ``time``, of which :meth:`joules` and
    :meth:`seconds` follow.
    """

    products: ClassVar[Any] = None

    # what a technology says of itself

    def joules(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> Mapping[str, ArrayLike]:
        """Energy by its own components [J] of m vectors through k inputs and n outputs."""
        return self.products.cost(substrate, m=m, n=n, k=k, statistics=statistics)

    def seconds(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> ArrayLike:
        """Seconds of the same."""
        return self.products.time(substrate, m=m, n=n, k=k, statistics=statistics)

    def matrix_area(
        self, substrate: Substrate, *, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics
    ) -> ArrayLike:
        """Area of one matrix of k inputs and n outputs [m²]."""
        del substrate, m, n, k, statistics
        return 0.0

    def matrix_power(self, substrate: Substrate, *, n: ArrayLike, k: ArrayLike) -> ArrayLike:
        """Watts that a matrix takes whether anything happens or not."""
        del substrate, n, k
        return 0.0

    def attention(
        self, substrate: Substrate, operation: Operation, *, cache: Array, cache_bits: float
    ) -> Product | None:
        """Attention where it is more than its two products; ``None``: it is priced as those."""
        del substrate, operation, cache, cache_bits
        return None

    def stays(self, substrate: Substrate) -> bool:
        """As of the protocol: weights stay written unless a technology says otherwise."""
        del substrate
        return True

    # what follows

    def product(self, work: Work, substrate: Substrate, statistics: Statistics, *, chip: Chip) -> Product:
        """One launch; of ``batch`` like products each has silicon of its own, so that they run at once."""
        del chip
        op = work.operation
        if op.kind == "memory":
            raise InputError(
                f"{self.technology.name} multiplies matrices: this operation is its host's",
                key=op.name,
                given=op.kind,
                allowed=tuple(self.technology.operations),
            )
        if op.kind == "attention":
            whole = self.attention(substrate, op, cache=work.cache, cache_bits=_CACHE_BITS)
            if whole is not None:
                return whole
            cells = {**substrate.settings, "device": substrate.word("attention")}
            substrate = replace(substrate, settings=cells)
        # of attention: the scores of all keys, then their values
        products = [(op.n, op.k), (op.k, op.n)] if op.kind == "attention" else [(op.n, op.k)]
        energy: dict[str, Array] = {}
        seconds: Array = np.zeros(())
        for n, k in products:
            sizes: dict[str, Any] = {"m": op.m, "n": n, "k": k, "statistics": statistics}
            for name, value in self.technology.grouped(self.joules(substrate, **sizes)).items():
                energy[name] = energy.get(name, np.zeros(())) + value * op.batch
            seconds = seconds + np.asarray(self.seconds(substrate, **sizes), dtype=float)
        return Product(energy, seconds)

    def silicon(self, substrate: Substrate, operation: Operation, statistics: Statistics) -> float:
        """As of the protocol, of all ``batch`` matrices."""
        op = operation
        one = self.matrix_area(substrate, m=op.m, n=op.n, k=op.k, statistics=statistics)
        return float(np.sum(one)) * (float(op.batch) if self.stays(substrate) else 1.0)

    def standing_power(self, substrate: Substrate, operation: Operation) -> float:
        """As of the protocol, of all ``batch`` matrices."""
        one = self.matrix_power(substrate, n=operation.n, k=operation.k)
        return float(np.sum(one)) * float(operation.batch)

    def stored(
        self, substrate: Substrate, architecture: Architecture, statistics: Statistics
    ) -> tuple[float, float]:
        """Weights are its own; keys and values lie with the host in 16 bits."""
        del substrate, architecture, statistics
        return 0.0, 1.0

    def lacks(self, operation: Operation, chip: Chip) -> str | None:
        """A chip of it alone has no host for what it cannot do."""
        del operation
        return f"{chip.id} ({self.technology.title}) multiplies beside a digital host, and its row names none"

    def cost(self, operation: Operation, chip: Chip, efficiency: Efficiency) -> Cost:
        """Refused: see :meth:`lacks`.

        Raises
        ------
        InputError
            Always, by name.
        """
        del efficiency
        raise InputError(
            str(self.lacks(operation, chip)),
            key=operation.name,
            given=chip.id,
            allowed="a chip of technology hybrid, with a row in hybrids.csv",
        )
