"""What a forward pass takes when a model is served: time and energy of its parts, over arrays of points.

A point is a replica (layout), a batch and lengths. All parts are of one iteration of a replica: what works on
every token (:func:`token_cost`), attention of prompt chunks (:func:`prompt_cost`) and of decoding sequences
(:func:`decode_cost`), and what is done once a sequence (:func:`sequence_cost`). They add up, because kernels
of one iteration run one after another.

*Pipelines.* With p stages, p batches are under way at once, each with a pth of the sequences; a sequence
gains a token when its batch has passed all stages. An iteration of the replica is such a pass: it takes what
the whole model takes for a pth of the tokens, and the way from stage to stage.

*Energy.* That of :mod:`~gigawatt.performance.serving.power`: J/B and J/FLOP of serving, and active power for
as long as kernels or collectives run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.machine.machine import Chip, Cluster
from gigawatt.performance import collectives
from gigawatt.performance.collectives import Fabric, Traffic, group
from gigawatt.performance.experts import domains_reached, expert_imbalance, lasting_excess
from gigawatt.performance.serving.direct import direct_reduce
from gigawatt.performance.serving.engines import Engine
from gigawatt.performance.serving.pass_cost import PARTS, PassCost, no_cost
from gigawatt.performance.serving.power import Regulator, cut_energy, load_serving_power, metered
from gigawatt.technology import Cost, technology
from gigawatt.technology.digital.gpu import BLOCK
from gigawatt.workload.architecture import Architecture, Block
from gigawatt.workload.encoders import Encoded, encoder_operations
from gigawatt.workload.inference import (
    SPARSE,
    Shares,
    decode_operations,
    expert_operations,
    group_operations,
    logits_operations,
    prompt_operations,
    token_operations,
)
from gigawatt.workload.operation import FORMAT_BYTES, Operation, expert_products, memory
from gigawatt.workload.served_adapters import Adapters, adapted_operations, adapter_bytes

__all__ = [
    "Replica",
    "check_used",
    "decode_cost",
    "encoder_cost",
    "host_time",
    "multiply_format",
    "prompt_cost",
    "prompt_tokens_cost",
    "sequence_cost",
    "shared_cost",
    "token_cost",
    "within_limit",
]

Array = NDArray[np.float64]

_WIDE = FORMAT_BYTES["bf16"]


def multiply_format(weights: str, chip: Chip) -> str:
    """Format that weights stored so are multiplied in: their own where the chip has it, else bf16.

    INT4 weights are always widened; a chip without FP4 or FP8 widens those too. Of a 2:4 pattern bytes alone
    are saved: multiplications are counted at the dense rate. Of several parts (``bf16 experts=fp4``) each by
    itself.
    """
    usual, *others = weights.split()
    if others:
        parts = (word.partition("=") for word in others)
        named = (f"{part}={multiply_format(form, chip)}" for part, _, form in parts)
        return " ".join((multiply_format(usual, chip), *named))
    weights = weights.removesuffix(SPARSE)
    if (weights if weights != BLOCK else "fp8") in chip.peak:
        return weights
    return "bf16" if "bf16" in chip.peak else "fp16"


@dataclass(frozen=True)
class Replica:
    """One copy of a model on its accelerators; layout columns are arrays over points ``(L,)``.

    ``guesses`` tokens a sequence are guessed by ``drafts`` passes of a prediction module in each iteration
    (0: none) and checked beside the next one. ``overlap``: an iteration is two halves of the batch, and
    experts' exchange of one goes on beside the other's work. ``adapters`` are those that requests name,
    ``encoded`` what they have beside text. ``cap`` [W] is the power cap of one accelerator, below its own
    limit; none if left out.
    """

    architecture: Architecture
    cluster: Cluster
    engine: Engine
    shares: Shares
    pipeline: Array
    guesses: float = 0.0
    overlap: bool = False
    adapters: Adapters | None = None
    encoded: tuple[Encoded, ...] = ()
    cap: Array | float | None = None

    @property
    def chips(self) -> Array:
        """Accelerators."""
        return self.shares.tensor * self.shares.data * self.pipeline

    @property
    def under_way(self) -> Array:
        """Batches that are computed at once, one a stage; one where the engine does not pipeline."""
        return self.pipeline if self.engine.pipelined > 0.0 else np.ones_like(self.pipeline)

    @property
    def working(self) -> Array:
        """Accelerators that compute at once."""
        return self.shares.tensor * self.shares.data * self.under_way

    @property
    def verified(self) -> float:
        """Tokens that a decoding sequence puts through the model in an iteration."""
        return 1.0 + self.guesses

    @property
    def batches(self) -> float:
        """Parts of an iteration's batch that run one after the other."""
        return 2.0 if self.overlap else 1.0


def _operations(
    r: Replica, operations: tuple[Operation, ...], imbalance: Array | float = 1.0, attention: float = 1.0
) -> PassCost:
    """Time of all launches on one accelerator, energy of all accelerators: each stage has a batch."""
    chip, engine = r.cluster.chip, r.engine
    kind = technology(chip.technology)
    found = no_cost()
    power = load_serving_power(chip)
    chip = metered(chip)
    for op in operations:
        cost = _experts(r, op, chip) if op.kind == "grouped_gemm" else kind.cost(op, chip, engine.efficiency)
        arithmetic, memory = cost.arithmetic, cost.memory
        if op.kind == "grouped_gemm":
            arithmetic = arithmetic * imbalance
        elif op.kind == "memory":
            memory = memory * engine.traffic
        elif op.kind == "attention":
            # of what the chip's own memory cannot hold, nothing passes more quickly than the datasheet says
            moved = np.maximum(op.bytes_read + op.bytes_written - chip.sram_bytes, 0.0)
            least = moved / chip.memory_bandwidth
            arithmetic, memory = arithmetic * attention, np.maximum(memory * attention, least)
        binds = arithmetic >= memory
        launches = op.launches
        some = np.where((op.flops > 0.0) | (op.bytes_read > 0.0), launches, 0.0)
        joules = sum(cost.energy.values(), np.zeros(()))
        core = joules - cost.energy.get("dram", 0.0)
        found = found.plus(
            PassCost(
                {
                    "arithmetic": np.where(binds, arithmetic, 0.0) * launches,
                    "memory": np.where(binds, 0.0, memory) * launches,
                    "launch": cost.launch * some,
                    "exchange": np.zeros(()),
                    "latency": np.zeros(()),
                },
                (joules + cost.active * power.active * np.maximum(arithmetic, memory)) * launches * r.working,
                core=core * launches * r.working,
            )
        )
    return found


def _experts(r: Replica, op: Operation, chip: Chip) -> Cost:
    """Cost of a layer's experts on one accelerator, of even loads.

    By the engine's fused kernel, which gathers the tokens of each expert itself; or by multiplications of
    matrices, each expert's tokens in a row: of a single expert, and where they come so from the dispatch to
    more groups than engines gather, if that takes less.
    """
    kind, engine = technology(chip.technology), r.engine
    fused = kind.cost(op, chip, engine.efficiency)
    slower = engine.experts * (engine.experts_block if op.number_format == BLOCK else 1.0)
    fused = replace(fused, arithmetic=fused.arithmetic * slower, memory=fused.memory * slower)
    across = (r.shares.data > 1.0) & (r.shares.expert > engine.gathered)
    sorted_before = across & (engine.deduplicates > 0.0)
    one = op.batch <= 1.0
    if not np.any(sorted_before | one):
        return fused
    plain = [kind.cost(part, chip, engine.efficiency) for part in expert_products(op)]
    arithmetic, memory, launch = (
        np.asarray(sum((getattr(cost, name) for cost in plain), np.zeros(())))
        for name in ("arithmetic", "memory", "launch")
    )
    arithmetic, memory = arithmetic * engine.experts, memory * engine.experts
    less = np.maximum(arithmetic, memory) + launch < np.maximum(fused.arithmetic, fused.memory) + fused.launch
    take = one | (sorted_before & less)
    return replace(
        fused, arithmetic=np.where(take, arithmetic, fused.arithmetic),
        memory=np.where(take, memory, fused.memory),
        launch=np.where(take, launch, fused.launch),
    )  # fmt: skip


def _exchanged(r: Replica, traffic: Traffic, times: Array | float = 1.0) -> PassCost:
    """A communication of every rank of every stage."""
    factor = times * r.engine.exchange
    up, out = r.cluster.scale_up.energy_byte, r.cluster.scale_out.energy_byte
    active = load_serving_power(r.cluster.chip).active * (traffic.bandwidth + traffic.latency) * factor
    joules = ((traffic.up_bytes * up + traffic.out_bytes * out) * times + active) * r.working
    parts = {name: np.zeros(()) for name in PARTS}
    parts["exchange"], parts["latency"] = traffic.bandwidth * factor, traffic.latency * factor
    return PassCost(parts, joules)


def _reduced(r: Replica, size: Array, ranks: Array, fabric: Fabric) -> Traffic:
    """The quicker of the links' all-reduce and one by kernels that read their neighbours' memory."""
    found = collectives.all_reduce(
        size=size, group=group(size=ranks, stride=1.0, fabric=fabric), fabric=fabric
    )
    if r.engine.direct > 0.0:
        found = direct_reduce(size=size, ranks=ranks, fabric=fabric, other=found)
    return found


def _exchanges(r: Replica, block: Block, tokens: Array, busiest: Array) -> PassCost:
    """Communication of one layer for ``tokens`` of the replica in an iteration.

    ``busiest``: those if every attention group had as many as that with the most, whose ranks send and get
    back their own.
    """
    s, hidden = r.shares, r.architecture.hidden
    fabric = Fabric.of(r.cluster)
    rows = busiest / s.data
    size = rows * hidden * _WIDE
    reduced = _exchanged(r, _reduced(r, size, s.tensor, fabric), np.where(s.tensor > 1.0, 1.0, 0.0))
    mixes = block.mixer is not None or block.attention.heads > 0
    dense = block.feed_forward is not None
    apart = s.data > 1.0
    e = block.experts
    together = 0.0 if block.parallel and mixes and (dense or e is not None) else float(mixes)
    found = reduced.times(together)
    if e is None:
        return found.plus(reduced) if dense else found
    # Where the ranks of a stage hold the same tokens, expert outputs are added up as dense ones are.
    found = found.plus(reduced.times(np.where(apart, 0.0, 1.0)))
    if not bool(np.any(apart)):
        return found
    ranks = s.tensor * s.data
    inner = e.inputs(hidden)
    spread = group(size=np.minimum(s.expert, ranks), stride=np.maximum(ranks / s.expert, 1.0), fabric=fabric)
    elements = rows / s.tensor * e.per_token * inner
    copies: Array | float = 1.0
    if r.engine.deduplicates > 0.0:
        copies = domains_reached(experts=e, domains=spread.outside) / e.per_token
    sent = no_cost()
    for width in (r.engine.dispatch_bytes, _WIDE):
        sent = sent.plus(
            _exchanged(
                r, collectives.all_to_all(size=elements * width, group=spread, copies=copies, fabric=fabric)
            )
        )
    everyone = group(size=ranks, stride=1.0, fabric=fabric)
    gathered = collectives.all_gather(size=tokens * inner * _WIDE, group=everyone, fabric=fabric)
    gathered = _exchanged(r, gathered.times(2.0))
    routed = s.expert > 1.0
    chosen = PassCost(
        {name: np.where(routed, sent.parts[name], gathered.parts[name]) for name in PARTS},
        np.where(routed, sent.energy, gathered.energy),
    )
    chosen = chosen.times(np.where(apart, 1.0, 0.0))
    return found.plus(chosen.beside(r.engine.exchange_hidden) if r.overlap else chosen)


def within_limit(r: Replica, cost: PassCost) -> PassCost:
    """The pass as accelerators within their power limit have it, or as the replica's cap holds them.

    At the limit no time changes, and joules are cut to what it allows. Under a cap multiplications take
    longer by the clock (:class:`~gigawatt.performance.serving.power.Regulator`), with pauses where the least
    clock does not do. Times and joules of a whole pass are read from what this returns.
    """
    power = load_serving_power(r.cluster.chip)
    if r.cap is None:
        energy = cut_energy(power=power, chips=r.chips, time=cost.time, energy=cost.energy)
        return replace(cost, energy=energy)
    time, energy = Regulator.of(r.cluster.chip, r.cap, power).hold(
        time=cost.work, energy=cost.energy, arithmetic=cost.parts["arithmetic"], core=cost.core, chips=r.chips
    )
    slower = cost.parts["arithmetic"] + (time - cost.work)
    return replace(cost, parts={**cost.parts, "arithmetic": slower}, energy=energy)


def token_cost(r: Replica, tokens: ArrayLike, busiest: ArrayLike | None = None) -> PassCost:
    """Everything that works on ``tokens`` (L,) alike, through all layers, with communication.

    ``busiest`` (L,): tokens of the replica if every attention group had as many as that with the most; as
    many as there are if left out. All groups wait for that one in every layer; the experts of all have the
    tokens that there are. Guessing passes of a prediction module, where there are any, are in
    :func:`sequence_cost`.
    """
    t = np.asarray(tokens, dtype=float) / r.under_way
    most = t if busiest is None else np.asarray(busiest, dtype=float) / r.under_way
    found = no_cost()
    for block in r.architecture.blocks:
        if block.role != "prediction":
            one = _layer(r, block, t / r.batches, most / r.batches)
            found = found.plus(one.times(block.count * r.batches))
    return found.plus(_stages(r, most))


def prompt_tokens_cost(
    r: Replica, tokens: ArrayLike, busiest: ArrayLike, beside: ArrayLike = 0.0
) -> PassCost:
    """:func:`token_cost` of prompts' ``tokens`` (L,) with decoding tokens ``beside`` them.

    ``busiest`` (L,): prompt tokens of the attention group that has the most. Where the engine pads, the other
    groups compute as many, and experts have all of these.
    """
    t, more = np.asarray(tokens, dtype=float), np.asarray(beside, dtype=float)
    found = token_cost(r, t + more)
    most = np.maximum(t, r.shares.data * np.asarray(busiest, dtype=float))
    if not np.any((most > t) & (r.shares.data > 1.0)):
        return found
    there = most if r.engine.padded > 0.0 else t
    return replace(token_cost(r, there + more, most + more), energy=found.energy, core=found.core)


def shared_cost(r: Replica, tokens: ArrayLike) -> PassCost:
    """The part of :func:`token_cost` that all attention groups share: routed experts of ``tokens`` (L,)."""
    t = np.asarray(tokens, dtype=float) / (r.under_way * r.batches)
    found = no_cost()
    for block in r.architecture.blocks:
        if block.role != "prediction":
            found = found.plus(_experts_of(r, block, t).times(block.count * r.batches))
    return found


def _experts_of(r: Replica, block: Block, tokens: Array) -> PassCost:
    """Routed experts of one layer, as long as those of the busiest rank take."""
    if block.experts is None:
        return no_cost()
    imbalance = expert_imbalance(
        tokens=tokens / r.shares.expert,
        per_token=block.experts.per_token,
        expert=r.shares.expert,
        skew=lasting_excess(
            skew=r.engine.expert_skew, experts=block.experts.count, ranks=r.shares.expert,
            redundant=r.shares.redundant,
        ),
    )  # fmt: skip
    return _operations(r, expert_operations(r.architecture, block, tokens=tokens, shares=r.shares), imbalance)


def _layer(r: Replica, block: Block, tokens: Array, busiest: Array) -> PassCost:
    """One layer; ``busiest``: the tokens if every attention group had as many as that with the most."""
    own = _operations(r, group_operations(r.architecture, block, tokens=busiest, shares=r.shares))
    if r.adapters is not None and block.role != "prediction":
        beside = adapted_operations(r.architecture, block, r.adapters, tokens=busiest, shares=r.shares)
        own = own.plus(_operations(r, beside))
    found = own.plus(_experts_of(r, block, tokens)).plus(_exchanges(r, block, tokens, busiest))
    waits = r.engine.layer_overhead * np.where(busiest > 0.0, 1.0, 0.0)
    found.parts["launch"] = found.parts["launch"] + waits
    return found


def _stages(r: Replica, tokens: Array) -> PassCost:
    """From stage to stage, a pth of the tokens at a time."""
    if not np.any(r.pipeline > 1.0):
        return no_cost()
    fabric = Fabric.of(r.cluster)
    size = tokens / r.shares.data * r.architecture.hidden * _WIDE / r.shares.tensor
    hop = collectives.point_to_point(
        size=size, within=r.chips <= fabric.domain, distance=r.shares.tensor * r.shares.data, fabric=fabric
    )
    return _exchanged(r, hop, r.pipeline - 1.0)


def prompt_cost(r: Replica, chunk: ArrayLike, before: ArrayLike) -> PassCost:
    """Attention of one chunk of ``chunk`` (L,) tokens of a prompt of which ``before`` (L,) are done."""
    q = np.maximum(np.asarray(chunk, dtype=float), 1.0)
    found = no_cost()
    for block in r.architecture.blocks:
        if block.role != "prediction":
            operations = prompt_operations(block, chunk=q / r.under_way, before=before, shares=r.shares)
            found = found.plus(_operations(r, operations).times(block.count))
    # one group has the whole chunk: joules of its own ranks only
    return _of_group(r, replace(found, cores=r.engine.exchange_cores))


def _of_group(r: Replica, cost: PassCost) -> PassCost:
    """The cost with the joules of one attention group's ranks only."""
    return replace(cost, energy=cost.energy / r.shares.data, core=cost.core / r.shares.data)


def encoder_cost(r: Replica) -> PassCost:
    """Towers' work on the images and sound of one request, in its group; nothing for text alone.

    The ranks of a group share it, and of a pipeline its first stage has it: no batch passes more quickly.
    """
    found, fabric = no_cost(), Fabric.of(r.cluster)
    apart = np.where(r.shares.tensor > 1.0, 1.0, 0.0)
    for one in r.encoded:
        operations = encoder_operations(one, tensor=r.shares.tensor, hidden=r.architecture.hidden)
        size = np.asarray(one.count * one.patches * one.tower.width * _WIDE)
        reduced = _exchanged(r, _reduced(r, size, r.shares.tensor, fabric), apart)
        found = found.plus(_operations(r, operations)).plus(reduced.times(2.0 * one.tower.layers))
    return _of_group(r, replace(found, energy=found.energy / r.under_way, core=found.core / r.under_way))


def decode_cost(r: Replica, sequences: ArrayLike, context: ArrayLike) -> PassCost:
    """Attention and states of other mixers of ``sequences`` (L,), each ``context`` (L,) tokens in."""
    b = np.asarray(sequences, dtype=float) / (r.under_way * r.batches)
    found = no_cost()
    for block in r.architecture.blocks:
        if block.role != "prediction":
            operations = decode_operations(
                block, sequences=b, context=context, shares=r.shares, queries=r.verified
            )
            one = _operations(r, operations, attention=r.engine.decode_attention)
            found = found.plus(one.times(block.count * r.batches))
    return found


def sequence_cost(r: Replica, sequences: ArrayLike) -> PassCost:
    """Logits and sampling of ``sequences`` (L,), weights of their adapters, the host's work for those of a
    group, guesses of tokens."""
    b = np.asarray(sequences, dtype=float) / r.under_way
    rows = b * r.verified
    found = _operations(r, logits_operations(r.architecture, sequences=rows, shares=r.shares))
    if r.guesses > 0.0:
        once = found.times(1.0 / r.verified)
        for block in r.architecture.blocks:
            if block.role == "prediction":
                once = once.plus(_layer(replace(r, overlap=False), block, b, b))
        found = found.plus(once.times(r.guesses))
    if r.adapters is not None:
        found = found.plus(_gathered(r, r.adapters, b))
    found.parts["launch"] = found.parts["launch"] + r.engine.sequence * b / r.shares.data
    return found


def _gathered(r: Replica, adapters: Adapters, sequences: Array) -> PassCost:
    """Weights of the distinct adapters of ``sequences`` (L,), read once by every half of the batch.

    Their launches are those of the multiplications in :func:`token_cost`.
    """
    each = adapter_bytes(r.architecture, adapters, tensor=r.shares.tensor)
    distinct = adapters.distinct(sequences / (r.shares.data * r.batches)) * r.batches
    read = memory("adapters", "forward", distinct, each, distinct * each, 0.0 * distinct, 1.0, "bf16")
    found = _operations(r, (read,))
    return replace(found, parts={**found.parts, "launch": np.zeros(())})


def host_time(r: Replica, sequences: ArrayLike) -> Array:
    """Least time of an iteration of ``sequences`` (L,) in all [s]: the host's work beside the device's.

    Each attention group has a scheduler of its own, which has its sequences alone.
    """
    each = np.asarray(sequences, dtype=float) / r.shares.data
    return np.asarray(r.engine.host + r.engine.host_sequence * each)


def check_used(r: Replica, context: ArrayLike) -> None:
    """Raise where what stands beside a chip's host would take no product of this model.

    One decoding sequence, ``context`` (L,) tokens in, is what it is best at.

    Raises
    ------
    InputError
        Names what stands beside the host: the answer would be that of the host alone.
    """
    chip, seen = metered(r.cluster.chip), np.asarray(context, dtype=float)
    kind = technology(chip.technology)
    names, one = kind.beside(chip), np.ones_like(seen)
    if not names:
        return
    for block in r.architecture.blocks:
        for op in (
            *token_operations(r.architecture, block, tokens=one, shares=r.shares),
            *decode_operations(block, sequences=one, context=seen, shares=r.shares),
        ):
            if np.any(np.equal(kind.cost(op, chip, r.engine.efficiency).active, 0.0)):
                return
    raise InputError(
        f"{', '.join(names)} takes no product of {r.architecture.name}, the host is sooner in all: "
        "the answer would be the host's",
        key="machine.chip",
        given=chip.id,
        allowed="the host by itself, as a chip or design of technology gpu",
    )
