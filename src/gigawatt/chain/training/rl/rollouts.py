"""Rollouts, log-probabilities and scores of a step on a number of accelerators, by the physics of serving.

Replicas are those of a service (:mod:`gigawatt.chain.serving.replica`): degrees that divide, fit and run in
the engine. Of these the one is taken whose rollouts end first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Degrees, candidates, replica
from gigawatt.chain.serving.traffic import Traffic
from gigawatt.chain.training.rl.outputs import Outputs
from gigawatt.core.errors import InfeasibleError
from gigawatt.machine import Chip, Cluster
from gigawatt.performance.serving.engines import Engine
from gigawatt.performance.serving.inference import Replica
from gigawatt.performance.serving.recipes import DEFAULTS
from gigawatt.performance.serving.rollout import Rollout, forward_pass, rollout
from gigawatt.performance.serving.steady import decode_pass, most_held, steady
from gigawatt.serving.objectives import Objective
from gigawatt.serving.requests import Requests
from gigawatt.workload import Architecture
from gigawatt.workload.inference import weight_bytes

__all__ = ["Forward", "Rolled", "continuous", "forward", "rolled", "rollout_question", "shard_bytes"]

Array = NDArray[np.float64]
_CLOSELY = 12
"""Replicas that are looked at closely, of those that are likely to end first."""
_FILLED = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125)
"""Shares of the sequences that a replica could hold at which rollouts that never stop are tried."""
_LATE = 0.125
"""Share of the sequences that a replica holds, which stands for those of the tail in a first look."""


@dataclass(frozen=True)
class Rolled:
    """Rollouts of a step: what the slowest replica takes, the degrees of a replica, how many there are.

    ``energy`` [J] is of all of them, above what their accelerators draw idle.
    """

    one: Rollout
    degrees: Degrees
    replicas: int
    energy: float

    @property
    def time(self) -> float:
        """Until the last token of the longest output [s]."""
        return self.one.time


@dataclass(frozen=True)
class Forward:
    """A forward pass over the outputs of a step: ``time`` [s], ``energy`` [J] above idle, degrees."""

    time: float
    energy: float
    degrees: Degrees


def rollout_question(
    architecture: Architecture,
    *,
    chip: Chip,
    options: Mapping[str, Any],
    engine: Engine,
    year: int,
    weights: str,
    cache: str,
    outputs: Outputs,
    guesses: int = 0,
    acceptance: float = 0.0,
    cap: float | None = None,
) -> ServingQuestion:
    """The model as an engine serves it to roll out: no latency target, no demand, room for the longest."""
    prompt, longest = max(1, round(outputs.prompt)), max(1, round(outputs.longest))
    sample = Requests(np.zeros(1), np.array([prompt], np.int64), np.array([longest], np.int64))
    return ServingQuestion(
        architecture=architecture, chip=chip, options=options, engine=engine, year=year, weights=weights,
        cache=cache, guesses=guesses, acceptance=acceptance, demand=None, objective=Objective(),
        recipe=DEFAULTS, traffic=Traffic("rollouts", sample, "constant"), token_budget=None, sequences=None,
        context_limit=None, fixed={}, largest=None, pue_mean=1.0, pue_peak=1.0, electricity=0.0, rate=0.0,
        cap=cap, assumptions=(),
    )  # fmt: skip


def _offered(question: ServingQuestion, cluster: Cluster, chips: int | None) -> Degrees:
    """Replicas that fit; those of ``chips`` accelerators where that is given."""
    most = cluster.count if chips is None else min(chips, cluster.count)
    every, _ = candidates(replace(question, largest=chips), cluster, most)
    if chips is None:
        return every
    found = every.take(every.chips == chips)
    if not len(found):
        sizes = sorted({int(one) for one in every.chips})
        raise InfeasibleError("no replica of this size can run", key="rl.replica", given=chips,
                              allowed=", ".join(map(str, sizes)))  # fmt: skip
    return found


def _settings(question: ServingQuestion, degrees: Degrees) -> tuple[Array, Array]:
    """(tokens, sequences) of an iteration of a replica at most, (L,)."""
    budget, sequences, _, _ = question.settings_of(degrees.data, degrees.tensor)
    return budget * degrees.data, sequences * degrees.data


def _places(r: Replica, outputs: Outputs, sequences: Array) -> Array:
    """Sequences that a replica decodes at once (L,): memory for what is under way, and the engine's limit."""
    held = most_held(r, prompt=outputs.prompt, output=outputs.under_way)
    return np.minimum(held, sequences)


def rolled(
    question: ServingQuestion, cluster: Cluster, outputs: Outputs, *, chips: int | None = None
) -> Rolled:
    """The rollouts of a step on all accelerators of a cluster, as replicas of ``chips`` where that is given.

    Raises
    ------
    InfeasibleError
        The model does not fit, or no replica of this many accelerators runs.
    """
    degrees = _likely(question, cluster, outputs, chips)
    found = [rolled_by(question, cluster, outputs, degrees.take([i])) for i in range(len(degrees))]
    return min(found, key=lambda one: one.time)


def _likely(question: ServingQuestion, cluster: Cluster, outputs: Outputs, chips: int | None) -> Degrees:
    """The replicas of :func:`_offered` whose rollouts are likely to end first."""
    degrees = _offered(question, cluster, chips)
    if len(degrees) <= _CLOSELY:
        return degrees
    return degrees.take(np.argsort(_first_look(question, cluster, degrees, outputs))[:_CLOSELY])


def rolled_by(question: ServingQuestion, cluster: Cluster, outputs: Outputs, degrees: Degrees) -> Rolled:
    """The rollouts of a step by replicas of these degrees, as many as there is room for and work."""
    number = int(min(max(cluster.count // int(degrees.chips[0]), 1), outputs.count))
    r = replica(question, cluster, degrees)
    most, sequences = _settings(question, degrees)
    lengths, weights = outputs.of_replica(outputs.count / number)
    one = rollout(
        r, prompt=outputs.prompt, prompts=max(outputs.prompts / number, 1.0), lengths=lengths,
        weights=weights, places=float(_places(r, outputs, sequences)[0]), most=float(most[0]),
        accepted=question.accepted,
    )  # fmt: skip
    return Rolled(one, degrees, number, number * one.energy)


def _first_look(question: ServingQuestion, cluster: Cluster, degrees: Degrees, outputs: Outputs) -> Array:
    """About what rollouts take (L,): all tokens with a full replica, and the longest beside few others."""
    r = replica(question, cluster, degrees)
    _, sequences = _settings(question, degrees)
    number = np.clip(cluster.count // degrees.chips, 1, outputs.count)
    each = outputs.count / number
    held = np.minimum(_places(r, outputs, sequences), each)
    full, _ = decode_pass(
        r, sequences=np.maximum(held, r.pipeline), context=outputs.prompt + outputs.under_way / 2.0
    )
    late, _ = decode_pass(
        r, sequences=np.maximum(_LATE * held, r.pipeline), context=outputs.prompt + outputs.longest / 2.0
    )
    return (each * outputs.response / held * full + (outputs.longest - outputs.response) * late) / (
        question.accepted
    )


def continuous(
    question: ServingQuestion,
    cluster: Cluster,
    outputs: Outputs,
    *,
    staleness: int,
    chips: int | None = None,
    degrees: Degrees | None = None,
) -> Rolled:
    """Rollouts that never stop: the time in which a cluster finishes the outputs of a step, the tail hidden.

    At most the outputs of ``staleness`` steps and one are under way. The longest has as many steps to end.
    """
    degrees = _likely(question, cluster, outputs, chips) if degrees is None else degrees
    r = replica(question, cluster, degrees)
    most, sequences = _settings(question, degrees)
    number = np.clip(cluster.count // degrees.chips, 1, outputs.count).astype(float)
    most_at_once = np.minimum(_places(r, outputs, sequences), (1.0 + staleness) * outputs.count / number)
    computed = max(outputs.prompt / outputs.samples, 1.0)  # samples of a prompt share its keys and values
    aged = (outputs.under_way - outputs.response) / 2.0  # what is under way is longer than the mean
    tried: list[tuple[float, Rolled]] = []
    for share in _FILLED:  # fewer at once are quicker each, which the longest may need
        found = steady(
            r, prompt=computed, before=outputs.prompt - computed + aged, output=outputs.response,
            held=np.maximum(share * most_at_once, 1.0), accepted=question.accepted,
            budget=most / degrees.data, sequences=sequences / degrees.data,
        )  # fmt: skip
        all_of_them = outputs.count / (number * found.requests)
        times = np.maximum(all_of_them, outputs.longest * found.token / (1.0 + staleness))
        at = int(np.argmin(times))
        idle = cluster.chip.idle_power * float(degrees.chips[at]) / float(found.requests[at])
        each = float(found.energy[at]) - idle
        one = Rollout(0.0, float(times[at]), 0.0, outputs.count / float(number[at]) * each,
                      float(found.held[at]), float(found.decoding[at]))  # fmt: skip
        tried.append((one.time, Rolled(one, degrees.take([at]), int(number[at]), outputs.count * each)))
        if times[at] <= all_of_them[at]:
            break  # the longest ends in time
    return min(tried, key=lambda one: one[0])[1]


def forward(
    question: ServingQuestion,
    cluster: Cluster,
    outputs: Outputs,
    *,
    every: bool,
    degrees: Degrees | None = None,
) -> Forward:
    """A forward pass over prompts and outputs of a step by the quickest replicas, logits of ``every`` token
    or of the last of each sequence."""
    degrees = _offered(question, cluster, None) if degrees is None else degrees
    r = replica(question, cluster, degrees)
    most, _ = _settings(question, degrees)
    number = np.maximum(cluster.count // degrees.chips, 1).astype(float)
    sequences = outputs.tokens / outputs.attended / number
    time, energy = forward_pass(r, sequence=outputs.attended, count=sequences, most=most, every=every)
    best = int(np.argmin(time))
    return Forward(float(time[best]), float(energy[best] * number[best]), degrees.take([best]))


def shard_bytes(question: ServingQuestion, cluster: Cluster, degrees: Degrees) -> float:
    """Bytes of weights on an accelerator of a replica."""
    r = replica(question, cluster, degrees)
    return float(np.max(weight_bytes(question.architecture, shares=r.shares) / r.pipeline))
