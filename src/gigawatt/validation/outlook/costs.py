"""Hindcasts of technology costs: coverage by horizon, scores beside plain models, what others had of them.

The three plain models are compared with the numbers that somebody else's program gave from the same rows.
Means are over technologies' means there (every technology counts the same); ours are given both ways.
"""

from __future__ import annotations

from functools import lru_cache

from gigawatt.outlook.forecasts.hindcast import BINS, Score, cost_hindcast

__all__ = ["OURS", "hindcast_scores", "score"]

OURS = "conformal"
_PLAIN = ("trend", "moore", "wright")


@lru_cache(maxsize=32)
def score(model: str, low: int = 0, high: int = 0) -> Score:
    """The score of a model's hindcasts of costs, of horizons from ``low`` to ``high`` years or of all."""
    done = cost_hindcast(1)
    return done.score(model, (low, high)) if high else done.score(model)


def hindcast_scores() -> dict[str, tuple[Score, Score]]:
    """(over all forecasts, over those of the longest horizons) of the plain models and of ours, by model."""
    done = cost_hindcast(1)
    return {name: (done.score(name), done.score(name, BINS[-1])) for name in (*_PLAIN, OURS)}
