"""Rows of the catalog that a computation read: counts by source, and those graded guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gigawatt.catalog import watched
from gigawatt.catalog.entity import Key
from gigawatt.catalog.loader import forget
from gigawatt.core.evidence import Assumption, Evidence, Grade, worst

__all__ = ["RowsRead", "reading"]

T = TypeVar("T")


@dataclass(frozen=True)
class RowsRead:
    """``assumptions``: the rows graded *guess*, like ones together; ``guesses``: how many rows these are;
    ``sources``: source → rows of it that were read; ``weakest``: the worst grade among all.
    """

    assumptions: tuple[Assumption, ...]
    guesses: int
    sources: Mapping[str, int]
    weakest: Grade

    def to_json(self) -> dict[str, Any]:
        """Stable keys: ``assumptions``, and ``rows`` with ``read``, ``guesses``, ``weakest``, ``sources``."""
        rows = {
            "read": sum(self.sources.values()),
            "guesses": self.guesses,
            "weakest": self.weakest.label,
            "sources": dict(self.sources),
        }
        return {"assumptions": [one.to_json() for one in self.assumptions], "rows": rows}


def reading(compute: Callable[[], T]) -> tuple[T, RowsRead]:
    """The value of ``compute`` and the rows that it read; caches of the catalog are dropped first."""
    forget(tables_too=False)
    with watched() as seen:
        value = compute()
    guesses = {key: row for key, row in seen.items() if row.grade == Grade.guess}
    counted = Counter(row.source_id for row in seen.values())
    return value, RowsRead(
        assumptions=_together(guesses),
        guesses=len(guesses),
        sources=dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))),
        weakest=worst(row.grade for row in seen.values()),
    )


def _together(rows: Mapping[Key, Evidence]) -> tuple[Assumption, ...]:
    """Rows of one table that say the same of several ids are one assumption."""
    ids: dict[tuple[str, str, str, str, str], list[str]] = {}
    for (table, id, quantity), row in rows.items():
        reason = row.note or row.locator or "a row of the catalog"
        ids.setdefault((table, quantity, _value(row), reason, row.source_id), []).append(id)
    return tuple(
        Assumption(
            key=f"{table}: {quantity.replace('_', ' ')} of {', '.join(names)}",
            value=value,
            reason=reason,
            grade=Grade.guess,
            source=source,
        )
        for (table, quantity, value, reason, source), names in ids.items()
    )


def _value(row: Evidence) -> str:
    """As it is written, with its range where it has one: ``6 W (0.1 to 50)``."""
    written = float(row.written)
    value = f"{_plain(written)} {'' if row.unit == '1' else row.unit}".strip()
    ends = [end for end in (row.low, row.high) if end is not None and end != row.value]
    if not ends or row.value == 0.0:
        return value
    scale = written / row.value
    low, high = (row.value if end is None else end for end in (row.low, row.high))
    return f"{value} ({_plain(low * scale)} to {_plain(high * scale)})"


def _plain(value: float) -> str:
    """Six digits at most, a power of ten as people write it: ``1e6``."""
    stem, _, power = f"{value:.6g}".partition("e")
    return f"{stem}e{int(power)}" if power else stem
