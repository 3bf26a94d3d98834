"""A plan of another size is the same plan times the size, and what is really different is solved anew.

Oracles: homogeneity of linear programmes of degree one, and the solver itself without a memory.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.power import Plant, Storage, plan
from gigawatt.power.plan.kept_optima import KeptOptima, keeping, kept_optima

HOURS = 24 * 14
T = np.arange(HOURS)
SUN = np.clip(np.sin((T % 24 - 6) / 12 * np.pi), 0.0, None)
LOAD = 1e8 * (1.0 + 0.1 * np.sin(T / 24 * 2 * np.pi) + 0.01 * np.cos(T / 7.0))
PLANTS = (
    Plant("grid", "grid", fuel=2e-8 * (1.0 + 0.3 * np.sin(T / 24 * 2 * np.pi)), carbon=1e-7),
    Plant("solar", "profile", capital=0.05, availability=SUN),
    Plant("battery", "storage", capital=0.01, storage=Storage(0.95, 0.95, energy_capital=1e-6)),
)
ASKED = {"plants": PLANTS, "not_served_price": 1e-5, "hours": 8760.0}


@pytest.mark.parametrize("size", [2.0, 0.25, 0.37, 1.9, 12345.678])
def test_a_scaled_load_is_the_scaled_plan(size: float) -> None:
    with keeping(KeptOptima()) as kept:
        one = plan(load=LOAD, **ASKED)
        other = plan(load=LOAD * size, **ASKED)
    assert (kept.hits, kept.misses) == (1, 1)
    for name, capacity in one.capacity.items():
        assert other.capacity[name] == pytest.approx(size * capacity, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(other.dispatch, size * one.dispatch, rtol=1e-9, atol=1e-6 * size)
    np.testing.assert_allclose(other.price, one.price, rtol=1e-9)
    assert other.cost_per_energy == pytest.approx(one.cost_per_energy, rel=1e-9)
    fresh = plan(load=LOAD * size, **ASKED)
    if np.log2(size).is_integer():  # then the programme is the same to the last bit
        assert fresh.capacity == other.capacity
    assert fresh.cost_per_energy == pytest.approx(other.cost_per_energy, rel=1e-6)


def test_limits_scale_with_the_load_or_are_another_programme() -> None:
    limited = tuple(replace(plant, maximum=3e7) if plant.id == "solar" else plant for plant in PLANTS)
    twice = tuple(replace(plant, maximum=6e7) if plant.id == "solar" else plant for plant in PLANTS)
    with keeping(KeptOptima()) as kept:
        one = plan(load=LOAD, **ASKED | {"plants": limited})
        other = plan(load=LOAD * 2.0, **ASKED | {"plants": twice})
        assert (kept.hits, kept.misses) == (1, 1)
        assert other.capacity["solar"] == 2.0 * one.capacity["solar"]
        plan(load=LOAD * 2.0, **ASKED | {"plants": limited})  # the limit stayed
        assert (kept.hits, kept.misses) == (1, 2)


def test_what_differs_is_solved_anew() -> None:
    bent = LOAD.copy()
    bent[7] *= 1.0 + 1e-9
    changes = [{}, {"load": bent}, {"carbon_price": 0.01}, {"not_served_price": 2e-5}, {"carbon_limit": 5e-8}]
    with keeping(KeptOptima()) as kept:
        for change in changes:
            found = plan(**{"load": LOAD, **ASKED} | change)
            assert found.capacity == plan_alone(**{"load": LOAD, **ASKED} | change).capacity
        assert kept.hits == 0
        assert len(kept) == kept.misses >= len(changes)
    assert kept_optima() is None


def plan_alone(**asked: object) -> object:
    with keeping(KeptOptima(limit=0)):
        return plan(**asked)  # type: ignore[arg-type]


def test_the_bound_is_kept() -> None:
    kept = KeptOptima(limit=10**6)
    with keeping(kept):
        for price in np.linspace(0.0, 0.02, 12):
            plan(load=LOAD, carbon_price=float(price), **ASKED)
            assert kept.size <= 10**6 or len(kept) == 1
    assert kept.size == sum(one.size for one in kept._kept.values())
