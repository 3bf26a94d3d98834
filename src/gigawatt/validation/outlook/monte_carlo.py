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
from functools import lru_cache

from gigawatt import catalog
from gigawatt.core.evidence import Evidence
from gigawatt.core.quantities import factor
from gigawatt.studies.outlook.outlook import OutlookResult, outlook
from gigawatt.studies.outlook.utilisation import cliff_and_wall
from gigawatt.validation.check import Told

__all__ = ["DRAWS", "cliff", "lead_time", "median", "overlap", "overlapping", "place", "twofold", "wall"]

DRAWS = 20_000
"""Draws of the bands that are checked: quantiles move by less than one percent from seed to seed."""
_MONTHS = 90.0 * 86400.0  # "three-month runs"


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


def overlapping(id: str, quantity: str, *, plain: bool = False) -> Told:
    """Overlap of our 80 % interval with the published range; ``plain``: of calendar years, lengths as they
    are."""
    row = _row(id, quantity)
    band, scale = _result().band(quantity, row.year), factor(row.unit)
    low, high = row.low or row.value, row.high or row.value
    ours = (band[0.1] * scale, band[0.9] * scale)
    if plain:
        shared = max(min(ours[1], high) - max(ours[0], low), 0.0)
        share = shared / min(ours[1] - ours[0], high - low)
        told = f"{ours[0]:.1f} to {ours[1]:.1f}"
    else:
        share = overlap(*ours, low, high)
        told = f"{ours[0] / scale:.3g} to {ours[1] / scale:.3g}"
    unit = "" if row.unit == "1" else f" {row.unit}"
    return Told(share, f": overlap of {told} (80 %) with {low / scale:.4g} to {high / scale:.4g}{unit}")


def place(id: str, quantity: str) -> Told:
    """Share of our draws below the published number."""
    row = _row(id, quantity)
    above = _result().sketches[quantity].share_above(row.value)
    middle = _result().band(quantity, row.year)[0.5]
    below = 1.0 - float(above[_result().years.index(row.year or 0)])
    return Told(below, f": place of {float(row.written):g} {row.unit} in our draws (median {middle:.4g})")


def median(quantity: str, year: int) -> float:
    """Median of our draws, in the outlook's own unit."""
    return _result().band(quantity, year)[0.5]


def twofold(id: str) -> Told:
    """1 + log2 of our energy of an answer over the published one."""
    row = _row(id, "answer_energy")
    ours = median("answer_energy", row.year or 0)
    ratio = ours / (row.value / factor(row.unit))
    words = f": {ours:.2g} Wh beside {float(row.written):g}, 1 + log2 of the ratio"
    return Told(1.0 + math.log2(ratio), words)


def cliff(batch: float) -> float:
    """FLOP at the utilisation cliff of H100 in three months, the batch growing with a power of the run."""
    return cliff_and_wall("H100-SXM5-80GB", batch, _MONTHS)[0]


def wall(batch: float) -> float:
    """FLOP of the largest run of any number of H100 in three months."""
    return cliff_and_wall("H100-SXM5-80GB", batch, _MONTHS)[1]


def lead_time() -> float:
    """Overlap of the catalog's lead time of a combined cycle with the published one."""
    ours, row = catalog.entity("plants", "gas-combined-cycle").evidence("lead_time"), _row("C4", "lead_time")
    return overlap(
        ours.low or ours.value, ours.high or ours.value, row.low or row.value, row.high or row.value
    )
