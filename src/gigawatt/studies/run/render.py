"""A result as one HTML page, as Markdown, and as a short page for notebooks."""

from __future__ import annotations

from gigawatt.core.document import Document
from gigawatt.core.result import Result
from gigawatt.faces.report import html, markdown
from gigawatt.faces.report.notebook import notebook as fragment
from gigawatt.studies.run.document import document

__all__ = ["notebook", "render", "render_files", "render_markdown"]


def render(result: Result) -> str:
    """The report of a result: one HTML document that needs nothing but itself."""
    return html.page(document(result))


def render_markdown(result: Result) -> str:
    """The same report as GitHub-flavoured Markdown."""
    return markdown.markdown(document(result))


def render_files(said: Document) -> dict[str, str]:
    """``report.html`` and ``report.md`` of the document of a result."""
    return {"report.html": html.page(said), "report.md": markdown.markdown(said)}


def notebook(result: Result) -> str:
    """A short summary for notebooks, no scripts."""
    return fragment(document(result))
