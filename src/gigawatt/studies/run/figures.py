"""Figures of a result: one plotly figure by name, the same in a notebook and in the report.

    result.figure("sankey")

Plotly is imported when a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.result import Result
from gigawatt.schema.fields import LOAD, SERVING, TRAINING
from gigawatt.studies.run import bad_week, figures_uncertainty
from gigawatt.studies.run import figures_machine as machine
from gigawatt.studies.run import figures_money as money
from gigawatt.studies.run import figures_power as power
from gigawatt.studies.run import figures_serving as serving_campus
from gigawatt.studies.run.figures_tables import has_table
from gigawatt.studies.run.responses import RESPONSES
from gigawatt.studies.run.sayings import branch_of
from gigawatt.studies.run.uncertainty_words import headline, spreads

__all__ = ["NAMES", "NAMES_LOAD", "NAMES_SERVING", "drawn_figures", "figure", "figure_names", "figures_of"]

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
    "bad_week": bad_week.figure,
    "capacity": power.capacity,
    "single_line": power.capacity_chain,
    "flexibility": power.flexibility,
    "ledger": money.ledger,
}
_DRAWN: dict[str, Callable[[Result], Any]] = {
    "uncertainty": figures_uncertainty.intervals,
    "tornado": figures_uncertainty.tornado_of_cost,
    "odds": figures_uncertainty.odds,
    "fan": figures_uncertainty.fan,
}
"""Of results with draws alone."""

_SERVING: dict[str, Callable[[Result], Any]] = {
    "day": serving_campus.day,
    "latency": serving_campus.latency,
    "occupancy": serving_campus.occupancy,
    "time": serving_campus.time,
    "cost_relief": serving_campus.cost_relief,
    "wall": serving_campus.wall,
    "cost": serving_campus.cost,
}
_OF_SUPPLY = (
    "dispatch_summer",
    "dispatch_winter",
    "duration",
    "price",
    "bad_week",
    "capacity",
    "single_line",
)

#: Every figure of a training run by name.
NAMES: tuple[str, ...] = tuple(_FIGURES)
#: Every figure of a campus that serves.
NAMES_SERVING: tuple[str, ...] = (*_SERVING, "sankey", "memory", "energy", *_OF_SUPPLY)
#: Every figure of a load without a model.
NAMES_LOAD: tuple[str, ...] = (*_OF_SUPPLY, "cost")


def figure(result: Result, name: str) -> Any:
    """A plotly figure of a result.

    Parameters
    ----------
    result : Result
        What to draw.
    name : str
        One of :func:`figure_names` of its branch.

    Raises
    ------
    InputError
        An unknown name (with the nearest), or a result without the table that the figure draws.
    """
    known = _FIGURES | _SERVING | _DRAWN
    if name not in known:
        mine = figures_of(result)
        raise InputError("no such figure", given=name, allowed=mine, nearest=nearest(name, mine))
    return known[name](result)


def figures_of(result: Result) -> tuple[str, ...]:
    """Names of the figures of a result: those of its branch, and of its draws where it has any."""
    return (*figure_names()[branch_of(result)], *drawn_figures(result))


def drawn_figures(result: Result) -> tuple[str, ...]:
    """Names of the figures of a result's draws, those that it has the tables and quantities for."""
    bands = spreads(result)
    has = {
        "uncertainty": bool(bands),
        "tornado": headline(result) is not None and has_table(result, RESPONSES),
        "odds": headline(result) is not None,
        "fan": figures_uncertainty.has_fan(result),
    }
    return tuple(name for name in _DRAWN if has[name])


def figure_names() -> dict[str, tuple[str, ...]]:
    """Figures by the branch that a result is of."""
    return {TRAINING: NAMES, SERVING: NAMES_SERVING, LOAD: NAMES_LOAD}
