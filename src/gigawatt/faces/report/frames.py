"""Any table of the rooms as rows of text: the unit stands in its head, a column has the same decimals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from gigawatt.core.document import Cell, Grid
from gigawatt.faces.figures.readable import aligned, label, unit_of

__all__ = ["grid_of"]

_UNKNOWN = "–"


def grid_of(
    frame: Any,
    caption: str,
    *,
    heads: Mapping[str, str] | None = None,
    grades: Collection[str] = (),
    links: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    most: int = 4,
) -> Grid:
    """A table as text.

    Parameters
    ----------
    frame : DataFrame
        Columns ``name [unit]``, or ``name []`` for a share, which is written in percent; others are counts
        and words. An index with a name is the first column.
    caption : str
        What it shows.
    heads : mapping of str to str, optional
        What columns (without their unit) are called.
    grades : collection of str
        Columns whose texts are grades.
    links : mapping of str to str, optional
        Addresses by the text of the index.
    names : mapping of str to str, optional
        What rows of the index are called.
    most : int
        Decimals at most.
    """
    said, columns = dict(heads or {}), [str(column) for column in frame.columns]
    writers = {column: _writer(frame[column], column, most) for column in columns}
    indexed = frame.index.name is not None
    rows: list[tuple[Cell, ...]] = []
    for key, row in zip(map(str, frame.index), frame.itertuples(index=False, name=None), strict=True):
        first = (Cell((names or {}).get(key, key), link=(links or {}).get(key, "")),) if indexed else ()
        cells = (
            Cell(str(value), grade=str(value) if column in grades else "")
            if column in grades
            else Cell(writers[column](value))
            for column, value in zip(columns, row, strict=True)
        )
        rows.append((*first, *cells))
    head = [_head(column, said) for column in columns]
    if indexed:
        stem = str(frame.index.name)
        head.insert(0, said.get(stem, label(stem)))
    numeric = [_is_numeric(frame[column]) for column in columns]
    return Grid(caption, tuple(head), (*((False,) if indexed else ()), *numeric), tuple(rows))


def _head(column: str, said: Mapping[str, str]) -> str:
    stem, unit = column.split(" [")[0], unit_of(column).replace("Mtoken", "M token").replace("degC", "°C")
    return said.get(stem, label(stem)) + (f" [{unit}]" if unit else "")


def _is_numeric(values: Any) -> bool:
    return values.dtype.kind in "iuf"


def _writer(values: Any, column: str, most: int) -> Callable[[Any], str]:
    if values.dtype.kind == "b":
        return lambda value: "yes" if value else "no"
    if not _is_numeric(values):
        return lambda value: _UNKNOWN if value is None or value != value else str(value)
    if column.endswith(" []"):
        return lambda value: _UNKNOWN if value != value else f"{100 * float(value):.1f} %"
    known = [float(value) for value in values if value == value]
    if not unit_of(column) and all(value.is_integer() for value in known):
        return lambda value: _UNKNOWN if value != value else f"{float(value):,.0f}"
    write = aligned(known, most=most)
    return lambda value: "0" if value == 0 else write(float(value))
