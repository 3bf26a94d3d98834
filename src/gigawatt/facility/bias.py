"""Output of wind that a reanalysis has too low, brought to a published mean.

Two methods. A *power transform* lifts every hour by one exponent: it keeps calm hours calm, and serves where
the series is somewhat low. Where a reanalysis sees a valley and the turbines would stand on its ridges, most
of its hours are calm and no exponent helps: there the *order of the hours* is kept and the outputs are those
of a turbine in Rayleigh-distributed wind (IEC 61400-1) of the strength that gives the mean.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity
from gigawatt.core.errors import MissingDataError

__all__ = ["LOSSES", "curve_points", "raise_to_mean", "rank_to_mean", "wind_loss"]

Array = NDArray[np.float64]
LOSSES = ("loss_wake", "loss_availability", "loss_electrical", "loss_environment", "loss_performance")
_HALVINGS = 60
_DAY, _WEEK = 25, 169  # odd, so that the hour stands in the middle


@lru_cache(maxsize=64)
def _curve(text: str) -> tuple[Array, Array]:
    points = [pair.split(":") for pair in text.split("|")]
    return np.array([float(p[0]) for p in points]), np.array([float(p[1]) for p in points])


def curve_points(turbine: Entity) -> tuple[Array, Array]:
    """(speeds [m/s], outputs over the rating []) of a row of ``turbines``, (m,) each."""
    return _curve(turbine.text("curve"))


def wind_loss(turbine: Entity) -> float:
    """Share of the free-standing turbine's output that a farm loses []: wake, availability, wires, weather
    (ice, dirt, stops by heat), and control, each a share of what the others leave."""
    return 1.0 - float(np.prod([1.0 - turbine.value(name) for name in LOSSES]))


def raise_to_mean(*, share: Array, mean: float) -> Array:
    """``share`` ** g with the one g > 0 that gives ``mean``: stays within 0 to 1 and keeps the order.

    Parameters
    ----------
    share : array (n,) []
        0 to 1; hours at 0 and at 1 stay there.
    mean : float []
        Between the share of hours at 1 and the share of hours above 0.

    Raises
    ------
    MissingDataError
        No exponent reaches that mean.
    """
    full, some = float(np.mean(share >= 1.0)), float(np.mean(share > 0.0))
    if not full < mean < some:
        raise MissingDataError(
            "this series cannot have that mean", given=mean, allowed=f"between {full:.3f} and {some:.3f}"
        )
    positive = np.where(share > 0.0, share, 1.0)
    log = np.log(positive)
    low, high = -12.0, 12.0  # of ln g: the mean falls with g
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        now = float(np.mean(np.where(share > 0.0, np.exp(log * np.exp(middle)), 0.0)))
        low, high = (middle, high) if now > mean else (low, middle)
    return np.where(share > 0.0, np.exp(log * np.exp((low + high) / 2.0)), 0.0)


def rank_to_mean(*, share: Array, mean: float, speed: ArrayLike, output: ArrayLike) -> Array:
    """Outputs of a turbine in Rayleigh wind with that ``mean``, in the order of ``share``'s hours, (n,) [].

    Parameters
    ----------
    share : array (n,) []
        Raw capacity factor, 0 to 1. Hours that are equal (most are 0) are ordered by the mean of the day and
        then of the week around them, so that a calm hour of a windy day comes before a calm week.
    mean : float []
        Wanted.
    speed : array (m,) [m/s]
        Of a power curve, rising.
    output : array (m,) []
        Over the rating, at ``speed``; falling ends (storm cut-out) are left out of account, because the
        raw series does not say which hours they are.

    Raises
    ------
    MissingDataError
        The turbine does not reach that mean in any wind.

    References
    ----------
    IEC 61400-1 (2019), Rayleigh distribution of wind speeds. Panofsky, H. A., Brier, G. W. (1958), Some
    Applications of Statistics to Meteorology: quantile mapping.
    """
    curve = np.maximum.accumulate(np.asarray(output, dtype=np.float64))
    speeds = np.asarray(speed, dtype=np.float64)
    if not 0.0 < mean < curve[-1]:
        raise MissingDataError(
            "a turbine cannot have that mean", given=mean, allowed=f"between 0 and {curve[-1]:.3f}"
        )
    order = np.lexsort((_around(share, _WEEK), _around(share, _DAY), share))
    count = len(share)
    # exp(-v²/s²) is the share of hours above a speed: unit Rayleigh speeds of the quantiles in the middle
    unit = np.sqrt(-np.log1p(-(np.arange(count) + 0.5) / count))
    low, high = math.log(1e-2), math.log(1e4)  # of the speed's scale [m/s]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        outputs: Array = np.interp(unit * math.exp(middle), speeds, curve, left=0.0)
        now = float(outputs.sum()) / count
        low, high = (middle, high) if now < mean else (low, middle)
    mapped = np.empty(count)
    mapped[order] = np.interp(unit * math.exp((low + high) / 2.0), speeds, curve, left=0.0)
    return mapped


def _around(values: Array, width: int) -> Array:
    """Centred moving mean of ``width`` hours, the series closed to a ring; exact for ties (integers)."""
    half = width // 2
    ring = np.concatenate([values[-half:], values, values[:half]])
    sums = np.cumsum(np.concatenate([[0.0], ring]))
    return np.round((sums[width:] - sums[:-width]) / width, 9)
