"""Hindcasts of technology costs: coverage by horizon, scores beside plain models, what others had of them.

The three plain models are compared with the numbers that somebody else's program gave from the same rows.
Means are over technologies' means there (every technology counts the same); ours are given both ways.
"""

from __future__ import annotations

from gigawatt.outlook.hindcast import BINS, Score, cost_hindcast
from gigawatt.validation.check import Check
from gigawatt.validation.outlook_check import at_least, at_most, beside, published, within

__all__ = ["OURS", "checks", "hindcast_scores"]

OURS = "conformal"
_PLAIN = ("trend", "moore", "wright")
_SAME_MODEL = 0.15  # of somebody else's program on other forecasts of the same rows
_TARGET = "target of the project"


def checks(every: int = 1) -> list[Check]:
    """Coverage in each bin, both ways; CRPS against trend and walk; plain models beside the reference."""
    done = cost_hindcast(every)
    target, least = published("costs-target", "coverage"), published("costs-target", "coverage_least")
    found: list[Check] = []
    for low, high in BINS:
        score = done.score(OURS, (low, high))
        span = f"{low} y" if low == high else f"{low} to {high} y"
        for how, ours in (("forecasts", score.coverage), ("technologies", score.coverage_each)):
            what = f"coverage of 90 % intervals, {span}, mean over {how}"
            found.append(within("costs", what, ours, target))
            found.append(at_least("costs", what, ours, least.value, f"{least.source_id}, W1"))
    ours = done.score(OURS)
    for plain in ("trend", "moore"):
        other = done.score(plain)
        for how, mine, theirs in (
            ("forecasts", ours.crps, other.crps),
            ("technologies", ours.crps_each, other.crps_each),
        ):
            what = f"CRPS, mean over {how}, beside {plain}"
            found.append(at_most("costs", what, mine, theirs, _TARGET, unit="ln"))
    for plain in _PLAIN:
        far, whole = done.score(plain, BINS[-1]), done.score(plain)
        for quantity, mine in (
            ("error", whole.error_each),
            ("coverage", whole.coverage_each),
            ("coverage_far", far.coverage_each),
        ):
            what = f"{plain}, {quantity.replace('_far', ' at 9 to 20 y')}"
            row = published(f"costs-{plain}", quantity)
            found.append(beside("costs", what, mine, row, tolerance=_SAME_MODEL))
    return found


def hindcast_scores() -> dict[str, tuple[Score, Score]]:
    """(over all forecasts, over those of the longest horizons) of the plain models and of ours, by model."""
    done = cost_hindcast(1)
    return {name: (done.score(name), done.score(name, BINS[-1])) for name in (*_PLAIN, OURS)}
