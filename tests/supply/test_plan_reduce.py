"""Shortcuts of the solver prove themselves: plants held at their least size, ramps mended, sizes reused."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.power.plan.mend import mend_ramps
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.programme import Programme
from gigawatt.power.plan.reduce import Guess, solve_reduced
from gigawatt.power.plants.plant import Plant, Storage
from gigawatt.power.solve import Solution, certify, solve

reduce_module = sys.modules[solve_reduced.__module__]
MWH, KWH, PER_KW = 3.6e9, 3.6e6, 1e-3
TOP = 1e9


def question(hours: int = 240, **least: float) -> Problem:
    """Six plants, of which those named have a least size, in shares of the load."""
    h, rng = np.arange(hours), np.random.default_rng(5)
    sun = np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0, 1) * rng.uniform(0.4, 1.0, hours // 24).repeat(24)
    store = Storage(0.93, 0.93, 20 / KWH, duration_min=3600.0, duration_max=8 * 3600.0, self_discharge=1e-4)
    plants = [
        Plant("grid", "grid", fuel=(60 + 20 * np.sin(h / 24 * 2 * np.pi)) / MWH, carbon=0.3 / KWH),
        Plant("solar", "profile", availability=sun, capital=70 * PER_KW),
        Plant("battery", "storage", capital=25 * PER_KW, storage=store),
        Plant("gas", "dispatchable", capital=150 * PER_KW, fuel=35 / MWH, carbon=0.4 / KWH, ramp=0.5),
        Plant("coal", "dispatchable", capital=300 * PER_KW, fuel=25 / MWH, carbon=0.9 / KWH,
              minimum_load=0.4, ramp=0.2),
        Plant("reactor", "dispatchable", capital=450 * PER_KW, fuel=11 / MWH, minimum_load=0.5, ramp=0.1),
    ]  # fmt: skip
    plants = [replace(q, minimum=least.get(q.id, 0.0) * TOP) for q in plants]
    load = TOP * (1 + 0.15 * np.sin((h - 9) / 24 * 2 * np.pi)) / 1.15
    return Problem(load=load, plants=plants, not_served_price=1e4 / MWH, carbon_limit=0.15 / KWH)


def whole(p: Programme) -> Solution:
    return solve(A=p.A, b=p.b, cost=p.cost, equalities=p.equalities)


def proven(p: Programme, found: Solution) -> None:
    """Gap, rows and signs of the dual, measured anew."""
    again = certify(A=p.A, b=p.b, cost=p.cost, equalities=p.equalities, x=found.x, z=found.z, solver="",
                    start=0.0, turns=0)  # fmt: skip
    assert again.gap < 1e-6
    assert again.infeasibility < 1e-6
    assert np.min(found.z[p.equalities :]) > -1e-6
    assert again.bound == pytest.approx(found.objective, rel=2e-5)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.sets(st.integers(0, 5)), st.floats(0.01, 0.2))
def test_plants_held_at_their_least_are_the_optimum_whatever_was_guessed(held: set[int], size: float) -> None:
    p = question(battery=size, gas=size, coal=size / 4, reactor=size).programme()
    guess = Guess(at_least=frozenset(i for i in held if p.plants[i].minimum > 0.0))
    found = solve_reduced(p, guess)
    proven(p, found)
    assert found.objective == pytest.approx(whole(p).objective, rel=1e-6)


def test_a_plant_of_a_given_size_is_a_number() -> None:
    asked = question()
    fixed = [replace(q, minimum=2e8, maximum=2e8) if q.id == "reactor" else q for q in asked.plants]
    p = replace(asked, plants=fixed).programme()
    found, other = solve_reduced(p, Guess()), whole(p)
    proven(p, found)
    assert found.x[5] == pytest.approx(0.2)
    assert found.objective == pytest.approx(other.objective, rel=1e-6)
    row = p.least_row[5]
    assert found.z[row] == pytest.approx(other.z[row], rel=1e-3)  # what one more W of it is worth


def test_a_few_broken_ramps_are_mended_where_they_break() -> None:
    asked = question(480, coal=0.1)
    ramp = [replace(q, ramp=None) if q.id != "coal" else replace(q, ramp=0.999) for q in asked.plants]
    p = replace(asked, plants=ramp).programme()
    free = whole(p)
    tight = replace(asked, plants=[replace(q, ramp=None) if q.id != "coal" else q for q in asked.plants])
    q = tight.programme()
    broken = q.A @ free.x - q.b > 1e-7
    first = np.flatnonzero(broken)[:1]
    one = np.zeros_like(broken)
    one[first] = True
    mended = mend_ramps(q, free.x, one, accepted=1e-7)
    assert mended is not None
    left = q.A @ mended - q.b > 1e-6
    assert not left[first].any()
    moved = np.abs(mended - free.x) > 1e-9
    hours = {int((k - f) % p.hours) for f in (*q.output.values(), *q.charge.values(), *q.level.values())
             for k in np.flatnonzero(moved[f : f + p.hours]) + f}  # fmt: skip
    assert len(hours) <= 49
    assert np.array_equal(mended[:6], free.x[:6])  # sizes are held


def test_all_broken_is_not_mended() -> None:
    p = question(240).programme()
    broken = np.zeros(len(p.b), dtype=bool)
    broken[p.ramp_rows[5]] = True
    assert mend_ramps(p, whole(p).x, broken, accepted=1e-7) is None


def test_no_more_than_the_programmes_that_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sun that is not worth building is left in: one solve, no second one to take its dust away."""
    count = 0
    real = reduce_module.optimum_of_part

    def counted(*programme: Any, **given: Any) -> Solution | None:
        nonlocal count
        count += 1
        return real(*programme, **given)

    monkeypatch.setattr(reduce_module, "optimum_of_part", counted)
    asked = question()
    dear = [replace(q, capital=9.0) if q.id == "solar" else q for q in asked.plants]
    found = solve_reduced(replace(asked, plants=dear).programme(), Guess())
    assert found.x[1] == 0.0
    assert count <= 2


def test_a_rough_plan_leaves_out_what_was_guessed_and_says_so() -> None:
    p = question().programme()
    exact = whole(p)
    assert exact.x[3] > 0.05  # gas pays
    rough = solve_reduced(p, Guess(unbuilt=frozenset([3])), rough=True)
    assert rough.x[3] == 0.0
    assert rough.objective > exact.objective * 1.0002
    assert rough.bound == -np.inf
    assert rough.infeasibility < 1e-6
    held = solve_reduced(p, Guess(unbuilt=frozenset([3])))
    assert held.objective == pytest.approx(exact.objective, rel=1e-6)


def test_a_rough_plan_without_anything_that_pays_is_exact() -> None:
    asked = question()
    dear = [replace(q, capital=9.0) if q.id == "reactor" else q for q in asked.plants]
    p = replace(asked, plants=dear).programme()
    found = solve_reduced(p, Guess(unbuilt=frozenset([5])), rough=True)
    proven(p, found)
