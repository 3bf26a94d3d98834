"""What is commonly expected of a decade: rows with thresholds, and in how many draws each comes true.

An expectation is one or more conditions, all of which must hold: an output of the outlook within a range in a
year. Of some the model can only speak by a proxy; the row says so, and that it is judgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import factor
from gigawatt.outlook.frame import year_index

__all__ = ["DECADES", "Condition", "Expectation", "came_true", "expectations"]

Array = NDArray[np.float64]

DECADES: Mapping[str, int] = {"2030s": 2039, "2040s": 2049}
"""Decade → the year at which its technologies are judged."""


@dataclass(frozen=True)
class Condition:
    """``low`` ≤ ``output`` ≤ ``high`` (SI) in ``year``; ``words`` say it."""

    output: str
    year: int
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Expectation:
    """What is expected of ``decade``; ``speaks``: ``model``, or ``proxy`` where the model only has a proxy
    that ``note`` names."""

    id: str
    decade: str
    words: str
    conditions: tuple[Condition, ...]
    speaks: str
    note: str

    @property
    def definition(self) -> str:
        """All conditions in words."""
        return " and ".join(f"{one.words} in {one.year}" for one in self.conditions)


@lru_cache(maxsize=1)
def expectations() -> tuple[Expectation, ...]:
    """Every expectation of table ``outlook_expectations``.

    Raises
    ------
    InputError
        A row with a decade, year, range or word that does not fit.
    """
    found: dict[str, Expectation] = {}
    for id, row in catalog.table("outlook_expectations").items():
        proof = row.rows()[0]
        low, high, name = row.value("low"), row.value("high"), row.text("expectation")
        decade, speaks = row.text("decade"), row.text("speaks")
        if decade not in DECADES or speaks not in ("model", "proxy") or not low <= high:
            raise InputError(
                "not an expectation",
                file=proof.where,
                key=id,
                given=f"{decade}, {speaks}, {low:g} to {high:g}",
                allowed=f"{', '.join(DECADES)}; model, proxy; low ≤ high",
            )
        scale, year = factor(row.text("unit")), int(row.text("year"))
        year_index(year)
        made = Condition(row.text("output"), year, low * scale, high * scale, proof.locator)
        before = found[name].conditions if name in found else ()
        note = "" if proof.note == "and" else proof.note
        found[name] = Expectation(name, decade, row.text("words"), (*before, made), speaks, note)
    return tuple(found.values())


def came_true(expectation: Expectation, found: Mapping[str, Array]) -> NDArray[np.bool_]:
    """Draws in which all conditions hold.

    Returns
    -------
    array (draws,) of bool

    Raises
    ------
    InputError
        An output that is not there; names the nearest.
    """
    holds: NDArray[np.bool_] | None = None
    for one in expectation.conditions:
        if one.output not in found:
            raise InputError(
                "no such output", key=expectation.id, given=one.output, nearest=nearest(one.output, found)
            )
        values = found[one.output][:, year_index(one.year)]
        here = (values >= one.low) & (values <= one.high)
        holds = here if holds is None else holds & here
    assert holds is not None
    return holds
