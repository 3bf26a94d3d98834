"""Lines of a table of the catalog, with what is wrong with them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from gigawatt.core.errors import InputError

__all__ = ["check_units", "lines"]


def lines(file: Path, shown: str | Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells by column) of a CSV file; what is no table is refused as ``shown``:line."""
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            header = reader.fieldnames or []
            missing = [column for column in needed if column not in header]
            if missing or len(set(header)) < len(header):
                raise InputError(
                    _missing_words(missing) if missing else "a column stands twice",
                    file=shown,
                    line=1,
                )
            for row in reader:
                if len(row) > len(header):  # DictReader keeps the surplus under None
                    raise InputError(
                        "more cells than columns",
                        file=shown,
                        line=reader.line_num,
                        allowed="quote a cell that has a comma",
                    )
                if None in row.values():
                    raise InputError("fewer cells than columns", file=shown, line=reader.line_num)
                yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise InputError(f"cannot read this table ({error})", file=shown) from None


def _missing_words(columns: list[str]) -> str:
    """That columns are missing, as a sentence."""
    if len(columns) == 1:
        return f"the column {columns[0]} is missing"
    return f"the columns {', '.join(columns)} are missing"


def check_units(row: Mapping[str, str], shipped: Path, place: str) -> None:
    """Refuse a plain column of ``row`` that is a number in the ``shipped`` table or its details."""
    units = _units_of(shipped)
    for column, written in row.items():
        if written and column in units:
            raise InputError("a column of numbers names its unit in brackets", file=place, key=column,
                             given=column, allowed=f"{column} [{units[column]}]")  # fmt: skip


@lru_cache(maxsize=128)
def _units_of(table: Path) -> Mapping[str, str]:
    """Unit of every quantity of a table and its details, but names that are a plain column too."""
    found: dict[str, str] = {}
    plain = set[str]()
    for file in (table, table.with_suffix(".details.csv")):
        if not file.exists():
            continue
        with file.open(newline="", encoding="utf-8") as stream:
            rows = csv.DictReader(stream)
            columns = rows.fieldnames or ()
            found |= dict(one[:-1].split(" [", 1) for one in columns if one.endswith("]"))
            plain |= {one for one in columns if not one.endswith("]")}
            if {"quantity", "unit"} <= set(columns):
                found |= {row["quantity"]: row["unit"] for row in rows}
    return {quantity: unit for quantity, unit in found.items() if quantity not in plain}
