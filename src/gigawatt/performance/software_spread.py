"""By how much what is not known of the software may move a step: draws of all flags, and each flag alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gigawatt.machine.machine import Cluster
from gigawatt.performance.layouts import Layouts, TrainingRun
from gigawatt.performance.software import Software
from gigawatt.performance.stacks import Stack
from gigawatt.performance.step import evaluate_prepared, prepare

__all__ = ["DRAWS", "Spread", "software_spread"]

DRAWS = 16
"""Draws of everything that is not known."""
TAILS = (0.05, 0.95)
"""Quantiles of the draws that the spread is between."""
LEAST = 0.005
"""Share of a step below which a flag is not worth a word."""


@dataclass(frozen=True)
class Spread:
    """Factors on the step time of a layout.

    Attributes
    ----------
    low, high : float
        5th and 95th percentile of :data:`DRAWS` draws, over the step with the likeliest flags.
    flags : mapping of flag to (mapping of value to float)
        Of each flag that matters, the factor of every value that is likely, the others held; the flag that
        moves most first.
    """

    low: float
    high: float
    flags: Mapping[str, Mapping[str, float]]

    @property
    def words(self) -> str:
        """``overlap_tensor (on 1, off 1.06), graphs (…)``."""
        return ", ".join(
            f"{flag} ({', '.join(f'{value} {factor:.3g}' for value, factor in of.items())})"
            for flag, of in self.flags.items()
        )


def software_spread(run: TrainingRun, layouts: Layouts, cluster: Cluster, stack: Stack) -> Spread | None:
    """The spread of the step time of the first of ``layouts``; ``None`` where the stack is of no software.

    Draws keep the layout: what other software would choose is a question of its own.
    """
    software: Software | None = stack.software
    if software is None:
        return None
    one = layouts.take(np.arange(1))

    def step(of: Stack) -> float:
        prepared = prepare(run, one, cluster, of)
        return float(evaluate_prepared(prepared, one, slice(None), energy=False).step_time[0])

    base = step(stack)
    found = [step(each) / base for each in software.drawn(DRAWS)]
    low, high = (float(np.quantile(found, tail)) for tail in TAILS)
    return Spread(min(low, 1.0), max(high, 1.0), _alone(software, base, step))


def _alone(software: Software, base: float, step: Callable[[Stack], float]) -> dict[str, dict[str, float]]:
    """Factors of every likely value of the flags that are not sure."""
    settings = software.settings
    found: dict[str, dict[str, float]] = {}
    for flag in software.unsure:
        factors = {
            value: step(software.stack({**settings, flag: value})) / base for value in software.shares[flag]
        }
        if max(factors.values()) - min(factors.values()) > LEAST:
            found[flag] = factors
    return dict(sorted(found.items(), key=lambda one: min(one[1].values()) - max(one[1].values())))
