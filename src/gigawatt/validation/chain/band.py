"""How far the days of a whole run may be off: step, failures, and what published runs took besides.

The errors of the shipped cases, each predicted as `gigawatt validate chain` does, are groups of a conformal
band as the sources of measured steps are. So few groups bound nine in ten by their outermost alone; the band
is therefore at least the prediction interval of a further case, its logarithm taken as normal. The band of a
run is at least as wide as that of its step: published hours hold ramps, restarts, software and layouts that
nothing in a scenario says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from gigawatt.chain.training.reliability import days_band
from gigawatt.validation.chain.rows import read_chain_rows
from gigawatt.validation.files import rows_file, table
from gigawatt.validation.training.band import Band, conformal_band

__all__ = ["RESIDUALS", "resembling", "run_days_band", "whole_run_band", "whole_run_residuals"]

RESIDUALS = "chain_residuals.csv"
_FEWEST = 3
"""Cases from which a spread is taken."""
_ALIKE = 2.0
"""Times by which sizes of systems that resemble one another differ at most."""


def whole_run_residuals(without: str = "") -> list[tuple[str, float]]:
    """(case, ln(published / predicted)) of the shipped whole runs, those of ``without`` left out."""
    return [
        (row["case"], math.log(float(row["published"]) / float(row["predicted"])))
        for row in table(RESIDUALS)
        if row["case"] != without and row["whole_run"]
    ]


@lru_cache(maxsize=64)
def whole_run_band(without: str = "") -> Band:
    """Factors on predicted hours between which nine in ten published whole runs lie.

    Parameters
    ----------
    without : str
        The case that is being judged: its own errors are left out.

    References
    ----------
    Hahn & Meeker, Statistical Intervals (1991), section 4.2: mean ± t · s · √(1 + 1/n).
    """
    from scipy.special import stdtrit

    known = whole_run_residuals(without)
    values = np.array([value for _, value in known])
    cases = np.array([case for case, _ in known], dtype=object)
    seen = conformal_band(values=values, groups=cases.tolist())
    if seen.groups < _FEWEST:
        return seen
    means = np.array([values[cases == case].mean() for case in dict.fromkeys(cases)])
    tail = stdtrit(seen.groups - 1.0, 0.5 + seen.coverage / 2.0)
    reach = float(tail * means.std(ddof=1) * math.sqrt(1.0 + 1.0 / seen.groups))
    low, high = (math.exp(float(means.mean()) + end) for end in (-reach, reach))
    return replace(seen, low=min(seen.low, low), high=max(seen.high, high))


def run_days_band(
    *, step: tuple[float, float], failures: tuple[float, float], without: str = ""
) -> tuple[float, float]:
    """Factors on the days of a run (low, high): its step, its failures, and at least what whole runs show.

    ``step`` and ``failures`` are those of :func:`~gigawatt.chain.training.reliability.days_band`, ``without``
    that of :func:`whole_run_band`.
    """
    low, high = days_band(step=step, failures=failures)
    whole = whole_run_band(without)
    return (low, high) if whole.groups == 0 else (min(low, whole.low), max(high, whole.high))


def resembling(*, chip: str, active: float, count: float) -> tuple[Mapping[str, str], ...]:
    """Rows of published figures of trained systems like this one, with what was predicted of them.

    The same ``chip``, ``active`` parameters and ``count`` of accelerators within a factor of two; a system
    whose number of accelerators is not published resembles by the others.
    """
    rows = {
        row.text("case"): row for row in read_chain_rows(rows_file("chain")) if row.text("kind") == "train"
    }

    def near(given: float | None, ours: float) -> bool:
        return given is None or 1.0 / _ALIKE <= given / ours <= _ALIKE

    alike = {
        case
        for case, row in rows.items()
        if row.text("chip") == chip and near(row.number("count"), count) and row.number("active_params")
        and near(row.number("active_params"), active)
    }  # fmt: skip
    return tuple(row for row in table(RESIDUALS) if row["case"] in alike)
