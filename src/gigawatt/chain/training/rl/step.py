"""A step of reinforcement learning: rollouts, scores, log-probabilities, weights that go round, and updates.

In such a run a *step* is all of that, in place of an optimizer step: every quantity of a run that counts
steps (time, energy, power, failures, money) counts these.

References
----------
Sheng et al. 2025, "HybridFlow", arXiv:2409.19256 (phases of a step, resharding between layouts). Fu et al.
2025, "AReaL", arXiv:2505.24298 (asynchronous rollouts, staleness). Shao et al. 2024, arXiv:2402.03300
(GRPO). Guo et al. 2025, Nature 645, 633 (DeepSeek-R1, supplementary information B).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.chain import methods
from gigawatt.chain.machine.quantities import Machine
from gigawatt.chain.machine.resources import resources
from gigawatt.chain.registry import training
from gigawatt.chain.training.reliability import Goodput, share_with
from gigawatt.chain.training.rl.outputs import Outputs, passes_of
from gigawatt.chain.training.sizes import Fit
from gigawatt.machine import Chip, Cluster, build_cluster
from gigawatt.performance import Search, Stack, TrainingRun, capped, collectives, evaluate
from gigawatt.performance.collectives import Fabric
from gigawatt.performance.exchanges import host_link
from gigawatt.workload import Architecture
from gigawatt.workload.adapters import adapter_parameters

if TYPE_CHECKING:  # a run without rollouts does not import what serves
    from gigawatt.chain.serving.question import ServingQuestion
    from gigawatt.chain.training.rl.rollouts import Forward, Rolled
    from gigawatt.performance.serving.engines import Engine

__all__ = ["Pools"]

_GIVEN = ("rl.steps",)
_STATES = ("weights", "gradients", "optimizer")
"""Parts of an accelerator's memory that make room for rollouts, and come back before the update."""
_STEADY = ("idle", "node", "network")
"""Components whose energy is a power times the time of the step."""
_TWICE = 2.0


@dataclass(frozen=True)
class Pools:
    """Accelerators of one run that roll out, and those that train: the same ones where they are colocated."""

    rollout: int
    train: int
    shared: bool


@training("rl.question", "", given=_GIVEN)
def question(
    model_architecture: Architecture,
    machine_chip: Chip,
    machine_options: Mapping[str, Any],
    rl_engine: Engine,
    rl_weights: str,
    rl_cache: str,
    rl_guesses: int,
    rl_acceptance: float,
    rl_outputs: Outputs,
    scenario_year: int,
    machine_cap: float | None,
) -> ServingQuestion:
    """The policy as the engine serves it for rollouts.

    Without latency targets; formats of weights and KV cache as given.
    """
    from gigawatt.chain.training.rl.rollouts import rollout_question

    return rollout_question(
        model_architecture, chip=machine_chip, options=machine_options, engine=rl_engine, year=scenario_year,
        weights=rl_weights, cache=rl_cache, outputs=rl_outputs, guesses=rl_guesses, acceptance=rl_acceptance,
        cap=machine_cap,
    )  # fmt: skip


@training("rl.pools", "", given=_GIVEN)
def pools(training_fit: Fit, rl_accelerators: int) -> Pools:
    """Accelerators that roll out and accelerators that train.

    The same ones where rollouts are colocated.
    """
    return Pools(rl_accelerators or training_fit.count, training_fit.count, not rl_accelerators)


@training("rl.cluster", "", given=_GIVEN)
def cluster(rl_pools: Pools, machine_chip: Chip, machine_options: Mapping[str, Any]) -> Cluster:
    """The accelerators that roll out, with their links.

    All of the run where rollouts are colocated.
    """
    return build_cluster(chip=machine_chip, count=rl_pools.rollout, **machine_options)[0]


@training("rl.rollouts", "", given=_GIVEN, method=methods.ROLLOUTS)
def rollouts(
    rl_question: ServingQuestion,
    rl_cluster: Cluster,
    rl_outputs: Outputs,
    rl_pools: Pools,
    rl_staleness: int,
    rl_replica: int | None,
) -> Rolled:
    """Rollouts of a step: prompts, decoding of all outputs, the tail of the longest.

    Colocated: from the first prompt to the last token of the longest output. Asynchronous: the time in which
    rollouts that never stop finish as many outputs.
    """
    from gigawatt.chain.training.rl.rollouts import continuous, rolled

    if rl_pools.shared:
        return rolled(rl_question, rl_cluster, rl_outputs, chips=rl_replica)
    return continuous(rl_question, rl_cluster, rl_outputs, staleness=rl_staleness, chips=rl_replica)


@training("rl.rollout_time", "s", given=_GIVEN)
def rollout_time(rl_rollouts: Rolled) -> float:
    """Time of the rollouts of a step.

    prompts + decoding + tail
    """
    return rl_rollouts.time


@training("rl.replicas", "1", given=_GIVEN)
def replicas(rl_rollouts: Rolled) -> int:
    """Replicas that roll out.

    accelerators that roll out / accelerators of a replica, rounded down
    """
    return rl_rollouts.replicas


@training("rl.running", "1", given=_GIVEN)
def running(rl_rollouts: Rolled) -> float:
    """Sequences that a replica decodes at once, in the mean over the time of the rollouts.

    Fewer near the end of a step than memory has room for.
    """
    return rl_rollouts.one.running


@training("rl.tail", "percent", given=_GIVEN)
def tail(rl_rollouts: Rolled) -> float:
    """Share of the rollouts' time in which fewer than half as many sequences are left as ran at once.

    time of the tail / time of the rollouts
    """
    return rl_rollouts.one.tail / rl_rollouts.time


@training("rl.scored", "", given=_GIVEN)
def scored(
    rl_question: ServingQuestion,
    rl_outputs: Outputs,
    training_fit: Fit,
    rl_rewarder: Architecture | None,
) -> Forward | None:
    """The forward pass of the reward model over prompts and outputs of a step; nothing where a rule scores.

    By replicas on the accelerators that train, one logit a sequence.
    """
    from gigawatt.chain.training.rl.rollouts import forward, rollout_question

    if rl_rewarder is None:
        return None
    asked = rollout_question(
        rl_rewarder, chip=rl_question.chip, options=rl_question.options, engine=rl_question.engine,
        year=rl_question.year, weights="bf16", cache=rl_question.cache, outputs=rl_outputs,
        cap=rl_question.cap,
    )  # fmt: skip
    return forward(asked, training_fit.cluster, rl_outputs, every=False)


@training("rl.reward_time", "s", given=_GIVEN)
def reward_time(rl_scored: Forward | None) -> float:
    """Time in which a reward model scores the outputs of a step; 0 where a rule does.

    A forward pass over prompts and outputs.
    """
    return 0.0 if rl_scored is None else rl_scored.time


@training("rl.forwards", "", given=_GIVEN)
def forwards(
    rl_logprobs: str, rl_question: ServingQuestion, rl_outputs: Outputs, training_fit: Fit
) -> Forward | None:
    """One forward pass that computes log-probabilities of every token; nothing where none is asked for.

    By replicas of the rollouts' format, on the accelerators that train.
    """
    from gigawatt.chain.training.rl.rollouts import forward

    if not passes_of(rl_logprobs):
        return None
    return forward(rl_question, training_fit.cluster, rl_outputs, every=True)


@training("rl.logprob_time", "s", given=_GIVEN)
def logprob_time(rl_forwards: Forward | None, rl_logprobs: str) -> float:
    """Time in which log-probabilities of the outputs of a step are computed before the update.

    forward passes (reference, policy) × time of one
    """
    return 0.0 if rl_forwards is None else passes_of(rl_logprobs) * rl_forwards.time


@training("rl.updates", "1", given=_GIVEN)
def updates(rl_outputs: Outputs, rl_epochs: int, training_run: TrainingRun) -> float:
    """Optimizer steps of a step.

    tokens of a step × epochs / tokens of an optimizer step
    """
    return rl_outputs.tokens * rl_epochs / training_run.tokens_per_step


@training("rl.update_time", "s", given=_GIVEN)
def update_time(layouts_search: Search, rl_updates: float) -> float:
    """Time of the optimizer steps of a step, forward and backward, in the best layout.

    optimizer steps × time of one
    """
    return rl_updates * float(layouts_search.best.step_time[0])


@training("rl.sync_time", "s", given=_GIVEN)
def sync_time(
    rl_question: ServingQuestion,
    rl_rollouts: Rolled,
    rl_cluster: Cluster,
    rl_pools: Pools,
    layouts_search: Search,
    training_run: TrainingRun,
) -> float:
    """Time in which new weights reach the replicas, and in which memory changes hands.

    An all-gather of an accelerator's share of a replica's weights, or of its adapters; colocated also
    weights, gradients and optimizer states of the training out to the host and back, at the rate of its link.
    """
    from gigawatt.chain.training.rl.rollouts import shard_bytes

    size = shard_bytes(rl_question, rl_cluster, rl_rollouts.degrees)
    if training_run.adapters:
        model = training_run.architecture
        size *= adapter_parameters(model, training_run.adapters) / model.parameters.total
    fabric = Fabric.of(rl_cluster)
    everyone = collectives.group(size=rl_pools.rollout, stride=1.0, fabric=fabric)
    gathered = float(np.max(collectives.all_gather(size=size, group=everyone, fabric=fabric).time))
    if not rl_pools.shared:
        return gathered
    memory = layouts_search.best.memory
    states = sum(float(memory[name][0]) for name in _STATES if name in memory)
    return gathered + 2.0 * states / host_link(rl_cluster.chip).bandwidth


def _whole(shared: bool, rolling: float, learning: float, sync: float) -> float:
    return (rolling + learning if shared else max(rolling, learning)) + sync


@training("training.step_time", "s", given=_GIVEN)
def step_time(
    rl_pools: Pools,
    rl_rollout_time: float,
    rl_reward_time: float,
    rl_logprob_time: float,
    rl_update_time: float,
    rl_sync_time: float,
) -> float:
    """Time of a step of reinforcement learning, without failures.

    Colocated: rollouts + reward + log-probabilities + updates + sync. Asynchronous: the longer of the
    rollouts and of what learns from them, + sync.
    """
    learning = rl_reward_time + rl_logprob_time + rl_update_time
    return _whole(rl_pools.shared, rl_rollout_time, learning, rl_sync_time)


@training("training.tokens_per_step", "tokens", given=_GIVEN)
def tokens_per_step(rl_outputs: Outputs, rl_epochs: int) -> float:
    """Tokens that a step trains on, as often as it does.

    outputs × (prompt + response) × epochs
    """
    return rl_outputs.tokens * rl_epochs


@training("training.breakdown", "", given=_GIVEN)
def breakdown(
    rl_pools: Pools,
    rl_rollouts: Rolled,
    rl_rollout_time: float,
    rl_reward_time: float,
    rl_logprob_time: float,
    rl_update_time: float,
    rl_sync_time: float,
    training_step_time: float,
    training_effective_step_time: float,
) -> dict[str, float]:
    """What the time of a step goes to; the parts add up to the effective step time.

    Asynchronous: the parts of the longer side, beside which the other goes on.
    """
    one = rl_rollouts.one
    parts: dict[str, float] = {}
    learning = rl_reward_time + rl_logprob_time + rl_update_time
    if rl_pools.shared or rl_rollout_time >= learning:
        longer = rl_rollout_time / one.time
        parts |= {"rollout_prompts": one.prompts * longer, "rollout_decode": one.decode * longer,
                  "rollout_tail": one.tail * longer}  # fmt: skip
    if rl_pools.shared or rl_rollout_time < learning:
        parts |= {"reward": rl_reward_time, "log_probabilities": rl_logprob_time, "update": rl_update_time}
    parts["weight_sync"] = rl_sync_time
    parts["failures"] = training_effective_step_time - training_step_time
    return {name: time for name, time in parts.items() if time > 0.0 or name == "failures"}


@training("training.mfu", "percent", given=_GIVEN)
def mfu(
    layouts_search: Search, rl_updates: float, training_step_time: float, training_fit: Fit, rl_pools: Pools
) -> float:
    """Model FLOP utilisation of a step of reinforcement learning, by the FLOPs of its updates.

    model FLOPs of the updates / (step time × accelerators × dense datasheet peak of the format)
    """
    best = layouts_search.best
    own = rl_updates * float(best.mfu[0]) * float(best.step_time[0]) / training_step_time
    return own if rl_pools.shared else own * training_fit.used / (training_fit.used + rl_pools.rollout)


@training("machine.energy", "", given=_GIVEN)
def energy(
    layouts_search: Search,
    rl_updates: float,
    rl_rollouts: Rolled,
    rl_scored: Forward | None,
    rl_forwards: Forward | None,
    rl_logprobs: str,
    rl_pools: Pools,
    training_fit: Fit,
    training_step_time: float,
) -> dict[str, float]:
    """Energy of one step of one run by component [J].

    That of the updates, of the rollouts and of the forward passes above idle; idle power of the chips, nodes
    and network for the time of the step.
    """
    best = layouts_search.best
    own = float(best.step_time[0])
    more = 1.0 if rl_pools.shared else 1.0 + rl_pools.rollout / training_fit.used
    found = {
        name: float(values[0]) * (training_step_time / own * more if name in _STEADY else rl_updates)
        for name, values in best.energy.items()
    }
    found["rollouts"] = rl_rollouts.energy
    found["forward_passes"] = (0.0 if rl_scored is None else rl_scored.energy) + (
        0.0 if rl_forwards is None else passes_of(rl_logprobs) * rl_forwards.energy
    )
    return {name: joules for name, joules in found.items() if joules > 0.0 or name in _STEADY}


@training("rl.swing", "MW", given=_GIVEN)
def swing(
    layouts_search: Search,
    rl_updates: float,
    rl_update_time: float,
    rl_rollouts: Rolled,
    rl_rollout_time: float,
    rl_pools: Pools,
    training_runs: int,
) -> float:
    """How much more IT power runs that roll out and train in step draw in updates than in rollouts; or less.

    Colocated: (energy of the updates above idle / their time − energy of the rollouts above idle / theirs) ×
    runs. Asynchronous: 0, both go on at the same time.
    """
    if not rl_pools.shared:
        return 0.0
    best = layouts_search.best.energy
    above = rl_updates * sum(float(joules[0]) for name, joules in best.items() if name not in _STEADY)
    return (above / rl_update_time - rl_rollouts.energy / rl_rollout_time) * training_runs


@training("training.relief", "", given=_GIVEN, method=methods.RELIEF)
def relief(
    training_run: TrainingRun,
    machine_machine: Machine,
    software_stack: Stack,
    layouts_search: Search,
    machine_cap: float | None,
    training_reliability: Goodput,
    training_effective_step_time: float,
    training_goodput: float,
    rl_question: ServingQuestion,
    rl_cluster: Cluster,
    rl_outputs: Outputs,
    rl_rollouts: Rolled,
    rl_forwards: Forward | None,
    rl_logprobs: str,
    rl_pools: Pools,
    rl_staleness: int,
    rl_updates: float,
    rl_reward_time: float,
    rl_sync_time: float,
) -> dict[str, float]:
    """What doubling one resource would make of the effective step time, with the same layouts [s].

    Updates, rollouts and log-probabilities are evaluated again on a machine with the resource doubled
    (latency and launch overhead halved); reward and sync stay.
    """
    from gigawatt.chain.training.rl.rollouts import continuous, forward, rolled_by

    best, machine = layouts_search.best.layouts.take(np.arange(1)), machine_machine.cluster
    times: dict[str, float] = {}
    for name, (words, change) in resources(machine_cap).items():
        if name == "mtbf":
            if training_reliability.cluster:
                rarer = share_with(training_reliability, machine.count, failures=1.0 / _TWICE)
                times[words] = training_effective_step_time * training_goodput / rarer
            continue
        (changed, stack), (rolling, _) = (
            change(machine, software_stack, _TWICE),
            change(rl_cluster, software_stack, _TWICE),
        )
        cap = machine_cap * _TWICE if machine_cap is not None and name == "power_cap" else machine_cap
        step = capped(evaluate(training_run, best, changed, stack), changed, cap).step_time[0]
        learning = rl_reward_time + rl_updates * float(step)
        if rl_forwards is not None:
            one = forward(rl_question, changed, rl_outputs, every=True, degrees=rl_forwards.degrees)
            learning += passes_of(rl_logprobs) * one.time
        degrees = rl_rollouts.degrees
        out = (
            rolled_by(rl_question, rolling, rl_outputs, degrees)
            if rl_pools.shared
            else continuous(rl_question, rolling, rl_outputs, staleness=rl_staleness, degrees=degrees)
        )
        times[words] = _whole(rl_pools.shared, out.time, learning, rl_sync_time) / training_goodput
    return times
