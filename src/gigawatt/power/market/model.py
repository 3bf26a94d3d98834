"""Hours of a market whose series may not be passed on: quantiles of its years, and which hours are dear.

Every hour has a score, the mean normal quantile of the ranks of its month and hour of the day over five
years, and what that does not explain: the weather, a first-order autoregression from hour to hour, and spells
of weeks that are dear or cheap at all hours, both with a fixed seed. Without the spells the dear hours of one
cold month would lie on all days, and the day's spread would be too wide. The hours take the quantiles of the
year's prices in the order of their scores, so that mean, 95th percentile, zeros and spikes are those of the
year, and the hours at which they come are likely, not those that were.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.catalog import Entity, loader
from gigawatt.power.market.order import CELL, rank, within
from gigawatt.power.market.series import check_priced, price_years

__all__ = ["CUTS", "column", "modelled_year", "of_quantiles", "probit", "score"]

Array = NDArray[np.float64]

CUTS = (
    0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6,
    0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 1.0,
)  # fmt: skip
"""Shares of the hours whose quantiles ``grids_hours_quantiles`` has."""
_SEED = 20240101
_YEAR = 8760
_DAY_SECONDS = 86400.0


def column(cut: float) -> str:
    """The column of a quantile in the table: ``q09950`` of 0.995."""
    return f"q{cut * 1e4:05.0f}"


def probit(shares: ArrayLike) -> Array:
    """Standard normal quantiles of shares in (0, 1)."""
    levels, at = np.unique(np.asarray(shares, dtype=np.float64), return_inverse=True)
    quantile = NormalDist().inv_cdf  # scipy would be slow to import
    return np.array([quantile(level) for level in levels.tolist()])[at]


def of_quantiles(shares: ArrayLike, quantiles: ArrayLike) -> Array:
    """Values at ``shares`` of a distribution with ``quantiles`` at :data:`CUTS`, brought to a mean of 1.

    Values above zero are scaled for it; those at or below zero stay.
    """
    found = np.interp(np.asarray(shares, dtype=np.float64), CUTS, np.asarray(quantiles, dtype=np.float64))
    above = np.maximum(found, 0.0)
    return np.where(found > 0.0, found * ((1.0 - np.minimum(found, 0.0).mean()) / above.mean()), found)


def _table(name: str, id: str) -> Array:
    """(288,) of a table by month and hour of the day."""
    rows = loader.table(name)
    months = [rows[f"{id}-{month:02d}"] for month in range(1, 13)]
    return np.array([[month.value(f"hour_{hour:02d}") for hour in range(24)] for month in months]).ravel()


def modelled_year(
    row: Entity, year: int, driver: Array | None, weight: float, *, left_out: bool = False
) -> Array:
    """(8760,) price over the mean of its year, of a row of ``grids_hours`` of kind ``model``.

    Parameters
    ----------
    row : Entity
        Of ``grids_hours``.
    year : int
        One of :func:`~gigawatt.power.market.series.price_years`.
    driver : (8760,) or None
        Residual load of the weather.
    weight : float []
        Rank correlation of price and ``driver``, 0 to 1.
    left_out : bool
        By the medians of the quantiles and spells of the other years, as if nothing of this one were known.

    Raises
    ------
    InputError
        A year that the model lacks.
    """
    check_priced(row, year, f"no quantiles of {row.text('name')} in this year")
    chosen = [one for one in price_years(row) if one != year] if left_out else [year]
    rows = [loader.entity("grids_hours_quantiles", f"{row.id}-{one}") for one in chosen]
    quantiles = [float(np.median([one.value(column(cut)) for one in rows])) for cut in CUTS]
    spells = float(np.median([one.value("spells") for one in rows]))
    return of_quantiles(rank(score(row, driver, weight, spells)), quantiles)


def score(row: Entity, driver: Array | None, weight: float, spells: float) -> Array:
    """(8760,) of mean 0 and variance 1: how dear an hour is likely to be; ``spells`` is their part of it."""
    shape = _table("grids_hours_price", row.id)[CELL]
    left = np.sqrt(max(1.0 - float(shape.var()), 0.0))
    by_weather = weight if driver is not None else 0.0
    rest = _noise(row.value("persistence"), _YEAR) * np.sqrt(1.0 - by_weather**2)
    if driver is not None:
        rest = rest + by_weather * probit(within(driver) + 0.5)
    score = shape + left * rest
    if spells <= 0.0:
        return score
    memory = loader.entity("grids_defaults", "world").value("price_spell") / _DAY_SECONDS
    days = _noise(math.exp(-1.0 / memory), _YEAR // 24)
    slow = np.repeat((days - days.mean()) / days.std(), 24)
    return math.sqrt(1.0 - spells) * score + math.sqrt(spells) * slow


def _noise(kept: float, count: int) -> Array:
    """(count,) of variance 1 and correlation ``kept`` from one to the next, always the same."""
    draws = np.random.default_rng(_SEED).standard_normal(count).tolist()
    new, last, made = math.sqrt(1.0 - kept**2), draws[0], list[float]()
    for draw in draws:
        last = kept * last + new * draw
        made.append(last)
    return np.array(made)
