"""A store that fades: what it holds in the mean of its life, what is paid, and the limits of a new one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.power import Plant, Problem, Storage
from gigawatt.power.plan.plan import solve_problem

MWH, KWH, PER_KW = 3.6e9, 3.6e6, 1e-3
SUN = np.tile([1.0] * 12 + [0.0] * 12, 7)


def question(fade: float, energy_capital: float = 20.0, longest: float = 24.0) -> Problem:
    """Sun by day and a lossless store by night for 100 MW, nothing else."""
    store = Storage(
        1.0, 1.0, energy_capital / KWH, duration_min=0.0, duration_max=longest * 3600.0, fade=fade
    )
    plants = [
        Plant("sun", "profile", availability=SUN, capital=60 * PER_KW),
        Plant("store", "storage", capital=10 * PER_KW, storage=store),
    ]
    return Problem(load=np.full(len(SUN), 1e8), plants=plants, not_served_price=10_000 / MWH)


def test_a_night_by_hand() -> None:
    found = solve_problem(question(0.4))
    assert found.state_of_charge.max() == pytest.approx(12 * 1e8 * 3600, rel=1e-6)  # a night of 12 h
    assert found.storage_energy["store"] == pytest.approx(12 * 1e8 * 3600 / 0.8, rel=1e-6)
    paid = found.cost["store"]["capital"] * 8760 / len(SUN)
    assert paid == pytest.approx(1.5e9 / 1e3 * 20 + 1e8 * 10 * PER_KW, rel=1e-5)


def test_duration_counts_rated_energy() -> None:
    tight = solve_problem(question(0.4, longest=12.0))  # 15 h of 100 MW rated need 125 MW of power
    assert tight.capacity["store"] == pytest.approx(1.25e8, rel=1e-5)
    assert solve_problem(question(0.0, longest=12.0)).capacity["store"] == pytest.approx(1e8, rel=1e-5)


def test_fade_is_a_dearer_store() -> None:
    faded = solve_problem(question(0.4))
    dear = solve_problem(question(0.0, energy_capital=20.0 / 0.8))
    assert faded.objective == pytest.approx(dear.objective, rel=1e-6)
    assert faded.objective == pytest.approx(solve_problem(question(0.4), solver="highs").objective, rel=1e-6)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.floats(0.0, 0.9), st.floats(0.0, 0.09))
def test_more_fade_is_never_cheaper(fade: float, more: float) -> None:
    one, other = (solve_problem(question(value)).objective for value in (fade, fade + more))
    assert other >= one * (1 - 1e-6)


def test_a_store_that_is_gone_is_refused() -> None:
    asked = question(0.1)
    store = asked.plants[1].storage
    assert store is not None
    with pytest.raises(InputError, match=r"store.storage.fade: not a sensible value"):
        replace(asked.plants[1], storage=replace(store, fade=1.0))
