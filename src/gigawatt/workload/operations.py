"""Operations: what must be computed, one row a kind, sizes as arrays over layouts.

One device's share of one layer, forward and backward, for one microbatch. How a layout divides it:

* tensor parallelism divides heads and widths (key-value heads are repeated where there are fewer of
  them than ranks); the router, an indexer, down-projections of latent attention and projections of
  latent experts are whole on every rank and, with sequence parallelism, see that rank's share of the
  tokens;
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
stay in bf16, and so do the scans of other mixers. Casting weights (once a step) and the scales of
blocks are not counted.
"""

from __future__ import annotations

from typing import Unpack

from gigawatt.workload.architecture import Architecture, Block
from gigawatt.workload.matrices import Matrix, matrices
from gigawatt.workload.model_flops import model_flops_per_token, visible_pairs
from gigawatt.workload.operation import (
    FORMAT_BYTES,
    GRADIENT_BYTES,
    ZERO,
    Array,
    Device,
    Kind,
    Operation,
    Phase,
    Portion,
    activation,
    both,
    make_device,
    memory,
    multiplications,
)
from gigawatt.workload.operations_attention import attention_operations
from gigawatt.workload.operations_mixers import mixer_operations

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


def _norms_and_residual(block: Block, hidden: int, d: Device) -> list[Operation]:
    """Norms of the hidden width, and what is added to the residual stream (or mixed among streams)."""
    found = both("norm", d, d.shared_tokens, hidden, (1.0, 1.0), (2.0, 1.0), block.norms)
    rows, streams, parts = d.shared_tokens, float(block.streams), float(block.sublayers)
    if block.streams > 1:
        # Read: the streams are weighted and added. Write: they are mixed, and the output added to each.
        found += both("streams.read", d, rows, hidden, (streams, 1.0), (streams + 1.0, streams), parts)
        return found + both(
            "streams.write",
            d,
            rows,
            hidden,
            (streams + 1.0, streams),
            (2.0 * streams + 1.0, streams + 1.0),
            parts,
        )
    if block.parallel:
        return found + both("residual", d, rows, hidden, (parts + 1.0, 1.0), (parts + 1.0, 1.0))
    return found + both("residual", d, rows, hidden, (2.0, 1.0), (2.0, 1.0), parts)


def _routing(block: Block, hidden: int, d: Device) -> list[Operation]:
    e = block.experts
    if e is None:
        return []
    rows, form, name = d.shared_tokens, d.wide_format, "router.top_k"
    scores, chosen = rows * e.count * 4.0, rows * e.per_token * 8.0  # fp32; fp32 and int32
    found = [
        memory(name, "forward", rows, e.count, scores, chosen, 1.0, form),
        memory(name, "backward", rows, e.count, scores + chosen, scores, 1.0, form),
    ]
    # Permutation to experts and back: one of them reads a token's copy once, the other writes it once.
    mean = (1.0 + e.per_token) / 2.0
    found += both("experts.permute", d, d.tokens, e.inputs(hidden), (mean, mean), (mean, mean), 2.0)
    kind = "clamped" if e.bias else "activation" if e.gated else "pointwise"
    found += activation(f"experts.{kind}", d, d.tokens * e.per_token, e.width / d.tensor, e.gated)
    if e.shared_width:
        found += activation("shared.activation", d, d.tokens, e.shared_width / d.tensor, e.gated)
    return found


def _casts(gemms: list[Operation], d: Device, gated: bool) -> list[Operation]:
    """Conversion of activations (forward) and output gradients (backward) to the narrow format.

    ``experts.cast`` is that of what the ``gated`` activation of experts makes, which a kernel may do on its
    way: the inputs of the last multiplication forward, the output gradients of the first backward.
    """
    if not d.narrow:
        return []
    narrow = [op for op in gemms if op.phase == "forward" and op.number_format == d.number_format]
    size = 2.0 * FORMAT_BYTES[d.number_format]
    found: list[Operation] = []
    phases: tuple[tuple[Phase, str], ...] = (("forward", "experts.down"), ("backward", "experts.up"))
    for phase, activated in phases:
        for name in ("cast", "experts.cast"):
            some = [op for op in narrow if (gated and op.name == activated) is (name == "experts.cast")]
            if not some:
                continue
            widths = [op.batch * op.m * (op.k if phase == "forward" else op.n) for op in some]
            values = sum(widths, ZERO) / len(some)
            read, written = values * d.activation, values * size
            found.append(memory(name, phase, values, 1.0, read, written, len(some), d.wide_format))
    return found


def block_operations(
    architecture: Architecture,
    block: Block,
    *,
    causal: bool = True,
    **portion: Unpack[Portion],
) -> tuple[Operation, ...]:
    """One layer of a block kind, forward and backward, one microbatch, on one device.

    Parameters
    ----------
    architecture, block
        The model and one of its block kinds.
    causal : bool
        Count the causal part of attention (what is computed), or the whole square.
    **portion
        Keywords of :class:`~gigawatt.workload.operation.Portion`.

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
    (FlashAttention-2, backward = 2.5 × forward); DeepSeek-AI 2024 (latent attention, experts); those of
    :mod:`~gigawatt.workload.operations_mixers`.
    """
    d = make_device(**portion)
    per_token = block.experts.per_token if block.experts is not None else 1
    gemms: list[Operation] = []
    for matrix in matrices(architecture.hidden, block):
        gemms += multiplications(matrix, d, per_token)
    others = attention_operations(block.attention, d, causal)
    if block.mixer is not None:
        others += mixer_operations(block.mixer, d)
    others += _norms_and_residual(block, architecture.hidden, d)
    if block.feed_forward is not None:
        f = block.feed_forward
        others += activation("mlp.activation", d, d.tokens, f.width / d.tensor, f.gated)
    others += _routing(block, architecture.hidden, d)
    others += _casts(gemms, d, block.experts is not None and block.experts.gated)
    found = gemms + others
    return tuple(sorted(found, key=lambda op: op.phase == "backward"))


def embedding_operations(architecture: Architecture, **portion: Unpack[Portion]) -> tuple[Operation, ...]:
    """Gather of token (and learned position) embeddings; backward adds gradients in fp32.

    Keywords of :class:`~gigawatt.workload.operation.Portion`. The vocabulary is split over tensor ranks: a
    rank reads its share of the rows and writes all of the output, zeros included.
    """
    d = make_device(**portion)
    tables = 2.0 if architecture.learned_positions else 1.0
    element = d.tokens * architecture.hidden
    read = tables * element * d.activation / d.tensor
    summed = tables * element / d.tensor * GRADIENT_BYTES
    form, name, width = d.wide_format, "embedding", architecture.hidden
    return (
        memory(name, "forward", d.tokens, width, read, element * d.activation, 1.0, form),
        memory(name, "backward", d.tokens, width, element * d.activation + summed, summed, 1.0, form),
    )


def head_operations(architecture: Architecture, **portion: Unpack[Portion]) -> tuple[Operation, ...]:
    """Final norm, logits (in bf16 at least), softmax loss.

    Keywords of :class:`~gigawatt.workload.operation.Portion`. Every run of a multi-token-prediction module
    runs the head once more: ``launches`` is 1 + ``architecture.prediction_runs``.
    """
    d = make_device(**portion)
    if d.narrow:
        portion["number_format"] = d.wide_format
        d = make_device(**portion)
    runs = 1.0 + architecture.prediction_runs
    logits = Matrix("head.logits", "head", architecture.hidden, ((1, architecture.vocabulary),), "column")
    found = both("norm", d, d.shared_tokens, architecture.hidden, (1.0, 1.0), (2.0, 1.0))
    if architecture.streams > 1:
        n, width = architecture.streams, architecture.hidden
        read = Matrix("head.streams", "norms", n * width, ((n, 1),), "none", wide=True)
        found += multiplications(read, d, count=runs)
        found += both("streams.read", d, d.shared_tokens, width, (n, 1.0), (n + 1.0, n), runs)
    found += multiplications(logits, d, count=runs)
    found += both("head.loss", d, d.tokens, architecture.vocabulary / d.tensor, (1.0, 0.0), (1.0, 1.0), runs)
    return tuple(sorted(found, key=lambda op: op.phase == "backward"))
