"""Choice between two results under uncertainty: probability, expected regret, value of information.

Both results hold draws of the same seed (as ``gigawatt run`` makes them). Inputs that they share, a gas price
or the model error of an accelerator, have the same draws in both.

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

__all__ = ["Decision", "RatioEnds", "decisions"]

Array = NDArray[np.float64]
CRITERIA = (
    "training.duration", "ledger.run_cost", "ledger.annual_cost", "economics.cost_million_output",
    "ledger.cost_per_energy", "facility.power_peak", "carbon.run", "carbon.year",
)  # fmt: skip
"""Quantities of which less is better."""
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
    """One criterion of two results, less being better, in its shown unit.

    ``probability_first_lower`` counts ties as a half. ``ratio_low, ratio_median, ratio_high`` are 5, 50, 95 %
    quantiles of second over first. ``expected_regret`` is the mean loss of choosing the smaller mean against
    perfect information. ``value_of_information`` is the part of it that perfect information on one input
    alone would save, largest first. ``break_even`` are the inputs that alone change which of the two is
    lower, ``pair`` two that do so together where none does alone; ``None`` where the results have no
    responses. ``ratio`` is second over first with every input at its value, ``ratios`` the same with one
    input at its low and at its high end, largest change first.
    """

    quantity: str
    unit: str
    probability_first_lower: float
    ratio_low: float
    ratio_median: float
    ratio_high: float
    expected_regret: float
    value_of_information: tuple[tuple[str, float], ...]
    ratio: float
    break_even: tuple[BreakEven, ...] | None
    pair: tuple[str, ...] | None
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
    """Decisions between two results by criterion; empty without draws of the same number and seed."""
    if len(results) != 2 or not _same_draws(results):
        return ()
    first, second = (_columns(result, DRAWS) for result in results)
    normals = {**_columns(results[1], NORMALS), **_columns(results[0], NORMALS)}
    units: Any = get_table(results[0], TABLE)
    return tuple(
        _decision(results, name, str(units.loc[name, "unit"]), (first[name], second[name]), normals)
        for name in CRITERIA
        if name in first and name in second
    )


def _same_draws(results: Sequence[Result]) -> bool:
    sampling = [result.run.get(TABLE) for result in results]
    return all(sampling) and len({(one["draws"], one["seed"]) for one in sampling if one}) == 1


def _columns(result: Result, table: str) -> dict[str, Array]:
    frame: Any = get_table(result, table)
    return {} if frame is None else {str(name): np.asarray(frame[name], float) for name in frame.columns}


def _decision(
    results: Sequence[Result], name: str, unit: str, draws: tuple[Array, Array], normals: Mapping[str, Array]
) -> Decision:
    first, second = draws
    low, median, high = (float(one) for one in np.quantile(second / first, (0.05, 0.5, 0.95)))
    saving = first - second  # of choosing the second
    saving = saving if np.mean(saving) <= 0.0 else -saving  # of not choosing the smaller mean
    regret = float(np.mean(np.maximum(saving, 0.0)))
    values = {cause: _information(saving, z) for cause, z in normals.items()} if regret > 0.0 else {}
    values = {cause: value for cause, value in values.items() if value > _LEAST * regret}
    largest = sorted(values.items(), key=lambda pair: -pair[1])
    before, after = (float(result.quantity(name).value) / factor(unit) for result in results)
    return Decision(
        quantity=name,
        unit=unit,
        probability_first_lower=float(np.mean(first < second) + np.mean(first == second) / 2.0),
        ratio_low=low,
        ratio_median=median,
        ratio_high=high,
        expected_regret=regret,
        value_of_information=tuple(largest[:_MOST_INPUTS]),
        ratio=after / before,
        **_choice(results, name, (before, after), values),
    )


def _choice(
    results: Sequence[Result], name: str, values: tuple[float, float], information: Mapping[str, float]
) -> dict[str, Any]:
    """What would change which of the two is lower, from the responses of both."""
    first, second = ({one.cause: one for one in responses_of(result, name)} for result in results)
    if not first and not second:
        return {"break_even": None, "pair": None, "ratios": ()}
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
    return {
        "break_even": alone,
        "pair": () if alone else pair_of(ratios, ratio),
        "ratios": tuple(ends[:_MOST_ENDS]),
    }


def _information(saving: Array, z: Array) -> float:
    """Expected value of perfect partial information: mean positive part of a regression, bent at z = 0.

    An input with a few values, such as the year, has the mean of each instead.
    """
    values, which = np.unique(z, return_inverse=True)
    if len(values) <= _FEW:
        count = np.bincount(which)
        means = np.bincount(which, weights=saving) / count
        return float(np.maximum(means, 0.0) @ count) / len(z)
    terms = np.stack([np.ones_like(z), np.maximum(z, 0.0), np.minimum(z, 0.0)], axis=1)
    expected = terms @ np.linalg.lstsq(terms, saving, rcond=None)[0]
    return float(np.mean(np.maximum(expected, 0.0)))
