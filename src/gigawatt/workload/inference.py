"""Operations of serving: what one forward pass of prompts and decoding sequences computes.

Three families, each over an array of points ``(L,)`` that may differ in layout, batch and length: what works
on every token alike (:func:`token_operations`), the attention of prompt chunks (:func:`prompt_operations`)
and of decoding sequences (:func:`decode_operations`); and the logits of sequences that are sampled
(:func:`logits_operations`). Serving engines fuse more than training frameworks do: a residual addition goes
with its norm, a conversion to a narrow format with what comes before it, and an expert layer's two
multiplications are one kernel. Weights may be stored in fewer bits than they are multiplied in.

Latent attention: prompts expand the latent into keys and values of every head, decoding multiplies queries
into the latent space and attends to the latents themselves (DeepSeek-AI 2024, arXiv:2405.04434, section 2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.workload.architecture import Architecture, Attention, Block, Experts, Mixer
from gigawatt.workload.attention_reach import reach, score_pairs
from gigawatt.workload.matrices import Matrix, matrices
from gigawatt.workload.operation import FORMAT_BYTES, ONE, Array, Operation, make_device, memory
from gigawatt.workload.operations_mixers import mixer_operations

__all__ = [
    "FORMAT_PARTS",
    "SPARSE",
    "WEIGHT_BYTES",
    "Shares",
    "active_experts",
    "decode_operations",
    "expert_operations",
    "format_of_part",
    "formats_of",
    "group_operations",
    "kept_bytes",
    "logits_operations",
    "prompt_operations",
    "token_operations",
    "weight_bytes",
]

SPARSE = "_2of4"
"""Ends the name of a stored format of which two of four weights are kept, two bits each for their place."""

_DENSE: Mapping[str, float] = {
    **FORMAT_BYTES,
    "fp4": 0.5 + 1.0 / 16.0,
    "mxfp4": 0.5 + 1.0 / 32.0,
    "nf4": 0.5 + 4.0 / 64.0,
    **{f"int4{name}": 0.5 + 2.0 / group for name, group in (("", 128), ("_g64", 64), ("_g32", 32))},
}

WEIGHT_BYTES: Mapping[str, float] = {
    **_DENSE,
    **{f"{form}{SPARSE}": 0.5 * _DENSE[form] + 1.0 / 8.0 for form in ("bf16", "fp8", "fp4", "int4")},
}
"""Bytes of one stored weight: FP4 has an 8-bit scale for 16 of them, MXFP4 for 32, INT4 a 16-bit one for
128 or as many as its name says, NF4 a 32-bit one for 64 (Dettmers et al. 2023, arXiv:2305.14314)."""

FORMAT_PARTS = ("attention", "experts")
"""Parts of a layer whose weights may have a format of their own: ``bf16 experts=mxfp4``."""

_WIDE = FORMAT_BYTES["bf16"]
_STATE = 4.0  # states of other mixers are kept in fp32
_INDEX = FORMAT_BYTES["fp8"]  # keys of an indexer are kept in 8 bits


@lru_cache(maxsize=256)
def formats_of(text: str) -> Mapping[str, str]:
    """Formats by part of a layer ("" of all others) of a text such as ``bf16 experts=mxfp4``.

    Raises
    ------
    InputError
        No usual format, no such part, or a part twice.
    """
    usual, *others = text.split() or [""]
    found = {"": usual}
    for word in others:
        part, _, form = word.partition("=")
        if part not in FORMAT_PARTS or part in found or not form:
            raise InputError(
                "no such part of a layer", given=word, nearest=nearest(part, FORMAT_PARTS),
                allowed="a format, then " + " or ".join(f"{one}=FORMAT" for one in FORMAT_PARTS),
            )  # fmt: skip
        found[part] = form
    return found


def format_of_part(text: str, part: str) -> str:
    """The format of a part of a layer; see :func:`formats_of`."""
    found = formats_of(text)
    return found.get(part, found[""])


@dataclass(frozen=True, slots=True)
class Shares:
    """How a replica divides its work, arrays over points ``(L,)``, each ≥ 1.

    ``tensor`` ranks split heads and dense widths; ``data`` groups of them each hold their own sequences
    (attention data parallelism); the experts of a layer lie on ``expert`` groups of ``expert_tensor`` ranks.
    ``weights`` and ``cache`` are the stored formats of weights and of keys and values, ``multiply`` that of
    multiplications by weights (either by part, see :func:`formats_of`), ``attend`` of attention's products.
    ``redundant`` experts of a layer have a second copy on another group.
    """

    tensor: Array
    data: Array
    expert: Array
    expert_tensor: Array
    weights: str = "bf16"
    multiply: str = "bf16"
    cache: str = "bf16"
    attend: str = "bf16"
    redundant: float = 0.0

    @classmethod
    def of(
        cls,
        *,
        tensor: ArrayLike = 1.0,
        data: ArrayLike = 1.0,
        expert: ArrayLike = 1.0,
        expert_tensor: ArrayLike | None = None,
        weights: str = "bf16",
        multiply: str = "bf16",
        cache: str = "bf16",
        attend: str = "bf16",
        redundant: float = 0.0,
    ) -> Shares:
        """From numbers; experts are split over what is left of the ranks where nobody says.

        Raises
        ------
        InputError
            A number format that is not known.
        """
        for key, form in (("weights", weights), ("multiply", multiply), ("cache", cache), ("attend", attend)):
            known = WEIGHT_BYTES if key == "weights" else FORMAT_BYTES
            for one in formats_of(form).values():
                check_word(key, one, known, "this number format is not known")
        t, d, e = (np.asarray(x, dtype=float) for x in (tensor, data, expert))
        et = t * d / e if expert_tensor is None else np.asarray(expert_tensor, dtype=float)
        return cls(t, d, e, et, weights, multiply, cache, attend, redundant)

    def stored(self, part: str) -> float:
        """Bytes of one stored weight of a part of a layer."""
        return WEIGHT_BYTES[format_of_part(self.weights, part)]


def active_experts(*, experts: Experts, tokens: Array, ranks: Array, redundant: float = 0.0) -> Array:
    """Expert slots of one rank that any of ``tokens`` reaches, if they are drawn evenly: at least one.

    slots/ranks · (1 − (1 − k/slots)^tokens), k experts a token; slots are the experts and their
    ``redundant`` copies, among which tokens are divided.
    """
    slots = experts.count + redundant
    missed = (1.0 - experts.per_token / slots) ** np.maximum(tokens, 0.0)
    return np.maximum(slots / ranks * (1.0 - missed), np.minimum(1.0, tokens))


def _gemm(matrix: Matrix, rows: Array, tensor: Array, s: Shares) -> Operation:
    """Multiplication by one weight matrix of ``rows`` tokens."""
    k, n = matrix.local_inputs(tensor), matrix.local_outputs(tensor)
    batch: Array = np.maximum(matrix.diagonal / tensor, 1.0) if matrix.diagonal > 1 else ONE
    wide = matrix.wide or matrix.part == "router"
    form = "bf16" if wide else format_of_part(s.multiply, matrix.part)
    stored = _WIDE if wide else s.stored(matrix.part)
    read = batch * (rows * k * FORMAT_BYTES[form] + k * n * stored)
    flops = 2.0 * batch * rows * k * n
    written = batch * rows * n * _WIDE
    return Operation(matrix.name, "gemm", "forward", rows, n, k, batch, flops, read, written, ONE, form)


def _experts(e: Experts, hidden: int, tokens: Array, s: Shares) -> list[Operation]:
    """Routed experts: one fused kernel, and the movement of tokens to them and back."""
    inner, factor = e.inputs(hidden), 2.0 if e.gated else 1.0
    active = active_experts(experts=e, tokens=tokens, ranks=s.expert, redundant=s.redundant)
    rows = tokens * e.per_token / s.expert
    width = e.width / s.expert_tensor
    form, stored = format_of_part(s.multiply, "experts"), s.stored("experts")
    weights = (factor + 1.0) * inner * width
    read = active * weights * stored + rows * (inner + width) * FORMAT_BYTES[form]
    written = rows * (factor * width + inner) * _WIDE
    kernel = Operation(
        "experts",
        "grouped_gemm",
        "forward",
        rows / np.maximum(active, np.finfo(float).tiny),
        factor * width,
        np.asarray(float(inner)),
        active,
        2.0 * rows * weights,
        read,
        written,
        ONE,
        form,
    )
    moved = rows * inner * _WIDE
    return [
        kernel,
        memory("router.top_k", "forward", tokens, e.count, tokens * e.count * 4.0, tokens * 8.0, 1.0, "bf16"),
        memory("experts.permute", "forward", rows, inner, moved, moved, 2.0, "bf16"),
    ]


def token_operations(
    architecture: Architecture, block: Block, *, tokens: ArrayLike, shares: Shares
) -> tuple[Operation, ...]:
    """What one layer does to every token alike, on one accelerator: :func:`group_operations` of tokens that
    are spread evenly over the attention groups, then :func:`expert_operations`.

    Parameters
    ----------
    architecture, block
        The model and one of its block kinds.
    tokens : array (L,)
        Of the whole replica; attention ranks hold ``tokens / data`` of them.
    shares : Shares
        How the replica divides it.

    Returns
    -------
    tuple of Operation
        Multiplications by weights, experts, norms, activations, positions; broadcast to (L,).
    """
    own = group_operations(architecture, block, tokens=tokens, shares=shares)
    return (*own, *expert_operations(architecture, block, tokens=tokens, shares=shares))


def expert_operations(
    architecture: Architecture, block: Block, *, tokens: ArrayLike, shares: Shares
) -> tuple[Operation, ...]:
    """What one layer's routed experts, which all attention groups share, do to ``tokens`` (L,) of the
    replica, on one accelerator; nothing in a layer without experts."""
    if block.experts is None:
        return ()
    return tuple(_experts(block.experts, architecture.hidden, np.asarray(tokens, dtype=float), shares))


def group_operations(
    architecture: Architecture, block: Block, *, tokens: ArrayLike, shares: Shares
) -> tuple[Operation, ...]:
    """What one layer does to the tokens of one attention group, on one of its accelerators: all but routed
    experts and attention to other tokens.

    ``tokens`` (L,): those of the replica if every group had as many.
    """
    s, hidden = shares, architecture.hidden
    rows = np.asarray(tokens, dtype=float) / s.data
    found = [_gemm(matrix, rows, s.tensor, s) for matrix in matrices(hidden, block) if matrix.groups == 1]
    wide, streams = rows * hidden * _WIDE, float(block.streams)
    each = (2.0 if block.streams == 1 else 2.0 * streams + 1.0) * wide
    found.append(memory("norm", "forward", rows, hidden, each, each, block.norms, "bf16"))
    a = block.attention
    if a.heads:
        heads = a.heads / s.tensor + np.maximum(a.key_value_heads / s.tensor, 1.0)
        moved = rows * heads * a.head_dim * _WIDE
        found.append(memory("attention.rope", "forward", rows, heads * a.head_dim, moved, moved, 1.0, "bf16"))
        if a.gate:
            moved = rows * a.heads / s.tensor * a.value_dim * _WIDE
            found.append(memory("attention.gate", "forward", rows, 1.0, 2.0 * moved, moved, 1.0, "bf16"))
    if block.mixer is not None:
        moved = rows * block.mixer.inner / s.tensor * _WIDE
        found.append(memory("mixer.norm", "forward", rows, 1.0, 2.0 * moved, moved, 1.0, "bf16"))
    widths: list[tuple[float, bool]] = []
    if block.feed_forward is not None:
        widths.append((block.feed_forward.width, block.feed_forward.gated))
    if block.experts is not None and block.experts.shared_width:
        widths.append((block.experts.shared_width, block.experts.gated))
    for width, gated in widths:
        moved = rows * width / s.tensor * _WIDE
        read = 2.0 * moved if gated else moved
        found.append(memory("activation", "forward", rows, width / s.tensor, read, moved, 1.0, "bf16"))
    return tuple(found)


def _index(a: Attention, queries: Array, seen: Array, batch: Array, s: Shares) -> list[Operation]:
    """Scores of an indexer over all keys of ``batch`` sequences and the choice of the best."""
    i = a.indexer
    if i is None or not i.runs:
        return []
    keys = seen / (a.compression or 1)
    heads = np.asarray(float(i.heads)) if i.weighted else np.maximum(i.heads / s.tensor, 1.0)
    lists = batch * (1.0 if i.weighted else heads)
    pairs = batch * queries * keys
    read = batch * (queries * heads + keys) * i.head_dim * _INDEX
    scores = lists * queries * keys * _STATE
    width = np.asarray(float(i.head_dim))
    form = "fp8" if s.attend == "fp8" else "bf16"
    return [
        Operation(
            "indexer.scores", "attention", "forward", queries, keys, width, batch * heads,
            2.0 * heads * i.head_dim * pairs, read, scores, ONE, form,
        ),
        memory("indexer.select", "forward", lists * queries, keys, scores, lists * queries * i.keys * _STATE,
               1.0, "bf16"),
    ]  # fmt: skip


def prompt_operations(
    block: Block, *, chunk: ArrayLike, before: ArrayLike, shares: Shares, batch: ArrayLike = 1.0
) -> tuple[Operation, ...]:
    """What one layer does for prompt chunks beside :func:`token_operations`: attention, scans.

    Parameters
    ----------
    block : Block
        One of the model's kinds.
    chunk, before : array (L,)
        New tokens of a prompt, ≥ 1, and tokens of the same prompt that came before.
    shares : Shares
        ``data`` groups work on different prompts: of ``batch`` prompts each has its share.
    batch : array (L,)
        Such chunks.

    References
    ----------
    Dao 2023 (FlashAttention-2); Agrawal et al. 2024, arXiv:2403.02310 (chunked prefills).
    """
    s = shares
    q, c, b = (np.asarray(x, dtype=float) for x in (chunk, before, batch))
    b = np.maximum(b / s.data, np.minimum(b, 1.0))
    scans: tuple[Operation, ...] = ()
    if block.mixer is not None:
        device = make_device(
            microbatch=b * q,
            sequence=1.0,
            tensor=s.tensor,
            context=1.0,
            expert=1.0,
            sequence_parallel=0.0,
            number_format="bf16",
        )
        scans = tuple(op for op in mixer_operations(block.mixer, device) if op.phase == "forward")
    a = block.attention
    if not a.heads:
        return scans
    heads = a.heads / s.tensor
    groups = np.maximum(a.key_value_heads / s.tensor, 1.0)
    held = np.minimum(q + c, reach(a, q + c) + q)
    width = a.head_dim if a.shared else a.head_dim + a.value_dim
    queries = b * q * heads * a.head_dim * _WIDE
    if a.latent and not a.shared:
        cached = b * held * (a.key_value_rank + a.rope_dim) * FORMAT_BYTES[s.cache]
        expanded = b * held * heads * width * _WIDE
    else:
        cached = b * held * groups * width * FORMAT_BYTES[s.cache]
        expanded = np.zeros(())
    pairs = b * heads * score_pairs(a, q, c)
    flops = 2.0 * (a.head_dim + a.value_dim) * pairs
    core = Operation(
        "attention.prompt", "attention", "forward", q, np.maximum(reach(a, q + c), 1.0),
        np.asarray(float(a.head_dim)), b * heads, flops, queries + np.maximum(cached, expanded),
        b * q * heads * a.value_dim * _WIDE, ONE, s.attend, pairs,
    )  # fmt: skip
    return (*scans, core, *_index(a, q, c + q / 2.0, b, s))


def _decode_mixer(m: Mixer, sequences: Array, s: Shares) -> tuple[Operation, ...]:
    """One step of a recurrent state: read and written whole, with its short convolution."""
    state, channels = float(m.state_elements), float(m.convolved * (m.kernel - 1))
    each = sequences * state / s.tensor * _STATE
    window = sequences * channels / s.tensor * _WIDE
    step = memory("mixer.state", "forward", sequences, state / s.tensor, each, each, 1.0, "bf16")
    if not channels:
        return (step,)
    wide = channels / s.tensor
    convolution = memory("mixer.convolution", "forward", sequences, wide, window, window, 1.0, "bf16")
    return (convolution, step) if state else (convolution,)


def decode_operations(
    block: Block, *, sequences: ArrayLike, context: ArrayLike, shares: Shares, queries: float = 1.0
) -> tuple[Operation, ...]:
    """What one layer does for decoding sequences beside :func:`token_operations`.

    Parameters
    ----------
    block : Block
        One of the model's kinds.
    sequences, context : array (L,)
        Decoding sequences of the whole replica, ≥ 0, and the tokens each has before it in the mean.
    shares : Shares
        ``data`` groups hold their share of the sequences.
    queries : float
        Tokens of a sequence that are checked together (more than one where some were guessed).
    """
    s = shares
    b = np.asarray(sequences, dtype=float) / s.data
    seen = np.asarray(context, dtype=float)
    scans = () if block.mixer is None else _decode_mixer(block.mixer, b, s)
    a = block.attention
    if not a.heads:
        return scans
    heads, near = a.heads / s.tensor, np.maximum(reach(a, seen + 1.0), 1.0)
    if a.latent:
        rank = float(a.key_value_rank)
        key, value, groups = rank + (0.0 if a.shared else a.rope_dim), rank, ONE
        held = key
    else:
        key, value = float(a.head_dim), float(a.value_dim)
        groups = np.maximum(a.key_value_heads / s.tensor, 1.0)
        held = key if a.shared else key + value
    read = b * near * groups * held * FORMAT_BYTES[s.cache]
    flops = 2.0 * (key + value) * b * queries * heads * near
    side = b * queries * heads * _WIDE
    core = Operation(
        "attention.decode", "attention", "forward", ONE, near, np.asarray(key), b * heads, flops,
        read + side * key, side * value, ONE, "fp8" if s.cache == "fp8" else "bf16",
    )  # fmt: skip
    return (*scans, core, *_index(a, np.asarray(queries), seen + 1.0, b, s))


def logits_operations(
    architecture: Architecture, *, sequences: ArrayLike, shares: Shares
) -> tuple[Operation, ...]:
    """Final norm, head and choice of the next token for ``sequences`` (L,) of the whole replica."""
    s = shares
    rows = np.asarray(sequences, dtype=float) / s.data
    n, k = architecture.vocabulary / s.tensor, np.asarray(float(architecture.hidden))
    logits = rows * n * _WIDE
    head = Operation(
        "head.logits", "gemm", "forward", rows, n, k, ONE, 2.0 * rows * n * k,
        (rows * k + k * n) * _WIDE, logits, ONE, "bf16",
    )  # fmt: skip
    return (head, memory("head.sample", "forward", rows, n, 2.0 * logits, 0.0 * logits, 2.0, "bf16"))


def kept_bytes(architecture: Architecture, *, tokens: ArrayLike, shares: Shares) -> Array:
    """Bytes that one accelerator keeps of a sequence of ``tokens`` (L,), over all layers [B].

    Keys and values of full and latent attention for every token, of windows and chunks for those inside,
    compressed keys by their share, states of other mixers whatever the length. No prediction modules.
    """
    s, size = shares, FORMAT_BYTES[shares.cache]
    length = np.asarray(tokens, dtype=float)
    total: Array = np.zeros(())
    for block in architecture.blocks:
        if block.role == "prediction":
            continue
        if block.mixer is not None:
            m = block.mixer
            window = m.convolved * (m.kernel - 1) * _WIDE
            total = total + block.count * (m.state_elements * _STATE + window) / s.tensor
        a = block.attention
        if not a.heads or a.reuses:
            continue
        if a.latent:
            each = np.asarray(float(a.key_value_rank + (0 if a.shared else a.rope_dim))) * size
        else:
            width = a.head_dim if a.shared else a.head_dim + a.value_dim
            each = np.maximum(a.key_value_heads / s.tensor, 1.0) * width * size
        index = float(a.indexer.head_dim) * _INDEX if a.indexer is not None and a.indexer.runs else 0.0
        near = length
        for limit in (a.window, a.chunk):
            if limit is not None:
                near = np.minimum(near, float(limit))
        pooled = length / a.compression if a.compression else 0.0
        indexed = (pooled if a.compression else length) * index
        total = total + block.count * ((near + pooled) * each + indexed)
    return total


def weight_bytes(architecture: Architecture, *, shares: Shares, prediction: bool = False) -> Array:
    """Weights of one accelerator [B], all layers, with embedding, head and towers in 16 bits.

    ``prediction``: multi-token-prediction modules are loaded as well.
    """
    s = shares
    stored = s.stored("feed_forward")
    mixes, routes = (s.stored(part) / stored for part in ("attention", "experts"))
    total: Array = np.zeros(())
    for block in architecture.blocks:
        if block.role == "prediction" and not prediction:
            continue
        p = block.parameters
        split = ((p.attention - p.replicated) * mixes + p.feed_forward) / s.tensor + p.replicated * mixes
        slots = 1.0 if block.experts is None else 1.0 + s.redundant / block.experts.count
        routed = p.experts * slots / (s.expert * s.expert_tensor) * routes
        total = total + block.count * ((split + routed) * stored + (p.router + p.norms) * _WIDE)
    ends = architecture.parameters.embedding + architecture.parameters.head + architecture.tower_parameters
    return total + ends / s.tensor * _WIDE
