"""Rows of the catalog as a person reads them: value, range, unit; and a series over years as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import factor
from gigawatt.faces.figures.readable import label, significant
from gigawatt.faces.figures.style import finish, safe, translucent

__all__ = ["is_series", "range_words", "series_figure", "unit_words", "value_words"]

_COLOUR = "#0072b2"
_HIGH, _LONG = 1e9, 12


def _number(value: float) -> str:
    """A number of a row; with a power of ten where it is huge."""
    return f"{value:.4g}".replace("e+", "e") if abs(value) >= _HIGH else significant(value, 4)


def _written(row: Evidence, value: float) -> float:
    """A value of the row, which is kept in SI, in the unit of the row."""
    return value / factor(row.unit)


def unit_words(row: Evidence) -> str:
    """The unit of a row; of money, its year."""
    unit = "" if row.unit == "1" else row.unit
    return f"{unit} ({catalog.CURRENCY_YEAR} money)" if "$" in unit else unit


def value_words(row: Evidence) -> str:
    """The value as the row says it; of money, in that of the catalog's year."""
    return _number(_written(row, row.value)) if "$" in row.unit or len(row.written) > _LONG else row.written


def range_words(row: Evidence) -> str:
    """From low to high, in the unit of the row; empty where it has no range."""
    if row.low is None and row.high is None:
        return ""
    low, high = ("…" if end is None else _number(_written(row, end)) for end in (row.low, row.high))
    return f"{low} to {high}"


def is_series(rows: Sequence[Evidence]) -> bool:
    """Whether the rows of a quantity are values of several years."""
    return len({row.year for row in rows if row.year is not None}) > 1


def series_figure(entry: Entity, quantity: str) -> Any:
    """A quantity over the years, with the range of each row.

    Parameters
    ----------
    entry : Entity
        Of the catalog.
    quantity : str
        One that has rows of several years.
    """
    import plotly.graph_objects as go

    rows = sorted(
        (row for row in entry.numbers[quantity] if row.year is not None), key=lambda row: row.year or 0
    )
    years = [row.year for row in rows]
    values = [_written(row, row.value) for row in rows]
    lows = [_written(row, row.value if row.low is None else row.low) for row in rows]
    highs = [_written(row, row.value if row.high is None else row.high) for row in rows]
    figure = go.Figure()
    if lows != values or highs != values:
        figure.add_scatter(
            x=[*years, *reversed(years)],
            y=[*highs, *reversed(lows)],
            mode="lines",
            fill="toself",
            fillcolor=translucent(_COLOUR, 0.18),
            line={"width": 0},
            hoverinfo="skip",
            name="range",
            showlegend=False,
        )
    figure.add_scatter(
        x=years,
        y=values,
        mode="lines+markers",
        line={"color": _COLOUR, "width": 2},
        customdata=[f"{value_words(row)}, {row.grade.label}, {safe(row.source_id)}" for row in rows],
        hovertemplate="%{x}: %{customdata}<extra></extra>",
        showlegend=False,
    )
    unit = unit_words(rows[0])
    made = finish(
        figure, title=f"{label(quantity)} of {safe(entry.text('name', entry.id), 60)}", height=300,
        x="year", y=f"{label(quantity)}{f' [{unit}]' if unit else ''}",
    )  # fmt: skip
    made.update_xaxes(tickformat="d")
    made.update_yaxes(rangemode="tozero")
    return made
