"""Cells of a result's tables as numbers, so that they are drawn like quantities."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, NamedTuple

from gigawatt.chain.tables import tables_of

__all__ = ["WHOLE", "Cell", "Cells"]

_DRAWN = ("ledger", "energy", "plants", "bill", "goodput", "per_token", "flows")
"""Tables of money, energy and carbon, whose cells follow what is drawn; others are of what is held."""
_SUMMED = ("ledger", "energy", "bill")
"""Tables whose columns add up."""
WHOLE = ""
"""The row of what a column adds up to."""
_HELD = ("capacity [MW]", "store [MWh]", "lead_time [yr]", "capacity_factor []")
"""Columns of what a plan has chosen."""


class Cell(NamedTuple):
    """A cell of a table of the result: its value is in the table's unit."""

    table: str
    row: str
    column: str


class Cells:
    """The positive cells of tables of one answer, computed again where a quantity that they read has moved.

    ``objects`` holds every quantity of the answer by name.
    """

    def __init__(self, branch: str, objects: Mapping[str, Any]) -> None:
        makers = tables_of(branch, objects)
        self._made: dict[str, _Made] = {}
        for table in _DRAWN:
            if table in makers and (made := _Made(table, makers[table], objects)).cells:
                self._made[table] = made

    @property
    def inputs(self) -> Set[str]:
        """Quantities that the tables read."""
        return {name for made in self._made.values() for name in made.inputs}

    def of(self, values: Mapping[str, Any]) -> dict[Cell, float]:
        """Cell → its value with these quantities."""
        return {cell: value for made in self._made.values() for cell, value in made.of(values).items()}


class _Made:
    """The cells of one table, and what it reads."""

    def __init__(
        self, table: str, make: Callable[[Mapping[str, Any]], Any], objects: Mapping[str, Any]
    ) -> None:
        self._table, self._make = table, make
        seen = _Noting(objects)
        self.cells = self._read(seen)
        self.inputs = seen.read
        self._first = {name: objects[name] for name in self.inputs}

    def of(self, values: Mapping[str, Any]) -> dict[Cell, float]:
        now = {name: values.get(name, old) for name, old in self._first.items()}
        return self.cells if all(now[name] is old for name, old in self._first.items()) else self._read(now)

    def _read(self, objects: Mapping[str, Any]) -> dict[Cell, float]:
        return dict(self._positive(self._make(objects)))

    def _positive(self, frame: Any) -> Iterator[tuple[Cell, float]]:
        for column in frame.columns:
            if column in _HELD:
                continue
            values = [(str(row), value) for row, value in zip(frame.index, frame[column], strict=True)]
            if self._table in _SUMMED and all(isinstance(value, float) for _, value in values):
                values.append((WHOLE, sum(value for _, value in values)))
            for row, value in values:
                if isinstance(value, float | int) and math.isfinite(value) and value > 0.0:
                    yield Cell(self._table, row, str(column)), float(value)


class _Noting(Mapping[str, Any]):
    """Objects by name, and which of them were read."""

    def __init__(self, objects: Mapping[str, Any]) -> None:
        self._objects = objects
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        found = self._objects[name]
        self.read.add(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)
