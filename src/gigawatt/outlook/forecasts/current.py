"""The forecast of one technology's cost from its last year on: pooled Wright, widened as its hindcasts
need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.conformal import group_quantile
from gigawatt.outlook.forecasts.hindcast import (
    LEVEL,
    all_origins,
    cost_hindcast,
    horizon_bins,
    pools_before,
    theta,
)
from gigawatt.outlook.forecasts.learning import wright
from gigawatt.outlook.forecasts.scores import StudentT
from gigawatt.outlook.forecasts.walks import Shrunk, shrink
from gigawatt.outlook.series import rule

__all__ = ["CurrentForecast", "current_forecast"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CurrentForecast:
    """What is known of a technology at ``year``: ``cost`` there, exponent and growth of experience (each of
    one entry), and ``factors`` by which intervals of each bin of horizons are widened."""

    name: str
    year: int
    cost: float
    exponent: Shrunk
    growth: Shrunk
    factors: Array

    def predictive(self, horizon: Array) -> StudentT:
        """Closed form over ``horizon`` [years], (n,): growth of ln cost."""
        h = np.asarray(horizon, dtype=float)
        plain = wright(self.exponent, self.growth, h, theta())
        freedom = np.broadcast_to(plain.freedom, h.shape)
        return StudentT(plain.location, plain.scale * self.factors[horizon_bins(h)], freedom)

    def sample(self, rng: np.random.Generator, draws: int, years: int) -> Array:
        """Paths of ln(cost / cost now), (draws, years); their spread is that of :meth:`predictive`."""
        moving, noise, grown = theta(), self.exponent, self.growth
        freedom = float(noise.freedom[0])
        stretch = np.sqrt(freedom / rng.chisquare(freedom, draws))[:, None]
        h = np.arange(1.0, years + 1.0)
        normal = rng.standard_normal((draws, years + 1))
        walk = np.cumsum(normal[:, 1:] + moving * normal[:, :-1], axis=1) / np.sqrt(1.0 + moving**2)
        walk *= float(np.sqrt(noise.variance[0]))
        slope = float(np.sqrt(noise.spread[0])) * rng.standard_normal((draws, 1)) * float(grown.mean[0]) * h
        shocks = np.cumsum(rng.standard_normal((draws, years)), axis=1) * float(np.sqrt(grown.variance[0]))
        shocks += float(np.sqrt(grown.spread[0])) * rng.standard_normal((draws, 1)) * h
        away = walk + slope + float(noise.mean[0]) * shocks
        middle = float(noise.mean[0]) * float(grown.mean[0]) * h
        return middle + self.factors[horizon_bins(h)] * stretch * away


@lru_cache(maxsize=256)
def current_forecast(name: str, until: int | None = None) -> CurrentForecast:
    """Fit what is known of ``name``, by ``until`` where a year is given.

    Raises
    ------
    InputError
        Fewer than five observations by ``until``.
    """
    done = cost_hindcast()
    origins = all_origins()
    index = done.names.index(name)
    s, e = origins.steps, origins.learned
    limit = np.inf if until is None else until
    mine = np.flatnonzero((origins.technology == index) & (s["year"] <= limit) & (s["count"] >= 4.0))
    if not len(mine):
        first = s["year"][origins.technology == index][2]
        raise InputError("too few observations", key="until", given=until, allowed=f"{first:.0f} or later")
    at = slice(mine[-1], mine[-1] + 1)
    family, year, least = (
        int(origins.family[mine[-1]]),
        float(s["year"][at][0]),
        int(rule("least_technologies")),
    )
    pools = pools_before(origins, family, year if until is not None else np.inf, least)

    def of(coefficient: str) -> Callable[[str], Array]:
        return lambda field: np.array([getattr(pools[coefficient], field)])

    exponent = shrink(
        of("exponent"),
        estimate=e["exponent"][at],
        unit_variance=e["exponent_unit"][at],
        variance=e["variance"][at],
        count=s["count"][at],
    )
    growth = shrink(
        of("growth"),
        estimate=e["growth"][at],
        unit_variance=e["growth_unit"][at],
        variance=e["growth_variance"][at],
        count=s["count"][at],
    )
    made = done.forecasts["wright_pooled"]
    miss = np.abs(done.actual - made.location) / (made.width(LEVEL) / 2.0)
    bins = horizon_bins(done.horizon)
    use = (done.family != family) & (done.target <= limit)
    factors = [
        max(1.0, group_quantile(miss[use & (bins == k)], done.technology[use & (bins == k)], LEVEL, least))
        for k in range(int(bins.max()) + 1)
    ]
    return CurrentForecast(
        name, int(year), float(np.exp(s["value"][at][0])), exponent, growth, np.array(factors)
    )
