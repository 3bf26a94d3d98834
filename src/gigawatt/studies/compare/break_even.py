"""Inputs that would change a choice: the value of each at which the other of two results becomes the lower.

All else stays at its value. Between its middle and either end an input moves the logarithm of a quantity in
proportion to how far it is moved; the responses at the ends are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.special import ndtr

from gigawatt.chain.uncertainty.draws import LARGEST
from gigawatt.core.evidence import Z95
from gigawatt.studies.run.responses import Response, input_at, normal_at

__all__ = ["BreakEven", "break_evens", "pair_of", "ratio_at", "settled_by"]

_MOST = LARGEST / Z95
"""Reach of an input at the ends that are sampled, 1 and 99 %; its range is 1."""
_SETTLED = {
    "step time": "a measured step",
    "engine latency": "a measured service",
    "engine throughput": "a measured service",
    "accelerator prices": "a quote",
    "node and network prices": "a quote",
    "plant costs": "a quote",
    "building cost": "a quote",
    "fuel prices": "a forward price",
    "grid prices": "a supply contract or forward price",
    "carbon prices": "a forward price",
    "lifetimes, interest and maintenance": "the owner's terms",
    "embodied carbon": "a supplier's declaration",
    "carbon of electricity": "a supplier's declaration",
}
"""Group of inputs → what kind of source would settle one; of any other a measurement."""
_EXPECTED = "projected"
"""Grade of what lies ahead, which cannot be measured yet."""


@dataclass(frozen=True)
class BreakEven:
    """An input that by itself changes which of two results is lower.

    ``value`` is where they are equal, in ``unit`` (× for measured over predicted), ``low, middle, high`` are
    5 %, value and 95 % of the input. Beyond it, which is ``above`` or below, lies ``probability``.
    ``value_of_information`` is in the unit of the quantity; ``settled_by`` the kind of source that would
    settle it.
    """

    input: str
    words: str
    unit: str
    value: float
    low: float
    middle: float
    high: float
    shown: str
    above: bool
    probability: float
    value_of_information: float
    grade: str
    source: str
    settled_by: str


_NOTHING = 1e-9
"""Share of an input's value below which it is nothing."""


def settled_by(group: str, grade: str, cause: str = "") -> str:
    """What kind of source would settle an input.

    >>> settled_by("step time", "measured"), settled_by("plant costs", "projected")
    ('a measured step', 'a forecast')
    """
    if cause.endswith(".decline"):
        return "a forecast"
    return "a forecast" if grade == _EXPECTED else _SETTLED.get(group, "a measurement")


def ratio_at(
    first: Mapping[str, Response], second: Mapping[str, Response], values: tuple[float, float]
) -> dict[str, tuple[float, float]]:
    """By input the ratio of second to first at its low and at its high end, all others at their values.

    Parameters
    ----------
    first, second : mapping of str to Response
        Responses of the quantity in either result, by input.
    values : (float, float)
        The quantity in either, in the unit of the responses.
    """
    found: dict[str, tuple[float, float]] = {}
    for cause in dict.fromkeys((*first, *second)):
        low, high = (
            tuple(
                (getattr(side[cause], end) if cause in side else value)
                for side, value in zip((first, second), values, strict=True)
            )
            for end in ("low", "high")
        )
        found[cause] = (low[1] / low[0], high[1] / high[0])
    return found


def break_evens(
    responses: Mapping[str, Response],
    ratios: Mapping[str, tuple[float, float]],
    ratio: float,
    information: Mapping[str, float],
) -> tuple[BreakEven, ...]:
    """Inputs that alone make the ratio one, the highest value of information first.

    Parameters
    ----------
    responses : mapping of str to Response
        By input, of either result: its range, grade and group.
    ratios : mapping of str to (float, float)
        As of :func:`ratio_at`.
    ratio : float
        With every input at its value.
    information : mapping of str to float
        Value of information by input, in the unit of the quantity.
    """
    found: list[BreakEven] = []
    for cause, ends in ratios.items():
        for sign, end in zip((-1.0, 1.0), ends, strict=True):
            moved = math.log(end / ratio)
            far = -math.log(ratio) / moved if moved else math.inf
            if not 0.0 < far <= _MOST:
                continue
            one = responses[cause]
            value = input_at(one.ends, sign * far)
            if one.ends[0] >= 0.0 and value <= _NOTHING * one.ends[2]:
                continue  # it cannot be less than nothing
            beyond = float(ndtr(-abs(normal_at(one.ends, sign * far))))
            found.append(
                BreakEven(
                    cause, one.words, one.input_unit, value, one.ends[0], one.ends[2], one.ends[4],
                    one.value_words(value), sign > 0.0, beyond, information.get(cause, 0.0), one.grade,
                    one.source, settled_by(one.group, one.grade, cause),
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.value_of_information, -one.probability)))


def pair_of(ratios: Mapping[str, tuple[float, float]], ratio: float) -> tuple[str, ...]:
    """The two inputs of largest effect where their unfavourable ends together change the choice."""
    sign = -math.copysign(1.0, math.log(ratio)) if ratio != 1.0 else 0.0
    pushes = {cause: max(sign * math.log(end / ratio) for end in ends) for cause, ends in ratios.items()}
    first: Sequence[str] = sorted(pushes, key=lambda cause: -pushes[cause])[:2]
    enough = len(first) == 2 and sum(pushes[cause] for cause in first) >= abs(math.log(ratio)) > 0.0
    return tuple(first) if enough else ()
