"""A year's hours in a CSV file: a load in watts, or shares of a capacity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.delimited import read_cells
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR, same_dimension, to_si

__all__ = ["read_hours", "read_shares"]

Array = NDArray[np.float64]

_HOURS = int(HOURS_PER_YEAR)


def read_hours(
    file: Path, *, key: str, columns: Sequence[str] = ("load",), what: str = "a load"
) -> tuple[Array, bool]:
    """((8760,) values, whether they are watts) of a file with one column, or with one of ``columns``.

    A head may name a unit in brackets (``load [MW]``); without one the values are relative. Errors name
    ``key``, the file and the line, and call a value that does not fit no ``what``.
    """
    rows = read_cells(file, key=key, what="this profile")
    if not rows:
        raise InputError("an empty file", key=key, file=file, allowed=f"{_HOURS:,} numbers")
    column, scale = 0, None
    heads = rows[0][1]
    if not any(_is_number(cell) for cell in heads):
        named = [i for i, head in enumerate(heads) if head.partition("[")[0].strip().lower() in columns]
        if not named and len(heads) > 1:
            raise InputError(f"no column {columns[0]!r}", key=key, file=file, given=", ".join(heads),
                             allowed=f"one column, or one called {' or '.join(columns)}")  # fmt: skip
        column = named[0] if named else 0
        unit = heads[column].partition("[")[2].rstrip("] ")
        if unit:
            if not same_dimension(unit, "W") and not same_dimension(unit, "1"):
                raise InputError("not a unit of power", key=key, file=file, line=1, given=unit,
                                 allowed="W, kW, MW, GW")  # fmt: skip
            scale = to_si(1.0, unit) if same_dimension(unit, "W") else None
        rows = rows[1:]
    values: list[float] = []
    for number, row in rows:
        if len(row) != len(heads):
            raise InputError("another number of cells than the first line", key=key, file=file, line=number,
                             given=", ".join(row)[:60],
                             allowed=f"{len(heads)}; decimals after a point")  # fmt: skip
        cell = row[column]
        value = float(cell) if _is_number(cell) else math.nan
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(f"not {what}", key=key, file=file, line=number, given=cell,
                             allowed="a number, 0 or more")  # fmt: skip
        values.append(value)
    if len(values) != _HOURS:
        leap = " (leave out 29 February)" if len(values) == _HOURS + 24 else ""
        raise InputError("not a year", key=key, file=file, given=f"{len(values):,} hours",
                         allowed=f"{_HOURS:,} hours{leap}")  # fmt: skip
    hours = np.array(values)
    if not hours.max() > 0.0:
        raise InputError("all values are zero", key=key, file=file)
    return hours * (scale or 1.0), scale is not None


def read_shares(file: Path, *, key: str) -> Array:
    """(8760,) shares of a plant's capacity, 0 to 1, of a file with one column or one ``capacity_factor``."""
    values, watts = read_hours(
        file, key=key, columns=("capacity_factor", "load"), what="a share of a capacity"
    )
    if watts or values.max() > 1.0:
        raise InputError("not shares of a capacity", key=key, file=file, given=f"up to {values.max():g}",
                         allowed=f"{_HOURS:,} numbers from 0 to 1")  # fmt: skip
    return values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
