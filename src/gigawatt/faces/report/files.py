"""What is written of an answer: its data, its record, its report, its tables; and the same read again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.core.document import Document
from gigawatt.core.record import FILE, again_of
from gigawatt.core.registry import find_study
from gigawatt.core.study import resolve
from gigawatt.faces.report import html, markdown

__all__ = ["answer_files", "csv_text", "read_study", "write_answer"]


def csv_text(table: Sequence[Mapping[str, Any]] | Mapping[str, Iterable[Any]]) -> str:
    """A table as CSV: rows, or columns by name.

    Nested keys are joined by dots, those of a list by their place; the heads are those of all rows. What is
    ``None`` or no number is left empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if isinstance(table, Mapping):
        writer.writerow(table)
        writer.writerows(map(_cells, zip(*map(_plain, table.values()), strict=True)))
    else:
        rows = [_flat(row) for row in table]
        heads = list(dict.fromkeys(key for row in rows for key in row))
        writer.writerow(heads)
        writer.writerows(_cells(row.get(head) for head in heads) for row in rows)
    return text.getvalue()


def _plain(column: Any) -> Iterable[Any]:
    return column.tolist() if hasattr(column, "tolist") else column


def _cells(row: Iterable[Any]) -> list[Any]:
    return ["" if value is None or value != value else value for value in row]


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{key}.")
        elif isinstance(value, list):
            for place, one in enumerate(value):
                found |= _flat(one if isinstance(one, Mapping) else {"": one}, f"{before}{key}.{place}.")
        else:
            found[f"{before}{key}"] = value
    return found


def answer_files(answer: Answer) -> dict[str, str]:
    """File name → text: the data and the record as JSON, the report as HTML and Markdown, tables as CSV."""
    study = answer.study
    files = {study.answer_file: answer.text}
    if not answer.sealed:
        files[FILE] = json.dumps(answer.record, indent=1) + "\n"
    if study.report_stem:
        files[f"{study.report_stem}.html"] = html.page(answer.document)
        files[f"{study.report_stem}.md"] = markdown.markdown(answer.document)
    files |= {name: text() for name, text in answer.texts.items()}
    tables = {name: rows() for name, rows in answer.files.items()}
    return files | {f"{name}.csv": csv_text(rows) for name, rows in tables.items() if rows}


def write_answer(folder: str | Path, answer: Answer) -> tuple[str, ...]:
    """Write everything of an answer into a folder, all or nothing; returns the names of the files.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    from gigawatt.core.store import write_files

    tables: dict[str, Any] = {}
    if answer.parquet:
        import pandas as pd

        tables = {name: pd.DataFrame(table()) for name, table in answer.parquet.items()}
    files = answer_files(answer)
    write_files(folder, files, tables, record=answer.sealed)
    return (*files, *answer.sealed, *(f"{name}.parquet" for name in tables))


def read_study(folder: Path, record: Mapping[str, Any]) -> Document:
    """The document of a stored study; raises ``KeyError`` or ``ValueError`` for what is none."""
    study = find_study(record["study"])
    data = json.loads((folder / study.answer_file).read_text(encoding="utf-8"))
    kind = record.get("kind", "")
    if kind:
        return resolve(study.documents[kind])(data, again_of(record), None)
    more = resolve(study.more)(folder) if study.more else None
    return resolve(study.document)(data, again_of(record), more)
