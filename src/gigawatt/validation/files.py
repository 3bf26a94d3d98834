"""The files that validation ships: measured rows and the tables that read them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from gigawatt.core.errors import MissingDataError

__all__ = ["Refusal", "Refusals", "data_folder", "rows_file", "table"]

_MARK = "README.md"


class Refusal(Exception):
    """A measured row that cannot be predicted: ``reason`` is counted, ``detail`` says what lacks."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class Refusals(Counter[str]):
    """How many rows cannot be predicted for each reason; ``first`` says which row was the first of each."""

    def __init__(self, counts: Mapping[str, int] | None = None, /) -> None:
        super().__init__(counts or {})
        self.first: dict[str, str] = {}

    def add(self, why: Refusal | str, row: int | str = "", count: int = 1) -> None:
        """Count rows, the first of which is ``row``: a line of the file, or what the row is called."""
        reason, detail = (why, "") if isinstance(why, str) else (why.reason, why.detail)
        where = f"line {row}" if isinstance(row, int) else row
        if count > 0:
            self[reason] += count
            self.first.setdefault(reason, ": ".join(part for part in (where, detail) if part))

    def include(self, other: Refusals) -> None:
        """Count those of ``other`` too."""
        for reason, count in other.items():
            self.add(Refusal(reason, other.first.get(reason, "")), count=count)


@lru_cache(maxsize=1)
def data_folder() -> Path:
    """The folder of shipped rows: inside an installed package, or at the root of a checkout.

    Raises
    ------
    MissingDataError
        Neither is there.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "data", here.parents[2] / "validation"):
        if (folder / _MARK).is_file():
            return folder
    raise MissingDataError("the shipped measured rows are not installed", allowed="give a file with --rows")


def rows_file(name: str) -> Path:
    """The shipped file of measured rows of a table, such as ``training.csv`` of ``training``.

    Raises
    ------
    MissingDataError
        No file ships under this name.
    """
    for suffix in (".csv", ".parquet"):
        file = data_folder() / f"{name}{suffix}"
        if file.is_file():
            return file
    raise MissingDataError("the shipped measured rows lack this table", given=name)


@lru_cache(maxsize=8)
def table(name: str) -> tuple[Mapping[str, str], ...]:
    """A small table beside the rows, such as ``training_makers.csv``, as dictionaries."""
    file = data_folder() / name
    with file.open(newline="", encoding="utf-8") as stream:
        return tuple(csv.DictReader(stream))
