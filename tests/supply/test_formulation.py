"""The plan of a year and the pathway are the same rows: one step of the one is the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.power import Plant, Storage, plan
from gigawatt.power.formulation import discharge_of
from gigawatt.power.pathway.hours import whole_year
from gigawatt.power.pathway.pathway import plan_pathway
from gigawatt.power.pathway.programme import build_pathway_programme
from gigawatt.power.pathway.steps import Step, Vintage
from gigawatt.power.plan.programme import build_programme

HOURS = 48
MWH, KWH = 3.6e9, 3.6e6
CLOCK = np.arange(HOURS)
LOAD = 1e9 * (1.0 + 0.3 * np.sin(CLOCK / 24.0 * 2.0 * np.pi))
LIFE = 30.0 * 8760.0 * 3600.0
LOST = 1000.0 / MWH


def park(rng: np.random.Generator) -> list[Plant]:
    """Plants of every kind, of random numbers."""
    store = Storage(
        0.93, 0.91, energy_capital=20.0 / KWH, energy_fixed=1.0 / KWH, duration_min=3600.0,
        duration_max=rng.choice([3600.0, 8.0 * 3600.0, np.inf]), self_discharge=1e-3,
        fade=rng.choice([0.0, 0.2]),
    )  # fmt: skip
    sun = np.clip(np.sin((CLOCK - 6.0) / 12.0 * np.pi), 0.0, 1.0)
    return [
        Plant("grid", "grid", capital=0.03, fuel=rng.uniform(-10.0, 90.0, HOURS) / MWH,
              carbon=rng.uniform(0.0, 0.6, HOURS) / KWH),
        Plant("solar", "profile", availability=sun, capital=0.08, fixed=0.012),
        Plant("wind", "profile", availability=rng.uniform(0.0, 1.0, HOURS), capital=0.11, variable=1.0 / MWH),
        Plant("battery", "storage", capital=0.025, storage=store, variable=rng.uniform(0.0, 2.0) / MWH),
        Plant("gas", "dispatchable", capital=0.12, fuel=40.0 / MWH, carbon=0.4 / KWH, ramp=0.3,
              availability=rng.uniform(0.7, 1.0, HOURS)),
        Plant("reactor", "dispatchable", capital=0.6, fixed=0.12, minimum_load=0.4, ramp=0.2),
    ]  # fmt: skip


def step(**more: float) -> Step:
    return Step(2030.0, 7.0, LOAD, **more)  # pyright: ignore[reportArgumentType]


def vintages(plants: list[Plant]) -> list[Vintage]:
    return [Vintage(p.id, 2030.0, LIFE, (p,), p.maximum if p.minimum == p.maximum else None) for p in plants]


def rows_of(matrix: object, right: np.ndarray) -> np.ndarray:
    """Rows with their right sides, each divided by its largest entry, in an order of their own."""
    rows = np.hstack([matrix.toarray(), right[:, None]])  # pyright: ignore[reportAttributeAccessIssue]
    rows /= np.abs(rows).max(axis=1, keepdims=True)
    rows = np.round(rows, 10) + 0.0
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("seed", range(6))
def test_one_step_has_the_rows_and_the_costs_of_the_plan_of_a_year(seed: int) -> None:
    plants = park(np.random.default_rng(seed))
    limits = {"carbon_price": 0.05, "carbon_limit": 0.1 / KWH} if seed % 2 else {}
    static = build_programme(load=LOAD, plants=plants, not_served_price=LOST, **limits)
    path = build_pathway_programme(
        steps=[step(**limits)], vintages=vintages(plants), hours=whole_year(HOURS), not_served_price=LOST,
        together=0.0,
    )  # fmt: skip
    assert path.A.shape == static.A.shape
    assert path.equalities == static.equalities
    cut = static.equalities
    for part in (slice(None, cut), slice(cut, None)):
        theirs, ours = rows_of(path.A[part], path.b[part]), rows_of(static.A[part], static.b[part])
        assert theirs == pytest.approx(ours, abs=1e-9)
    assert path.cost == pytest.approx(static.cost, rel=1e-12, abs=1e-12)


def test_an_hour_in_which_a_plant_is_paid_to_run_has_the_price_of_the_plan_of_a_year() -> None:
    """Power that may not be thrown away has a price below nothing in both."""
    wind = np.clip(0.5 + 0.6 * np.cos(CLOCK / 7.0), 0.0, 1.0)
    plants = [
        Plant("waste", "dispatchable", fuel=-20.0 / MWH, availability=wind, minimum=5e8, maximum=5e8),
        Plant("paid", "dispatchable", fuel=-5.0 / MWH, minimum=1.2e9, maximum=1.2e9),
        Plant("gas", "dispatchable", fuel=40.0 / MWH, capital=0.1),
    ]
    static = plan(load=LOAD, plants=plants, not_served_price=LOST)
    path = plan_pathway(
        steps=[replace(step(), worth=1.0)], vintages=vintages(plants), hours=whole_year(HOURS),
        not_served_price=LOST,
    )  # fmt: skip
    assert (static.price * MWH).min() == pytest.approx(-5.0, abs=0.01)
    assert path.price[0] * MWH == pytest.approx(static.price * MWH, abs=0.05)


def test_a_store_gives_what_leaves_it() -> None:
    """Energy in, less what is lost on both ways and while it stands, is energy out over a cycle."""
    store = Storage(0.9, 0.8, energy_capital=0.0, self_discharge=0.01)
    rng = np.random.default_rng(1)
    charge, before = rng.uniform(0.5, 1.0, 24), np.roll(np.arange(24), 1)
    level = rng.uniform(2.0, 2.2, 24)
    gives = discharge_of(store, charge=charge, level=level, before=before)
    assert gives.sum() == pytest.approx(0.8 * (0.9 * charge.sum() - 0.01 * level.sum()))
