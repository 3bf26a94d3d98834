"""Bands of computed numbers from the ranges of the catalog's rows, whatever the computation.

Every row that a computation reads and that has a range is put to its low and to its high end, one at a time.
Rows are taken as independent and their effects as small enough to multiply: upward and downward factors are
added up in squares, in logarithms, each side for itself,

    ln(high / value) = √ Σ max(0, ln f⁺)²,

where f⁺ is the larger of the two factors that a row's ends bring. What a row without a range, or the form of
a formula, is wrong by is not in it.

References
----------
JCGM 100:2008, "Guide to the expression of uncertainty in measurement", clause 5.1 (independent inputs).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gigawatt.catalog import varied, watched
from gigawatt.catalog.entity import Key
from gigawatt.catalog.loader import forget
from gigawatt.core.errors import GigawattError
from gigawatt.core.evidence import Evidence

__all__ = ["Band", "bands", "row_ends", "to_end"]

Numbers = Mapping[str, float]
_TOLD = 3
"""Rows that a band names, those of largest effect."""


@dataclass(frozen=True)
class Band:
    """A number with the band from its rows; ``from_rows``: those that matter most, with factors."""

    value: float
    low: float
    high: float
    from_rows: tuple[tuple[str, float, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Stable keys, plain numbers."""
        rows = [{"row": name, "low": low, "high": high} for name, low, high in self.from_rows]
        return {"value": self.value, "low": self.low, "high": self.high, "rows": rows}


def row_ends(row: Evidence) -> tuple[float, float] | None:
    """Both ends of a row's range [SI]; ``None`` of one without."""
    low, high = row.low, row.high
    if low is None and high is None:
        return None
    ends = (row.value if low is None else low, row.value if high is None else high)
    return None if ends == (row.value, row.value) else ends


def to_end(row: Evidence, side: int) -> Callable[[Evidence], float]:
    """Puts every row of a series to its low (0) or high (1) end; one without a range moves as ``row``."""
    ends = row_ends(row)

    def end(one: Evidence) -> float:
        own = row_ends(one)
        if own is not None:
            return own[side]
        return one.value if ends is None or not row.value else one.value * ends[side] / row.value

    return end


def bands(
    computations: Mapping[str, Callable[[], Numbers]],
    progress: Callable[[str, float], None] | None = None,
    named: int | None = _TOLD,
) -> dict[str, dict[str, Band]]:
    """Bands of positive numbers of several computations; each row is moved once for all that read it.

    Parameters
    ----------
    computations : mapping of name to callable
        Each gives numbers by name, reading the catalog on the way.
    progress : callable, optional
        Called with words and the share done.
    named : int, optional
        Rows that a band names at most; ``None``: all that move it.

    Returns
    -------
    dict
        Computation → number → :class:`Band`. An end of a row at which a computation is refused is left out.
    """
    values: dict[str, Numbers] = {}
    readers: dict[Key, list[str]] = {}
    ranged: dict[Key, Evidence] = {}
    for name, compute in computations.items():
        forget(tables_too=False)
        with watched() as seen:
            values[name] = dict(compute())
        for key, row in seen.items():
            if row_ends(row) is not None:
                ranged[key] = row
                readers.setdefault(key, []).append(name)
    moved: dict[str, dict[str, list[tuple[str, float, float]]]] = {
        name: {number: [] for number in numbers} for name, numbers in values.items()
    }
    for done, (key, names) in enumerate(readers.items()):
        if progress is not None:
            progress(".".join(key), done / len(readers))
        factors: dict[tuple[str, str], list[float]] = {}
        for side in (0, 1):
            with varied({key: to_end(ranged[key], side)}):
                for name in names:
                    for number, factor in _factors(computations[name], values[name]).items():
                        factors.setdefault((name, number), []).append(factor)
        for (name, number), both in factors.items():
            moved[name][number].append((".".join(key), min(*both, 1.0), max(*both, 1.0)))
    return {
        name: {number: _band(values[name][number], rows, named) for number, rows in numbers.items()}
        for name, numbers in moved.items()
    }


def _factors(compute: Callable[[], Numbers], values: Numbers) -> dict[str, float]:
    try:
        result = compute()
    except GigawattError:
        return {}
    return {
        number: result[number] / value
        for number, value in values.items()
        if value > 0.0 and math.isfinite(result.get(number, math.nan)) and result[number] > 0.0
    }


def _band(value: float, rows: list[tuple[str, float, float]], count: int | None) -> Band:
    down = math.sqrt(sum(math.log(low) ** 2 for _, low, _ in rows))
    up = math.sqrt(sum(math.log(high) ** 2 for _, _, high in rows))
    first = sorted(rows, key=lambda row: math.log(row[1]) - math.log(row[2]))[:count]
    named = tuple(row for row in first if row[1] < 1.0 or row[2] > 1.0)
    return Band(value, value * math.exp(-down), value * math.exp(up), named)
