"""The scorecard of the outlook: hindcasts, published growth and published energies beside ours, part by part.

Each part keeps its own rows: a module ``validation/outlook_<part>.py`` with ``checks()``. A part whose
module is not there is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gigawatt.core.errors import InputError, nearest
from gigawatt.validation.supply import SupplyCard
from gigawatt.validation.supply_check import Check

__all__ = ["PARTS", "OutlookCard", "validate_outlook"]

PARTS = ("costs", "records", "growth", "energy", "monte_carlo", "adoption", "society")


@dataclass(frozen=True)
class OutlookCard(SupplyCard):
    """Checks in the order of their parts."""

    def to_json(self) -> dict[str, Any]:
        """Stable keys, as of the scorecard of supply."""
        return {**super().to_json(), "table": "outlook"}


def validate_outlook(
    parts: tuple[str, ...] = PARTS, progress: Callable[[int, int], None] | None = None
) -> OutlookCard:
    """Run the checks of ``parts``; ``progress`` is called with (parts done, parts in all).

    Raises
    ------
    InputError
        No such part.
    """
    found: list[Check] = []
    for count, part in enumerate(parts):
        if part not in PARTS:
            raise InputError("no such part", given=part, allowed=PARTS, nearest=nearest(part, PARTS))
        name = f"gigawatt.validation.outlook_{part}"
        if find_spec(name) is not None:
            found.extend(import_module(name).checks())
        if progress is not None:
            progress(count + 1, len(parts))
    return OutlookCard(tuple(found))
