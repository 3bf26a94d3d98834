"""Where a number comes from: a walk from a quantity down to source rows and scenario lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gigawatt.evidence import Evidence
from gigawatt.study.result import Quantity, Result

__all__ = ["Step", "explain"]


@dataclass(frozen=True)
class Step:
    """One line of the walk. ``repeated`` marks a quantity that was opened above."""

    depth: int
    quantity: Quantity
    rows: tuple[Evidence, ...]
    repeated: bool


def explain(result: Result, name: str, depth: int = 4) -> Iterator[Step]:
    """Walk from ``name`` to its inputs, depth first, down to ``depth`` levels.

    The rows of a step are those that its formula read from the catalog: the step's own evidence less
    what its inputs bring themselves. Raises ``InputError`` for an unknown quantity, with the nearest.
    """
    seen: set[str] = set()

    def walk(key: str, level: int) -> Iterator[Step]:
        quantity = result.quantity(key)
        repeated = key in seen
        seen.add(key)
        yield Step(level, quantity, quantity.evidence, repeated)
        if repeated or level >= depth:
            return
        for needed in quantity.inputs:
            yield from walk(needed, level + 1)

    return walk(name, 0)
