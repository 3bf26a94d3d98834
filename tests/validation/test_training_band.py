"""Bands of a step's time: what they hold of makers that they have not seen, and how far they reach."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binomtest

from gigawatt.validation.training.band import (
    COVERAGE,
    coverage_left_out,
    middle_half,
    prediction_band,
    shipped_residuals,
)
from gigawatt.validation.training.regimes import REGIMES


@pytest.mark.parametrize("stated", [False, True])
def test_a_maker_left_out_lies_inside_as_often_as_is_said(stated: bool) -> None:
    by_rows, by_makers = coverage_left_out(stated=stated)
    assert abs(by_rows - COVERAGE) < 0.03
    assert by_makers > COVERAGE - 0.03
    makers = len(set(shipped_residuals(stated=stated).makers))  # too few for three points above: by chance
    assert binomtest(round(by_makers * makers), makers, COVERAGE).pvalue > 0.3


@pytest.mark.parametrize("regime", REGIMES)
def test_no_band_reaches_far_beyond_all_that_was_measured(regime: str) -> None:
    """As far beyond the outermost error as makers differ, not a multiple of it."""
    known = shipped_residuals()
    alike = known.regimes == regime
    factors = np.exp(known.values[alike] if alike.any() else known.values)
    band = prediction_band(regime=regime)
    assert band.low > 0.75 * factors.min()
    assert band.high < 1.5 * factors.max()


@pytest.mark.parametrize("regime", REGIMES)
def test_half_of_the_errors_lie_in_the_middle(regime: str) -> None:
    """Around 1 and within the band; where errors are to one side, the half on that side lies inside.

    A maker counts with the root of its rows, at most 60, as in the quantiles: 1,500 of one do not decide.
    """
    low, high = middle_half(regime=regime)
    band = prediction_band(regime=regime)
    assert band.low < low <= 1.0 <= high < band.high
    known = shipped_residuals()
    alike = known.regimes == regime
    factors, makers = np.exp(known.values[alike]), known.makers[alike]
    rows = np.array([np.sum(makers == maker) for maker in makers])
    weight = np.minimum(rows, 60) ** 0.5 / rows
    assert 0.3 < np.average((factors >= low) & (factors <= high), weights=weight) < 0.8


def test_more_coverage_is_a_wider_band() -> None:
    ends = [prediction_band(regime=REGIMES[0], coverage=c) for c in (0.5, 0.8, 0.9, 0.95)]
    for one, other in pairwise(ends):
        assert other.low <= one.low
        assert one.high <= other.high
