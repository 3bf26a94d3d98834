"""A result as one HTML page, as Markdown, and as a short page for notebooks."""

from __future__ import annotations

from gigawatt.core.result import Result
from gigawatt.faces.report import html, markdown
from gigawatt.studies.run import grids
from gigawatt.studies.run.document import document, setting
from gigawatt.studies.run.words import sentences

__all__ = ["notebook", "render", "render_files", "render_markdown"]


def render(result: Result) -> str:
    """The report of a result: one HTML document that needs nothing but itself."""
    return html.page(document(result))


def render_markdown(result: Result) -> str:
    """The same report as GitHub-flavoured Markdown."""
    return markdown.markdown(document(result))


def render_files(result: Result) -> dict[str, str]:
    """``report.html`` and ``report.md`` of a result."""
    made = document(result)
    return {"report.html": html.page(made), "report.md": markdown.markdown(made)}


def notebook(result: Result) -> str:
    """A short summary for notebooks: sentences, key figures, breakdown and figures of a token; no scripts."""
    return (
        html.environment()
        .get_template("notebook.html.j2")
        .render(
            name=result.name,
            setting=setting(result),
            sentences=sentences(result),
            notices=result.notices,
            cards=grids.cards(result),
            tables=[
                grid
                for n in ("breakdown", "plants", "per_token")
                if (grid := grids.table(result, n)) is not None
            ],
            assumed=len(result.assumptions),
        )
    )
