"""Low-rank adapters (LoRA): frozen matrices without weight gradients, two small matrices beside each.

A matrix of k × n gets A of k × r and B of r × n, whose product is added to what it gives. Forward and input
gradient of the frozen matrix stay; of the adapters all three multiplications are computed. Matrices of
attention, of mixers and of dense and shared feed-forward parts have adapters; routed experts, embedding, head
and norms are frozen without.

References
----------
Hu et al. 2021, arXiv:2106.09685, section 4.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.workload.architecture import Architecture
from gigawatt.workload.operation import FORMAT_BYTES, GRADIENT_BYTES, Operation, Phase
from gigawatt.workload.operations import block_operations, model_flops_per_token

__all__ = ["adapted", "adapted_flops_per_token", "adapter_parameters"]

_NO_SEQUENCE = 1e-9
"""Tokens of a sequence whose attention is nothing."""
_WEIGHT, _INPUT = ".weight_gradient", ".input_gradient"


def adapted(operations: tuple[Operation, ...], rank: int, *, beside: bool = True) -> tuple[Operation, ...]:
    """The operations of a block whose matrices are frozen, with adapters of ``rank`` ``beside`` them.

    Weight gradients are left out. Each dense matrix has, forward and backward, the multiplications of its two
    adapters, which read and write its activations once more.
    """
    frozen = {one.name.removesuffix(_WEIGHT) for one in operations if one.name.endswith(_WEIGHT)}
    kept = [one for one in operations if not one.name.endswith(_WEIGHT)]
    if not beside:
        return tuple(kept)
    matrices = [one for one in operations if one.name in frozen and one.kind == "gemm"]
    more = [part for one in matrices for part in _adapters(one, rank)]
    return tuple(sorted((*kept, *more), key=lambda one: one.phase == "backward"))


def _adapters(op: Operation, rank: int) -> list[Operation]:
    """A and B of one matrix: forward, input gradients and weight gradients."""
    r, size = np.asarray(float(rank)), FORMAT_BYTES[op.number_format]
    m, n, k, batch = op.m, op.n, op.k, op.batch

    def product(
        name: str, phase: Phase, rows: ArrayLike, to: ArrayLike, inner: ArrayLike, written: float
    ) -> Operation:
        a, b, c = (np.asarray(x, dtype=float) for x in (rows, to, inner))
        return replace(
            op, name=f"{op.name}.{name}", phase=phase, m=a, n=b, k=c, flops=2.0 * batch * a * b * c,
            bytes_read=batch * (a * c + c * b) * size, bytes_written=batch * a * b * written,
        )  # fmt: skip

    return [
        product("adapter_a", "forward", m, r, k, size),
        product("adapter_b", "forward", m, n, r, size),
        product(f"adapter_b{_INPUT}", "backward", m, r, n, size),
        product(f"adapter_a{_INPUT}", "backward", m, k, r, size),
        product(f"adapter_b{_WEIGHT}", "backward", r, n, m, GRADIENT_BYTES),
        product(f"adapter_a{_WEIGHT}", "backward", k, r, m, GRADIENT_BYTES),
    ]


@lru_cache(maxsize=64)
def adapter_parameters(architecture: Architecture, rank: int) -> float:
    """Parameters of the adapters of ``rank``: r · (k + n) of every matrix that has one."""
    total = 0.0
    one = np.ones(1)
    for block in architecture.blocks:
        operations = block_operations(
            architecture, block, microbatch=one, tensor=one, context=one, expert=one,
            sequence_parallel=np.zeros(1), sequence=1.0, number_format="bf16",
        )  # fmt: skip
        trained = {op.name.removesuffix(_WEIGHT) for op in operations if op.name.endswith(_WEIGHT)}
        for op in operations:
            if op.name in trained and op.kind == "gemm":
                total += block.count * float(np.max(rank * (op.k + op.n) * op.batch * op.launches))
    return total


def adapted_flops_per_token(architecture: Architecture, sequence: float, rank: int) -> float:
    """Model FLOPs of one token, forward and backward, where only adapters of ``rank`` are trained.

    Those of all weights less a third of their multiplications (their gradients), + 6 per parameter of the
    adapters; without adapters (0) all of :func:`~gigawatt.workload.operations.model_flops_per_token`.
    """
    whole = float(model_flops_per_token(architecture, sequence))
    if not rank:
        return whole
    weights = float(model_flops_per_token(architecture, _NO_SEQUENCE))
    return whole - weights / 3.0 + 6.0 * adapter_parameters(architecture, rank)
