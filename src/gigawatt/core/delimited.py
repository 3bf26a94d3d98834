"""Cells of a table in a text file, as spreadsheets of different countries write it.

Cells stand between commas, semicolons or tabs, by the first line that is no comment. Between semicolons or
tabs a comma inside a number is a decimal one; a file in which it could group thousands is refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from gigawatt.core.errors import InputError

__all__ = ["read_cells"]

Rows = list[tuple[int, list[str]]]

_COMMENT, _SEPARATORS = "#", (";", "\t")
_COMMA = re.compile(r"[+-]?\d+,(\d+)(?:[eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_QUOTED = re.compile(r'"[^"]*"')
_GROUP = 3


def read_cells(file: Path, *, key: str, what: str) -> Rows:
    """Rows that have a cell, each with its line, the head first; cells are stripped.

    Parameters
    ----------
    file : Path
        Text in UTF-8, with or without a byte-order mark. Decimal commas come back as points.
    key, what : str
        Key of the scenario and what the file is, for errors.

    Raises
    ------
    InputError
        A file that cannot be read, is no text or no table; numbers with decimal commas and with points, or
        with commas that could group thousands: file and line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"cannot read {what}: {reason}", key=key, file=file) from None
    separator = _separator(text)
    try:
        read = [
            (line, [cell.strip() for cell in cells])
            for line, cells in enumerate(csv.reader(text.splitlines(), delimiter=separator), 1)
        ]
    except csv.Error as error:
        raise InputError(f"not a CSV table ({error})", key=key, file=file) from None
    rows = [(line, cells) for line, cells in read if any(cells)]
    return rows if separator == "," else _with_points(rows, key=key, file=file)


def _separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip() and line.lstrip()[0] != _COMMENT), "")
    return next((one for one in _SEPARATORS if one in _QUOTED.sub("", first)), ",")


def _with_points(rows: Sequence[tuple[int, list[str]]], *, key: str, file: Path) -> Rows:
    """The rows with points for decimal commas."""
    commas = [
        (line, cell, hit[1]) for line, cells in rows for cell in cells if (hit := _COMMA.fullmatch(cell))
    ]
    if not commas:
        return list(rows)
    pointed = next(((line, cell) for line, cells in rows for cell in cells if _POINT.fullmatch(cell)), None)
    if pointed is not None:
        raise InputError("numbers with decimal commas and others with points", key=key, file=file,
                         line=pointed[0], given=f"{commas[0][1]} and {pointed[1]}",
                         allowed="one of them in the whole file")  # fmt: skip
    if all(len(digits) == _GROUP for _, _, digits in commas):
        line, cell, _ = commas[0]
        raise InputError("a comma that could be a decimal one", key=key, file=file, line=line, given=cell,
                         allowed=f"{cell.replace(',', '.')} or {cell.replace(',', '')}")  # fmt: skip
    return [
        (line, [cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell for cell in cells])
        for line, cells in rows
    ]
