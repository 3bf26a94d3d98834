"""The model errors that `gigawatt run` draws, beside errors that they had not seen.

Each residual (measured over predicted, by a fit without its maker) is put into the distribution that is
drawn from the band of all other makers: does the band hold 90 %, are the quantiles of residuals uniform
(probability integral transform, PIT), how sharp is the distribution (continuous ranked probability score,
CRPS)? Rows of a maker weigh together as much as its first
:data:`~gigawatt.validation.training.band.MOST` rows.

References
----------
Gneiting, Balabdaoui, Raftery (2007), "Probabilistic forecasts, calibration and sharpness", J. Royal
Statistical Society B 69(2): PIT and sharpness. Gneiting, Raftery (2007), J. American Statistical Association
102: CRPS as the mean pinball loss over all quantiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.chain.uncertainty.draws import LARGEST
from gigawatt.chain.uncertainty.factors import ModelError
from gigawatt.core.errors import InputError
from gigawatt.validation.card import Card, Group, Summary
from gigawatt.validation.chain import band as chain
from gigawatt.validation.files import Refusals
from gigawatt.validation.serving import bands as serving
from gigawatt.validation.training import band as training

__all__ = ["DECILES", "Calibration", "Residual", "calibration_of", "residuals", "uncertainty_card"]

Array = NDArray[np.float64]
DECILES = 10
"""Parts of the PIT histogram."""
_QUANTILES = 199
"""Quantiles that stand for a distribution."""
_YEARS_BEFORE = 3
"""Fewest years of a market before the one that is judged."""
_STEPS = {True: "training step, framework given", False: "training step, framework not given"}
_KINDS = {
    "ttft": "time to first token", "tpot": "time per output token", "throughput": "throughput of a service",
    "watts": "watts of a service",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Residual:
    """``value`` = ln(measured / predicted) of a row of ``maker``; the band is of all others, as factors."""

    kind: str
    maker: str
    value: float
    low: float
    high: float
    middle: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What N residuals of M makers say of the distribution that is drawn.

    Attributes
    ----------
    coverage : float
        Share inside the 90 % band.
    below, above : float
        Shares below and above it; 0.05 each is calibrated.
    p_value : float
        Chance that M independent makers miss 90 % by as much or more (two-sided binomial test).
    crps, crps_point : float
        Mean CRPS of ln(measured / predicted); that of the prediction alone, which is its mean absolute error.
    pit : (10,)
        Share of residuals in each tenth of the distribution; 0.1 each is calibrated.
    """

    makers: int
    coverage: float
    below: float
    above: float
    p_value: float
    crps: float
    crps_point: float
    pit: tuple[float, ...]


def residuals() -> Iterator[Residual]:
    """Every shipped residual with the band of the makers that are not its own, or of the years before."""
    for stated, kind in _STEPS.items():
        steps = training.shipped_residuals(stated=stated)
        for maker, regime, value in zip(steps.makers, steps.regimes, steps.values, strict=True):
            band = training.prediction_band(regime=regime, stated=stated, without=maker)
            middle = training.middle_half(regime=regime, stated=stated, without=maker)
            yield Residual(kind, maker, float(value), band.low, band.high, middle)
    served = serving.shipped_residuals()
    for metric, regime, source, value in zip(
        served.metrics, served.regimes, served.sources, served.values, strict=True
    ):
        band = serving.serving_band(metric=metric, regime=regime, without=source)
        if band.groups and np.isfinite(band.high):  # two sources measured watts
            middle = serving.middle_half(metric=metric, regime=regime, without=source)
            yield Residual(_KINDS[metric], source, float(value), band.low, band.high, middle)
    for case, value in chain.whole_run_residuals():
        band = chain.whole_run_band(case)
        yield Residual("hours of a whole run", case, value, band.low, band.high)
    yield from _market_years()


def _market_years() -> Iterator[Residual]:
    """Mean price of a market in a year, over that of the year before; the band is of the years before it.

    It is the range by which the row ``level`` of a market is drawn: its cheapest and dearest year.
    """
    for market, row in catalog.table("grids_hours").items():
        means = sorted((one.year, one.value) for one in row.numbers.get("price", ()) if one.year is not None)
        for at in range(_YEARS_BEFORE, len(means)):
            before = [mean for _, mean in means[:at]]
            yield Residual(
                "mean price of a market year",
                market,
                math.log(means[at][1] / before[-1]),
                min(before) / before[-1],
                max(before) / before[-1],
            )


def calibration_of(rows: list[Residual], most: int = training.MOST) -> Calibration:
    """How the errors of some rows lie in the distributions that their bands stand for.

    Parameters
    ----------
    rows : list
        At least one.
    most : int
        Rows of a maker that add to its weight.

    Raises
    ------
    InputError
        No rows.
    """
    from scipy.stats import binomtest

    if not rows:
        raise InputError("nothing to calibrate with", key="rows", given=0, allowed="one residual or more")
    makers = np.array([row.maker for row in rows], dtype=object)
    weight, shares = np.empty(len(rows)), list[float]()
    value, low, high = np.array([(row.value, np.log(row.low), np.log(row.high)) for row in rows]).T
    inside = (low <= value) & (value <= high)
    for maker in dict.fromkeys(makers):
        mine = makers == maker
        weight[mine] = min(int(mine.sum()), most) / mine.sum()
        shares.append(float(inside[mine].mean()))
    weight /= weight.sum()
    pit, crps = np.array([_scores(row) for row in rows]).T
    count = len(shares)
    held = float(weight @ inside)
    return Calibration(
        count,
        held,
        float(weight @ (value < low)),
        float(weight @ (value > high)),
        float(binomtest(round(held * count), count, training.COVERAGE).pvalue),
        float(weight @ crps),
        float(weight @ np.abs(value)),
        tuple(float(one) for one in np.histogram(pit, DECILES, (0.0, 1.0), weights=weight)[0]),
    )


def _scores(row: Residual) -> tuple[float, float]:
    """(PIT, CRPS) of a residual in the distribution that is drawn from its band."""
    from scipy.special import ndtri

    at = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    error = ModelError("", "", row.low, row.high, {}, row.middle)
    drawn = np.log([error.at(z) for z in np.clip(ndtri(at), -LARGEST, LARGEST)])
    pinball = np.where(row.value < drawn, 1.0 - at, -at) * (drawn - row.value)
    below, even = np.mean(drawn < row.value), np.mean(drawn == row.value)
    return float(below + 0.5 * even), 2.0 * float(np.mean(pinball))


def uncertainty_card(file: Path | None, progress: Callable[[int, int], None]) -> Card:
    """The scorecard of the bands: coverage, PIT and CRPS by what is predicted.

    Raises
    ------
    InputError
        A file of rows: the residuals are written by the scorecards of training, serving and the chain.
    """
    if file is not None:
        raise InputError(
            "this scorecard takes no rows", key="--rows", given=str(file),
            allowed="`gigawatt validate uncertainty` alone: its rows are residuals of the other scorecards",
        )  # fmt: skip
    found = list(residuals())
    kinds = list(dict.fromkeys(row.kind for row in found))
    groups: list[Group] = []
    histogram: list[dict[str, Any]] = []
    for done, kind in enumerate(kinds):
        progress(done, len(kinds))
        mine = [row for row in found if row.kind == kind]
        one = calibration_of(mine)
        groups.append(
            Group(kind, _summary(mine, one.coverage), {
                "makers": one.makers, "below5": one.below, "above95": one.above, "p_value": one.p_value,
                "crps": one.crps, "crps_point": one.crps_point,
            })
        )  # fmt: skip
        histogram.append({"kind": kind} | {f"to_{10 * (k + 1)}": one.pit[k] for k in range(DECILES)})
    progress(len(kinds), len(kinds))
    whole = calibration_of(found)
    return Card(
        table="uncertainty",
        rows=len(found),
        predicted=len(found),
        refusals=Refusals(),
        parameters_fitted=None,
        overall=_summary(found, whole.coverage),
        groups=tuple(groups),
        more={"pit": histogram},
        titles={"pit": "Share of the errors in each tenth of their distribution, 10 % each where calibrated"},
        notes=(
            "Bands and predictions of a row have not seen its maker; a maker counts with at most "
            f"{training.MOST} rows. below5, above95: shares beyond the 5 and 95 %. p_value: of that many "
            "independent makers, 90 % inside. crps: of ln(measured / predicted); crps_point: that of the "
            "prediction without a band.",
        ),
    )  # fmt: skip


def _summary(rows: list[Residual], coverage: float) -> Summary:
    """Errors of the predictions, every row alike; the coverage with makers' weights."""
    errors = Summary.of(np.exp([-row.value for row in rows]), np.ones(len(rows)))
    return Summary(errors.n, errors.mape, errors.median_ape, errors.p90_ape, errors.bias, coverage)
