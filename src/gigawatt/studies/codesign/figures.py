"""A co-design drawn: its front beside today's chips, what each change gains, what binds before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.faces.figures.style import colour, finish, safe

__all__ = ["front", "gains", "relief"]

Document = Mapping[str, Any]

_HUES = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#6a51a3", "#b8a13a")


def _words(document: Document, metric: str) -> str:
    unit = document["units"][metric].replace("*", " ")
    return f"{metric} [{unit}]"


def front(document: Document, x: str = "time", y: str = "cost") -> Any:
    """Two metrics of every design of the front, of today's hardware at its best, and of today's chips."""
    import plotly.graph_objects as go

    figure = go.Figure()

    def add(
        rows: list[Mapping[str, Any]], name: str, hue: str, symbol: str, size: int, text: Any = None
    ) -> None:
        figure.add_scatter(
            x=[row["metrics"][x] for row in rows],
            y=[row["metrics"][y] for row in rows],
            mode="markers", name=name, text=text,
            marker={"color": hue, "symbol": symbol, "size": size, "opacity": 0.8},
            hovertemplate=f"%{{text}}<br>{x} %{{x:.4~g}}, {y} %{{y:.4~g}}<extra>{safe(name)}</extra>",
        )  # fmt: skip

    def genes(row: Mapping[str, Any]) -> str:
        return "<br>".join(f"{safe(key)} {safe(str(value))}" for key, value in row["genes"].items())

    add(document["front"], "found", _HUES[0], "circle", 7, [genes(one) for one in document["front"]])
    held = document["held"]
    add(held, "today's hardware, all else free", _HUES[1], "diamond", 8, [genes(one) for one in held])
    today = document["today"]
    add(today, "chips of the catalog", _HUES[3], "x", 9, [safe(one["chip"]) for one in today])
    twin = [document["twin"]]
    add(twin, "today's chip from its parts, as asked", _HUES[2], "star", 13, [genes(document["twin"])])
    made = finish(
        figure, title=f"{y.capitalize()} over {x}", height=460, x=_words(document, x), y=_words(document, y),
        legend=True,
    )  # fmt: skip
    made.update_xaxes(type="log")
    made.update_yaxes(type="log")
    return made


def gains(document: Document, design: str = "balanced") -> Any:
    """What each group of changes does to each objective: shares of the whole, as percentages of today's."""
    import plotly.graph_objects as go

    one = next(row for row in document["designs"] if row["name"] == design)
    figure = go.Figure()
    groups = list(dict.fromkeys(group for part in one["parts"] for group in part["factors"]))
    for number, group in enumerate(groups):
        figure.add_bar(
            name=group,
            x=[part["metric"] for part in one["parts"]],
            y=[100.0 * (part["factors"].get(group, 1.0) - 1.0) for part in one["parts"]],
            marker={"color": _HUES[number % len(_HUES)]},
            hovertemplate=f"{safe(group)}: %{{y:.3~g}} %<extra></extra>",
        )
    made = finish(figure, title=f"What changes do: {design}", height=380, x="", y="% of today's", legend=True)
    made.update_layout(barmode="group")
    return made


def relief(document: Document, design: str = "balanced") -> Any:
    """What twice as much of a resource would save: of today's chip, and of the design."""
    import plotly.graph_objects as go

    one = next(row for row in document["designs"] if row["name"] == design)
    order = [row["words"] for row in document["twin"]["relief"]][::-1]
    figure = go.Figure()
    for number, (name, rows) in enumerate(
        (("today's chip", document["twin"]["relief"]), (design, one["relief"]))
    ):
        gain = {row["words"]: 100.0 * row["gain"] for row in rows}
        figure.add_bar(
            orientation="h", name=name, y=order, x=[gain.get(words, 0.0) for words in order],
            marker={"color": colour("chip") if number else "#8c929a"},
            hovertemplate="%{x:.3~g} %<extra></extra>",
        )  # fmt: skip
    made = finish(figure, title="What twice as much would save", height=420, x="%", y="", legend=True)
    made.update_layout(barmode="group")
    return made
