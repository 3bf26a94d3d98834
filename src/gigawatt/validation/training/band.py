"""How far a prediction can be off: a 90 % band from the errors on makers that were not looked at.

Errors of all rows, each predicted by a fit that had seen no row of its maker, make the band's shape: their
quantiles, each error in units of what is usual in its regime, since few makers measured each. How far the
shape has to be stretched is found on makers that are left out of it too, so that nine of ten of their rows
lie inside. A maker weighs with the fourth root of its rows (at most :data:`MOST`): what is asked is a run of
another one, so that makers should weigh about the same, but three rows say less than sixty.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.validation.files import data_folder

__all__ = [
    "Band",
    "Residuals",
    "conformal_band",
    "coverage_left_out",
    "middle_half",
    "middle_of",
    "outermost_band",
    "prediction_band",
    "shipped_residuals",
    "widened_band",
]

COVERAGE = 0.9
RESIDUALS = "residuals.csv"
FEWEST = 4
"""Fewest makers from whom a regime has quantiles of its own. In the usual error of a regime, that of all
regimes together counts as much as this many of its makers."""
MOST = 60
"""Rows of a maker that add to its weight, so that one table of 1,548 timed layers does not speak for all."""
POWER = 0.25
"""Of a maker's rows, its weight: between makers alike (0) and rows alike (1)."""
LEAST = 0.02
"""Least width of a band: no two runs of one configuration agree better."""


@dataclass(frozen=True, slots=True)
class Band:
    """Factors on a predicted step time between which a measured one lies with ``coverage``."""

    low: float
    high: float
    coverage: float
    groups: int


@dataclass(frozen=True)
class Residuals:
    """ln(measured / predicted) of judged rows, with who measured and the regime."""

    makers: NDArray[np.object_]
    regimes: NDArray[np.object_]
    values: NDArray[np.float64]


def conformal_band(*, values: NDArray[np.float64], groups: Sequence[str], coverage: float = COVERAGE) -> Band:
    """The band of a new group's errors from those of known groups.

    Parameters
    ----------
    values : array (N,)
        ln(measured / predicted).
    groups : sequence of str (N,)
        One name a group; each group has the same weight.
    coverage : float
        Wished share inside, 0 to 1.

    Returns
    -------
    Band
        Factors exp(quantile). With K groups the new one takes 1/(K+1) of the weight, half of it at either
        end, since its errors may lie on one side or the other; where that alone exceeds a tail
        (K < 1/(1 - coverage) - 1) the outermost error is the bound. The reference puts all of it at the end
        at hand, which guarantees the coverage; this only aims at it (:func:`coverage_left_out` measures it).

    References
    ----------
    Dunn, Wasserman, Ramdas 2022, "Distribution-free prediction sets for two-layer hierarchical models",
    doi:10.1080/01621459.2022.2060112.
    """
    names = np.asarray(groups, dtype=object)
    known = dict.fromkeys(groups)
    if not known:
        return Band(0.0, math.inf, coverage, 0)
    weight = np.zeros(len(values))
    for name in known:
        mine = names == name
        weight[mine] = 1.0 / (len(known) + 1) / mine.sum()
    order = np.argsort(values)
    half = 0.5 / (len(known) + 1)
    below = half + np.cumsum(weight[order])
    tail = (1.0 - coverage) / 2.0
    high = min(int(np.searchsorted(below, 1.0 - tail)), len(values) - 1)
    above = half + np.cumsum(weight[order][::-1])
    low = max(len(values) - 1 - int(np.searchsorted(above, 1.0 - tail)), 0)
    return Band(math.exp(values[order][low]), math.exp(values[order][high]), coverage, len(known))


def coverage_left_out(*, stated: bool = False, coverage: float = COVERAGE) -> tuple[float, float]:
    """Shares of (rows, makers alike) inside bands that were made without their maker; of a maker at most
    :data:`MOST` rows count.

    Both the prediction and the band of a row come from other makers only, so that this is what a row of a
    new maker can expect.
    """
    known = shipped_residuals(stated=stated)
    inside = np.zeros(len(known.values), dtype=bool)
    for maker in dict.fromkeys(known.makers):
        for regime in dict.fromkeys(known.regimes):
            mine = (known.makers == maker) & (known.regimes == regime)
            if mine.any():
                band = prediction_band(regime=regime, stated=stated, without=maker, coverage=coverage)
                factors = np.exp(known.values[mine])
                inside[mine] = (factors >= band.low) & (factors <= band.high)
    by_maker = [float(inside[known.makers == maker].mean()) for maker in dict.fromkeys(known.makers)]
    counted = [min(int((known.makers == maker).sum()), MOST) for maker in dict.fromkeys(known.makers)]
    return float(np.average(by_maker, weights=counted)), float(np.mean(by_maker))


@lru_cache(maxsize=2)
def shipped_residuals(*, stated: bool = False) -> Residuals:
    """The errors on the shipped rows, each predicted by a fit that had not seen its maker.

    Written by ``benchmarks/fit_software.py``; empty where the file is not there. ``stated``: with the
    framework and the release that rows name, else with the default software.
    """
    file = data_folder() / RESIDUALS
    records: list[dict[str, str]] = []
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as stream:
            word = "stated" if stated else "default"
            records = [row for row in csv.DictReader(stream) if row["software"] == word]
    return Residuals(
        np.array([record["maker"] for record in records], dtype=object),
        np.array([record["regime"] for record in records], dtype=object),
        np.array([float(record["ln_measured_over_predicted"]) for record in records], dtype=np.float64),
    )


@lru_cache(maxsize=512)
def prediction_band(
    *, regime: str, stated: bool = False, without: str = "", coverage: float = COVERAGE
) -> Band:
    """The band around a predicted step time, from makers other than ``without``.

    Parameters
    ----------
    regime : str
        Of the run (:data:`~gigawatt.validation.training.regimes.REGIMES`).
    stated : bool
        Whether the question names the framework.
    without : str
        The maker that is being judged: its own errors are left out.
    coverage : float
        Wished share inside.
    """
    known = shipped_residuals(stated=stated)
    use = known.makers != without
    values, makers, regimes = known.values[use], known.makers[use], known.regimes[use]
    if not len(values):
        return Band(0.0, math.inf, coverage, 0)
    usual = {name: _usual(values, makers, regimes == name) for name in {*regimes, regime}}
    scale = np.array([usual[name] for name in regimes])
    shape = widened_band(values / scale, makers, coverage, power=POWER)
    return Band(shape.low ** usual[regime], shape.high ** usual[regime], coverage, shape.groups)


def middle_half(*, regime: str, stated: bool = False, without: str = "") -> tuple[float, float]:
    """Factors on a predicted step time between which half of the measured ones lie, around 1.

    Quantiles of the errors of makers, which are not stretched: makers that they have not seen lie beyond
    them as often as within.

    Parameters
    ----------
    regime, stated, without
        As in :func:`prediction_band`.
    """
    return middle_of(*_errors(regime, stated, without))


def middle_of(values: NDArray[np.float64], makers: NDArray[np.object_]) -> tuple[float, float]:
    """:func:`middle_half` of some makers' errors, ln(measured / predicted)."""
    low, high = _quantiles(values, makers, 0.5)
    return math.exp(min(low, 0.0)), math.exp(max(high, 0.0))


def outermost_band(*, regime: str, stated: bool = False, without: str = "") -> Band:
    """The outermost errors of any maker but ``without``, and its band where that is wider.

    Parameters
    ----------
    regime, stated, without
        As in :func:`prediction_band`.
    """
    inside = prediction_band(regime=regime, stated=stated, without=without)
    values = _errors(regime, stated, without)[0]
    if not len(values):
        return inside
    return Band(
        min(inside.low, math.exp(float(values.min()))), max(inside.high, math.exp(float(values.max()))),
        inside.coverage, inside.groups,
    )  # fmt: skip


def _usual(values: NDArray[np.float64], makers: NDArray[np.object_], of: NDArray[np.bool_]) -> float:
    """Mean |error| in one regime, averaged with that of all, which counts as :data:`FEWEST` makers."""
    every = float(np.average(np.abs(values), weights=_weights(makers, POWER)))
    if not of.any():
        return every
    number = len(set(makers[of]))
    own = float(np.average(np.abs(values[of]), weights=_weights(makers[of], POWER)))
    return (number * own + FEWEST * every) / (number + FEWEST)


def _errors(regime: str, stated: bool, without: str) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Errors of a regime and who measured them; of all regimes where too few makers measured it."""
    known = shipped_residuals(stated=stated)
    use = known.makers != without
    alike = use & (known.regimes == regime)
    if len(set(known.makers[alike])) >= FEWEST:
        use = alike
    return known.values[use], known.makers[use]


def widened_band(
    values: NDArray[np.float64], makers: NDArray[np.object_], coverage: float, *, power: float = 0.5
) -> Band:
    """The band of some makers' errors, wider at both ends by a share that makers it has not seen need.

    A maker weighs with this power of its rows (at most :data:`MOST`), so that one large table does not speak
    for all.

    References
    ----------
    Romano, Patterson, Candès 2019, "Conformalized quantile regression", arXiv:1905.03222: the score is how
    far an error lies outside (inside: below zero), here in widths of the band. Barber, Candès, Ramdas,
    Tibshirani 2021, "Predictive inference with the jackknife+", doi:10.1214/20-AOS1965: each group is judged
    by what the others make of it.
    """
    names = list(dict.fromkeys(makers))
    if not names:
        return Band(0.0, math.inf, coverage, 0)
    if len(names) == 1:
        return conformal_band(values=values, groups=list(makers), coverage=coverage)
    beyond = np.zeros(len(values))
    for name in names:
        mine = makers == name
        low, high = _quantiles(values[~mine], makers[~mine], coverage, power)
        beyond[mine] = np.maximum(values[mine] - high, low - values[mine]) / max(high - low, LEAST)
    low, high = _quantiles(values, makers, coverage, power)
    further = max(_quantile(beyond, _weights(makers, power), coverage), -0.5) * max(high - low, LEAST)
    return Band(math.exp(low - further), math.exp(high + further), coverage, len(names))


def _weights(makers: NDArray[np.object_], power: float = 0.5) -> NDArray[np.float64]:
    found = np.zeros(len(makers))
    for name in dict.fromkeys(makers):
        mine = makers == name
        found[mine] = min(mine.sum(), MOST) ** power / mine.sum()
    return found / found.sum()


def _quantiles(
    values: NDArray[np.float64], makers: NDArray[np.object_], coverage: float, power: float = 0.5
) -> tuple[float, float]:
    weight, tail = _weights(makers, power), (1.0 - coverage) / 2.0
    return _quantile(values, weight, tail), _quantile(values, weight, 1.0 - tail)


def _quantile(values: NDArray[np.float64], weight: NDArray[np.float64], at: float) -> float:
    order = np.argsort(values)
    reached = int(np.searchsorted(np.cumsum(weight[order]), at * weight.sum()))
    return float(values[order][min(reached, len(values) - 1)])
