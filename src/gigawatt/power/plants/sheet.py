"""The sheet of a plant that is known by its physics: what a person reads, and the numbers of its row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import compact, parse, show

__all__ = ["PHYSICS", "Line", "PlantSheet", "Setting", "physics_of", "read_number"]

Line = tuple[str, str, float | str, str, str]
Setting = tuple[float | str, str, str, float, float]

PHYSICS = {"msr": "molten_salt", "fusion": "fusion", "space-solar": "space_solar"}
"""What the plants are called → the folder of :mod:`gigawatt.power.plants` that has their physics."""
_ALSO = {
    "molten-salt": "msr",
    "molten_salt": "msr",
    "tokamak": "fusion",
    "space_solar": "space-solar",
    "sbsp": "space-solar",
}

_PREFIXED = ("W", "J", "Hz", "m")


@dataclass(frozen=True)
class PlantSheet:
    """A plant as a person reads it and as a plan takes it.

    Attributes
    ----------
    name, design : str
        What it is called; a row of the designs of its kind.
    year : float
        Of operation, of which the costs are.
    lines : list of tuple
        (section, label, value, unit, note), in the order of reading.
    quantities : dict
        SI values by the names of a row of ``plants``; ``capital_cost_low`` and ``_high`` are its range.
    settings : dict
        All that may be set: key → (value, unit, meaning, lowest, highest), in SI whatever the unit to show it
        in; angles of unit ``deg`` in degrees. A word has lowest and highest 0.
    assumptions : tuple of Assumption
        What nobody gave.
    """

    name: str
    design: str
    year: float
    lines: list[Line]
    quantities: dict[str, float]
    settings: dict[str, Setting]
    assumptions: tuple[Assumption, ...]

    def to_json(self) -> dict[str, Any]:
        """Stable keys, quantities in SI; a number without an end is ``None``."""
        settings = {
            key: {
                "value": _plain(value),
                "unit": unit,
                "meaning": meaning,
                "low": _plain(low),
                "high": _plain(high),
            }
            for key, (value, unit, meaning, low, high) in self.settings.items()
        }
        return {
            "plant": self.name,
            "design": self.design,
            "year": self.year,
            "lines": [
                {"section": section, "label": label, "value": _plain(value), "unit": unit, "note": note}
                for section, label, value, unit, note in self.lines
            ],
            "quantities": {key: _plain(value) for key, value in self.quantities.items()},
            "settings": settings,
            "assumptions": [
                {
                    "key": a.key,
                    "value": a.value,
                    "reason": a.reason,
                    "grade": a.grade.label,
                    "source": a.source,
                }
                for a in self.assumptions
            ],
        }


def _plain(value: float | str) -> float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def physics_of(name: str) -> ModuleType:
    """The module with the physics of a plant: its ``sheet(settings, design=, year=)`` and ``curves(sheet)``.

    Raises
    ------
    InputError
        A plant that is no more than a row of the catalog, or none at all.
    """
    key = _ALSO.get(name.lower(), name.lower())
    if key in PHYSICS:
        return import_module(f"gigawatt.power.plants.{PHYSICS[key]}")
    try:
        row = entity("plants", name).id
    except InputError:
        known = (*PHYSICS, *_ALSO)
        raise InputError(
            "no such plant", key="plant", given=name, allowed=PHYSICS, nearest=nearest(name, known)
        ) from None
    raise InputError(
        "a row of the catalog without physics of its own",
        key="plant",
        given=name,
        allowed=f"{', '.join(PHYSICS)}; the row itself: gigawatt catalog show plants {row}",
    )


def read_number(key: str, given: float | str, *, unit: str, meaning: str, low: float, high: float) -> float:
    """A setting as a number: SI as it is given, or words with a unit (``"400 MW"``).

    Angles of unit ``deg`` stay in degrees.

    Raises
    ------
    InputError
        No number, no unit or a wrong one, or a value outside ``low`` to ``high``: with what it means.
    """
    if isinstance(given, str):
        text = given.strip()
        if unit == "tesla" and text.endswith("T"):  # T is the prefix tera elsewhere
            text = text.removesuffix("T") + unit
        try:
            value = parse(text, unit or "1")
        except InputError as error:
            raise error.at(key=key) from None
        value = math.degrees(value) if unit == "deg" else value
    else:
        value = float(given)
    if not low <= value <= high:
        least, most = (_end(end, unit) for end in (low, high))
        raise InputError(
            f"outside the physical range of {meaning}",
            key=key,
            given=given,
            allowed=f"{least} to {most}",
        )
    return value


def _end(value: float, unit: str) -> str:
    if unit in ("", "1", "deg"):
        return f"{value:g}"
    return compact(value, unit) if unit in _PREFIXED else show(value, unit)
