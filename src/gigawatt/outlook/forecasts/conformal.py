"""Widening by what intervals missed elsewhere: split conformal, leaving the judged technology out.

A forecast's miss is its error over half its interval. The factor for a new forecast is the quantile
``level`` of the misses of other technologies at like horizons, each technology counting the same, of
outcomes that were known.

References
----------
.. [1] V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", Springer (2005).
.. [2] R. Dunn, L. Wasserman, A. Ramdas, "Distribution-free prediction sets for two-layer hierarchical
   models", Journal of the American Statistical Association 118, 2491-2502 (2023): groups with a weight each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError

__all__ = ["group_quantile", "widening"]

Array = NDArray[np.float64]


def widening(
    *,
    miss: Array,
    technology: NDArray[np.int64],
    family: NDArray[np.int64],
    origin: Array,
    target: Array,
    horizon_bin: NDArray[np.int64],
    level: float,
    least: int,
    past_only: bool = True,
) -> Array:
    """Factor for each forecast's scale, 1 or more.

    Parameters
    ----------
    miss : array (n,)
        Error over half the width of the interval of ``level``, absolute.
    technology, family : int arrays (n,)
        Whose forecast it is; its whole family is left out.
    origin, target : arrays (n,)
        Year of the forecast and year that it is of.
    horizon_bin : int array (n,)
        Forecasts of a bin are alike.
    level : float
        Nominal coverage, above 0 and below 1.
    least : int
        With fewer other technologies than these the factor is 1.
    past_only : bool
        Use only outcomes known at the origin; else all of the other technologies.

    Returns
    -------
    ndarray, (n,)

    Raises
    ------
    InputError
        ``level`` out of range or ``least`` below 1.

    References
    ----------
    [1]_, with the weights of [2]_; n technologies raise ``level`` by a factor (n + 1)/n.
    """
    if not 0.0 < level < 1.0:
        raise InputError("no such coverage", key="level", given=level, allowed="above 0 and below 1")
    if least < 1:
        raise InputError("too few technologies", key="least", given=least, allowed="1 or more")
    factor = np.ones(len(miss))
    for one in np.unique(horizon_bin):
        rows = np.flatnonzero(horizon_bin == one)
        order = rows[np.argsort(miss[rows])]
        tech, fam, when, ascending = technology[order], family[order], target[order], miss[order]
        keys = np.stack([family[rows], origin[rows] if past_only else np.zeros(len(rows))], axis=1)
        pairs, index = np.unique(keys, axis=0, return_inverse=True)
        found = np.ones(len(pairs))
        for k, (own, year) in enumerate(pairs):
            use = (fam != own) & (when <= year) if past_only else fam != own
            found[k] = max(1.0, _quantile(ascending[use], tech[use], level, least))
        factor[rows] = found[index.ravel()]
    return factor


def group_quantile(miss: Array, technology: NDArray[np.int64], level: float, least: int) -> float:
    """Quantile of ``miss`` with every technology of the same weight; 1 with fewer technologies than
    ``least``.

    Parameters
    ----------
    miss : array (n,)
        Error over half an interval's width.
    technology : int array (n,)
        Whose it is.
    level : float
        Above 0 and below 1; raised by (n + 1)/n for n technologies.
    least : int
        Technologies.
    """
    order = np.argsort(miss)
    return _quantile(miss[order], technology[order], level, least)


def _quantile(ascending: Array, technology: NDArray[np.int64], level: float, least: int) -> float:
    counts = np.bincount(technology) if len(technology) else np.zeros(1, dtype=np.int64)
    others = int(np.count_nonzero(counts))
    if others < least:
        return 1.0
    weight = np.cumsum(1.0 / counts[technology])
    wanted = min(level * (others + 1.0), float(others))
    return float(ascending[min(int(np.searchsorted(weight, wanted - 1e-9)), len(weight) - 1)])
