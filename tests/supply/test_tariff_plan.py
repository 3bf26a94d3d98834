"""Charges on demand in the plan, exactly: against an independent programme, and by properties."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from gigawatt.core.errors import InputError
from gigawatt.power import Plant, Storage, plan
from gigawatt.power.plants.demand import Demand
from gigawatt.power.tariff import Clock, Part, Tariff, bill, with_tariff
from sampled import sampled

HOURS, PERIODS = 240, 4
HOUR, MWH = 3600.0, 3.6e9
MW = 1e6
KIND = ("hours", "clarabel", "highs")


def _small_year() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(load [W], price [$/J], sun) of ten days."""
    random = np.random.default_rng(7)
    h = np.arange(HOURS)
    load = MW * (100.0 + 30.0 * np.sin(2 * np.pi * (h - 8) / 24) + 10.0 * random.random(HOURS))
    price = (40.0 + 25.0 * np.sin(2 * np.pi * (h - 12) / 24) + 10.0 * random.random(HOURS)) / MWH
    sun = np.maximum(np.sin(2 * np.pi * (h - 6) / 24), 0.0) * (0.6 + 0.4 * random.random(HOURS))
    return load, price, sun


def _charges(dear: float = 1.0) -> tuple[Demand, ...]:
    """Ten days in four periods: a monthly charge, one on-peak with a ratchet, one with a minimum take."""
    h = np.arange(HOURS)
    period = h * PERIODS // HOURS
    evening = np.where((h % 24 >= 12) & (h % 24 < 22), period, -1)
    each = np.full(PERIODS, 1e-3 * dear)
    return (
        Demand("monthly", period, 9.0 * each),
        Demand("taken", period, 6.0 * each, minimum=0.7, contract=110 * MW),
        Demand("evening", evening, 12.0 * each, ratchet=0.9, ratchet_in=np.array([True, True, False, True])),
        Demand("highest", np.zeros(HOURS, dtype=np.int64), np.array([20e-3 * dear])),
    )


def _plants(demand: tuple[Demand, ...]) -> tuple[Plant, ...]:
    _, price, sun = _small_year()
    cells = Storage(0.95, 0.95, energy_capital=15e3 / MWH, duration_min=HOUR, duration_max=8 * HOUR)
    tank = Storage(0.85, 0.85, energy_capital=4e3 / MWH, duration_min=4 * HOUR, duration_max=40 * HOUR)
    return (
        Plant("grid", "grid", capital=20e-3, fuel=price, demand=demand),
        Plant("solar", "profile", capital=60e-3, availability=sun),
        Plant("battery", "storage", capital=12e-3, storage=cells),
        Plant("tank", "storage", capital=25e-3, storage=tank),
        Plant("engine", "dispatchable", capital=70e-3, fuel=75.0 / MWH),
    )


def _by_linprog(demand: tuple[Demand, ...]) -> float:
    """$ of the same question, written anew: power in MW, energy in MWh, one row at a time."""
    load, price, sun = _small_year()
    year = HOURS / 8760.0
    names: dict[Any, int] = {}
    cost: list[float] = []

    def new(name: Any, paid: float) -> int:
        names[name] = len(cost)
        cost.append(paid)
        return names[name]

    plants = {one.id: one for one in _plants(demand)}
    for name, one in plants.items():
        new(("size", name), one.capital * MW * year)
        if one.storage is not None:
            new(("energy", name), one.storage.energy_capital * MWH * year)
    for h in range(HOURS):
        new(("grid", h), float(price[h]) * MWH)
        new(("engine", h), 75.0)
        new(("spill", h), 0.0)
        for store in ("battery", "tank"):
            for what in ("in", "out", "level"):
                new((store, what, h), 0.0)
    for k, one in enumerate(demand):
        for q in range(one.periods):
            new(("billed", k, q), float(one.price[q]) * MW * year)
    rows: list[dict[int, float]] = []
    right: list[float] = []
    equal: list[dict[int, float]] = []
    equals: list[float] = []

    def below(terms: dict[Any, float], most: float) -> None:
        rows.append({names[one]: value for one, value in terms.items()})
        right.append(most)

    for h in range(HOURS):
        balance = {("grid", h): 1.0, ("engine", h): 1.0, ("spill", h): -1.0, ("size", "solar"): float(sun[h])}
        for store in ("battery", "tank"):
            balance |= {(store, "out", h): 1.0, (store, "in", h): -1.0}
        equal.append({names[one]: value for one, value in balance.items()})
        equals.append(float(load[h]) / MW)
        for name in ("grid", "engine"):
            below({(name, h): 1.0, ("size", name): -1.0}, 0.0)
        for store in ("battery", "tank"):
            data = plants[store].storage
            assert data is not None
            step = {
                (store, "level", h): 1.0,
                (store, "level", (h - 1) % HOURS): -1.0,
                (store, "in", h): -data.charge_efficiency,
                (store, "out", h): 1.0 / data.discharge_efficiency,
            }
            equal.append({names[one]: value for one, value in step.items()})
            equals.append(0.0)
            below({(store, "level", h): 1.0, ("energy", store): -1.0}, 0.0)
            for what in ("in", "out"):
                below({(store, what, h): 1.0, ("size", store): -1.0}, 0.0)
    for store in ("battery", "tank"):
        data = plants[store].storage
        assert data is not None
        below({("energy", store): 1.0, ("size", store): -data.duration_max / HOUR}, 0.0)
        below({("energy", store): -1.0, ("size", store): data.duration_min / HOUR}, 0.0)
    for k, one in enumerate(demand):
        for h in np.flatnonzero(one.period >= 0).tolist():
            below({("grid", h): 1.0, ("billed", k, int(one.period[h])): -1.0}, 0.0)
            for q in range(one.periods) if one.ratchet and _in_ratchet(one)[one.period[h]] else ():
                below({("grid", h): one.ratchet, ("billed", k, q): -1.0}, 0.0)
        for q in range(one.periods) if one.minimum else ():
            assert one.contract is not None
            below({("billed", k, q): -1.0}, -one.minimum * one.contract / MW)

    def dense(lines: list[dict[int, float]]) -> Any:
        from scipy.sparse import lil_matrix

        matrix = lil_matrix((len(lines), len(cost)))
        for i, line in enumerate(lines):
            for j, value in line.items():
                matrix[i, j] = value
        return matrix.tocsr()

    found = linprog(cost, dense(rows), right, dense(equal), equals, bounds=(0.0, None), method="highs")
    assert found.status == 0
    return float(found.fun)


def _in_ratchet(one: Demand) -> np.ndarray:
    return np.ones(one.periods, dtype=bool) if one.ratchet_in is None else one.ratchet_in


@pytest.mark.parametrize("solver", KIND)
def test_charges_on_demand_against_an_independent_programme(solver: str) -> None:
    """Two stores, four charges: months, hours with a ratchet, a minimum take, the year's highest."""
    demand = _charges()
    found = plan(
        load=_small_year()[0], plants=_plants(demand), not_served_price=1e5 / MWH, solver=solver, hours=HOURS
    )
    assert found.objective == pytest.approx(_by_linprog(demand), rel=2e-7)
    drawn, size = found.dispatch[:, 0], found.capacity["grid"]
    charged = sum(one.yearly(drawn, size) for one in demand) * HOURS / 8760.0
    assert found.cost["grid"]["fixed"] == pytest.approx(charged, rel=1e-9)


def test_the_plan_shaves_the_peaks_that_it_pays_for() -> None:
    load = _small_year()[0]
    free, dear = (
        plan(load=load, plants=_plants(one), not_served_price=1e5 / MWH, hours=HOURS)
        for one in ((), _charges())
    )
    assert dear.dispatch[:, 0].max() < 0.95 * free.dispatch[:, 0].max()
    assert dear.objective > free.objective


def test_a_dearer_charge_never_raises_the_demand_it_is_on() -> None:
    load, _, _ = _small_year()
    billed: list[float] = []
    for dear in (0.0, 0.3, 1.0, 3.0):
        one = (replace(_charges()[0], price=_charges(dear)[0].price),)
        found = plan(load=load, plants=_plants(one), not_served_price=1e5 / MWH, hours=HOURS)
        billed.append(float(one[0].measured(found.dispatch[:, 0]).sum()))
    assert all(later <= earlier * (1.0 + 1e-6) for earlier, later in pairwise(billed))


@pytest.mark.parametrize("years", sampled([1, 2], 1))
def test_the_bill_of_the_plans_draw_is_what_the_plan_pays(years: int) -> None:
    """The function that bills a load, on the plan's own draw, gives the cost of the grid in the plan."""
    clock = Clock(2026, years)
    h = np.arange(clock.hours)
    random = np.random.default_rng(3)
    load = 1e8 * (1.0 + 0.2 * np.sin(2 * np.pi * h / 24) + 0.1 * random.random(clock.hours))
    price = (50.0 + 20.0 * np.sin(2 * np.pi * (h - 15) / 24) + 10.0 * random.random(clock.hours)) / MWH
    sun = np.maximum(np.sin(2 * np.pi * (h - 6) / 24), 0.0)
    parts = (
        Part("Energy", "hours"),
        Part("Rider", "rider", 3.0 / MWH, "J", hours=tuple(range(8, 20))),
        Part("Demand", "demand", 7e-3, "month", "month", ratchet=0.8, ratchet_months=(5, 6, 7, 8)),
        Part("On-peak", "demand", 5e-3, "month", "month", days=(0, 1, 2, 3, 4), hours=tuple(range(8, 21))),
        Part("Wires", "demand", 4e-3, "month", "month", minimum=0.85),
        Part("Coincident", "demand", 60e-3, "year", "4CP"),
        Part("Customer", "fixed", 5e4, "month"),
        Part("Tax", "tax", 0.06),
    )
    tariff = Tariff("mine", "mine", "$", 1.0, parts)
    grid = with_tariff(
        Plant("grid", "grid", capital=20e-3), tariff, clock, price, capital_recovery=lambda _: 0.1
    )
    cells = Storage(0.95, 0.95, energy_capital=20e3 / MWH, duration_min=HOUR, duration_max=8 * HOUR)
    plants = (
        grid,
        Plant("solar", "profile", capital=60e-3, availability=sun),
        Plant("battery", "storage", capital=12e-3, storage=cells),
    )
    found = plan(load=load, plants=plants, not_served_price=1e5 / MWH, years=years)
    paid = sum(found.cost["grid"].values()) - found.cost["grid"]["capital"]
    answer = bill(found.dispatch[:, 0], tariff, clock, price=price, contract=found.capacity["grid"])
    assert answer.dollars == pytest.approx(paid, rel=1e-6)
    assert not any("mended" in one for one in found.notices)


def _trade(sun: np.ndarray, price: np.ndarray) -> tuple[Plant, ...]:
    """A grid that charges for demand and takes energy, with two agreements through its connection."""
    h = np.arange(HOURS)
    month = Demand("monthly", h * PERIODS // HOURS, np.full(PERIODS, 9e-3))
    produced = float(sun.mean()) * 8760.0 * HOUR
    return (
        Plant(
            "grid", "grid", capital=20e-3, fuel=price, demand=(month,),
            sale=price - 5.0 / MWH, sale_limit=30 * MW,
        ),
        Plant("own", "profile", capital=50e-3, availability=sun),
        Plant(
            "ppa", "profile", fixed=30.0 / MWH * produced, availability=sun, minimum=60 * MW,
            maximum=60 * MW, through="grid",
        ),
        Plant(
            "matched", "profile", variable=45.0 / MWH, minimum=20 * MW, maximum=20 * MW, through="grid",
        ),
    )  # fmt: skip


@pytest.mark.parametrize("solver", KIND)
def test_sales_and_agreements_against_an_independent_programme(solver: str) -> None:
    """What comes through the connection counts for its size and its demand; what is sold does not."""
    load, price, sun = _small_year()
    load = 0.5 * load
    plants = _trade(sun, price)
    found = plan(load=load, plants=plants, not_served_price=1e5 / MWH, solver=solver, hours=HOURS)
    year = HOURS / 8760.0
    n = 5 * HOURS  # grid, agreement, matched, sold, own curtailed; then two sizes and four demands
    cost = np.zeros(n + 2 + PERIODS)
    cost[:HOURS], cost[2 * HOURS : 3 * HOURS] = price * MWH, 45.0
    cost[3 * HOURS : 4 * HOURS] = -(price * MWH - 5.0)
    cost[n : n + 2] = 20e-3 * MW * year, 50e-3 * MW * year
    cost[n + 2 :] = 9e-3 * MW * year
    eye, none = np.eye(HOURS), np.zeros((HOURS, HOURS))
    tail = np.zeros((HOURS, 2 + PERIODS))
    size, demand, own = tail.copy(), tail.copy(), tail.copy()
    size[:, 0] = -1.0
    own[:, 1] = sun
    demand[np.arange(HOURS), 2 + np.arange(HOURS) * PERIODS // HOURS] = -1.0
    balance = np.hstack([eye, eye, eye, -eye, -eye, own])
    meter = np.hstack([eye, eye, eye, none, none])
    sold = np.hstack([none, none, none, eye, none])
    below = np.vstack([np.hstack([meter, size]), np.hstack([meter, demand]), np.hstack([sold, size])])
    spilt = np.hstack([none, none, none, none, eye, -own])
    bounds = [(0, None)] * HOURS + [(0, 60.0 * s) for s in sun] + [(0, 20.0)] * HOURS + [(0, 30.0)] * HOURS
    bounds += [(0, None)] * (HOURS + 2 + PERIODS)
    best = linprog(
        cost,
        np.vstack([below, spilt]),
        np.zeros(4 * HOURS),
        balance,
        load / MW,
        bounds=bounds,
        method="highs",
    )
    paid = 30.0 / MWH * float(sun.mean()) * 8760.0 * HOUR * 60 * MW * year
    assert best.status == 0
    assert found.objective == pytest.approx(best.fun + paid, rel=1e-6)
    assert found.sold.sum() > 0.0
    supplied = found.dispatch.sum(1) - found.charge.sum(1) + found.not_served
    assert supplied == pytest.approx(found.drawn, abs=1.0)
    assert found.metered("grid").max() <= found.capacity["grid"] * (1.0 + 1e-6)


def test_what_may_be_sold_never_makes_a_plan_dearer() -> None:
    load, price, sun = _small_year()
    cost: list[float] = []
    for most in (0.0, 10 * MW, 50 * MW):
        plants = (replace(_trade(sun, price)[0], sale_limit=most), *_trade(sun, price)[1:])
        cost.append(plan(load=load, plants=plants, not_served_price=1e5 / MWH, hours=HOURS).objective)
    assert all(later <= earlier * (1.0 + 1e-7) for earlier, later in pairwise(cost))


def test_an_agreement_needs_a_connection() -> None:
    load, price, sun = _small_year()
    with pytest.raises(InputError, match="no connection through which it could come"):
        plan(load=load, plants=_trade(sun, price)[1:], not_served_price=1e5 / MWH)
