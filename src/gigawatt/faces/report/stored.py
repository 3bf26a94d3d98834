"""The report of what lies in a folder: a result, or a study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gigawatt.core.checks import check_word
from gigawatt.core.document import Document
from gigawatt.core.errors import InputError
from gigawatt.core.record import FILE, read_record
from gigawatt.core.registry import find_study, studies
from gigawatt.core.store import load_result
from gigawatt.faces.report import html, markdown
from gigawatt.faces.report.files import read_study

__all__ = ["FORMATS", "Stored", "stored"]

FORMATS = ("html", "md")


@dataclass(frozen=True)
class Stored:
    """What a folder holds, as a document, and what its report is called without an ending."""

    folder: Path
    stem: str
    document: Document

    def text(self, form: str) -> str:
        """The report in one of :data:`FORMATS`; raises ``InputError`` for another."""
        check_word("format", form, FORMATS, "no such format")
        return html.page(self.document) if form == "html" else markdown.markdown(self.document)


def stored(folder: str | Path) -> Stored:
    """Read a folder that ``gigawatt run`` or a study wrote (or a file in it).

    Raises
    ------
    InputError
        Neither of the two, one that cannot be read, or a study that has no report.
    """
    path = Path(folder)
    path = path.parent if path.is_file() else path
    if (path / "trace.json").is_file():
        return Stored(path, "report", find_study("run").service("document")(load_result(path)))
    record = read_record(path)
    if record is None:
        raise InputError(
            "neither a result nor a study here", given=str(folder),
            allowed="a folder that `gigawatt run` or a study with --output wrote",
        )  # fmt: skip
    known = {study.name: study for study in studies() if study.report_stem}
    study = record["study"]
    if study not in known:
        raise InputError("this study has no report", file=path / FILE, given=study, allowed=list(known))
    try:
        made = read_study(path, record)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, OSError) as error:
        told = f"{type(error).__name__}: {error}"
        raise InputError("this study cannot be read", file=path, given=told) from None
    return Stored(path, known[study].report_stem, made)
