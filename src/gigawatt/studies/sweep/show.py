"""What a store of sweeps holds: answers to SQL, and an overview of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError, nearest
from gigawatt.studies.sweep.store import SweepStore, quoted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MOST_DRAWN", "ColumnOverview", "Overview", "ask", "drawn_rows", "overview", "write_csv"]

MOST_DRAWN = 4000
"""Rows that a figure shows at most, chosen by their keys, which is as good as by lot."""
_OWN = ("key", "catalog", "study", "error", "seconds")


@dataclass(frozen=True)
class ColumnOverview:
    """One column: unit, whether it was varied, how many different values, and its range."""

    name: str
    unit: str
    what: str
    axis: bool
    values: int
    low: float | str | None
    middle: float | str | None
    high: float | str | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Overview:
    """A store as a whole: scenarios, those without an answer and why, seconds spent, columns."""

    studies: tuple[str, ...]
    rows: int
    refused: int
    catalogs: int
    seconds: float
    reasons: tuple[tuple[str, int], ...]
    columns: tuple[ColumnOverview, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "columns": [column.to_json() for column in self.columns]}


def ask(store: SweepStore, sql: str) -> pd.DataFrame:
    """What a query gives; tables ``sweep`` (units as shown) and ``si``.

    Raises
    ------
    InputError
        A query that DuckDB does not understand.
    """
    import duckdb

    with store.connect() as connection:
        try:
            found = connection.execute(sql)
            return found.df()
        except duckdb.Error as error:
            told = str(error).split("\n")[0]
            raise InputError(
                "this query has no answer", key="--sql", given=told,
                allowed='columns have dots, so they stand in double quotes: "machine.count"',
            ) from None  # fmt: skip


def overview(store: SweepStore) -> Overview:
    """Counts and ranges of all columns, in the units as shown."""
    studies, units = store.studies(), store.units()
    axes = {name: axis["what"] for about in studies.values() for name, axis in about["axes"].items()}
    read = {name: one["what"] for about in studies.values() for name, one in about["read"].items()}
    with store.connect() as connection:
        counts = connection.execute(
            "SELECT count(*), count(error), count(DISTINCT catalog), coalesce(sum(seconds::DOUBLE), 0) "
            "FROM sweep"
        ).fetchone()
        reasons = connection.execute(
            "SELECT error, count(*) AS n FROM sweep WHERE error IS NOT NULL "
            "GROUP BY error ORDER BY n DESC, 1 LIMIT 5"
        ).fetchall()
        columns: list[ColumnOverview] = []
        for name, kind, *_ in connection.execute("DESCRIBE sweep").fetchall():
            if name in _OWN:
                continue
            column = quoted(name)
            middle = f"median({column})" if kind == "DOUBLE" else f"mode({column})"
            found = connection.execute(
                f"SELECT approx_count_distinct({column}), min({column}), {middle}, max({column}) FROM sweep"
            ).fetchone()
            unit = units.get(name, ("", 1.0))[0]
            what = axes.get(name) or read.get(name, "")
            columns.append(ColumnOverview(name, unit, what, name in axes, *found))
    exact = {name: axis["values"] for about in studies.values() for name, axis in about["axes"].items()}
    if len(studies) == 1:  # what was varied is known exactly
        columns = [
            ColumnOverview(**{**vars(one), "values": min(exact[one.name], counts[0])})
            if one.name in exact
            else one
            for one in columns
        ]
    names = tuple(about["name"] for about in studies.values())
    rows, refused, catalogs, seconds = counts
    return Overview(names, rows, refused, catalogs, float(seconds), tuple(reasons), tuple(columns))


def drawn_rows(store: SweepStore, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of the scenarios that have an answer, at most :data:`MOST_DRAWN` of them.

    Raises
    ------
    InputError
        A column that the store lacks, with the nearest.
    """
    with store.connect() as connection:
        known = [row[0] for row in connection.execute("DESCRIBE sweep").fetchall()]
        for name in columns:
            if name not in known:
                raise InputError("no such column in this store", given=name, nearest=nearest(name, known))
        chosen = ", ".join(quoted(name) for name in columns)
        return connection.execute(
            f"SELECT {chosen} FROM sweep WHERE error IS NULL ORDER BY key LIMIT {MOST_DRAWN}"
        ).df()


def write_csv(store: SweepStore, sql: str, file: Path) -> int:
    """Write what a query gives as CSV, whole or not at all; returns the rows.

    Raises
    ------
    InputError
        A query without an answer, a file that cannot be written.
    """
    import os
    import uuid

    frame = ask(store, sql)
    beside = file.with_name(f".{file.name}-{uuid.uuid4().hex[:8]}")
    try:
        frame.to_csv(beside, index=False)
        os.replace(beside, file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"cannot write here: {error.strerror}", key="--csv", given=str(file)) from None
    return len(frame)
