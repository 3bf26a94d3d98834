"""What every sentence is made of: a quantity as text, its grade, a list in words."""

from __future__ import annotations

from collections.abc import Iterable

from gigawatt.core.evidence import worst
from gigawatt.core.result import Quantity, Result
from gigawatt.faces.figures.readable import label, large, shown
from gigawatt.faces.report.parts import listed
from gigawatt.schema.fields import LOAD, SERVING, TRAINING
from gigawatt.studies.run.figures_tables import column, get_table
from gigawatt.studies.run.uncertainty_words import TABLE

__all__ = ["branch_of", "find", "graded", "listed", "model_words", "money_parts", "say", "subject"]


def find(result: Result, name: str) -> Quantity | None:
    """A quantity that holds a value, or ``None``."""
    quantity = result.quantities.get(name)
    return None if quantity is None or quantity.value is None else quantity


def branch_of(result: Result) -> str:
    """The branch of the chain that a result is of."""
    if find(result, "serving.replicas") is not None:
        return SERVING
    return TRAINING if find(result, "facility.building") is None else LOAD


def say(result: Result, name: str) -> str:
    """A quantity with its unit; empty where the result lacks it."""
    quantity = find(result, name)
    return "" if quantity is None else shown(quantity)


def graded(result: Result, text: str, names: Iterable[str]) -> str:
    """A sentence with the worst grade of the quantities that it names; without, where intervals are drawn."""
    drawn = get_table(result, TABLE) is not None
    grades = [q.grade for name in names if not drawn and (q := find(result, name)) is not None]
    return f"{text} ({worst(grades).label})." if grades else f"{text}."


def subject(result: Result, name: str) -> str:
    """What the scenario wrote for a quantity, such as the name of the model or the chip."""
    quantity = find(result, name)
    return "" if quantity is None else quantity.written or str(quantity.shown)


def model_words(result: Result) -> str:
    """The model with its size: ``mixtral-8x7b (46.7 billion parameters, 12.9 billion of them active)``."""
    total, active = find(result, "model.parameters"), find(result, "model.active_parameters")
    name = subject(result, "model.architecture") or "the model"
    if total is None:
        return name
    size = f"{large(float(total.value))} parameters"
    if active is not None and float(active.value) < 0.95 * float(total.value):
        size += f", {large(float(active.value))} of them active"
    return f"{name} ({size})"


def money_parts(result: Result, name: str) -> str:
    """The three largest components of a column of the ledger: `` (chips 56 %, nodes 21 %, …)``."""
    frame = get_table(result, "ledger")
    if frame is None:
        return ""
    values = column(frame, name)[0].astype(float).drop("total", errors="ignore").sort_values(ascending=False)
    whole = float(values.sum()) or 1.0
    most = [f"{label(str(n))} {100 * float(v) / whole:.0f} %" for n, v in values.head(3).items()]
    return f" ({', '.join(most)})"
