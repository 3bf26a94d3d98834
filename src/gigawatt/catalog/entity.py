"""One row of reality: its numbers by name, each with its evidence; and which of them a computation reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from gigawatt.core.errors import MissingDataError, nearest
from gigawatt.core.evidence import Evidence

__all__ = ["Change", "Entity", "Key", "read_again", "watched"]

Key = tuple[str, str, str]
"""Table, id, quantity."""
Change = float | Callable[[Evidence], float]
"""Another value of a quantity [SI], or of each row of its series."""

_watching: list[dict[Key, Evidence]] = []


@contextmanager
def watched() -> Generator[dict[Key, Evidence]]:
    """Rows that are read while the block runs, by key; what a cache keeps is not read again."""
    seen: dict[Key, Evidence] = {}
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching[:] = [one for one in _watching if one is not seen]


def read_again(rows: Mapping[Key, Evidence]) -> None:
    """Tell who watches that rows are read, by way of a value that was kept."""
    for seen in _watching:
        seen.update(rows)


@dataclass(frozen=True)
class Entity:
    """One row of reality: a chip, a link, a plant, a site. Numbers by name, each with its evidence."""

    id: str
    table: str
    numbers: Mapping[str, tuple[Evidence, ...]] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)

    def evidence(self, quantity: str, year: int | None = None) -> Evidence:
        """The row of ``quantity``; of a series the latest not after ``year`` (or the first).

        Raises
        ------
        MissingDataError
            The entity has no such number; names the table, the entity and where to add it.
        """
        rows = self.numbers.get(quantity)
        if not rows:
            raise MissingDataError(
                f"catalog table {self.table!r} has no {quantity!r} for {self.id!r}",
                allowed=f"add a row to {self.table}.csv or give the number in the scenario",
                nearest=nearest(quantity, self.numbers),
            )
        past = [row for row in rows if year is not None and row.year is not None and row.year <= year]
        found = max(past, key=lambda row: row.year or 0, default=rows[0])
        for seen in _watching:
            seen[self.table, self.id, quantity] = found
        return found

    def value(self, quantity: str) -> float:
        """The SI value of ``quantity`` (first row of a series); raises ``MissingDataError``."""
        return self.evidence(quantity).value

    def get(self, quantity: str, default: float | None = None) -> float | None:
        """The SI value of ``quantity`` or ``default`` where the catalog has none."""
        return self.evidence(quantity).value if quantity in self.numbers else default

    def at(self, quantity: str, year: float) -> tuple[float, float, float]:
        """(value, low, high) of a series at ``year``: linear between rows, constant outside them.

        A row without a range has low = high = value.
        """
        self.evidence(quantity, math.floor(year))
        rows = sorted(self.numbers[quantity], key=lambda row: row.year or 0)
        years = [float(row.year or 0) for row in rows]

        def interpolate(values: list[float]) -> float:
            if year <= years[0] or len(years) == 1:
                return values[0]
            for i in range(1, len(years)):
                if year <= years[i]:
                    share = (year - years[i - 1]) / (years[i] - years[i - 1])
                    return values[i - 1] + share * (values[i] - values[i - 1])
            return values[-1]

        return (
            interpolate([row.value for row in rows]),
            interpolate([row.value if row.low is None else row.low for row in rows]),
            interpolate([row.value if row.high is None else row.high for row in rows]),
        )

    def text(self, name: str, default: str = "") -> str:
        """A text column, or ``default`` where it is empty."""
        return self.texts.get(name) or default

    def rows(self) -> tuple[Evidence, ...]:
        """Every evidence row of the entity."""
        return tuple(row for rows in self.numbers.values() for row in rows)
