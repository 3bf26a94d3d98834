"""Assumptions and notices of a question as it is read; quantities with units, the year."""

from __future__ import annotations

import re

from gigawatt import catalog
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import parse
from gigawatt.schema.values import YEAR, YEARS

__all__ = ["AssumptionList", "counted", "positive", "quantity", "year_of"]

_BARE = re.compile(r"\d[\d,_]*(?:\.\d+)?(?:[eE]\+?\d+)?\s*[kMGBTP]?")


class AssumptionList:
    """Assumptions and notices, collected while a question is read."""

    def __init__(self) -> None:
        self.assumptions: list[Assumption] = []
        self.notices: list[str] = []

    def add(self, key: str, value: str, reason: str, grade: Grade, source: str = "") -> None:
        """Add one assumption."""
        self.assumptions.append(Assumption(key, value, reason, grade, source))

    def add_row(self, key: str, row: Evidence, value: str, reason: str) -> None:
        """Add a row of the catalog that is used where the question leaves ``key`` out."""
        self.assumptions.append(row.assumption(key, reason, value))

    def default(self, key: str, id: str | None = None) -> catalog.Entity:
        """A row of the catalog's ``defaults``, ``key`` or another ``id``, added as an assumption."""
        row = catalog.entity("defaults", id or key)
        self.add(
            key, row.text("text"), row.text("reason"), Grade.read(row.text("grade")), row.text("source_id")
        )
        return row


def year_of(assumed: AssumptionList, year: int | None) -> int:
    """The year of a question; where it is left out the default year, added as an assumption.

    Raises
    ------
    InputError
        Out of range.
    """
    if year is None:
        assumed.add(
            "scenario.year", str(YEAR), "no year is set: software and prices of this year", Grade.guess
        )
        return YEAR
    check_range("year", year, YEARS[0], YEARS[1], message="out of range")
    return year


def quantity(key: str, text: str, unit: str, example: str) -> float:
    """The SI value of ``text``; an error names ``key``."""
    try:
        return parse(text, unit, example=example)
    except InputError as error:
        raise error.at(key=key) from None


def positive(text: str, unit: str, key: str, example: str, *, least: float | None = None) -> float:
    """The SI value of ``text``, more than nothing, or not below ``least``; an error names ``key``."""
    value = quantity(key, text, unit, example)
    if not (value > 0.0 if least is None else value >= least):
        range = "more than 0" if least is None else f"{least:g} or more"
        raise InputError("out of range", key=key, given=text, allowed=f"{range}, such as {example!r}")
    return value


def counted(text: str, unit: str) -> str:
    """The text with ``unit`` behind a bare number, with a decimal prefix or without: ``15.6T`` of tokens."""
    return f"{text.strip()} {unit}" if _BARE.fullmatch(text.strip()) else text
