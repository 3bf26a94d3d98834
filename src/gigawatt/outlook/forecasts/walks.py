"""Moore's law as a random walk: drift, moving-average noise, Student t; observations may skip years.

    y_t - y_{t-1} = mu + e_t + theta e_{t-1},   e_t ~ N(0, s²)

with ``y`` a logarithm. Of ``m`` steps over ``T`` years the drift is (y_T - y_0)/T. Steps of several years
have the variance of a sum of such growth.

References
----------
.. [1] J. D. Farmer, F. Lafond, "How predictable is technological progress?", Research Policy 45, 647-665
   (2016): the factor A* and theta = 0.63.
.. [2] G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression",
   Statistical Applications in Genetics and Molecular Biology 3(1) (2004), section 6.2: pooling of variances.
.. [3] R. DerSimonian, N. Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7, 177-188
   (1986); R. C. Paule, J. Mandel, Journal of Research of the National Bureau of Standards 87, 377-385
   (1982): the same with its weights repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.scores import StudentT
from gigawatt.outlook.forecasts.special import digamma, polygamma

__all__ = [
    "LEAST_VARIANCE",
    "Pool",
    "Shrunk",
    "Steps",
    "pool",
    "random_walk",
    "shrink",
    "step_variance",
    "steps",
    "trend_line",
]

Array = NDArray[np.float64]

_LEAST_SCALE = 1e-6  # ln; a series without any noise has still a density
LEAST_VARIANCE = 1e-10  # of a step; series of repeated prices are left out of pooled variances
_ROUNDS = 5


def step_variance(years: ArrayLike, theta: float) -> Array:
    """Variance of the growth over ``years`` (1 or more) in units of that of one year: [1]_.

    Raises
    ------
    InputError
        ``theta`` not within -1 and 1.
    """
    if not -1.0 < theta < 1.0:
        raise InputError("no invertible moving average", key="theta", given=theta, allowed="within -1 and 1")
    return ((1.0 + theta) ** 2 * np.asarray(years, dtype=float) - 2.0 * theta) / (1.0 + theta**2)


@dataclass(frozen=True)
class Steps:
    """A series up to each of its observations: arrays over origins ``(k,)``, from the third observation on.

    ``year`` and ``value`` (a logarithm) of the last observation, ``count`` of steps, ``span`` [years],
    ``drift`` [1/year], ``variance`` of a year's growth; ``level`` and ``slope`` [1/year] of the trend line
    at the origin with ``residual``, its variance.
    """

    year: Array
    value: Array
    count: Array
    span: Array
    drift: Array
    variance: Array
    level: Array
    slope: Array
    residual: Array


def steps(years: ArrayLike, values: ArrayLike, theta: float) -> Steps:
    """Running drift, variance and trend of a series.

    Parameters
    ----------
    years : array (n,)
        Increasing, a year or more apart; n at least 3.
    values : array (n,)
        Logarithms.
    theta : float
        Moving average, within -1 and 1.

    Returns
    -------
    Steps
        Of n - 2 origins; each knows nothing after itself.

    Raises
    ------
    InputError
        Too short, not finite or not increasing.
    """
    t, y = np.asarray(years, dtype=float), np.asarray(values, dtype=float)
    if t.ndim != 1 or t.shape != y.shape or len(t) < 3:
        raise InputError(
            "too short a series",
            key="years",
            given=f"{t.shape} and {y.shape}",
            allowed="3 observations or more",
        )
    gap, growth = np.diff(t), np.diff(y)
    if not (np.isfinite(t).all() and np.isfinite(y).all() and (gap >= 1.0).all()):
        raise InputError(
            "not a yearly series",
            key="years",
            given=float(np.min(gap)),
            allowed="finite, a year or more apart",
        )
    weight = 1.0 / step_variance(gap, theta)
    count = np.arange(1.0, len(t))
    span, total = np.cumsum(gap), np.cumsum(growth)
    drift = total / span
    squares = (
        np.cumsum(weight * growth**2)
        - 2.0 * drift * np.cumsum(weight * growth * gap)
        + drift**2 * np.cumsum(weight * gap**2)
    )
    n = np.arange(1.0, len(t) + 1.0)
    at = t - t[0]
    st, sy = np.cumsum(at), np.cumsum(y - y[0])
    vt = np.cumsum(at**2) - st**2 / n
    cov = np.cumsum(at * (y - y[0])) - st * sy / n
    vy = np.cumsum((y - y[0]) ** 2) - sy**2 / n
    with np.errstate(invalid="ignore", divide="ignore"):  # the first observation has no trend
        slope = cov / vt
        level = y[0] + sy / n + slope * (at - st / n)
        residual = np.maximum(vy - slope * cov, 0.0) / (n - 2.0)
    return Steps(
        year=t[2:],
        value=y[2:],
        count=count[1:],
        span=span[1:],
        drift=drift[1:],
        variance=np.maximum(squares[1:], 0.0) / (count[1:] - 1.0),
        level=level[2:],
        slope=slope[2:],
        residual=residual[2:],
    )


def random_walk(
    *,
    drift: ArrayLike,
    variance: ArrayLike,
    count: ArrayLike,
    span: ArrayLike,
    horizon: ArrayLike,
    theta: float,
) -> StudentT:
    """Predictive distribution of the growth over ``horizon`` years of a walk whose drift was estimated.

    Parameters
    ----------
    drift, variance, count, span : arrays (n,)
        As of :class:`Steps`; ``count`` 3 or more.
    horizon : array (n,)
        Years, 1 or more.
    theta : float
        Moving average, within -1 and 1.

    Returns
    -------
    StudentT
        ``count - 1`` degrees of freedom; the variance is s² A*/(1 + theta²) of [1]_, where ``span`` is
        ``count``.
    """
    h, whole = np.asarray(horizon, dtype=float), np.asarray(span, dtype=float)
    shared = 2.0 * h / whole * theta / (1.0 + theta**2)  # the last innovation is in both
    factor = step_variance(h, theta) + (h / whole) ** 2 * step_variance(whole, theta) - shared
    scale = np.sqrt(np.asarray(variance) * factor)
    return StudentT(np.asarray(drift) * h, np.maximum(scale, _LEAST_SCALE), np.asarray(count) - 1.0)


def trend_line(
    *,
    value: ArrayLike,
    level: ArrayLike,
    slope: ArrayLike,
    residual: ArrayLike,
    count: ArrayLike,
    horizon: ArrayLike,
) -> StudentT:
    """What most outlooks do: a line through the logarithms, carried on, with the residual as its error.

    Arguments as of :class:`Steps`, all ``(n,)``; ``horizon`` in years. The growth is from ``value`` on.
    """
    h = np.asarray(horizon, dtype=float)
    scale = np.maximum(np.sqrt(np.asarray(residual)), _LEAST_SCALE)
    ahead = np.asarray(level, dtype=float) + np.asarray(slope, dtype=float) * h
    return StudentT(ahead - np.asarray(value, dtype=float), scale, np.asarray(count, dtype=float) - 1.0)


@dataclass(frozen=True)
class Pool:
    """What other technologies say of one: ``mean`` and ``spread`` (variance) of a coefficient over them, and
    ``variance`` with ``freedom`` of a year's noise. ``freedom`` 0: nothing is known (no pooling)."""

    mean: float
    spread: float
    variance: float
    freedom: float

    @classmethod
    def nothing(cls) -> Pool:
        """No others: what is forecast stands alone."""
        return cls(0.0, np.inf, 0.0, 0.0)


def pool(*, estimate: ArrayLike, unit_variance: ArrayLike, variance: ArrayLike, count: ArrayLike) -> Pool:
    """Empirical Bayes over technologies: moments of their coefficients and of their variances.

    Parameters
    ----------
    estimate : array (n,)
        A coefficient of each technology (drift, experience exponent).
    unit_variance : array (n,)
        Its sampling variance in units of the technology's noise variance.
    variance : array (n,)
        Noise variance of each; those without any noise are left out.
    count : array (n,)
        Steps; ``count - 1`` degrees of freedom.

    Raises
    ------
    InputError
        Fewer than three technologies with noise.

    References
    ----------
    [2]_ for variances, [3]_ for coefficients.
    """
    x, u, s2 = (np.asarray(one, dtype=float) for one in (estimate, unit_variance, variance))
    d = np.asarray(count, dtype=float) - 1.0
    keep = (s2 > LEAST_VARIANCE) & (d >= 1.0)
    if np.count_nonzero(keep) < 3:
        raise InputError(
            "too few technologies to pool",
            key="variance",
            given=int(np.count_nonzero(keep)),
            allowed="3 or more",
        )
    x, u, s2, d = x[keep], u[keep], s2[keep], d[keep]
    logs = np.log(s2) - digamma(0.5 * d) + np.log(0.5 * d)
    extra = float(np.var(logs, ddof=1) - np.mean(polygamma(1, 0.5 * d)))
    freedom = 2.0 * _trigamma_inverse(max(extra, 1e-2))
    centre = float(np.exp(np.mean(logs) + digamma(0.5 * freedom) - np.log(0.5 * freedom)))
    v = (freedom * centre + d * s2) / (freedom + d) * u
    w = 1.0 / v
    mean = float(np.sum(w * x) / np.sum(w))
    spread = 0.0
    for _ in range(_ROUNDS):
        excess = np.sum(w * (x - mean) ** 2) - np.sum(w * v) + np.sum(w**2 * v) / np.sum(w)
        spread = max(float(excess / (np.sum(w) - np.sum(w**2) / np.sum(w))), 0.0)
        w = 1.0 / (v + spread)
        mean = float(np.sum(w * x) / np.sum(w))
    return Pool(mean, spread, centre, freedom)


def _trigamma_inverse(value: float) -> float:
    """The argument whose trigamma is ``value`` (above 0), by Newton's method on its reciprocal: [2]_,
    appendix."""
    y = 0.5 + 1.0 / value
    for _ in range(50):
        tri = float(polygamma(1, y))
        step = tri * (1.0 - tri / value) / float(polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y


@dataclass(frozen=True)
class Shrunk:
    """Coefficients drawn to those of others: ``mean``, ``spread`` (posterior variance), ``share`` of the own
    estimate, noise ``variance`` and ``freedom``, each ``(n,)``."""

    mean: Array
    spread: Array
    share: Array
    variance: Array
    freedom: Array


def shrink(
    pools: Callable[[str], Array],
    *,
    estimate: ArrayLike,
    unit_variance: ArrayLike,
    variance: ArrayLike,
    count: ArrayLike,
) -> Shrunk:
    """The posterior of a coefficient and a variance given what others say.

    Parameters
    ----------
    pools : callable
        ``pools(name)`` gives the field ``name`` of the :class:`Pool` of each forecast, ``(n,)``.
    estimate, unit_variance, variance, count : arrays (n,)
        As of :func:`pool`.
    """
    x, u, s2 = (np.asarray(one, dtype=float) for one in (estimate, unit_variance, variance))
    d = np.asarray(count, dtype=float) - 1.0
    mean, spread, centre, freedom = (pools(name) for name in ("mean", "spread", "variance", "freedom"))
    after = freedom + d
    noise = np.maximum((freedom * centre + d * s2) / after, _LEAST_SCALE**2)
    known = np.isfinite(spread)
    inner = np.where(known, spread, 0.0)
    share = np.where(known, inner / (inner + noise * u), 1.0)
    return Shrunk(
        mean=share * x + (1.0 - share) * mean,
        spread=np.where(known, (1.0 - share) * inner, noise * u),
        share=share,
        variance=noise,
        freedom=after,
    )
