"""Values far from anything there is: a slip of a unit is an error with the mend, the rest a notice."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import compact, factor, show
from gigawatt.schema.fields import FIELDS, Field

__all__ = ["check_plausible", "implausible"]

_GROSS = 30.0
"""Times beyond an end of the plausible range from which a value is taken for a slip."""
_RANGE = re.compile(r"([\d.e+-]+)\.\.([\d.e+-]+)(?: (.+))?")
_SLIPS = (1e3, 1e-3, 1e6, 1e-6, 1e9, 1e-9, 1e12, 1e-12)
"""What a prefix too much or too little makes of a value."""
_PERCENT = 1e-2
_JUDGED = ("quantity", "path", "prices", "powers", "demand")
_COUNT, _REQUESTS = "count", "requests/s"


def _bounds(one: Field) -> tuple[float, float, str]:
    """(low, high) [SI] of the plausible range, and the unit that it is written in."""
    match = _RANGE.fullmatch(one.plausible)
    assert match is not None, one.key
    unit = match[3] or "1"
    return float(match[1]) * _scale(unit), float(match[2]) * _scale(unit), unit


def _scale(unit: str) -> float:
    """SI of a unit; requests are counted."""
    return 1.0 if unit == _REQUESTS else factor(unit)


def _values(value: Any) -> Iterator[float]:
    """The numbers of a field: one, those of its years, those of a mapping, requests a second of a demand."""
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        yield from (value[1],) if value[0] == "request" else ()
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, tuple):
        yield from (float(number) for _, number in value)
    elif value is not None:
        yield float(value)


def _beyond(value: float, low: float, high: float) -> float:
    """How many times a value is beyond its range: 1 inside, and for what has no ratio."""
    if value <= 0.0 or low <= value <= high:
        return 1.0
    return low / value if value < low else value / high


def _outside(written: Iterable[tuple[str, Any]]) -> Iterator[tuple[Field, float, float]]:
    """(field, value, times beyond its range) of what is outside."""
    values = dict(written)
    for one in FIELDS:
        if one.plausible and one.kind in (*_JUDGED, _COUNT) and one.key in values:
            low, high, _ = _bounds(one)
            for value in _values(values[one.key]):
                few = one.kind == _COUNT and value < low  # a small number of things is no slip
                times = 1.0 if few else _beyond(value, low, high)
                if times > 1.0 + 1e-9:
                    yield one, value, times


def check_plausible(written: Iterable[tuple[str, Any]], file: Path | None, lines: Mapping[str, int]) -> None:
    """Raise ``InputError`` of the first value that is so far outside that a unit must have slipped.

    Parameters
    ----------
    written : iterable of (str, value)
        Fields that the scenario gives, with their values [SI].
    file, lines
        Where they stand.
    """
    for one, value, times in _outside(written):
        if times < (1.0 if one.kind == _COUNT else _GROSS):
            continue
        low, high, unit = _bounds(one)
        slips = (*((_PERCENT,) if unit == "1" else ()), *_SLIPS)
        middle = math.sqrt(max(low, high * 1e-2) * high)  # what is asked is rather large
        mends = sorted(
            (value * slip for slip in slips if low <= value * slip <= high),
            key=lambda mend: abs(math.log(mend / middle)),
        )
        raise InputError(
            "far outside of anything there is",
            file=file, line=lines.get(one.key), key=one.key, given=_shown(value, unit),
            allowed=one.plausible, nearest=" or ".join(_shown(mend, unit) for mend in mends[:2]) or None,
        )  # fmt: skip


def implausible(written: Iterable[tuple[str, Any]]) -> tuple[str, ...]:
    """A sentence on each value outside of its plausible range."""
    return tuple(
        f"{one.key} of {_shown(value, _bounds(one)[2])} is outside of {one.plausible}, where the world lies"
        for one, value, _ in _outside(written)
    )


def _shown(value: float, unit: str) -> str:
    if unit == "1":
        return f"{100.0 * value:.4g} %" if value < 1.0 else f"{value:,.10g}"
    if unit == _REQUESTS:
        return f"{value:,.10g} {unit}"
    number = value / factor(unit)
    if unit == "tokens":
        return f"{compact(number, '')} tokens"
    if unit == "W":
        return compact(number, unit)
    return show(value, unit)
