"""The tables of a result as the faces read them: by index, column and unit, saved or fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.faces.figures.readable import unit_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "built",
    "column",
    "get_table",
    "has_table",
    "need_table",
    "row_names",
    "supply_columns",
    "unit_of",
]

_INDEX = ("part", "resource", "rank", "component", "hour", "plant", "quantity", "stage", "what")


def get_table(result: Result, name: str) -> pd.DataFrame | None:
    """A table with its index in place (saved, it is the first column); ``None`` if absent or empty."""
    frame = result.tables.get(name)
    if frame is None or len(frame) == 0:
        return None
    first = str(frame.columns[0]) if len(frame.columns) else ""
    return frame.set_index(frame.columns[0]) if first in _INDEX and frame.index.name is None else frame


def row_names(frame: pd.DataFrame) -> list[str]:
    """A name for each row: its label, with a number behind it where another row had it before."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for label in map(str, frame.index):
        seen[label] = seen.get(label, 0) + 1
        names.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return names


def has_table(result: Result, name: str) -> bool:
    """Whether a table is there with rows in it."""
    return get_table(result, name) is not None


def need_table(result: Result, name: str) -> pd.DataFrame:
    """A table, or ``InputError`` where the result has none."""
    frame = get_table(result, name)
    if frame is None:
        raise InputError("this result has no such table", given=name, allowed=sorted(map(str, result.tables)))
    return frame


def built(frame: pd.DataFrame) -> list[int]:
    """Rows of the table of plants that are built: more than a thousandth of all capacity.

    An interior-point solution leaves watts of what is not worth building.
    """
    size = column(frame, "capacity")[0].to_numpy(dtype=float)
    least = 1e-3 * float(size.sum())
    return [i for i, value in enumerate(size) if value > least and value > 0.0]


def column(frame: pd.DataFrame, name: str) -> tuple[Any, str]:
    """(values as a series, unit) of ``name`` or ``name [unit]``; ``InputError`` where there is none."""
    for found in map(str, frame.columns):
        if found == name or found.split(" [")[0] == name:
            return frame[found], unit_of(found)
    raise InputError("this table has no such column", given=name, allowed=map(str, frame.columns))


def supply_columns(frame: pd.DataFrame) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Columns of ``hourly`` by plant: what it gives, what a storage takes in, what a storage holds."""
    rest = {"load", "running load", "curtailed", "not served", "price", "pue", "temperature", "cut"}
    plants: dict[str, str] = {}
    charge: dict[str, str] = {}
    stored: dict[str, str] = {}
    for name in map(str, frame.columns):
        stem, unit = name.split(" [")[0], unit_of(name)
        if stem.endswith(" charge"):
            charge[stem.removesuffix(" charge")] = name
        elif stem.endswith(" stored"):
            stored[stem.removesuffix(" stored")] = name
        elif stem not in rest and unit == "MW":
            plants[stem] = name
    return plants, charge, stored
