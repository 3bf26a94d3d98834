"""Figures: one plotly figure by name, the same in a notebook and in the report.

    result.figure("sankey")

Importing this module tells :class:`gigawatt.study.result.Result` how to draw; plotly itself is only
imported when a figure is made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gigawatt.errors import InputError, nearest
from gigawatt.figures import machine, money, power
from gigawatt.study.result import Result, renderers

__all__ = ["NAMES", "figure"]

_FIGURES: dict[str, Callable[[Result], Any]] = {
    "sankey": power.sankey,
    "breakdown": machine.breakdown,
    "relief": machine.relief,
    "goodput": machine.goodput,
    "layouts": machine.layouts,
    "memory": machine.memory,
    "energy": machine.energy,
    "dispatch_summer": partial(power.dispatch, summer=True),
    "dispatch_winter": partial(power.dispatch, summer=False),
    "duration": power.duration,
    "price": power.price,
    "capacity": power.capacity,
    "ledger": money.ledger,
}

#: Every figure by name.
NAMES: tuple[str, ...] = tuple(_FIGURES)


def figure(result: Result, name: str) -> Any:
    """A plotly figure of a result.

    Parameters
    ----------
    result : Result
        What to draw.
    name : str
        One of :data:`NAMES`.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InputError
        An unknown name (with the nearest), or a result without the table that the figure draws.
    """
    if name not in _FIGURES:
        raise InputError("no such figure", given=name, allowed=NAMES, nearest=nearest(name, NAMES))
    return _FIGURES[name](result)


renderers["figure"] = figure
