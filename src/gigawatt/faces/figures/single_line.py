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
    shapes, texts = list[dict[str, Any]](), list[dict[str, Any]]()  # set at once: each alone takes 5 ms
    middle = (max(len(sources), 1) - 1) / 2.0
    line = {"color": INK, "width": 2}

    def text(x: float, y: float, words: str, *, right: bool = False) -> None:
        side = "left" if right else "center"
        texts.append(
            {"x": x, "y": y, "text": words, "showarrow": False, "align": side, "xanchor": side,
             "font": {"size": 12}}
        )  # fmt: skip

    def shape(kind: str, x: tuple[float, float], y: tuple[float, float], line: Mapping[str, Any]) -> None:
        shapes.append({"type": kind, "x0": x[0], "x1": x[1], "y0": y[0], "y1": y[1], "line": line})

    for k, row in enumerate(sources):
        x, y, hue = k - middle, _STEP, colour(str(row["stage"]), k)
        kind = "rect" if row["stage"] == "grid" else "circle"
        shape(kind, (x - _R, x + _R), (y - _R, y + _R), {"color": hue, "width": 3})
        shape("line", (x, x), (0.0, y - _R), line)
        text(x, y + 0.55, "<br>".join([safe(row["name"]), _units(row), *_rated(row)]))
    shape("line", (-middle - 0.45, middle + 0.45), (0.0, 0.0), {"color": INK, "width": 6})
    text(middle + 0.5, 0.0, "bus of the campus", right=True)
    for k, row in enumerate(stages, 1):
        y = -k * _STEP
        shape("line", (0.0, 0.0), (y + _R, y + _STEP - (_R if k > 1 else 0.0)), line)
        if row["stage"] in ("substation", "transformer"):
            for low in (-1.0, 0.0):
                shape("circle", (-_R * 0.7, _R * 0.7), (y + low * _R, y + (low + 1.0) * _R), line)
        else:
            shape("rect", (-_R, _R), (y - _R, y + _R), line)
        carried = with_unit(row["power [MW]"], "MW")
        text(0.3, y, f"{safe(row['name'])}: {', '.join([_units(row), *_rated(row)])}<br>"
             f"for {carried}, {safe(row['follows'])}",
             right=True)  # fmt: skip
    figure: Any = go.Figure(layout={"shapes": shapes, "annotations": texts})
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
