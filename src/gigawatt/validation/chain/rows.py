"""Published figures of whole systems, one row a figure, and what each of them counts.

A row describes a system (model, tokens, accelerators, site, year) and gives one figure with its boundary:
first words that say what kind of figure it is (``final run; …``), then what is counted. A figure is compared
with the quantity of the same boundary; one that outsiders estimated, that was announced, or that spans
several runs has no counterpart and is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gigawatt.core.errors import InputError
from gigawatt.validation.files import Refusal
from gigawatt.validation.rows import cells_of, check_columns

__all__ = ["COLUMNS", "CaseRow", "read_chain_rows", "refuse_unscored"]

TEXTS = ("case", "kind", "model", "precision", "chip", "layout", "software", "site", "quantity", "unit",
         "boundary", "source_title", "url", "read_or_recalled", "note")  # fmt: skip
NUMBERS = ("year", "params", "active_params", "tokens", "sequence", "global_batch_tokens", "count",
           "datacentre_pue_published", "value", "low", "high")  # fmt: skip
COLUMNS = ("case", "kind", "year", "model", "params", "active_params", "tokens", "sequence",
           "global_batch_tokens", "precision", "chip", "count", "layout", "software", "site",
           "datacentre_pue_published", "quantity", "value", "low", "high", "unit", "boundary", "source_title",
           "url", "read_or_recalled", "note")  # fmt: skip
REQUIRED = ("case", "kind", "quantity", "value", "boundary")
KINDS = ("train", "serve", "campus")
_UNSCORED = {
    "campaign": "a campaign of several runs: its phases are not published",
    "stage": "a part of a run",
    "lifecycle": "idle machines, use or manufacture are in it and cannot be told apart",
    "plan": "a plan, not an outcome",
    "lower bound": "a bound, not an outcome",
    "upper bound": "a bound, not an outcome",
    "estimate": "an estimate by outsiders",
    "rumour": "a rumour",
    "unclear": "what it counts is unclear",
    "contract": "a contract, not an outcome",
    "observed": "dates seen from outside: no scenario has them",
    "country-year": "a country is no scenario",
}
"""First words of a boundary that no scenario answers, and why."""


@dataclass(frozen=True)
class CaseRow:
    """One published figure: ``numbers`` and ``texts`` by column, absent where the cell is empty."""

    line: int
    numbers: Mapping[str, float] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)

    def number(self, column: str) -> float | None:
        """The number of a column, ``None`` where the cell is empty."""
        return self.numbers.get(column)

    def text(self, column: str) -> str:
        """The text of a column, empty where there is none."""
        return self.texts.get(column, "")

    @property
    def value(self) -> float:
        """The published figure, in the unit of the row."""
        return self.numbers["value"]

    @property
    def first(self) -> str:
        """First words of the boundary: ``final run``, ``bench``, ``site-year``."""
        return self.text("boundary").partition(";")[0].strip()

    @property
    def counts(self) -> str:
        """What exactly is counted."""
        return self.text("boundary").partition(";")[2].strip()


def read_chain_rows(file: Path) -> list[CaseRow]:
    """Rows of a CSV or Parquet table of published figures.

    Raises
    ------
    InputError
        No such file, a column that is missing or nearly right, a cell that is no number, an unknown kind:
        file, line, column.
    """
    header, cells = cells_of(file)
    check_columns(file, header, REQUIRED, COLUMNS)
    rows: list[CaseRow] = []
    for line, record in cells:
        texts = {name: record[name].strip() for name in TEXTS if (record.get(name) or "").strip()}
        numbers = {
            name: _number(file, line, name, record[name])
            for name in NUMBERS
            if (record.get(name) or "").strip()
        }
        for name in REQUIRED:
            if name not in texts and name not in numbers:
                raise InputError("this cell is empty", file=file, line=line, key=name)
        if texts["kind"] not in KINDS:
            raise InputError("no such kind", file=file, line=line, key="kind", given=texts["kind"],
                             allowed=KINDS)  # fmt: skip
        rows.append(CaseRow(line, numbers, texts))
    return rows


def _number(file: Path, line: int, name: str, cell: str) -> float:
    try:
        found = float(cell)
    except ValueError:
        raise InputError("not a number", file=file, line=line, key=name, given=cell) from None
    if not abs(found) < 1e18 or found < 0.0:
        raise InputError("out of range", file=file, line=line, key=name, given=cell, allowed="0 to 1e18")
    return found


def refuse_unscored(row: CaseRow) -> None:
    """Raise :class:`Refusal` of a row that is no outcome of one run, service or campus."""
    why = _UNSCORED.get(row.first)
    if why is not None:
        raise Refusal(why, f"{row.text('case')}: {row.text('boundary')}")
    if row.text("read_or_recalled") == "recalled":
        raise Refusal("recalled, never opened: not scored alone", row.text("case"))
