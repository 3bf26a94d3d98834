"""From what a view has to HTML: one environment of templates, figures as data beside their captions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gigawatt.core.document import Document, Drawing
from gigawatt.faces.report.html import glued, script_safe
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.views import view_of, views_of

__all__ = [
    "Plot", "document_fragment", "environment", "fragment", "not_of_it", "pictured", "plot",
]  # fmt: skip


@dataclass(frozen=True)
class Plot:
    """A figure in the page: its data as JSON, what it shows in words, pixels high."""

    name: str
    caption: str
    height: int
    data: str


def plot(name: str, figure: Any, caption: str) -> Plot:
    """A plotly figure for the page, its caption in place of its title.

    Parameters
    ----------
    name : str
        Unique in the page.
    figure : plotly.graph_objects.Figure
        Changed in place.
    caption : str
        What it shows, for those who do not see it too.
    """
    top, height = figure.layout.margin.t, figure.layout.height or 380
    if figure.layout.title.text:
        top, height = (top or 44) - 30, height - 30
    figure.update_layout(title=None, margin={"t": top}, height=height)
    return Plot(name, caption, int(height), script_safe(figure.to_json()))


def pictured(drawing: Drawing, prefix: str = "") -> Plot:
    """A drawing of a document for the page; ``prefix`` makes its name unique there."""
    return Plot(f"{prefix}{drawing.name}", drawing.caption, drawing.height, script_safe(drawing.plotly))


@lru_cache(maxsize=1)
def environment() -> Any:
    """Templates of the page, and those of the report under ``report/``."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

    loader = ChoiceLoader(
        [
            PackageLoader("gigawatt.faces.web"),
            PrefixLoader({"report": PackageLoader("gigawatt.faces.report")}),
        ]
    )
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"glued": glued, "pictured": pictured}
    return made


def fragment(template: str, *, title: str = "", **context: Any) -> Fragment:
    """A view's template with what it has, as the fragment that the page takes in."""
    return Fragment(environment().get_template(template).render(**context), title)


def document_fragment(document: Document, prefix: str = "", query: str | None = None) -> Fragment:
    """A whole document as a fragment of the page; ``prefix`` makes its names unique there.

    ``query`` is that of the question whose numbers its cards are: each then says why it is so.
    """
    return fragment(
        "document_page.html.j2", title=document.title, document=document, prefix=prefix, query=query
    )


def not_of_it(asked: Asked) -> Fragment:
    """What stands in place of a view that is of other branches than the scenario."""
    state, view = asked.state, view_of(asked.question.view)
    others = [one for one in views_of(state.branch) if one.asks]
    return fragment("not_of_it.html.j2", title=view.title, view=view, others=others, query=state.query())
