"""One sample of the outlook with a few quantities exchanged: what they do not reach is not computed again.

A sensitivity analysis runs the frame once for every quantity. Draws of the first sample are kept with all
that the blocks made of them; for a quantity from the second sample only the blocks behind it run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gigawatt.outlook.frame import Block
from gigawatt.outlook.model import FRAME, TABLES
from gigawatt.outlook.priors import Priors
from gigawatt.outlook.tables import Tables

__all__ = ["Mixed"]


class Mixed:
    """Draws ``start`` to ``stop`` of two samples, A and B, and A's outputs."""

    def __init__(
        self,
        priors: Priors,
        tables: Tables,
        seed: int,
        start: int,
        stop: int,
        targets: Sequence[str],
        other: str,
    ) -> None:
        self._targets = list(targets)
        self._order: list[Block] = FRAME.order(self._targets)
        needed = {name for block in self._order for name in block.inputs} & set(priors.rows)
        self._other = priors.draw(seed, start, stop, needed, dict.fromkeys(priors.rows, other))
        self._kept: dict[str, Any] = {TABLES: tables, **priors.draw(seed, start, stop, needed)}
        for block in self._order:
            self._kept.update(block(self._kept))

    def with_other(self, names: Collection[str]) -> dict[str, Any]:
        """The targets with ``names`` from B and all else from A; no names: A, all of its names: B."""
        values: dict[str, Any] = {name: self._other[name] for name in names if name in self._other}
        changed = set(values)
        for block in self._order:
            if changed.intersection(block.inputs):
                made: Mapping[str, Any] = block(_Over(values, self._kept))
                values.update(made)
                changed.update(made)
        return {name: values.get(name, self._kept[name]) for name in self._targets}

    @property
    def names(self) -> tuple[str, ...]:
        """Quantities that the targets read."""
        return tuple(self._other)


class _Over(Mapping[str, Any]):
    """``first`` where it has a name, else ``second``."""

    def __init__(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
        self._first, self._second = first, second

    def __getitem__(self, name: str) -> Any:
        return self._first[name] if name in self._first else self._second[name]

    def __iter__(self) -> Any:
        return iter({**self._second, **self._first})

    def __len__(self) -> int:
        return len({**self._second, **self._first})
