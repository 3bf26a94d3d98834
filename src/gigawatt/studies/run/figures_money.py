"""Figures of the money: what a run costs, by component."""

from __future__ import annotations

from typing import Any

from gigawatt.core.result import Result
from gigawatt.faces.figures.style import finish
from gigawatt.studies.run.figures_machine import waterfall
from gigawatt.studies.run.figures_power import plant_names
from gigawatt.studies.run.figures_tables import column, need_table

__all__ = ["bill", "ledger"]


def ledger(result: Result) -> Any:
    """Cost of one run by component, as bars that add up."""
    return bill(result, "run", total="whole run", title="What the run costs", x="cost of the run")


def bill(result: Result, name: str, *, total: str, title: str, x: str) -> Any:
    """A column of the ledger as bars that add up; components below 1e-4 of it are left out."""
    values, unit = column(need_table(result, "ledger"), name)
    least = 1e-4 * float(values.abs().sum())
    kept = [(str(n), float(v)) for n, v in values.items() if abs(float(v)) > least]
    figure = waterfall([n for n, _ in kept], [v for _, v in kept], unit, total, plant_names(result))
    return finish(figure, title=title, height=80 + 36 * (len(kept) + 1), x=f"{x} [{unit}]")
