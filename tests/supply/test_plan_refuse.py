"""Plans that cannot be: the cause, the distance by an independent programme, and how long a refusal takes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

import gigawatt.power.solve as solve_module
from gigawatt.core.errors import InfeasibleError
from gigawatt.power.plan.plan import solve_problem
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plan.refuse import check_carbon
from gigawatt.power.plants.plant import Plant, Storage

MWH, KWH, PER_KW = 3.6e9, 3.6e6, 1e-3
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def question(hours: int = 168, **other: object) -> Problem:
    """A grid, gas that must run, a small field of sun and a battery: they reach no low carbon."""
    h = np.arange(hours)
    sun = np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0, 1)
    store = Storage(0.95, 0.9, 25 / KWH, duration_min=0.0, duration_max=6 * 3600.0)
    plants = [
        Plant("grid", "grid", fuel=50 / MWH, carbon=(0.3 + 0.1 * np.sin(h / 24 * 2 * np.pi)) / KWH),
        Plant("gas", "dispatchable", fuel=40 / MWH, carbon=0.45 / KWH, capital=100 * PER_KW, maximum=5e7),
        Plant("solar", "profile", availability=sun, capital=50 * PER_KW, maximum=1.5e8),
        Plant("battery", "storage", capital=30 * PER_KW, storage=store, maximum=3e7),
    ]
    asked: dict = {"load": np.full(hours, 1e8), "plants": plants, "not_served_price": 1e4 / MWH}
    return Problem(**(asked | {"carbon_limit": 0.05 / KWH} | other))


def least_carbon(asked: Problem) -> float:
    """g/kWh that the plants of :func:`question` reach at best, in full form, by HiGHS."""
    grid, _, solar, battery = asked.plants
    store, hours, need = battery.storage, len(asked.watts), 100.0
    assert store is not None
    count = 5 * hours  # grid, sun used, charge, discharge, level; gas is worse than the grid in each hour
    E, e = np.zeros((2 * hours, count)), np.zeros(2 * hours)
    for h in range(hours):
        for k, sign in ((0, 1), (1, 1), (2, -1), (3, 1)):
            E[h, k * hours + h] = sign
        e[h] = need
        E[hours + h, 4 * hours + h] = 1
        E[hours + h, 4 * hours + (h - 1) % hours] -= 1
        E[hours + h, 2 * hours + h] = -store.charge_efficiency
        E[hours + h, 3 * hours + h] = 1 / store.discharge_efficiency
    most = [np.full(hours, np.inf), np.asarray(solar.availability) * 150, *(np.full(hours, 30.0),) * 2]
    bounds = [(0.0, v) for v in np.concatenate([*most, np.full(hours, 180.0)])]
    cost = np.zeros(count)
    cost[:hours] = np.asarray(grid.carbon) * KWH * 1e3
    found = linprog(cost, A_eq=E, b_eq=e, bounds=bounds, method="highs")
    return float(found.fun) / (need * hours)


def test_the_least_that_is_reached_is_that_of_an_independent_programme() -> None:
    asked = question()
    with pytest.raises(InfeasibleError, match="the carbon limit of 50 g/kWh cannot be met") as error:
        solve_problem(asked)
    told = re.search(r"the least they reach is ([\d.]+) g/kWh, ([\d.]+) g/kWh too much", str(error.value))
    assert told is not None
    assert float(told[1]) == pytest.approx(least_carbon(asked), rel=5e-4)
    assert float(told[1]) - float(told[2]) == pytest.approx(50.0, abs=0.06)


@pytest.mark.parametrize("solver", ["clarabel", "highs"])
def test_a_limit_at_the_least_is_met_and_one_below_refused(solver: str) -> None:
    least = least_carbon(question())
    check_carbon(question(carbon_limit=least * 1.001 / KWH / 1e3), least * 1.001 / KWH / 1e3, solver)
    low = least * 0.998 / KWH / 1e3
    with pytest.raises(InfeasibleError, match="cannot be met"):
        check_carbon(question(carbon_limit=low), low, solver)


def test_where_load_is_lacking_anyway_the_least_is_of_what_can_be_served() -> None:
    plants = [Plant("gas", "dispatchable", fuel=40 / MWH, carbon=0.45 / KWH, maximum=6e7)]
    asked = question(48, plants=plants)
    with pytest.raises(InfeasibleError, match="the least they reach is 450 g/kWh, 400 g/kWh too much"):
        check_carbon(asked, 0.05 / KWH, "clarabel")
    check_carbon(asked, 0.05 / KWH, "clarabel", early=True)  # it cannot tell, and leaves it


def test_contradictions_are_told_without_the_slow_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("HiGHS was asked")

    monkeypatch.setattr(solve_module, "_highs", never)
    must = Plant("gas", "dispatchable", carbon=0.4 / KWH, minimum=5e7, maximum=5e7, minimum_load=0.6)
    clean = Plant("clean", "dispatchable", capital=700 * PER_KW)
    with pytest.raises(InfeasibleError, match="what must be built and run: at least 70 g/kWh too much"):
        solve_problem(question(48, plants=[must, clean]))
    with pytest.raises(InfeasibleError, match="the least they reach is"):
        solve_problem(question(48))


@pytest.mark.parametrize("seed", [24, 29])  # 69 and 31 CPU-s when each had to end in the slow solver
def test_a_year_that_cannot_be_is_refused(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("supply_cases", None)
    from supply_cases import draw  # pyright: ignore[reportMissingImports]

    asked = draw(seed, 8760)
    with pytest.raises(InfeasibleError):
        solve_problem(asked)
