"""Effective training time and failures of published clusters, by the functions that ``gigawatt run`` calls.

A run is that of its row of the catalog's ``reliability_clusters``: so many accelerators, its method of
recovery, its own failure rate where one is published, else that of its generation as any question about its
chip takes it. As published, a step that waits for a slow node counts in full.
"""

from __future__ import annotations

from gigawatt.catalog import entity
from gigawatt.chain.training.reliability import Goodput, goodput_of

__all__ = ["band", "effective", "gain", "hours_between", "rate_of"]

_RUNS = "reliability_clusters"


def _goodput(id: str, recovery: str) -> Goodput:
    row = entity(_RUNS, id)
    often = row.get("failure_rate")
    scale = 1.0 if often is None else often / rate_of(row.text("generation"))
    return goodput_of(row.text("generation"), row.value("accelerators"), failures=scale, recovery=recovery)


def effective(id: str) -> float:
    """Share of time in steps that are kept, of a published run."""
    found = _goodput(id, entity(_RUNS, id).text("recovery"))
    return found.share + found.parts["straggler"]


def gain(recovery: str, other: str, accelerators: float, generation: str) -> float:
    """Points of goodput that one method of recovery leaves more than another."""
    one, two = (goodput_of(generation, accelerators, recovery=name).share for name in (recovery, other))
    return 100.0 * (one - two)


def rate_of(generation: str) -> float:
    """Failures of a generation [1/s per accelerator]."""
    return entity("reliability", generation).value("failure_rate")


def band(generation: str) -> float:
    """How many times more or less often a cluster of a generation may fail, 90 %."""
    row = entity("reliability", generation).evidence("failure_rate")
    low, high = row.low or row.value, row.high or row.value
    return max(high / row.value, row.value / low)


def hours_between(id: str, accelerators: float) -> float:
    """Mean time to failure [h] of a job at the rate of a published cluster."""
    return 1.0 / (entity(_RUNS, id).value("failure_rate") * accelerators * 3600.0)
