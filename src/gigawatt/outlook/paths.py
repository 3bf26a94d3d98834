"""Growth by the year: a mean that is not known, shocks with memory, growth that fades.

ln x(t) = ln x(t₀) + Σ (μ(s) + v(s)), v(s) = σ (ε(s) + θ ε(s − 1)): a random walk with drift whose shocks
follow an MA(1), ε with Student-t tails.

References
----------
Farmer and Lafond 2016, "How predictable is technological progress?", Research Policy 45, 647–665.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.outlook.frame import YEARS

__all__ = ["ANCHOR", "fading", "since", "walk"]

Array = NDArray[np.float64]

ANCHOR = 2025
"""The last year that is observed: walks start at its end."""

_T = np.asarray(YEARS, dtype=float)[None, :]


def since(year: float) -> Array:
    """Years since ``year``, not below 0: (1, years)."""
    return np.maximum(_T - year, 0.0)


def fading(early: Array, late: Array, begin: float, end: float) -> Array:
    """ln growth that runs in a line from ``early`` (until ``begin``) to ``late`` (from ``end``).

    Parameters
    ----------
    early, late : array (draws, 1)
        Growth factors a year, > 0.
    begin, end : float
        Years, begin < end.

    Returns
    -------
    array (draws, years)

    Raises
    ------
    InputError
        ``end`` not after ``begin``.
    """
    if not begin < end:
        raise InputError("growth fades backwards", given=f"{begin} to {end}", allowed="begin < end")
    part = np.clip((_T - begin) / (end - begin), 0.0, 1.0)
    return (1.0 - part) * np.log(early) + part * np.log(late)


def walk(drift: Array, scale: Array | float, shocks: Array | float, memory: Array | float = 0.0) -> Array:
    """ln x(t) / x(ANCHOR), (draws, years); zero until :data:`ANCHOR`.

    Parameters
    ----------
    drift : array (draws, 1) or (draws, years)
        Mean ln growth of each year.
    scale, memory : array (draws, 1) or float
        σ ≥ 0 and θ.
    shocks : array (draws, years) or 0
        ε of each year.

    Returns
    -------
    array (draws, years)

    References
    ----------
    Farmer and Lafond 2016, equation 10.
    """
    noise = np.broadcast_to(np.asarray(shocks, dtype=float), np.broadcast_shapes(np.shape(shocks), _T.shape))
    after = (_T > ANCHOR).astype(float)
    noise = noise * after
    before = np.zeros_like(noise)
    before[:, 1:] = noise[:, :-1]
    steps = (drift + scale * (noise + memory * before)) * after
    return np.cumsum(steps, axis=1)
