"""What the Monte Carlo draws from: growth of a series from its last observation on, as its hindcast
justifies.

Three models, each the one that its hindcasts bear: records of AI by regimes whose rate changes
(``regimes``), costs of technologies by Wright's law shrunk to other technologies and widened by their
misses (``learning``, ``conformal``), electricity of data centres by a random walk over reports that skip
years (``walks``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.errors import InputError, nearest
from gigawatt.outlook.forecasts.regimes import RegimePrior, fit_regimes
from gigawatt.outlook.series import YearSeries, cost_series, electricity, list_records, record

__all__ = ["Growth", "fit_growth", "growth_correlation", "list_growth", "regime_prior", "sample_together"]

Array = NDArray[np.float64]

SIBLINGS = ("chip_flops", "chip_flops_per_watt", "chip_flops_per_dollar", "memory_bandwidth")
"""Chip series from 2008: the mean growth of the others is where a new regime of one of them is expected."""
CORRELATED = ("training_compute", *SIBLINGS)
_LEAST_NOISE = 1e-3  # ln per root year: a record that never moved still may


@dataclass(frozen=True)
class Growth:
    """A fitted series. ``last_year`` and ``last_value`` (in ``unit``) are where growth starts from.

    ``method`` says in words what was fitted; ``draw`` is what :meth:`sample` calls.
    """

    name: str
    unit: str
    last_year: int
    last_value: float
    method: str
    draw: Callable[[np.random.Generator, int, int], Array]

    def sample(self, rng: np.random.Generator, draws: int, years: int) -> Array:
        """ln-multipliers from the last observation.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where randomness comes from.
        draws, years : int
            1 or more.

        Returns
        -------
        ndarray, (draws, years)
            ln of value over ``last_value``, 1, 2, … ``years`` after ``last_year``. Rows are paths.

        Raises
        ------
        InputError
            ``draws`` or ``years`` below 1.
        """
        for key, given in (("draws", draws), ("years", years)):
            if given < 1:
                raise InputError("nothing to draw", key=key, given=given, allowed="1 or more")
        return self.draw(rng, draws, years)


def list_growth() -> tuple[str, ...]:
    """Every name that :func:`fit_growth` takes: records, electricity, technologies."""
    return (*list_records(), *catalog.table("hindcast_electricity"), *(one.name for one in cost_series()))


@lru_cache(maxsize=256)
def fit_growth(name: str, until: int | None = None) -> Growth:
    """Fit the growth of a series, with the years to ``until`` alone where one is given.

    Parameters
    ----------
    name : str
        One of :func:`list_growth`.
    until : int, optional
        Nothing after this year is used: a hindcast.

    Raises
    ------
    InputError
        No such series, or fewer than four observations by ``until``.
    """
    if name in list_records():
        return _of_record(name, until)
    if name in catalog.table("hindcast_electricity"):
        return _of_electricity(name, until)
    if any(one.name == name for one in cost_series()):
        return _of_cost(name, until)
    raise InputError(
        "no such series", key="name", given=name, allowed="see outlook.growth.list_growth()",
        nearest=nearest(name, list_growth()),
    )  # fmt: skip


def _cut(series: YearSeries, until: int | None) -> YearSeries:
    keep = series.years <= (np.inf if until is None else until)
    if np.count_nonzero(keep) < 4:
        raise InputError(
            "too few observations", key="until", given=until, allowed=f"{series.years[3]:.0f} or later"
        )
    return YearSeries(series.name, series.unit, series.years[keep], series.values[keep])


def regime_prior(name: str, until: int | None = None) -> RegimePrior:
    """The prior of a record's regimes.

    Rate of change, spread and moving average are of table ``hindcast``, the noise is about its own; for chips
    and training compute the drift is about the mean growth of the other chip series, else about its own.
    """
    row = catalog.entity("hindcast", "regimes")
    own = np.diff(_cut(record(name), until).values)
    drift = float(own.mean())
    if catalog.entity("hindcast_series", name).text("siblings"):
        twin = name.removesuffix("_16bit")
        others = [np.diff(_cut(record(one), until).values).mean() for one in SIBLINGS if one != twin]
        drift = float(np.mean(others))
    thetas = np.linspace(row.value("theta_low"), row.value("theta_high"), int(row.value("theta_count")))
    return RegimePrior(
        drift=drift,
        drift_spread=row.value("drift_spread"),
        scale=max(float(own.std(ddof=1)), _LEAST_NOISE),
        freedom=row.value("freedom"),
        hazard=row.value("hazard"),
        thetas=tuple(float(one) for one in thetas),
    )


def _of_record(name: str, until: int | None) -> Growth:
    series = _cut(record(name), until)
    fitted = fit_regimes(np.diff(series.values), regime_prior(name, until))

    def draw(rng: np.random.Generator, draws: int, years: int) -> Array:
        paths = fitted.sample(rng, draws, years)
        return np.maximum.accumulate(np.maximum(paths, 0.0), axis=1)  # a record does not fall

    return _made(series, "regimes of growth, record kept", draw)


def _made(series: YearSeries, method: str, draw: Callable[[np.random.Generator, int, int], Array]) -> Growth:
    return Growth(
        series.name, series.unit, int(series.years[-1]), float(np.exp(series.values[-1])), method, draw
    )


def _of_electricity(name: str, until: int | None) -> Growth:
    from gigawatt.outlook.forecasts.walks import steps

    series = _cut(electricity(name), until)
    fitted = steps(series.years, series.values, 0.0)
    drift, variance, count, span = (
        float(getattr(fitted, key)[-1]) for key in ("drift", "variance", "count", "span")
    )
    freedom = count - 1.0

    def draw(rng: np.random.Generator, draws: int, years: int) -> Array:
        s = np.sqrt(variance * freedom / rng.chisquare(freedom, draws))
        mean = drift + s / np.sqrt(span) * rng.standard_normal(draws)
        shocks = s[:, None] * rng.standard_normal((draws, years))
        return np.cumsum(mean[:, None] + shocks, axis=1)

    return _made(series, "random walk with drift, Student t", draw)


def _of_cost(name: str, until: int | None) -> Growth:
    from gigawatt.outlook.forecasts.current import current_forecast

    now = current_forecast(name, until)

    def draw(rng: np.random.Generator, draws: int, years: int) -> Array:
        return now.sample(rng, draws, years)

    return Growth(
        name, "source's own", now.year, now.cost, "Wright, shrunk to other technologies, conformal", draw
    )


def growth_correlation(names: Sequence[str] = CORRELATED) -> tuple[tuple[str, ...], Array]:
    """Correlation of yearly growth between AI records, shrunk towards none.

    Parameters
    ----------
    names : sequence of str
        Records; their common years are used.

    Returns
    -------
    names : tuple of str
    matrix : ndarray, (k, k)
        Positive definite.

    Raises
    ------
    InputError
        Fewer than two names, or fewer than six common years of growth.

    References
    ----------
    .. [1] J. Schäfer, K. Strimmer, "A shrinkage approach to large-scale covariance matrix estimation",
       Statistical Applications in Genetics and Molecular Biology 4(1) (2005): intensity for correlations.
    """
    if len(names) < 2:
        raise InputError("nothing to correlate", key="names", given=len(names), allowed="two series or more")
    made = [record(name) for name in names]
    first = max(one.years[0] for one in made)
    last = min(one.years[-1] for one in made)
    if last - first < 6:
        raise InputError("too few common years", key="names", given=f"{first:.0f} to {last:.0f}", allowed="7")
    growth = np.stack([np.diff(one.values[(one.years >= first) & (one.years <= last)]) for one in made])
    n = growth.shape[1]
    z = (growth - growth.mean(axis=1, keepdims=True)) / growth.std(axis=1, ddof=1, keepdims=True)
    products = z[:, None, :] * z[None, :, :]
    mean = products.mean(axis=2)
    r = mean * n / (n - 1.0)
    error = n / (n - 1.0) ** 3 * ((products - mean[:, :, None]) ** 2).sum(axis=2)
    off = ~np.eye(len(made), dtype=bool)
    shrinkage = float(np.clip(error[off].sum() / (r[off] ** 2).sum(), 0.0, 1.0))
    matrix = (1.0 - shrinkage) * r
    np.fill_diagonal(matrix, 1.0)
    return tuple(names), matrix


def sample_together(
    names: Sequence[str], rng: np.random.Generator, draws: int, years: int
) -> dict[str, Array]:
    """Paths of several AI records that correlate as their yearly growth did.

    Each series keeps its own distribution; its paths are reordered by where they end to follow the ranks of a
    Gaussian copula with :func:`growth_correlation`.

    Returns
    -------
    dict
        name → ln-multipliers (draws, years), as :meth:`Growth.sample`.

    References
    ----------
    .. [1] R. L. Iman, W. J. Conover, "A distribution-free approach to inducing rank correlation among input
       variables", Communications in Statistics B11, 311-334 (1982).
    """
    _, matrix = growth_correlation(names)
    normal = rng.standard_normal((draws, len(names))) @ np.linalg.cholesky(matrix).T
    found: dict[str, Array] = {}
    for column, name in enumerate(names):
        paths = fit_growth(name).sample(rng, draws, years)
        rank = np.argsort(np.argsort(normal[:, column], kind="stable"), kind="stable")
        found[name] = paths[np.argsort(paths[:, -1], kind="stable")][rank]
    return found
