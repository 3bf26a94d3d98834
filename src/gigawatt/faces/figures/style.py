"""The house style: one palette for plants, parts and components, quiet axes, light and dark.

The hues are those of Okabe and Ito (2008, "Color Universal Design"), told apart with any kind of colour
vision; text and axes are a middle grey that reads on white and on black, and the report replaces it by
its own ink.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

__all__ = ["GRID", "INK", "NOT_SERVED", "colour", "empty", "finish", "on", "safe", "short", "translucent"]

INK = "#6e7681"
GRID = "rgba(128,134,142,0.25)"
_AXIS = {"gridcolor": GRID, "linecolor": GRID, "zerolinecolor": GRID, "automargin": True, "ticks": ""}
NOT_SERVED = "#c1121f"
CUT = "#e0a3a8"

_BLUE, _SKY, _GREEN, _AMBER = "#0072b2", "#56b4e9", "#009e73", "#e69f00"
_VERMILION, _PINK, _GREY, _VIOLET, _SAND = "#d55e00", "#cc79a7", "#8c929a", "#6a51a3", "#b8a13a"

#: What a name begins with or holds → its colour. The first that fits counts.
_COLOURS: tuple[tuple[str, str], ...] = (
    ("memory bandwidth", _SKY),
    ("memory capacity", "#8ecae6"),
    ("flop/s", _BLUE),
    ("accelerators in a domain", _SAND),
    ("power cap", _GREEN),
    ("mean time between failures", _VIOLET),
    ("latency of the links", _AMBER),
    ("interconnect bandwidth", _VERMILION),
    ("interconnect latency", _AMBER),
    ("bandwidth inside", _VERMILION),
    ("bandwidth between", _VERMILION),
    ("pipeline bubble", _PINK),
    ("launch", _GREY),
    ("failures", _VIOLET),
    ("arithmetic", _BLUE),
    ("not served", NOT_SERVED),
    ("solar", _AMBER),
    ("wind", _SKY),
    ("battery", _PINK),
    ("storage", _PINK),
    ("gas", _VERMILION),
    ("coal", "#7a4a2b"),
    ("fission", _GREEN),
    ("nuclear", _GREEN),
    ("fusion", _VIOLET),
    ("reactor", _GREEN),
    ("space", _BLUE),
    ("grid", _GREY),
    ("dram", _SKY),
    ("sram", "#8ecae6"),
    ("idle", "#a9afb7"),
    ("scale up", _VERMILION),
    ("scale out", _AMBER),
    ("network", _SAND),
    ("node", _PINK),
    ("cooling", _GREEN),
    ("building", _GREEN),
    ("waiting", _VIOLET),
    ("weights", _BLUE),
    ("gradients", _SKY),
    ("optimizer", _VIOLET),
    ("activations", _AMBER),
    ("buffer", _SAND),
    ("logits", _GREEN),
    ("fragmentation", _PINK),
    ("reserve", _GREY),
    ("progress", _BLUE),
    ("checkpoint", _SKY),
    ("rework", _VERMILION),
    ("restart", _VIOLET),
    ("straggler", _AMBER),
    ("planned", _SAND),
    ("evaluation", _GREEN),
    ("chip", _BLUE),
    ("accelerator", _BLUE),
)
_SPARE = (_BLUE, _AMBER, _GREEN, _PINK, _SKY, _VERMILION, _VIOLET, _SAND)


def colour(name: str, number: int = 0) -> str:
    """The house colour of a plant, part or component; an unknown name takes one by ``number``."""
    words = str(name).replace("_", " ").replace("-", " ").lower()
    for key, hue in _COLOURS:
        if key in words:
            return hue
    return _SPARE[number % len(_SPARE)]


def on(hue: str) -> str:
    """Black or white, whichever reads better on a hex colour (relative luminance of WCAG 2, to a square)."""
    red, green, blue = (int(hue[i : i + 2], 16) / 255 for i in (1, 3, 5))
    luminance = 0.2126 * red**2 + 0.7152 * green**2 + 0.0722 * blue**2
    return "#10202c" if luminance > 0.25 else "#ffffff"


def translucent(hue: str, alpha: float) -> str:
    """A hex colour as ``rgba``."""
    red, green, blue = (int(hue[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def short(values: Iterable[Any], digits: int = 5) -> list[float]:
    """Numbers of a trace to ``digits`` significant digits: what a picture can show."""
    return [float(f"{float(value):.{digits}g}") for value in values]


def safe(text: object, most: int = 30) -> str:
    """A name from outside as text of a figure: not too long, and without tags, which plotly would read."""
    words = str(text)
    return html.escape(words if len(words) <= most else f"{words[: most - 1]}…", quote=False)


def finish(figure: Any, *, title: str, height: int, x: str = "", y: str = "", legend: bool = False) -> Any:
    """Give a figure the house's fonts, margins and axes.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place and returned.
    title : str
        What it shows; the report puts its own caption instead.
    height : int
        Pixels.
    x, y : str
        Axis titles with units.
    legend : bool
        Whether a legend stands above the plot.
    """
    house: dict[str, Any] = {
        "title": {
            "text": title,
            "font": {"size": 15},
            "x": 0,
            "xref": "paper",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 12},
        },
        "template": "none",
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {
            "family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
            "size": 13,
            "color": INK,
        },
        "margin": {"l": 12, "r": 16, "t": 74 if legend else 44, "b": 12},
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.01,
            "yanchor": "bottom",
            "traceorder": "normal",
            "font": {"size": 12},
        },
        "bargap": 0.32,
        "hoverlabel": {"font": {"size": 13}},
        "separators": ".,",
    }
    for name in figure.layout:
        if name.startswith(("xaxis", "yaxis")):
            words = x if name.startswith("x") else y
            title_of = {"text": words, "standoff": 8} if words else {}
            house[name] = {"title": {"font": {"size": 13}, **title_of}, **_AXIS}
    # merged here and set whole: plotly's own update of each property takes ten times as long
    before = figure.layout.to_plotly_json()
    figure.update_layout(
        {name: _merged(before.get(name), one) for name, one in house.items()}, overwrite=True
    )
    return figure


def _merged(before: Any, new: Any) -> Any:
    """A property of a layout with what is new in it."""
    if not isinstance(before, dict) or not isinstance(new, dict):
        return new
    return before | {name: _merged(before.get(name), one) for name, one in new.items()}


def empty(title: str, words: str) -> Any:
    """A figure that says in words why there is nothing to draw."""
    import plotly.graph_objects as go

    figure = finish(go.Figure(), title=title, height=140)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=safe(words), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False)
    return figure
