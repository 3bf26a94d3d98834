"""Roofline: arithmetic intensity of prefill and decode against a machine's ridge.

A pass is bound by memory where it computes less for a byte than the machine's ridge, peak FLOP/s over memory
bandwidth. Decoding reads all weights and every request's keys and values for one token of each request: its
intensity rises with the batch until keys and values outweigh the weights. Prompts reuse weights for all their
tokens. Narrower weights and caches, and memory of more bandwidth, move the ridge or the intensity.

References
----------
Williams, Waterman, Patterson 2009, CACM 52(4) (roofline); Pope et al. 2023, arXiv:2211.05102 (decoding).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Degrees, Prices, replica
from gigawatt.machine import Cluster
from gigawatt.performance.serving.inference import (
    Replica,
    decode_cost,
    host_time,
    prompt_cost,
    sequence_cost,
    token_cost,
    within_limit,
)
from gigawatt.performance.serving.steady import most_held
from gigawatt.workload.inference import (
    decode_operations,
    format_of_part,
    logits_operations,
    prompt_operations,
    token_operations,
)
from gigawatt.workload.operation import Operation

__all__ = ["Machine", "Roofline", "Wall", "intensity", "machines", "memory_wall"]

Array = NDArray[np.float64]

_BATCHES = tuple(2**i for i in range(13))
"""Decoding sequences of a curve."""
_CONTEXTS = (1024.0, 8192.0, 65536.0)
"""Tokens before each of them."""
_PROMPTS = tuple(2**i for i in range(5, 16))
"""Tokens of a prompt."""
_TIMES = (1.0, 2.0, 4.0)
"""Factors on the memory bandwidth."""


@dataclass(frozen=True)
class Machine:
    """A machine of the comparison: formats of weights and of keys and values, ``times`` the memory bandwidth.

    ``ridge`` [FLOP/B] of the format that weights are multiplied in, ``peak`` [FLOP/s] and ``bandwidth``
    [B/s] of an accelerator.
    """

    weights: str
    cache: str
    times: float
    ridge: float
    peak: float
    bandwidth: float


@dataclass(frozen=True)
class Roofline:
    """Prefill or decode on one machine under one variable, columns ``(L,)``.

    ``phase`` is ``prompt`` or ``decode``; ``batch`` sequences, each ``context`` tokens in (decode), or a
    prompt of ``context`` tokens; ``intensity`` [FLOP/B]; ``reached`` [FLOP/s] of an accelerator; ``rate``
    [token/s] of an accelerator, ``token`` [s] of a user, ``energy`` [J] of all accelerators a token;
    ``binds`` in words; ``held`` whether memory has room.
    """

    machine: Machine
    phase: str
    batch: Array
    context: Array
    intensity: Array
    reached: Array
    rate: Array
    token: Array
    energy: Array
    binds: tuple[str, ...]
    held: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.batch)


@dataclass(frozen=True)
class Wall:
    """Curves of every machine; ``rows``: each with a prompt, one request, and as many as it holds."""

    degrees: dict[str, int]
    prompt: float
    output: float
    curves: tuple[Roofline, ...]
    rows: tuple[dict[str, Any], ...]


def _sum(operations: tuple[Operation, ...]) -> tuple[Array, Array]:
    flops: Array = np.zeros(())
    moved: Array = np.zeros(())
    for op in operations:
        flops = flops + op.flops * op.launches
        moved = moved + (op.bytes_read + op.bytes_written) * op.launches
    return flops, moved


def intensity(
    found: Replica, *, tokens: Array, sequences: Array, context: Array, prompts: bool
) -> tuple[Array, Array]:
    """(FLOPs, bytes moved) (L,) of a pass on one accelerator of a replica, through all layers.

    Parameters
    ----------
    found : Replica
        Its degrees are one point or ``(L,)``.
    tokens, sequences, context : array (L,)
        Tokens of the pass, sequences they belong to, and tokens before each; of prompts, ``tokens`` of one.
    prompts : bool
        Whether they are prompts rather than decoding sequences.
    """
    s, stages = found.shares, found.under_way
    flops: Array = np.zeros(())
    moved: Array = np.zeros(())
    for block in found.architecture.blocks:
        if block.role == "prediction":
            continue
        work = _sum(token_operations(found.architecture, block, tokens=tokens / stages, shares=s))
        if prompts:
            more = _sum(prompt_operations(block, chunk=tokens / stages, before=context, shares=s))
        else:
            more = _sum(
                decode_operations(
                    block, sequences=sequences / stages, context=context, shares=s, queries=found.verified
                )
            )
        flops = flops + block.count * (work[0] + more[0])
        moved = moved + block.count * (work[1] + more[1])
    ends = _sum(
        logits_operations(found.architecture, sequences=sequences * found.verified / stages, shares=s)
    )
    return flops + ends[0], moved + ends[1]


def machines(
    question: ServingQuestion, cluster: Cluster, weights: Sequence[str] | None = None
) -> Iterator[tuple[Machine, Cluster]]:
    """Formats of weights and cache on the machine, and two and four times its memory bandwidth."""
    chip = cluster.chip
    formats = list(weights or ("bf16", "fp8", "fp4", "int4"))
    caches = [name for name in ("bf16", "fp8") if name in chip.peak]
    combinations = [(w, caches[0], 1.0) for w in formats]
    if len(caches) > 1:
        combinations += [(w, caches[1], 1.0) for w in formats if w in chip.peak or w == "int4"]
    combinations += [(question.weights, question.cache, t) for t in _TIMES[1:]]
    narrow = (formats[-2] if "fp4" in chip.peak else "fp8" if "fp8" in chip.peak else "int4", caches[-1])
    combinations += [(*narrow, t) for t in _TIMES[1:]]
    seen: set[tuple[str, str, float]] = set()
    for stored, cache, times in combinations:
        if (stored, cache, times) in seen:
            continue
        seen.add((stored, cache, times))
        quick = replace(cluster, chip=replace(chip, memory_bandwidth=chip.memory_bandwidth * times))
        # the ridge of several formats is that of the experts, or of whatever else most weights are in
        most = format_of_part(stored, "experts")
        form = most if most in chip.peak else "bf16"
        peak, bandwidth = chip.peak[form], quick.chip.memory_bandwidth
        yield Machine(stored, cache, times, peak / bandwidth, peak, bandwidth), quick


def _binds(parts: dict[str, Array], host: Array) -> tuple[str, ...]:
    """The bottleneck of each pass: arithmetic, memory, links, launches or the host."""
    groups = {
        "arithmetic": parts["arithmetic"],
        "memory": parts["memory"],
        "links": parts["exchange"] + parts["latency"],
        "launches": parts["launch"],
        "host": host,
    }
    names = list(groups)
    values = np.stack([np.broadcast_to(v, host.shape) for v in groups.values()])
    return tuple(names[i] for i in np.argmax(values, axis=0))


def _curve(
    question: ServingQuestion, machine: Machine, cluster: Cluster, degrees: Degrees, phase: str,
    batch: Array, context: Array,
) -> Roofline:  # fmt: skip
    one = Degrees(*(np.full(len(batch), float(getattr(degrees, name)[0])) for name in
                    ("tensor", "pipeline", "data", "expert")))  # fmt: skip
    r = replica(question, cluster, one, weights=machine.weights, cache=machine.cache)
    zero = np.zeros(len(batch))
    if phase == "prompt":
        tokens, gained = context, context
        cost = token_cost(r, tokens).plus(prompt_cost(r, tokens, zero)).plus(sequence_cost(r, zero + 1.0))
        flops, moved = intensity(r, tokens=tokens, sequences=zero + 1.0, context=zero, prompts=True)
        held = most_held(r, prompt=context, output=zero + 1.0) >= 1.0
    else:
        tokens, gained = batch * r.verified, batch * question.accepted
        cost = token_cost(r, tokens).plus(decode_cost(r, batch, context)).plus(sequence_cost(r, batch))
        flops, moved = intensity(r, tokens=tokens, sequences=batch, context=context, prompts=False)
        held = batch <= most_held(r, prompt=context, output=zero + 1.0)
    engine = question.engine
    host = host_time(r, batch)
    cost = within_limit(r, cost)
    device = cost.time
    span = np.maximum(device, host) + engine.overhead
    chips = r.chips
    energy = (cost.energy + cluster.chip.idle_power * chips * span) / gained
    return Roofline(
        machine=machine,
        phase=phase,
        batch=batch,
        context=context,
        intensity=flops / moved,
        reached=np.broadcast_to(flops / r.pipeline / span, batch.shape) * r.pipeline,
        rate=gained / span / chips,
        token=span / (gained / batch) if phase == "decode" else span,
        energy=energy,
        binds=_binds(cost.bound, span - device),
        held=np.broadcast_to(held, batch.shape),
    )


def memory_wall(question: ServingQuestion, cluster: Cluster, degrees: Degrees, prices: Prices) -> Wall:
    """Roofline of prefill and decode of one replica, in other formats and with faster memory.

    Parameters
    ----------
    question : ServingQuestion
        Model, engine and lengths.
    cluster : Cluster
        The machine.
    degrees : Degrees
        One replica; its degrees are held.
    prices : Prices
        What an accelerator draws beside its own power.
    """
    curves: list[Roofline] = []
    rows: list[dict[str, Any]] = []
    prompt, output = question.traffic.mean_prompt, question.traffic.mean_output
    batches = np.array(_BATCHES, dtype=float)
    for machine, quick in machines(question, cluster):
        if machine.times == 1.0 or machine.weights == question.weights:
            contexts = _CONTEXTS if machine.times == 1.0 else _CONTEXTS[:1]
            before = [np.full(len(batches), context) for context in contexts]
            curves += [_curve(question, machine, quick, degrees, "decode", batches, one) for one in before]
            lengths = np.array(_PROMPTS, dtype=float)
            curves.append(_curve(question, machine, quick, degrees, "prompt", np.ones(len(lengths)), lengths))
        r = replica(question, quick, degrees, weights=machine.weights, cache=machine.cache)
        room = float(np.max(most_held(r, prompt=prompt, output=output)))
        for phase, number, context in (
            ("prompt", 1.0, prompt),
            ("decode", 1.0, prompt + output / 2.0),
            ("decode", max(1.0, room), prompt + output / 2.0),
        ):
            one = _curve(question, machine, quick, degrees, phase, np.array([number]), np.array([context]))
            rows.append(_row(machine, one, prices, degrees))
    return Wall(degrees.row(0), prompt, output, tuple(curves), tuple(rows))


def _row(machine: Machine, one: Roofline, prices: Prices, degrees: Degrees) -> dict[str, Any]:
    chips = float(degrees.chips[0])
    rate = float(one.rate[0]) * chips
    power = float(one.energy[0]) * rate
    return {
        "weights": machine.weights,
        "cache": machine.cache,
        "memory_times": machine.times,
        "phase": one.phase,
        "batch": float(one.batch[0]),
        "context_tokens": float(one.context[0]),
        "intensity_FLOP_per_B": float(one.intensity[0]),
        "ridge_FLOP_per_B": machine.ridge,
        "binds": one.binds[0],
        "memory_fits": bool(one.held[0]),
        "token_time_s": float(one.token[0]),
        "tokens_per_s_chip": float(one.rate[0]),
        "chip_energy_per_token_J": float(one.energy[0]),
        "energy_per_token_J": float(prices.meter(power, chips)) / rate,
    }
