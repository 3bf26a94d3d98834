"""What is published of generations of stacked memory."""

from __future__ import annotations

from collections.abc import Collection

from gigawatt.validation.check import Check
from gigawatt.validation.published import checks_of

__all__ = ["of_generations"]

_BONDS = "hybrid"
"""First word of what is published of the bonds of all generations."""


def of_generations(names: Collection[str]) -> list[Check]:
    """What is published of these generations of stacks (``hbm4``), and of the bonds of all."""
    mine = {_BONDS, *names}
    return checks_of("technologies", "memory", about=lambda what: what.split()[0].strip(":,").lower() in mine)
