"""The single line of a campus: plants and connection on top, a bus, and the stages down to the racks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.figures.style import INK, colour, empty, finish, safe

__all__ = ["single_line"]

_STAGES = ("substation", "transformer", "ups", "racks")
_STEP, _R = 1.0, 0.16


def single_line(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Draw rows of the table ``capacity_chain``, in the order in which power flows."""
    import plotly.graph_objects as go

    sources = [row for row in rows if row["stage"] not in _STAGES]
    stages = [row for row in rows if row["stage"] in _STAGES]
    if not rows:
        return empty("Single line", "no stage is known")
    figure: Any = go.Figure()
    middle = (max(len(sources), 1) - 1) / 2.0
    line = {"color": INK, "width": 2}

    def text(x: float, y: float, words: str, *, right: bool = False) -> None:
        figure.add_annotation(x=x, y=y, text=words, showarrow=False, align="left" if right else "center",
                              xanchor="left" if right else "center", font={"size": 12})  # fmt: skip

    for k, row in enumerate(sources):
        x, y, hue = k - middle, _STEP, colour(str(row["stage"]), k)
        kind = "rect" if row["stage"] == "grid" else "circle"
        figure.add_shape(type=kind, x0=x - _R, x1=x + _R, y0=y - _R, y1=y + _R,
                         line={"color": hue, "width": 3})  # fmt: skip
        figure.add_shape(type="line", x0=x, x1=x, y0=0.0, y1=y - _R, line=line)
        text(x, y + 0.55, "<br>".join([safe(row["name"]), _units(row), *_rated(row)]))
    figure.add_shape(type="line", x0=-middle - 0.45, x1=middle + 0.45, y0=0.0, y1=0.0,
                     line={"color": INK, "width": 6})  # fmt: skip
    text(middle + 0.5, 0.0, "bus of the campus", right=True)
    for k, row in enumerate(stages, 1):
        y = -k * _STEP
        figure.add_shape(
            type="line", x0=0.0, x1=0.0, y0=y + _R, y1=y + _STEP - (_R if k > 1 else 0.0), line=line
        )
        if row["stage"] in ("substation", "transformer"):
            for low in (-1.0, 0.0):
                figure.add_shape(type="circle", x0=-_R * 0.7, x1=_R * 0.7, y0=y + low * _R,
                                 y1=y + (low + 1.0) * _R,
                                 line=line)  # fmt: skip
        else:
            figure.add_shape(type="rect", x0=-_R, x1=_R, y0=y - _R, y1=y + _R, line=line)
        carried = with_unit(row["power [MW]"], "MW")
        text(0.3, y, f"{safe(row['name'])}: {', '.join([_units(row), *_rated(row)])}<br>"
             f"for {carried}, {safe(row['follows'])}",
             right=True)  # fmt: skip
    figure.add_scatter(x=[-middle - 0.8, middle + 2.2], y=[2.1, -len(stages) - 0.4], mode="markers",
                       marker={"opacity": 0}, hoverinfo="skip", showlegend=False)  # fmt: skip
    finish(figure, title="Single line", height=150 + 75 * (len(stages) + 2))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def _units(row: Mapping[str, Any]) -> str:
    spare = f" + {row['spare']:,}" if row["spare"] else ""
    paths = f"{row['paths']} × " if row["paths"] > 1 else ""
    units = f"({row['units']:,}{spare})" if spare else f"{row['units']:,}"
    return f"{paths}{units} × {significant(row['unit [MVA]'])} MVA"


def _rated(row: Mapping[str, Any]) -> list[str]:
    """What all units are rated for, where there are several."""
    several = (row["units"] + row["spare"]) * row["paths"] > 1
    return [f"{significant(row['installed [MVA]'])} MVA in all"] if several else []
