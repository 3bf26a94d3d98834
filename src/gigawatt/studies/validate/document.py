"""A scorecard as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.core.document import Again, Document
from gigawatt.faces.report.parts import rows_document, rows_grid
from gigawatt.studies.validate.cells import cell

__all__ = ["card_document"]


def card_document(
    table: str, card: Any, answer: Mapping[str, Any], again: Again, more: Any = None
) -> Document:
    """The groups of a scorecard with their errors."""
    columns, lines = card.to_table()
    rows = [[cell(name, value) for name, value in zip(columns, line, strict=True)] for line in lines]
    heads = [name.replace("_", " ") for name in columns]
    return rows_document(f"Scorecard of {table}", again, rows_grid("", heads, rows))
