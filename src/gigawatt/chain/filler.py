"""Collecting the leaves of a chain: values with where they were written, defaults listed as assumptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from gigawatt import catalog
from gigawatt.core.errors import GigawattError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.graph import Leaf
from gigawatt.machine import Chip
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["Filler", "beside", "clock_rows"]

T = TypeVar("T")
#: Why a leaf of the scenario has no line in it.
_NOT_GIVEN, _SCHEMA = "not given", "not given: default of the scenario"


class Filler:
    """Collects leaves and assumptions, and puts file and line on the errors that rooms raise."""

    def __init__(self, loaded: LoadedScenario) -> None:
        self.loaded = loaded
        self.leaves: dict[str, Leaf] = {}
        self.assumptions: list[Assumption] = []

    def ask(self, key: str, call: Callable[[], T]) -> T:
        """The value of a call; an error gets the place of ``key`` in the scenario."""
        try:
            return call()
        except GigawattError as error:
            named = Path(self.loaded.written.get(key, "")).name
            if error.file is not None and Path(error.file).name == named and not Path(error.file).is_file():
                error.file, error.given = None, str(error.file)  # not there: blame who named it
            if error.file is None:
                if error.key is not None and "." not in error.key:
                    error.key = None  # what a room or a command calls it; here it has the scenario's name
                self.loaded.blame(error, key)
            raise

    def begun(self, name: str, key: str, table: str) -> None:
        """List as an assumption that ``key`` is read as the only entry of ``table`` that begins with it."""
        typed = self.loaded.written.get(key, "")
        found = catalog.begun_with(table, typed) if typed and not Path(typed).suffix else None
        if found is not None:
            reason = f"the only one of the catalog's {table} that begins with {typed}"
            self.assumptions.append(Assumption(name, found, reason, Grade.modelled))

    def written(self, name: str, key: str, value: Any, rows: tuple[Evidence, ...] = ()) -> None:
        """A leaf that the scenario wrote (``key``), or that follows from what it wrote.

        ``rows`` are those of the catalog that the value was read from, where it does not hold them.
        """
        where, written = self.loaded.where(key), self.loaded.written.get(key, "")
        reason = "" if where else _NOT_GIVEN if value is None or value in ((), {}) else _SCHEMA
        self.leaves[name] = Leaf(
            value, "scenario", where=where, reason=reason, written=written, evidence=rows
        )

    def default(
        self,
        name: str,
        value: Any,
        shown: str,
        reason: str,
        row: catalog.Entity | None = None,
        grade: Grade = Grade.guess,
        source: str = "",
    ) -> None:
        """A leaf that the scenario does not write: listed as an assumption, graded as ``row`` is."""
        if row is not None:
            grade, source = Grade.read(row.text("grade")), row.text("source_id")
        self.leaves[name] = Leaf(value, "default", reason=reason, written=shown, grade=grade)
        self.assumptions.append(Assumption(name, shown, reason, grade, source))

    def with_rows(self, name: str, rows: tuple[Evidence, ...]) -> None:
        """A default that is a row of the catalog has the grades of that row, not one of its own."""
        self.leaves[name] = replace(self.leaves[name], evidence=rows, grade=None)

    def listed(self, id: str) -> str:
        """The text of a row of the catalog's ``defaults``, listed as an assumption that is no leaf."""
        row = catalog.entity("defaults", id)
        grade, source = Grade.read(row.text("grade")), row.text("source_id")
        self.assumptions.append(Assumption(row.id, row.text("text"), row.text("reason"), grade, source))
        return row.text("text")

    def given_or_default(
        self, name: str, value: T | None, read: Callable[[str], T], default: str | None = None
    ) -> T:
        """The scenario's value of ``name``, or the catalog's default row of that name, or of ``default``."""
        if value is not None:
            self.written(name, name, value)
            return value
        row = catalog.entity("defaults", default or name)
        found = read(row.text("text"))
        self.default(name, found, row.text("text"), row.text("reason"), row)
        return found


def beside(loaded: LoadedScenario, name: str) -> str | Path:
    """A path as written, or relative to the scenario's folder where it is found there."""
    found = loaded.file.parent / name
    return found if found.is_file() else name


def clock_rows(chip: Chip) -> tuple[Evidence, ...]:
    """The rows of the catalog behind the clock model of a chip: its own, then the default's it lacks."""
    rows = catalog.table("clocks")
    common = rows["default"]
    own = rows.get(chip.id, common)
    return (*own.rows(), *(row for row in common.rows() if row.quantity not in own.numbers))
