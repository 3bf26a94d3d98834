"""Columns of numbers in a CSV file: traces of power, events of the voltage."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gigawatt.core.errors import InputError, nearest

__all__ = ["read_columns"]

Array = npt.NDArray[np.float64]


def read_columns(file: Path, names: tuple[str, ...], *, key: str, words: str) -> tuple[Array, ...]:
    """The columns ``names`` of a CSV file, each an array (N,).

    Parameters
    ----------
    file : Path
        With a head.
    names : tuple of str
        Columns of its head; others are not looked at.
    key, words : str
        Of the option that named the file, and its columns with their units, for errors.

    Raises
    ------
    InputError
        A file that cannot be read, a missing column, a cell that is empty or no finite number.
    """
    found: list[tuple[float, ...]] = []
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            heads = reader.fieldnames or []
            for name in names:
                if name not in heads:
                    raise InputError(
                        f"the column {name} is missing", file=file, line=1, given=", ".join(heads),
                        allowed=words, nearest=nearest(name, heads),
                    )  # fmt: skip
            for row in reader:
                cells = [row[name] for name in names]
                try:
                    numbers = tuple(float(cell) for cell in cells)
                except (TypeError, ValueError):
                    numbers = (math.nan,)
                if not all(math.isfinite(one) for one in numbers):
                    raise InputError(
                        "not a number", file=file, line=reader.line_num,
                        given=", ".join("nothing" if cell in (None, "") else str(cell) for cell in cells),
                    )  # fmt: skip
                found.append(numbers)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read this file ({error})", key=key, given=str(file)) from None
    rows = np.array(found, dtype=float).reshape(-1, len(names))
    return tuple(rows.T)
