"""How long a run takes: the graph's duration from seconds of a step and goodput, for searches of a run."""

from __future__ import annotations

from functools import cache
from typing import Any

from gigawatt.chain.registry import CHAIN
from gigawatt.chain.training import quantities
from gigawatt.core.subgraph import Subgraph, subgraph
from gigawatt.performance import TrainingRun
from gigawatt.schema.fields import TRAINING

__all__ = ["OF_TIME", "duration_of", "lasts_by", "of_time"]

DURATION = "training.duration"
OF_TIME = ("training.step_time", "training.goodput", "training.tokens_trained", "training.tokens_per_step",
           "training.overhead", "training.kept_speed")  # fmt: skip
"""Quantities that the duration follows from."""
assert quantities.duration  # registers it


@cache
def lasts_by() -> Subgraph:
    """How long a run takes, from the seconds of a step and its goodput."""
    return subgraph(CHAIN.registered(TRAINING), OF_TIME, (DURATION,))


def of_time(run: TrainingRun, overhead: float, step_time: Any, share: Any) -> dict[str, Any]:
    """Values of :data:`OF_TIME` of a run whose steps take ``step_time`` [s] at the goodput ``share``."""
    values = (step_time, share, run.tokens, run.tokens_per_step, overhead, 1.0)
    return dict(zip(OF_TIME, values, strict=True))


def duration_of(run: TrainingRun, overhead: float, step_time: Any, share: Any) -> Any:
    """Time on the clock [s] of a run, its ``overhead`` a share of steps and failures; arrays go through."""
    return lasts_by()(of_time(run, overhead, step_time, share))[DURATION]
