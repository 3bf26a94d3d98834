"""The chain between model and layouts: what of the machine a run uses, its batch, runs side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gigawatt.chain import methods
from gigawatt.chain.machine.quantities import Machine, spare_power_of
from gigawatt.chain.registry import training
from gigawatt.chain.training.budget import Trial
from gigawatt.chain.training.size import fit_runs
from gigawatt.chain.training.sizes import Fit
from gigawatt.chain.training.terms import RunTerms
from gigawatt.machine import Chip, build_cluster
from gigawatt.machine.load import NODES, nodes_told
from gigawatt.performance import TrainingRun

__all__ = ["fit_of_rates"]


@training("training.terms", "")
def terms(machine_trial: Trial, machine_cap: float | None) -> RunTerms:
    """Terms of one run.

    As given, or chosen by default, under the power cap.
    """
    return replace(machine_trial.terms, cap=machine_cap)


@training("training.fit", "", method=methods.FIT)
def fit_of_rates(
    training_terms: RunTerms,
    machine_trial: Trial,
    machine_count: int,
    training_runs_given: int,
    training_failures: str | None,
    training_recovery: str | None,
) -> Fit:
    """Accelerators and batch of one run: those that train, those that are spare, and the runs side by side.

    The quickest of all accelerators in one layout, of the largest parts of them, and of batches beyond the
    usual one where none is given.
    """
    usual = training_terms.reliability
    named = replace(training_terms, reliability=training_failures or usual, recovery=training_recovery)
    return fit_runs(named, machine_count, training_runs_given, machine_trial.sizes_of(named))


@training("training.fit", "", given=("training.goodput",), method=methods.FIT)
def fit_of_goodput(
    training_terms: RunTerms, machine_count: int, training_runs_given: int, training_goodput: float
) -> Fit:
    """Accelerators and batch of one run at the goodput that is given.

    As from failure rates, with the same goodput on every number of accelerators.
    """
    return fit_runs(
        replace(training_terms, given_goodput=training_goodput), machine_count, training_runs_given
    )


@training("training.runs", "", rows=("runs_worth",))
def runs_side_by_side(training_fit: Fit) -> int:
    """Runs that share the campus at the same time.

    As given; or twice as many as long as that trains enough more tokens a day.
    """
    return training_fit.runs


@training("machine.used", "1")
def used(training_fit: Fit) -> int:
    """Accelerators of the campus that train.

    accelerators of one run's layout × runs
    """
    return training_fit.used * training_fit.runs


@training("machine.spare", "1")
def spare_accelerators(machine_count: int, machine_used: int) -> int:
    """Accelerators of the campus that stand by for failed nodes.

    accelerators − those that train
    """
    return machine_count - machine_used


@training("machine.spare_power", "MW", rows=("idle_power", "overhead_power", "network_power", "chips"))
def spare_power(machine_spare: int, machine_machine: Machine, machine_count: int) -> float:
    """IT power of the spare accelerators, and of empty places of the last node.

    spare accelerators × (idle power of the chip + its share of node and network) + overhead of a node ×
    share of its places that is empty
    """
    return spare_power_of(machine_machine.cluster, machine_spare, machine_count)


@training("training.run", "", rows=("batch_*",))
def training_run(training_fit: Fit) -> TrainingRun:
    """What one optimizer step computes.

    A batch in sequences is taken as it is. A batch in tokens is brought to the nearest number of
    sequences with three significant binary digits times the odd part of the accelerators, so that
    parallel degrees can divide it.
    """
    return training_fit.run


@training("training.tokens_trained", "tokens", rows=("batch_*",))
def tokens_trained(training_run: TrainingRun) -> float:
    """Tokens of one run: those that are given, and what a batch beyond the usual one costs.

    tokens × (1 + batch / critical batch) / (1 + usual batch / critical batch)
    """
    return training_run.tokens


@training("machine.machine", "", rows=("*",))
def machine(
    training_fit: Fit, machine_chip: Chip, machine_count: int, machine_options: Mapping[str, Any]
) -> Machine:
    """The accelerators that one run trains on, with their nodes and links.

    The chip's usual node and links unless the scenario names others; nodes are those of the whole campus.
    """
    cluster, told = build_cluster(chip=machine_chip, count=training_fit.used, **machine_options)
    told = (*(one for one in told if one.key != NODES), *nodes_told(cluster.node, machine_count))
    return Machine(cluster, machine_count, told)
