"""Rollouts: a batch of outputs of different lengths, from the prompts to the last token of the longest.

All outputs are asked for at once. A replica decodes as many of them as it holds, the next ones enter as
others end, and near the end ever fewer are left: the *tail*, in which the longest outputs hold the step while
the machine idles. Every running sequence gains a token an iteration, so that who runs when follows from the
lengths alone; what the iterations take is then asked of the serving physics in one call.

References
----------
Yu et al. 2022, "Orca", OSDI (iterations in which sequences end and others enter). Zhong et al. 2025,
"StreamRL", arXiv:2504.15930 (the long tail of rollouts). Noukhovitch et al. 2024, arXiv:2410.18252
(asynchronous reinforcement learning).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.performance.serving.inference import Replica, sequence_cost
from gigawatt.performance.serving.steady import decode_pass, prompts_pass

__all__ = ["Rollout", "Schedule", "forward_pass", "rollout", "schedule"]

Array = NDArray[np.float64]

TAIL = 0.5
"""Share of the most that ran at once, below which what still runs is the tail."""


@dataclass(frozen=True)
class Schedule:
    """Who decodes when, in iterations: arrays over spans ``(K,)`` between one change and the next.

    Attributes
    ----------
    iterations : array (K,)
        Of the span.
    running : array (K,)
        Sequences that decode in it.
    written : array (K,)
        Iterations that they have behind them in the middle of it, in the mean.
    waiting : array (K,) of bool
        Whether others wait for a place.
    """

    iterations: Array
    running: Array
    written: Array
    waiting: NDArray[np.bool_]

    @property
    def tail(self) -> NDArray[np.bool_]:
        """Spans in which nothing waits and fewer than :data:`TAIL` of the most that ran at once are left."""
        most = np.max(self.running, initial=0.0)
        return ~self.waiting & (self.running < TAIL * most)


def schedule(lengths: ArrayLike, *, weights: ArrayLike, places: float) -> Schedule:
    """Sequences in the order given, each run from when a place is free to its last token.

    Parameters
    ----------
    lengths : array (n,)
        Iterations that each decodes.
    weights : array (n,)
        Sequences that each stands for, which run together.
    places : float
        Sequences that run at once at most; one entry runs whatever it stands for.
    """
    spans, weigh = np.asarray(lengths, dtype=float), np.asarray(weights, dtype=float)
    heap: list[tuple[float, float, float]] = []
    now = total = started = 0.0
    rows: list[tuple[float, float, float, bool]] = []
    at = 0
    while at < len(spans) or heap:
        while at < len(spans) and (not heap or total + weigh[at] <= places * (1.0 + 1e-9)):
            heapq.heappush(heap, (now + float(spans[at]), now, float(weigh[at])))
            total += weigh[at]
            started += weigh[at] * now
            at += 1
        ends = heap[0][0]
        if ends > now:
            written = 0.5 * (now + ends) - started / total
            rows.append((ends - now, total, written, at < len(spans)))
            now = ends
        while heap and heap[0][0] <= now:
            _, began, weight = heapq.heappop(heap)
            total -= weight
            started -= weight * began
        if not heap:
            total = started = 0.0
    table = np.array(rows, dtype=float).reshape(-1, 4).T
    return Schedule(table[0], table[1], table[2], table[3] > 0.0)


@dataclass(frozen=True)
class Rollout:
    """What a batch of outputs takes on one replica.

    Attributes
    ----------
    prompts, decode, tail : float [s]
        Computing the prompts, decoding, and decoding while hardly anything is left.
    energy : float [J]
        Of all accelerators of the replica, above what they draw idle.
    held : float
        Sequences that decode at once at most.
    running : float
        The same in the mean over the time of decoding.
    """

    prompts: float
    decode: float
    tail: float
    energy: float
    held: float
    running: float

    @property
    def time(self) -> float:
        """All of it [s]."""
        return self.prompts + self.decode + self.tail


def rollout(
    r: Replica,
    *,
    prompt: float,
    prompts: float,
    lengths: ArrayLike,
    weights: ArrayLike,
    places: float,
    most: float,
    accepted: float = 1.0,
) -> Rollout:
    """A batch of outputs on one replica, whose layout columns hold one value each.

    Parameters
    ----------
    r : Replica
        One point.
    prompt : float [tokens]
        Of a prompt.
    prompts : float
        Prompts that are computed: samples of one share its keys and values.
    lengths, weights : array (n,)
        Tokens of outputs in the order in which they start, and how many each stands for.
    places : float
        Sequences that decode at once at most.
    most : float [tokens]
        Of an iteration with prompts.
    accepted : float
        Tokens that a sequence gains in an iteration.
    """
    first, joules = prompts_pass(
        r, prompt=prompt, count=prompts, most=most, ends=sequence_cost(r, np.array([prompts]))
    )
    plan = schedule(np.maximum(np.asarray(lengths) - 1.0, 0.0) / accepted, weights=weights, places=places)
    if not len(plan.iterations):
        return Rollout(float(np.max(first)), 0.0, 0.0, float(np.max(joules)), 0.0, 0.0)
    # a pipeline's stages each have a batch, of one sequence at least
    time, energy = decode_pass(
        r, sequences=np.maximum(plan.running, r.under_way), context=prompt + accepted * plan.written
    )
    spent = time * plan.iterations
    tail = float(np.sum(spent[plan.tail]))
    whole = float(np.sum(spent))
    return Rollout(
        prompts=float(np.max(first)),
        decode=whole - tail,
        tail=tail,
        energy=float(np.max(joules)) + float(np.sum(energy * plan.iterations)),
        held=float(np.max(plan.running)),
        running=float(np.sum(plan.running * spent)) / whole,
    )


def forward_pass(
    r: Replica, *, sequence: ArrayLike, count: ArrayLike, most: ArrayLike, every: bool
) -> tuple[Array, Array]:
    """(time [s], energy above idle [J]) of ``count`` (L,) sequences of ``sequence`` (L,) tokens, not decoded.

    Of ``every`` token the logits are computed, as for log-probabilities; else of the last, as for a score.
    ``most`` (L,) tokens go through in an iteration of the replica.
    """
    rows = np.multiply(count, sequence) if every else np.asarray(count, dtype=float)
    silent = replace(
        r, engine=replace(r.engine, sequence=0.0), guesses=0.0
    )  # a token is no sequence to the host
    return prompts_pass(r, prompt=sequence, count=count, most=most, ends=sequence_cost(silent, rows))
