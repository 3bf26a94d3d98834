"""Which process computes which blocks: neighbours together, and what is left is shared when one runs out."""

from __future__ import annotations

__all__ = ["Shares"]


class Shares:
    """Places 0 to ``total`` − 1, each given out once.

    Every slot begins with an equal stretch of its own and goes through it in order, so that what it remembers
    of one place serves the next. A slot without any takes the farther half of the longest that is left.
    """

    def __init__(self, total: int, slots: tuple[int, ...]) -> None:
        count = max(len(slots), 1)
        edges = [total * i // count for i in range(count + 1)]
        self._left = {slot: (edges[i], edges[i + 1]) for i, slot in enumerate(slots or (0,))}

    def next(self, slot: int) -> int | None:
        """The next place for a slot, or ``None`` where all are given out."""
        first, last = self._left.get(slot, (0, 0))
        if first == last:
            longest = max(self._left, key=lambda one: self._left[one][1] - self._left[one][0])
            start, end = self._left[longest]
            if start == end:
                return None
            middle = (start + end) // 2
            self._left[longest] = (start, middle)
            first, last = middle, end
        self._left[slot] = (first + 1, last)
        return first
