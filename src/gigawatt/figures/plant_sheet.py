"""One page of a plant that is known by its physics: its sheet and its figures, light and dark."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.figures.page import PAGE, grid
from gigawatt.figures.readable import significant
from gigawatt.figures.style import safe

__all__ = ["page"]

Curves = Mapping[str, Mapping[str, Any]]
Drawing = Callable[[Mapping[str, Any]], Any]
_TITLE = 30


def page(sheet: Mapping[str, Any], curves: Curves) -> str:
    """One self-contained page: the lines of the sheet by section, the figures, what was assumed.

    ``sheet`` is the document that ``gigawatt plant --json`` prints, ``curves`` what the plant's module gives.
    """
    from gigawatt.figures.plant_curves import DRAWINGS

    title = safe(f"{sheet['plant']}, design {sheet['design']}, in {sheet['year']:.0f}", 120)
    body = [f"<h1>{title}</h1>"]
    for section in dict.fromkeys(line["section"] for line in sheet["lines"]):
        rows = [
            (line["label"], f"{_shown(line['value'])} {line['unit']}".strip(), line["note"])
            for line in sheet["lines"]
            if line["section"] == section
        ]
        table = grid(("", "", ""), rows)
        body.append(f'<h2>{html.escape(section)}</h2><div class="assumed">{table}</div>')
    first = True
    for name, values in curves.items():
        if name not in DRAWINGS:
            continue
        draw, caption = DRAWINGS[name]
        figure = draw(values)
        heading = figure.layout.title.text
        top, height = figure.layout.margin.t - _TITLE, figure.layout.height - _TITLE
        figure.update_layout(title=None, margin={"t": top}, height=height)
        plot = figure.to_html(
            full_html=False,
            include_plotlyjs=first,
            default_width="100%",
            config={"displayModeBar": False, "responsive": True},
        )
        first = False
        body.append(
            f"<h2>{heading}</h2><figure>{plot}<figcaption>{html.escape(caption)}</figcaption></figure>"
        )
    body.append("<h2>Assumed</h2>")
    assumed = grid(
        ("what", "value", "grade", "why"),
        [(one["key"], one["value"], one["grade"], one["reason"]) for one in sheet["assumptions"]],
    )
    body.append(f'<div class="assumed">{assumed}</div>')
    return PAGE.format(title=title, body="\n".join(body))


def _shown(value: float | str | None) -> str:
    if value is None:
        return "no end"
    return value if isinstance(value, str) else significant(value)
