"""Numbers of one plant's catalog row at a year, and what stands for those that the row does not have.

A missing number is filled by a row of ``plants_defaults`` and is an :class:`Assumption`, unless that row says
that plants of this kind rightly have no such number (no start of a solar field costs anything).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from gigawatt.catalog.loader import Entity, table
from gigawatt.core.errors import MissingDataError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import parse

__all__ = ["CASES", "DEFAULTS", "RowReader"]

CASES = ("value", "low", "high")
DEFAULTS = "plants_defaults"
_UNLIMITED = "no limit"


@dataclass
class RowReader:
    """Reads numbers of one catalog row at ``year``; ``given`` go before the row.

    ``evidence`` are the rows that were read, ``assumptions`` the numbers that were missing, by quantity.
    """

    row: Entity
    year: float
    given: Mapping[str, float]
    case: str = "value"
    evidence: list[Evidence] = field(default_factory=lambda: [])
    assumptions: dict[str, Assumption] = field(default_factory=lambda: {})

    def has(self, quantity: str) -> bool:
        """Whether the number was given or stands in the row."""
        return quantity in self.given or quantity in self.row.numbers

    def number(self, quantity: str, *, ranged: bool = False) -> float:
        """The SI value of ``quantity`` (``ranged``: at the end that ``case`` names); ``inf`` where unlimited.

        Raises
        ------
        MissingDataError
            A number that the row does not have and that nothing can stand for.
        """
        if quantity in self.given:
            return float(self.given[quantity])
        if quantity not in self.row.numbers and quantity in table(DEFAULTS):
            return self._default(quantity)
        triple = self.row.at(quantity, self.year)
        self.evidence.append(self.row.evidence(quantity, math.floor(self.year)))
        return triple[CASES.index(self.case) if ranged else 0]

    def assume_missing(self, quantity: str) -> None:
        """List a quantity that the row does not have and for which a rule stands instead of a number."""
        rule = table(DEFAULTS)[quantity]
        kind = self.row.text("kind")
        if kind and kind in rule.text("none_for").split("|"):
            return
        self.assumptions[quantity] = Assumption(
            key=f"supply.{self.row.table}.{self.row.id}.{quantity}",
            value=rule.text("text"),
            reason=f"{self.row.table}.csv has no {quantity} of {self.row.id}; {rule.text('reason')}",
            grade=Grade.read(rule.text("grade")),
            source=rule.text("source_id"),
        )

    def _default(self, quantity: str) -> float:
        rule = table(DEFAULTS)[quantity]
        text = rule.text("text")
        if not rule.text("si_unit"):
            raise MissingDataError("a rule without a number", key=f"{DEFAULTS}.{quantity}", given=text)
        self.assume_missing(quantity)
        return math.inf if text == _UNLIMITED else parse(text, rule.text("si_unit"))
