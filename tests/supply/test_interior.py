"""The interior point of hours: its matrix against a general one, its optima against Clarabel and HiGHS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gigawatt.power.flexible import Flexible
from gigawatt.power.plan import interior
from gigawatt.power.plan.hour_blocks import HourBlocks, SingularError
from gigawatt.power.plan.interior import optimum_of_part
from gigawatt.power.plan.plan import plan
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.programme import Programme
from gigawatt.power.plan.reduce import Guess, guess_from, solve_reduced
from gigawatt.power.plants.plant import Plant, Storage
from gigawatt.power.solve import ContradictionError, Solution, interior_point, solve

MWH, KWH, PER_KW = 3.6e9, 3.6e6, 1e-3
TOP = 1e9
HOURS = 240


def question(hours: int = HOURS, **other: object) -> Problem:
    """Grid, sun, battery, a store of heat inside a reactor, gas with ramps."""
    h, rng = np.arange(hours), np.random.default_rng(5)
    sun = np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0, 1) * rng.uniform(0.4, 1.0, hours // 24).repeat(24)
    store = Storage(0.93, 0.93, 20 / KWH, duration_min=3600.0, duration_max=8 * 3600.0, self_discharge=1e-4)
    fixed = replace(store, duration_min=4 * 3600.0, duration_max=4 * 3600.0)
    plants = [
        Plant("grid", "grid", fuel=(60 + 20 * np.sin(h / 24 * 2 * np.pi)) / MWH, carbon=0.3 / KWH,
              maximum=0.6 * TOP),
        Plant("solar", "profile", availability=sun, capital=70 * PER_KW),
        Plant("battery", "storage", capital=25 * PER_KW, storage=store),
        Plant("gas", "dispatchable", capital=150 * PER_KW, fuel=35 / MWH, carbon=0.4 / KWH, ramp=0.3,
              minimum_load=0.2),
        Plant("reactor", "dispatchable", capital=350 * PER_KW, fuel=11 / MWH, minimum_load=0.5),
        Plant("heat", "storage", capital=20 * PER_KW, storage=fixed, host="reactor", host_ratio=0.5),
    ]  # fmt: skip
    load = TOP * (1 + 0.15 * np.sin((h - 9) / 24 * 2 * np.pi)) / 1.15
    asked: dict = {"load": load, "plants": plants, "not_served_price": 1e4 / MWH}
    return Problem(**(asked | other))


FORMS: dict[str, dict] = {
    "free": {},
    "carbon": {"carbon_limit": 0.1 / KWH},
    "years": {"years": 2, "year_weights": (1.0, 3.0), "carbon_limit": 0.15 / KWH},
    "matching": {"matching": 0.6},
    "flexible": {
        "flexible": Flexible(
            cut_share=0.1,
            cut_cost=200 / MWH,
            cut_limit=0.02,
            defer_share=0.2,
            defer_window=6 * 3600.0,
            wait_cost=1 / MWH,
        )
    },
}


def everything(p: Programme) -> dict[str, np.ndarray]:
    return {"columns": np.ones(len(p.cost), dtype=bool), "rows": np.ones(len(p.b), dtype=bool)}


def general(p: Programme) -> Solution | None:
    return interior_point(A=p.A, b=p.b, cost=p.cost, equalities=p.equalities)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(3))
def test_the_matrix_is_that_of_the_rows(form: str, seed: int) -> None:
    p = question(**FORMS[form]).programme()
    blocks = HourBlocks.of(p, **everything(p))
    assert blocks is not None
    rng = np.random.default_rng(seed)
    weights, e = 10.0 ** rng.uniform(-2, 2, len(p.b)), p.equalities
    right, equal = rng.normal(size=len(p.cost)), rng.normal(size=e)
    x, y = blocks.factor(weights).solve(right, equal)
    A, E = p.A[e:], p.A[:e]
    assert A.T @ (weights[e:] * (A @ x)) + E.T @ y == pytest.approx(right, abs=1e-6)
    assert E @ x == pytest.approx(equal, abs=1e-9)
    whole = sparse.bmat([[A.T @ sparse.diags(weights[e:]) @ A, E.T], [E, None]], format="csc")
    other = sparse.linalg.spsolve(whole, np.concatenate([right, equal]))
    np.testing.assert_allclose(x, other[: len(x)], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("form", FORMS)
def test_the_optimum_is_clarabels_and_that_of_highs(form: str) -> None:
    p = question(**FORMS[form]).programme()
    ours = optimum_of_part(p, **everything(p), b=p.b, cost=p.cost, solver="hours")
    assert ours is not None
    assert ours.solver == "hours"
    theirs = general(p)
    assert theirs is not None
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-7)
    highs = solve(A=p.A, b=p.b, cost=p.cost, equalities=p.equalities, solver="highs")
    assert ours.objective == pytest.approx(highs.objective, rel=1e-6)
    assert ours.gap < 1e-7
    assert ours.infeasibility < 1e-7
    assert np.min(ours.z[p.equalities :]) >= 0.0
    assert ours.bound == pytest.approx(ours.objective, rel=1e-5)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.sets(st.sampled_from(range(6)), max_size=4),
    st.sets(st.sampled_from(range(HOURS)), max_size=40),
    st.sampled_from([None, 0.05, 0.2]),
)
def test_any_part_of_a_programme(left_out: set[int], away: set[int], limit: float | None) -> None:
    """Plants left out with their rows, and some hours of the ramps: what the search asks for."""
    p = question(carbon_limit=None if limit is None else limit / KWH).programme()
    if 4 in left_out:
        left_out = left_out | {5}
    part = everything(p)
    for i in left_out:
        part["columns"][p.own_columns[i]] = False
        for rows in (p.own_rows[i], p.least_row[i], p.largest_row.get(i), p.ratio_row.get(i)):
            if rows is not None:
                part["rows"][rows] = False
        if i == 4:
            part["rows"][p.tie_rows[4]] = False
    if 3 not in left_out:
        part["rows"][p.ramp_rows[3][sorted(away)]] = False
    b, cost = p.b[part["rows"]], p.cost[part["columns"]]
    ours = optimum_of_part(p, **part, b=b, cost=cost, solver="hours")
    theirs = optimum_of_part(p, **part, b=b, cost=cost, solver="clarabel")
    assert ours is not None
    assert theirs is not None
    assert (ours.solver, theirs.solver) == ("hours", "clarabel")
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-7)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.lists(st.floats(0.0, 3.0), min_size=8, max_size=8))
def test_sizes_to_begin_with_decide_only_how_long_it_takes(sizes: list[float]) -> None:
    p = question(carbon_limit=0.1 / KWH).programme()
    asked = everything(p) | {"b": p.b, "cost": p.cost, "solver": "hours"}
    theirs = general(p)
    assert theirs is not None
    near = np.zeros(len(p.cost))
    near[: len(sizes)] = sizes
    ours = optimum_of_part(p, **asked, near=near)
    assert ours is not None
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-7)
    assert np.max(np.abs(p.cost + p.A.T @ ours.z)) < 1e-6 * np.max(p.cost)


def test_a_sample_says_sizes_in_watts() -> None:
    hours = 5_040
    asked = question(hours, carbon_limit=0.1 / KWH)
    sample = asked.sample()
    assert sample is not None
    small = sample.programme()
    guess = guess_from(small)
    assert guess.sizes is not None
    whole = solve_reduced(asked.programme(), Guess())
    unit = asked.programme().power_unit
    assert guess.sizes[:6] / unit == pytest.approx(whole.x[:6], rel=0.2, abs=0.1)


def test_a_bound_that_is_enough_is_a_bound() -> None:
    p = question().programme()
    given = everything(p) | {"b": p.b, "cost": p.cost, "solver": "hours"}
    whole = optimum_of_part(p, **given)
    assert whole is not None
    for share in (0.5, 0.9, 0.999):
        ended = optimum_of_part(p, **given, enough=share * whole.objective)
        assert ended is not None
        assert ended.iterations < whole.iterations
        worth = -float(p.b @ ended.z)
        assert share * whole.objective <= worth <= whole.objective * (1.0 + 1e-9)
        assert np.min(ended.z[p.equalities :]) >= 0.0
        assert np.max(np.abs(p.cost + p.A.T @ ended.z)) < 1e-9 * np.max(p.cost)


@pytest.mark.parametrize("dear", [1.2, 3.0])
def test_a_plant_that_does_not_pay_is_proved_so(dear: float) -> None:
    """The duals of a store that is left out complete those of the whole, whichever solver found them."""
    asked = question()
    plants = [replace(q, capital=dear * 400 * PER_KW) if q.id == "battery" else q for q in asked.plants]
    p = replace(asked, plants=plants).programme()
    for solver in ("hours", "clarabel"):
        found = solve_reduced(p, Guess(unbuilt=frozenset({2})), solver)
        assert found.x[2] == 0.0
        assert found.gap < 1e-7
        residual = p.cost + p.A.T @ found.z
        assert np.max(np.abs(residual)) < 1e-6 * np.max(p.cost)
        assert np.min(found.z[p.equalities :]) > -1e-9


def test_what_a_limit_of_nothing_costs_is_exact() -> None:
    """A plant that may not be built, and would pay: its bound never suffices, so its optimum is found."""
    asked = question(5_040, carbon_limit=0.2 / KWH)
    plants = [replace(q, maximum=0.0) if q.id == "grid" else q for q in asked.plants]
    p = replace(asked, plants=plants).programme()
    worths = []
    for solver in ("hours", "clarabel"):
        found = solve_reduced(p, Guess(unbuilt=frozenset({0})), solver)
        worths.append(found.z[p.largest_row[0]])
    assert worths[0] > 1.0
    assert worths[0] == pytest.approx(worths[1], rel=1e-3)


def test_what_contradicts_itself_is_left_to_the_other_and_told() -> None:
    asked = question()
    least = [replace(q, minimum=0.9 * TOP) if q.id == "reactor" else q for q in asked.plants]
    p = replace(asked, plants=least, carbon_limit=0.0).programme()
    b = p.b.copy()
    b[p.carbon_row] = -1.0
    with pytest.raises(ContradictionError):
        optimum_of_part(p, **everything(p), b=b, cost=p.cost, solver="hours", tell=True)


def test_what_has_not_the_form_is_left_to_the_other() -> None:
    short = question(48).programme()
    assert HourBlocks.of(short, **everything(short)) is None
    weeks = question(HOURS * 10, years=50).programme()  # a last hour of each for the border
    days = question(HOURS * 200, years=2000).programme()
    assert HourBlocks.of(weeks, **everything(weeks)) is not None
    assert HourBlocks.of(days, **everything(days)) is None
    full = question().programme(not_served_share=0.0)  # an equality in each hour
    assert HourBlocks.of(full, **everything(full)) is None
    found = optimum_of_part(short, **everything(short), b=short.b, cost=short.cost, solver="hours")
    assert found is not None
    assert found.solver == "clarabel"


def _lost(*_: object) -> None:
    raise SingularError


def _nowhere(*_: object) -> tuple[None, int]:
    return None, 3


@pytest.mark.parametrize("broken", [("__init__", _lost), ("walk", _nowhere)])
def test_clarabel_takes_over(broken: tuple[str, Callable], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interior._Point, *broken)
    asked = question()
    found = plan(load=asked.load, plants=asked.plants, not_served_price=asked.not_served_price)
    assert found.solver == "clarabel"
    assert found.notices == ()


def test_rounding_ends_at_the_nearest_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pivots are lost after it came near enough, the nearest point is taken; before that, none."""
    p = question(carbon_limit=0.1 / KWH).programme()
    given = everything(p) | {"b": p.b, "cost": p.cost, "solver": "hours"}
    theirs, real, count = general(p), HourBlocks.factor, 0
    assert theirs is not None

    def lasting(steps: int) -> Callable:
        def factor(self: HourBlocks, weights: np.ndarray, *, held: bool = False) -> object:
            nonlocal count
            count += 1
            if count > steps:
                raise SingularError
            return real(self, weights, held=held)

        return factor

    monkeypatch.setattr(interior, "_TOLERANCE", 0.0)
    names = []
    for steps in (5, 60):
        count = 0
        monkeypatch.setattr(HourBlocks, "factor", lasting(steps))
        found = optimum_of_part(p, **given)
        assert found is not None
        assert found.objective == pytest.approx(theirs.objective, rel=1e-6)
        names.append(found.solver)
    assert names == ["clarabel", "hours"]


SAME = """
import hashlib
import sys
sys.path.insert(0, {folder!r})
from test_interior import FORMS, everything, question
from gigawatt.power.plan.interior import optimum_of_part
for form in ("carbon", "years", "flexible"):
    p = question(2_016, **FORMS[form]).programme()
    found = optimum_of_part(p, **everything(p), b=p.b, cost=p.cost, solver="hours")
    assert found.solver == "hours"
    print(hashlib.sha256(found.x.tobytes() + found.z.tobytes()).hexdigest())
"""


def test_the_last_digits_do_not_depend_on_threads() -> None:
    """A store of results made by several processes, of one thread each, is that made by one process."""
    code = SAME.format(folder=str(Path(__file__).parent))
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"OPENBLAS_NUM_THREADS": threads},
            check=True, capture_output=True, text=True,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1
    assert len(said.pop().split()) == 3
