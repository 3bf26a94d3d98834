"""A chip from its parts as an answer, with the rows of the catalog that it read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gigawatt.chain.rows_read import reading
from gigawatt.machine.chip.build import build_chip
from gigawatt.machine.chip.built import Built
from gigawatt.machine.chip.design_file import read_design

__all__ = ["chip_answer"]


def chip_answer(design: str, changes: Mapping[str, str] | None = None) -> tuple[Built, dict[str, Any]]:
    """A chip, and its JSON with ``assumptions`` and ``rows`` of what was read.

    Parameters
    ----------
    design : str
        The id of a design, or its file.
    changes : mapping, optional
        Dotted key of the file → value.

    Raises
    ------
    InputError, InfeasibleError
        A design that cannot be read or made.
    """
    made, read = reading(lambda: build_chip(read_design(design, changes)))
    told, rows = made.to_json(), read.to_json()
    return made, {**told, **rows, "assumptions": [*told["assumptions"], *rows["assumptions"]]}
