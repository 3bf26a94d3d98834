"""Yearly growth factors as they are usually quoted: a line through logarithms, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError

__all__ = ["Trend", "records_only", "trend"]

Array = NDArray[np.float64]
_Z975 = 1.959963984540054  # standard normal quantile 0.975


@dataclass(frozen=True)
class Trend:
    """Growth ``factor`` a year with its 95 % interval, of ``count`` points."""

    factor: float
    low: float
    high: float
    count: int


def trend(years: ArrayLike, values: ArrayLike) -> Trend:
    """Growth factor by least squares of ln value over year.

    Parameters
    ----------
    years, values : array (n,)
        Decimal years, and values above 0; n at least 3.

    Returns
    -------
    Trend
        The interval takes residuals as independent: of a record or of many chips of one maker it is too
        narrow.

    Raises
    ------
    InputError
        Too few points, or a value that is not above 0.
    """
    t, v = np.asarray(years, dtype=float), np.asarray(values, dtype=float)
    if t.shape != v.shape or t.ndim != 1 or len(t) < 3 or np.ptp(t) == 0.0:
        raise InputError(
            "too few points", key="years", given=f"{t.shape}", allowed="3 or more, not all at once"
        )
    if not (np.isfinite(v).all() and (v > 0.0).all()):
        raise InputError("not above 0", key="values", given=float(np.min(v)), allowed="above 0")
    at, y = t - t.mean(), np.log(v)
    slope = float(at @ y / (at @ at))
    residual = y - y.mean() - slope * at
    error = _Z975 * float(np.sqrt(residual @ residual / (len(t) - 2) / (at @ at)))
    return Trend(float(np.exp(slope)), float(np.exp(slope - error)), float(np.exp(slope + error)), len(t))


def records_only(years: ArrayLike, values: ArrayLike) -> tuple[Array, Array]:
    """Those points, in order of years, that were above all before them."""
    t, v = np.asarray(years, dtype=float), np.asarray(values, dtype=float)
    order = np.argsort(t, kind="stable")
    t, v = t[order], v[order]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(v)[:-1]])
    return t[v > before], v[v > before]
