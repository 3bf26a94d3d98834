"""A result as one HTML page, as Markdown, and as a short page for notebooks."""

from __future__ import annotations

from gigawatt.report import grids, html, markdown
from gigawatt.report.result import document, setting
from gigawatt.report.words import sentences
from gigawatt.study.result import Result

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
