"""Choice among results under uncertainty: probability, expected regret, value of information.

All results hold draws of the same seed (as ``gigawatt run`` makes them). Inputs that they share, a gas price
or the model error of an accelerator, have the same draws in all of them.

References
----------
Strong, Oakley & Brennan (2014), Estimating multiparameter partial expected value of perfect information
from a probabilistic sensitivity analysis sample: a nonparametric regression approach, Medical Decision
Making 34(3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.studies.compare.break_even import BreakEven, break_evens, pair_of, ratio_at
from gigawatt.studies.run.figures_tables import get_table
from gigawatt.studies.run.responses import responses_of
from gigawatt.studies.run.uncertainty_words import DRAWS, NORMALS, TABLE

__all__ = ["QUANTILES", "Decision", "Pair", "RatioEnds", "decisions"]

Array = NDArray[np.float64]
CRITERIA = (
    "training.duration", "ledger.run_cost", "ledger.annual_cost", "economics.cost_million_output",
    "ledger.cost_per_energy", "facility.power_peak", "carbon.run", "carbon.year",
)  # fmt: skip
"""Quantities of which less is better."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_INPUTS = 5
"""Inputs with the highest value of information that are listed."""
_FEW = 50
"""Values of an input that has no more of them: years."""
_LEAST = 0.02
"""Share of the expected regret below which a value of information is sampling noise."""
_MOST_ENDS, _ALIKE = 12, 1e-3
"""Inputs whose ratios are kept; logarithm of what the ratio moves by below which an input is left out."""


@dataclass(frozen=True)
class Decision:
    """One criterion of two or more results, less being better, in its shown unit.

    By result: ``lowest``, the probability that it is the lowest, ties shared; ``quantiles``, its 5, 25, 50,
    75 and 95 %; ``regrets``, the mean of what choosing it costs beyond the lowest of each draw. ``chosen`` is
    the result of the smallest mean, and ``expected_regret`` its regret: the expected value of perfect
    information. ``value_of_information`` is the part of it that perfect information on one input alone would
    save, largest first. ``pairs`` are the chosen one with each of the others, the likeliest to be the lowest
    first.
    """

    quantity: str
    unit: str
    lowest: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]
    regrets: tuple[float, ...]
    chosen: int
    expected_regret: float
    value_of_information: tuple[tuple[str, float], ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Pair:
    """Two results by one criterion, ``first`` and ``second`` in the order in which they were given.

    ``probability_first_lower`` counts ties as a half. ``ratio_low, ratio_median, ratio_high`` are 5, 50, 95 %
    quantiles of second over first. ``break_even`` are the inputs that alone change which of the two is
    lower, ``together`` two that do so where none does alone; ``None`` where the results have no responses.
    ``ratio`` is second over first with every input at its value, ``ratios`` the same with one input at its
    low and at its high end, largest change first.
    """

    first: int
    second: int
    probability_first_lower: float
    ratio_low: float
    ratio_median: float
    ratio_high: float
    ratio: float
    break_even: tuple[BreakEven, ...] | None
    together: tuple[str, ...] | None
    ratios: tuple[RatioEnds, ...]


@dataclass(frozen=True)
class RatioEnds:
    """An input with its ends in words, and the ratio of second to first at either."""

    input: str
    words: str
    low_end: str
    high_end: str
    low: float
    high: float


def decisions(results: Sequence[Result]) -> tuple[Decision, ...]:
    """Decisions among results by criterion; empty without draws of the same number and seed in each."""
    if len(results) < 2 or not _same_draws(results):
        return ()
    drawn = [_columns(result, DRAWS) for result in results]
    normals: dict[str, Array] = {}
    for result in reversed(results):
        normals.update(_columns(result, NORMALS))
    units: Any = get_table(results[0], TABLE)
    found: list[Decision] = []
    for name in CRITERIA:
        draws = [one[name] for one in drawn if name in one]
        if len(draws) == len(results):
            found.append(_decision(results, name, str(units.loc[name, "unit"]), np.stack(draws), normals))
    return tuple(found)


def _same_draws(results: Sequence[Result]) -> bool:
    sampling = [result.run.get(TABLE) for result in results]
    return all(sampling) and len({(one["draws"], one["seed"]) for one in sampling if one}) == 1


def _columns(result: Result, table: str) -> dict[str, Array]:
    frame: Any = get_table(result, table)
    return {} if frame is None else {str(name): np.asarray(frame[name], float) for name in frame.columns}


def _decision(
    results: Sequence[Result], name: str, unit: str, draws: Array, normals: Mapping[str, Array]
) -> Decision:
    """The decision by a quantity whose ``draws`` are (results, draws)."""
    least = draws.min(axis=0)
    shared = draws == least
    lowest = (shared / shared.sum(axis=0)).mean(axis=1)
    regrets = (draws - least).mean(axis=1)
    chosen = int(np.argmin(regrets))
    savings = draws[chosen] - np.delete(draws, chosen, axis=0)  # of each of the others
    regret = float(regrets[chosen])
    values = {cause: _information(savings, z) for cause, z in normals.items()} if regret > 0.0 else {}
    values = {cause: value for cause, value in values.items() if value > _LEAST * regret}
    largest = sorted(values.items(), key=lambda pair: -pair[1])
    others = sorted((one for one in range(len(results)) if one != chosen), key=lambda one: -lowest[one])
    return Decision(
        quantity=name,
        unit=unit,
        lowest=tuple(map(float, lowest)),
        quantiles=tuple(tuple(map(float, np.quantile(one, QUANTILES))) for one in draws),
        regrets=tuple(map(float, regrets)),
        chosen=chosen,
        expected_regret=regret,
        value_of_information=tuple(largest[:_MOST_INPUTS]),
        pairs=tuple(_pair(results, name, unit, draws, sorted((chosen, other)), values) for other in others),
    )


def _pair(
    results: Sequence[Result], name: str, unit: str, draws: Array, which: list[int],
    information: Mapping[str, float],
) -> Pair:  # fmt: skip
    """Two of the results, and what would change which of them is lower, from the responses of both."""
    (first, second), both = (draws[one] for one in which), [results[one] for one in which]
    low, median, high = (float(one) for one in np.quantile(second / first, (0.05, 0.5, 0.95)))
    before, after = (float(result.quantity(name).value) / factor(unit) for result in both)
    alone, together, ends = _changes(both, name, (before, after), information)
    return Pair(
        which[0],
        which[1],
        float(np.mean(first < second) + np.mean(first == second) / 2.0),
        low,
        median,
        high,
        after / before,
        alone,
        together,
        ends,
    )


def _changes(
    results: Sequence[Result], name: str, values: tuple[float, float], information: Mapping[str, float]
) -> tuple[tuple[BreakEven, ...] | None, tuple[str, ...] | None, tuple[RatioEnds, ...]]:
    """Break-evens, two inputs that change the choice together, and ratios at the ends of every input."""
    first, second = ({one.cause: one for one in responses_of(result, name)} for result in results)
    if not first and not second:
        return None, None, ()
    known, ratio = {**second, **first}, values[1] / values[0]
    ratios = ratio_at(first, second, values)
    alone = break_evens(known, ratios, ratio, information)
    ends = [
        RatioEnds(
            cause, known[cause].words, known[cause].value_words(known[cause].ends[0]),
            known[cause].value_words(known[cause].ends[4]), low, high,
        )
        for cause, (low, high) in ratios.items()
        if abs(math.log(high / low)) > _ALIKE
    ]  # fmt: skip
    ends.sort(key=lambda one: -abs(math.log(one.high / one.low)))
    return alone, () if alone else pair_of(ratios, ratio), tuple(ends[:_MOST_ENDS])


def _information(savings: Array, z: Array) -> float:
    """Expected value of perfect partial information: mean positive part of the largest regression of the
    ``savings``, (others, draws), on an input, bent at z = 0.

    An input with a few values, such as the year, has the mean of each instead.
    """
    values, which = np.unique(z, return_inverse=True)
    if len(values) <= _FEW:
        count = np.bincount(which)
        expected = np.stack([np.bincount(which, weights=one) / count for one in savings])
        return float(np.maximum(expected.max(axis=0), 0.0) @ count) / len(z)
    terms = np.stack([np.ones_like(z), np.maximum(z, 0.0), np.minimum(z, 0.0)], axis=1)
    expected = terms @ np.linalg.lstsq(terms, savings.T, rcond=None)[0]
    return float(np.mean(np.maximum(expected.max(axis=1), 0.0)))
