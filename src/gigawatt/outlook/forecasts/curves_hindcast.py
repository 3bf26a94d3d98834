"""Curves of adoption on history: forecasts from before the take-off beside what came.

The series are shares of US households and of new goods (Our World in Data), and solar and wind in the world's
electricity, from their cumulative production. A share x of a ceiling K is straightened, ln(x / (K − x)) for
the logistic and −ln(−ln(x / K)) for Gompertz's curve, and grows there by a rate and noise. At an origin the
rate is what other series had (the series itself left out) weighed by its own years so far; the ceiling is
drawn.

References
----------
Griliches 1957, Econometrica 25, 501–522; Meade and Islam 2006, "Modelling and forecasting the diffusion of
innovation – A 25-year review", International Journal of Forecasting 22, 519–545.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import factor
from gigawatt.outlook.adoption.curves import CURVES
from gigawatt.outlook.distributions import normal_score
from gigawatt.outlook.randomness import SEED, uniforms
from gigawatt.outlook.series import cost_series, read_rows

__all__ = [
    "AdoptionCurve",
    "CurvesHindcast",
    "adoption_curves",
    "curves_hindcast",
    "fitted_rates",
    "straightened",
]

Array = NDArray[np.float64]

"""Horizons [years] that are judged together."""
_LEVEL = (0.05, 0.95)
_POWER = {"Solar power": "Solar_PV_LCOE_global", "Wind power": "Wind_onshore_LCOE_global"}


@dataclass(frozen=True)
class AdoptionCurve:
    """A share by year: ``years`` (n,), ``share`` (n,) above 0 and at most 1."""

    name: str
    years: Array
    share: Array


def _rule(quantity: str) -> float:
    return catalog.entity("outlook_curves", "rule").value(quantity)


@lru_cache(maxsize=1)
def adoption_curves() -> tuple[AdoptionCurve, ...]:
    """Every series: rows of ``outlook/curves.csv``, and solar and wind."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for row in read_rows("curves"):
        rows.setdefault(row["series"], []).append((float(row["year"]), float(row["share"]) / 100.0))
    found = [
        AdoptionCurve(name, np.array([y for y, _ in told]), np.array([x for _, x in told]))
        for name, told in rows.items()
    ]
    whole = catalog.entity("outlook_curves", "power").value("electricity") / factor("MWh/yr")
    costs = {one.name: one for one in cost_series()}
    for name, series in _POWER.items():
        one = costs[series]
        made = np.diff(np.exp(one.produced)) / np.diff(one.years)
        keep = made > 0.0
        found.append(AdoptionCurve(name, one.years[1:][keep], made[keep] / whole))
    return tuple(found)


def straightened(curve: str, share: Array, ceiling: Array) -> Array:
    """``share`` of a ``ceiling`` on the scale on which a curve of adoption is a straight line.

    Parameters
    ----------
    curve : str
        ``logistic`` or ``gompertz``.
    share, ceiling : array
        0 < share < ceiling; broadcast.

    Raises
    ------
    InputError
        No such curve.
    """
    check_word(None, curve, CURVES, "no such curve")
    part = share / ceiling
    return np.log(part / (1.0 - part)) if curve == "logistic" else -np.log(-np.log(part))


def _curved(curve: str, line: Array, ceiling: Array) -> Array:
    line = np.clip(line, -500.0, 500.0)
    if curve == "logistic":
        return ceiling / (1.0 + np.exp(-line))
    return ceiling * np.exp(-np.exp(np.minimum(-line, 500.0)))


@lru_cache(maxsize=4)
def fitted_rates(curve: str = "logistic") -> tuple[Array, Array]:
    """Rate [1/yr] of each series and the variance of a year's noise about it, each (series,).

    By the whole series, with the largest share that it reached and a little more as its ceiling.

    Raises
    ------
    InputError
        No such curve.
    """
    rates: list[float] = []
    noise: list[float] = []
    for one in adoption_curves():
        top = min(float(one.share.max()) * 1.02, 1.02)
        if one.name in _POWER:
            top = 1.0  # far from any ceiling
        below = one.share < 0.95 * top
        line, years = straightened(curve, one.share[below], np.array(top)), one.years[below]
        rate = (line[-1] - line[0]) / (years[-1] - years[0])
        steps: Array = np.diff(line) - rate * np.diff(years)
        rates.append(max(float(rate), 1e-3))
        gaps: Array = np.diff(years)
        noise.append(float(np.mean(steps**2 / gaps)))
    return np.array(rates), np.array(noise)


@dataclass(frozen=True)
class CurvesHindcast:
    """Forecasts beside what came, columns (n,): ``series`` (index), ``origin``, ``horizon`` [yr], ``actual``
    share, ``low`` and ``high`` of the 90 % interval, and ``middle``."""

    curve: str
    names: tuple[str, ...]
    series: NDArray[np.int64]
    origin: Array
    horizon: Array
    actual: Array
    low: Array
    middle: Array
    high: Array

    def coverage(self, horizons: tuple[int, int] | None = None) -> float:
        """Share of what came that lies within its 90 % interval, every series with the same weight."""
        return self._mean((self.actual >= self.low) & (self.actual <= self.high), horizons)

    def error(self, horizons: tuple[int, int] | None = None) -> float:
        """Mean absolute error of the middle, in share points, every series with the same weight."""
        return self._mean(np.abs(self.actual - self.middle), horizons)

    def width(self, horizons: tuple[int, int] | None = None) -> float:
        """Mean width of the 90 % interval, in share points, every series with the same weight."""
        return self._mean(self.high - self.low, horizons)

    def forecasts(self, horizons: tuple[int, int] | None = None) -> int:
        """How many forecasts there are at these horizons."""
        return int(np.count_nonzero(self._use(horizons)))

    def _use(self, horizons: tuple[int, int] | None) -> NDArray[np.bool_]:
        low, high = horizons or (1, 10**6)
        return (self.horizon >= low) & (self.horizon <= high)

    def _mean(self, values: NDArray[Any] | Array, horizons: tuple[int, int] | None) -> float:
        use = self._use(horizons)
        if not use.any():
            raise InputError("no forecast at these horizons", given=str(horizons))
        who, what = self.series[use], np.asarray(values, dtype=float)[use]
        return float(np.mean([what[who == k].mean() for k in np.unique(who)]))


@lru_cache(maxsize=4)
def curves_hindcast(curve: str = "logistic", seed: int = SEED) -> CurvesHindcast:
    """Forecast every series by ``logistic`` or ``gompertz`` from each of its years before the take-off.

    Raises
    ------
    InputError
        No such curve.
    """
    draws, longest = int(_rule("draws")), _rule("longest_horizon") / factor("yr")
    take_off, first, least = _rule("take_off"), int(_rule("first_origin")), _rule("ceiling_least")
    rates, noise = fitted_rates(curve)
    columns: list[list[Any]] = [[] for _ in range(7)]
    for index, one in enumerate(adoption_curves()):
        others = np.arange(len(rates)) != index
        middle, spread = np.mean(np.log(rates[others])), np.std(np.log(rates[others]), ddof=1)
        sigma = float(np.sqrt(np.median(noise[others])))
        u = uniforms(seed, f"curves/{one.name}", 0, draws, 3)
        rate = np.exp(middle + spread * normal_score(u[:, 0]))
        walk = sigma * normal_score(u[:, 2])
        for at in range(first - 1, len(one.years) - 1):
            if one.share[at] > take_off:
                break
            reached = float(one.share[: at + 1].max())
            floor = max(least, 1.001 * reached)
            ceiling = floor + (1.0 - floor) * u[:, 1]
            line = straightened(curve, one.share[: at + 1, None], ceiling[None, :])
            gaps = np.diff(one.years[: at + 1])[:, None]
            miss = (np.diff(line, axis=0) - rate * gaps) ** 2 / (sigma**2 * gaps)
            weight = np.exp(-0.5 * (miss.sum(axis=0) - miss.sum(axis=0).min()))
            for ahead in range(at + 1, len(one.years)):
                gap = one.years[ahead] - one.years[at]
                if gap > longest:
                    break
                share = _curved(curve, line[-1] + rate * gap + walk * np.sqrt(gap), ceiling)
                found = _weighted(share, weight, (_LEVEL[0], 0.5, _LEVEL[1]))
                row = (index, one.years[at], gap, one.share[ahead], *found)
                for column, value in zip(columns, row, strict=True):
                    column.append(value)
    names = tuple(one.name for one in adoption_curves())
    return CurvesHindcast(
        curve, names, np.array(columns[0], dtype=np.int64), *(np.array(column) for column in columns[1:])
    )


def _weighted(values: Array, weight: Array, shares: tuple[float, ...]) -> tuple[float, ...]:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    places = np.searchsorted(total, np.asarray(shares, dtype=float) * float(total[-1])).astype(np.intp)
    return tuple(float(x) for x in values[order][np.minimum(places, len(values) - 1)])
