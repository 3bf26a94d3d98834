"""The sheet of a plant that is known by its physics: its lines as words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gigawatt.core.quantities import show
from gigawatt.faces.figures.readable import with_unit

__all__ = ["drawings", "line_value", "setting_value"]

Curves = Mapping[str, Mapping[str, Any]]

_EXPONENT = 1e12
"""Above it a number has an exponent."""


def drawings(curves: Curves) -> dict[str, tuple[Callable[[], Any], str]]:
    """Name → (what draws the figure, caption) of the curves that can be drawn, in their order."""
    from gigawatt.studies.plant.curves import DRAWINGS

    return {
        name: (partial(DRAWINGS[name][0], values), DRAWINGS[name][1])
        for name, values in curves.items()
        if name in DRAWINGS
    }


def line_value(value: float | str | None, unit: str) -> str:
    """A value of a line as a person reads it, with its unit."""
    if value is None or (isinstance(value, float) and value == float("inf")):
        return "no end"
    if isinstance(value, str):
        return f"{value} {unit}".strip()
    if abs(value) >= _EXPONENT:
        return f"{value:.3g} {unit}"
    return with_unit(value, unit)


def setting_value(value: float | str, unit: str) -> str:
    """A setting, which is SI, as a number of its unit; angles of unit ``deg`` are in degrees already."""
    if isinstance(value, str):
        return value
    if unit in ("", "1", "deg"):
        return f"{value:,.4g}"
    return show(value, unit).removesuffix(unit).strip()
