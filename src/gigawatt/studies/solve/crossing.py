"""Where one quantity becomes smaller than another: of two scenarios, of one, or than a value.

The difference of both sides is looked at over one unknown; every change of its sign is found that shows at
the values looked at, and closed in on where the unknown is continuous.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gigawatt.chain.asking import Asker
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.quantities import parse, same_dimension
from gigawatt.studies.solve.space import Axis

__all__ = ["Crossing", "Crossings", "Side", "crossings", "read_comparison"]

_POINTS = 25
_CLOSE = 1e-6
_OTHER = "other:"
_WHERE = re.compile(r"^\s*(?P<left>\S.*?)\s*(?P<sign><=|>=|≤|≥)\s*(?P<right>\S.*?)\s*$")


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a quantity of a scenario, or a value [SI] where there is none."""

    written: str
    asker: Asker | None
    quantity: str = ""
    constant: float = math.nan
    unit: str = ""

    def at(self, changes: dict[str, object]) -> float:
        """The SI value under changes; raises the ``GigawattError`` that stands in its way."""
        if self.asker is None:
            return self.constant
        return float(self.asker.at(changes).value(self.quantity).value)


@dataclass(frozen=True)
class Crossing:
    """Between ``before`` and ``after`` the comparison begins (``holds``) or ceases to hold."""

    before: str
    after: str
    holds: bool
    left: float
    right: float


@dataclass(frozen=True)
class Crossings:
    """Every crossing that showed; ``rows`` are (value, left, right, holds), ``nan`` where not computable."""

    axis: Axis
    left: Side
    right: Side
    first: str | None
    found: tuple[Crossing, ...]
    rows: tuple[tuple[str, float, float, bool], ...]
    nearest: tuple[str, float] | None
    method: str
    monotone: bool
    reasons: tuple[str, ...]
    cpu_seconds: float


def read_comparison(written: str, base: Asker, other: Asker | None) -> tuple[Side, Side]:
    """Both sides of ``"A <= B"``, in the order of smaller and larger.

    A side is a quantity of the scenario, ``other:QUANTITY`` of the second one, or a value with its unit.

    Raises
    ------
    InputError
        Not a comparison, an unknown quantity, sides of different kinds, a second scenario that is not there.
    """
    match = _WHERE.match(written)
    if match is None:
        raise InputError("not a comparison", key="--where", given=written, allowed='"A <= B" or "A >= B"')
    texts = [match["left"], match["right"]]
    if match["sign"] in (">=", "≥"):
        texts.reverse()
    units: list[str | None] = [_unit(text, base, other) for text in texts]
    if units == [None, None]:
        raise InputError("two values, no quantity", key="--where", given=written)
    sides: list[Side] = []
    for i, text in enumerate(texts):
        unit = units[i]
        if unit is None:
            kind = units[1 - i] or "1"
            try:
                sides.append(Side(text, None, constant=parse(text, kind), unit=kind))
            except InputError as error:
                error.key = "--where"
                raise
            continue
        asker = other if text.startswith(_OTHER) else base
        sides.append(Side(text, asker, text.removeprefix(_OTHER), unit=unit))
    if not same_dimension(sides[0].unit, sides[1].unit):
        raise InputError(
            "these are not of one kind",
            key="--where",
            given=f"{sides[0].unit} and {sides[1].unit}",
            allowed="two quantities of the same unit",
        )
    return sides[0], sides[1]


def _unit(text: str, base: Asker, other: Asker | None) -> str | None:
    if re.match(r"[+\-]?[\d.]", text):
        return None
    if not text.startswith(_OTHER):
        return base.quantity(text, "--where")
    if other is None:
        raise InputError(
            "there is no second scenario", key="--where", given=text, allowed="with --other FILE"
        )
    return other.quantity(text.removeprefix(_OTHER), "--where")


def crossings(
    axis: Axis,
    left: Side,
    right: Side,
    *,
    every: int = 400,
    progress: Callable[[str, float], None] | None = None,
) -> Crossings:
    """Where ``left`` becomes at most ``right`` and where it ceases to be, over one unknown.

    Parameters
    ----------
    axis : Axis
        With an order.
    left, right : Side
        Of the comparison left ≤ right.
    every : int
        Values up to which all are looked at; of more, and of a continuous unknown, 25 are, and each change of
        sign is closed in on between its two neighbours.
    progress : callable, optional
        Called with (what is looked at, share done).

    Raises
    ------
    InputError
        An unknown without an order.
    """
    if not axis.ordered:
        raise InputError(
            "names have no order, so that nothing is crossed between them",
            key=f"--find {axis.key}", given="|".join(axis.shown[:6]), allowed="a range",
        )  # fmt: skip
    started = time.process_time()
    sides = _Sides(axis, left, right, progress)
    if axis.continuous:
        places = [float(x) for x in np.linspace(0.0, 1.0, _POINTS)]
    elif len(axis.values) <= every:
        places = [float(i) for i in range(len(axis.values))]
    else:
        places = sorted({float(round(x)) for x in np.linspace(0, len(axis.values) - 1, _POINTS)})
    gaps = [sides.gap(at) for at in places]
    found: list[Crossing] = []
    usable = [i for i, one in enumerate(gaps) if not math.isnan(one)]
    for i, j in pairwise(usable):
        if (gaps[i] <= 0.0) == (gaps[j] <= 0.0):
            continue
        low, high = _close(axis, sides.gap, places[i], places[j])
        mine, theirs = sides.at(high)
        found.append(Crossing(sides.words(low), sides.words(high), gaps[j] <= 0.0, mine, theirs))
    rows = sides.rows()
    falls = [gaps[j] - gaps[i] for i, j in pairwise(usable)]
    first = next((words for words, _, _, holds in rows if holds), None)
    whole = not axis.continuous and len(places) == len(axis.values)
    method = f"all {len(places)} values" if whole else f"{len(places)} of the range, then between neighbours"
    return Crossings(
        axis=axis,
        left=left,
        right=right,
        first=first,
        found=tuple(found),
        rows=rows,
        nearest=sides.nearest() if first is None else None,
        method=method,
        monotone=all(one <= 0.0 for one in falls) or all(one >= 0.0 for one in falls),
        reasons=tuple(sides.reasons),
        cpu_seconds=time.process_time() - started,
    )


class _Sides:
    """Both sides at places of an axis, each place computed once; ``reasons`` where one has no answer."""

    def __init__(
        self, axis: Axis, left: Side, right: Side, progress: Callable[[str, float], None] | None
    ) -> None:
        self.axis, self.left, self.right, self.progress = axis, left, right, progress
        self.reasons: dict[str, None] = {}
        self.known: dict[float, tuple[float, float]] = {}

    def _value(self, at: float) -> object:
        return self.axis.at(at) if self.axis.continuous else self.axis.values[round(at)]

    def words(self, at: float) -> str:
        return self.axis.words(self._value(at))

    def at(self, at: float) -> tuple[float, float]:
        """(left, right) in SI; not numbers where one of them has no answer."""
        if at not in self.known:
            if self.progress is not None:
                share = len(self.known) / (len(self.known) + 20.0)
                self.progress(f"{self.axis.key} {self.words(at)}", share)
            value = {self.axis.key: self._value(at)}
            try:
                self.known[at] = self.left.at(value), self.right.at(value)
            except GigawattError as error:
                self.reasons[f"{self.words(at)}: {error.message}"] = None
                self.known[at] = math.nan, math.nan
        return self.known[at]

    def gap(self, at: float) -> float:
        """Left less right."""
        mine, theirs = self.at(at)
        return mine - theirs

    def rows(self) -> tuple[tuple[str, float, float, bool], ...]:
        """(value, left, right, whether left is at most right) of every place, in order."""
        return tuple((self.words(at), *both, both[0] <= both[1]) for at, both in sorted(self.known.items()))

    def nearest(self) -> tuple[str, float] | None:
        """The value whose left misses right by least, and by what share of right."""
        usable = [at for at in self.known if not math.isnan(self.gap(at))]
        if not usable:
            return None
        closest = min(usable, key=self.gap)
        mine, theirs = self.known[closest]
        return self.words(closest), (mine - theirs) / abs(theirs) if theirs else math.inf


def _close(axis: Axis, gap: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Neighbours between which the sign changes; of a continuous unknown, ends of a narrow bracket."""
    if axis.continuous:
        from scipy.optimize import brentq

        try:
            root = float(brentq(gap, low, high, xtol=_CLOSE))  # pyright: ignore
        except ValueError:  # something between cannot be computed
            return low, high
        before = gap(low) <= 0.0
        ends = max(root - _CLOSE, low), min(root + _CLOSE, high)
        return ends if (gap(ends[0]) <= 0.0) == before else (low, high)
    inside = [low, *(float(i) for i in range(int(low) + 1, int(high))), high]
    first = gap(low) <= 0.0
    for here, there in pairwise(inside):
        if (gap(there) <= 0.0) != first and not math.isnan(gap(there)):
            return here, there
    return low, high
