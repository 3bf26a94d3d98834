"""How good a forecast distribution was: coverage, continuous ranked probability score, sharpness, PIT.

References
----------
.. [1] T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", Journal of the
   American Statistical Association 102, 359-378 (2007).
.. [2] A. Jordan, F. Krüger, S. Lerch, "Evaluating probabilistic forecasts with scoringRules", Journal of
   Statistical Software 90(12) (2019), appendix A: closed form of Student's t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.special import log_beta, log_gamma, student_cdf, student_quantile

__all__ = ["StudentT", "crps_ensemble", "crps_student_t", "mean_by_group"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StudentT:
    """Forecasts that are Student t: ``location``, ``scale`` above 0 and ``freedom`` above 1, each
    ``(n,)``."""

    location: Array
    scale: Array
    freedom: Array

    def __post_init__(self) -> None:
        for name in ("location", "scale", "freedom"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=float))
        for name, low, allowed in (("scale", 0.0, "above 0"), ("freedom", 1.0, "above 1")):
            given = getattr(self, name)
            if not (np.isfinite(given).all() and (given > low).all()):
                raise InputError(
                    "no Student t distribution", key=name, given=float(np.min(given)), allowed=allowed
                )

    def quantile(self, share: float) -> Array:
        """Quantile ``share`` (above 0, below 1) of each forecast, (n,)."""
        if not 0.0 < share < 1.0:
            raise InputError("no such quantile", key="share", given=share, allowed="above 0 and below 1")
        return self.location + self.scale * _t_quantile(self.freedom, share)

    def covers(self, actual: ArrayLike, level: float = 0.9) -> NDArray[np.bool_]:
        """Whether the central interval of ``level`` holds each of ``actual``, (n,)."""
        half = self.quantile(0.5 + 0.5 * level) - self.location
        return np.abs(np.asarray(actual) - self.location) <= half

    def width(self, level: float = 0.9) -> Array:
        """Sharpness: width of the central interval of ``level``, (n,)."""
        return 2.0 * (self.quantile(0.5 + 0.5 * level) - self.location)

    def pit(self, actual: ArrayLike) -> Array:
        """Probability integral transform: uniform on 0 to 1 where forecasts are calibrated, (n,)."""
        return student_cdf(self.freedom, (np.asarray(actual) - self.location) / self.scale)

    def crps(self, actual: ArrayLike) -> Array:
        """Continuous ranked probability score of each forecast, in the unit of ``actual``, (n,)."""
        return crps_student_t(np.asarray(actual, dtype=float), self.location, self.scale, self.freedom)

    def widened(self, factor: ArrayLike) -> StudentT:
        """The same with its scale times ``factor`` (above 0; a number or ``(n,)``)."""
        return StudentT(self.location, self.scale * np.asarray(factor), self.freedom)


def _t_quantile(freedom: Array, share: float) -> Array:
    kinds, index = np.unique(freedom, return_inverse=True)
    return student_quantile(kinds, share)[index].reshape(freedom.shape)


def crps_student_t(actual: ArrayLike, location: ArrayLike, scale: ArrayLike, freedom: ArrayLike) -> Array:
    """CRPS of Student t forecasts in closed form [2]_; all arguments broadcast, ``freedom`` above 1."""
    nu = np.asarray(freedom, dtype=float)
    s = np.asarray(scale, dtype=float)
    z = (np.asarray(actual, dtype=float) - location) / s
    log_density = (
        log_gamma(0.5 * (nu + 1.0))
        - log_gamma(0.5 * nu)
        - 0.5 * np.log(np.pi * nu)
        - 0.5 * (nu + 1.0) * np.log1p(z * z / nu)
    )
    tail = 2.0 * np.sqrt(nu) / (nu - 1.0) * np.exp(log_beta(0.5, nu - 0.5) - 2.0 * log_beta(0.5, 0.5 * nu))
    peak = 2.0 * np.exp(log_density) * (nu + z * z) / (nu - 1.0)
    return np.asarray(s * (z * (2.0 * student_cdf(nu, z) - 1.0) + peak - tail), dtype=float)


def crps_ensemble(draws: ArrayLike, actual: ArrayLike) -> Array:
    """CRPS of an ensemble: E|X - y| - E|X - X'| / 2 over all pairs of draws.

    Parameters
    ----------
    draws : array (draws, n)
        At least one draw.
    actual : array (n,)
        What came.

    Returns
    -------
    ndarray, (n,)

    Raises
    ------
    InputError
        Shapes that do not match.

    References
    ----------
    [1]_, its form with expectations; the pairs by sorting.
    """
    x, y = np.sort(np.asarray(draws, dtype=float), axis=0), np.asarray(actual, dtype=float)
    if x.ndim != 2 or x.shape[1:] != y.shape or not len(x):
        raise InputError(
            "draws and outcomes differ", key="draws", given=f"{x.shape}", allowed=f"(draws, {y.size})"
        )
    n = len(x)
    pairs = (2.0 * np.arange(1, n + 1) - n - 1.0) @ x / n**2
    return np.abs(x - y).mean(axis=0) - pairs


def mean_by_group(values: ArrayLike, groups: ArrayLike) -> float:
    """Mean over groups of the mean within each: every group (a technology) counts the same."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(index, weights=np.asarray(values, dtype=float))
    return float((sums / np.bincount(index)).mean())
