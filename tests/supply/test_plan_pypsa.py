"""PyPSA with HiGHS solves the exported network to our optimum; skipped where PyPSA is not installed."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.power.flexible import CutStep, Flexible
from gigawatt.power.plan.export_pypsa import export_pypsa, pypsa_limits
from gigawatt.power.plan.plan import solve_problem
from gigawatt.power.plan.problem import Problem
from gigawatt.power.plants.plant import Plant, Storage

MWH, KWH, PER_KW = 3.6e9, 3.6e6, 1e-3
needs_pypsa = pytest.mark.skipif(find_spec("pypsa") is None, reason="the extra pypsa is not installed")


def problem(hours: int = 168, **other: object) -> Problem:
    rng, h = np.random.default_rng(3), np.arange(hours)
    sun = np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0, 1) * rng.uniform(0.4, 1.0, hours)
    store = Storage(
        0.92, 0.9, 25 / KWH, duration_min=3600.0, duration_max=8 * 3600.0, self_discharge=1e-4, fade=0.1
    )
    plants = [
        Plant("grid", "grid", fuel=(60 + 18 * np.sin(h / 4)) / MWH, carbon=0.35 / KWH, maximum=3e8),
        Plant("solar", "profile", availability=sun, capital=90 * PER_KW),
        Plant("battery", "storage", capital=30 * PER_KW, variable=1 / MWH, storage=store),
        Plant("gas", "dispatchable", capital=180 * PER_KW, fuel=33 / MWH, carbon=0.4 / KWH),
        Plant(
            "reactor",
            "dispatchable",
            capital=600 * PER_KW,
            fuel=11 / MWH,
            availability=0.93,
            minimum_load=0.5,
            ramp=0.05,
        ),
    ]
    asked: dict = {"load": 1e9 * (1 + 0.2 * np.sin(h / 24 * 2 * np.pi)), "plants": plants}
    return Problem(**(asked | {"not_served_price": 10_000 / MWH} | other))


@needs_pypsa
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "other",
    [
        {},
        {"carbon_limit": 0.1 / KWH},
        {"carbon_price": 0.1},
        {"matching": 0.8},
        {"flexible": Flexible(0.2, 100 / MWH, 0.02, 0.2, 6 * 3600.0), "carbon_limit": 0.1 / KWH},
        {
            "flexible": Flexible(
                steps=(CutStep(0.1, 60 / MWH, slows=0.02), CutStep(0.3, 90 / MWH, slows=0.3)), lost_limit=0.03
            ),
            "matching": 0.5,
        },
    ],
    ids=["free", "limit", "price", "matching", "flexible", "ladder"],
)
def test_pypsa_finds_our_optimum(other: dict) -> None:
    asked = problem(**other)
    network = export_pypsa(asked)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.optimize(
            solver_name="highs", extra_functionality=pypsa_limits(asked), output_flag=False, progress=False
        )
    ours = solve_problem(asked)
    assert float(network.objective) == pytest.approx(ours.objective, rel=1e-6)


@needs_pypsa
def test_what_pypsa_cannot_say_is_refused() -> None:
    with pytest.raises(InputError, match="one weather year is exported at a time"):
        export_pypsa(problem(years=7))
    cheap = problem()
    grid = Plant("grid", "grid", fuel=-1 / MWH)
    with pytest.raises(InputError, match="must-run plants beside negative prices"):
        export_pypsa(problem(plants=[grid, *tuple(cheap.plants)[1:]]))
    with pytest.raises(InputError, match="what a cut costs by the event is not exported"):
        export_pypsa(problem(flexible=Flexible(steps=(CutStep(0.1, 60 / MWH, event=1e-3),))))


@pytest.mark.skipif(find_spec("pypsa") is not None, reason="PyPSA is there")
def test_without_pypsa_the_extra_is_named() -> None:
    with pytest.raises(
        GigawattError, match=r"PyPSA is not installed; allowed: pip install 'gigawatt\[pypsa\]'"
    ):
        export_pypsa(problem())
