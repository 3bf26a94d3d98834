"""Adoption beside what is published: the CMOS cap, mature fusion, space solar; curves on history.

No row was fitted to these. *Overlap* is as of :mod:`gigawatt.validation.outlook.monte_carlo`: the length in
logarithms that our 80 % interval and the published range share, over the shorter of both; 1 is wanted, 0.7
passes. Costs of fusion and space solar are those of draws in which the technology works and is ready by 2050.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import factor
from gigawatt.outlook.compute.fleet import H100_FLOPS
from gigawatt.outlook.forecasts.curves_hindcast import CurvesHindcast, curves_hindcast
from gigawatt.outlook.frame import LAST, year_index
from gigawatt.outlook.paths import ANCHOR
from gigawatt.outlook.priors import read_priors
from gigawatt.outlook.randomness import SEED
from gigawatt.studies.outlook.limits import outlook_tables
from gigawatt.studies.outlook.outlook import evaluate
from gigawatt.validation.check import Told
from gigawatt.validation.outlook.monte_carlo import overlap

__all__ = ["cost", "coverage", "mature", "most_a_joule", "nearest_to_the_ceiling", "off_target"]

_DRAWS = 10_000
_FP4 = 4.0  # 4-bit operations in the place of one of 16 bits
Array = NDArray[np.float64]


def _row(id: str) -> Evidence:
    entity = catalog.entity("outlook_adoption_published", id)
    return entity.rows()[0]


@lru_cache(maxsize=4)
def _drawn(ceiling: float | None) -> dict[str, Array]:
    """Watts of digital chips, costs, and what they were drawn by; with a fixed CMOS ceiling if given."""
    priors = read_priors("base", {} if ceiling is None else {"cmos_ceiling": f"{ceiling} 1/J"})
    outputs = ["chip_watts_digital", "fusion_price", "space_solar_price"]
    names = [
        "cmos_ceiling",
        "fusion_cost",
        "fusion_learning",
        "fusion_fails",
        "fusion_time",
        "space_solar_fails",
        "space_solar_time",
    ]
    found = evaluate(priors, outlook_tables(), SEED, 0, _DRAWS, outputs)
    return {**found, **priors.draw(SEED, 0, _DRAWS, names)}


def nearest_to_the_ceiling() -> float:
    """Largest ratio of a digital chip's operations a joule in 4 bits to the ceiling of its draw."""
    free = _drawn(None)
    best = _FP4 * H100_FLOPS / free["chip_watts_digital"].min(axis=1)
    return float(np.max(best / free["cmos_ceiling"][:, 0]))


def most_a_joule(ceiling: float) -> float:
    """Most operations a joule in 4 bits with a fixed CMOS ceiling, 1/J."""
    return float(_FP4 * H100_FLOPS / _drawn(ceiling)["chip_watts_digital"].min())


def _beside(row: Evidence, cost: Array, unit: str, words: str, note: str) -> Told:
    low, middle, high = (float(x) for x in np.quantile(cost, (0.1, 0.5, 0.9)))
    ends, scale = (row.low or row.value, row.high or row.value), factor(unit)
    told = (
        f"{words}: overlap of {low / scale:.3g} to {high / scale:.3g} (80 %, median "
        f"{middle / scale:.3g}) with {ends[0] / scale:.3g} to {ends[1] / scale:.3g} {unit}"
    )
    return Told(overlap(low, high, *ends), told, note)


def cost(id: str, key: str, unit: str) -> Told:
    """Overlap of what a technology costs where it works by the last year with what is published."""
    row, drawn = _row(id), _drawn(None)
    came = ANCHOR + 1.0 + drawn[f"{key}_time"][:, 0] / factor("yr") <= LAST
    works = came & (drawn[f"{key}_fails"][:, 0] < 0.5)
    paid = drawn[f"{key}_price"][works, year_index(LAST)]
    return _beside(row, paid, unit, f", {LAST}", f"in {np.mean(works):.0%} of draws it works by then")


def mature() -> Told:
    """Overlap of fusion's cost by Wright's law alone once a fleet stands, whenever that may be."""
    row, doublings, drawn = _row("F1"), _row("F1-mature"), _drawn(None)
    paid = drawn["fusion_cost"] * (1.0 - drawn["fusion_learning"]) ** doublings.value
    words = f" after {doublings.value:g} doublings ({doublings.locator})"
    share, edge = float(np.mean(paid < row.value)), row.value / factor("$/MWh")
    below = f"{share:.0%} of our draws are below its {edge:.4g}"
    return _beside(row, paid, "$/MWh", words, below)


@lru_cache(maxsize=2)
def _curves(model: str) -> CurvesHindcast:
    return curves_hindcast(model)


def coverage(low: int = 0, high: int = 0) -> Told:
    """Coverage of the logistic's 90 % intervals, of horizons from ``low`` to ``high`` years or of all."""
    span = (low, high) if high else None
    done, other = _curves("logistic"), _curves("gompertz")
    note = (
        f"{done.forecasts(span)} forecasts, {len(np.unique(done.series))} series, mean error "
        f"{done.error(span):.2f}; by Gompertz's curve {other.coverage(span):.2f}, {other.error(span):.2f}"
    )
    return Told(done.coverage(span), note=note)


def off_target(model: str, target: float) -> float:
    """Distance of a curve's coverage from a target."""
    return abs(_curves(model).coverage() - target)
