"""Near-optimal plans and prices at which a plan turns, by closed forms of small programmes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.power import Plant, Problem, solve_problem
from gigawatt.power.plan.neighbours import GRID_PRICE, neighbours_of
from gigawatt.studies.supply.near import nearest_turn, read_near

_HOURS = 48
_YEAR = 8760.0


def _plant(name: str, *, capital: float = 0.0, fuel: float = 0.0, **more: Any) -> Plant:
    """``capital`` $/W/yr; ``fuel`` $/MWh."""
    return Plant(
        id=name, name=name, kind=str(more.pop("kind", "dispatchable")), capital=capital, fuel=fuel / 3.6e9,
        variable=0.0, carbon=0.0, **more,
    )  # fmt: skip


def _two(grid_price: float) -> Problem:
    """A connection without capital against a plant with both; a flat load."""
    return Problem(
        load=np.full(_HOURS, 1e6), not_served_price=1e4 / 3.6e9, hours=_YEAR,
        plants=(
            _plant("grid", fuel=grid_price, kind="grid"),
            _plant("own", capital=0.2, fuel=30.0, burns="gas"),
        ),
    )  # fmt: skip


def test_sizes_within_a_share_follow_from_the_difference_of_costs() -> None:
    """Own power costs 0.2 $/W/yr + 30 $/MWh = 52.83 $/MWh, the grid 50: x of own costs 2.83 x more."""
    own = 0.2 / _YEAR * 1e6 + 30.0
    found = neighbours_of(_two(50.0), 0.02)
    reach = {one.plant: one for one in found.reaches}
    share = 0.02 * 50.0 / (own - 50.0)
    assert reach["own"].size == pytest.approx(0.0, abs=1.0)
    assert reach["own"].most == pytest.approx(share * 1e6, rel=1e-3)
    assert reach["grid"].least == pytest.approx((1.0 - share) * 1e6, rel=1e-3)
    (gone,) = found.without
    assert (gone.plant, gone.more) == ("grid", pytest.approx(own / 50.0 - 1.0, rel=1e-4))


def test_a_plan_turns_where_both_cost_the_same() -> None:
    own = 0.2 / _YEAR * 1e6 + 30.0
    flips = {one.what: one for one in neighbours_of(_two(45.0), 0.02).flips}
    grid, gas = flips[GRID_PRICE], flips["gas"]
    assert grid.below is None
    assert grid.above is not None
    assert grid.above[0] * 3.6e9 == pytest.approx(own, rel=0.02)
    assert grid.above[1]["own"] == pytest.approx(1.0)
    assert gas.above is None
    assert gas.below is not None
    assert gas.below[0] * 3.6e9 == pytest.approx(30.0 - (own - 45.0), rel=0.02)


def test_a_wider_share_reaches_further_and_costs_what_it_says() -> None:
    """Sun, a store and a peaker: monotone in the share, and the ends are plans that can be built."""
    hours = np.arange(_HOURS) % 24
    sun = np.clip(np.sin((hours - 6) / 12 * np.pi), 0.0, None)
    problem = Problem(
        load=np.full(_HOURS, 1e6), not_served_price=1e4 / 3.6e9, hours=_YEAR,
        plants=(
            _plant("sun", capital=0.08, kind="profile", availability=sun),
            _plant("peaker", capital=0.1, fuel=60.0, burns="gas"),
        ),
    )  # fmt: skip
    narrow, wide = (neighbours_of(problem, share) for share in (0.01, 0.05))
    best = solve_problem(problem)
    for small, large in zip(narrow.reaches, wide.reaches, strict=True):
        assert large.least <= small.least + 1.0 <= small.size + 2.0
        assert large.most >= small.most - 1.0 >= small.size - 2.0
    for one in wide.reaches:
        for size in (one.least, one.most):
            plants = tuple(
                p if p.id != one.plant else _plant(
                    p.id, capital=p.capital, fuel=float(np.mean(p.fuel)) * 3.6e9, kind=p.kind,
                    availability=p.availability, burns=p.burns, minimum=size, maximum=size,
                )
                for p in problem.plants
            )  # fmt: skip
            held = solve_problem(
                Problem(load=problem.load, not_served_price=1e4 / 3.6e9, hours=_YEAR, plants=plants)
            )
            assert held.objective <= best.objective * 1.05 * (1.0 + 2e-3)


def test_the_nearest_turn_is_by_ratio() -> None:
    turns = [
        {"what": GRID_PRICE, "now": 50.0, "below": {"at": 25.0}, "above": {"at": 90.0}},
        {"what": "gas", "now": 10.0, "below": None, "above": {"at": 12.0}},
    ]
    assert nearest_turn(turns) == (turns[1], "above")
    assert nearest_turn([]) is None
    assert math.isclose(read_near("2%"), 0.02)


@pytest.mark.parametrize("text", ["0%", "-1%", "200%", "lots"])
def test_shares_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_near(text)
