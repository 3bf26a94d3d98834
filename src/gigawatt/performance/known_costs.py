"""Costs of layers that were computed for other numbers of accelerators or batches, by what they are of."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["KnownCosts"]


class _ByShape(Protocol):
    """Costs of some shapes in an order."""

    def beside(self, other: Self) -> Self: ...

    def some(self, columns: NDArray[np.intp]) -> Self: ...


Costs = TypeVar("Costs", bound=_ByShape)


@dataclass
class KnownCosts:
    """What searches of one run on several sizes share.

    It has no content of its own: searches that share one answer as those that share none.
    """

    def __post_init__(self) -> None:
        self._parts: list[object] = []
        self._by: dict[tuple[Hashable, ...], _Table] = {}

    def of(
        self,
        parts: Iterable[object],
        words: Iterable[Hashable],
        shapes: NDArray[np.float64],
        make: Callable[[list[int]], Costs],
    ) -> Costs:
        """The costs of some shapes, in their order.

        Parameters
        ----------
        parts, words
            What the costs are of: objects, the same or equal, and words.
        shapes : NDArray
            ``(U, C)``: what tells one shape from another.
        make : callable
            The costs of these rows of ``shapes``; asked for those that are not known.
        """
        key = (*(self._number(part) for part in parts), *words)
        return self._by.setdefault(key, _Table()).some(shapes, make)

    def _number(self, part: object) -> int:
        for number, one in enumerate(self._parts):
            if one is part or (type(one) is type(part) and one == part):
                return number
        self._parts.append(part)
        return len(self._parts) - 1


class _Table:
    """The costs of all shapes asked so far."""

    def __init__(self) -> None:
        self._column: dict[bytes, int] = {}
        self._costs: _ByShape | None = None

    def some(self, shapes: NDArray[np.float64], make: Callable[[list[int]], Costs]) -> Costs:
        keys = [row.tobytes() for row in shapes]
        new = [row for row, key in enumerate(keys) if key not in self._column]
        if new or self._costs is None:
            made = make(new)
            self._costs = made if self._costs is None else cast(Costs, self._costs).beside(made)
            self._column.update({keys[row]: len(self._column) + i for i, row in enumerate(new)})
        columns = np.array([self._column[key] for key in keys], dtype=np.intp)
        return cast(Costs, self._costs).some(columns)
