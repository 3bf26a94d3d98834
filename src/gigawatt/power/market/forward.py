"""Hours of a later year: what more sun and wind do to the hours of a year that was.

An hour falls by what more of sun and wind displaces in it, and no hour below the lowest of the year that
was (zero at least); prices above zero are then brought back to the mean, which fuel, carbon and capacity set
and which is not predicted. Storage, which flattens the day, is not in it: spreads of far years are too wide.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Assumption, Grade, worst

__all__ = ["Later", "later_hours", "later_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Later:
    """What sun and wind gain: shares of the year's generation (``more_sun``, ``more_wind``), the price over
    its mean by which an hour falls for a part of mean demand that is displaced (``slope``), and the capacity
    factors ``sun`` and ``wind`` (8760,), ``None`` where they are not known."""

    more_sun: float
    more_wind: float
    slope: float
    sun: Array | None = field(default=None, repr=False)
    wind: Array | None = field(default=None, repr=False)
    assumptions: tuple[Assumption, ...] = ()


def later_of(defaults: Entity, years: float, *, sun: Array | None, wind: Array | None) -> Later | None:
    """What sun and wind gain in ``years`` at the rates of a row of ``grids_defaults``; ``None`` for none."""
    if years <= 0.0 or (sun is None and wind is None):
        return None
    rows = [defaults.evidence(name) for name in ("solar_growth", "wind_growth", "displacement_slope")]
    per_year = 365.0 * 86400.0
    more_sun, more_wind = rows[0].value * per_year * years, rows[1].value * per_year * years
    told = Assumption(
        "supply.grid_later",
        f"{more_sun:.3g} more of sun, {more_wind:.3g} of wind",
        f"shares of generation gained in {years:g} years at rates of the catalog; an hour of the market "
        f"falls by {rows[2].value:.2g} of the mean price for the part of mean demand that they displace in "
        "it, at an unchanged mean; no storage is built against it",
        worst([Grade.projected, *(row.grade for row in rows)]),
        rows[0].source_id,
    )
    return Later(more_sun, more_wind, rows[2].value, sun, wind, (told,))


def later_hours(over: ArrayLike, later: Later) -> Array:
    """(8760,) price over its mean of a later year.

    Parameters
    ----------
    over : array (8760,)
        Price over the mean of the year that was, in the hours of ``later``.
    later : Later
        What sun and wind gain.

    Raises
    ------
    InputError
        A gain or slope below zero.
    """
    for name, value in (("more_sun", later.more_sun), ("more_wind", later.more_wind), ("slope", later.slope)):
        if value < 0.0:
            raise InputError("below zero", key=name, given=f"{value:g}", allowed="0 or more")
    was = np.asarray(over, dtype=np.float64)
    fall = _displaced(later.sun, later.more_sun) + _displaced(later.wind, later.more_wind)
    now = np.maximum(was - later.slope * fall, min(float(was.min()), 0.0))
    above, below = np.maximum(now, 0.0), np.minimum(now, 0.0)
    if not above.mean() > 0.0:
        return was.copy()
    return np.where(now > 0.0, now * ((1.0 - below.mean()) / above.mean()), now)


def _displaced(profile: Array | None, share: float) -> Array | float:
    """Part of mean demand that a gain displaces in an hour."""
    if profile is None or not profile.mean() > 0.0:
        return 0.0
    return profile * (share / profile.mean())
