"""Which of two results is the better one, with all that is uncertain: chances, regret, and what to find out.

Both results hold draws of the same names and seed (``gigawatt run --uncertainty``): what they share, a price
of gas or the error of a kind of step, moves both alike.

References
----------
Strong, Oakley & Brennan (2014), Estimating multiparameter partial expected value of perfect information
from a probabilistic sensitivity analysis sample: a nonparametric regression approach, Medical Decision
Making 34(3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.result import Result
from gigawatt.studies.run.figures_tables import get_table
from gigawatt.studies.run.spreads import DRAWS, NORMALS, TABLE

__all__ = ["Chance", "chances"]

Array = NDArray[np.float64]
DECIDED = (
    "training.duration", "ledger.run_cost", "ledger.annual_cost", "economics.cost_million_output",
    "ledger.cost_per_energy", "facility.power_peak", "carbon.run", "carbon.year",
)  # fmt: skip
"""Quantities of which less is better, in the order in which they are told."""
_TOLD = 5
"""Causes that are told as worth finding out."""
_NOISE = 0.02
"""Share of the value of knowing everything below which a cause is not told: it is the noise of the draws."""


@dataclass(frozen=True)
class Chance:
    """One quantity of two results, less being better, in its shown unit.

    ``first_is_less`` is the probability that the first has less, alike counting half; ``low, median, high``
    are 5, 50, 95 % of the ratio second over first. ``regret`` is what choosing the one with the smaller mean
    costs in the mean against knowing better: the expected value of perfect information. ``worth`` is how much
    of it knowing one cause alone would be worth, largest first.
    """

    quantity: str
    unit: str
    first_is_less: float
    low: float
    median: float
    high: float
    regret: float
    worth: tuple[tuple[str, float], ...]


def chances(results: Sequence[Result]) -> tuple[Chance, ...]:
    """What the draws of two results say of which is the better one; nothing where they are not comparable."""
    if len(results) != 2 or not _alike(results):
        return ()
    first, second = (_draws(result, DRAWS) for result in results)
    normals = {**_draws(results[1], NORMALS), **_draws(results[0], NORMALS)}
    units: Any = get_table(results[0], TABLE)
    return tuple(
        _chance(name, str(units.loc[name, "unit"]), first[name], second[name], normals)
        for name in DECIDED
        if name in first and name in second
    )


def _alike(results: Sequence[Result]) -> bool:
    """Whether both hold as many draws of one seed."""
    told = [result.run.get(TABLE) for result in results]
    return all(told) and len({(one["draws"], one["seed"]) for one in told if one}) == 1


def _draws(result: Result, table: str) -> dict[str, Array]:
    frame: Any = get_table(result, table)
    return {} if frame is None else {str(name): np.asarray(frame[name], float) for name in frame.columns}


def _chance(name: str, unit: str, first: Array, second: Array, normals: Mapping[str, Array]) -> Chance:
    ratio = second / first
    low, median, high = np.quantile(ratio, (0.05, 0.5, 0.95))
    saved = first - second  # by choosing the second
    saved = saved if np.mean(saved) <= 0.0 else -saved  # by leaving the one of the smaller mean
    regret = float(np.mean(np.maximum(saved, 0.0)))
    worth = {cause: _worth(saved, z) for cause, z in normals.items()} if regret > 0.0 else {}
    ordered = sorted(worth.items(), key=lambda pair: -pair[1])
    less = float(np.mean(first < second) + np.mean(first == second) / 2.0)
    return Chance(
        name, unit, less, float(low), float(median), float(high), regret,
        tuple((cause, value) for cause, value in ordered[:_TOLD] if value > _NOISE * regret),
    )  # fmt: skip


def _worth(saved: Array, z: Array) -> float:
    """Mean of what could be saved if ``z`` were known: the positive part of a regression, bent at 0."""
    terms = np.stack([np.ones_like(z), np.maximum(z, 0.0), np.minimum(z, 0.0)], axis=1)
    fitted = terms @ np.linalg.lstsq(terms, saved, rcond=None)[0]
    return float(np.mean(np.maximum(fitted, 0.0)))
