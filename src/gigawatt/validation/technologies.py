"""The scorecard of compute technologies: published numbers beside ours, part by part.

Each part keeps its own rows: a module ``validation/technologies_<part>.py`` with ``checks()``. A part whose
module is not there, or needs a package that is not installed, is left out.
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

__all__ = ["PARTS", "TechnologyCard", "validate_technologies"]

PARTS = (
    "cost",
    "near_memory",
    "formats",
    "sparsity",
    "analog",
    "photonic",
    "optics",
    "neuromorphic",
    "memory",
    "quantum",
    "chiplets",
)
OPTIONAL = ("torch", "transformers", "gguf")
"""Packages of the extra ``emulation``: a part that cannot do without them is left out where they are not."""


@dataclass(frozen=True)
class TechnologyCard(SupplyCard):
    """Checks in the order of their parts."""

    def to_json(self) -> dict[str, Any]:
        """Stable keys, as of the scorecard of supply."""
        return {**super().to_json(), "table": "technologies"}


def validate_technologies(
    parts: tuple[str, ...] = PARTS, progress: Callable[[int, int], None] | None = None
) -> TechnologyCard:
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
        name = f"gigawatt.validation.technologies_{part}"
        if find_spec(name) is not None:
            try:
                found.extend(import_module(name).checks())
            except ModuleNotFoundError as error:
                if error.name not in OPTIONAL:
                    raise
        if progress is not None:
            progress(count + 1, len(parts))
    return TechnologyCard(tuple(found))
