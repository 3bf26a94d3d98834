"""Published claims, and what a hybrid machine supposes, as documents of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gigawatt.core.document import Again, Document, Section, Text
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.report.parts import rows_document, rows_grid

__all__ = ["audit_document", "claims_document", "claims_of", "needs_document", "ratio_document"]

_DIGITS = 4


def claims_of(ids: Sequence[str]) -> list[dict[str, Any]]:
    """Published rows that can be audited: id, machine, what is claimed."""
    from gigawatt.catalog.loader import entity

    rows: list[dict[str, Any]] = []
    for id in ids:
        row = entity("technologies_published", id)
        shown = next(iter(row.rows()))
        claim = f"{significant(float(shown.written), _DIGITS)} {shown.unit}".strip()
        rows.append({"id": id, "name": row.text("name"), "metric": row.text("metric"), "claim": claim})
    return rows


def claims_document(answer: Mapping[str, Any], again: Again, more: Any = None) -> Document:
    """The claims as a table."""
    rows = [tuple(row.values()) for row in answer["rows"]]
    return rows_document("Published claims", again, rows_grid("", ("id", "machine", "claim", "value"), rows))


def ratio_document(answer: Mapping[str, Any], again: Again, more: Any = None) -> Document:
    """One claim over another."""
    words = f"{answer['id']} over {answer['against']}: {significant(answer['ratio'], _DIGITS)}"
    return Document(words, "", (), again)


def audit_document(answer: Mapping[str, Any], again: Again, more: Any = None) -> Document:
    """What remains of a claim, sentence by sentence."""
    grid = rows_grid(
        "", ("", ""),
        [("scope", answer["scope"]), ("counts", answer["included"]), ("leaves out", answer["left_out"]),
         ("source", f"{answer['source']} ({answer['grade']})")],
    )  # fmt: skip
    said = Section("said", "What remains of it", tuple(map(Text, answer["said"])))
    claim = Section("claim", "The claim", (grid,))
    return Document(
        f"{answer['name']}: {answer['claim']}", "", (), again, sections=(claim, said), short=("claim", "said")
    )


def needs_document(answer: Mapping[str, Any], again: Again, more: Any = None) -> Document:
    """Suppositions beside what is published today, and what each rests on."""
    found = answer["rows"]
    rows = [
        (one["what"], *(significant(one[key], _DIGITS) for key in ("supposed", "today")), one["unit"],
         significant(one["factor"], _DIGITS))
        for one in found
    ]  # fmt: skip
    basis = tuple(
        f"{', '.join(one['what'] for one in found if one['basis'] == words)}: {words}"
        for words in dict.fromkeys(one["basis"] for one in found)
    )
    grid = rows_grid("", ("what", "supposed", "today", "unit", "times"), rows)
    return rows_document("What the machine supposes", again, grid, paragraphs=basis)
