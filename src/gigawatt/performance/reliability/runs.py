"""What a run may expect of a cluster of the catalog, and draws of a run with their band."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import entity
from gigawatt.performance.reliability.failures import Uncertain, recovery_time

__all__ = ["Reliability", "RunBand", "reliability_of"]

Array = NDArray[np.float64]

#: Quantiles of a 90 % band and the median.
QUANTILES = (0.05, 0.5, 0.95)


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

    def draw(self, rng: np.random.Generator, draws: int) -> dict[str, Array]:
        """Independent draws of every quantity by name; the two shares are drawn as odds (lost over kept)."""
        drawn: dict[str, Array] = {}
        for part in fields(self):
            what: Uncertain = getattr(self, part.name)
            if part.name in ("straggler", "evaluation"):
                odds = what.odds().draw(rng.standard_normal(draws))
                drawn[part.name] = odds / (1.0 + odds)
            else:
                drawn[part.name] = what.draw(rng.standard_normal(draws))
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
        ``large-cluster`` (an average of the published) or a measured one such as ``llama3-h100``.
    accelerators : float > 0
        The restart time grows with it.
    checkpoint_time, lag : Uncertain [s], optional
        Of this model and storage; the cluster's row and 0 if left out.
    """
    row, plain = entity("reliability", cluster), entity("reliability", "large-cluster")

    def of(name: str) -> Uncertain:
        return Uncertain.of((row if name in row.numbers else plain).evidence(name))

    return Reliability(
        failure_rate=of("failure_rate"),
        checkpoint_time=checkpoint_time or of("checkpoint_time"),
        restart_time=recovery_time(accelerators=accelerators),
        straggler=of("straggler"),
        planned_rate=of("planned_rate"),
        evaluation=of("evaluation"),
        lag=lag or Uncertain(0.0, 0.0, 0.0),
    )
