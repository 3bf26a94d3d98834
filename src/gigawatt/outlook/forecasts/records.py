"""Hindcasts of AI records: each year's origin from 2015 on, with what was known then, beside two plain
models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts.growth import fit_growth
from gigawatt.outlook.forecasts.hindcast import LEVEL
from gigawatt.outlook.forecasts.scores import crps_ensemble, crps_student_t
from gigawatt.outlook.forecasts.walks import random_walk, steps, trend_line
from gigawatt.outlook.series import record, rule

__all__ = ["RecordHindcast", "record_hindcast"]

Array = NDArray[np.float64]

_LEAST = 4  # observations before the first origin
_TIE = 1e-9  # a record that stood still lies on the edge of its interval


@dataclass(frozen=True)
class RecordHindcast:
    """Forecasts of one record: columns ``(n,)``. Mappings have ``regimes``, ``walk`` and ``trend``.

    ``covered`` (bool as 0 and 1), ``width`` [ln] of the 90 % interval, ``crps`` [ln].
    """

    name: str
    origin: Array
    horizon: Array
    actual: Array
    covered: Mapping[str, Array]
    width: Mapping[str, Array]
    crps: Mapping[str, Array]

    def mean(self, what: str, model: str) -> float:
        """Mean of ``covered``, ``width`` or ``crps`` of ``model`` over all forecasts."""
        return float(getattr(self, what)[model].mean())


@lru_cache(maxsize=32)
def record_hindcast(name: str, draws: int = 4000, seed: int = 2026) -> RecordHindcast:
    """Hindcast a record from every origin that has four observations or more.

    Parameters
    ----------
    name : str
        One of ``series.list_records()``.
    draws, seed : int
        Of the regimes; counter-based, so that a seed gives the same scores anywhere.

    Raises
    ------
    InputError
        No such series, or too short a one.
    """
    series = record(name)
    first = rule("first_record_origin")
    origins = [int(year) for i, year in enumerate(series.years[:-1]) if year >= first and i >= _LEAST - 1]
    if not origins:
        raise InputError("too short to hindcast", key="name", given=name, allowed="five years or more")
    parts: list[tuple[Array, ...]] = []
    for origin in origins:
        known = series.years <= origin
        ahead = series.years[~known] - origin
        actual = series.values[~known] - series.values[known][-1]
        rng = np.random.Generator(np.random.Philox(key=seed, counter=origin))
        paths = fit_growth(name, origin).sample(rng, draws, int(ahead[-1]))[:, (ahead - 1).astype(int)]
        low, high = np.quantile(paths, [0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0], axis=0)
        past = steps(series.years[known], series.values[known], 0.0)
        last = {key: np.full(len(ahead), value[-1]) for key, value in vars(past).items()}
        walk = random_walk(
            drift=last["drift"], variance=last["variance"], count=last["count"], span=last["span"],
            horizon=ahead, theta=0.0,
        )  # fmt: skip
        trend = trend_line(
            value=last["value"], level=last["level"], slope=last["slope"], residual=last["residual"],
            count=last["count"], horizon=ahead,
        )  # fmt: skip
        parts.append(
            (
                np.full(len(ahead), float(origin)),
                ahead,
                actual,
                ((low - _TIE <= actual) & (actual <= high + _TIE)).astype(float),
                high - low,
                crps_ensemble(paths, actual),
                *(
                    one
                    for t in (walk, trend)
                    for one in (
                        t.covers(actual, LEVEL).astype(float),
                        t.width(LEVEL),
                        crps_student_t(actual, t.location, t.scale, t.freedom),
                    )
                ),
            )
        )
    columns = [np.concatenate([part[i] for part in parts]) for i in range(12)]
    models = ("regimes", "walk", "trend")
    return RecordHindcast(
        name=name,
        origin=columns[0],
        horizon=columns[1],
        actual=columns[2],
        covered={model: columns[3 + 3 * i] for i, model in enumerate(models)},
        width={model: columns[4 + 3 * i] for i, model in enumerate(models)},
        crps={model: columns[5 + 3 * i] for i, model in enumerate(models)},
    )
