"""Wright's law with shocks, draw by draw: what a technology costs after so much of it was made.

ln c = ln c₀ − b ln(X/X₀) + σ (√½ w + √½ z √h)

b = −log₂(1 − learning rate) with its sign, so that a negative rate makes it dearer; X is what was made in
all. The noise has two halves of equal variance: w is a random walk common to a family, z√h a technology's
own, with one standard score z for all years. Its variance after h years is that of a random walk in each
year; its path is smooth, which spares a draw for every technology and year.

References
----------
Wright 1936, "Factors affecting the cost of airplanes"; Lafond et al. 2018, "How well do experience curves
predict technological progress?", Technological Forecasting and Social Change 128, 104–117 (noise about the
law that adds up over the years).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError

__all__ = ["exponent", "log_cost", "log_shock"]

Array = NDArray[np.float64]

_HALF = 0.5


def exponent(rate: ArrayLike) -> Array:
    """Exponent b of experience at which cost falls by ``rate`` with each doubling, b = −log₂(1 − rate).

    Parameters
    ----------
    rate : array
        Below 1; negative where cost rises.

    Raises
    ------
    InputError
        A rate of 1 or more: the second unit would be free.
    """
    found = np.asarray(rate, dtype=float)
    if not np.all(found < 1.0):
        raise InputError("not a learning rate", key="learning", given=float(np.max(found)), allowed="below 1")
    return -np.log2(1.0 - found)


def log_shock(*, own: Array, common: Array | float, volatility: Array, years: ArrayLike) -> Array:
    """Noise about the law, ln, ``years`` after today.

    Parameters
    ----------
    own : array
        Standard score of a technology.
    common : array or 0
        The family's random walk of unit variance a year, at that year.
    volatility : array
        σ, standard deviation of a year's ln cost, ≥ 0.
    years : array
        h ≥ 0.

    Returns
    -------
    array
        All broadcast; variance σ² h where both halves are drawn.
    """
    return np.asarray(
        volatility * (np.sqrt(_HALF) * common + np.sqrt(_HALF * np.asarray(years, dtype=float)) * own)
    )


def log_cost(first: Array, learned: Array, made: Array, before: Array) -> Array:
    """ln cost after experience grew from ``before`` to ``made``.

    Parameters
    ----------
    first : array
        ln cost at ``before``.
    learned : array
        Exponent b.
    made, before : array
        Cumulative production, > 0, in one unit.

    Returns
    -------
    array
        All broadcast.

    References
    ----------
    Wright 1936.
    """
    return first - learned * np.log(made / before)
