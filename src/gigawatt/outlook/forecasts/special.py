"""Special functions of SciPy with types; SciPy is imported when one is called."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "digamma",
    "log_beta",
    "log_gamma",
    "polygamma",
    "student_cdf",
    "student_quantile",
]

Array = NDArray[np.float64]


def digamma(x: ArrayLike) -> Array:
    """Derivative of the logarithm of the gamma function, x above 0."""
    from scipy.special import psi

    return np.asarray(psi(x), dtype=float)


def polygamma(order: int, x: ArrayLike) -> Array:
    """Derivative of :func:`digamma` of ``order`` (1 or more), x above 0."""
    from scipy.special import polygamma as derivative

    return np.asarray(derivative(order, x), dtype=float)


def log_gamma(x: ArrayLike) -> Array:
    """Logarithm of the gamma function, x above 0."""
    from scipy.special import gammaln

    return np.asarray(gammaln(x), dtype=float)


def log_beta(a: ArrayLike, b: ArrayLike) -> Array:
    """Logarithm of the beta function, a and b above 0."""
    from scipy.special import betaln

    return np.asarray(betaln(a, b), dtype=float)


def student_cdf(freedom: ArrayLike, x: ArrayLike) -> Array:
    """Distribution function of Student's t, ``freedom`` above 0."""
    from scipy.special import stdtr

    return np.asarray(stdtr(freedom, x), dtype=float)


def student_quantile(freedom: ArrayLike, share: ArrayLike) -> Array:
    """Quantile of Student's t, ``freedom`` above 0 and ``share`` above 0 and below 1."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(freedom, share), dtype=float)
