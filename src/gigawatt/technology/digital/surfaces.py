"""Surfaces: smooth corrections of a kernel's time over its sizes, small enough to be rows of the catalog.

A surface is the logarithm of (time reached / time of the physical form) on a grid of knots; between knots it
is linear in the logarithm of each size, outside them constant, so that beyond what was measured the physical
form holds, scaled as at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog.loader import Entity, table
from gigawatt.workload.operations import Array

__all__ = [
    "DEFAULT",
    "Surface",
    "read_surface",
    "read_values",
    "surface",
    "surface_row",
    "write_axes",
    "write_values",
]

DEFAULT = "default"
"""The fit of a chip that nobody measured."""

_HUNDREDTHS = 100.0  # the catalog writes logarithms in hundredths


@dataclass(frozen=True)
class Surface:
    """A correction over knots.

    ``names`` and ``knots`` of each axis (ascending, > 0); ``values`` (one dimension an axis) natural
    logarithms of a factor on time.
    """

    names: tuple[str, ...]
    knots: tuple[Array, ...]
    values: Array
    _logs: tuple[Array, ...] = field(init=False, repr=False, compare=False)
    _counts: tuple[Array, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_logs", tuple(np.log2(knots) for knots in self.knots))
        object.__setattr__(self, "_counts", tuple(np.arange(len(k), dtype=float) for k in self.knots))

    def corners(self, sizes: Sequence[ArrayLike]) -> tuple[list[NDArray[np.intp]], list[Array]]:
        """Flat indices of the 2^d knots around each point and their weights (which sum to 1)."""
        index: list[NDArray[np.intp]] = [np.zeros((), dtype=np.intp)]
        weight: list[Array] = [np.ones(())]
        for size, logs, counts in zip(sizes, self._logs, self._counts, strict=True):
            last = len(logs) - 1
            if last < 1:
                continue
            at = np.interp(np.log2(np.maximum(size, 1e-9)), logs, counts)
            low = np.minimum(at.astype(np.intp), last - 1)
            high = at - low
            index = [i * (last + 1) + low + step for i, step in product(index, (0, 1))]
            weight = [w * h for w, h in product(weight, (1.0 - high, high))]
        return index, weight

    def at(self, *sizes: ArrayLike) -> Array:
        """Factor on time at ``sizes``, one array an axis, broadcast together."""
        flat = self.values.reshape(-1)
        index, weight = self.corners(sizes)
        total = flat[index[0]] * weight[0]
        for i, w in zip(index[1:], weight[1:], strict=True):
            total = total + flat[i] * w
        return np.exp(total)


def write_axes(knots: Mapping[str, ArrayLike]) -> str:
    """Axes as the catalog writes them: ``m: 1 16 64; n: 32 128``."""
    return "; ".join(
        f"{name}: " + " ".join(f"{x:g}" for x in np.ravel(values)) for name, values in knots.items()
    )


def write_values(values: ArrayLike) -> str:
    """Logarithms as the catalog writes them: whole hundredths, the last axis quickest."""
    return " ".join(f"{round(float(x) * _HUNDREDTHS)}" for x in np.asarray(values, dtype=float).reshape(-1))


def read_values(values: str) -> Array:
    """Logarithms from what :func:`write_values` made, in one row."""
    return np.array([float(x) for x in values.split()]) / _HUNDREDTHS


def read_surface(axes: str, values: str) -> Surface:
    """A surface from the two cells that :func:`write_axes` and :func:`write_values` make."""
    names: list[str] = []
    knots: list[Array] = []
    for part in axes.split(";"):
        name, numbers = part.split(":")
        names.append(name.strip())
        knots.append(np.array([float(x) for x in numbers.split()]))
    made = read_values(values).reshape([len(k) for k in knots])
    return Surface(tuple(names), tuple(knots), made)


@lru_cache(maxsize=1)
def _by_key() -> Mapping[tuple[str, str, str], Entity]:
    return {
        (row.text("chip"), row.text("operation"), row.text("format")): row
        for row in table("kernels_surfaces").values()
    }


def surface_row(fit: str, operation: str, form: str) -> Entity | None:
    """The row of the catalog that :func:`surface` reads, with ``share`` and ``fixed`` beside it."""
    rows = _by_key()
    return rows.get((fit, operation, form)) or rows.get((DEFAULT, operation, form))


@lru_cache(maxsize=256)
def surface(fit: str, operation: str, form: str) -> Surface | None:
    """The surface of a fit for an operation and number format, or ``None`` where the catalog has none.

    ``fit`` is an id of the ``kernels`` table; one without a surface of its own has that of ``default``, the
    median of the measured chips.
    """
    row = surface_row(fit, operation, form)
    return None if row is None else read_surface(row.text("axes"), row.text("values"))
