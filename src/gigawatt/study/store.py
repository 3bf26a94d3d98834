"""A result on disk: JSON and Parquet, each file written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.errors import InputError
from gigawatt.evidence import Assumption, Evidence, Grade
from gigawatt.quantities import factor
from gigawatt.study.result import Quantity, Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_json", "load_result", "save_result", "writable", "write_files", "write_parquet"]


def as_json(result: Result) -> dict[str, Any]:
    """The machine-readable answer: quantities in their shown unit, small tables, notices, assumptions."""
    small = {name: table for name, table in result.tables.items() if len(table) <= 200}
    return {
        "name": result.name,
        "quantities": {
            q.name: {"value": _plain(q.shown), "unit": q.unit, "grade": q.label, "what": q.summary}
            for q in result.quantities.values()
        },
        "tables": {name: _records(table) for name, table in small.items()},
        "notices": list(result.notices),
        "assumptions": [{**dataclasses.asdict(a), "grade": a.grade.label} for a in result.assumptions],
        "run": dict(result.run),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "item"):
        return _plain(value.item())
    return value


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    frame = table if table.index.name is None else table.reset_index()
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict(orient="records")]


def write_parquet(table: pd.DataFrame, file: Path) -> None:
    """Write a frame (index included where it has a name) as Parquet."""
    import duckdb

    frame = table if table.index.name is None else table.reset_index()
    frame = frame.rename(columns=str)
    for column in frame.columns:
        if frame[column].dtype == object or str(frame[column].dtype).startswith("str"):
            frame[column] = frame[column].astype(object)
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute(
            f"COPY frame TO '{str(file).replace(chr(39), chr(39) * 2)}' (FORMAT parquet, COMPRESSION zstd)"
        )


def read_parquet(file: Path) -> pd.DataFrame:
    """Read a Parquet table."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            return connection.execute("SELECT * FROM read_parquet(?)", [str(file)]).df()
        except duckdb.Error as error:
            told = str(error).split("\n")[0]
            raise InputError("this table cannot be read", file=file, given=told) from None


def _trace(result: Result) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = {}
    quantities: dict[str, Any] = {}
    for q in result.quantities.values():
        keys: list[str] = []
        for row in q.evidence:
            key = f"{row.where}:{row.quantity}"
            rows.setdefault(key, {**dataclasses.asdict(row), "grade": row.grade.label})
            keys.append(key)
        quantities[q.name] = {
            "value": _plain(q.value),
            "unit": q.unit,
            "grade": q.grade.label,
            "summary": q.summary,
            "formula": q.formula,
            "inputs": list(q.inputs),
            "origin": q.origin,
            "where": q.where,
            "reason": q.reason,
            "written": q.written,
            "evidence": keys,
        }
    return {"quantities": quantities, "rows": rows}


def save_result(result: Result, folder: str | Path, extra: dict[str, str] | None = None) -> Path:
    """Write a result into ``folder`` (made if needed); each file appears whole or not at all.

    Parameters
    ----------
    result : Result
        What is written.
    folder : path
        Where; files of an earlier result of the same name are replaced.
    extra : mapping of file name to text, optional
        Further files, such as a report, that belong to the same result.

    Raises
    ------
    InputError
        The folder is a file, or cannot be written.
    """
    texts = {
        "result.json": json.dumps(as_json(result), indent=1, allow_nan=False),
        "trace.json": json.dumps(_trace(result), indent=1, allow_nan=False),
        "run.json": json.dumps(dict(result.run), indent=1, allow_nan=False),
        **(extra or {}),
    }
    return write_files(folder, texts, result.tables)


def writable(folder: str | Path) -> Path:
    """The folder as a path, where files can be written into it; nothing is made.

    Raises
    ------
    InputError
        It is a file, or it or what it would be made in cannot be written.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise InputError("the output folder is a file", given=str(target), allowed="a folder")
    above = next(path for path in (target, *target.absolute().parents) if path.exists())
    if not above.is_dir():
        raise InputError("cannot write here: this is a file", given=str(above), allowed="a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError("cannot write here: not allowed", given=str(above), allowed="a folder of one's own")
    return target


def write_files(
    folder: str | Path, texts: Mapping[str, str], tables: Mapping[str, pd.DataFrame] | None = None
) -> Path:
    """Write texts by file name, and tables as Parquet by name, all or none.

    They are written beside the folder and moved into it once all are whole; files of the same names are
    replaced. Raises ``InputError`` where that cannot be.
    """
    target = writable(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise InputError(f"cannot write here: {error.strerror}", given=str(target)) from None
    try:
        for name, text in texts.items():
            (staging / name).write_text(text, encoding="utf-8", newline="\n")
        for name, table in (tables or {}).items():
            write_parquet(table, staging / f"{name}.parquet")
        target.mkdir(exist_ok=True)
        for file in sorted(staging.iterdir()):
            os.replace(file, target / file.name)
    except OSError as error:
        raise InputError(f"cannot write here: {error.strerror or error}", given=str(target)) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def load_result(folder: str | Path) -> Result:
    """Read back a saved result (a folder, or its ``result.json``)."""
    path = Path(folder)
    path = path.parent if path.is_file() else path
    if not (path / "trace.json").is_file():
        raise InputError("no result here", given=str(folder), allowed="a folder that `gigawatt run` wrote")
    try:
        answer = json.loads((path / "result.json").read_text(encoding="utf-8"))
        trace = json.loads((path / "trace.json").read_text(encoding="utf-8"))
        rows = {k: Evidence(**{**v, "grade": Grade.read(v["grade"])}) for k, v in trace["rows"].items()}
        quantities = {
            name: Quantity(
                name=name,
                **{
                    **q,
                    "grade": Grade.read(q["grade"]),
                    "inputs": tuple(q["inputs"]),
                    "evidence": tuple(rows[key] for key in q["evidence"]),
                },
            )
            for name, q in trace["quantities"].items()
        }
        assumptions = tuple(
            Assumption(**{**a, "grade": Grade.read(a["grade"])}) for a in answer["assumptions"]
        )
        name, notices, run = answer["name"], tuple(answer["notices"]), answer["run"]
        _check_types(quantities, rows, assumptions, [name, *notices])
        if not isinstance(run, dict):
            raise TypeError("nothing is known of the run")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
        raise InputError("this result cannot be read", file=path, given=str(error)) from None
    tables = {file.stem: read_parquet(file) for file in sorted(path.glob("*.parquet"))}
    return Result(name, quantities, tables, notices, assumptions, run)


def _check_types(
    quantities: Mapping[str, Quantity],
    rows: Mapping[str, Evidence],
    assumptions: Iterable[Assumption],
    texts: list[Any],
) -> None:
    """Raise ``TypeError`` where what was stored is of another kind than what a result has."""
    for q in quantities.values():
        texts += [q.unit, q.summary, q.formula, q.origin, q.where, q.reason, q.written, *q.inputs]
        if not (q.value is None or isinstance(q.value, bool | int | float | str)):
            raise TypeError(f"{q.name} holds no value")
        factor(str(q.unit))
    for row in rows.values():
        texts += [row.entity, row.quantity, row.unit, row.written, row.source_id, row.locator, row.note]
        texts.append(row.where)
        if any(number is not None and not isinstance(number, int | float) for number in (row.low, row.high)):
            raise TypeError(f"{row.quantity} of {row.entity} is no number")
    for one in assumptions:
        texts += [one.key, one.value, one.reason, one.source]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is missing")
