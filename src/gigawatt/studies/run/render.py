"""A result as one HTML page, and as a short page for notebooks."""

from __future__ import annotations

from gigawatt.core.result import Result
from gigawatt.faces.report import html
from gigawatt.faces.report.notebook import notebook as fragment
from gigawatt.studies.run.document import document

__all__ = ["notebook", "render"]


def render(result: Result) -> str:
    """The report of a result: one HTML document that needs nothing but itself."""
    return html.page(document(result))


def notebook(result: Result) -> str:
    """A short summary for notebooks, no scripts."""
    return fragment(document(result))
