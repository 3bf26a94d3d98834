"""Published estimates of limits and electricity beside the Monte Carlo's bands.

How a published range or point is compared, in the one form of a ``Check``:

- *overlap*: length in logarithms of what our 80 % interval and the published range share, over the shorter of
  the
  two; 1 is wanted. A forecast narrower than the range passes if it lies inside, a wider one if it covers it.
- *place*: the share of our draws below the published number; one half is wanted, and a tolerance of 0.5 is
  our
  50 % interval, of 0.9 our 90 % interval.
- *log10*: of FLOPs, with a tolerance in orders of magnitude.
- *factor*: 1 + log2 of ours over published; a tolerance of 1 is a factor of two.

Nothing in the outlook was fitted to these numbers, but for those marked as fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from gigawatt import catalog
from gigawatt.evidence import Evidence
from gigawatt.quantities import factor
from gigawatt.study.outlook import OutlookResult, outlook
from gigawatt.study.outlook_utilisation import cliff_and_wall
from gigawatt.validation.check import Check

__all__ = ["DRAWS", "checks", "overlap"]

PART = "outlook"
DRAWS = 20_000
"""Draws of the bands that are checked: quantiles move by less than one percent from seed to seed."""
_MONTHS = 90.0 * 86400.0  # "three-month runs"
_BATCH = 1.0 / 3.0  # growth of the batch that is nearest to a published law, 0.327
_SLOW_BATCH = 1.0 / 6.0  # with the cube root of the model


def overlap(low: float, high: float, other_low: float, other_high: float) -> float:
    """Length in logarithms that two ranges of positive numbers share, over that of the shorter one.

    Parameters
    ----------
    low, high, other_low, other_high : float
        > 0, low < high each.

    Returns
    -------
    float
        0 (apart) to 1 (one inside the other).

    References
    ----------
    Szymkiewicz 1934 and Simpson 1943, "overlap coefficient".
    """
    shared = math.log(min(high, other_high)) - math.log(max(low, other_low))
    shorter = min(math.log(high / low), math.log(other_high / other_low))
    return max(shared, 0.0) / shorter


@lru_cache(maxsize=1)
def _result() -> OutlookResult:
    return outlook("base", DRAWS)


def _row(id: str, quantity: str) -> Evidence:
    return catalog.entity("outlook_published", id).evidence(quantity)


def _source(row: Evidence) -> str:
    found = catalog.source(row.source_id)
    return f"{found.publisher}, {found.title}" + (f": {row.locator}" if row.locator else "")


def _overlap(id: str, quantity: str, least: float, what: str, *, plain: bool = False) -> Check:
    """Overlap of our 80 % interval with the published range; at least ``least`` is wanted."""
    row, year = _row(id, quantity), _row(id, quantity).year
    band = _result().band(quantity, year)
    scale = factor(row.unit)
    low, high = row.low or row.value, row.high or row.value
    ours = (band[0.1] * scale, band[0.9] * scale)
    if plain:  # calendar years: lengths as they are
        shared = max(min(ours[1], high) - max(ours[0], low), 0.0)
        share = shared / min(ours[1] - ours[0], high - low)
    else:
        share = overlap(*ours, low, high)
    told = (
        f"{ours[0] / scale:.3g} to {ours[1] / scale:.3g}" if not plain else f"{ours[0]:.1f} to {ours[1]:.1f}"
    )
    unit = "" if row.unit == "1" else f" {row.unit}"
    ends = f"{low / scale:.4g} to {high / scale:.4g}{unit}"
    return Check(
        PART,
        f"{id} {what}: overlap of {told} (80 %) with {ends}",
        share,
        1.0,
        "overlap",
        1.0 - least,
        _source(row),
    )


def _place(id: str, quantity: str, inside: float, what: str) -> Check:
    """Share of our draws below the published number."""
    row = _row(id, quantity)
    above = _result().sketches[quantity].share_above(row.value)
    band = _result().band(quantity, row.year)
    below = 1.0 - float(above[_result().years.index(row.year or 0)])
    edge = (0.5 - inside / 2.0, 0.5 + inside / 2.0)
    told = f"{id} {what}: place of {float(row.written):g} {row.unit} in our draws (median {band[0.5]:.4g})"
    return Check(
        PART, f"{told}, {edge[0]:g} to {edge[1]:g} wanted", below, 0.5, "place", inside, _source(row)
    )


def _orders(id: str, quantity: str, ours: float, orders: float, what: str) -> Check:
    row = _row(id, quantity)
    wanted = math.log10(row.value)
    return Check(PART, f"{id} {what}", math.log10(ours), wanted, "log10 FLOP", orders / wanted, _source(row))


def _near(id: str, quantity: str, tolerance: float, what: str, *, fitted: bool = False) -> Check:
    row = _row(id, quantity)
    ours = _result().band(quantity, row.year)[0.5]
    wanted = row.value / factor(row.unit)
    return Check(PART, f"{id} {what}, median", ours, wanted, row.unit, tolerance, _source(row), fitted)


def _twofold(id: str, what: str) -> Check:
    row = _row(id, "answer_energy")
    ours = _result().band("answer_energy", row.year)[0.5]
    ratio = ours / (row.value / factor(row.unit))
    told = f"{id} {what}: {ours:.2g} Wh beside {float(row.written):g}, 1 + log2 of the ratio"
    return Check(PART, told, 1.0 + math.log2(ratio), 1.0, "factor", 1.0, _source(row))


def _run() -> list[Check]:
    result = _result()
    flat, whole = (result.band(name, 2030)[0.5] for name in ("feasible_flat", "feasible"))
    cliff, wall, _ = cliff_and_wall("H100-SXM5-80GB", _BATCH, _MONTHS)
    slow, _, _ = cliff_and_wall("H100-SXM5-80GB", _SLOW_BATCH, _MONTHS)
    return [
        _orders(
            "E1",
            "feasible_run",
            flat,
            0.5,
            "feasible run 2030, by the published definition (no utilisation cliff), median",
        ),
        _orders("E1", "feasible_run", whole, 0.5, "feasible run 2030, by ours (with the cliff), median"),
        _overlap("E2", "campus_power", 0.7, "largest campus 2030"),
        _overlap("E3", "network_power", 0.7, "linked campuses of one developer 2030"),
        _overlap("E4", "run_machines", 0.7, "H100 equivalents for one run 2030"),
        _overlap("E5", "data_stock", 0.7, "tokens of data 2030"),
        _overlap("E6", "latency_wall", 0.7, "latency wall 2030"),
        _near("E7", "reference_power", 0.3, "power of a run of 2e29 FLOP 2030"),
        _orders(
            "E8", "utilisation_cliff", cliff, 0.3, "utilisation cliff, H100, 3 months, batch with C^(1/3)"
        ),
        _orders(
            "E8", "utilisation_cliff", slow, 0.3, "utilisation cliff, H100, 3 months, batch with C^(1/6)"
        ),
        _orders("E8", "latency_wall", wall, 0.3, "largest run of any machine, H100, 3 months, C^(1/3)"),
        _overlap("E9", "leading_power", 0.8, "power of the largest run 2030"),
        _overlap("E17", "text_exhausted", 0.8, "year when human text is used up", plain=True),
    ]


def _electricity() -> list[Check]:
    regions = {"us": "United States", "china": "China", "europe": "Europe", "asia": "other Asia and Pacific"}
    return [
        _near("I1", "electricity", 0.05, "world data centres 2024", fitted=True),
        _place("I2", "electricity", 0.5, "world data centres 2030"),
        _overlap("I3", "electricity", 0.8, "world data centres 2035"),
        *(_near("I4", f"electricity_{key}", 0.2, f"{words} 2030") for key, words in regions.items()),
        _overlap("I5", "electricity_us", 0.8, "United States 2028"),
        _place("G1", "electricity", 0.9, "world data centres 2030"),
        _place("G2", "demand_us", 0.9, "US data centres 2035"),
    ]


def _money_and_answers() -> list[Check]:
    result = _result()
    grown, lead = _row("C1", "capital_growth"), _row("C4", "lead_time")
    ours = catalog.entity("plants", "gas-combined-cycle").evidence("lead_time")
    share = overlap(
        ours.low or ours.value, ours.high or ours.value, lead.low or lead.value, lead.high or lead.value
    )
    growth = result.band("capital", 2026)[0.5] / result.band("capital", 2025)[0.5]
    return [
        Check(
            PART, "C1 growth of spending in 2026, median", growth, grown.value, "1", 0.1, _source(grown), True
        ),
        Check(
            PART,
            "C4 lead time of a combined cycle: overlap of the catalog's 3 to 7 years with 3.5 to 7",
            share,
            1.0,
            "overlap",
            0.3,
            _source(lead),
        ),
        _twofold("V1", "energy of an answer 2025"),
        _twofold("V2", "energy of an answer 2025"),
    ]


def checks() -> list[Check]:
    """Every published target of the Monte Carlo, in the order of its table; about six CPU-seconds.

    Raises
    ------
    GigawattError
        A row that is needed is missing from the catalog.
    """
    parts: tuple[Callable[[], list[Check]], ...] = (_run, _electricity, _money_and_answers)
    return [check for part in parts for check in part()]
