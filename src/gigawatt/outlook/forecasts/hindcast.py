"""Rolling origins: every technology's cost forecast from every year on, with what was known then.

At an origin each model sees the technology's own past and, where it pools, other technologies up to the
origin's calendar year; the technology and its twins (``family``) are left out of every pooled number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.conformal import widening
from gigawatt.outlook.forecasts.learning import Experience, combination, experience, wright
from gigawatt.outlook.forecasts.scores import StudentT, mean_by_group
from gigawatt.outlook.forecasts.walks import (
    LEAST_VARIANCE,
    Pool,
    Shrunk,
    Steps,
    pool,
    random_walk,
    shrink,
    step_variance,
    steps,
    trend_line,
)
from gigawatt.outlook.series import CostSeries, cost_series, rule

__all__ = [
    "BINS",
    "LEVEL",
    "MODELS",
    "CostHindcast",
    "Origins",
    "Score",
    "all_origins",
    "cost_hindcast",
    "horizon_bins",
    "pools_before",
    "theta",
]

Array = NDArray[np.float64]

LEVEL = 0.9
BINS = ((1, 1), (2, 3), (4, 8), (9, 20))
"""Horizons [years] that are judged together."""
MODELS = ("trend", "moore", "wright", "moore_pooled", "wright_pooled", "combination", "conformal")
"""``trend``, ``moore``, ``wright`` as others do them; pooled: shrunk to other technologies;
``combination``: half of either pooled; ``conformal``: ``wright_pooled`` widened by the misses of others."""


def theta() -> float:
    """The moving average of costs (table ``hindcast``)."""
    from gigawatt import catalog

    return catalog.entity("hindcast", "walk").value("theta")


@dataclass(frozen=True)
class Origins:
    """All origins of all technologies, one after another: (k,) columns."""

    technology: NDArray[np.int64]
    family: NDArray[np.int64]
    steps: Mapping[str, Array]
    learned: Mapping[str, Array]


@dataclass(frozen=True)
class Score:
    """What a model reached over forecasts; means over all forecasts, and ``_each``: over technologies'
    means."""

    model: str
    forecasts: int
    technologies: int
    error: float
    error_each: float
    coverage: float
    coverage_each: float
    crps: float
    crps_each: float
    width: float


@dataclass(frozen=True)
class CostHindcast:
    """Forecasts of ln cost from every origin beside what came: columns ``(n,)``.

    ``technology`` and ``family`` are indices into ``names`` and ``families``; ``origin`` and ``target``
    years, ``actual`` the growth of ln cost between them; ``forecasts`` by model.
    """

    names: tuple[str, ...]
    families: tuple[str, ...]
    technology: NDArray[np.int64]
    family: NDArray[np.int64]
    origin: Array
    target: Array
    actual: Array
    forecasts: Mapping[str, StudentT]

    @property
    def horizon(self) -> Array:
        """Years from origin to target."""
        return self.target - self.origin

    def score(self, model: str, horizons: tuple[int, int] | None = None) -> Score:
        """Scores of ``model`` over horizons from … to (inclusive; all where ``None``).

        Raises
        ------
        InputError
            No such model, or no forecast at these horizons.
        """
        check_word("model", model, tuple(self.forecasts), "no such model")
        low, high = horizons or (1, 10**6)
        use = (self.horizon >= low) & (self.horizon <= high)
        if not use.any():
            raise InputError("no forecast at these horizons", key="horizons", given=str(horizons))
        made = self.forecasts[model]
        one = StudentT(made.location[use], made.scale[use], made.freedom[use])
        actual, who = self.actual[use], self.technology[use]
        error, covered, crps = np.abs(actual - one.location), one.covers(actual, LEVEL), one.crps(actual)
        return Score(
            model=model,
            forecasts=int(use.sum()),
            technologies=len(np.unique(who)),
            error=float(error.mean()),
            error_each=mean_by_group(error, who),
            coverage=float(covered.mean()),
            coverage_each=mean_by_group(covered, who),
            crps=float(crps.mean()),
            crps_each=mean_by_group(crps, who),
            width=float(one.width(LEVEL).mean()),
        )


def horizon_bins(horizon: Array) -> NDArray[np.int64]:
    """Index into :data:`BINS` of each horizon; beyond the last it is the last."""
    return np.searchsorted(np.array([high for _, high in BINS[:-1]]), horizon, side="left")


def _families(series: tuple[CostSeries, ...]) -> tuple[str, ...]:
    return tuple(sorted({one.family for one in series}))


@lru_cache(maxsize=1)
def all_origins() -> Origins:
    """Running estimates of every judged technology at each of its observations from the third on."""
    series, moving = cost_series(), theta()
    families = _families(series)
    made_steps: list[Steps] = []
    made_learned: list[Experience] = []
    technology: list[NDArray[np.int64]] = []
    family: list[NDArray[np.int64]] = []
    for index, one in enumerate(series):
        found = steps(one.years, one.cost, moving)
        made_steps.append(found)
        made_learned.append(experience(one.years, one.cost, one.produced, moving))
        technology.append(np.full(len(found.year), index))
        family.append(np.full(len(found.year), families.index(one.family)))
    return Origins(
        np.concatenate(technology),
        np.concatenate(family),
        {key: np.concatenate([getattr(one, key) for one in made_steps]) for key in vars(made_steps[0])},
        {key: np.concatenate([getattr(one, key) for one in made_learned]) for key in vars(made_learned[0])},
    )


def pools_before(origins: Origins, family: int, year: float, least: int) -> dict[str, Pool]:
    """What technologies of other families had shown by ``year``: pools of drift, exponent and growth of
    experience.

    Parameters
    ----------
    origins : Origins
        Running estimates of all technologies.
    family : int
        Left out.
    year : float
        Nothing after it is used.
    least : int
        With fewer technologies nothing is pooled.

    Returns
    -------
    dict
        ``drift``, ``exponent``, ``growth``.
    """
    s, e = origins.steps, origins.learned
    use = np.flatnonzero((s["year"] <= year) & (origins.family != family) & (s["count"] >= 3.0))
    who = origins.technology[use]
    last = use[np.append(who[1:] != who[:-1], True)] if len(use) else use  # the latest origin of each
    if len(last) < least:
        return {key: Pool.nothing() for key in ("drift", "exponent", "growth")}
    coefficients = {
        "drift": (s["drift"], step_variance(s["span"], theta()) / s["span"] ** 2, s["variance"]),
        "exponent": (e["exponent"], e["exponent_unit"], e["variance"]),
        "growth": (e["growth"], e["growth_unit"], e["growth_variance"]),
    }
    found: dict[str, Pool] = {}
    for key, (estimate, unit, variance) in coefficients.items():
        if np.count_nonzero(variance[last] > LEAST_VARIANCE) < least:  # noise that nobody shows is not pooled
            found[key] = Pool.nothing()
            continue
        found[key] = pool(
            estimate=estimate[last], unit_variance=unit[last], variance=variance[last], count=s["count"][last]
        )
    return found


class _Pools:
    """The pool of each forecast, looked up by (family, origin year)."""

    def __init__(self, origins: Origins, family: NDArray[np.int64], year: Array) -> None:
        least = int(rule("least_technologies"))
        pairs, index = np.unique(np.stack([family, year], axis=1), axis=0, return_inverse=True)
        self.index = index.ravel()
        self.found = [pools_before(origins, int(own), float(when), least) for own, when in pairs]

    def of(self, coefficient: str) -> Callable[[str], Array]:
        """Field by name of the pools of ``coefficient``, an entry a forecast."""

        def field(name: str) -> Array:
            return np.array([getattr(one[coefficient], name) for one in self.found])[self.index]

        return field


def _alone(name: str) -> Array:
    """No pooling."""
    return np.array(getattr(Pool.nothing(), name))


@lru_cache(maxsize=4)
def cost_hindcast(every: int = 1) -> CostHindcast:
    """Hindcast every judged technology from every origin.

    Parameters
    ----------
    every : int
        Judge only every so many technologies (1: all); the others still serve in pools.

    Raises
    ------
    InputError
        ``every`` below 1.
    """
    if every < 1:
        raise InputError("not a step", key="every", given=every, allowed="1 or more")
    series = cost_series()
    families = _families(series)
    origins = all_origins()
    first, longest = int(rule("first_origin")), rule("longest_horizon")
    starts: list[NDArray[np.int64]] = []
    targets: list[Array] = []
    actuals: list[Array] = []
    whose: list[NDArray[np.int64]] = []
    offset = 0
    for index, one in enumerate(series):
        count = len(one.years)
        for last in range(first - 1, count - 1 if index % every == 0 else 0):
            ahead = np.arange(last + 1, count)
            ahead = ahead[one.years[ahead] - one.years[last] <= longest]
            starts.append(np.full(len(ahead), offset + last - 2))
            targets.append(one.years[ahead])
            actuals.append(one.cost[ahead] - one.cost[last])
            whose.append(np.full(len(ahead), index))
        offset += count - 2
    at, technology = np.concatenate(starts), np.concatenate(whose)
    target, actual = np.concatenate(targets), np.concatenate(actuals)
    family = origins.family[at]
    s = {key: value[at] for key, value in origins.steps.items()}
    e = {key: value[at] for key, value in origins.learned.items()}
    horizon = target - s["year"]
    forecasts = _forecasts(origins, family, s, e, horizon)
    made = forecasts["wright_pooled"]
    half = made.width(LEVEL) / 2.0
    factor = widening(
        miss=np.abs(actual - made.location) / half,
        technology=technology,
        family=family,
        origin=s["year"],
        target=target,
        horizon_bin=horizon_bins(horizon),
        level=LEVEL,
        least=int(rule("least_technologies")),
    )
    forecasts["conformal"] = made.widened(factor)
    names = tuple(one.name for one in series)
    return CostHindcast(names, families, technology, family, s["year"], target, actual, forecasts)


def _forecasts(
    origins: Origins,
    family: NDArray[np.int64],
    s: Mapping[str, Array],
    e: Mapping[str, Array],
    horizon: Array,
) -> dict[str, StudentT]:
    moving = theta()
    pools = _Pools(origins, family, s["year"])
    drift_unit = step_variance(s["span"], moving) / s["span"] ** 2

    def exponent(of: Callable[[str], Array]) -> Shrunk:
        return shrink(
            of,
            estimate=e["exponent"],
            unit_variance=e["exponent_unit"],
            variance=e["variance"],
            count=s["count"],
        )

    def growth(of: Callable[[str], Array]) -> Shrunk:
        return shrink(
            of,
            estimate=e["growth"],
            unit_variance=e["growth_unit"],
            variance=e["growth_variance"],
            count=s["count"],
        )

    drift = shrink(
        pools.of("drift"),
        estimate=s["drift"],
        unit_variance=drift_unit,
        variance=s["variance"],
        count=s["count"],
    )
    shared = 2.0 * drift.share * horizon / s["span"] * moving / (1.0 + moving**2)
    moore = drift.variance * (step_variance(horizon, moving) - shared) + drift.spread * horizon**2
    found = {
        "trend": trend_line(
            value=s["value"],
            level=s["level"],
            slope=s["slope"],
            residual=s["residual"],
            count=s["count"],
            horizon=horizon,
        ),
        "moore": random_walk(
            drift=s["drift"],
            variance=s["variance"],
            count=s["count"],
            span=s["span"],
            horizon=horizon,
            theta=moving,
        ),
        "wright": wright(exponent(_alone), growth(_alone), horizon, moving),
        "moore_pooled": StudentT(drift.mean * horizon, np.sqrt(moore), drift.freedom),
        "wright_pooled": wright(exponent(pools.of("exponent")), growth(pools.of("growth")), horizon, moving),
    }
    found["combination"] = combination(found["moore_pooled"], found["wright_pooled"], 0.5)
    return found
