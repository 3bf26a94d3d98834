"""Milestones of a file of the shape of the catalog's ``timelines``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import to_si
from gigawatt.power.dates import STAGES, Milestone, by_case, catalog_milestones, year_of
from gigawatt.power.dates.milestones import is_daily
from gigawatt.validation.files import Refusals
from gigawatt.validation.rows import cells_of, check_columns, number_of

__all__ = ["REQUIRED", "milestones_of", "same_cases"]

REQUIRED = ("case", "kind", "milestone", "date", "status")
_KNOWN = (*REQUIRED, "MW", "as_of")
_ACTUAL, _PLANNED = "actual", "planned"
_LARGEST = 1e7
"""MW; no source states more."""
_WORD = re.compile(r"[^\W_]+")


def milestones_of(file: Path) -> tuple[list[Milestone], Refusals]:
    """(rows of a file of milestones, those without a date): columns :data:`REQUIRED`; ``MW`` and ``as_of``
    where there are. What is not of status ``actual`` was stated, not reached.

    Raises
    ------
    InputError
        No such file, a column missing, a cell that is no date, number or status: file, line, column.
    """
    header, cells = cells_of(file)
    check_columns(file, header, REQUIRED, _KNOWN)
    refusals, found = Refusals(), list[Milestone]()
    for line, record in cells:
        if (record.get("date") or "").strip():
            found.append(_milestone(file, line, record))
        else:
            refusals.add("no date", line)
    return found, refusals


def _milestone(file: Path, line: int, record: Mapping[str, str]) -> Milestone:
    text = {name: (record.get(name) or "").strip() for name in _KNOWN}
    for name in ("case", "kind", "milestone", "date", "status"):
        if not text[name]:
            raise InputError("this cell is empty", file=file, line=line, key=name, allowed="a word or a date")
    meant = nearest(text["status"], (_ACTUAL, _PLANNED))
    if meant is not None and meant != text["status"]:
        raise InputError("no such status", file=file, line=line, key="status", given=text["status"],
                         allowed=f"{_ACTUAL}, {_PLANNED}, or another word", nearest=meant)  # fmt: skip
    dates: dict[str, float | None] = {}
    for name in ("date", "as_of"):
        try:
            dates[name] = year_of(text[name]) if text[name] else None
        except InputError as error:
            raise error.at(file=file, line=line, key=name) from None
    power = number_of(record, "MW", file=file, line=line) if text["MW"] else None
    if power is not None and not 0.0 <= power <= _LARGEST:
        raise InputError("out of range", file=file, line=line, key="MW", given=text["MW"],
                         allowed=f"0 to {_LARGEST:g} MW, or nothing")  # fmt: skip
    date = dates["date"]
    assert date is not None
    return Milestone(
        text["case"], text["kind"], text["milestone"], date, None if power is None else to_si(power, "MW"),
        text["status"] != _ACTUAL, dates["as_of"], is_daily(text["date"]), line,
    )  # fmt: skip


def same_cases(case: str, rows: Sequence[Milestone]) -> frozenset[str]:
    """Cases of the catalog that are this one: by name, by all words of the name, or by a day that both have
    for a stage."""
    words = set(_WORD.findall(case.casefold()))
    days = {(STAGES[row.milestone], row.date) for row in rows if row.stage is not None and row.daily}
    found: set[str] = set()
    for name, mine in by_case(catalog_milestones()).items():
        theirs = {(STAGES[row.milestone], row.date) for row in mine if row.stage is not None and row.daily}
        if set(_WORD.findall(name.casefold())) <= words or days & theirs:
            found.add(name)
    return frozenset(found)
