"""The sheet of a plant that is known by its physics: its lines as words."""

from __future__ import annotations

from gigawatt.figures.readable import with_unit

__all__ = ["line_value"]

_EXPONENT = 1e12
"""Above it a number has an exponent."""


def line_value(value: float | str | None, unit: str) -> str:
    """A value of a line as a person reads it, with its unit."""
    if value is None or (isinstance(value, float) and value == float("inf")):
        return "no end"
    if isinstance(value, str):
        return f"{value} {unit}".strip()
    if abs(value) >= _EXPONENT:
        return f"{value:.3g} {unit}"
    return with_unit(value, unit)
