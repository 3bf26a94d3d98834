"""How far a prediction can be off: a 90 % band from the errors on sources that were not looked at.

Group conformal prediction: the errors of every measured source are one group; a new source is taken
to be one more draw from the groups. Groups weigh alike however many rows they have, so that one large
table does not speak for all, and the unseen group itself takes its share of the tails, half at either end.
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
    "prediction_band",
    "shipped_residuals",
]

COVERAGE = 0.9
RESIDUALS = "residuals.csv"


@dataclass(frozen=True, slots=True)
class Band:
    """Factors on a predicted step time between which a measured one lies with ``coverage``."""

    low: float
    high: float
    coverage: float
    groups: int


@dataclass(frozen=True)
class Residuals:
    """ln(measured / predicted) of judged rows, with who measured and dense or MoE."""

    sources: NDArray[np.object_]
    routed: NDArray[np.bool_]
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


def coverage_left_out(coverage: float = COVERAGE) -> tuple[float, float]:
    """Shares of (rows, sources alike) inside bands that were made without their source.

    Both the prediction and the band of a row come from other sources only, so that this is what a row of a
    new source can expect.
    """
    known = shipped_residuals()
    inside = np.zeros(len(known.values), dtype=bool)
    for source in dict.fromkeys(known.sources):
        for routed in (False, True):
            mine = (known.sources == source) & (known.routed == routed)
            if mine.any():
                band = prediction_band(routed=routed, without=source, coverage=coverage)
                factors = np.exp(known.values[mine])
                inside[mine] = (factors >= band.low) & (factors <= band.high)
    by_source = [float(inside[known.sources == source].mean()) for source in dict.fromkeys(known.sources)]
    return float(inside.mean()), float(np.mean(by_source))


@lru_cache(maxsize=1)
def shipped_residuals() -> Residuals:
    """The errors on the shipped rows, each predicted by a fit that had not seen its source.

    Written by ``benchmarks/fit_stacks.py``; empty where the file is not there.
    """
    file = data_folder() / RESIDUALS
    records: list[dict[str, str]] = []
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as stream:
            records = [row for row in csv.DictReader(stream) if row["left_out"] == "source"]
    return Residuals(
        np.array([record["source"] for record in records], dtype=object),
        np.array([record["kind"] == "MoE" for record in records], dtype=bool),
        np.array([float(record["ln_measured_over_predicted"]) for record in records], dtype=np.float64),
    )


@lru_cache(maxsize=256)
def prediction_band(*, routed: bool, without: str = "", coverage: float = COVERAGE) -> Band:
    """The band around a predicted step time, from sources other than ``without``.

    Parameters
    ----------
    routed : bool
        Whether the model is a mixture of experts; where too few sources measured such models, those of
        both kinds are used.
    without : str
        The source that is being judged: its own errors are left out.
    coverage : float
        Wished share inside.
    """
    known = shipped_residuals()
    use = known.sources != without
    alike = use & (known.routed == routed)
    enough = 1.0 / (1.0 - coverage) - 1.0
    if len(set(known.sources[alike])) >= enough:
        use = alike
    return conformal_band(values=known.values[use], groups=list(known.sources[use]), coverage=coverage)
