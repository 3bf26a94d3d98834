"""Waits of a queue with one server, in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["waits"]

Array = NDArray[np.float64]


def waits(*, service: ArrayLike, rate: ArrayLike, variation: float, quantile: float) -> tuple[Array, Array]:
    """(mean wait, wait that is exceeded with 1 − ``quantile``) [s] of a queue with one server.

    Parameters
    ----------
    service, rate : array (L,) [s], [1/s]
        Mean of what one takes, and how many come, at random.
    variation : float
        Squared coefficient of variation of what one takes.
    quantile : float
        0 to 1.

    Returns
    -------
    (array, array)
        Infinite where more come than can be served.
    """
    s = np.asarray(service, dtype=float)
    load = s * np.asarray(rate, dtype=float)
    spare = np.maximum(1.0 - load, np.finfo(float).tiny)
    mean = np.where(load < 1.0, s * load / spare * (1.0 + variation) / 2.0, np.inf)
    left = max(1.0 - quantile, 1e-9)
    tail = np.where(load > 0.0, mean / np.maximum(load, 1e-300), 0.0) * np.log(np.maximum(load / left, 1.0))
    return mean, tail
