"""Wright's law: cost falls with experience, and experience is forecast too.

    y_t - y_{t-1} = -w (x_t - x_{t-1}) + noise,   x_t - x_{t-1} = g + shock

with ``y`` the logarithm of cost and ``x`` that of cumulative production; noise as in ``walks``. The
exponent is kept with its sign, ``-w``: the growth of cost per growth of experience.

References
----------
.. [1] F. Lafond et al., "How well do experience curves predict technological progress? A method for making
   distributional forecasts", Technological Forecasting and Social Change 128, 104-117 (2018).
.. [2] T. P. Wright, "Factors affecting the cost of airplanes", Journal of the Aeronautical Sciences 3,
   122-128 (1936).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.scores import StudentT
from gigawatt.outlook.forecasts.walks import Shrunk, step_variance

__all__ = ["Experience", "combination", "experience", "learning_rate", "wright"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Experience:
    """Running estimates up to each observation from the third on, ``(k,)`` as of ``walks.Steps``.

    ``exponent`` (negative where cost falls with production), ``exponent_unit`` its sampling variance in
    units of ``variance``, the variance of a year's noise; ``growth`` of ln experience [1/year],
    ``growth_unit`` and ``growth_variance`` alike.
    """

    exponent: Array
    exponent_unit: Array
    variance: Array
    growth: Array
    growth_unit: Array
    growth_variance: Array


def learning_rate(exponent: ArrayLike) -> Array:
    """Share by which cost falls with each doubling of experience, 1 - 2^exponent."""
    return 1.0 - 2.0 ** np.asarray(exponent, dtype=float)


def experience(years: ArrayLike, cost: ArrayLike, produced: ArrayLike, theta: float) -> Experience:
    """Running exponent by regression through the origin of yearly changes, and growth of experience.

    Parameters
    ----------
    years : array (n,)
        Increasing, a year or more apart; n at least 3.
    cost, produced : array (n,)
        Logarithms of cost and of cumulative production.
    theta : float
        Moving average of the noise, within -1 and 1.

    Returns
    -------
    Experience
        Of n - 2 origins; each knows nothing after itself.

    Raises
    ------
    InputError
        Too short, not finite, or production that never grew.

    References
    ----------
    [1]_ of the module.
    """
    t, y, x = (np.asarray(one, dtype=float) for one in (years, cost, produced))
    if t.ndim != 1 or len(t) < 3 or not t.shape == y.shape == x.shape:
        raise InputError(
            "too short a series",
            key="produced",
            given=f"{x.shape}",
            allowed="3 observations or more, all alike",
        )
    gap, dy, dx = np.diff(t), np.diff(y), np.diff(x)
    if not (np.isfinite(y).all() and np.isfinite(x).all() and (gap >= 1.0).all()):
        raise InputError(
            "not a yearly series", key="produced", given="not finite", allowed="finite logarithms"
        )
    weight = 1.0 / step_variance(gap, theta)
    xx, xy, yy = (np.cumsum(weight * one) for one in (dx * dx, dx * dy, dy * dy))
    if not xx[1] > 0.0:
        raise InputError(
            "production never grew", key="produced", given=0.0, allowed="growth in two years or more"
        )
    with np.errstate(invalid="ignore", divide="ignore"):  # the first step alone may be without growth
        exponent = xy / xx
        unit = 1.0 / xx
    free = np.arange(1.0, len(t))[1:] - 1.0
    span = np.cumsum(gap)
    growth = np.cumsum(dx) / span
    squares = np.cumsum(dx * dx / gap) - growth**2 * span  # of shocks, variance in proportion to years
    return Experience(
        exponent=exponent[1:],
        exponent_unit=unit[1:],
        variance=np.maximum(yy - exponent * xy, 0.0)[1:] / free,
        growth=growth[1:],
        growth_unit=1.0 / span[1:],
        growth_variance=np.maximum(squares[1:], 0.0) / free,
    )


def wright(exponent: Shrunk, growth: Shrunk, horizon: ArrayLike, theta: float) -> StudentT:
    """Predictive distribution of the growth of ln cost over ``horizon`` years.

    Parameters
    ----------
    exponent, growth : walks.Shrunk
        Of the exponent and of the growth of experience; shrunk to other technologies or not.
    horizon : array (n,)
        Years, 1 or more.
    theta : float
        Moving average of the noise, within -1 and 1.

    Returns
    -------
    StudentT
        Its variance adds noise, the exponent's error times experience, and the exponent times the error of
        experience (after [1]_, to first order); the freedom is that of the noise.
    """
    h = np.asarray(horizon, dtype=float)
    ahead = growth.mean * h
    variance = (
        exponent.variance * step_variance(h, theta)
        + exponent.spread * ahead**2
        + exponent.mean**2 * (growth.variance * h + growth.spread * h**2)
    )
    return StudentT(exponent.mean * ahead, np.sqrt(variance), exponent.freedom)


def combination(first: StudentT, second: StudentT, share: float) -> StudentT:
    """A forecast between two: locations and variances by ``share`` (0 to 1, of the first), the fewer
    freedom."""
    check_range("share", share, 0.0, 1.0, message="not a share")
    scale2 = share * first.scale**2 + (1.0 - share) * second.scale**2
    return StudentT(
        share * first.location + (1.0 - share) * second.location,
        np.sqrt(scale2),
        np.minimum(first.freedom, second.freedom),
    )
