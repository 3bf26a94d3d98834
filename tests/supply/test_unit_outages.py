"""Outages of a unit: renewal theory, and the same draws whatever was asked before."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gigawatt.power.adequacy.unit_outages import FailingKind, UnitOutages, batch_years, spells_of

HOURS = 8760


def kind(forced: float, repair: float) -> FailingKind:
    """Units out for ``forced`` of the time, for ``repair`` hours at a time, at all hours alike."""
    fail = forced / (1.0 - forced) / repair
    return FailingKind(fail, 1.0 / repair, np.full(HOURS, forced), np.ones(HOURS), 1)


@pytest.mark.parametrize(("forced", "repair"), [(0.05, 40.0), (0.3, 10.0), (0.01, 300.0)])
def test_units_are_out_as_often_and_as_long_as_an_alternating_renewal_process(
    forced: float, repair: float
) -> None:
    """Ross, Introduction to Probability Models, chapter 7: share of time and rate of the cycles."""
    units = [UnitOutages(kind(forced, repair), (1, 0, i)) for i in range(20)]
    spells, at = spells_of(units, 0, 250)
    years = 20 * 250
    hours = float((spells[:, 1] - spells[:, 0]).sum())
    events = years * HOURS * (1.0 - forced) * forced / (1.0 - forced) / repair
    assert at.shape == (20, 251)
    assert len(spells) == pytest.approx(events, abs=4.0 * events**0.5 + years * forced)
    assert hours / (years * HOURS) == pytest.approx(forced, rel=4.0 * (2.0 / events) ** 0.5)


def test_outages_lie_apart_within_their_year() -> None:
    spells, at = UnitOutages(kind(0.3, 10.0), (1, 0, 0)).batch(0)
    for first, last in pairwise(at.tolist()):
        ends = spells[first:last].ravel()
        assert np.all(np.diff(ends) > 0)
        assert ends.min() >= 0
        assert ends.max() <= HOURS


def test_a_batch_is_the_same_whatever_was_asked_before() -> None:
    """Kept ones, and those after them, which a stream comes to in turn or at once."""
    asked = UnitOutages(kind(0.05, 40.0), (1, 0, 0))
    in_turn = [asked.batch(number)[0] for number in range(7)]
    at_once = UnitOutages(kind(0.05, 40.0), (1, 0, 0))
    for number in (6, 2, 4, 0, 5):
        assert np.array_equal(at_once.batch(number)[0], in_turn[number])
    assert not np.array_equal(in_turn[4], in_turn[5])
    other = UnitOutages(kind(0.05, 40.0), (1, 0, 1))
    assert not np.array_equal(other.batch(0)[0], in_turn[0])


def test_weather_years_are_drawn_alike_often() -> None:
    assert [batch_years(years) for years in (1, 3, 300)] == [250, 252, 300]
    mild, severe = np.zeros(HOURS), np.full(HOURS, 0.5)
    two = FailingKind(0.0, 1e-12, np.concatenate([mild, severe]), np.ones(2 * HOURS), 2)
    _, at = UnitOutages(two, (1, 0, 0)).batch(0)
    count = np.diff(at)
    assert not count[::2].any()
    assert 0.3 < count[1::2].mean() < 0.7
