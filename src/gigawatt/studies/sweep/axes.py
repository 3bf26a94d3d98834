"""Axes of a sweep: what a key takes, one after another, as a list, a grid or a distribution.

A column holds the values of one key. Numbers keep the unit in which they were written, so that every point
is a scenario that a person could have written; their SI values stand beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import parse, same_dimension
from gigawatt.studies.sweep.draws import DISTRIBUTIONS, quantile

__all__ = ["MOST_POINTS", "Column", "Reader", "Taken", "listed", "read_axis"]

Array = NDArray[np.float64]

MOST_POINTS = 10_000_000
"""Points that a sweep may have."""
_NUMBER = re.compile(r"^\s*([+-]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")
_GRID = ("from", "to", "steps", "scale")
_SCALES = ("linear", "log")


@dataclass(frozen=True)
class Taken:
    """What a key makes of a written value: its SI number where it is one, and whether only whole ones fit."""

    number: float | None
    whole: bool = False


Reader = Callable[[object, int], Taken]
"""Reads a value of one key, which stands in a row of its list, as the scenario or the catalog would; raises
``InputError``."""


@dataclass(frozen=True)
class Column:
    """Values of one key.

    Attributes
    ----------
    key : str
        Dotted key of a scenario, or ``catalog.table.id.quantity``.
    written : tuple of object, or (n,)
        As a person would write them; numbers in ``unit``.
    unit : str
        What stands behind the number, ``T tokens``; empty for plain numbers and texts.
    factor : float
        SI value of one ``unit``; 0 for texts.
    si : (n,) or None
        SI values; ``None`` for texts.
    """

    key: str
    written: tuple[object, ...] | Array
    unit: str = ""
    factor: float = 0.0
    si: Array | None = None
    whole: bool = False

    def __len__(self) -> int:
        """How many values there are."""
        return len(self.written)

    def value(self, i: int) -> object:
        """Value ``i`` as it stands in a scenario."""
        one = self.written[i]
        if not isinstance(self.written, np.ndarray):
            return one
        number = int(one) if self.whole else float(one)  # type: ignore[call-overload]
        return f"{number:.12g} {self.unit}" if self.unit else number

    def stored(self, i: int) -> float | str:
        """Value ``i`` as a store keeps it: SI, or a text."""
        if self.si is not None:
            return float(self.si[i])
        one = self.written[i]
        return ", ".join(map(str, one)) if isinstance(one, list | tuple) else str(one)


def split(value: object) -> tuple[float, str]:
    """Number and unit of a written quantity; raises ``InputError`` where there is no number."""
    match = None if isinstance(value, bool) else _NUMBER.match(str(value))
    if match is None:
        raise InputError("not a number", given=str(value), allowed="a number with its unit")
    return float(match[1].replace(",", "").replace("_", "")), match[2]


def read_axis(key: str, given: object, read: Reader) -> Column:
    """The column of a key from what a study says about it.

    Parameters
    ----------
    key : str
        Whose values they are.
    given : list or mapping
        A list of values; ``{from, to, steps, scale}``; or a distribution by name with its parameters and
        ``points``, of which the middles of so many equally likely parts are taken.
    read : callable
        See :data:`Reader`.

    Raises
    ------
    InputError
        Neither of these, an empty grid, a wrong unit or value.
    """
    if isinstance(given, list | tuple):
        return listed(key, given, read)
    if not isinstance(given, Mapping):
        raise InputError(
            "this says not what the key takes", given=str(given),
            allowed="a list, {from, to, steps} or a distribution such as {uniform: {from, to}, points: 9}",
        )  # fmt: skip
    if set(given) & set(DISTRIBUTIONS) or "points" in given:
        rest = {name: value for name, value in given.items() if name != "points"}
        points = _count(given.get("points"), "points")
        return drawn(key, rest, (np.arange(points) + 0.5) / points, read)
    return _grid(key, given, read)


def listed(key: str, given: Sequence[object], read: Reader) -> Column:
    """A column of the values of a list."""
    if not given:
        raise InputError("an empty grid", given="[]", allowed="at least one value")
    taken = [Taken(None) if value is None else read(value, row) for row, value in enumerate(given)]
    numbers = [one.number for one in taken]
    if any(number is None for number in numbers):
        return Column(key, tuple(given))
    si = np.array(numbers, dtype=float)
    try:
        parts = [split(value) for value in given]
        scale, unit = next(((si[i] / n, u) for i, (n, u) in enumerate(parts) if n), (1.0, parts[0][1]))
    except InputError:  # a number, but of something that is written otherwise
        return Column(key, tuple(given))
    return Column(key, tuple(given), unit, float(scale), si)


def _grid(key: str, given: Mapping[Any, Any], read: Reader) -> Column:
    for name in given:
        if name not in _GRID:
            raise InputError(
                "unknown word of a grid", given=str(name), allowed=[*_GRID, *DISTRIBUTIONS],
                nearest=nearest(str(name), [*_GRID, *DISTRIBUTIONS]),
            )  # fmt: skip
    missing = [name for name in _GRID[:3] if name not in given]
    if missing:
        raise InputError(f"a grid needs {' and '.join(missing)}", allowed="{from: 1 GW, to: 2 GW, steps: 5}")
    steps, scale = _count(given["steps"], "steps"), given.get("scale", "linear")
    if scale not in _SCALES:
        near = nearest(str(scale), _SCALES)
        raise InputError("unknown scale", given=str(scale), allowed=_SCALES, nearest=near)
    measure = _Measure.of([given["from"], given["to"]], read)
    low, high = measure.si(given["from"]), measure.si(given["to"])
    if scale == "log" and min(low, high) <= 0.0:
        raise InputError(
            "a logarithmic grid begins and ends above 0", given=f"{given['from']} to {given['to']}"
        )
    if steps == 1 and low != high:
        raise InputError("one step from here to there", given=1, allowed="2 or more")
    line = np.geomspace if scale == "log" else np.linspace
    return measure.column(key, line(low, high, steps), unique=True)


def drawn(key: str, given: object, shares: Array, read: Reader) -> Column:
    """A column of the quantiles of a distribution at ``shares``, (n,) inside 0 to 1; or of a list's parts."""
    if isinstance(given, list | tuple):
        whole = listed(key, given, read)
        at = np.minimum((shares * len(given)).astype(int), len(given) - 1)
        si = None if whole.si is None else whole.si[at]
        return Column(key, tuple(given[i] for i in at), whole.unit, whole.factor, si)
    if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in DISTRIBUTIONS:
        names = [] if not isinstance(given, Mapping) else [str(name) for name in given]
        raise InputError(
            "not a distribution", given=", ".join(names) or str(given), allowed=DISTRIBUTIONS,
            nearest=nearest(names[0], DISTRIBUTIONS) if names else None,
        )  # fmt: skip
    name, written = next(iter(given.items()))
    needed, optional, plain = DISTRIBUTIONS[name]
    if not isinstance(written, Mapping):
        raise InputError(f"{name} needs {', '.join(needed)}", given=str(written))
    for one in written:
        if one not in (*needed, *optional):
            known = [*needed, *optional]
            raise InputError(f"unknown parameter of {name}", given=str(one), allowed=known,
                             nearest=nearest(str(one), known))  # fmt: skip
    missing = [one for one in needed if one not in written]
    if missing:
        raise InputError(f"{name} needs {', '.join(missing)} too", given=", ".join(map(str, written)))
    measure = _Measure.of([written[one] for one in needed if one not in (*plain, "deviation")], read)
    numbers = {
        one: parse(value, "1") if one in plain else measure.si(value) for one, value in written.items()
    }
    return measure.column(key, quantile(name, shares, numbers))


def _count(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_POINTS:
        allowed = f"a whole number from 1 to {MOST_POINTS:,}"
        raise InputError(f"{name} is no count", given=str(value), allowed=allowed)
    if value == 0:
        raise InputError("an empty grid", given=f"{name}: 0", allowed=f"{name} of one or more")
    return value


@dataclass(frozen=True)
class _Measure:
    """The unit that numbers of a key are written in, and its SI value."""

    unit: str
    factor: float
    whole: bool

    @classmethod
    def of(cls, values: Sequence[object], read: Reader) -> _Measure:
        """From some written values, of which one at least is not 0."""
        found: list[tuple[float, str, float]] = []
        whole = False
        for value in values:
            taken = read(value, 0)
            if taken.number is None:
                raise InputError("this key takes no numbers", given=str(value), allowed="a list of values")
            found.append((*split(value), taken.number))
            whole = whole or taken.whole
        number, unit, si = next((one for one in found if one[0]), found[0])
        return cls(unit, si / number if number else 1.0, whole)

    def si(self, value: object) -> float:
        """SI value of what is written in this unit or in one of the same kind."""
        number, unit = split(value)
        if unit == self.unit:
            return number * self.factor
        for name in (self.unit, self.unit.split()[-1] if self.unit else "1"):
            try:
                same_dimension(name or "1", "1")
            except InputError:  # "T tokens" is no unit, "tokens" is
                continue
            return parse(value, name or "1")
        raise InputError("another unit than the first", given=str(value), allowed=self.unit)

    def column(self, key: str, si: Array, *, unique: bool = False) -> Column:
        """A column of SI values; of whole numbers the nearest ones, where ``unique`` each once."""
        numbers = si / self.factor
        if self.whole:
            numbers = np.rint(si) / self.factor
            numbers = np.array(list(dict.fromkeys(numbers.tolist()))) if unique else numbers
        numbers = np.array([float(f"{n:.12g}") for n in numbers.tolist()])
        plain = self.whole and self.factor == 1.0
        return Column(key, numbers, self.unit, self.factor, numbers * self.factor, plain)
