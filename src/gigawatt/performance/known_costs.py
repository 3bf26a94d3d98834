"""Costs of layers that were computed for other numbers of accelerators or batches, by what they are of."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar, cast

__all__ = ["KnownCosts"]

Costs = TypeVar("Costs")


@dataclass
class KnownCosts:
    """What searches of one run on several sizes share.

    It has no content of its own: searches that share one answer as those that share none.
    """

    def __post_init__(self) -> None:
        self._parts: list[object] = []
        self._by: dict[tuple[Hashable, ...], object] = {}

    def of(self, parts: Iterable[object], words: Iterable[Hashable], make: Callable[[], Costs]) -> Costs:
        """What stands under some objects, the same or equal, and some words; made where nothing does."""
        key = (*(self._number(part) for part in parts), *words)
        if key not in self._by:
            self._by[key] = make()
        return cast(Costs, self._by[key])

    def _number(self, part: object) -> int:
        for number, one in enumerate(self._parts):
            if one is part or (type(one) is type(part) and one == part):
                return number
        self._parts.append(part)
        return len(self._parts) - 1
