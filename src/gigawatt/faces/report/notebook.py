"""The head of a document as a fragment of HTML, for notebooks; no scripts."""

from __future__ import annotations

from gigawatt.core.document import Document
from gigawatt.faces.report.html import environment

__all__ = ["notebook"]


def notebook(document: Document) -> str:
    """Title, sentences, key figures, notices and the tables of the short form."""
    grids = [grid for section in document.head for grid in section.grids]
    assumed = 0 if document.assumptions is None else len(document.assumptions.rows)
    return (
        environment()
        .get_template("notebook.html.j2")
        .render(document=document, tables=grids, assumed=assumed)
    )
