"""One page of a plant that is known by its physics: its sheet and its figures, light and dark."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

from gigawatt.figures.page import PAGE, grid
from gigawatt.figures.readable import with_unit
from gigawatt.figures.style import safe
from gigawatt.quantities import show

__all__ = ["drawings", "line_value", "page", "setting_value"]

Curves = Mapping[str, Mapping[str, Any]]
Drawing = Callable[[Mapping[str, Any]], Any]
_TITLE = 30
_EXPONENT = 1e12
"""Above it a number has an exponent."""


def drawings(curves: Curves) -> dict[str, tuple[Any, str]]:
    """Name → (figure, caption) of the curves that can be drawn, in their order."""
    from gigawatt.figures.plant_curves import DRAWINGS

    return {
        name: (DRAWINGS[name][0](values), DRAWINGS[name][1])
        for name, values in curves.items()
        if name in DRAWINGS
    }


def page(sheet: Mapping[str, Any], curves: Curves) -> str:
    """One self-contained page: the lines of the sheet by section, the figures, what was assumed.

    ``sheet`` is the document that ``gigawatt plant --json`` prints, ``curves`` what the plant's module gives.
    """
    title = safe(f"{sheet['plant']}, design {sheet['design']}, in {sheet['year']:.0f}", 120)
    body = [f"<h1>{title}</h1>"]
    for section in dict.fromkeys(line["section"] for line in sheet["lines"]):
        rows = [
            (line["label"], line_value(line["value"], line["unit"]), line["note"])
            for line in sheet["lines"]
            if line["section"] == section
        ]
        table = grid(("", "", ""), rows)
        body.append(f'<h2>{html.escape(section)}</h2><div class="assumed">{table}</div>')
    for number, (figure, caption) in enumerate(drawings(curves).values()):
        heading = figure.layout.title.text
        top, height = figure.layout.margin.t - _TITLE, figure.layout.height - _TITLE
        figure.update_layout(title=None, margin={"t": top}, height=height)
        plot = figure.to_html(
            full_html=False,
            include_plotlyjs=number == 0,
            default_width="100%",
            config={"displayModeBar": False, "responsive": True},
        )
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


def line_value(value: float | str | None, unit: str) -> str:
    """A value of a line as a person reads it, with its unit."""
    if value is None or (isinstance(value, float) and value == float("inf")):
        return "no end"
    if isinstance(value, str):
        return f"{value} {unit}".strip()
    if abs(value) >= _EXPONENT:
        return f"{value:.3g} {unit}"
    return with_unit(value, unit)


def setting_value(value: float | str, unit: str) -> str:
    """A setting, which is SI, as a number of its unit; angles of unit ``deg`` are in degrees already."""
    if isinstance(value, str):
        return value
    if unit in ("", "1", "deg"):
        return f"{value:,.4g}"
    return show(value, unit).removesuffix(unit).strip()
