"""One operation of one device, and what all that make operations share.

A device's share of a layout, memory rows, the three multiplications of a weight matrix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_word
from gigawatt.workload.matrices import Matrix

__all__ = [
    "FORMAT_BYTES",
    "GRADIENT_BYTES",
    "ONE",
    "ZERO",
    "Array",
    "Device",
    "Kind",
    "Operation",
    "Phase",
    "Portion",
    "activation",
    "both",
    "expert_products",
    "make_device",
    "memory",
    "multiplications",
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
    exponentials : array
        Exponentials of one launch: of attention, one for each pair of a query and a key, in both phases.
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
    exponentials: Array | float = 0.0


FORMAT_BYTES = {
    "fp32": 4.0,
    "tf32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "fp8": 1.0,
    "fp8_block": 1.0,
    "int8": 1.0,
    "fp4": 0.5,
}
"""Bytes of one number of each format; ``fp8_block`` is FP8 with a scale for every block of weights and
every 128 activations (DeepSeek-AI 2024, arXiv:2412.19437, section 3.3.2), which has kernels of its own."""

GRADIENT_BYTES = 4.0  # weight gradients are accumulated in fp32


@dataclass(frozen=True, slots=True)
class Device:
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
        """Whether matrix multiplications run below 16 bits."""
        return self.number_format != self.wide_format


class Portion(TypedDict):
    """What one device does of a microbatch: the layout's degrees and the number format.

    ``microbatch``, ``tensor``, ``context``, ``expert`` (L,): sequences of a microbatch and degrees of
    parallelism, ≥ 1; they need not divide (sizes are means). ``sequence``: tokens of a sequence.
    ``sequence_parallel`` (L,): 1 where norms and residuals are divided over tensor ranks. ``number_format``
    of the matrix multiplications: a key of :data:`FORMAT_BYTES`.
    """

    microbatch: ArrayLike
    sequence: float
    tensor: ArrayLike
    context: ArrayLike
    expert: ArrayLike
    sequence_parallel: ArrayLike
    number_format: str


def make_device(**portion: Unpack[Portion]) -> Device:
    """A device's share of a microbatch.

    Raises
    ------
    InputError
        An unknown number format.
    """
    number_format, sequence = portion["number_format"], portion["sequence"]
    check_word("number_format", number_format, FORMAT_BYTES, "this number format is not known")
    micro, t, c = (
        np.asarray(x, dtype=float) for x in (portion["microbatch"], portion["tensor"], portion["context"])
    )
    tokens = micro * sequence / c
    wide = number_format if FORMAT_BYTES[number_format] >= FORMAT_BYTES["bf16"] else "bf16"
    return Device(
        microbatch=micro,
        sequence=float(sequence),
        tensor=t,
        context=c,
        expert=np.asarray(portion["expert"], dtype=float),
        tokens=tokens,
        shared_tokens=np.where(np.asarray(portion["sequence_parallel"]) > 0, tokens / t, tokens),
        number_format=number_format,
        wide_format=wide,
        activation=FORMAT_BYTES[wide],
    )


ONE: Array = np.ones(())
ZERO: Array = np.zeros(())


def memory(
    name: str,
    phase: Phase,
    rows: Array,
    width: Array | float,
    read: Array,
    written: Array,
    launches: float,
    form: str,
) -> Operation:
    """One memory row: ``read`` and ``written`` bytes over ``rows`` × ``width`` elements."""
    shape = np.asarray(width, dtype=float)
    count = np.asarray(float(launches))
    return Operation(name, "memory", phase, rows, shape, ONE, ONE, ZERO, read, written, count, form)


def both(
    name: str,
    d: Device,
    rows: Array,
    width: Array | float,
    forward: tuple[float, float],
    backward: tuple[float, float],
    launches: float = 1.0,
) -> list[Operation]:
    """A memory row forward and backward: (values read, values written) per element of rows × width."""
    element, form = rows * width * d.activation, d.wide_format
    return [
        memory(name, "forward", rows, width, forward[0] * element, forward[1] * element, launches, form),
        memory(name, "backward", rows, width, backward[0] * element, backward[1] * element, launches, form),
    ]


def multiplications(matrix: Matrix, d: Device, per_token: float = 1.0, count: float = 1.0) -> list[Operation]:
    """Forward, input gradient and weight gradient of one weight matrix (or of its local groups).

    A matrix whose input is detached has no input gradient.
    """
    grouped = matrix.groups > 1
    narrow = d.narrow and not matrix.wide
    form = d.number_format if narrow else d.wide_format
    size = FORMAT_BYTES[form]
    k, n = matrix.local_inputs(d.tensor), matrix.local_outputs(d.tensor)
    rows = d.shared_tokens if matrix.split == "none" else d.tokens
    batch: Array = ONE
    if grouped:
        batch, rows = matrix.groups / d.expert, rows * per_token * d.expert / matrix.groups
    elif matrix.diagonal > 1:
        batch = np.maximum(matrix.diagonal / d.tensor, 1.0)
    kind: Kind = "grouped_gemm" if grouped else "gemm"
    flops = 2.0 * batch * rows * k * n
    x, w, y = batch * rows * k, batch * k * n, batch * rows * n
    launches = np.asarray(count)
    gradient = w * GRADIENT_BYTES
    name = matrix.name
    forward = Operation(
        name, kind, "forward", rows, n, k, batch, flops, (x + w) * size, y * d.activation, launches, form
    )
    inputs = Operation(
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
    )
    weights = Operation(
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
    )
    return [forward, weights] if matrix.detached else [forward, inputs, weights]


def activation(name: str, d: Device, rows: Array, width: Array | float, gated: bool) -> list[Operation]:
    """A pointwise activation; gated, it multiplies two inputs of that width."""
    values = 2.0 if gated else 1.0
    return both(name, d, rows, width, (values, 1.0), (values + 1.0, values))


def expert_products(fused: Operation) -> tuple[Operation, Operation]:
    """The multiplications that a fused kernel of experts is: into their width, and back out of it."""
    up = 2.0 * fused.m * fused.n * fused.k * fused.batch
    share = up / np.maximum(fused.flops, np.finfo(float).tiny)
    width = fused.n * (1.0 - share) / np.maximum(share, np.finfo(float).tiny)

    def part(name: str, n: Array, k: Array, share: Array) -> Operation:
        return replace(
            fused, name=f"experts.{name}", kind="gemm", n=n, k=k, flops=fused.flops * share,
            bytes_read=fused.bytes_read * share, bytes_written=fused.bytes_written * share,
        )  # fmt: skip

    return part("up", fused.n, fused.k, share), part("down", fused.k, width, 1.0 - share)
