"""What every question is asked alike: quantities with units, the year; and what was assumed."""

from __future__ import annotations

import re

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import parse
from gigawatt.schema.values import YEAR, YEARS

__all__ = ["Told", "counted", "quantity", "year_of"]

_BARE = re.compile(r"\d[\d,_]*(?:\.\d+)?(?:[eE]\+?\d+)?\s*[kMGBTP]?")


class Told:
    """Collects what was assumed."""

    def __init__(self) -> None:
        self.assumptions: list[Assumption] = []
        self.notices: list[str] = []

    def tell(self, key: str, value: str, reason: str, grade: Grade, source: str = "") -> None:
        """Add one assumption."""
        self.assumptions.append(Assumption(key, value, reason, grade, source))

    def row(self, key: str, row: Evidence, value: str, reason: str) -> None:
        """Add a row of the catalog that stood in for an answer."""
        self.tell(key, value, reason, row.grade, row.source_id)

    def default(self, key: str) -> catalog.Entity:
        """A row of the catalog's ``defaults``, told."""
        row = catalog.entity("defaults", key)
        self.tell(
            key, row.text("text"), row.text("reason"), Grade.read(row.text("grade")), row.text("source_id")
        )
        return row


def year_of(told: Told, given: int | None) -> int:
    """The year asked about; that of a scenario where nobody says.

    Raises
    ------
    InputError
        Out of range.
    """
    if given is None:
        told.tell(
            "scenario.year", str(YEAR), "nobody said when: software and prices of a scenario", Grade.guess
        )
        return YEAR
    if not YEARS[0] <= given <= YEARS[1]:
        raise InputError("out of range", key="year", given=given, allowed=f"{YEARS[0]} to {YEARS[1]}")
    return given


def quantity(key: str, given: str, unit: str, example: str) -> float:
    """A quantity that was given as ``key``; an error of its names the key."""
    try:
        return parse(given, unit, example=example)
    except InputError as error:
        raise error.at(key=key) from None


def counted(given: str, unit: str) -> str:
    """A bare number, with a decimal prefix or without, is one of ``unit``: ``15.6T`` of tokens."""
    return f"{given.strip()} {unit}" if _BARE.fullmatch(given.strip()) else given
