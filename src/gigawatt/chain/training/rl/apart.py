"""Asynchronous rollouts: which part of the accelerators rolls out, and what the others train with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.chain import methods
from gigawatt.chain.registry import training
from gigawatt.chain.training.budget import Trial
from gigawatt.chain.training.rl.outputs import Outputs, passes_of
from gigawatt.chain.training.size import fit_runs
from gigawatt.chain.training.sizes import Fit
from gigawatt.chain.training.terms import RunTerms
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.machine import Chip, build_cluster

if TYPE_CHECKING:  # a run without rollouts does not import what serves
    from gigawatt.chain.serving.question import ServingQuestion

__all__ = ["accelerators_apart"]

ASYNCHRONOUS = "rl.mode=asynchronous"
_SHARES = 11
"""Divisions of the accelerators that are looked at."""


@training("rl.accelerators", "1")
def accelerators(rl_mode: str) -> int:
    """Accelerators of one run that roll out beside those that train.

    None where rollouts are colocated.
    """
    assert rl_mode == "colocated"
    return 0


@training("rl.accelerators", "1", given=(ASYNCHRONOUS,), method=methods.ROLLOUTS_APART)
def accelerators_apart(
    rl_mode: str,
    rl_rollout_share: float | None,
    rl_staleness: int,
    rl_replica: int | None,
    rl_epochs: int,
    rl_logprobs: str,
    rl_outputs: Outputs,
    rl_question: ServingQuestion,
    training_terms: RunTerms,
    machine_trial: Trial,
    machine_count: int,
    training_runs_given: int,
    machine_chip: Chip,
    machine_options: Mapping[str, Any],
) -> int:
    """Accelerators of one run that roll out beside those that train.

    The given share in whole nodes, or the share with which the longer of rollouts and training is shortest,
    the training's time being in inverse proportion to its accelerators.
    """
    assert rl_mode in ASYNCHRONOUS
    from gigawatt.chain.training.rl.rollouts import continuous, forward

    count = machine_count // max(training_runs_given, 1)
    whole, _ = build_cluster(chip=machine_chip, count=count, **machine_options)
    unit = whole.node.chips if count >= 2 * whole.node.chips else 1
    if count < 2 * unit:
        raise InputError("asynchronous rollouts need accelerators of their own", key="rl.mode",
                         given=f"{count} accelerators", allowed="more, or rl.mode: colocated")  # fmt: skip
    if rl_rollout_share is not None:
        return int(np.clip(round(rl_rollout_share * count / unit), 1, count // unit - 1)) * unit
    half = max(count // 2 // unit, 1) * unit
    fit = machine_trial.sizes_of(training_terms).best(half)
    updates = rl_outputs.tokens * rl_epochs / fit.run.tokens_per_step
    learning = updates * float(fit.search.best.step_time[0])
    if (number := passes_of(rl_logprobs)) > 0:
        learning += number * forward(rl_question, fit.cluster, rl_outputs, every=True).time
    best, least, wrong = (
        0,
        float("inf"),
        InfeasibleError("no division of the accelerators holds the rollouts"),
    )
    for nodes in sorted({round(x) for x in np.linspace(1, count // unit - 1, _SHARES)}):
        cluster, _ = build_cluster(chip=machine_chip, count=nodes * unit, **machine_options)
        try:
            rolling = continuous(
                rl_question, cluster, rl_outputs, staleness=rl_staleness, chips=rl_replica
            ).time
        except GigawattError as error:
            wrong = error
            continue
        time = max(rolling, learning * half / (count - nodes * unit))
        if time < least:
            best, least = nodes * unit, time
    if not best:
        raise wrong
    return best


@training("training.fit", "", given=(ASYNCHRONOUS,), method=methods.FIT)
def fit_beside_rollouts(
    training_terms: RunTerms,
    machine_trial: Trial,
    machine_count: int,
    rl_accelerators: int,
    training_runs_given: int,
    training_failures: str | None,
    training_recovery: str | None,
) -> Fit:
    """Accelerators of one run that train beside those that roll out.

    The quickest of what the rollouts leave, in one layout or in the largest parts of it.
    """
    usual = training_terms.reliability
    named = replace(training_terms, reliability=training_failures or usual, recovery=training_recovery)
    left = machine_count - rl_accelerators * max(training_runs_given, 1)
    return fit_runs(named, left, training_runs_given, machine_trial.sizes_of(named))


@training("machine.used", "1", given=(ASYNCHRONOUS,))
def used_beside_rollouts(training_fit: Fit, rl_accelerators: int) -> int:
    """Accelerators of the campus that train or roll out.

    (accelerators of one run's layout + those of its rollouts) × runs
    """
    return (training_fit.used + rl_accelerators) * training_fit.runs
