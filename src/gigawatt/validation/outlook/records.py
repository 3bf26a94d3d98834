"""Hindcasts of AI records from 2015 on, and the replay of a forecast of electricity that was too sure of
itself."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gigawatt.catalog import entity
from gigawatt.outlook.forecasts.growth import fit_growth
from gigawatt.outlook.forecasts.records import record_hindcast

__all__ = ["above", "above_lbnl", "mean"]

_DRAWS, _SEED = 100_000, 2016


def above(name: str, until: int, years: int, ratio: float) -> float:
    """Probability that a series fitted to ``until`` is more than ``ratio`` times its last value ``years``
    later."""
    rng = np.random.Generator(np.random.Philox(_SEED))
    ahead = fit_growth(name, until).sample(rng, _DRAWS, years)[:, -1]
    return float((ahead > np.log(ratio)).mean())


@lru_cache(maxsize=8)
def mean(series: str, score: str, model: str) -> float:
    """Mean ``covered``, ``width`` or ``crps`` of a model's hindcasts of a series."""
    return record_hindcast(series).mean(score, model)


def above_lbnl(last: str) -> float:
    """Probability that LBNL's forecast of 2016, replayed from data to 2014, leaves above what came.

    ``last``: ``actual`` counts the growth from the series' own last value, ``on_its_basis`` from that.
    """
    row = entity("hindcast_published", "lbnl-2016")
    own = fit_growth("us_lbnl_2016", 2014).last_value
    base = own if last == "actual" else row.value(last)
    return above("us_lbnl_2016", 2014, 4, row.value("actual") / base)
