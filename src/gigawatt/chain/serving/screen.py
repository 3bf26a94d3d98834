"""Serving in closed form, arrays over replicas and loads: throughput and latency percentiles.

A replica in steady serving (:mod:`~.performance.serving.steady`) holds n requests on average. Requests
come one by one, so that the number in flight swings about its mean as a Poisson number does: with the
quantile q it stays below c, n + z·√n = c, z the normal quantile of q. A point of the screen is a replica and
such a c: memory and the engine's places must have room for c, the replica is given the rate at which it
holds n.

*TPOT.* With q a request of g gaps sees iterations of c sequences, and as many prompts beside
each gap as m + z·√(m·(1 + v)/g), m those that come in one, v the squared coefficient of variation of prompts'
lengths, g the harmonic mean over answers.

*Time to the first token.* Prompts are served one after another: a queue of utilisation ρ = rate · S, S what
one prompt takes while others wait. Its mean wait is W = S·ρ/(1 − ρ)·(1 + v)/2 and, given that one waits,
exponential: more than (W/ρ)·ln(ρ/(1 − q)) with the chance 1 − q. Taken is the longer of that with a mean
prompt, and of W with a prompt of the length that a share q stays below.

These rules only choose what the event engine then tries.

References
----------
Kingman 1961 (mean wait); Pollaczek 1930, Khinchine 1932; Abate, Choudhury, Whitt 1995 (exponential tails).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.chain.serving.adapters import adapter_waits
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Degrees, replica
from gigawatt.machine import Cluster
from gigawatt.performance.serving.inference import (
    Replica,
    decode_cost,
    encoder_cost,
    host_time,
    prompt_cost,
    prompt_tokens_cost,
    sequence_cost,
    token_cost,
    within_limit,
)
from gigawatt.performance.serving.memory import holding
from gigawatt.performance.serving.pass_cost import PassCost
from gigawatt.performance.serving.queueing import waits
from gigawatt.performance.serving.steady import steady
from gigawatt.serving.objectives import Objective

__all__ = ["Points", "decode_points", "loads", "mean_below", "prefill_points", "screen"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]

_STEP = 1.1
"""Ratio of one number of requests in flight to the next."""
_LOADS = np.linspace(0.1, 0.96, 44)
"""Utilisations of a prefill pool that are evaluated."""
_ROWS = 4096
"""Points evaluated at once."""


@dataclass(frozen=True)
class Points:
    """Replicas under loads, columns ``(L,)``.

    ``peak`` requests in flight are not exceeded with the objective's percentile, ``held`` are in the mean;
    ``rate`` [1/s] of requests a replica; ``ttft``, ``tpot`` [s] means and ``slow_ttft``, ``slow_tpot``,
    ``slow_e2e`` [s] at the percentile; ``active`` [J] of a request above ``idle`` [W] of the replica;
    ``prompt_share`` of the cost that prefill bears, by the times of prefill and decode alone;
    ``parts`` shares of a replica's time, ``prompts`` the time that prefill adds;
    ``iteration`` [s] of decoding alone; ``most`` requests that memory has room for; ``gaps`` between the
    tokens of a mean answer.
    """

    degrees: Degrees
    peak: Array
    held: Array
    rate: Array
    ttft: Array
    tpot: Array
    slow_ttft: Array
    slow_tpot: Array
    slow_e2e: Array
    active: Array
    idle: Array
    prompt_share: Array
    iteration: Array
    most: Array
    parts: dict[str, Array]
    gaps: float

    def __len__(self) -> int:
        return len(self.peak)

    @property
    def chips(self) -> Array:
        """Accelerators of a replica."""
        return self.degrees.chips

    def power(self, rate: ArrayLike | None = None) -> Array:
        """Power of a replica's accelerators [W], at another rate [1/s] if given."""
        return self.idle + self.active * (self.rate if rate is None else np.asarray(rate, dtype=float))

    def excess(self, objective: Objective) -> Array:
        """How many times the objective's limits are exceeded at its percentile (L,); 1 or less: kept."""
        found = np.zeros(len(self))
        for key, limit in objective.limits.items():
            found = np.maximum(found, getattr(self, f"slow_{key}") / limit)
        return found

    def take(self, rows: ArrayLike) -> Points:
        """Some rows."""
        chosen = np.asarray(rows)
        columns: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, Degrees):
                columns[one.name] = value.take(chosen)
            elif isinstance(value, dict):
                columns[one.name] = {key: part[chosen] for key, part in value.items()}
            elif one.name == "gaps":
                columns[one.name] = value
            else:
                columns[one.name] = value[chosen]
        return Points(**columns)


def mean_below(peak: ArrayLike, quantile: float) -> Array:
    """Mean n of a number that stays below ``peak`` with ``quantile``: n + z·√n = peak; at most ``peak``."""
    c, z = np.asarray(peak, dtype=float), NormalDist().inv_cdf(min(quantile, 1.0 - 1e-9))
    root = (np.sqrt(z * z + 4.0 * c) - z) / 2.0
    return np.minimum(root * root, c)


def loads(most: ArrayLike) -> tuple[NDArray[np.intp], Array]:
    """(row of ``most`` (L,), number) of numbers of held requests from 1 to each ``most``, a tenth apart."""
    rows: list[Array] = []
    index: list[NDArray[np.intp]] = []
    ladder = [1.0]
    top = float(np.max(most))
    while ladder[-1] < top:
        ladder.append(max(ladder[-1] + 1.0, np.floor(ladder[-1] * _STEP)))
    steps = np.array(ladder)
    for i, each in enumerate(np.asarray(most, dtype=float)):
        mine = np.append(steps[steps < each], max(each, 1.0))
        rows.append(mine)
        index.append(np.full(len(mine), i))
    return np.concatenate(index), np.concatenate(rows)


def _slices(count: int, progress: Progress | None) -> Iterator[slice]:
    for start in range(0, count, _ROWS):
        if progress is not None:
            progress(start, count)
        yield slice(start, start + _ROWS)


def _joined(parts: list[Points]) -> Points:
    columns: dict[str, Any] = {}
    for one in fields(Points):
        values = [getattr(part, one.name) for part in parts]
        if one.name == "degrees":
            names = [f.name for f in fields(Degrees)]
            columns["degrees"] = Degrees(*(np.concatenate([getattr(v, n) for v in values]) for n in names))
        elif one.name == "parts":
            columns["parts"] = {key: np.concatenate([v[key] for v in values]) for key in values[0]}
        elif one.name == "gaps":
            columns["gaps"] = values[0]
        else:
            columns[one.name] = np.concatenate(values)
    return Points(**columns)


def _most(question: ServingQuestion, found: Replica) -> Array:
    """Requests that memory has room for (L,)."""
    traffic = question.traffic
    each = traffic.mean_prompt + question.engine.reserved * traffic.mean_output
    return np.broadcast_to(holding(found, each), found.chips.shape)


def screen(
    question: ServingQuestion, cluster: Cluster, degrees: Degrees, progress: Progress | None = None
) -> tuple[Points, int]:
    """(every replica under every load, points evaluated): prefill and decode on the same accelerators.

    Parameters
    ----------
    question, cluster
        What is served, on what.
    degrees : Degrees (R,)
        Replicas that fit.
    progress : callable, optional
        Called with (points done, points in all).
    """
    r = replica(question, cluster, degrees)
    room, (together, _) = _most(question, r), _prompts(question, r, degrees.data)
    alone = together / degrees.data  # each group has one
    _, places, *_ = question.settings_of(degrees.data, degrees.tensor)
    index, peak = loads(np.minimum(room, places * degrees.data))
    found = [
        _screened(
            question, cluster, degrees.take(index[part]), peak[part], room[index[part]], alone[index[part]]
        )
        for part in _slices(len(peak), progress)
    ]
    return _joined(found), 2 * len(peak)


def _screened(
    question: ServingQuestion, cluster: Cluster, degrees: Degrees, peak: Array, room: Array, alone: Array
) -> Points:
    """Points of replicas with these peaks, room and times of a prompt ``alone`` (L,)."""
    traffic, quantile = question.traffic, question.objective.percentile or 1.0
    r = replica(question, cluster, degrees)
    prompt, output = traffic.mean_prompt * (1.0 - question.cached), traffic.mean_output
    steps = max(output - 1.0, 0.0) / question.accepted
    budget, places, interval, balance = question.settings_of(degrees.data, degrees.tensor, peak)

    def held(number: Array) -> Any:
        return steady(
            r, prompt=prompt, output=output, held=number, accepted=question.accepted,
            budget=budget, sequences=places, before=traffic.mean_prompt - prompt, interval=interval,
            balance=balance,
        )  # fmt: skip

    mean = mean_below(peak, quantile)
    at, full = held(np.maximum(mean, 1.0)), held(peak)
    rate = at.requests * np.minimum(mean, 1.0)
    decoding = steps * at.iteration / at.decoding
    added = np.maximum(1.0 / at.requests - decoding, 0.0)
    beside = at.iteration * prompt / (budget * degrees.data) if question.engine.chunked else 0.0
    unread = (interval - 1.0) * at.iteration  # of decode iterations between looks for new requests
    service = added + beside
    variation, long = _spread(traffic.computed, quantile)
    wait, tail = waits(service=service, rate=rate, variation=variation, quantile=quantile)
    load, slow_load = adapter_waits(r, rate=rate, running=mean, quantile=quantile)
    first = at.first_token + (question.engine.waits - 1.0) * at.token + load
    slow = first - load + (quantile - 0.5) * unread + np.maximum(tail, wait + (long - 1.0) * service)
    slow = slow + np.maximum(load, slow_load)
    z = NormalDist().inv_cdf(min(quantile, 1.0 - 1e-9))
    gaps, few = max(output - 1.0, 1.0), _few_gaps(traffic.sample.output)
    beside_token = rate * at.token  # prompts that come from one token of a request to its next
    crowd = beside_token + z * np.sqrt(beside_token * (1.0 + variation) / few)
    gap = steps * full.iteration / gaps + np.maximum(crowd, 0.0) * added
    slow_token = np.where(output > 1.0, np.maximum(gap, full.token), 0.0)
    chip_idle = cluster.chip.idle_power * degrees.chips
    share = added / np.maximum(added + decoding, 1e-300)
    whole = np.maximum(at.iteration, 1e-300)
    parts = {
        name: np.broadcast_to(value / whole * (1.0 - share), peak.shape) for name, value in at.parts.items()
    }
    parts["overhead"] = np.maximum(1.0 - share - sum(parts.values()), 0.0)
    _, longest = _spread(traffic.sample.output, quantile)
    return Points(
        degrees=degrees, peak=peak, held=mean, rate=rate, ttft=first + wait, tpot=at.token,
        slow_ttft=slow, slow_tpot=slow_token,
        slow_e2e=slow + slow_token * max(longest * output - 1.0, 0.0),
        active=np.maximum(at.energy - chip_idle / at.requests, 0.0), idle=chip_idle,
        prompt_share=alone / (alone + decoding),
        iteration=at.iteration, most=room, parts={"prompts": share, **parts},
        gaps=max(output - 1.0, 0.0),
    )  # fmt: skip


def _spread(values: NDArray[np.int64], quantile: float) -> tuple[float, float]:
    """(squared coefficient of variation, quantile over the mean)."""
    mean = float(values.mean())
    return float(values.var()) / mean**2, float(np.quantile(values, quantile)) / mean


def _few_gaps(output: NDArray[np.int64]) -> float:
    """Harmonic mean of the gaps per request: the shorter the output, the more one prompt beside it weighs."""
    gaps = output[output > 1] - 1.0
    return float(1.0 / np.mean(1.0 / gaps)) if len(gaps) else 1.0


def _time(question: ServingQuestion, r: Replica, cost: PassCost, sequences: ArrayLike) -> Array:
    """Time of an iteration with its host's work [s]."""
    return np.maximum(cost.time, host_time(r, sequences)) + question.engine.overhead


def _prompts(question: ServingQuestion, r: Replica, prompts: Array) -> tuple[Array, Array]:
    """(seconds, joules) until ``prompts`` (L,) that arrive together have their first token."""
    whole, engine = question.traffic.mean_prompt, question.engine
    prompt = whole * (1.0 - question.cached)
    each = question.settings_of(r.shares.data, r.shares.tensor)[0]
    budget = each * r.shares.data
    passes = np.maximum(prompt * prompts / budget, 1.0)
    piece = np.minimum(prompt, each)
    most = np.maximum(prompts / r.shares.data, 1.0) * prompt  # tokens of the busiest group, spread evenly
    work = prompt_tokens_cost(r, prompt * prompts / passes, most / passes).times(passes)
    attention = prompt_cost(r, piece, whole - prompt + (prompt - piece) / 2.0)
    work = work.plus(attention.times(most / piece))
    work = within_limit(r, work.plus(sequence_cost(r, prompts)).plus(encoder_cost(r).times(most / prompt)))
    issued = engine.eager * r.architecture.layers * passes
    time = np.maximum(_time(question, r, work, prompts), issued + engine.overhead)
    return time + engine.overhead * (passes - 1.0), work.energy


def prefill_points(question: ServingQuestion, cluster: Cluster, degrees: Degrees) -> tuple[Points, int]:
    """(prefill replicas under every load, points evaluated)."""
    traffic, quantile = question.traffic, question.objective.percentile or 1.0
    prompt = traffic.mean_prompt * (1.0 - question.cached)
    r = replica(question, cluster, degrees)
    budget, *_ = question.settings_of(degrees.data, degrees.tensor)
    together = np.maximum(np.floor(budget * degrees.data / prompt), 1.0)
    one, _ = _prompts(question, r, np.ones(len(degrees)))
    many, joules = _prompts(question, r, together)
    index = np.repeat(np.arange(len(degrees)), len(_LOADS))
    load = np.tile(_LOADS, len(degrees))
    service, active = many[index] / together[index], joules[index] / together[index]
    rate = load / service
    variation, long = _spread(traffic.computed, quantile)
    wait, tail = waits(service=service, rate=rate, variation=variation, quantile=quantile)
    taken = degrees.take(index)
    late, slow_late = adapter_waits(
        replica(question, cluster, taken), rate=rate, running=together[index], quantile=quantile
    )
    first = one[index] + load * (many - one)[index] + question.engine.prompt + late
    slow = first - late + np.maximum(tail, wait + (long - 1.0) * np.maximum(one[index], service))
    slow = slow + np.maximum(late, slow_late)
    zero = np.zeros(len(load))
    shares = {"prompts": load, "waiting": 1.0 - load}
    return Points(
        degrees=taken, peak=together[index], held=rate * (first + wait), rate=rate,
        ttft=first + wait, tpot=zero,
        slow_ttft=slow, slow_tpot=zero, slow_e2e=zero, active=active,
        idle=cluster.chip.idle_power * taken.chips, prompt_share=zero + 1.0, iteration=one[index],
        most=np.broadcast_to(_most(question, r), len(degrees))[index], parts=shares, gaps=0.0,
    ), len(load)  # fmt: skip


def decode_points(question: ServingQuestion, cluster: Cluster, degrees: Degrees) -> tuple[Points, int]:
    """(decode replicas under every load, points evaluated)."""
    traffic, quantile = question.traffic, question.objective.percentile or 1.0
    prompt, output = traffic.mean_prompt, traffic.mean_output
    steps = max(output - 1.0, 1e-9) / question.accepted
    room = _most(question, replica(question, cluster, degrees))
    _, places, *_ = question.settings_of(degrees.data, degrees.tensor)
    index, peak = loads(np.minimum(room, places * degrees.data))
    taken = degrees.take(index)
    r = replica(question, cluster, taken)

    def iteration(number: Array) -> tuple[Array, PassCost]:
        work = token_cost(r, number * r.verified).plus(decode_cost(r, number, prompt + output / 2.0))
        work = within_limit(r, work.plus(sequence_cost(r, number)))
        return _time(question, r, work, number), work

    mean = mean_below(peak, quantile)
    (at, work), (full, _) = iteration(np.maximum(mean, 1.0)), iteration(peak)
    rate = np.maximum(mean, 1.0) / (steps * at) * np.minimum(mean, 1.0)
    gaps = max(output - 1.0, 1.0)
    _, longest = _spread(traffic.sample.output, quantile)
    zero = np.zeros(len(peak))
    shares = {name: np.broadcast_to(value / at, peak.shape) for name, value in work.bound.items()}
    shares["host"] = np.maximum(1.0 - sum(shares.values()), 0.0)
    slow = steps * full / gaps
    return Points(
        degrees=taken, peak=peak, held=mean, rate=rate, ttft=zero, tpot=steps * at / gaps, slow_ttft=zero,
        slow_tpot=slow, slow_e2e=slow * max(longest * output - 1.0, 0.0),
        active=steps * work.energy / np.maximum(mean, 1.0), idle=cluster.chip.idle_power * taken.chips,
        prompt_share=zero, iteration=at, most=np.broadcast_to(room, len(degrees))[index],
        parts=shares, gaps=gaps,
    ), 2 * len(peak)  # fmt: skip
