"""The head of a document as a fragment of HTML, for notebooks; no scripts."""

from __future__ import annotations

from gigawatt.core.document import Document, Tree
from gigawatt.faces.report.html import environment

__all__ = ["notebook"]


def notebook(document: Document) -> str:
    """Title, sentences, key figures, notices, the tables and trees of the short form."""
    parts = [
        part
        for section in document.head
        for part in (*(one for one in section.parts if isinstance(one, Tree)), *section.grids)
    ]
    assumed = 0 if document.assumptions is None else len(document.assumptions.rows)
    return (
        environment().get_template("notebook.html.j2").render(document=document, parts=parts, assumed=assumed)
    )
