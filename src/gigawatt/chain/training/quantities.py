"""The chain, second part: model, layouts, training step, failures, power of the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gigawatt.chain import methods
from gigawatt.chain.machine.quantities import Machine
from gigawatt.chain.machine.resources import resources
from gigawatt.chain.registry import CHAIN, running, training
from gigawatt.chain.training.reliability import (
    Goodput,
    cluster_of,
    given_goodput,
    goodput_beside,
    run_band,
    share_with,
)
from gigawatt.performance import Search, Stack, StepTable, TrainingRun, capped, capped_search, evaluate
from gigawatt.performance.power import chip_power_of
from gigawatt.performance.reliability.runs import RunBand
from gigawatt.schema.fields import TRAINING
from gigawatt.workload import Architecture
from gigawatt.workload.adapters import adapted_flops_per_token

__all__ = ["POWER", "RATES"]

#: Rows of a machine that a step time depends on (prices and carbon are read elsewhere).
RATES = (
    "peak_*", "memory_*", "sram_*", "units", "bandwidth*", "latency*", "efficiency", "in_network",
    "chips", "scale_up*", "power_limit", "arithmetic", "memory", "traffic", "launch", "overlap_*", "bubble",
    "weight*", "reserve", "bucket*", "step_overhead", "score_passes", "unaligned", "dropout", "logit_bytes*",
    "dispatch_bytes", "deduplicates", "permute*", "router_kernels", "kernels", "hidden_expert", "clamped",
    "expert_passes", "cast*", "chunked", "routing_wait", "wait_share", "contention", "ring_attention",
    "expert_skew", "gradient*", "state", "update", "wire", "failure_rate", "checkpoint_*", "restart_*",
    "straggler", "host_times", "gated_copies", "kept_*", "gate_bytes", "selective_products",
    "context_copies", "gathered_layers", "narrow_weights", "fragmentation", "routed_copies", "host", "gemm_*",
    "attention*", "grouped_*",
    "sustained*", "share*", "detection", "base", "each", "coverage", "lost", "copies", "group",
    "planned_rate", "evaluation", "*_clock",
    "least_share", "boost_share", "knee_share", "voltage_slope", "clocked_idle",
)  # fmt: skip
POWER = (*RATES, "idle_power", "energy_*", "overhead_power", "network_power", "training_factor")
_FAILURES = (
    "failure_rate", "checkpoint_time", "straggler", "planned_rate", "evaluation", "detection", "base", "each",
    "coverage", "lost", "copies", "group",
)  # fmt: skip


#: How many times as much of a resource a relief has.
_TWICE = 2.0
_DAY = 86400.0


@running("model.parameters", "1")
def model_parameters(model_architecture: Architecture) -> int:
    """Parameters of the model.

    Counted from the configuration; equal to those of the reference implementation.
    """
    return model_architecture.parameters.total


@running("model.hidden", "1")
def model_hidden(model_architecture: Architecture) -> int:
    """Width of the model: what lies between its layers for a token.

    hidden_size of the configuration
    """
    return model_architecture.hidden


@running("model.active_parameters", "1")
def model_active_parameters(model_architecture: Architecture) -> int:
    """Parameters that one token uses.

    A mixture of experts uses the routed and shared experts of the token, not all.
    """
    return model_architecture.active_parameters


@training("model.flops_per_token", "GFLOP/token")
def model_flops(
    model_architecture: Architecture, training_sequence: int, training_adapters: int | None
) -> float:
    """Model FLOPs of one trained token, forward and backward.

    6 per active weight of a matrix multiplication + 12 · layers · heads · head width · sequence for
    attention, counted in full (PaLM, arXiv 2204.02311, appendix B). Of weights that are frozen beside
    adapters 4, of the adapters 6.
    """
    return adapted_flops_per_token(model_architecture, training_sequence, training_adapters or 0)


@training("model.training_flops", "FLOP")
def model_training_flops(model_flops_per_token: float, training_tokens_trained: float) -> float:
    """Model FLOPs of the whole run.

    FLOPs per token × tokens.
    """
    return model_flops_per_token * training_tokens_trained


@training("training.tokens_per_step", "tokens")
def tokens_per_step(training_run: TrainingRun) -> float:
    """Tokens of one optimizer step.

    sequences in the global batch × tokens of a sequence
    """
    return training_run.tokens_per_step


@training("layouts.search", "", rows=POWER, method=methods.LAYOUTS)
def layouts_search(
    training_run: TrainingRun,
    machine_machine: Machine,
    software_stack: Stack,
    layout_fixed: Mapping[str, int],
    layout_widen: tuple[str, ...],
    machine_cap: float | None,
    *,
    top: int = 10,
    progress: Callable[[int, int], None] | None = None,
) -> Search:
    """Every layout that divides, evaluated at once; the best of each kind that fit, under the power cap.

    tensor × pipeline × interleave × context × expert × ZeRO × micro-batch × recomputation × sequence
    parallelism, and schedule × sharding × offload where they are widened over; see gigawatt.performance. A
    kind is tensor, pipeline, context, data and expert degree, schedule and recomputation.
    """
    return capped_search(
        training_run, machine_machine.cluster, software_stack, dict(layout_fixed),
        top=top, progress=progress, widen=layout_widen, cap=machine_cap, kinds=True,
    )  # fmt: skip


@training("layouts.looked_at", "1")
def looked_at(layouts_search: Search) -> int:
    """Layouts looked at."""
    return int(layouts_search.looked_at)


@training("layouts.fit", "1")
def fit(layouts_search: Search) -> int:
    """Layouts that fit in the accelerator's memory."""
    return int(layouts_search.fit)


@training("training.step_time", "s", rows=RATES)
def step_time(layouts_search: Search) -> float:
    """Time of one optimizer step of the best layout, without failures.

    arithmetic + memory bandwidth + interconnect bandwidth + interconnect latency + pipeline bubble +
    launch overhead, each what is exposed on the critical path.
    """
    return float(layouts_search.best.step_time[0])


@training("training.mfu", "percent", rows=RATES)
def mfu(layouts_search: Search, training_step_time: float) -> float:
    """Model FLOP utilisation of a step.

    model FLOPs of a step / (step time × accelerators × dense datasheet peak of the format)
    """
    best = layouts_search.best
    return float(best.mfu[0]) * (float(best.step_time[0]) / training_step_time)


@training("training.reliability", "", rows=_FAILURES)
def reliability(
    machine_machine: Machine,
    machine_spare: int,
    training_runs: int,
    training_failures: str | None,
    training_recovery: str | None,
    scenario_year: int,
) -> Goodput:
    """Failures, checkpoints, restarts, stragglers, maintenance and evaluation of a synchronous run.

    Checkpoints at the interval that loses least (Young 1974, Daly 2006): √(2 · checkpoint time / failure
    rate of the whole machine). Recovery is the method of the year that leaves most, unless one is given.
    """
    cluster = machine_machine.cluster
    return goodput_beside(
        training_failures or cluster_of(cluster.chip.id), cluster.count, machine_spare // training_runs,
        recovery=training_recovery, year=scenario_year, node=cluster.node_chips,
    )  # fmt: skip


@training("training.reliability", "", given=("training.goodput",))
def reliability_of_goodput(machine_machine: Machine, training_goodput: float) -> Goodput:
    """Share of the time that makes progress, as given; the rest is lost to one cause without a name.

    1 − goodput
    """
    return given_goodput(training_goodput, machine_machine.cluster.count)


CHAIN.leaf("training.goodput", "percent", "Share of the time that makes progress, as given", (TRAINING,),
           fields=("training.goodput",), given=("training.goodput",))  # fmt: skip
CHAIN.leaf("training.step_time", "s", "Time of one optimizer step, as given", (TRAINING,),
           fields=("training.step_time",), given=("training.step_time",))  # fmt: skip


@training("training.goodput", "percent")
def training_goodput(training_reliability: Goodput) -> float:
    """Share of the time that makes progress.

    1 − checkpoints − lost work − restarts − stragglers − planned stops − evaluation
    """
    return training_reliability.share


@training("training.effective_step_time", "s", rows=RATES)
def effective_step_time(training_step_time: float, training_goodput: float) -> float:
    """Time of one step with its share of failures, checkpoints and restarts.

    step time / goodput
    """
    return training_step_time / training_goodput


@training("training.breakdown", "", rows=RATES)
def breakdown(
    layouts_search: Search, training_step_time: float, training_effective_step_time: float
) -> dict[str, float]:
    """What the time of a step goes to; the parts add up to the effective step time.

    Parts of the step as the performance room splits them, and failures: effective step − step. Where a step
    time is given, what it has beyond the computed parts is unexplained.
    """
    parts = {name: float(values[0]) for name, values in layouts_search.best.parts.items()}
    failures = training_effective_step_time - training_step_time
    if training_step_time != layouts_search.best.step_time[0]:  # given, not computed
        parts["unexplained"] = training_step_time - sum(parts.values())
    return {**parts, "failures": failures}


@training("training.binding", "")
def binding(training_breakdown: Mapping[str, float]) -> str:
    """What takes most of the time.

    Largest part of the breakdown.
    """
    return max(training_breakdown, key=lambda name: training_breakdown[name]).replace("_", " ")


@training("training.tokens_per_second", "tokens/s", rows=RATES)
def tokens_per_second(training_tokens_per_step: float, training_effective_step_time: float) -> float:
    """Tokens trained on per second by one run, failures included.

    tokens of a step / effective step time
    """
    return training_tokens_per_step / training_effective_step_time


@training("training.duration", "days", rows=RATES)
def duration(
    training_tokens_trained: float,
    training_tokens_per_second: float,
    training_overhead: float,
    training_kept_speed: float,
) -> float:
    """Time on the clock from first to last token.

    tokens / tokens per second × (1 + overhead of a whole run) / speed kept
    """
    return (
        training_tokens_trained / training_tokens_per_second * (1.0 + training_overhead) / training_kept_speed
    )


@training("training.spare", "days", rows=RATES)
def spare(training_deadline: float | None, training_duration: float) -> float | None:
    """Time between the end of the run and its deadline, where one is given; below zero: too late.

    deadline − duration
    """
    return None if training_deadline is None else training_deadline - training_duration


@training("training.accelerator_hours", "h", rows=RATES)
def accelerator_hours(training_duration: float, machine_count: int, training_runs: int) -> float:
    """Accelerator-hours of one run.

    duration × accelerators of the run
    """
    return training_duration * machine_count / training_runs


@training("training.run_band", "", rows=RATES, method=methods.RUN_BAND)
def training_run_band(
    training_reliability: Goodput,
    training_step_time: float,
    training_tokens_trained: float,
    training_tokens_per_step: float,
) -> RunBand:
    """Draws of the run with uncertain failure rates and recovery times.

    steps × step time of work in intervals that each end with a checkpoint; failures come by chance at a rate
    drawn from its range.
    """
    return run_band(
        training_reliability, training_tokens_trained / training_tokens_per_step * training_step_time
    )


@training("training.duration_low", "days", rows=RATES)
def duration_low(training_run_band: RunBand, training_overhead: float, training_kept_speed: float) -> float:
    """Time on the clock that only one run in twenty stays below, by failures alone.

    5 % of the drawn runs × (1 + overhead) / speed kept; the step time is taken as known.
    """
    return training_run_band.days[0] * _DAY * (1.0 + training_overhead) / training_kept_speed


@training("training.duration_high", "days", rows=RATES)
def duration_high(training_run_band: RunBand, training_overhead: float, training_kept_speed: float) -> float:
    """Time on the clock that only one run in twenty exceeds, by failures alone.

    95 % of the drawn runs × (1 + overhead) / speed kept; the step time is taken as known.
    """
    return training_run_band.days[2] * _DAY * (1.0 + training_overhead) / training_kept_speed


@training("training.relief", "", rows=RATES, method=methods.RELIEF)
def relief(
    training_run: TrainingRun,
    machine_machine: Machine,
    software_stack: Stack,
    layouts_search: Search,
    machine_cap: float | None,
    training_reliability: Goodput,
    training_step_time: float,
    training_effective_step_time: float,
    training_goodput: float,
) -> dict[str, float]:
    """What doubling one resource would make of the effective step time, with the same layout [s].

    The best layout is evaluated again on a machine with the resource doubled (latency and launch overhead
    halved).
    """
    best, cluster = layouts_search.best.layouts.take(np.arange(1)), machine_machine.cluster
    longer = training_step_time / float(layouts_search.best.step_time[0])  # 1, unless a step time is given
    times: dict[str, float] = {}
    for name, (words, change) in resources(machine_cap).items():
        if name == "mtbf":
            if training_reliability.cluster:
                rarer = share_with(training_reliability, cluster.count, failures=1.0 / _TWICE)
                times[words] = training_effective_step_time * training_goodput / rarer
            continue
        machine, stack = change(cluster, software_stack, _TWICE)
        cap = machine_cap
        if cap is not None and name == "power_cap":
            cap *= _TWICE
        step = capped(evaluate(training_run, best, machine, stack), machine, cap).step_time[0]
        times[words] = float(step) * longer / training_goodput
    return times


@training("machine.clock", "percent", rows=POWER, method=methods.CLOCK)
def clock(
    training_run: TrainingRun,
    machine_machine: Machine,
    software_stack: Stack,
    layouts_search: Search,
    machine_cap: float | None,
) -> float:
    """Clock of the accelerators in the best layout, over the one that they keep at their own power limit.

    The highest clock at which a working accelerator stays within the cap; 100 % without one.
    """
    cluster = machine_machine.cluster
    best = layouts_search.best.layouts.take(np.arange(1))
    step = evaluate(training_run, best, cluster, software_stack)
    return float(chip_power_of(step, cluster.chip, cluster.count, machine_cap).clock[0])


_BY_TIME = ("idle", "node", "network")
"""Components whose energy is a power times the time of the step."""


@training("machine.energy", "", rows=POWER)
def energy(layouts_search: Search, training_step_time: float) -> dict[str, float]:
    """Energy of one step of one run by component [J].

    idle power × time, J/FLOP × FLOPs, J/B × bytes of each memory level and link, node and network power;
    what the chip does beyond its idle power follows its clock and stays within its power limit.
    """
    best: StepTable = layouts_search.best
    longer = training_step_time / float(best.step_time[0])  # 1, unless a step time is given
    return {
        name: float(values[0]) * (longer if name in _BY_TIME else 1.0) for name, values in best.energy.items()
    }


@training("machine.step_power", "MW", rows=POWER)
def step_power(
    machine_energy: Mapping[str, float],
    training_step_time: float,
    training_runs: int,
    machine_spare_power: float,
) -> float:
    """IT power of the campus while every run steps.

    energy of a step / step time × runs + spare accelerators
    """
    return sum(machine_energy.values()) / training_step_time * training_runs + machine_spare_power


@training("machine.standing_power", "MW", rows=POWER)
def standing_power(
    machine_energy: Mapping[str, float],
    training_step_time: float,
    training_runs: int,
    machine_spare_power: float,
) -> float:
    """IT power of the campus while it waits for a restart or a checkpoint.

    Idle power of the chips, the nodes and the network.
    """
    return (
        (machine_energy["idle"] + machine_energy["node"] + machine_energy["network"])
        / training_step_time
        * training_runs
    ) + machine_spare_power


@training("machine.power_it", "MW", rows=POWER)
def power_it(machine_step_power: float, machine_standing_power: float, training_goodput: float) -> float:
    """Mean IT power of the campus.

    goodput × power of a step + (1 − goodput) × standing power
    """
    return training_goodput * machine_step_power + (1.0 - training_goodput) * machine_standing_power


@training("machine.chip_power", "W", rows=POWER)
def chip_power(
    machine_energy: Mapping[str, float], training_step_time: float, machine_used: int, training_runs: int
) -> float:
    """Mean power of one accelerator that trains, during a step.

    energy of a step without node overhead and network / (step time × accelerators of the run)
    """
    return (
        (sum(machine_energy.values()) - machine_energy["node"] - machine_energy["network"])
        / training_step_time
        / (machine_used / training_runs)
    )
