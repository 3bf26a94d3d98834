"""Evidence: where a number comes from and how far it can be trusted.

A number is never alone. It stands in a row with its range, unit, grade and source; a value that the
engine filled in by itself is an :class:`Assumption` with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Z95", "Assumption", "Evidence", "Grade", "Source", "worst"]

Z95 = 1.6448536269514722
"""Standard normal quantile of 95 %: ranges of rows are 5 and 95 % of a distribution."""


class Grade(IntEnum):
    """How a number is known, best first."""

    measured = 0
    vendor = 1
    peer_reviewed = 2
    calibrated = 3
    modelled = 4
    projected = 5
    guess = 6

    @property
    def label(self) -> str:
        """The grade as it is written in the catalog (``peer-reviewed``)."""
        return self.name.replace("_", "-")

    @classmethod
    def read(cls, text: str) -> Grade:
        """The grade written as ``text``; raises ``KeyError`` for an unknown one."""
        return cls[text.strip().replace("-", "_")]


def worst(grades: Iterable[Grade]) -> Grade:
    """The worst of several grades: what a result inherits from its path (``measured`` if none)."""
    return max(grades, default=Grade.measured)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a row was read: a datasheet, a paper, a data set."""

    id: str
    title: str
    publisher: str
    year: int | None
    url: str
    licence: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number of the catalog.

    ``value``, ``low`` and ``high`` are in SI base units (money in US dollars of the catalog's common
    currency year); ``written`` and ``unit`` are what the row says; ``where`` is ``file:line``.
    """

    entity: str
    quantity: str
    value: float
    low: float | None
    high: float | None
    unit: str
    written: str
    year: int | None
    currency_year: int | None
    grade: Grade
    source_id: str
    locator: str
    note: str
    where: str

    @property
    def shown(self) -> str:
        """The number as it is written, with its unit where it has one."""
        return self.written if self.unit in ("", "1") else f"{self.written} {self.unit}"

    @property
    def name(self) -> str:
        """``entity.quantity``, unique within a table and year."""
        return f"{self.entity}.{self.quantity}"

    def assumption(self, key: str, reason: str, value: str | None = None) -> Assumption:
        """The assumption that this number stands for ``key``, shown as ``value`` or as its row says it."""
        return Assumption(key, self.shown if value is None else value, reason, self.grade, self.source_id)


@dataclass(frozen=True, slots=True)
class Assumption:
    """A value that nobody asked for and the engine filled in, with the reason; always listed."""

    key: str
    value: str
    reason: str
    grade: Grade
    source: str = ""

    def to_json(self) -> dict[str, str]:
        """Its fields as texts, the grade by its label."""
        return {
            "key": self.key,
            "value": self.value,
            "reason": self.reason,
            "grade": self.grade.label,
            "source": self.source,
        }
