"""A whole run drawn many times: how many days, how many interruptions, with a band.

The same renewal process as the closed form (Daly 2006): work is done in intervals that each end with a
checkpoint; an attempt is cut short with probability 1 − exp(−(τ + δ)/M) and then costs a truncated
exponential time and a restart that may fail itself. All draws are arrays; the mean of the draws tends to
the closed form, which a test holds it to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.performance.reliability.failures import Uncertain, restart_time
from gigawatt.performance.reliability.goodput import goodput

__all__ = ["Reliability", "RunBand", "reliability_of", "run_days"]

Array = NDArray[np.float64]

#: Quantiles of a 90 % band and the median.
QUANTILES = (0.05, 0.5, 0.95)

#: Lost attempts are drawn one by one up to this many, by their normal limit above.
_EXACT = 4_000_000

#: Where more failures are expected their mean stands for the draw: the run never ends.
_MANY = 1e12


@dataclass(frozen=True, slots=True)
class Reliability:
    """What a run may expect, each with its range.

    ``failure_rate`` [1/s per accelerator], ``checkpoint_time``, ``restart_time``, ``lag`` [s],
    ``planned_rate`` [1/s of the machine], ``straggler`` and ``evaluation`` as shares.
    """

    failure_rate: Uncertain
    checkpoint_time: Uncertain
    restart_time: Uncertain
    straggler: Uncertain
    planned_rate: Uncertain
    evaluation: Uncertain
    lag: Uncertain = field(default_factory=lambda: Uncertain(0.0, 0.0, 0.0))

    def draw(self, rng: np.random.Generator, draws: int, *, fixed: bool = False) -> dict[str, Array]:
        """Independent draws of every quantity by name, the two shares as odds (lost over kept time).

        ``fixed``: the middle values instead.
        """
        drawn: dict[str, Array] = {}
        for part in fields(self):
            what: Uncertain = getattr(self, part.name)
            what = what.odds() if part.name in ("straggler", "evaluation") else what
            normal = np.zeros(draws) if fixed else rng.standard_normal(draws)
            drawn[part.name] = what.draw(normal)
        return drawn

    def values(self) -> dict[str, float]:
        """The middle values by name: keywords of :func:`gigawatt.performance.reliability.goodput.goodput`."""
        return {part.name: getattr(self, part.name).value for part in fields(self)}


@dataclass(frozen=True, slots=True)
class RunBand:
    """Draws of a run and their band.

    Arrays of one entry a draw: ``wall`` [s]; unexpected ``interruptions``; ``effective``, the share of wall
    time spent in steps that are kept, as published (a step that waits for a slow node counts in full). The
    properties give (5 %, 50 %, 95 %). ``expected`` [s] is the closed form at the middle values.
    """

    wall: Array
    interruptions: Array
    effective: Array
    expected: float

    @property
    def days(self) -> tuple[float, float, float]:
        """5, 50 and 95 % of the days on the clock."""
        return _band(self.wall / 86400.0)

    @property
    def interruption_band(self) -> tuple[float, float, float]:
        """5, 50 and 95 % of the unexpected interruptions."""
        return _band(self.interruptions)

    @property
    def effective_band(self) -> tuple[float, float, float]:
        """5, 50 and 95 % of the effective share of time."""
        return _band(self.effective)


def _band(draws: Array) -> tuple[float, float, float]:
    low, middle, high = (float(q) for q in np.quantile(draws, QUANTILES))
    return low, middle, high


def reliability_of(
    cluster: str,
    *,
    accelerators: float,
    checkpoint_time: Uncertain | None = None,
    lag: Uncertain | None = None,
) -> Reliability:
    """Reliability of a cluster of the catalog at a size.

    Parameters
    ----------
    cluster : str
        ``large-cluster`` (nobody measured it) or a measured one such as ``llama3-h100``.
    accelerators : float > 0
        The restart time grows with it.
    checkpoint_time, lag : Uncertain [s], optional
        Of this model and storage (:func:`~.failures.checkpoint_times`); the cluster's
        row and 0 if left out.
    """
    row, plain = entity("reliability", cluster), entity("reliability", "large-cluster")

    def of(name: str) -> Uncertain:
        return Uncertain.of((row if name in row.numbers else plain).evidence(name))

    return Reliability(
        failure_rate=of("failure_rate"),
        checkpoint_time=checkpoint_time or of("checkpoint_time"),
        restart_time=restart_time(accelerators=accelerators),
        straggler=of("straggler"),
        planned_rate=of("planned_rate"),
        evaluation=of("evaluation"),
        lag=lag or Uncertain(0.0, 0.0, 0.0),
    )


def run_days(
    *,
    work: float,
    accelerators: float,
    reliability: Reliability,
    draws: int = 4000,
    seed: int = 0,
    fixed: bool = False,
) -> RunBand:
    """Time on the clock of a run, drawn with uncertain rates and times.

    Parameters
    ----------
    work : float [s]
        Time of the run without any loss: steps · step time.
    accelerators : float
        That fail independently.
    reliability : Reliability
        With ranges; the checkpoint interval is Daly's for the middle values, as a planner would set it.
    draws, seed : int
        Number of runs drawn; the same seed gives the same runs.
    fixed : bool
        Draw chance alone, with rates and times at their middle values.

    Raises
    ------
    InputError
        ``work`` or ``accelerators`` not above 0, or fewer than 100 draws.
    """
    for name, value, least in (
        ("work", work, 0.0),
        ("accelerators", accelerators, 0.0),
        ("draws", draws, 99),
    ):
        if not value > least:
            raise InputError("out of range", key=name, given=value, allowed=f"above {least:g}")
    rng = np.random.default_rng(seed)
    middle = reliability.values()
    share, parts = goodput(count=accelerators, **middle)
    drawn = reliability.draw(rng, draws, fixed=fixed)
    rate = accelerators * drawn["failure_rate"]
    mean = 1.0 / np.maximum(rate, np.finfo(float).tiny)
    tau = float(min(parts["interval"], work))
    delta = drawn["checkpoint_time"]
    inside = work * (1.0 + drawn["straggler"])  # stretched by the slowest
    whole = np.ceil(inside / tau)
    span = inside / whole + delta
    attempts = np.exp(-np.minimum(span * rate, 500.0))
    failures = _failures(rng, whole, attempts)
    lost = _truncated(rng, failures, span, mean)
    recover = drawn["restart_time"] + drawn["lag"]
    again = _failures(rng, failures, np.exp(-np.minimum(recover * rate, 500.0)))
    down = failures * recover + _truncated(rng, again, recover, mean)
    running = whole * span + lost + down
    planned = drawn["planned_rate"] * running
    stops = np.where(planned < _MANY, rng.poisson(np.minimum(planned, _MANY)), planned)
    stops = stops * (delta + drawn["restart_time"])
    wall = (running + stops) * (1.0 + drawn["evaluation"])
    return RunBand(wall, failures + again, inside / wall, work / float(share))


def _failures(rng: np.random.Generator, successes: Array, chance: Array) -> Array:
    """Failed attempts before ``successes`` successes of probability ``chance``."""
    with np.errstate(over="ignore"):
        mean = successes * (1.0 - chance) / chance
    drawable = (mean > 0.0) & (mean < _MANY)
    drawn = rng.negative_binomial(np.where(drawable, successes, 1.0), np.where(drawable, chance, 0.5))
    return np.where(drawable, drawn, mean)


def _truncated(rng: np.random.Generator, counts: Array, span: Array, mean: Array) -> Array:
    """Sums of ``counts`` exponential times of mean ``mean``, each below ``span``."""
    total = int(counts.sum())
    x = span / mean
    if total == 0:
        return np.zeros_like(counts)
    if total <= _EXACT:
        owner = np.repeat(np.arange(len(counts)), counts.astype(int))
        cut = -np.expm1(-x)[owner]
        times = -np.log1p(-cut * rng.random(total)) * mean[owner]
        return np.bincount(owner, weights=times, minlength=len(counts)).astype(float)
    grown = np.expm1(np.minimum(x, 500.0))
    safe = np.where(grown > 0.0, grown, 1.0)
    each = np.where(grown > 0.0, mean - span / safe, 0.0)
    half = np.sinh(np.minimum(x, 500.0) / 2.0)
    variance = np.maximum(
        mean**2 - np.where(half > 0.0, span / np.maximum(2.0 * half, 1e-300), mean) ** 2, 0.0
    )
    drawn = counts * each + np.sqrt(counts * variance) * rng.standard_normal(len(counts))
    return np.clip(drawn, 0.0, counts * span)
