"""What a power at the meter feeds while runs step: a number of accelerators, or a cap for a given number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gigawatt.chain.machine.quantities import affordable, design_power, spare_power_of
from gigawatt.chain.registry import training
from gigawatt.chain.training.quantities import POWER
from gigawatt.chain.training.reliability import cluster_of
from gigawatt.chain.training.sizes import Fit, Sizes
from gigawatt.chain.training.terms import RunTerms
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.quantities import several, show
from gigawatt.machine import Chip, Cluster
from gigawatt.machine.clocks import clock_model, least_cap
from gigawatt.performance import Stack, StepTable, capped, capped_search
from gigawatt.workload import Architecture

__all__ = ["Held", "Trial", "cap_within", "count_within", "drawn", "machine_count"]

_TRIED, _TOP, _HALVINGS, _ABOVE, _QUICKER = 12, 10, 24, 1.001, 0.999
"""Counts tried at most, layouts that a cap is found for, halvings of the caps; how far above the least cap a
chip still works; of its time, a run with more accelerators takes at most this much, or they are spare."""


def drawn(
    table: StepTable, cluster: Cluster, count: int, step_time: float | None = None, runs: int = 1
) -> float:
    """IT power of ``count`` accelerators, ``runs`` clusters of which step in the first layout [W].

    Node, network and the idle power of the spare ones with it; at another ``step_time`` [s] the energy of
    what is always on is that of the longer step.
    """
    computed = float(table.step_time[0])
    seconds = computed if step_time is None else step_time
    joules = {name: float(values[0]) for name, values in table.energy.items()}
    steady = sum(joules.get(name, 0.0) for name in ("idle", "node", "network"))
    energy = sum(joules.values()) + steady * (seconds / computed - 1.0)
    return runs * energy / seconds + spare_power_of(cluster, count - runs * cluster.count, count)


@dataclass(frozen=True)
class Trial:
    """A run on any number of accelerators: ``runs`` of them side by side, ``step_time`` [s] where given."""

    terms: RunTerms
    runs: int = 1
    step_time: float | None = None
    sizes: dict[float | None, Sizes] = field(default_factory=dict, compare=False, repr=False)

    def fit(self, count: int, cap: float | None = None) -> Fit:
        """What one run of a campus of ``count`` uses of its share, held to ``cap`` [W]."""
        return self.sizes_of(replace(self.terms, cap=cap)).best(max(count // self.runs, 1))

    def sizes_of(self, terms: RunTerms) -> Sizes:
        """Sizes of these terms: those that are known where they are this run's under a cap."""
        if terms != replace(self.terms, cap=terms.cap):
            return Sizes(terms)
        return self.sizes.setdefault(terms.cap, Sizes(terms))

    def layouts(self, fit: Fit, cap: float | None) -> StepTable:
        """The quickest layouts of the part of a fit."""
        terms = self.terms
        return capped_search(
            fit.run, fit.cluster, terms.stack, terms.fixed, top=_TOP, widen=terms.widen, cap=cap
        ).best

    def power(self, fit: Fit, count: int, table: StepTable | None = None) -> float:
        """IT power of a campus of ``count`` while its runs step [W]."""
        best = fit.search.best if table is None else table
        return drawn(best, fit.cluster, count, self.step_time, self.runs)


@dataclass(frozen=True)
class Held:
    """``cap`` [W] of an accelerator with which a number of them keeps a power, ``notices`` about it."""

    cap: float | None
    notices: tuple[str, ...] = ()


def count_within(trial: Trial, limit: float, *, pue_peak: float, cap: float | None = None) -> int:
    """Most accelerators, in round numbers, whose steps draw at most ``limit`` [W] in the hottest hour; or 0.

    What one that trains draws depends on how many there are: from those that the limit feeds at their own
    power limit, the number is what it feeds at the power of the step of the number before, until one comes
    back, or until more would only be spare: where they make a run no quicker, or one uses less than half.
    """
    each = design_power(trial.terms.chip, trial.terms.options, cap)
    node = trial.terms.cluster(trial.runs)[0].node
    best = count = affordable(limit, each, pue_peak, trial.runs, node)
    known, quickest = set[int](), math.inf
    while count and count not in known and len(known) < _TRIED:
        known.add(count)
        try:
            fit = trial.fit(count, cap)
        except GigawattError:
            break  # no layout: the search of the number that is taken says so
        if fit.seconds > _QUICKER * quickest and count > best:
            break
        quickest = min(quickest, fit.seconds)
        if trial.power(fit, count) * pue_peak <= limit:
            best = max(best, count)
            if 2 * fit.used < count // trial.runs:
                break
        full = drawn(fit.search.best, fit.cluster, fit.used, trial.step_time)
        each = (full - node.overhead_power * node.empty(fit.used)) / fit.used
        count = affordable(limit, each, pue_peak, trial.runs, node)
    return best


def cap_within(trial: Trial, count: int, limit: float, *, pue_peak: float, cap: float | None = None) -> Held:
    """The cap with which the steps of ``count`` accelerators draw ``limit`` [W] in the hottest hour.

    The given ``cap`` [W] where it is enough.

    Raises
    ------
    InfeasibleError
        No cap is low enough: says how many accelerators fit.
    """
    whole = trial.power(trial.fit(count, cap), count) * pue_peak
    most = count_within(trial, limit, pue_peak=pue_peak, cap=cap)
    feeds = f"{show(limit, 'MW')} feeds {several(most, 'accelerator')}"
    if whole <= limit:
        return Held(cap, (feeds,) if most > count else ())
    part = trial.fit(count)
    free = trial.layouts(part, None)
    chip = trial.terms.chip
    least = _ABOVE * least_cap(clock_model(chip))

    def needed(watts: float) -> float:
        held = capped(free, part.cluster, watts)
        quickest = held.take(np.array([int(np.argmin(held.step_time))]))
        return trial.power(part, count, quickest) * pue_peak

    if needed(least) > limit:
        raise InfeasibleError(
            f"{several(count, 'accelerator')} {'needs' if count == 1 else 'need'} {show(whole, 'MW')} at "
            "the meter in the hottest hour (PUE "
            f"{pue_peak:.3g}), more than any power cap can save",
            key="power",
            given=show(limit, "MW"),
            allowed=f"at most {several(most, 'accelerator')}, or {show(needed(least), 'MW')} with the least "
            f"cap of {show(least, 'W', 3)}",
        )
    low, high = least, chip.power_limit if cap is None else cap
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if needed(middle) > limit else (middle, high)
    for _ in range(_TRIED):  # a new search may find a layout that is quicker under the cap, and draws more
        over = (trial.power(trial.fit(count, low), count) - limit / pue_peak) / count
        if over <= 0.0:
            break
        low = max(least, low - _ABOVE * over)
    held = f"a cap of {show(cap, 'W')}" if cap is not None else "their own limit"
    return Held(low, (f"{feeds} with {held}: all {count:,} fit with a cap of {show(low, 'W', 3)} each",))


@training("machine.trial", "", rows=POWER)
def trial(
    model_architecture: Architecture,
    training_tokens: float,
    training_sequence: int,
    training_global_batch: tuple[str, float],
    training_batch_held: bool,
    training_number_format: str,
    training_optimizer: str,
    training_adapters: int | None,
    training_runs_given: int,
    training_overhead: float,
    machine_chip: Chip,
    machine_options: Mapping[str, Any],
    software_stack: Stack,
    layout_fixed: Mapping[str, int],
    layout_widen: tuple[str, ...],
    scenario_year: int,
) -> Trial:
    """The run on any number of accelerators, to size them by what their steps draw.

    Terms as given, or chosen by default.
    """
    terms = RunTerms(
        architecture=model_architecture, tokens=training_tokens, sequence=training_sequence,
        batch=training_global_batch, batch_held=training_batch_held, number_format=training_number_format,
        optimizer=training_optimizer, chip=machine_chip, options=machine_options, stack=software_stack,
        fixed=layout_fixed, widen=layout_widen, cap=None, year=scenario_year,
        reliability=cluster_of(machine_chip.id), overhead=training_overhead, adapters=training_adapters or 0,
    )  # fmt: skip
    return Trial(terms, max(training_runs_given, 1))


@training("machine.sized", "", rows=POWER)
def sized(machine_trial: Trial) -> Trial:
    """The run by which accelerators are sized.

    As computed.
    """
    return machine_trial


@training("machine.sized", "", given=("training.step_time",), rows=POWER)
def sized_by_step_time(machine_trial: Trial, training_step_time: float) -> Trial:
    """The run by which accelerators are sized.

    At the step time that is given.
    """
    return replace(machine_trial, step_time=training_step_time)


@training("machine.held", "")
def held(machine_power_cap: float | None) -> Held:
    """The power cap, where it is given.

    As given.
    """
    return Held(machine_power_cap)


@training("machine.held", "", given=("machine.power",), rows=POWER)
def held_by_power(
    machine_sized: Trial,
    machine_size: Mapping[str, Any],
    machine_power_cap: float | None,
    machine_pue_peak: float,
    site_oversubscription: float | None,
) -> Held:
    """The power cap: as given, or what keeps a given number within the given power while they step.

    Bisection: IT power of the step under the cap × PUE of the hottest hour = the given power × (1 +
    oversubscription).
    """
    count, limit = machine_size["count"], machine_size["power"] * (1.0 + (site_oversubscription or 0.0))
    if count is None or count < machine_sized.runs:
        return Held(machine_power_cap)
    return cap_within(machine_sized, count, limit, pue_peak=machine_pue_peak, cap=machine_power_cap)


@training("machine.cap", "", rows=POWER)
def machine_cap(machine_held: Held) -> float | None:
    """Largest power of one accelerator, where it is held to less than its own limit [W].

    The cap that is given; where a number of accelerators is given with a power, the cap with which their
    steps draw that power in the hottest hour, if that is less.
    """
    return machine_held.cap


@training("machine.count", "1")
def count_given(machine_size: Mapping[str, Any], training_runs_given: int) -> int:
    """Accelerators of the campus.

    As given.
    """
    count, runs = int(machine_size["count"]), max(training_runs_given, 1)
    if count < runs:
        raise InputError(
            "more runs than accelerators", key="training.runs", given=runs, allowed=f"at most {count}"
        )
    return count


@training("machine.count", "1", given=("machine.power",), rows=POWER)
def machine_count(
    machine_size: Mapping[str, Any],
    training_runs_given: int,
    machine_sized: Trial,
    machine_cap: float | None,
    machine_pue_peak: float,
    site_oversubscription: float | None,
) -> int:
    """Accelerators of the campus.

    As given; or as many as draw the facility power while they step, in the hottest hour, rounded down for
    each run to a number with at most four significant binary digits, so that parallel degrees can divide it.
    Oversubscribed, as many as draw so much more.
    """
    if machine_size["count"] is not None:
        return count_given(machine_size, training_runs_given)
    limit = machine_size["power"] * (1.0 + (site_oversubscription or 0.0))
    count = count_within(machine_sized, limit, pue_peak=machine_pue_peak, cap=machine_cap)
    if not count:
        terms = machine_sized.terms
        least = design_power(terms.chip, terms.options, machine_cap) * machine_pue_peak
        raise InputError(
            "the power is too small for one accelerator per run",
            key="machine.power",
            given=f"{limit / 1e6:.4g} MW",
            allowed=f"at least {least * machine_sized.runs / 1e6:.4g} MW",
        )
    return count
