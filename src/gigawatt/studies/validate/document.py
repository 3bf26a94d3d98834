"""A scorecard as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.core.document import Again, Document
from gigawatt.faces.report.parts import rows_document, rows_grid
from gigawatt.studies.validate.cells import cell

__all__ = ["card_document"]


def card_document(answer: Mapping[str, Any], again: Again, more: Any = None) -> Document:
    """The groups of a scorecard with their errors, the whole last."""
    whole = {"group": "all", **answer["overall"]}
    groups = [*answer["groups"], whole]
    keys = dict.fromkeys(key for one in groups for key in one)
    names = [key for key in keys if any(_single(one.get(key)) for one in groups)]
    rows = [[cell(name, one.get(name)) for name in names] for one in groups]
    heads = [name.replace("_", " ") for name in names]
    return rows_document(f"Scorecard of {answer['table']}", again, rows_grid("", heads, rows))


def _single(value: object) -> bool:
    return value is not None and not isinstance(value, list | dict)
