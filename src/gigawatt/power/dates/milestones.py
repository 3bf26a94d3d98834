"""Dated milestones of projects: rows of the catalog's ``timelines``, or of a file of the same columns."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gigawatt.catalog.loader import table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError

__all__ = [
    "EVENTS",
    "LENGTHS",
    "SIZES",
    "STAGES",
    "Milestone",
    "by_case",
    "catalog_milestones",
    "date_words",
    "is_daily",
    "year_of",
]

_TABLE = "timelines"
_WRITTEN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_EARLIEST, _LATEST = 1900.0, 2200.0
_ROUNDING = 1e-6
STAGES: Mapping[str, str] = {
    "announced": "announced", "financing": "announced", "grid work announced": "announced",
    "application": "application", "order": "order",
    "permit": "permit", "permit preliminary": "permit", "rule": "permit",
    "construction start": "ground",
    "equipment delivery": "delivery", "accelerators delivered": "delivery", "substation": "delivery",
    "hot functional test": "delivery",
    "first power": "power", "first load": "power", "grid energised": "power",
    "capacity step": "step", "confirmed": "step", "commercial": "commercial",
    "pause": "pause", "moratorium": "pause", "shutdown": "shutdown",
}  # fmt: skip
"""Milestone → the stage of a project that it reaches."""
EVENTS = ("power", "step", "commercial")
"""Stages that a stated date is about: power that is there."""
SETBACKS = ("pause", "shutdown")
"""Stages that a project may leave and that are never planned."""
LENGTHS = ("lead time", "queue wait")
"""Rows that state how long something takes, not when it was."""
SIZES = ("order book", "queue size")
"""Rows that state how much is ordered or waits."""
_OTHER = ("target", "cancelled", "not yet restarted")


def is_daily(written: str) -> bool:
    """Whether a date is written to the day."""
    return written.count("-") == 2


def year_of(written: str, *, begins: bool = False) -> float:
    """A date as a decimal year: ``2024-05-31`` its noon, ``2024-05`` and ``2024`` their middle.

    ``begins``: where the day, month or year begins, a month a twelfth of the year as in :func:`date_words`.

    Raises
    ------
    InputError
        No such date.
    """
    found = _WRITTEN.fullmatch(written.strip())
    try:
        if found is None:
            raise ValueError
        year, month, day = (None if part is None else int(part) for part in found.groups())
        assert year is not None
        days = 366 if calendar.isleap(year) else 365
        if month is None:
            value = year + (0.0 if begins else 0.5)
        else:
            length = calendar.monthrange(year, month)[1]
            if day is not None and not 1 <= day <= length:
                raise ValueError
            before = sum(calendar.monthrange(year, m)[1] for m in range(1, month))
            value = year + (before + (length / 2.0 if day is None else day - 0.5)) / days
            if begins:
                value = year + (month - 1 + ((day or 1) - 1) / length) / 12.0
    except (ValueError, calendar.IllegalMonthError):
        raise InputError("not a date", given=written, allowed="2026, 2026-11 or 2026-11-29") from None
    if not _EARLIEST <= value < _LATEST:
        raise InputError("out of range", given=written, allowed=f"a year of {_EARLIEST:.0f} to {_LATEST:.0f}")
    return value


def date_words(year: float) -> str:
    """A decimal year as its month: 2026.9 is ``2026-11``."""
    whole = math.floor(year)
    return f"{whole}-{min(int((year - whole) * 12.0 + _ROUNDING), 11) + 1:02d}"


@dataclass(frozen=True, slots=True)
class Milestone:
    """One dated row of a project.

    ``date`` and ``as_of`` are decimal years; ``power`` [W] that the row is about, where it says one;
    ``planned``: a date that was stated at ``as_of`` (``None``: not said); ``daily``: written to the
    day; ``line`` of its file.
    """

    case: str
    kind: str
    milestone: str
    date: float
    power: float | None = None
    planned: bool = False
    as_of: float | None = None
    daily: bool = False
    line: int = 0

    @property
    def stage(self) -> str | None:
        """The stage that it reaches; ``None``: it is no step of a project."""
        return None if self.planned else STAGES.get(self.milestone)


def known_milestone(name: str) -> str:
    """The name of a milestone; raises ``InputError`` with the nearest for another."""
    known = (*STAGES, *LENGTHS, *SIZES, *_OTHER)
    check_word(None, name, known, "no such milestone")
    return name


@lru_cache(maxsize=1)
def _catalog(rows: int) -> tuple[Milestone, ...]:
    found: list[Milestone] = []
    for row in table(_TABLE).values():
        try:
            found.append(
                Milestone(
                    row.text("case"),
                    row.text("kind"),
                    known_milestone(row.text("milestone")),
                    year_of(row.text("date")),
                    row.get("power"),
                    row.text("status") != "actual",
                    year_of(row.text("as_of")) if row.text("as_of") else None,
                    is_daily(row.text("date")),
                )
            )
        except InputError as error:
            raise error.at(key=f"{_TABLE}.{row.id}") from None
    return tuple(found)


def catalog_milestones() -> tuple[Milestone, ...]:
    """Every row of the catalog's ``timelines``."""
    return _catalog(id(table(_TABLE)))


def by_case(rows: Iterable[Milestone]) -> Mapping[str, Sequence[Milestone]]:
    """Rows of each case in order of their dates."""
    found: dict[str, list[Milestone]] = {}
    for row in rows:
        found.setdefault(row.case, []).append(row)
    return {case: sorted(mine, key=lambda row: row.date) for case, mine in found.items()}
