"""Readiness, curves of adoption, and what follows cost: pure functions over draws.

Arrays are (technologies, draws) of one year where nothing else is said.

References
----------
Griliches 1957, "Hybrid corn", Econometrica 25, 501–522 (logistic); Gompertz 1825; McFadden 1974,
"Conditional logit analysis" (shares by cost); Mankins 1995, "Technology Readiness Levels", NASA.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError

__all__ = ["CURVES", "capped", "gompertz", "logistic", "logit_shares", "ready_year"]

Array = NDArray[np.float64]


def ready_year(fails: ArrayLike, time: ArrayLike, start: float) -> Array:
    """Year in which a technology is at TRL 9; infinite where it fails.

    Parameters
    ----------
    fails : array
        1 where it fails, else 0.
    time : array
        Years from ``start`` on, ≥ 0.
    start : float
        Calendar year.

    Raises
    ------
    InputError
        A time below 0.
    """
    wait = np.asarray(time, dtype=float)
    if np.any(wait < 0.0):
        raise InputError("ready before it began", key="time", given=float(np.min(wait)), allowed="0 or more")
    return np.where(np.asarray(fails) > 0.5, np.inf, start + wait)


def _checked(seed: Array) -> Array:
    if not np.all((seed > 0.0) & (seed < 1.0)):
        raise InputError("not a seed", given=float(np.min(seed)), allowed="between 0 and 1")
    return seed


def logistic(since: ArrayLike, seed: ArrayLike, speed: ArrayLike) -> Array:
    """Part of its market that a technology reached ``since`` years after it was ready; 0 before.

    Parameters
    ----------
    since : array
        Years; below 0 before it is ready (−∞ where it never is).
    seed : array
        Part at 0, between 0 and 1.
    speed : array
        Rate of the odds [1/yr], ≥ 0.

    Returns
    -------
    array
        0 to 1: odds grow as exp(speed · since).

    Raises
    ------
    InputError
        A seed that is none.

    References
    ----------
    Griliches 1957.
    """
    t, start = np.asarray(since, dtype=float), _checked(np.asarray(seed, dtype=float))
    against = (1.0 - start) / start * np.exp(-np.asarray(speed) * np.maximum(t, 0.0))
    return np.where(t >= 0.0, 1.0 / (1.0 + against), 0.0)


def gompertz(since: ArrayLike, seed: ArrayLike, speed: ArrayLike) -> Array:
    """The same by Gompertz's curve, whose speed falls from the start: seed^exp(−speed · since).

    Parameters, Returns and Raises as of :func:`logistic`.

    References
    ----------
    Gompertz 1825, Philosophical Transactions 115, 513–583.
    """
    t, start = np.asarray(since, dtype=float), _checked(np.asarray(seed, dtype=float))
    reached = np.exp(np.log(start) * np.exp(-np.asarray(speed) * np.maximum(t, 0.0)))
    return np.where(t >= 0.0, reached, 0.0)


CURVES: Mapping[str, Callable[[ArrayLike, ArrayLike, ArrayLike], Array]] = {
    "logistic": logistic,
    "gompertz": gompertz,
}
"""Curves by name."""


def logit_shares(weight: Array, log_ratio: Array, choice: Array, most: Array) -> Array:
    """Shares of a market beside an incumbent of weight 1 and cost 1.

    Parameters
    ----------
    weight : array (technologies, draws)
        Share over the incumbent's at equal cost, ≥ 0.
    log_ratio : array (technologies, draws)
        ln of cost over the incumbent's.
    choice : array (draws,)
        Exponent ≥ 0: shares go as cost^−choice.
    most : array (technologies, draws)
        Largest share.

    Returns
    -------
    array (technologies, draws)
        Sum below 1.

    References
    ----------
    McFadden 1974; in the power form of Clarke and Edmonds 1993, Energy Economics 15, 123–129.
    """
    pull = weight * np.exp(np.minimum(-choice * log_ratio, 200.0))
    return np.minimum(pull / (1.0 + np.sum(pull, axis=0)), most)


def capped(wanted: Array, before: Array, first: Array, ramp: Array) -> Array:
    """Deliveries of a year: what is wanted, as far as makers can.

    Parameters
    ----------
    wanted : array
        ≥ 0.
    before : array
        Deliveries of the year before.
    first : array
        What makers can always deliver.
    ramp : array
        Largest growth a year.
    """
    return np.minimum(wanted, np.maximum(first, ramp * before))
