"""A load that gives way in steps: closed forms, an independent programme, what more may never do."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linprog

from gigawatt.core.errors import InputError
from gigawatt.power.flexible import CutStep, Flexible
from gigawatt.power.plan.plan import plan
from gigawatt.power.plants.plant import Plant

MWH, PER_KW, HOUR = 3.6e9, 1e-3, 3600.0
VOLL = 10_000 / MWH
LADDER = (
    CutStep(0.1, 80 / MWH, slows=0.02),
    CutStep(0.1, 250 / MWH, slows=0.08),
    CutStep(0.4, 900 / MWH, event=0.3e-3, slows=0.9, stops=600.0),
)


def market(price: np.ndarray) -> Plant:
    return Plant("grid", "grid", fuel=price / MWH)


def gas() -> Plant:
    return Plant("gas", "dispatchable", capital=100 * PER_KW, fuel=40 / MWH)


def test_steps_are_cut_where_the_price_is_above_their_own() -> None:
    price = np.array([30.0, 100.0, 300.0, 30.0])
    gives = Flexible(steps=(CutStep(0.2, 90 / MWH), CutStep(0.3, 200 / MWH)))
    found = plan(load=np.full(4, 1e8), plants=[market(price)], not_served_price=VOLL, flexible=gives)
    assert found.cut_steps / 1e8 == pytest.approx(
        np.array([[0.0, 0.0], [0.2, 0.0], [0.2, 0.3], [0.0, 0.0]]), abs=1e-6
    )
    energy = 100 * (30 + 0.8 * 100 + 0.5 * 300 + 30)
    assert found.objective == pytest.approx(energy + 100 * (0.2 * 90 * 2 + 0.3 * 200), rel=1e-6)


def test_one_step_is_one_share() -> None:
    price = 40 + 60 * np.random.default_rng(1).random(400)
    asked = {"load": np.full(400, 1e8), "plants": [market(price), gas()], "not_served_price": VOLL}
    share = plan(**asked, flexible=Flexible(0.2, 60 / MWH, 0.05))
    step = plan(**asked, flexible=Flexible(steps=(CutStep(0.2, 60 / MWH),), cut_limit=0.05))
    assert step.objective == share.objective
    assert np.array_equal(step.cut, share.cut)


@pytest.mark.parametrize(("hours", "pays"), [(2, False), (8, True)])
def test_an_event_pays_where_it_is_long_enough(hours: int, pays: bool) -> None:
    """400 $/MWh saved over h hours against 2 $/kW of an event: 5 h are even."""
    price = np.full(48, 50.0)
    price[10 : 10 + hours] = 600.0
    gives = Flexible(steps=(CutStep(0.5, 200 / MWH, event=2e-3),))
    found = plan(load=np.full(48, 1e8), plants=[market(price)], not_served_price=VOLL, flexible=gives)
    cut = np.zeros(48)
    cut[10 : 10 + hours] = 5e7 if pays else 0.0
    assert found.cut == pytest.approx(cut, abs=2e2)
    assert found.cost["load cut"]["not_served"] == pytest.approx(
        (50 * hours * 200 + 2e-3 * 5e7) if pays else 0.0, rel=1e-6, abs=1.0
    )


def test_few_long_events_cost_less_than_many_short_ones_of_the_same_hours() -> None:
    gives = Flexible(steps=(CutStep(0.5, 2000 / MWH, event=1e-3),))

    def cost(dear: list[int]) -> float:
        price = np.full(48, 50.0)
        price[dear] = 6000.0
        found = plan(load=np.full(48, 1e8), plants=[market(price)], not_served_price=VOLL, flexible=gives)
        return found.cost["load cut"]["not_served"]

    long, short = cost([10, 11, 12, 13]), cost([10, 16, 22, 28])
    assert long == pytest.approx(4 * 50 * 2000 + 5e7 * 1e-3, rel=1e-5)
    assert short - long == pytest.approx(3 * 5e7 * 1e-3, rel=1e-5)


def test_the_time_that_may_be_lost_is_held() -> None:
    price = 40 + 2000 * np.random.default_rng(2).random(300) ** 8
    load = 1e8 * (1 + 0.2 * np.sin(np.arange(300) / 5))
    gives = Flexible(steps=LADDER, lost_limit=0.01)
    found = plan(load=load, plants=[market(price)], not_served_price=VOLL, flexible=gives)
    part = found.cut_steps / load[:, None]
    begun = np.maximum(found.cut_steps[:, 2] - np.roll(found.cut_steps[:, 2], 1), 0.0) / load
    lost = part @ np.array([step.slows / step.share for step in LADDER]) + begun * 600 / HOUR / 0.4
    assert float(np.mean(lost)) == pytest.approx(0.01, rel=1e-4)
    before, ones = np.roll(np.arange(300), 1), np.ones(300)
    assert gives.lost(found.cut_steps, load, before, ones) == pytest.approx(0.01, rel=1e-4)
    assert any(text.startswith("the time that cuts may lose binds") for text in found.binding)
    free = plan(
        load=load, plants=[market(price)], not_served_price=VOLL, flexible=replace(gives, lost_limit=None)
    )
    assert free.objective < found.objective
    stiff = plan(
        load=load, plants=[market(price)], not_served_price=VOLL, flexible=replace(gives, lost_limit=0.0)
    )
    assert not np.any(stiff.cut)


@pytest.mark.parametrize("limit", [None, 0.02])
def test_an_independent_programme_finds_the_same(limit: float | None) -> None:
    """Grid, an engine that is built, three steps with an event: written here once more, for scipy's HiGHS."""
    hours = 240
    rng = np.random.default_rng(5)
    price = 40 + 3000 * rng.random(hours) ** 12
    load = 1e8 * (1 + 0.1 * np.sin(np.arange(hours) / 24 * 2 * np.pi))
    gives = Flexible(steps=LADDER, lost_limit=limit)
    most, dear = 7e7, replace(gas(), capital=3000 * PER_KW)
    found = plan(
        load=load,
        plants=[replace(market(price), maximum=most, capital=10 * PER_KW), dear],
        not_served_price=VOLL,
        flexible=gives,
    )
    # columns: grid size, gas size, then by hour grid, gas, not served, steps, begun; MW, MWh, $
    n, year = 2 + 4 * hours + 3 * hours, hours / 8760.0
    at = [2 + k * hours + np.arange(hours) for k in range(7)]
    cost = np.zeros(n)
    cost[0], cost[1] = 10_000 * year, 3_000_000 * year
    for columns, value in zip(at, (price, 40.0, 10_000.0, 80.0, 250.0, 900.0, 300.0), strict=True):
        cost[columns] = value
    rows, right = [], []

    def row(value: float, *terms: tuple[int, float]) -> None:
        line = np.zeros(n)
        for column, weight in terms:
            line[column] += weight
        rows.append(line)
        right.append(value)

    need = load / 1e6
    for h in range(hours):
        row(-need[h], *((int(at[k][h]), -1.0) for k in range(6)))
        row(0.0, (int(at[0][h]), 1.0), (0, -1.0))
        row(0.0, (int(at[1][h]), 1.0), (1, -1.0))
        row(0.0, (int(at[5][h]), 1.0), (int(at[5][h - 1]), -1.0), (int(at[6][h]), -1.0))
    if limit is not None:
        terms = [(int(at[3 + k][h]), s.slows / s.share / need[h])
                 for k, s in enumerate(LADDER) for h in range(hours)]  # fmt: skip
        terms += [(int(at[6][h]), 600 / HOUR / 0.4 / need[h]) for h in range(hours)]
        row(limit * hours, *terms)
    bounds: list[tuple[float, float | None]] = [(0.0, None)] * n
    bounds[0] = (0.0, most / 1e6)
    for k, step in enumerate(LADDER):
        for h in range(hours):
            bounds[int(at[3 + k][h])] = (0.0, step.share * need[h])
    theirs = linprog(cost, A_ub=np.array(rows), b_ub=np.array(right), bounds=bounds, method="highs")
    assert found.objective == pytest.approx(theirs.fun, rel=1e-6)
    assert np.any(found.cut_steps[:, 2] > 0.0)


def test_more_that_gives_way_is_never_dearer() -> None:
    rng = np.random.default_rng(7)
    price = 40 + 3000 * rng.random(300) ** 10
    plants = [market(price), replace(gas(), capital=6000 * PER_KW)]
    asked = {"load": np.full(300, 1e8), "plants": plants, "not_served_price": VOLL}
    bills = [plan(**asked, flexible=Flexible(steps=LADDER[:k]) if k else None).objective for k in range(4)]
    assert all(more <= less * (1 + 1e-6) for less, more in pairwise(bills))
    assert bills[0] > bills[-1] * 1.01


def test_a_step_at_the_price_of_energy_not_served_changes_nothing() -> None:
    load = np.full(200, 1e8)
    load[50:60] = 3e8
    small = replace(gas(), maximum=1.5e8, minimum=1.5e8)
    asked = {"load": load, "plants": [small], "not_served_price": VOLL}
    plain = plan(**asked)
    step = plan(**asked, flexible=Flexible(steps=(CutStep(0.5, VOLL),)))
    assert step.objective == pytest.approx(plain.objective, rel=1e-7)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: CutStep(0.0, 1.0), "flexible.steps.share: not a sensible value; given '0'"),
        (lambda: CutStep(0.5, 1.0, slows=2.0), "flexible.steps.slows: not a sensible value; given '2'"),
        (
            lambda: Flexible(steps=(CutStep(0.1, 2.0), CutStep(0.1, 1.0))),
            "flexible.steps: a later step costs less; given '2, 1'",
        ),
        (
            lambda: Flexible(0.1, 1.0, steps=(CutStep(0.1, 2.0),)),
            "flexible.cut_share: steps are given as well",
        ),
        (
            lambda: Flexible(steps=(CutStep(0.9, 2.0),), defer_share=0.2),
            "flexible.defer_share: not a sensible",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, said: str) -> None:
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value).startswith(said)
