"""Operations: what must be computed, one row a kind, sizes as arrays over layouts.

One device's share of one layer, forward and backward, for one microbatch. How a layout divides it:

* tensor parallelism divides heads and widths (key-value heads are repeated where there are fewer of
  them than ranks); the router and the down-projections of latent attention are whole on every rank and,
  with sequence parallelism, see that rank's share of the tokens;
* sequence parallelism divides norms and residual additions by ``tensor``;
* context parallelism divides the query tokens; every rank sees all keys and values (its own and a
  window of them where there is one), and the causal triangle is balanced over ranks;
* expert parallelism divides the experts: a device keeps ``count / expert`` of them, each split over
  ``tensor`` ranks like a dense layer, and receives on average ``tokens × per_token × expert / count``
  tokens for each (tokens are conserved: what ``expert`` ranks send is what they receive).

Bytes are the least traffic to device memory: every operand read once, every result written once,
activations in 2 bytes (4 in fp32 and tf32), multiplicands in the number format, weight gradients
accumulated in 4 bytes. In formats below 16 bits, ``cast`` rows carry the conversion of activations
and of output gradients (two copies, one along each axis); router, attention scores, head and loss
stay in bf16. Casting weights (once a step) and the scales of blocks are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.errors import InputError, nearest
from gigawatt.workload.architecture import Architecture, Attention, Block
from gigawatt.workload.matrices import Matrix, matrices
from gigawatt.workload.model_flops import model_flops_per_token, visible_pairs

__all__ = [
    "FORMAT_BYTES",
    "Array",
    "Kind",
    "Operation",
    "Phase",
    "block_operations",
    "embedding_operations",
    "head_operations",
    "model_flops_per_token",
    "visible_pairs",
]

Array = NDArray[np.float64]
Kind = Literal["gemm", "grouped_gemm", "attention", "memory"]
Phase = Literal["forward", "backward"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One kernel launch kind on one device for one microbatch, over an array of layouts.

    All arrays broadcast to the layouts' shape ``(L,)``.

    Attributes
    ----------
    name : str
        Such as ``attention.qkv``, ``mlp.up``, ``experts.down``, ``norm``, ``head.logits``, ``head.loss``;
        a backward matrix multiplication ends in ``.input_gradient`` or ``.weight_gradient``.
    kind : str
        ``gemm``; ``grouped_gemm`` (``batch`` groups of m × n × k); ``attention`` (fused: ``batch``
        sequences × heads, m query tokens, n key tokens seen at most, k head width); ``memory``
        (element-wise, norms, gathers, softmax of the loss, permutation: bytes only).
    phase : str
        ``forward`` or ``backward``.
    m, n, k, batch : array
        Sizes of one launch; of a memory row: m tokens (rows), n width.
    flops : array [FLOP]
        Multiply and add counted as two, causal attention counted at what is computed.
    bytes_read, bytes_written : array [B]
        Least traffic to device memory of one launch.
    launches : array
        Number of kernel launches of this row per microbatch and layer.
    number_format : str
        Of the multiplication: ``bf16``, ``fp16``, ``tf32``, ``fp32``, ``fp8``, ``fp4``, ``int8``.
    """

    name: str
    kind: Kind
    phase: Phase
    m: Array
    n: Array
    k: Array
    batch: Array
    flops: Array
    bytes_read: Array
    bytes_written: Array
    launches: Array
    number_format: str


FORMAT_BYTES = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5}
"""Bytes of one number of each format."""

_GRADIENT_BYTES = 4.0  # weight gradients are accumulated in fp32


@dataclass(frozen=True, slots=True)
class _Device:
    """What one device of each layout sees, worked out once a block."""

    microbatch: Array
    sequence: float
    tensor: Array
    context: Array
    expert: Array
    tokens: Array
    shared_tokens: Array
    number_format: str
    wide_format: str
    activation: float

    @property
    def narrow(self) -> bool:
        return self.number_format != self.wide_format


def _device(
    *,
    microbatch: ArrayLike,
    sequence: float,
    tensor: ArrayLike,
    context: ArrayLike,
    expert: ArrayLike,
    sequence_parallel: ArrayLike,
    number_format: str,
) -> _Device:
    if number_format not in FORMAT_BYTES:
        raise InputError(
            "this number format is not known",
            key="number_format",
            given=number_format,
            allowed=FORMAT_BYTES,
            nearest=nearest(number_format, FORMAT_BYTES),
        )
    micro, t, c = (np.asarray(x, dtype=float) for x in (microbatch, tensor, context))
    tokens = micro * sequence / c
    wide = number_format if FORMAT_BYTES[number_format] >= FORMAT_BYTES["bf16"] else "bf16"
    return _Device(
        microbatch=micro,
        sequence=float(sequence),
        tensor=t,
        context=c,
        expert=np.asarray(expert, dtype=float),
        tokens=tokens,
        shared_tokens=np.where(np.asarray(sequence_parallel) > 0, tokens / t, tokens),
        number_format=number_format,
        wide_format=wide,
        activation=FORMAT_BYTES[wide],
    )


_ONE: Array = np.ones(())
_ZERO: Array = np.zeros(())


def _memory(
    name: str,
    phase: Phase,
    rows: Array,
    width: Array | float,
    read: Array,
    written: Array,
    launches: float,
    form: str,
) -> Operation:
    shape = np.asarray(width, dtype=float)
    count = np.asarray(float(launches))
    return Operation(name, "memory", phase, rows, shape, _ONE, _ONE, _ZERO, read, written, count, form)


def _both(
    name: str,
    d: _Device,
    rows: Array,
    width: Array | float,
    forward: tuple[float, float],
    backward: tuple[float, float],
    launches: float = 1.0,
) -> list[Operation]:
    """A memory row forward and backward: (values read, values written) per element of rows × width."""
    element, form = rows * width * d.activation, d.wide_format
    return [
        _memory(name, "forward", rows, width, forward[0] * element, forward[1] * element, launches, form),
        _memory(name, "backward", rows, width, backward[0] * element, backward[1] * element, launches, form),
    ]


def _multiplications(
    matrix: Matrix, d: _Device, per_token: float = 1.0, count: float = 1.0
) -> list[Operation]:
    """Forward, input gradient and weight gradient of one weight matrix (or of its local groups)."""
    grouped = matrix.groups > 1
    narrow = d.narrow and matrix.part != "router"
    form = d.number_format if narrow else d.wide_format
    size = FORMAT_BYTES[form]
    k, n = matrix.local_inputs(d.tensor), matrix.local_outputs(d.tensor)
    rows = d.shared_tokens if matrix.split == "none" else d.tokens
    batch: Array = _ONE
    if grouped:
        batch, rows = matrix.groups / d.expert, rows * per_token * d.expert / matrix.groups
    kind: Kind = "grouped_gemm" if grouped else "gemm"
    flops = 2.0 * batch * rows * k * n
    x, w, y = batch * rows * k, batch * k * n, batch * rows * n
    launches = np.asarray(count)
    gradient = w * _GRADIENT_BYTES
    name = matrix.name
    return [
        Operation(
            name, kind, "forward", rows, n, k, batch, flops, (x + w) * size, y * d.activation, launches, form
        ),
        Operation(
            f"{name}.input_gradient",
            kind,
            "backward",
            rows,
            k,
            n,
            batch,
            flops,
            (y + w) * size,
            x * d.activation,
            launches,
            form,
        ),
        Operation(
            f"{name}.weight_gradient",
            kind,
            "backward",
            k,
            n,
            rows,
            batch,
            flops,
            (x + y) * size + gradient,
            gradient,
            launches,
            form,
        ),
    ]


def _attention(a: Attention, d: _Device, causal: bool) -> list[Operation]:
    """Fused attention: two multiplications forward; backward five, the scores being computed again."""
    heads = a.heads / d.tensor
    groups = np.maximum(a.key_value_heads / d.tensor, 1.0)
    batch = d.microbatch * heads
    pairs = visible_pairs(a, d.sequence, causal=causal) / d.context * batch
    queries = d.sequence / d.context
    reach = min(d.sequence, float(a.window or d.sequence), float(a.chunk or d.sequence))
    # A window or chunk bounds the keys that a context rank must hold; full attention needs all of them.
    held = np.minimum(d.sequence, queries + reach)
    q = d.tokens * heads * a.head_dim * d.activation
    o = d.tokens * heads * a.value_dim * d.activation
    kv = d.microbatch * held * groups * (a.head_dim + a.value_dim) * d.activation
    logsum = d.tokens * heads * _GRADIENT_BYTES
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
            _ONE,
            form,
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
            _ONE,
            form,
        ),
    ]


def _position_and_norms(block: Block, hidden: int, d: _Device) -> list[Operation]:
    a = block.attention
    found = _both("norm", d, d.shared_tokens, hidden, (1.0, 1.0), (2.0, 1.0), block.norms)
    if a.latent:
        found += _both(
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
        found += _both("attention.rope", d, d.tokens, width, (1.0, 1.0), (1.0, 1.0), passes)
    if block.parallel:
        found += _both("residual", d, d.shared_tokens, hidden, (3.0, 1.0), (3.0, 1.0))
    else:
        found += _both("residual", d, d.shared_tokens, hidden, (2.0, 1.0), (2.0, 1.0), 2.0)
    return found


def _activation(name: str, d: _Device, rows: Array, width: Array | float, gated: bool) -> list[Operation]:
    values = 2.0 if gated else 1.0
    return _both(name, d, rows, width, (values, 1.0), (values + 1.0, values))


def _routing(block: Block, hidden: int, d: _Device) -> list[Operation]:
    e = block.experts
    if e is None:
        return []
    rows, form, name = d.shared_tokens, d.wide_format, "router.top_k"
    scores, chosen = rows * e.count * 4.0, rows * e.per_token * 8.0  # fp32; fp32 and int32
    found = [
        _memory(name, "forward", rows, e.count, scores, chosen, 1.0, form),
        _memory(name, "backward", rows, e.count, scores + chosen, scores, 1.0, form),
    ]
    # Permutation to experts and back: one of them reads a token's copy once, the other writes it once.
    mean = (1.0 + e.per_token) / 2.0
    found += _both("experts.permute", d, d.tokens, hidden, (mean, mean), (mean, mean), 2.0)
    found += _activation("experts.activation", d, d.tokens * e.per_token, e.width / d.tensor, e.gated)
    if e.shared_width:
        found += _activation("shared.activation", d, d.tokens, e.shared_width / d.tensor, e.gated)
    return found


def _casts(gemms: list[Operation], d: _Device) -> list[Operation]:
    """Conversion of activations (forward) and output gradients (backward) to the narrow format."""
    if not d.narrow:
        return []
    narrow = [op for op in gemms if op.phase == "forward" and op.number_format == d.number_format]
    size = 2.0 * FORMAT_BYTES[d.number_format]
    found: list[Operation] = []
    phases: tuple[Phase, Phase] = ("forward", "backward")
    for phase in phases:
        widths = [op.batch * op.m * (op.k if phase == "forward" else op.n) for op in narrow]
        values = sum(widths, _ZERO) / len(narrow)
        found.append(
            _memory(
                "cast", phase, values, 1.0, values * d.activation, values * size, len(narrow), d.wide_format
            )
        )
    return found


def block_operations(
    architecture: Architecture,
    block: Block,
    *,
    microbatch: ArrayLike,
    sequence: float,
    tensor: ArrayLike,
    context: ArrayLike,
    expert: ArrayLike,
    sequence_parallel: ArrayLike,
    number_format: str,
    causal: bool = True,
) -> tuple[Operation, ...]:
    """One layer of a block kind, forward and backward, one microbatch, on one device.

    Parameters
    ----------
    architecture, block
        The model and one of its block kinds.
    microbatch, tensor, context, expert : array (L,)
        Sequences in a microbatch and degrees of parallelism, ≥ 1; need not divide (sizes are means).
    sequence : float
        Tokens of a sequence.
    sequence_parallel : array (L,)
        1 where norms and residuals are divided over tensor ranks.
    number_format : str
        Of the matrix multiplications, a key of :data:`FORMAT_BYTES`.
    causal : bool
        Count the causal part of attention (what is computed), or the whole square.

    Returns
    -------
    tuple of Operation
        In the order forward, backward; arrays broadcast to (L,).

    Raises
    ------
    InputError
        An unknown number format.

    References
    ----------
    Shoeybi et al. 2019 and Korthikanti et al. 2022 (tensor and sequence parallelism); Dao 2023
    (FlashAttention-2, backward = 2.5 × forward); DeepSeek-AI 2024 (latent attention, experts).
    """
    d = _device(
        microbatch=microbatch,
        sequence=sequence,
        tensor=tensor,
        context=context,
        expert=expert,
        sequence_parallel=sequence_parallel,
        number_format=number_format,
    )
    per_token = block.experts.per_token if block.experts is not None else 1
    gemms: list[Operation] = []
    for matrix in matrices(architecture.hidden, block):
        gemms += _multiplications(matrix, d, per_token)
    others = _attention(block.attention, d, causal) + _position_and_norms(block, architecture.hidden, d)
    if block.feed_forward is not None:
        f = block.feed_forward
        others += _activation("mlp.activation", d, d.tokens, f.width / d.tensor, f.gated)
    others += _routing(block, architecture.hidden, d) + _casts(gemms, d)
    found = gemms + others
    return tuple(sorted(found, key=lambda op: op.phase == "backward"))


def embedding_operations(
    architecture: Architecture,
    *,
    microbatch: ArrayLike,
    sequence: float,
    tensor: ArrayLike,
    context: ArrayLike,
    expert: ArrayLike,
    sequence_parallel: ArrayLike,
    number_format: str,
) -> tuple[Operation, ...]:
    """Gather of token (and learned position) embeddings; backward adds gradients in fp32.

    Keywords and shapes as :func:`block_operations`. The vocabulary is split over tensor ranks: a rank
    reads its share of the rows and writes all of the output, zeros included.
    """
    d = _device(
        microbatch=microbatch,
        sequence=sequence,
        tensor=tensor,
        context=context,
        expert=expert,
        sequence_parallel=sequence_parallel,
        number_format=number_format,
    )
    tables = 2.0 if architecture.learned_positions else 1.0
    element = d.tokens * architecture.hidden
    read = tables * element * d.activation / d.tensor
    summed = tables * element / d.tensor * _GRADIENT_BYTES
    form, name, width = d.wide_format, "embedding", architecture.hidden
    return (
        _memory(name, "forward", d.tokens, width, read, element * d.activation, 1.0, form),
        _memory(name, "backward", d.tokens, width, element * d.activation + summed, summed, 1.0, form),
    )


def head_operations(
    architecture: Architecture,
    *,
    microbatch: ArrayLike,
    sequence: float,
    tensor: ArrayLike,
    context: ArrayLike,
    expert: ArrayLike,
    sequence_parallel: ArrayLike,
    number_format: str,
) -> tuple[Operation, ...]:
    """Final norm, logits (in bf16 at least), softmax loss.

    Keywords and shapes as :func:`block_operations`. Every multi-token-prediction module runs the head
    once more: ``launches`` is 1 + ``architecture.prediction_depth``.
    """
    d = _device(
        microbatch=microbatch,
        sequence=sequence,
        tensor=tensor,
        context=context,
        expert=expert,
        sequence_parallel=sequence_parallel,
        number_format=number_format,
    )
    if d.narrow:
        d = _device(
            microbatch=microbatch,
            sequence=sequence,
            tensor=tensor,
            context=context,
            expert=expert,
            sequence_parallel=sequence_parallel,
            number_format=d.wide_format,
        )
    runs = 1.0 + architecture.prediction_depth
    logits = Matrix("head.logits", "head", architecture.hidden, ((1, architecture.vocabulary),), "column")
    found = _both("norm", d, d.shared_tokens, architecture.hidden, (1.0, 1.0), (2.0, 1.0))
    found += _multiplications(logits, d, count=runs)
    found += _both("head.loss", d, d.tokens, architecture.vocabulary / d.tensor, (1.0, 0.0), (1.0, 1.0), runs)
    return tuple(sorted(found, key=lambda op: op.phase == "backward"))
