"""Measured training runs as a table: read, typed, every bad cell an error with file, line and column.

The shape is that of a benchmark collection: one row a run, one column a fact (`COLUMNS`). CSV and
Parquet are read alike; columns that are not known are ignored, columns that are missing are empty.
"""

from __future__ import annotations

import csv
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from gigawatt.core.errors import InputError, nearest

__all__ = [
    "LARGEST",
    "LEAST",
    "NUMBERS",
    "REQUIRED",
    "TEXTS",
    "Row",
    "cells_of",
    "check_columns",
    "in_fitted_half",
    "number_of",
    "read_rows",
]

TEXTS = (
    "id", "source", "source_loc", "accelerator", "model", "zero_stage", "recompute", "precision",
    "reported_metric", "tflops_kind", "interconnect", "confidence", "notes",
)  # fmt: skip
NUMBERS = (
    "year", "n_accel", "params_b", "active_params_b", "layers", "hidden", "heads", "kv_heads", "head_dim",
    "ffn", "n_experts", "topk", "vocab", "seq_len", "global_batch", "microbatch", "TP", "PP", "VP", "CP",
    "DP", "EP", "seq_parallel", "step_time_s", "tflops_per_gpu", "MFU", "HFU", "tokens_per_s",
    "tokens_per_s_per_gpu", "mem_gib",
)  # fmt: skip
REQUIRED = ("source", "accelerator", "model", "precision", "n_accel", "seq_len", "global_batch")
TARGETS = ("step_time_s", "tokens_per_s", "tokens_per_s_per_gpu", "tflops_per_gpu", "MFU", "HFU")
_COUNTS = frozenset(
    ("n_accel", "layers", "hidden", "heads", "kv_heads", "head_dim", "ffn", "vocab", "seq_len",
     "global_batch", "microbatch", "TP", "PP", "VP", "CP", "DP", "EP")
)  # fmt: skip
_POSITIVE = frozenset((*TARGETS, "params_b", "active_params_b", "year", "mem_gib"))
_EMPTY = frozenset(("", "nan", "NaN", "None", "null", "NA", "n/a"))
_PARQUET_MAGIC = b"PAR1"
_NEARLY = 0.85
"""Likeness of two names from which on one is taken for a slip of the other."""
LARGEST = 1e9
"""No count, time or rate of a measured run is larger, in the columns' units (FLOP/s are in tera)."""
LEAST = 1e-9
"""Nothing measured is less."""
_LARGEST = {"layers": 1e4, "heads": 1e5, "kv_heads": 1e5, "head_dim": 1e5, "hidden": 1e6, "ffn": 1e7,
            "n_experts": 1e5, "vocab": 1e8, "n_accel": 1e7, "tokens_per_s": 1e15}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One measured run: ``numbers`` and ``texts`` by column (absent where the cell is empty)."""

    line: int
    numbers: Mapping[str, float] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)

    def number(self, column: str) -> float | None:
        """The number of ``column`` or ``None`` where the cell is empty."""
        return self.numbers.get(column)

    def count(self, column: str) -> int | None:
        """The whole number of ``column`` or ``None`` where the cell is empty."""
        value = self.numbers.get(column)
        return None if value is None else round(value)

    def text(self, column: str) -> str:
        """The text of ``column``, empty where there is none."""
        return self.texts.get(column, "")

    @property
    def id(self) -> str:
        """The row's own id, or ``line N``."""
        return self.texts.get("id") or f"line {self.line}"


def read_rows(file: Path, refused: list[tuple[int, str, str, Mapping[str, str]]] | None = None) -> list[Row]:
    """Every row of a CSV or Parquet table of measured training runs.

    Parameters
    ----------
    file : Path
        The table.
    refused : list, optional
        Takes (line, reason, detail, cells) of rows with a number that no run can have (0 accelerators,
        1e400 tokens), which are then left out; an error where there is no list.

    Raises
    ------
    InputError
        No such file, not a table, a required column missing (with the nearest spelling), no column
        with a measurement, a cell that is no number, a count below one: one line with file, line
        and column.
    """
    header, cells = cells_of(file)
    _check_header(file, header)
    found: list[Row] = []
    for line, record in cells:
        try:
            found.append(_row(file, line, record))
        except _OutOfRange as error:
            if refused is None:
                raise
            refused.append((line, f"{error.key} is {error.message}", str(error), record))
    return found


class _OutOfRange(InputError):
    """A number of the right kind that no run can have."""


Cells = list[tuple[int, Mapping[str, str]]]
"""(line of the file, cells by column) of each row."""


def cells_of(file: Path) -> tuple[Sequence[str], Cells]:
    """(columns, rows) of a CSV or Parquet table, cells as texts; lines of comment (#) before the header are
    left out.

    Raises
    ------
    InputError
        No such file, not a table, a row with another number of cells: one line with file and line.
    """
    if not file.is_file():
        raise InputError("no such file of measured rows", file=file, allowed="a .csv or .parquet table")
    with file.open("rb") as stream:
        parquet = stream.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    header, cells = _parquet(file) if parquet else _csv(file)
    twice = next((name for i, name in enumerate(header) if name and name in header[:i]), None)
    if twice is not None:
        raise InputError("two columns of this name", file=file, line=1, key=twice, allowed="one")
    return header, cells


def check_columns(
    file: Path, header: Sequence[str], required: Sequence[str], known: Sequence[str] = ()
) -> None:
    """That a table has the ``required`` columns, and none that is nearly one of the ``known`` that it lacks.

    Others that are not known are of no matter, but ``step_time_ms`` without ``step_time_s`` is.

    Raises
    ------
    InputError
        One is missing or nearly right: file, column, the nearest spelling.
    """
    for column in required:
        if column not in header:
            others = [name for name in header if name not in required]
            raise InputError(
                "this column is missing", file=file, line=1, key=column, allowed=", ".join(required),
                nearest=nearest(column, others),
            )  # fmt: skip
    lacking = {name.lower(): name for name in known if name not in header}
    for column in header:
        near = get_close_matches(column.lower(), lacking, n=1, cutoff=_NEARLY) if column not in known else []
        if near:
            raise InputError(
                "this column is not known", file=file, line=1, key=column, nearest=lacking[near[0]],
                allowed=f"{lacking[near[0]]}, or another name where it is something else",
            )  # fmt: skip


def number_of(
    record: Mapping[str, str], column: str, *, file: Path | None = None, line: int | None = None
) -> float | None:
    """The number of a cell, ``None`` where it is empty; infinite where it was written so.

    Raises
    ------
    InputError
        The cell holds something else: file, line, column.
    """
    written = record.get(column, "").strip()
    if written in _EMPTY:
        return None
    try:
        value = {"true": 1.0, "false": 0.0}.get(written.lower())
        value = float(written) if value is None else value
    except ValueError as error:
        raise InputError(
            "not a number", file=file, line=line, key=column, given=written, allowed="a number or nothing"
        ) from error
    return None if math.isnan(value) else value


def _csv(file: Path) -> tuple[Sequence[str], Cells]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            before = 0
            while (first := stream.readline()).startswith("#"):
                before += 1
            header = next(csv.reader([first]), [])
            reader = csv.DictReader(stream, header)
            cells: Cells = []
            for record in reader:
                if None in record or None in record.values():
                    given = len(header) - list(record.values()).count(None) + len(record.get(None) or ())
                    raise InputError(
                        "a row with another number of cells than the header",
                        file=file,
                        line=reader.line_num + before + 1,
                        given=given,
                        allowed=f"{len(header)} cells",
                    )
                cells.append((reader.line_num + before + 1, record))
            return header, cells
    except UnicodeDecodeError as error:
        raise InputError("not a text table", file=file, allowed="UTF-8 CSV, or Parquet") from error
    except csv.Error as error:
        raise InputError(f"not a CSV table ({error})", file=file, allowed="UTF-8 CSV, or Parquet") from error


def _parquet(file: Path) -> tuple[Sequence[str], Cells]:
    import duckdb

    try:
        with duckdb.connect() as connection:
            found = connection.execute("SELECT * FROM read_parquet(?)", [str(file)])
            header = [column[0] for column in found.description or ()]
            records = found.fetchall()
    except duckdb.Error as error:
        raise InputError("not a readable Parquet table", file=file) from error
    cells: Cells = [
        (
            number,
            {key: "" if value is None else str(value) for key, value in zip(header, record, strict=True)},
        )
        for number, record in enumerate(records, start=1)
    ]
    return header, cells


def _check_header(file: Path, header: Sequence[str]) -> None:
    check_columns(file, header, REQUIRED, (*TEXTS, *NUMBERS))
    if not any(column in header for column in TARGETS):
        raise InputError(
            "no column holds a measurement", file=file, line=1, allowed=f"one of {_listed(TARGETS)}",
            nearest=next((near for name in TARGETS if (near := nearest(name, header))), None),
        )  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _row(file: Path, line: int, record: Mapping[str, str]) -> Row:
    texts = {name: text for name in TEXTS if (text := record.get(name, "").strip()) not in _EMPTY}
    numbers: dict[str, float] = {}
    for name in NUMBERS:
        value = number_of(record, name, file=file, line=line)
        if value is None:
            continue
        written, most = record[name].strip(), _LARGEST.get(name, LARGEST)
        if not (0.0 if name not in _COUNTS else 1.0) <= value <= most or (
            name in _POSITIVE and value < LEAST
        ):
            at_least = "1 or more" if name in _COUNTS else "above 0" if name in _POSITIVE else "0 or more"
            allowed = f"{most:g} or less" if value > most else at_least
            raise _OutOfRange("out of range", file=file, line=line, key=name, given=written, allowed=allowed)
        if name in _COUNTS and value != round(value):
            raise _OutOfRange("not a whole number", file=file, line=line, key=name, given=written)
        numbers[name] = value
    for name in ("source", "accelerator", "model", "precision"):
        if name not in texts:
            raise InputError("this cell is empty", file=file, line=line, key=name, allowed="a name")
    return Row(line, numbers, texts)


def in_fitted_half(name: str) -> bool:
    """Whether fits see the rows of a name: those of an even CRC-32, so that nothing is chosen."""
    return zlib.crc32(name.encode()) % 2 == 0
