"""Figures of an inverse question: what was looked at, how far limits are, where two sides cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gigawatt.faces.figures.style import INK, finish, safe

__all__ = ["crossing", "points", "room"]

Answer = Mapping[str, Any]
_DARK, _PALE, _OTHER = "#0072b2", "#8c929a", "#d55e00"


def _unit(unit: str) -> str:
    return "" if unit in ("", "1") else f" [{safe('%' if unit == 'percent' else unit)}]"


def _place(text: str) -> float | str:
    """A value as a number where its words begin with one and nothing but a unit follows, else its words."""
    head = text.split(" ")[0].replace(",", "")
    try:
        return float(head)
    except ValueError:
        return safe(text)


def _places(texts: Sequence[str]) -> list[Any]:
    """All as numbers, where every one is and their units are the same; else all as words."""
    found = [_place(text) for text in texts]
    units = {text.partition(" ")[2] for text in texts}
    if len(units) == 1 and all(isinstance(value, float) for value in found):
        return found
    return [safe(text) for text in texts]


def points(answer: Answer, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The objective of every point over the first unknown; ``None`` where all have the same.

    Parameters
    ----------
    answer : mapping
        What ``gigawatt solve --json`` prints.
    rows : sequence of mapping
        Those of its ``points`` that have an objective.
    """
    import plotly.graph_objects as go

    key, name = answer["unknowns"][0]["key"], answer["objective"]
    texts = [str(one["values"].get(key, "")) for one in rows]
    if len(set(texts)) < 2:
        return None
    places = _places(texts)
    figure: Any = go.Figure()
    for keeps, hue, words in ((False, _PALE, "misses a limit"), (True, _DARK, "meets every limit")):
        mine = [i for i, one in enumerate(rows) if (one["excess"] is None or one["excess"] <= 1e-6) == keeps]
        if mine:
            figure.add_scatter(
                x=[places[i] for i in mine], y=[rows[i]["amounts"][name] for i in mine], mode="markers",
                name=words, marker={"color": hue, "size": 8, "symbol": "circle" if keeps else "circle-open"},
                text=[safe(", ".join(f"{k} {v}" for k, v in rows[i]["values"].items()), 120) for i in mine],
                hovertemplate="%{text}: %{y:.4~g}<extra></extra>",
            )  # fmt: skip
    short = name.rsplit(".", 1)[-1].replace("_", " ")
    made = finish(figure, title=f"{safe(short)} over {safe(key)}", height=380, x=safe(key),
                  y=f"{safe(short)}{_unit(answer['unit'])}", legend=True)  # fmt: skip
    if any(isinstance(place, str) for place in places):
        made.update_xaxes(type="category")
    return made


def room(answer: Answer) -> Any:
    """Each limited value as a share of its limit; the limit is at 100 %."""
    import plotly.graph_objects as go

    rows = [one for one in answer["limits"] if one["value"] is not None and one["bound"]][::-1]
    figure: Any = go.Figure()
    shares = [100.0 * one["value"] / one["bound"] for one in rows]
    figure.add_bar(
        orientation="h", y=[safe(one["limit"], 46) for one in rows], x=shares,
        marker={"color": [_OTHER if one["binds"] else _PALE for one in rows]},
        text=[f"{share:.4g} %" for share in shares], textposition="auto",
        hovertemplate="%{y}: %{x:.4g} % of the limit<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=100.0, line={"color": INK, "width": 1.2, "dash": "dash"})
    return finish(figure, title="Values over their limits", height=110 + 40 * max(len(rows), 1),
                  x="share of the limit [%]")  # fmt: skip


def crossing(answer: Answer) -> Any:
    """Both sides of a comparison over the unknown; a line marks where it begins to hold."""
    import plotly.graph_objects as go

    rows = [one for one in answer["rows"] if one["left"] is not None and one["right"] is not None]
    places = _places([str(one["value"]) for one in rows])
    figure: Any = go.Figure()
    left, _, right = (part.strip() for part in answer["where"].partition("<="))
    for side, words, hue, dash in (("left", left, _DARK, "solid"), ("right", right, _OTHER, "dash")):
        figure.add_scatter(
            x=places, y=[one[side] for one in rows], mode="lines+markers", name=safe(words, 50),
            line={"color": hue, "width": 2, "dash": dash}, marker={"size": 6},
            hovertemplate="%{x}: %{y:.4~g}<extra></extra>",
        )  # fmt: skip
    made = finish(figure, title=safe(f"Where {answer['where']}", 90), height=380, x=safe(answer["unknown"]),
                  y=_unit(answer["unit"]).strip(" []") or "value", legend=True)  # fmt: skip
    if any(isinstance(place, str) for place in places):
        made.update_xaxes(type="category")
    return made
