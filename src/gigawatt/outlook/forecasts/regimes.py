"""Growth whose rate changes now and then: a product partition of regimes, each a noisy drift.

A series of yearly growth (differences of a logarithm) is cut into regimes. Within one,

    g_t = mu + e_t + theta e_{t-1},   e_t ~ N(0, s²),
    mu ~ N(m0, lambda s²),   s² ~ inverse gamma(nu/2, nu s0²/2),

and after each year a new regime begins with probability ``hazard``. The posterior over where the current
regime began and over ``theta`` (a grid) is exact; a forecast draws from it and lets regimes change in the
future too.

References
----------
.. [1] D. Barry, J. A. Hartigan, "Product partition models for change point problems", Annals of Statistics
   20, 260-279 (1992).
.. [2] R. P. Adams, D. J. C. MacKay, "Bayesian online changepoint detection", arXiv:0710.3742 (2007).
.. [3] P. J. Brockwell, R. A. Davis, "Time Series: Theory and Methods", 2nd ed., Springer (1991), section 5.2
   (innovations of a moving average).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.special import log_gamma

__all__ = ["RegimePosterior", "RegimePrior", "fit_regimes"]

Array = NDArray[np.float64]

_HALF_LOG_PI = 0.5 * float(np.log(np.pi))


@dataclass(frozen=True)
class RegimePrior:
    """What is believed of a regime before its data are seen.

    ``drift`` m0 [ln/year]; ``drift_spread`` lambda, the variance of the drift in units of s²; ``scale`` s0
    [ln/year^½]; ``freedom`` nu; ``hazard`` [1/year]; ``thetas`` the grid of moving-average coefficients,
    each as likely as the next.
    """

    drift: float
    drift_spread: float
    scale: float
    freedom: float
    hazard: float
    thetas: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, given, low, high, allowed in (
            ("drift_spread", self.drift_spread, 0.0, np.inf, "above 0"),
            ("scale", self.scale, 0.0, np.inf, "above 0, ln per root year"),
            ("freedom", self.freedom, 0.0, np.inf, "above 0"),
        ):
            if not low < given < high:
                raise InputError("impossible prior of a regime", key=name, given=given, allowed=allowed)
        if not 0.0 <= self.hazard < 1.0:
            raise InputError(
                "impossible prior of a regime", key="hazard", given=self.hazard, allowed="0 to below 1 a year"
            )
        if not self.thetas or any(not -1.0 < theta < 1.0 for theta in self.thetas):
            raise InputError(
                "impossible prior of a regime",
                key="thetas",
                given=str(self.thetas),
                allowed="within -1 and 1",
            )


@dataclass(frozen=True)
class RegimePosterior:
    """Posterior of the current regime: one entry for every (start, theta), flattened to ``(R,)``.

    ``weight`` sums to 1; ``start`` is the index of the regime's first growth; ``drift``, ``spread``
    (variance of the drift in s²), ``scale2`` and ``freedom`` are those of the normal inverse gamma
    posterior; the last innovation is normal about ``last - last_slope mu`` with variance ``last_variance``
    s². ``evidence`` is ln p(growth).
    """

    prior: RegimePrior
    weight: Array
    start: Array
    theta: Array
    drift: Array
    spread: Array
    scale2: Array
    freedom: Array
    last: Array
    last_slope: Array
    last_variance: Array
    evidence: float

    def sample(self, rng: np.random.Generator, draws: int, years: int) -> Array:
        """Draws of the growth summed from the last observation on.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where randomness comes from.
        draws, years : int
            At least 1.

        Returns
        -------
        ndarray, (draws, years)
            ln of the multiplier 1, 2, … ``years`` after the last observation.

        Raises
        ------
        InputError
            ``draws`` or ``years`` below 1.
        """
        for name, given in (("draws", draws), ("years", years)):
            if given < 1:
                raise InputError("nothing to draw", key=name, given=given, allowed="1 or more")
        pick = rng.choice(len(self.weight), size=draws, p=self.weight)
        s2 = self.freedom[pick] * self.scale2[pick] / rng.chisquare(self.freedom[pick])
        mu = self.drift[pick] + np.sqrt(self.spread[pick] * s2) * rng.standard_normal(draws)
        theta = self.theta[pick]
        before = self.last[pick] - self.last_slope[pick] * mu
        before += np.sqrt(self.last_variance[pick] * s2) * rng.standard_normal(draws)
        growth = np.empty((draws, years))
        for year in range(years):
            if self.prior.hazard > 0.0:
                new = np.flatnonzero(rng.random(draws) < self.prior.hazard)
                if len(new):
                    p = self.prior
                    mu[new] = p.drift + np.sqrt(p.drift_spread * s2[new]) * rng.standard_normal(len(new))
                    before[new] = 0.0
            shock = np.sqrt(s2) * rng.standard_normal(draws)
            growth[:, year] = mu + shock + theta * before
            before = shock
        return np.cumsum(growth, axis=1)


def fit_regimes(growth: Array, prior: RegimePrior) -> RegimePosterior:
    """Posterior of the current regime after all of ``growth``.

    Parameters
    ----------
    growth : array (n,)
        Growth of each year [ln/year]; n at least 1, finite.
    prior : RegimePrior
        Of every regime alike.

    Raises
    ------
    InputError
        No growth, or one that is not finite.

    References
    ----------
    [1]_ of the module for the partition, [3]_ for the innovations.
    """
    g = np.asarray(growth, dtype=float)
    if g.ndim != 1 or not len(g) or not np.isfinite(g).all():
        raise InputError(
            "growth must be finite numbers, one a year",
            key="growth",
            given=f"shape {g.shape}",
            allowed="(n,)",
        )
    n, thetas = len(g), np.asarray(prior.thetas)
    count = len(thetas)
    single = np.full((n, n), -np.inf)  # ln evidence of a regime of growth start … end
    ends: list[tuple[Array, ...]] = []  # per start: state at the end of the series
    by_theta = np.full((n, count), -np.inf)
    for start in range(n):
        state = _Regime(thetas, prior)
        for end in range(start, n):
            state.add(float(g[end]))
            values = state.evidence()
            single[start, end] = _logsumexp(values) - np.log(count)
        by_theta[start] = state.evidence() - np.log(count)
        ends.append(state.posterior())
    stay, change = np.log1p(-prior.hazard), np.log(prior.hazard) if prior.hazard > 0.0 else -np.inf
    total = np.full(n + 1, -np.inf)
    total[0] = 0.0
    for end in range(n):
        starts = np.arange(end + 1)
        begun = np.where(starts == 0, 0.0, change)
        total[end + 1] = _logsumexp(total[starts] + begun + (end - starts) * stay + single[starts, end])
    starts = np.arange(n)
    begun = np.where(starts == 0, 0.0, change) + total[:n] + (n - 1 - starts) * stay
    logs = (begun[:, None] + by_theta - total[n]).ravel()
    weight = np.exp(logs)
    kept = weight > 1e-12
    drift, spread, scale2, last, slope, unsure = (
        np.concatenate([one[part] for one in ends])[kept] for part in range(6)
    )
    start = np.repeat(starts, count)[kept].astype(float)
    return RegimePosterior(
        prior=prior,
        weight=weight[kept] / weight[kept].sum(),
        start=start,
        theta=np.tile(thetas, n)[kept],
        drift=drift,
        spread=spread,
        scale2=scale2,
        freedom=prior.freedom + n - start,
        last=last,
        last_slope=slope,
        last_variance=unsure,
        evidence=float(total[n]),
    )


class _Regime:
    """Running innovations of one regime for every theta, and the sums of the conjugate posterior."""

    def __init__(self, thetas: Array, prior: RegimePrior) -> None:
        self.theta, self.prior = thetas, prior
        zero = np.zeros_like(thetas)
        self.variance = 1.0 + thetas**2  # of the next innovation, in s²
        self.gain = zero.copy()
        self.data, self.slope = zero.copy(), zero.copy()  # last innovations of growth and of ones
        self.xx, self.xy, self.yy, self.logs = zero.copy(), zero.copy(), zero.copy(), zero.copy()
        self.count = 0

    def add(self, growth: float) -> None:
        if self.count:
            gain = self.theta / self.variance
            self.variance = 1.0 + self.theta**2 - gain * self.theta
        else:
            gain = self.gain
        self.data = growth - gain * self.data
        self.slope = 1.0 - gain * self.slope
        self.xx += self.slope**2 / self.variance
        self.xy += self.slope * self.data / self.variance
        self.yy += self.data**2 / self.variance
        self.logs += np.log(self.variance)
        self.count += 1

    def _sums(self) -> tuple[Array, Array, Array]:
        precision = 1.0 / self.prior.drift_spread
        total = self.xx + precision
        drift = (self.xy + precision * self.prior.drift) / total
        squares = self.yy + precision * self.prior.drift**2 - total * drift**2
        return total, drift, np.maximum(squares, 0.0) + self.prior.freedom * self.prior.scale**2

    def evidence(self) -> Array:
        total, _, squares = self._sums()
        prior, after = self.prior.freedom, self.prior.freedom + self.count
        return (
            -self.count * _HALF_LOG_PI
            - 0.5 * self.logs
            - 0.5 * np.log(self.prior.drift_spread * total)
            + 0.5 * prior * np.log(prior * self.prior.scale**2)
            - 0.5 * after * np.log(squares)
            + log_gamma(0.5 * after)
            - log_gamma(0.5 * prior)
        )

    def posterior(self) -> tuple[Array, ...]:
        total, drift, squares = self._sums()
        # the innovation itself: its best guess given the data is a share 1/variance of the one-step error
        return (
            drift,
            1.0 / total,
            squares / (self.prior.freedom + self.count),
            self.data / self.variance,
            self.slope / self.variance,
            np.maximum(1.0 - 1.0 / self.variance, 0.0),
        )


def _logsumexp(values: Array) -> float:
    most = float(np.max(values))
    return most + float(np.log(np.exp(values - most).sum())) if np.isfinite(most) else -np.inf
