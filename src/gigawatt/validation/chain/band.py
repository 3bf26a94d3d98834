"""How far the days of a whole run may be off: step, failures, and what published runs took besides.

The errors of the shipped cases, each predicted as `gigawatt validate chain` does, are groups of a conformal
band as the sources of measured steps are. The band of a run is at least as wide as either: published hours
hold ramps, restarts, software and layouts that nothing in a scenario says.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gigawatt.chain.reliability import days_band
from gigawatt.validation.files import table
from gigawatt.validation.training.band import Band, conformal_band

__all__ = ["RESIDUALS", "run_days_band", "whole_run_band"]

RESIDUALS = "chain_residuals.csv"


@lru_cache(maxsize=64)
def whole_run_band(without: str = "") -> Band:
    """Factors on predicted hours between which nine in ten published whole runs lie.

    Parameters
    ----------
    without : str
        The case that is being judged: its own errors are left out.
    """
    rows = [row for row in table(RESIDUALS) if row["case"] != without]
    values = np.array([float(row["ln_published_over_predicted"]) for row in rows], dtype=np.float64)
    return conformal_band(values=values, groups=[row["case"] for row in rows])


def run_days_band(
    *, step: tuple[float, float], failures: tuple[float, float], without: str = ""
) -> tuple[float, float]:
    """Factors on the days of a run (low, high): its step, its failures, and at least what whole runs show.

    ``step`` and ``failures`` are those of :func:`~gigawatt.chain.reliability.days_band`, ``without`` that of
    :func:`whole_run_band`.
    """
    low, high = days_band(step=step, failures=failures)
    whole = whole_run_band(without)
    return (low, high) if whole.groups == 0 else (min(low, whole.low), max(high, whole.high))
