"""Figures as parts of a document: the title becomes the caption, what is drawn stands in a table too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gigawatt.core.document import Cell, Drawing, Grid, Picture
from gigawatt.faces.figures.readable import significant

__all__ = ["drawn", "table_of"]

_TITLE = 30
"""Pixels of a figure's own title, for which its caption stands."""
_MOST = 40
"""Points of a curve that its table has; of more every second, third … stands there, and the last."""


def drawn(
    name: str,
    figure: Callable[[], Any],
    caption: str,
    *,
    captioned: bool = True,
    table: bool = False,
    titled: bool = True,
) -> Drawing:
    """A plotly figure as part of a document; with a ``table`` of what it draws where no other has it.

    Its title goes before the caption, unless the caption says the same or it is not ``titled``. The figure
    is called, and plotly imported, when a writer needs it.
    """

    def draw() -> Picture:
        made = figure()
        title = " ".join(_plain(made.layout.title.text or "").split()).rstrip(".")
        if not titled or title.lower() in caption.lower():
            title = ""
        numbers = table_of(made, caption) if table else None
        top = made.layout.margin.t - _TITLE
        height = made.layout.height - _TITLE
        made.update_layout(title=None, margin={"t": top}, height=height)
        return Picture(height, made.to_json(), table=numbers, title=title)

    return Drawing(name, caption, draw, captioned)


def _axis(axis: Any, other: str) -> str:
    text = axis.title.text if axis is not None else None
    return _plain(text) if text else other


def _plain(text: str) -> str:
    """A plotly text without its tags and entities."""
    import html
    import re

    return html.unescape(re.sub(r"<[^>]*>", " ", text))


def _values(column: Any) -> list[Any]:
    """What a trace holds, as a list; plotly keeps some as typed arrays."""
    return [] if column is None else list(column)


def _number(value: Any) -> bool:
    return (not isinstance(value, str | bool) and isinstance(value, int | float)) or hasattr(value, "dtype")


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return _plain(value)
    number = float(value)
    if not math.isfinite(number):
        return "–"
    years = number.is_integer() and 1900 <= number <= 2200
    return f"{number:.0f}" if years else significant(number, 4)


def _thinned(count: int) -> list[int]:
    """Places of at most :data:`_MOST` points, with the first and the last."""
    if count <= _MOST:
        return list(range(count))
    step = math.ceil(count / (_MOST - 1))
    places = list(range(0, count, step))
    return places if places[-1] == count - 1 else [*places, count - 1]


def table_of(figure: Any, caption: str) -> Grid | None:
    """The numbers of bars and curves as a table: one row a place, one column a trace.

    Traces over the same places share the rows; of a filled band, whose outline goes forth and
    back, nothing is taken. ``None`` where a figure has none of these, such as parallel coordinates.
    """
    sheet: dict[str, dict[int, str]] = {}
    columns: list[str] = []
    for trace in figure.data:
        across = getattr(trace, "orientation", None) == "h"
        if trace.type not in ("bar", "scatter", "scattergl", "waterfall") or _is_outline(trace):
            continue
        places, values = _values(trace.y if across else trace.x), _values(trace.x if across else trace.y)
        if not places or not values:
            continue
        if trace.type == "waterfall":
            places = _values(trace.customdata) or places
        if trace.type == "bar" and trace.base is not None:
            base = trace.base if not isinstance(trace.base, Sequence) and _number(trace.base) else None
            shown = _values(trace.customdata)
            if base is None or len(shown) != len(values):
                continue
            values = shown
        number = len(columns)
        columns.append(_plain(trace.name or ""))
        several = list(zip(places, values, strict=False))
        for i in _thinned(len(several)):
            sheet.setdefault(_text(several[i][0]), {})[number] = _text(several[i][1])
    if not columns:
        return None
    across = any(getattr(trace, "orientation", None) == "h" for trace in figure.data)
    x, y = _axis(figure.layout.xaxis, ""), _axis(figure.layout.yaxis, "")
    place, value = (y, x) if across else (x, y)
    heads = [name or value or "value" for name in columns]
    unit = f", {value}" if value and any(columns) else ""
    rows = tuple(
        (Cell(key), *(Cell(row.get(number, "–")) for number in range(len(columns))))
        for key, row in list(sheet.items())[: 3 * _MOST]
    )
    numeric = (_all_numbers(list(sheet)), *(True for _ in columns))
    return Grid(f"What the figure draws{unit}: {caption}", (place, *heads), numeric, rows)


def _all_numbers(texts: Sequence[str]) -> bool:
    return all(text and (text[0].isdigit() or text[0] in "–−-") for text in texts)


def _is_outline(trace: Any) -> bool:
    return getattr(trace, "fill", None) == "toself"
