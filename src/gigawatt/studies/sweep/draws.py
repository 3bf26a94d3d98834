"""Distributions of the numbers of a sweep, by their quantiles, and points of several of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError

__all__ = ["DISTRIBUTIONS", "METHODS", "quantile", "shares"]

Array = NDArray[np.float64]

DISTRIBUTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "uniform": (("from", "to"), (), ()),
    "loguniform": (("from", "to"), (), ()),
    "normal": (("mean", "deviation"), ("low", "high"), ()),
    "lognormal": (("median", "sigma"), ("low", "high"), ("sigma",)),
    "triangular": (("low", "mode", "high"), (), ()),
}
"""Name → parameters that are needed, that may be given, and that are plain numbers.

``sigma`` is the standard deviation of the natural logarithm; ``low`` and ``high`` cut a tail off."""

METHODS = ("latin-hypercube", "random")
"""How points of several distributions are drawn."""


def quantile(name: str, at: Array, parameters: Mapping[str, float]) -> Array:
    """Quantiles of a distribution.

    Parameters
    ----------
    name : str
        One of :data:`DISTRIBUTIONS`.
    at : (n,)
        Shares of probability, inside 0 to 1.
    parameters : mapping of str to float
        By name, in one unit.

    Returns
    -------
    (n,)
        In the unit of the parameters.

    Raises
    ------
    InputError
        Parameters that are not in order.

    References
    ----------
    Johnson, Kotz & Balakrishnan (1994), Continuous Univariate Distributions, volumes 1 and 2.
    """
    p = parameters
    if name in ("uniform", "loguniform"):
        low, high = p["from"], p["to"]
        _demand(
            low <= high and (name == "uniform" or low > 0.0), name, p, "from ≤ to, above 0 if logarithmic"
        )
        if name == "uniform":
            return low + (high - low) * at
        return low * (high / low) ** at
    if name == "triangular":
        low, mode, high = p["low"], p["mode"], p["high"]
        _demand(low <= mode <= high and low < high, name, p, "low ≤ mode ≤ high, low < high")
        turn = (mode - low) / (high - low)
        left = low + np.sqrt(at * (high - low) * (mode - low))
        right = high - np.sqrt((1.0 - at) * (high - low) * (high - mode))
        return np.where(at < turn, left, right)
    from scipy.special import ndtr, ndtri

    if name == "lognormal":
        _demand(p["median"] > 0.0 and p["sigma"] >= 0.0, name, p, "median above 0, sigma 0 or more")
        centre, width = np.log(p["median"]), p["sigma"]
        ends = [np.log(p[end]) if p.get(end, 0.0) > 0.0 else None for end in ("low", "high")]
    else:
        _demand(p["deviation"] >= 0.0, name, p, "a deviation of 0 or more")
        centre, width = p["mean"], p["deviation"]
        ends = [p.get("low"), p.get("high")]
    low, high = (
        limit if end is None or width == 0.0 else float(ndtr((end - centre) / width))
        for end, limit in zip(ends, (0.0, 1.0), strict=True)
    )
    _demand(low < high, name, p, "low below high, and something likely between them")
    found = centre + width * ndtri(low + (high - low) * at)
    return np.exp(found) if name == "lognormal" else found


def _demand(holds: bool, name: str, given: Mapping[str, float], allowed: str) -> None:
    if not holds:
        shown = ", ".join(f"{key} {value:g}" for key, value in given.items())
        raise InputError(f"not a {name} distribution", given=shown, allowed=allowed)


def shares(points: int, keys: int, *, method: str, seed: int) -> Array:
    """Where the points of several distributions lie, as shares of probability.

    Parameters
    ----------
    points, keys : int
        How many points, of how many distributions.
    method : str
        ``latin-hypercube``: of each distribution one point in each of ``points`` equally likely parts;
        ``random``: independent.
    seed : int
        Equal seeds give equal points.

    Returns
    -------
    (points, keys)
        Inside 0 to 1.

    References
    ----------
    McKay, Beckman & Conover (1979), Technometrics 21, 239: Latin hypercubes.
    """
    source = np.random.default_rng(seed)
    if method == "random":
        found = source.random((points, keys))
    else:
        from scipy.stats import qmc

        made: Any = qmc.LatinHypercube
        try:
            found = made(keys, rng=source).random(points)
        except TypeError:  # before scipy 1.15
            found = made(keys, seed=source).random(points)
    edge = np.finfo(float).eps
    return np.clip(found, edge, 1.0 - edge)
