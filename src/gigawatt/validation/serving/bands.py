"""How far a time, a rate or the watts of serving can be off: 90 % bands from the shipped scorecard.

Residuals are those of rows that no fit saw (:data:`RESIDUALS`, written by ``benchmarks/serving_bands.py``). A
series is what one source measured with one engine (watts: on one accelerator). Regimes are engines of 2025
and later, and older ones; where fewer than :data:`FEWEST` series measured a regime, those of all speak. The
band of a regime reaches as far as series that it has not seen need
(:func:`~gigawatt.validation.training.band.widened_band`); what share of a new source's rows it holds is
:func:`coverage_left_out`.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.validation.files import data_folder
from gigawatt.validation.training.band import Band, middle_of, widened_band

__all__ = [
    "METRICS",
    "RESIDUALS",
    "ServingResiduals",
    "coverage_left_out",
    "middle_half",
    "regime_of",
    "serving_band",
    "serving_bands",
    "shipped_residuals",
]

TIMED = ("ttft", "tpot", "throughput")
METRICS = (*TIMED, "watts")
RESIDUALS = "serving_residuals.csv"
FEWEST = 4
"""Series from which a regime has a band of its own."""
COVERAGE = 0.9
RECENT, OLDER = "engines of 2025 and later", "older engines"
_RECENT_FROM = 2025


@dataclass(frozen=True)
class ServingResiduals:
    """ln(measured / predicted) of judged rows with metric, regime, source and series, columns (N,)."""

    metrics: NDArray[np.object_]
    regimes: NDArray[np.object_]
    sources: NDArray[np.object_]
    series: NDArray[np.object_]
    values: NDArray[np.float64]


@lru_cache(maxsize=64)
def regime_of(engine: str) -> str:
    """The regime of an engine of the catalog; an engine that is not there is a recent one."""
    try:
        year = int(entity("engines", engine).text("year"))
    except InputError:
        return RECENT
    return RECENT if year >= _RECENT_FROM else OLDER


@lru_cache(maxsize=1)
def shipped_residuals() -> ServingResiduals:
    """The residuals on the shipped rows; empty where the file is not there."""
    file = data_folder() / RESIDUALS
    rows: list[dict[str, str]] = []
    if file.is_file():
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))

    def series(row: dict[str, str]) -> str:
        return f"{row['source']} | {row['accelerator' if row['metric'] == 'watts' else 'engine']}"

    return ServingResiduals(
        np.array([row["metric"] for row in rows], dtype=object),
        np.array([regime_of(row["engine"]) for row in rows], dtype=object),
        np.array([row["source"] for row in rows], dtype=object),
        np.array([series(row) for row in rows], dtype=object),
        np.array([float(row["ln_measured_over_predicted"]) for row in rows], dtype=np.float64),
    )


@lru_cache(maxsize=256)
def serving_band(*, metric: str, regime: str, without: str = "", by: str = "sources") -> Band:
    """Factors on a prediction between which what is measured lies with 90 %.

    Parameters
    ----------
    metric : str
        One of :data:`METRICS`.
    regime : str
        Of the engine (:func:`regime_of`).
    without : str
        What is being judged: its own residuals are left out.
    by : str
        ``sources`` or ``series``: what ``without`` names.

    Notes
    -----
    In the series of one source alone it is not seen what differs from source to source: then the band holds
    all of their errors.
    """
    values, series = _errors(metric, regime, without, by)
    band = widened_band(values, series, COVERAGE)
    if len({name.rsplit(" | ", 1)[0] for name in series}) > 1 or not len(values):
        return band
    return replace(
        band, low=min(band.low, math.exp(values.min())), high=max(band.high, math.exp(values.max()))
    )


@lru_cache(maxsize=256)
def middle_half(*, metric: str, regime: str, without: str = "") -> tuple[float, float]:
    """Factors on a prediction between which half of what is measured lies, around 1; parameters as there."""
    return middle_of(*_errors(metric, regime, without, "sources"))


def _errors(
    metric: str, regime: str, without: str, by: str
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Errors of a metric and the series that they are of; of all regimes where too few measured this one."""
    known = shipped_residuals()
    use = (known.metrics == metric) & (getattr(known, by) != without)
    alike = use & (known.regimes == regime)
    if len(set(known.series[alike])) >= FEWEST:
        use = alike
    return known.values[use], known.series[use]


def serving_bands(engine: str) -> dict[str, Band]:
    """The band of every metric that was measured, for an engine of the catalog."""
    regime = regime_of(engine)
    found = {metric: serving_band(metric=metric, regime=regime) for metric in METRICS}
    return {metric: band for metric, band in found.items() if band.groups and math.isfinite(band.high)}


@lru_cache(maxsize=16)
def coverage_left_out(*, metric: str = "", by: str = "sources") -> float:
    """Share of rows inside bands that were made without their source (or series), of one metric or of all of
    :data:`TIMED`: two sources measured watts, and one of them alone makes no band of the other."""
    known = shipped_residuals()
    inside = np.zeros(len(known.values), dtype=bool)
    names = getattr(known, by)
    for one in dict.fromkeys(known.metrics):
        for regime in dict.fromkeys(known.regimes):
            for name in dict.fromkeys(names[(known.metrics == one) & (known.regimes == regime)]):
                mine = (known.metrics == one) & (known.regimes == regime) & (names == name)
                band = serving_band(metric=one, regime=regime, without=name, by=by)
                factors = np.exp(known.values[mine])
                inside[mine] = (factors >= band.low) & (factors <= band.high)
    counted = np.isin(known.metrics, (metric,) if metric else TIMED)
    return float(inside[counted].mean()) if counted.any() else math.nan
