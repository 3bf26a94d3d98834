"""Memory of one device, by part, on the worst pipeline stage.

Activations follow Korthikanti et al. term by term, written for any block: what is split by tensor
parallelism, what only by sequence parallelism, and the attention scores where attention is not fused.

References
----------
Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models",
arXiv:2205.05198, sections 4 and 5. Rajbhandari et al. 2020, "ZeRO", arXiv:1910.02054.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.performance.layouts import Layouts, TrainingRun
from gigawatt.performance.pipeline import Cuts, in_flight
from gigawatt.performance.stacks import Optimizer, Stack
from gigawatt.workload.architecture import Architecture, Block

__all__ = [
    "ELEMENT",
    "MEMORY_PARTS",
    "Shards",
    "activation_bytes",
    "device_memory",
    "score_bytes",
    "shards",
    "stage_parameters",
]

Array = NDArray[np.float64]

ELEMENT = 2.0
"""Bytes of one 16-bit activation (exact)."""

MEMORY_PARTS = ("weights", "gradients", "optimizer", "activations", "logits", "buffers", "reserve")


def score_bytes(
    *,
    block: Block,
    microbatch: ArrayLike,
    sequence: float,
    tensor: ArrayLike,
    context: ArrayLike,
    dropout: float = 1.0,
) -> Array:
    """Attention scores kept by unfused attention: softmax output, dropout mask, dropout output [B].

    5·a·s²·b/t with dropout (2·a·s²·b/t without), a query seeing ``window`` keys at most.
    """
    keys = sequence if block.attention.window is None else min(sequence, float(block.attention.window))
    each = ELEMENT + dropout * (1.0 + ELEMENT)
    queries = np.asarray(microbatch) * sequence / np.asarray(context)
    return np.asarray(each * block.attention.heads * keys * queries / np.asarray(tensor))


def activation_bytes(
    *,
    block: Block,
    hidden: int,
    microbatch: ArrayLike,
    sequence: float,
    tensor: ArrayLike,
    context: ArrayLike,
    sequence_parallel: ArrayLike,
    recompute: int,
    dropout: float,
    fused: bool,
    gated_copies: float = 3.0,
    kept_bytes: float = ELEMENT,
    routed_copies: float = 1.0,
) -> Array:
    """Activations that one layer keeps for one microbatch on one device [B].

    Parameters
    ----------
    block, hidden
        The layer. Of GPT-3's kind (four times as wide, dropout) this is s·b·h·(10 + 24/t + 5·a·s/(h·t))
        and, sequence parallel, s·b·h/t·(34 + 5·a·s/h).
    microbatch, tensor, context, sequence_parallel : array
        Columns of layouts, broadcast together.
    sequence : float [tokens]
        The whole one.
    recompute : int
        0 keeps all, 1 all but the scores and what latent attention expands, 2 only the layer's input.
    dropout : float
        1 where masks (one byte an element) are kept.
    fused : bool
        Fused attention keeps no scores.
    gated_copies, kept_bytes, routed_copies : float
        Of the stack: widths that a gated feed-forward keeps, bytes of an input of a multiplication,
        copies of tokens sent to experts.

    Returns
    -------
    array [B]
    """
    t, sp = np.asarray(tensor, dtype=float), np.asarray(sequence_parallel, dtype=float)
    tokens = np.asarray(microbatch, dtype=float) * sequence / np.asarray(context, dtype=float)
    along = np.where(sp > 0.0, t, 1.0)
    if recompute == 2:
        return tokens * ELEMENT * hidden / along
    a = block.attention
    key_value = np.maximum(a.key_value_heads / t, 1.0)
    expanded = a.heads / t * a.head_dim + key_value * (a.head_dim + a.value_dim)
    split = np.zeros_like(t) if a.latent and recompute == 1 else expanded
    split = ELEMENT * split + kept_bytes * a.heads / t * a.value_dim
    for width, gated, each in _feed_forwards(block):
        split = split + each * kept_bytes * (gated_copies if gated else 2.0) * width / t
    inputs = hidden * (1.0 if block.parallel else 2.0)
    if block.experts is not None:
        inputs += routed_copies * block.experts.per_token * hidden
    whole = ELEMENT * (block.norms * hidden + a.query_rank + a.key_value_rank + a.rope_dim)
    whole += kept_bytes * inputs + dropout * 2.0 * hidden
    kept = tokens * (split + whole / along)
    if recompute == 0 and not fused:
        kept = kept + score_bytes(
            block=block,
            microbatch=microbatch,
            sequence=sequence,
            tensor=t,
            context=context,
            dropout=dropout,
        )
    return kept


def _feed_forwards(block: Block) -> list[tuple[float, bool, float]]:
    """(width, gated, times a token passes it) of each feed-forward part."""
    found: list[tuple[float, bool, float]] = []
    if block.feed_forward is not None:
        found.append((block.feed_forward.width, block.feed_forward.gated, 1.0))
    if block.experts is not None:
        e = block.experts
        found.append((e.width, e.gated, float(e.per_token)))
        if e.shared_width:
            found.append((e.shared_width, e.gated, 1.0))
    return found


@dataclass(frozen=True, slots=True)
class Shards:
    """Over how many ranks states are spread, shape ``(L,)``.

    ``dense`` ranks hold the same dense weights (data · context), ``routed`` the same experts;
    ``expert_split`` divides the experts of a layer (expert · expert-tensor).
    """

    dense: Array
    routed: Array
    expert_split: Array
    expert_stride: Array


def shards(layouts: Layouts) -> Shards:
    """The data-parallel groups of dense and of expert weights; see the conventions of ``layouts``."""
    tensor, expert = layouts.tensor.astype(float), layouts.expert.astype(float)
    dense = layouts.data.astype(float) * layouts.context.astype(float)
    expert_tensor = np.where(dense % expert == 0.0, tensor, 1.0)
    split = expert * expert_tensor
    return Shards(dense, np.maximum(dense * tensor / split, 1.0), split, split)


def stage_parameters(
    architecture: Architecture, cut: Cuts, layouts: Layouts, shard: Shards
) -> tuple[Array, Array]:
    """(dense, expert) parameters on one device of every unlike stage, shape ``(L, C)`` each."""
    whole = architecture.parameters
    split = np.array([float(b.parameters.attention + b.parameters.feed_forward) for b in architecture.blocks])
    every = np.array([float(b.parameters.router + b.parameters.norms) for b in architecture.blocks])
    routed = np.array([float(b.parameters.experts) for b in architecture.blocks])
    head = float(whole.head) if not architecture.tied_embeddings else float(whole.embedding)
    alone = cut.embedding * cut.head if architecture.tied_embeddings else 0.0
    ends = cut.embedding * float(whole.embedding) + cut.head * head - alone * head
    tensor = layouts.tensor.astype(float)[:, None]
    dense = (cut.layers @ split + ends)[cut.index] / tensor + (cut.layers @ every)[cut.index]
    return dense, (cut.layers @ routed)[cut.index] / shard.expert_split[:, None]


def device_memory(
    *,
    run: TrainingRun,
    layouts: Layouts,
    stack: Stack,
    optimizer: Optimizer,
    cut: Cuts,
    shard: Shards,
    parameters: tuple[Array, Array],
    activations: Array,
    working: Array,
) -> dict[str, Array]:
    """Bytes on one device of the stage that needs most, by part (:data:`MEMORY_PARTS`), each ``(L,)``.

    Parameters
    ----------
    run, layouts, stack, optimizer
        What is trained and how.
    cut, shard
        Unlike stages and sharing groups of the layouts.
    parameters : pair of array (L, C)
        Dense and expert parameters by stage: :func:`stage_parameters`.
    activations, working : array (K, L) [B]
        Kept by one layer of each kind for one microbatch, and needed beside it while one layer is
        recomputed.
    """
    model, zero = run.architecture, layouts.zero[:, None]
    pipeline, interleave = layouts.pipeline.astype(float), layouts.interleave.astype(float)
    tensor, microbatch = layouts.tensor.astype(float), layouts.microbatch.astype(float)
    dense, routed = parameters

    def held(per_parameter: float, from_stage: int) -> Array:
        by_dense = np.where(zero >= from_stage, shard.dense[:, None], 1.0)
        by_routed = np.where(zero >= from_stage, shard.routed[:, None], 1.0)
        return per_parameter * (dense / by_dense + routed / by_routed)

    waiting = in_flight(
        stage=cut.first[cut.index],
        pipeline=pipeline[:, None],
        interleave=interleave[:, None],
        microbatches=layouts.microbatches[:, None],
    )
    layers = cut.layers[cut.index]
    kept = np.einsum("lck,kl->lc", layers, activations) * waiting
    kept += np.max(np.where(layers > 0.0, working.T[:, None, :], 0.0), axis=2)
    tokens = microbatch * run.sequence / layouts.context
    along = np.where(layouts.sequence_parallel > 0, tensor, 1.0)
    logits = tokens * (stack.logit_bytes * model.vocabulary / tensor + 2.0 * ELEMENT * model.hidden / along)
    ends = cut.embedding[cut.index] * (stack.dropout * tokens * model.hidden / along)[:, None]
    count = np.maximum(layers.sum(axis=2), 1.0)
    gathered = np.where(zero == 3, 2.0 * ELEMENT * (dense + routed) / count, 0.0)
    shared = (shard.dense > 1.0)[:, None]
    parts = {
        "weights": held(optimizer.weight, 3) * np.where(pipeline > 1.0, stack.weight_copies, 1.0)[:, None],
        "gradients": held(optimizer.gradient, 2),
        "optimizer": held(optimizer.state, 1),
        "activations": kept + ends * waiting,
        "logits": cut.head[cut.index] * logits[:, None],
        "buffers": gathered + np.where(shared, stack.bucket, 0.0),
        "reserve": np.full_like(kept, stack.reserve),
    }
    total = parts["weights"].copy()
    for name in MEMORY_PARTS[1:]:
        total += parts[name]
    rows, worst = np.arange(len(layouts)), np.argmax(total, axis=1)
    return {name: part[rows, worst] for name, part in parts.items()}
