"""What one layer keeps of one microbatch for the backward pass, on one device.

Korthikanti et al. term by term, written for any block: what tensor parallelism splits, what only sequence
parallelism splits, and the attention scores where attention is not fused.

References
----------
Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models",
arXiv:2205.05198, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.workload.architecture import Block

__all__ = ["ELEMENT", "activation_bytes", "last_products", "score_bytes"]

Array = NDArray[np.float64]

ELEMENT = 2.0
"""Bytes of one 16-bit activation (exact)."""
_BEFORE = 2
"""Most norms of a layer that come before attention and feed-forward; more are behind them too."""


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
    gate_bytes: float = ELEMENT,
    selective_products: float = 0.0,
    context_copies: float = 0.0,
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
        0 keeps all; 1 is selective; 2 keeps only the layer's input; 3 that and the outputs of attention's
        projections.
    dropout : float
        1 where masks (one byte an element) are kept.
    fused : bool
        Fused attention keeps no scores.
    gated_copies, kept_bytes, gate_bytes, routed_copies : float
        Of the stack: widths that a gated feed-forward keeps (2: the product is computed again), bytes of an
        input of a multiplication, bytes of gate and up, copies of tokens sent to experts.
    selective_products : float
        What selective recomputation keeps. 0: all but the scores and what latent attention expands. 1: the
        layer's input, attention's output and the outputs of every second matrix multiplication.
    context_copies : float
        Copies of attention's output kept beside the input of the next multiplication where heads are
        exchanged for parts of the sequence (context parallelism by all-to-all).

    Returns
    -------
    array [B]
    """
    t, sp = np.asarray(tensor, dtype=float), np.asarray(sequence_parallel, dtype=float)
    c = np.asarray(context, dtype=float)
    tokens = np.asarray(microbatch, dtype=float) * sequence / c
    along = np.where(sp > 0.0, t, 1.0)
    if recompute == 2:
        return tokens * ELEMENT * hidden * block.streams / along
    if recompute == 1 and selective_products > 0.0:
        return tokens * ELEMENT * _every_second_product(block, hidden, t, along)
    a = block.attention
    key_value = np.maximum(a.key_value_heads / t, 1.0)
    expanded = a.heads / t * a.head_dim + key_value * (a.head_dim + a.value_dim)
    output = a.heads / t * a.value_dim
    if recompute == 3:
        return tokens * ELEMENT * (2.0 * hidden / along + expanded)
    split = np.zeros_like(t) if a.latent and recompute == 1 else expanded
    split = ELEMENT * (split + np.where(c > 1.0, context_copies, 0.0) * output) + kept_bytes * output
    for part in _feed_forwards(block):
        gated = 2.0 * gate_bytes + (gated_copies - 2.0) * kept_bytes
        copies = gated if part.gated else 2.0 * kept_bytes
        split = split + part.times * copies * part.width / t
    if block.mixer is not None:
        split = split + ELEMENT * block.mixer.kept / t
    inputs = hidden * (1.0 if block.parallel else 2.0)
    if block.experts is not None:
        inputs += routed_copies * block.experts.per_token * block.experts.inputs(hidden)
    ranks = a.query_rank + a.key_value_rank
    whole = ELEMENT * (block.norms * hidden + ranks + a.rope_dim) + kept_bytes * (inputs + ranks)
    whole += dropout * 2.0 * hidden
    if block.streams > 1:
        whole += ELEMENT * block.streams * hidden * block.sublayers
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


@dataclass(frozen=True, slots=True)
class _Part:
    """A feed-forward part of ``width`` that a token passes ``times``."""

    width: float
    gated: bool
    times: float


def _feed_forwards(block: Block) -> list[_Part]:
    found: list[_Part] = []
    if block.feed_forward is not None:
        found.append(_Part(block.feed_forward.width, block.feed_forward.gated, 1.0))
    if block.experts is not None:
        e = block.experts
        found.append(_Part(e.width, e.gated, float(e.per_token)))
        if e.shared_width:
            found.append(_Part(e.shared_width, e.gated, 1.0))
    return found


def _every_second_product(block: Block, hidden: int, t: Array, along: Array) -> Array:
    """Elements a token: layer input, attention output, and of q, k, v, o, gate, up, down every second.

    The output of the last one is not needed in the backward pass and not counted.
    """
    a = block.attention
    heads = a.heads / t
    split = heads * a.head_dim + heads * a.value_dim + np.maximum(a.key_value_heads / t, 1.0) * a.value_dim
    for part in _feed_forwards(block):
        split = split + part.times * part.width / t
    if block.mixer is not None:
        split = split + (block.mixer.convolved + block.mixer.inner) / t
    return np.asarray(split + hidden / along)


def last_products(block: Block) -> tuple[str, ...]:
    """Multiplications whose result only the next layer reads, so that a backward pass does without it.

    Not before a norm of the result, nor before the sum of several experts, whose weights it differentiates.
    """
    if block.experts is not None or block.norms > _BEFORE:
        return ()
    if block.feed_forward is None:
        return ("attention.output", "mixer.output")
    return ("mlp.down", "attention.output", "mixer.output") if block.parallel else ("mlp.down",)
