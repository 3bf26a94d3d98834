"""The scorecard's part on the plan: PyPSA's optima, its screening example, the closed form of the curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gigawatt.core.errors import InputError
from gigawatt.power import solve_problem
from gigawatt.validation.published import checks_of
from gigawatt.validation.supply.plan import CASES, case, screening, screening_optimum

MWH = 3.6e9


def test_every_published_number_is_met() -> None:
    found = checks_of("supply", "plan")
    assert [one.what for one in found if not one.ok] == []
    assert sum(one.what.endswith("objective") for one in found) == len(CASES)
    assert all(not one.fitted for one in found)


def test_screening_example_has_the_sizes_that_its_intersections_say() -> None:
    # PyPSA's documentation: the curves cross at 0.01 and 0.5 of the hours, over a load of 1000 - 1000 z MW
    sizes = {
        one.what.split(": ")[1]: one.published for one in checks_of("supply", "plan") if "PyPSA:" in one.what
    }
    assert sizes["coal"] == pytest.approx(500.0)
    assert sizes["coal"] + sizes["gas"] == pytest.approx(990.0)
    assert sizes["lost"] == pytest.approx(10.0)


def test_golden_cases_differ_in_what_binds() -> None:
    inside = case("store-inside")
    loose = replace(inside, plants=[replace(q, host="", host_ratio=np.inf) for q in inside.plants])
    assert solve_problem(inside).objective > solve_problem(loose).objective * (1 + 1e-4)
    for name in ("carbon-limit", "hourly-matching"):
        asked = case(name)
        plain = replace(asked, carbon_limit=None, matching=None)
        assert solve_problem(asked).objective > solve_problem(plain).objective * (1 + 1e-4), name


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0.3, 40.0), st.floats(0.05, 3.0), st.floats(20.0, 80.0))
def test_closed_form_is_the_optimum_of_the_programme(
    seed: int, extra: float, peak: float, fuel: float
) -> None:
    hours = 60
    load = np.random.default_rng(seed).uniform(10.0, 100.0, hours)
    low, lost, price = 5.0, 1e3, (peak, peak + extra * (fuel - 5.0))
    base, peaker, cost = screening_optimum(
        load=load * 1e6,
        capital=(price[1] * 1e-6, price[0] * 1e-6),
        fuel=(low / MWH, fuel / MWH),
        not_served_price=lost / MWH,
    )
    c = np.concatenate(
        [[price[1], price[0]], np.full(hours, low), np.full(hours, fuel), np.full(hours, lost)]
    )
    A = np.zeros((2 * hours, len(c)))
    E = np.zeros((hours, len(c)))
    for h in range(hours):
        E[h, [2 + h, 2 + hours + h, 2 + 2 * hours + h]] = 1.0
        A[h, 2 + h], A[h, 0] = 1.0, -1.0
        A[hours + h, 2 + hours + h], A[hours + h, 1] = 1.0, -1.0
    found = linprog(c, A_ub=A, b_ub=np.zeros(2 * hours), A_eq=E, b_eq=load, method="highs")
    assert cost == pytest.approx(found.fun, rel=1e-9)
    assert min(base, peaker) >= 0.0


def test_curves_that_do_not_cross_are_refused() -> None:
    with pytest.raises(InputError, match="fuel: the curves do not cross in this order"):
        screening_optimum(load=[1.0], capital=(1.0, 2.0), fuel=(1.0, 2.0), not_served_price=9.0)


def test_screening_problem_is_that_of_the_example() -> None:
    asked = screening()
    assert len(asked.watts) == 1001
    assert asked.watts[[0, 500, 1000]].tolist() == [1e9, 5e8, 0.0]
    assert asked.plants[0].capital == pytest.approx(15.0 * 8760 * 1e-6)
    assert asked.not_served_price == pytest.approx(1012 / MWH)
