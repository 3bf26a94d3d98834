"""Which rows of the catalog the band of a quantity of a scenario comes from.

Every row that the quantity's branch of the graph reads is put to the ends of its range. Which quantity reads
which rows is noted as they are computed; with a row moved only its readers are computed again, and what
follows from those of them that have another value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gigawatt.catalog import varied
from gigawatt.catalog.entity import Key, watched
from gigawatt.catalog.loader import forget
from gigawatt.chain.asking import Asker
from gigawatt.chain.bands import row_ends
from gigawatt.chain.leaves import fill_leaves
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Evidence
from gigawatt.core.fingerprint import Opaque, fingerprint
from gigawatt.core.graph import Leaf, Value
from gigawatt.power.plan.kept_optima import KeptOptima, keeping
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["Spread", "SpreadRow", "spread"]


@dataclass(frozen=True)
class SpreadRow:
    """One row: the quantity's SI values at its ends, ``share`` of the sum of squared logarithms."""

    name: str
    where: str
    grade: str
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class Spread:
    """SI value and band of a quantity, and the rows that move it, the largest effect first."""

    value: float
    low: float
    high: float
    rows: tuple[SpreadRow, ...]


@dataclass(frozen=True)
class _Part:
    """A quantity with a key of its content, and the rows of the catalog that its function read."""

    value: Value
    key: bytes


class _Branch:
    """The ancestors of a quantity, recomputed only where a row or an input differs."""

    def __init__(self, loaded: LoadedScenario, name: str) -> None:
        asker = Asker(loaded)
        asker.quantity(name, "quantity")
        self.loaded, self.name, self.graph, self.optima = loaded, name, asker.graph, KeptOptima()
        self.order = self.graph.order((name,))
        self.readers: dict[Key, set[str]] = {}
        self.rows: dict[Key, Evidence] = {}
        forget(tables_too=False)
        with watched() as seen:
            self.leaves, _ = fill_leaves(loaded)
        self._note(seen, _LEAVES)
        self.parts: dict[str, _Part] = {}
        with keeping(self.optima):
            for one in self.order:
                forget(tables_too=False)  # so that what is kept from another quantity is read again
                with watched() as seen:
                    self.parts[one] = self._part(one, self.leaves, self.parts)
                self._note(seen, one)

    def _note(self, seen: Mapping[Key, Evidence], reader: str) -> None:
        for key, row in seen.items():
            self.readers.setdefault(key, set()).add(reader)
            self.rows[key] = row

    def _part(self, name: str, leaves: Mapping[str, Leaf], parts: Mapping[str, _Part]) -> _Part:
        node = self.graph.nodes[name]
        if node.function is None:
            value = self.graph.enter(node, leaves)
        else:
            value = self.graph.compute(node, [parts[one].value for one in node.inputs])
        try:
            return _Part(value, fingerprint(value.value).key)
        except Opaque:  # what cannot be compared counts as another
            return _Part(value, b"")

    @property
    def value(self) -> float:
        """The quantity [SI]."""
        return float(self.parts[self.name].value.value)

    def at(self, key: Key, end: float) -> float:
        """The quantity where a row has another value [SI]."""
        readers = self.readers[key]
        with varied({key: end}), keeping(self.optima):
            leaves = fill_leaves(self.loaded)[0] if _LEAVES in readers else self.leaves
            changed: dict[str, _Part] = {}
            for name in self.order:
                node = self.graph.nodes[name]
                again = name in readers or any(one in changed for one in node.inputs)
                if again or (node.function is None and leaves is not self.leaves):
                    part = self._part(name, leaves, {**self.parts, **changed})
                    if not part.key or part.key != self.parts[name].key:
                        changed[name] = part
        found = changed.get(self.name, self.parts[self.name]).value.value
        return math.nan if found is None else float(found)


_LEAVES = ""
"""The readers of a row while a scenario's leaves are filled."""


def spread(loaded: LoadedScenario, name: str, progress: Callable[[str, float], None] | None = None) -> Spread:
    """The rows whose ranges move a quantity, each put to its ends with everything else held.

    Raises
    ------
    InputError
        No such quantity, or one that is not a positive number.
    """
    branch = _Branch(loaded, name)
    middle = branch.value
    if not middle > 0.0:
        raise InputError("a band is of a positive number", key="quantity", given=name)
    moving = {key: ends for key, row in branch.rows.items() if (ends := row_ends(row)) is not None}
    rows: list[SpreadRow] = []
    for number, (key, ends) in enumerate(moving.items()):
        if progress is not None:
            progress(".".join(key), number / len(moving))
        factors = [found / middle for end in ends if (found := _at(branch, key, end)) > 0.0]
        low, high = min([1.0, *factors]), max([1.0, *factors])
        if low < high:
            row = branch.rows[key]
            width = math.log(high) ** 2 + math.log(low) ** 2
            rows.append(
                SpreadRow(".".join(key), row.where, row.grade.label, middle * low, middle * high, width)
            )
    total = sum(row.share for row in rows) or 1.0
    down = math.sqrt(sum(math.log(row.low / middle) ** 2 for row in rows))
    up = math.sqrt(sum(math.log(row.high / middle) ** 2 for row in rows))
    shared = sorted((replace(row, share=row.share / total) for row in rows), key=lambda row: -row.share)
    return Spread(middle, middle * math.exp(-down), middle * math.exp(up), tuple(shared))


def _at(branch: _Branch, key: Key, end: float) -> float:
    """The quantity at the end of a row; nan where a function refuses it."""
    try:
        return branch.at(key, end)
    except GigawattError:
        return math.nan
