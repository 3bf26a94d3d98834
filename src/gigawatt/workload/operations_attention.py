"""Operations of attention: the fused core, the indexer of sparse attention, positions and inner norms."""

from __future__ import annotations

import numpy as np

from gigawatt.workload.architecture import Attention
from gigawatt.workload.model_flops import indexer_pairs, visible_pairs
from gigawatt.workload.operation import GRADIENT_BYTES, ONE, Array, Device, Operation, both, memory

__all__ = ["attention_operations"]

_INDEX_BYTES = 4.0  # a selected position; a score before selection


def attention_operations(a: Attention, d: Device, causal: bool) -> list[Operation]:
    """Everything of attention but its weight matrices; nothing where there are no heads.

    References
    ----------
    Dao 2023 (FlashAttention-2, backward = 2.5 × forward); DeepSeek-AI 2025, "DeepSeek-V3.2" (indexer).
    """
    if not a.heads:
        return []
    return [*_core(a, d, causal), *_indexer(a, d, causal), *_pointwise(a, d)]


def _keys(a: Attention, d: Device) -> tuple[float, Array]:
    """(keys that a query sees at most, keys that a device must hold).

    A window or chunk bounds what a context rank must hold; full attention needs all keys, and so does
    one that selects. Compressed keys are all held.
    """
    s = d.sequence
    near = min(s, float(a.window or s), float(a.chunk or s))
    held: Array = np.minimum(s, s / d.context + near)
    chosen = float(a.indexer.keys) if a.indexer is not None else s
    if a.compression:
        pooled = s / a.compression
        return near + min(pooled, chosen), held + pooled
    return min(near, chosen), held


def _core(a: Attention, d: Device, causal: bool) -> list[Operation]:
    """Fused attention: two multiplications forward; backward five, the scores being computed again.

    Selected keys are counted as read once, as the least traffic; kernels that gather them for every
    query rely on the cache for it.
    """
    heads = a.heads / d.tensor
    groups = np.maximum(a.key_value_heads / d.tensor, 1.0)
    batch = d.microbatch * heads
    pairs = visible_pairs(a, d.sequence, causal=causal) / d.context * batch
    queries = d.sequence / d.context
    reach, held = _keys(a, d)
    q = d.tokens * heads * a.head_dim * d.activation
    o = d.tokens * heads * a.value_dim * d.activation
    widths = a.head_dim if a.shared else a.head_dim + a.value_dim
    kv = d.microbatch * held * groups * widths * d.activation
    logsum = d.tokens * heads * GRADIENT_BYTES
    keys, k = np.asarray(reach), np.asarray(float(a.head_dim))
    forward, backward = 2.0 * (a.head_dim + a.value_dim), 2.0 * (3 * a.head_dim + 2 * a.value_dim)
    form = d.wide_format
    name = "attention.scores"
    return [
        Operation(
            name,
            "attention",
            "forward",
            queries,
            keys,
            k,
            batch,
            forward * pairs,
            q + kv,
            o + logsum,
            ONE,
            form,
            pairs,
        ),
        Operation(
            name,
            "attention",
            "backward",
            queries,
            keys,
            k,
            batch,
            backward * pairs,
            q + kv + 2.0 * o + logsum,
            q + kv,
            ONE,
            form,
            pairs,
        ),
    ]


def _indexer(a: Attention, d: Device, causal: bool) -> list[Operation]:
    """Scores of all keys forward, their best selected; backward the scores of those selected.

    Every tensor rank scores with all heads, which are added up; where each serves its own heads
    (not ``weighted``) with its share of them. Backward three multiplications, the scores being computed
    again; what the indexer learns from, the sum of the attention's own weights over heads, is not counted.
    """
    i = a.indexer
    if i is None or not i.runs:
        return []
    pool, form = float(a.compression or 1), d.wide_format
    heads = np.asarray(float(i.heads)) if i.weighted else np.maximum(i.heads / d.tensor, 1.0)
    queries, batch = d.sequence / d.context, d.microbatch * heads
    scored, selected = (pairs / d.context * batch for pairs in indexer_pairs(a, d.sequence, causal=causal))
    q = d.tokens * heads * i.head_dim * d.activation
    keys = d.microbatch * d.sequence / pool * i.head_dim * d.activation
    lists = 1.0 / heads if i.weighted else 1.0  # scores of one list, or of one a head
    scores, chosen = scored * lists * _INDEX_BYTES, selected * lists * _INDEX_BYTES
    seen, width = np.asarray(d.sequence / pool), np.asarray(float(i.head_dim))
    few = np.asarray(min(d.sequence / pool, float(i.keys)))
    flops = 2.0 * i.head_dim
    return [
        Operation(
            "indexer.scores",
            "attention",
            "forward",
            queries,
            seen,
            width,
            batch,
            flops * scored,
            q + keys,
            scores,
            ONE,
            form,
        ),
        Operation(
            "indexer.scores",
            "attention",
            "backward",
            queries,
            few,
            width,
            batch,
            3.0 * flops * selected,
            q + keys + 2.0 * chosen,
            q + keys,
            ONE,
            form,
        ),
        memory("indexer.select", "forward", queries * d.microbatch, seen, scores, chosen, 1.0, form),
    ]


def _pointwise(a: Attention, d: Device) -> list[Operation]:
    """Rotary embedding, norms of heads and latents, pooling of compressed keys, the output's gate."""
    found: list[Operation] = []
    if a.query_rank + a.key_value_rank:
        found += both(
            "attention.latent_norm",
            d,
            d.shared_tokens,
            a.query_rank + a.key_value_rank,
            (1.0, 1.0),
            (2.0, 1.0),
        )
    passes = int(a.rotary) + int(a.query_key_norm)
    if passes:
        if a.latent:
            width = (a.heads / d.tensor + 1.0) * a.rope_dim
        else:
            width = (a.heads / d.tensor + np.maximum(a.key_value_heads / d.tensor, 1.0)) * a.head_dim
        found += both("attention.rope", d, d.tokens, width, (1.0, 1.0), (1.0, 1.0), passes)
    if a.compression:
        kept = 1.0 / a.compression
        width = 2.0 * a.overlap * a.head_dim
        if a.indexer is not None and a.indexer.runs:
            width += 2.0 * a.overlap * a.indexer.head_dim
        found += both("attention.pool", d, d.tokens, width, (1.0, kept), (1.0 + kept, 1.0))
    if a.gate:
        width = a.heads / d.tensor * a.value_dim
        reads = 1.0 + a.gate / a.value_dim
        found += both("attention.gate", d, d.tokens, width, (reads, 1.0), (reads + 1.0, reads))
    return found
