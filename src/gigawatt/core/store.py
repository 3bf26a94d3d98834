"""A result on disk: JSON and Parquet, each file written whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import hashlib
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.exchange import exchanged
from gigawatt.core.formula import put_in
from gigawatt.core.quantities import factor
from gigawatt.core.result import Quantity, Result

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

__all__ = [
    "as_json",
    "load_result",
    "plain",
    "save_result",
    "table_as_data",
    "trace_text",
    "writable",
    "write_beside",
    "write_files",
    "write_parquet",
]


_WEEK = 168
"""Rows of a table of a week's hours, which is no small one."""
_LEFT = 10.0
"""Seconds after which a hidden folder that nobody holds is one that a killed process left."""


def as_json(result: Result) -> dict[str, Any]:
    """The machine-readable answer: quantities in their shown unit, small tables, notices, assumptions."""
    small = {name: table for name, table in result.tables.items() if len(table) < _WEEK}
    return {
        "name": result.name,
        "quantities": {
            q.name: {
                "value": plain(q.shown),
                "unit": q.unit,
                "grade": q.label,
                "what": q.summary,
                "code": q.code,
            }
            for q in result.quantities.values()
        },
        "tables": {name: _records(table) for name, table in small.items()},
        "notices": list(result.notices),
        "assumptions": [one.to_json() for one in result.assumptions],
        "run": dict(result.run),
    }


def table_as_data(result: Result, name: str) -> dict[str, Any]:
    """A table of a result, however long: columns with their units, and rows of plain values.

    Raises
    ------
    InputError
        The result has no such table: with the nearest.
    """
    table = result.tables.get(name)
    if table is None:
        known = [str(one) for one in result.tables]
        raise InputError(
            "no such table", key="table", given=name, allowed=known, nearest=nearest(name, known)
        )
    frame = table if table.index.name is None else table.reset_index()
    columns = [
        {"name": stem, "unit": unit.removesuffix("]")}
        for stem, _, unit in (str(column).partition(" [") for column in frame.columns)
    ]
    values = [[plain(value) for value in frame[column].tolist()] for column in frame.columns]
    return {"name": name, "columns": columns, "rows": [list(row) for row in zip(*values, strict=True)]}


def plain(value: Any) -> Any:
    """A value as JSON has it: numbers of NumPy as Python's, ``None`` for what is not finite, also inside."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    frame = table if table.index.name is None else table.reset_index()
    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict(orient="records")]


def write_parquet(table: pd.DataFrame, file: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Write a frame (index included where it has a name) as Parquet; ``OSError`` where that cannot be."""
    import duckdb

    frame = table if table.index.name is None else table.reset_index()
    frame = frame.rename(columns=str)
    for column in frame.columns:
        if frame[column].dtype == object or str(frame[column].dtype).startswith("str"):
            frame[column] = frame[column].astype(object)
    quoted = str(file).replace("'", "''")
    connection.register("frame", frame)
    try:
        connection.execute(f"COPY frame TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.IOException as error:  # a full disk
        raise OSError(str(error).split("\n")[0]) from None


def _write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Each as Parquet under its name, through one connection: opening one takes longer than a small table."""
    if not tables:
        return
    import duckdb

    with duckdb.connect() as connection:
        for name, table in tables.items():
            write_parquet(table, folder / f"{name}.parquet", connection)


def _read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every Parquet table of a folder by its name."""
    import duckdb

    found: dict[str, pd.DataFrame] = {}
    with duckdb.connect() as connection:
        for file in sorted(folder.glob("*.parquet")):
            try:
                table = connection.execute("SELECT * FROM read_parquet(?)", [str(file)]).df()
            except duckdb.Error as error:
                reason = str(error).split("\n")[0]
                raise InputError("this table cannot be read", file=file, given=reason) from None
            found[file.stem] = table
    return found


def trace_text(result: Result) -> str:
    """What ``gigawatt explain`` walks, as JSON: of each quantity its inputs, rows, code and expression."""
    return json.dumps(_trace(result), indent=1, allow_nan=False)


def _trace(result: Result) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = {}
    quantities: dict[str, Any] = {}
    for q in result.quantities.values():
        keys: list[str] = []
        for row in q.evidence:
            key = f"{row.where}:{row.quantity}"
            if key not in rows:  # a row stands behind hundreds of quantities
                rows[key] = {**dataclasses.asdict(row), "grade": row.grade.label}
            keys.append(key)
        quantities[q.name] = {
            "value": plain(q.value),
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
            "code": q.code,
            "method": q.method,
            "expression": q.expression,
            "terms": {text: value for text, value in q.terms.items() if math.isfinite(value)},
        }
    return {"quantities": quantities, "rows": rows}


def save_result(result: Result, folder: str | Path, extra: Mapping[str, str] | None = None) -> Path:
    """The folder into which a result was written, without a report; each file whole or not at all.

    Parameters
    ----------
    result : Result
        What is written.
    folder : path
        Made if needed; files of an earlier result of the same name are replaced.
    extra : mapping of file name to text, optional
        Further files that belong to the same result.

    Raises
    ------
    InputError
        The folder is a file, or cannot be written.
    """
    texts = {
        "result.json": json.dumps(as_json(result), indent=1, allow_nan=False),
        "trace.json": trace_text(result),
        **(extra or {}),
    }
    return write_files(folder, texts, result.tables, record={"run.json": result.run})


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
        raise InputError("cannot write here: not allowed", given=str(above), allowed="a writable folder")
    return target


def write_files(
    folder: str | Path,
    texts: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame] | None = None,
    *,
    record: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write texts by file name, and tables as Parquet by name, all or none.

    They are written out of sight and moved once all are whole, files of the same names replaced: in one step
    for a new folder and, on Linux, for one that is there (:mod:`~gigawatt.core.exchange`), elsewhere file by
    file. A process that was killed leaves at most a hidden folder beside, which the next writing takes away.

    Parameters
    ----------
    folder : path
        Made if needed.
    texts, tables : mapping
        By file name; by name without an ending.
    record : mapping of file name to document, optional
        JSON documents that get ``files``, the digest of every other file, and are moved last: by them a
        reader sees whether a kill between two files left some of one writing and some of another.

    Raises
    ------
    InputError
        That cannot be: no room, not allowed, a file in the place of the folder.
    """
    target = writable(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging, lock = _staging(target)
    except OSError as error:
        raise InputError(f"cannot write here: {error.strerror}", given=str(target)) from None
    whole = staging / target.name
    try:
        whole.mkdir()
        for name, text in texts.items():
            (whole / name).write_text(text, encoding="utf-8", newline="\n")
        _write_tables(tables or {}, whole)
        files = sorted(whole.iterdir())
        for name, document in (record or {}).items():
            digests = {"files": {file.name: _digest(file) for file in files}}
            text = json.dumps({**document, **digests}, indent=1, allow_nan=False)
            (whole / name).write_text(text, encoding="utf-8", newline="\n")
            files.append(whole / name)
        _move(whole, files, target)
    except OSError as error:
        raise InputError(f"cannot write here: {error.strerror or error}", given=str(target)) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if lock is not None:
            os.close(lock)
    return target


def write_beside(file: str | Path, text: str) -> Path:
    """Write one file into a folder that may hold a result; it appears whole or not at all.

    Where the folder's ``run.json`` keeps digests, that of this file is forgotten first and noted last, so
    that whoever reads the folder between the two finds nothing amiss.

    Raises
    ------
    InputError
        That cannot be: a folder in its place, no room, not allowed.
    """
    target = Path(file)
    if target.is_dir():
        raise InputError("a folder, not a file", given=str(target))
    writable(target.parent)
    beside = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        _note(target, None)
        os.replace(beside, target)
        _note(target, _digest(target))
    except OSError as error:
        raise InputError(f"cannot write here: {error.strerror or error}", given=str(target)) from None
    finally:
        beside.unlink(missing_ok=True)
    return target


def _note(file: Path, digest: str | None) -> None:
    """Put the digest of a file into the record of its folder, or take it out; nothing where none is kept."""
    record = file.parent / "run.json"
    try:
        document = json.loads(record.read_text(encoding="utf-8"))
        digests = dict(document["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return
    digests.pop(file.name, None)
    if digest is not None:
        digests[file.name] = digest
    beside = record.with_name(f".{record.name}-{os.getpid()}")
    try:
        beside.write_text(
            json.dumps({**document, "files": digests}, indent=1, allow_nan=False), encoding="utf-8"
        )
        os.replace(beside, record)
    finally:
        beside.unlink(missing_ok=True)


def _move(whole: Path, files: Iterable[Path], target: Path) -> None:
    """Put the files in their place: a folder of that name at once, else one by one."""
    if not target.exists():
        try:
            os.rename(whole, target)
        except OSError:  # somebody made it meanwhile
            if not target.is_dir():
                raise
        else:
            return
    if exchanged(whole, target):
        return
    for file in files:
        os.replace(file, target / file.name)


def _staging(target: Path) -> tuple[Path, int | None]:
    """A hidden folder on the disk of ``target``, and what holds it for this process alone."""
    place, prefix = target.parent, f".{target.name}-"
    if target.is_dir():
        apart = target.stat().st_dev != target.parent.stat().st_dev  # a mount: nothing moves across
        if apart or not os.access(target.parent, os.W_OK | os.X_OK):
            place, prefix = target, ".gigawatt-"
    _sweep(place, prefix)
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    return made, _hold(made)


def _hold(folder: Path) -> int | None:
    """An exclusive lock on a folder, gone with the process; ``None`` where there is none to be had."""
    try:
        import fcntl

        number = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        return None
    return number


def _sweep(place: Path, prefix: str) -> None:
    """Take away what killed processes left: hidden folders of this name that nobody holds."""
    for left in place.glob(f"{glob.escape(prefix)}*"):
        with contextlib.suppress(OSError):
            if left.is_dir() and time.time() - left.stat().st_mtime > _LEFT:
                lock = _hold(left)
                if lock is not None:
                    shutil.rmtree(left, ignore_errors=True)
                    os.close(lock)


def _digest(file: Path) -> str:
    return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()


def _check_files(folder: Path) -> None:
    """Refuse files of two writings; what was taken away, or never recorded, is nobody's business."""
    try:
        listed = json.loads((folder / "run.json").read_text(encoding="utf-8")).get("files", {})
        mixed = [
            name for name, digest in listed.items()
            if (folder / name).is_file() and _digest(folder / name) != digest
        ]  # fmt: skip
    except (OSError, ValueError, AttributeError, RecursionError):
        return
    if mixed:
        raise InputError(
            "these files are not all of one run: it was stopped between two of them, or they were changed",
            file=folder, given=", ".join(mixed), allowed="run it again",
        )  # fmt: skip


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
    except (KeyError, TypeError, ValueError, SyntaxError, AttributeError, RecursionError, OSError) as error:
        raise InputError("this result cannot be read", file=path, given=str(error)) from None
    tables = _read_tables(path)
    _check_files(path)
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
        texts += [q.code, q.method, q.expression, *q.terms]
        if not (q.value is None or isinstance(q.value, bool | int | float | str)):
            raise TypeError(f"{q.name} holds no value")
        if not all(isinstance(value, int | float) for value in q.terms.values()):
            raise TypeError(f"a term of {q.name} is no number")
        if q.expression:
            put_in(q.expression, {})  # a SyntaxError where it is none
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
