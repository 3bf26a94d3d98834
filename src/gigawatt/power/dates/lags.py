"""How long one stage of a project comes after another: lognormal lags, pooled over kinds, stages, projects.

The logarithm of a lag is a sum of normal effects: of the kind of project, of the stage reached, of the stage
awaited, of the three together, and of what the pairs of a project share (the project, the event awaited, the
event reached). Effects of kinds and stages with few rows shrink towards none, so that a kind that no row has
gets the lag of all. Prediction is the conditional normal (a Gaussian process with indicator kernels;
Rasmussen and Williams 2006, chapter 2). The standard deviations are rows of ``timelines_fit`` that
``benchmarks/fit_timelines.py`` finds by maximum a posteriori.

Lags that are not those of building (from a rule to the next, from an order to a permit) depend little on the
stages: they are pooled with the median of all lags of the kind. The spread is that of a Student t by how many
cases of the kind are known, since so few say little of how far one of them may lie.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import entity, table
from gigawatt.power.dates.milestones import SETBACKS, STAGES, Milestone, by_case, catalog_milestones

__all__ = ["EFFECTS", "FAMILIES", "Lag", "LagModel", "Pair", "lag_model", "log_posterior", "pairs_of"]

Array = npt.NDArray[np.float64]

EFFECTS = ("kind", "reached", "awaited", "triple", "case", "awaited_event", "reached_event")
"""Effects of a lag, each with a standard deviation of its own."""
NOISES = ("noise_building", "noise")
"""What no effect explains: of lags from announcement, application, order or ground to power; of others."""
_BUILDING = (("announced", "application", "order", "ground"), ("power", "commercial"))
_DAY = 1.0 / 365.2425
_NINE_OF_TEN = 0.9
_FIT = "timelines_fit"
_JITTER = 1e-8
FAMILIES: Mapping[str, str] = {"gas campus": "ai campus"}
"""Kind of project → the kind whose lags it shares: a gas campus is an AI campus that brings its plants."""
_PRIOR = (math.log(0.3), 0.8)
"""Prior of the logarithm of a standard deviation: mean, standard deviation."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two stages of a project: ``reached`` first, ``awaited`` ``lag`` years later; ``first``, ``second`` name
    the two events."""

    case: str
    kind: str
    reached: str
    awaited: str
    lag: float = 0.0
    first: str = ""
    second: str = ""


@dataclass(frozen=True)
class Lag:
    """A lognormal lag: ``median`` [yr], ``sd`` of its logarithm."""

    median: float
    sd: float


def pairs_of(rows: Iterable[Milestone]) -> tuple[Pair, ...]:
    """Every two stages of every case, of which the second came a day or more after the first."""
    found: list[Pair] = []
    for case, mine in by_case(rows).items():
        steps = [row for row in mine if row.stage is not None]
        for (i, one), (j, other) in combinations(enumerate(steps), 2):
            lag = other.date - one.date
            if STAGES[other.milestone] in SETBACKS or lag < _DAY / 2.0:
                continue
            found.append(
                Pair(case, one.kind, STAGES[one.milestone], STAGES[other.milestone], lag, f"{case}/{i}",
                     f"{case}/{j}")
            )  # fmt: skip
    return tuple(found)


def _keys(pairs: Sequence[Pair]) -> list[npt.NDArray[np.str_]]:
    """What two pairs have in common for each of :data:`EFFECTS`."""
    kinds = [FAMILIES.get(p.kind, p.kind) for p in pairs]
    return [
        np.array(values)
        for values in (
            kinds,
            [p.reached for p in pairs],
            [p.awaited for p in pairs],
            [f"{kind}|{p.reached}|{p.awaited}" for kind, p in zip(kinds, pairs, strict=True)],
            [p.case for p in pairs],
            [p.second for p in pairs],
            [p.first for p in pairs],
        )
    ]


def _noise(pairs: Sequence[Pair]) -> npt.NDArray[np.int64]:
    reached, awaited = _BUILDING
    return np.array([0 if p.reached in reached and p.awaited in awaited else 1 for p in pairs])


def log_posterior(settings: Array, pairs: Sequence[Pair]) -> tuple[float, Array]:
    """(log posterior, its gradient) of logarithms of the standard deviations and the mean log lag.

    Parameters
    ----------
    settings : array (10,)
        Logarithms of the standard deviations of :data:`EFFECTS` and :data:`NOISES`; mean of log(lag / yr).
    pairs
        What was observed.
    """
    y = np.log([p.lag for p in pairs])
    same = [(key[:, None] == key[None, :]).astype(float) for key in _keys(pairs)]
    noise, count = _noise(pairs), len(EFFECTS)
    variance = np.exp(2.0 * settings[:-1])
    k = sum((v * s for v, s in zip(variance[:count], same, strict=True)), np.zeros((len(y), len(y))))
    k = k + np.diag(variance[count:][noise] + _JITTER)
    inverse = np.linalg.inv(k)
    residual = y - settings[-1]
    weighed = inverse @ residual
    inner = np.outer(weighed, weighed) - inverse
    off = (settings[:-1] - _PRIOR[0]) / _PRIOR[1]
    value = -0.5 * (residual @ weighed + np.linalg.slogdet(k)[1] + off @ off)
    slope = np.empty_like(settings)
    for i, s in enumerate(same):
        slope[i] = variance[i] * np.sum(inner * s)
    for i in range(len(NOISES)):
        slope[count + i] = variance[count + i] * np.sum(np.diag(inner)[noise == i])
    slope[:-1] -= off / _PRIOR[1]
    slope[-1] = weighed.sum()
    return float(value), slope


class LagModel:
    """Lags that the ``pairs`` let expect.

    Parameters
    ----------
    pairs
        Stages of projects that are known.
    sd : mapping
        Standard deviation of each of :data:`EFFECTS` and :data:`NOISES`.
    mean : float
        Mean of log(lag / yr).
    own_weight : float
        Weight of the median lag of the kind in lags that are not of building, 0 to 1.
    """

    def __init__(
        self, pairs: Sequence[Pair], sd: Mapping[str, float], mean: float, own_weight: float
    ) -> None:
        self._own_weight = own_weight
        self._pairs, self._keys, self._mean = tuple(pairs), _keys(pairs), mean
        self._variance = [sd[name] ** 2 for name in EFFECTS]
        self._noise = [sd[name] ** 2 for name in NOISES]
        k = self._alike(self._keys)
        k += np.diag(np.array(self._noise)[_noise(pairs)] + _JITTER)
        self._inverse = np.linalg.inv(k)
        self._residual = np.log([p.lag for p in pairs]) - mean
        self._kept: dict[tuple[str, str, str], Lag] = {}

    def _alike(self, keys: Sequence[npt.NDArray[np.str_]]) -> Array:
        """(pairs of ``keys``, pairs) covariance with what is known, without noise."""
        found = np.zeros((len(keys[0]), len(self._pairs)))
        for variance, mine, known in zip(self._variance, keys, self._keys, strict=True):
            found += variance * (mine[:, None] == known[None, :])
        return found

    def lag(self, kind: str, reached: str, awaited: str) -> Lag:
        """Lag of a new project of this kind, from one stage to another.

        Returns
        -------
        Lag
            A kind or stage that no row has gets the lag of all, with a wider spread.
        """
        key = (kind, reached, awaited)
        if key not in self._kept:
            pair = [Pair("", kind, reached, awaited)]
            cross = self._alike(_keys(pair))[0]
            mean = self._mean + cross @ self._inverse @ self._residual
            noise = int(_noise(pair)[0])
            whole = sum(self._variance) + self._noise[noise]
            mine = [one for one in self._pairs if one.kind == kind]
            if mine and noise:
                own = float(np.median(np.log([one.lag for one in mine])))
                mean = (1.0 - self._own_weight) * mean + self._own_weight * own
            spread = math.sqrt(whole - cross @ self._inverse @ cross)
            spread *= _wider(len({one.case for one in mine}))
            self._kept[key] = Lag(math.exp(mean), spread)
        return self._kept[key]


def _wider(cases: int) -> float:
    """Width of the central 80 % of a Student t of ``cases`` + 1 degrees of freedom, over a normal's."""
    from scipy.special import ndtri, stdtrit  # pyright: ignore[reportMissingTypeStubs]

    return float(stdtrit(1.0 + cases, _NINE_OF_TEN) / ndtri(_NINE_OF_TEN))


@lru_cache(maxsize=128)
def _model(rows: int, without: frozenset[str]) -> LagModel:
    fit = entity(_FIT, "lag")
    pairs = [pair for pair in pairs_of(catalog_milestones()) if pair.case not in without]
    sd = {name: fit.value(name) for name in (*EFFECTS, *NOISES)}
    return LagModel(pairs, sd, fit.value("mean"), fit.value("own_weight"))


def lag_model(without: Collection[str] = ()) -> LagModel:
    """The lags of the catalog's ``timelines``, without some cases of it."""
    return _model(id(table("timelines")), frozenset(without))
