"""What a power at the meter feeds while runs step: a number of accelerators, or a cap for a given number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gigawatt.chain.machine import affordable, design_power
from gigawatt.chain.registry import training
from gigawatt.chain.training.quantities import POWER, training_run
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.evidence import Assumption
from gigawatt.core.quantities import show
from gigawatt.machine import Chip, Cluster, build_cluster
from gigawatt.machine.clocks import clock_model, least_cap
from gigawatt.performance import Stack, StepTable, TrainingRun, capped, capped_search
from gigawatt.workload import Architecture

__all__ = ["Fit", "Trial", "cap_within", "count_within", "machine_count"]

_TRIED, _TOP, _HALVINGS, _ABOVE = 12, 10, 24, 1.001
"""Counts tried at most, layouts that a cap is found for, halvings of the caps; how far above the least cap a
chip still works."""


@dataclass(frozen=True)
class Trial:
    """A run on any number of accelerators: ``runs`` of them side by side, ``step_time`` [s] where given."""

    architecture: Architecture
    tokens: float
    sequence: int
    batch: tuple[str, float]
    number_format: str
    optimizer: str
    chip: Chip
    options: Mapping[str, Any]
    stack: Stack
    fixed: Mapping[str, int]
    widen: tuple[str, ...]
    runs: int = 1
    step_time: float | None = None

    def cluster(self, count: int) -> tuple[Cluster, tuple[Assumption, ...]]:
        """(the cluster of one run of a campus of ``count``, its assumptions)."""
        return build_cluster(chip=self.chip, count=count // self.runs, **self.options)

    def run(self, count: int) -> TrainingRun:
        """One run of them: a batch in tokens is rounded so that degrees can divide it."""
        return training_run(
            self.architecture, self.tokens, self.sequence, self.batch, self.number_format, self.optimizer,
            count, self.runs,
        )  # fmt: skip

    def best(self, count: int, cap: float | None = None, top: int = 1) -> StepTable:
        """The quickest layouts of one run."""
        cluster = self.cluster(count)[0]
        return capped_search(
            self.run(count), cluster, self.stack, dict(self.fixed), top=top, widen=self.widen, cap=cap
        ).best

    def drawn(self, table: StepTable, count: int) -> float:
        """IT power of one accelerator in a step of the first layout, node and network with it [W]."""
        computed = float(table.step_time[0])
        step_time = computed if self.step_time is None else self.step_time
        joules = {name: float(values[0]) for name, values in table.energy.items()}
        steady = sum(joules.get(name, 0.0) for name in ("idle", "node", "network"))
        energy = sum(joules.values()) + steady * (step_time / computed - 1.0)
        return energy / step_time / (count // self.runs)


@dataclass(frozen=True)
class Fit:
    """``cap`` [W] of an accelerator with which a number of them keeps a power, ``notices`` about it."""

    cap: float | None
    notices: tuple[str, ...] = ()


def count_within(trial: Trial, limit: float, *, pue_peak: float, cap: float | None = None) -> int:
    """Most accelerators, in round numbers, whose steps draw at most ``limit`` [W] in the hottest hour; or 0.

    What one draws depends on how many there are: from those that the limit feeds at their own power limit,
    the number is what it feeds at the power of the step of the number before, until one comes back.
    """
    each = design_power(trial.chip, trial.options, cap)
    best = count = affordable(limit, each, pue_peak, trial.runs)
    known: set[int] = set()
    while count and count not in known and len(known) < _TRIED:
        known.add(count)
        try:
            each = trial.drawn(trial.best(count, cap), count)
        except GigawattError:
            break  # no layout: the search of the number that is taken says so
        if each * count * pue_peak <= limit:
            best = max(best, count)
        count = affordable(limit, each, pue_peak, trial.runs)
    return best


def cap_within(trial: Trial, count: int, limit: float, *, pue_peak: float, cap: float | None = None) -> Fit:
    """The cap with which the steps of ``count`` accelerators draw ``limit`` [W] in the hottest hour.

    The given ``cap`` [W] where it is enough.

    Raises
    ------
    InfeasibleError
        No cap is low enough: says how many accelerators fit.
    """
    table = trial.best(count, cap, _TOP)
    whole = trial.drawn(table, count) * count * pue_peak
    most = count_within(trial, limit, pue_peak=pue_peak, cap=cap)
    feeds = f"{show(limit, 'MW')} feeds {most:,} accelerators"
    if whole <= limit:
        return Fit(cap, (feeds,) if most > count else ())
    cluster = trial.cluster(count)[0]
    free = table if cap is None else trial.best(count, None, _TOP)
    least = _ABOVE * least_cap(clock_model(trial.chip))

    def needed(watts: float) -> float:
        held = capped(free, cluster, watts)
        return trial.drawn(held.take(np.array([int(np.argmin(held.step_time))])), count) * count * pue_peak

    if needed(least) > limit:
        raise InfeasibleError(
            f"{count} accelerators need {show(whole, 'MW')} at the meter in the hottest hour (PUE "
            f"{pue_peak:.3g}), more than any power cap can save",
            key="power",
            given=show(limit, "MW"),
            allowed=f"at most {most} accelerators, or {show(needed(least), 'MW')} with the least cap of "
            f"{show(least, 'W', 3)}",
        )
    low, high = least, trial.chip.power_limit if cap is None else cap
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if needed(middle) > limit else (middle, high)
    for _ in range(_TRIED):  # a new search may find a layout that is quicker under the cap, and draws more
        over = trial.drawn(trial.best(count, low), count) - limit / (count * pue_peak)
        if over <= 0.0:
            break
        low = max(least, low - _ABOVE * over)
    held = f"a cap of {show(cap, 'W')}" if cap is not None else "their own limit"
    return Fit(low, (f"{feeds} with {held}: all {count:,} fit with a cap of {show(low, 'W', 3)} each",))


@training("machine.trial", "", rows=POWER)
def trial(
    model_architecture: Architecture,
    training_tokens: float,
    training_sequence: int,
    training_global_batch: tuple[str, float],
    training_number_format: str,
    training_optimizer: str,
    training_runs: int,
    machine_chip: Chip,
    machine_options: Mapping[str, Any],
    machine_stack: Stack,
    layout_fixed: Mapping[str, int],
    layout_widen: tuple[str, ...],
) -> Trial:
    """The run on any number of accelerators, to size them by what their steps draw."""
    return Trial(
        architecture=model_architecture, tokens=training_tokens, sequence=training_sequence,
        batch=training_global_batch, number_format=training_number_format, optimizer=training_optimizer,
        chip=machine_chip, options=machine_options, stack=machine_stack, fixed=layout_fixed,
        widen=layout_widen, runs=training_runs,
    )  # fmt: skip


@training("machine.sized", "", rows=POWER)
def sized(machine_trial: Trial) -> Trial:
    """The run by which accelerators are sized: as computed."""
    return machine_trial


@training("machine.sized", "", given=("training.step_time",), rows=POWER)
def sized_by_step_time(machine_trial: Trial, training_step_time: float) -> Trial:
    """The run by which accelerators are sized: at the step time that is given."""
    return replace(machine_trial, step_time=training_step_time)


@training("machine.fit", "")
def fit(machine_power_cap: float | None) -> Fit:
    """The power cap, where it is given."""
    return Fit(machine_power_cap)


@training("machine.fit", "", given=("machine.power",), rows=POWER)
def fit_of_power(
    machine_sized: Trial,
    machine_size: Mapping[str, Any],
    machine_power_cap: float | None,
    machine_pue_peak: float,
) -> Fit:
    """The power cap: as given, or what keeps a given number within the given power while they step."""
    count, limit = machine_size["count"], machine_size["power"]
    if count is None or count % machine_sized.runs:
        return Fit(machine_power_cap)
    return cap_within(machine_sized, count, limit, pue_peak=machine_pue_peak, cap=machine_power_cap)


@training("machine.cap", "", rows=POWER)
def machine_cap(machine_fit: Fit) -> float | None:
    """Largest power of one accelerator, where it is held to less than its own limit [W].

    The cap that is given; where a number of accelerators is given with a power, the cap with which their
    steps draw that power in the hottest hour, if that is less.
    """
    return machine_fit.cap


@training("machine.count", "1")
def count_given(machine_size: Mapping[str, Any], training_runs: int) -> int:
    """Accelerators of the campus.

    As given.
    """
    count = int(machine_size["count"])
    if count % training_runs:
        raise InputError(
            "the number of runs does not divide the accelerators",
            key="training.runs",
            given=training_runs,
            allowed=f"a divisor of {count}",
        )
    return count


@training("machine.count", "1", given=("machine.power",), rows=POWER)
def machine_count(
    machine_size: Mapping[str, Any],
    training_runs: int,
    machine_sized: Trial,
    machine_cap: float | None,
    machine_pue_peak: float,
) -> int:
    """Accelerators of the campus.

    As given; or as many as draw the facility power while they step, in the hottest hour, rounded down for
    each run to a number with at most four significant binary digits, so that parallel degrees can divide it.
    """
    if machine_size["count"] is not None:
        return count_given(machine_size, training_runs)
    limit = machine_size["power"]
    count = count_within(machine_sized, limit, pue_peak=machine_pue_peak, cap=machine_cap)
    if not count:
        least = design_power(machine_sized.chip, machine_sized.options, machine_cap) * machine_pue_peak
        raise InputError(
            "the power is too small for one accelerator per run",
            key="machine.power",
            given=f"{limit / 1e6:.4g} MW",
            allowed=f"at least {least * training_runs / 1e6:.4g} MW",
        )
    return count
