"""The capacity plan beside other solvers and theory: optima by PyPSA with HiGHS, and screening curves.

The golden optima are rows of ``supply_plan_golden``, made by ``benchmarks/supply_golden.py`` from the same
cases (table ``supply_plan_cases``); they check the programme, not the numbers put in. Screening curves have a
closed form: a plant is built up to the load that is exceeded in more hours than its fixed cost needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.catalog import entity
from gigawatt.catalog.loader import Entity
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.power import Flexible, Plant, Problem, Storage, SupplyPlan, solve_problem

__all__ = [
    "CASES",
    "case",
    "screening",
    "screening_optimum",
    "screening_size",
    "screening_theory",
    "solved",
]

Array = npt.NDArray[np.float64]

_TABLE = "supply_plan_golden"
_HOUR, _MWH, _KWH = 3600.0, 3.6e9, 3.6e6
_YEAR = HOURS_PER_YEAR * _HOUR
_HOURS, _LOAD = 336, 1e9

_MIX = ("grid", "solar", "wind", "gas", "reactor", "battery")
#: What each golden case asks: plants of ``supply_plan_cases`` and keywords of a problem.
CASES: Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "free": (_MIX, {}),
    "carbon-limit": (_MIX, {"carbon_limit": 0.05 / _KWH}),
    "clean": ((*_MIX, "long-store"), {"carbon_limit": 0.005 / _KWH}),
    "carbon-price": (_MIX, {"carbon_price": 0.15}),
    "hourly-matching": (_MIX, {"matching": 0.9}),
    "load-gives-way": (
        _MIX,
        {
            "flexible": Flexible(0.1, 120.0 / _MWH, 0.02, 0.2, 6 * _HOUR),
            "carbon_limit": 0.05 / _KWH,
        },
    ),
    "full-supply": (("solar", "wind", "battery", "long-store"), {"not_served_limit": 0.0}),
    "store-inside": (("grid", "solar", "reactor", "salt"), {"carbon_limit": 0.12 / _KWH}),
}


def case(name: str) -> Problem:
    """The question of a golden case: two weeks of an hourly load of at most 1 GW.

    Parameters
    ----------
    name : str
        A key of :data:`CASES`.
    """
    plants, other = CASES[name]
    h = np.arange(_HOURS)
    cloud = np.random.default_rng(11).uniform(0.3, 1.0, _HOURS // 24).repeat(24)
    sun = np.clip(np.sin((h % 24 - 6) / 12 * np.pi), 0.0, 1.0) * cloud
    wind = np.clip(0.4 + 0.35 * np.sin(h / 37.0) + 0.2 * np.sin(h / 11.0 + 1.0), 0.0, 1.0)
    profiles = {"solar": sun, "wind": wind}
    load = _LOAD * (1.0 + 0.15 * np.sin((h - 9) / 24 * 2 * np.pi)) / 1.15
    return Problem(
        load=load,
        plants=[_plant(entity("supply_plan_cases", one), profiles.get(one), _HOURS) for one in plants],
        not_served_price=10_000.0 / _MWH,
        **other,
    )


def screening() -> Problem:
    """The question of PyPSA's screening example: a load that falls evenly from 1,000 MW to none."""
    row = entity(_TABLE, "screening")
    load = np.linspace(row.value("load"), 0.0, round(row.value("snapshots")))
    plants = [
        _plant(entity("supply_plan_cases", f"screening-{n}"), None, len(load)) for n in ("base", "peak")
    ]
    return Problem(load=load, plants=plants, not_served_price=row.value("not_served_price"))


def screening_optimum(
    *, load: npt.ArrayLike, capital: tuple[float, float], fuel: tuple[float, float], not_served_price: float
) -> tuple[float, float, float]:
    """(capacity of the base plant, of the peaker [W], $ in all) by screening curves.

    Parameters
    ----------
    load : (H,)
        W in each hour.
    capital : (2,)
        $ per W for these hours, of the base plant (the larger) and of the peaker.
    fuel : (2,)
        $/J of the base plant (the smaller) and of the peaker.
    not_served_price : float
        $/J, above both.

    Raises
    ------
    InputError
        The base plant is not the one of larger capital and smaller fuel cost.

    References
    ----------
    Stoft (2002), Power System Economics, IEEE Press and Wiley, part 1: screening curves and load duration.
    """
    if not (capital[0] >= capital[1] >= 0.0 and fuel[0] < fuel[1] < not_served_price):
        raise InputError(
            "the curves do not cross in this order",
            key="fuel",
            given=f"capital {capital[0]:g}, {capital[1]:g} $/W, fuel {fuel[0]:g}, {fuel[1]:g} $/J",
            allowed="a base plant of larger capital and smaller fuel cost, both below the price of no power",
        )
    falling = np.sort(np.asarray(load, dtype=float))[::-1]
    hours = (capital[0] - capital[1]) / (fuel[1] - fuel[0]) / _HOUR
    lost_hours = capital[1] / (not_served_price - fuel[1]) / _HOUR
    base, both = (
        float(falling[math.floor(n)]) if n < len(falling) else 0.0
        for n in (max(hours, lost_hours), lost_hours)
    )
    by_base = np.minimum(falling, base)
    by_peak = np.minimum(falling, both) - by_base
    spent = by_base * fuel[0] + by_peak * fuel[1] + (falling - by_base - by_peak) * not_served_price
    cost = base * capital[0] + (both - base) * capital[1] + float(np.sum(spent)) * _HOUR
    return base, both - base, cost


@lru_cache(maxsize=32)
def solved(name: str) -> SupplyPlan:
    """Our optimum of a golden case, or of ``screening``."""
    return solve_problem(screening() if name == "screening" else case(name))


def screening_theory() -> tuple[float, float, float]:
    """(base plant, peaker [W], cost [$]) of the screening example in closed form."""
    asked = screening()
    base, peak = asked.plants
    year = len(asked.watts) / HOURS_PER_YEAR
    return screening_optimum(
        load=asked.watts,
        capital=(base.capital * year, peak.capital * year),
        fuel=(float(np.asarray(base.fuel)), float(np.asarray(peak.fuel))),
        not_served_price=asked.not_served_price,
    )


def screening_size(quantity: str) -> float:
    """``coal``, ``gas``, ``lost`` (largest power not served) [W], or ``mean_cost`` [$/s] of our optimum."""
    plan = solved("screening")
    if quantity == "lost":
        return float(np.max(plan.not_served))
    if quantity == "mean_cost":
        return plan.objective / len(plan.load) / _HOUR
    return plan.capacity[{"coal": "screening-base", "gas": "screening-peak"}[quantity]]


def _or(row: Entity, quantity: str, default: float) -> float:
    return row.value(quantity) if quantity in row.numbers else default


def _plant(row: Entity, profile: Array | None, hours: int) -> Plant:
    h = np.arange(hours)
    fuel = row.value("fuel") + _or(row, "fuel_swing", 0.0) * np.sin((h - 9) / 24 * 2 * np.pi)
    storage = None
    if row.text("kind") == "storage":
        storage = Storage(
            charge_efficiency=row.value("charge_efficiency"),
            discharge_efficiency=row.value("discharge_efficiency"),
            energy_capital=row.value("energy_capital") * _YEAR,
            duration_min=row.value("duration_min"),
            duration_max=row.value("duration_max"),
            self_discharge=row.value("self_discharge"),
        )
    ramp = _or(row, "ramp", math.nan)
    return Plant(
        row.id,
        row.text("kind"),
        capital=row.value("capital") * _YEAR,
        fuel=fuel if _or(row, "fuel_swing", 0.0) else row.value("fuel"),
        carbon=row.value("carbon"),
        availability=_or(row, "availability", 1.0) if profile is None else profile,
        minimum_load=_or(row, "minimum_load", 0.0),
        ramp=None if math.isnan(ramp) else ramp,
        maximum=_or(row, "maximum", math.inf),
        storage=storage,
        host=row.text("host"),
        host_ratio=_or(row, "host_ratio", math.inf),
    )
