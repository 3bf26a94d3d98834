"""Adoption beside what is published: the CMOS cap, mature fusion, space solar; curves on history.

No row was fitted to these. *Overlap* is as of :mod:`gigawatt.validation.outlook_monte_carlo`: the length in
logarithms that our 80 % interval and the published range share, over the shorter of both; 1 is wanted, 0.7
passes. Costs of fusion and space solar are those of draws in which the technology works and is ready by 2050.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.evidence import Evidence
from gigawatt.outlook.curves_hindcast import BINS, curves_hindcast
from gigawatt.outlook.fleet import H100_FLOPS
from gigawatt.outlook.frame import LAST, year_index
from gigawatt.outlook.paths import ANCHOR
from gigawatt.outlook.priors import read_priors
from gigawatt.outlook.randomness import SEED
from gigawatt.quantities import factor
from gigawatt.study.outlook import evaluate
from gigawatt.study.outlook_limits import outlook_tables
from gigawatt.validation.check import Check
from gigawatt.validation.outlook_check import at_most, within
from gigawatt.validation.outlook_monte_carlo import overlap

__all__ = ["DRAWS", "checks"]

PART = "adoption"
DRAWS = 10_000
_LEAST = 0.7
_FP4 = 4.0  # 4-bit operations in the place of one of 16 bits
_ROUNDING = 1e-9
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
    found = evaluate(priors, outlook_tables(), SEED, 0, DRAWS, outputs)
    return {**found, **priors.draw(SEED, 0, DRAWS, names)}


def _cap() -> list[Check]:
    row = _row("E19")
    free = _drawn(None)
    best = _FP4 * H100_FLOPS / free["chip_watts_digital"].min(axis=1)
    most = float(np.max(best / free["cmos_ceiling"][:, 0]))
    fixed = float(_FP4 * H100_FLOPS / _drawn(row.value)["chip_watts_digital"].min())
    told = f"{row.source_id}, {row.locator}"
    return [
        at_most(PART, "E19 digital chips' operations a joule over the ceiling of their draw, largest",
                most, 1.0 + _ROUNDING, told),
        at_most(PART, "E19 operations in 4 bits a joule with the published ceiling, largest",
                fixed, row.value * (1.0 + _ROUNDING), told, unit="1/J"),
    ]  # fmt: skip


def _cost(id: str, key: str, what: str, unit: str) -> Check:
    row, drawn = _row(id), _drawn(None)
    came = ANCHOR + 1.0 + drawn[f"{key}_time"][:, 0] / factor("yr") <= LAST
    works = came & (drawn[f"{key}_fails"][:, 0] < 0.5)
    cost = drawn[f"{key}_price"][works, year_index(LAST)]
    low, middle, high = (float(x) for x in np.quantile(cost, (0.1, 0.5, 0.9)))
    ends = (row.low or row.value, row.high or row.value)
    scale = factor(unit)
    told = (
        f"{id} {what}, {LAST}: overlap of {low / scale:.3g} to {high / scale:.3g} (80 %, median "
        f"{middle / scale:.3g}) with {ends[0] / scale:.3g} to {ends[1] / scale:.3g} {unit}"
    )
    note = f"{row.source_id}, {row.locator}: {row.note}; in {np.mean(works):.0%} of draws it works by then"
    return Check(PART, told, overlap(low, high, *ends), 1.0, "overlap", 1.0 - _LEAST, note)


def _mature() -> Check:
    """Cost of fusion by Wright's law alone once a fleet stands, whenever that may be."""
    row, doublings, drawn = _row("F1"), _row("F1-mature"), _drawn(None)
    cost = drawn["fusion_cost"] * (1.0 - drawn["fusion_learning"]) ** doublings.value
    low, middle, high = (float(x) for x in np.quantile(cost, (0.1, 0.5, 0.9)))
    ends, scale = (row.low or row.value, row.high or row.value), factor("$/MWh")
    told = (
        f"F1 fusion after {doublings.value:g} doublings ({doublings.locator}): overlap of "
        f"{low / scale:.3g} to {high / scale:.3g} (80 %, median {middle / scale:.3g}) with "
        f"{ends[0] / scale:.3g} to {ends[1] / scale:.3g} $/MWh"
    )
    below = float(np.mean(cost < row.value))
    told_below = f"{below:.0%} of our draws are below its {row.value / scale:.4g}"
    note = f"{row.source_id}, {row.locator}: {row.note}; {told_below}"
    return Check(PART, told, overlap(low, high, *ends), 1.0, "overlap", 1.0 - _LEAST, note)


def _curves() -> list[Check]:
    row = _row("curves")
    found: list[Check] = []
    done, other = curves_hindcast("logistic"), curves_hindcast("gompertz")
    used = len(np.unique(done.series))
    for span in (None, *BINS):
        years = "all horizons" if span is None else f"{span[0]} to {span[1]} y"
        what = f"logistic from before the take-off, coverage of 90 % intervals, {years}"
        told = (
            f"{done.forecasts(span)} forecasts, {used} series, mean error {done.error(span):.2f}; by "
            f"Gompertz's curve {other.coverage(span):.2f}, {other.error(span):.2f}"
        )
        found.append(within(PART, what, done.coverage(span), row, note=told))
    worse = abs(other.coverage() - row.value)
    what = "logistic, distance of its coverage from 0.9, beside Gompertz's curve"
    found.append(at_most(PART, what, abs(done.coverage() - row.value), worse, "target of the project"))
    return found


def checks() -> list[Check]:
    """The cap (E19), mature fusion (F1), space solar (S1), and the curves of adoption on history."""
    return [
        *_cap(),
        _cost("F1", "fusion", "fusion as it is taken up", "$/MWh"),
        _mature(),
        _cost("S1", "space_solar", "space solar", "$/kWh"),
        *_curves(),
    ]
