"""Lines of a table of the catalog, with what is wrong with them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from gigawatt.core.errors import InputError

__all__ = ["lines"]


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
