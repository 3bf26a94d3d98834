"""A decode step as work: its operations, how often each runs, and the elements that it reads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.core.errors import InputError
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import Shares, decode_operations, logits_operations, token_operations
from gigawatt.workload.operation import FORMAT_BYTES, ZERO
from gigawatt.workload.operations import Array, Operation

__all__ = ["Work", "decode_work"]


@dataclass(frozen=True)
class Work:
    """One operation of a decode step, how often it runs, and the elements that it reads.

    ``count`` launches a step of all layers; ``weights``, ``inputs``, ``cache`` are elements of weights, of
    activations that meet them, and of kept keys and values, a launch, in whatever format they are stored.
    """

    operation: Operation
    count: float
    weights: Array
    inputs: Array
    cache: Array

    @classmethod
    def of(cls, operation: Operation) -> Work:
        """One launch by itself: elements from its sizes, keys and values read in 16 bits."""
        op = operation
        product = op.kind in ("gemm", "grouped_gemm")
        return cls(
            op,
            1.0,
            op.batch * op.n * op.k if product else ZERO,
            op.batch * op.m * op.k if product else ZERO,
            op.bytes_read / FORMAT_BYTES["bf16"] if op.kind == "attention" else ZERO,
        )

    @property
    def linear(self) -> bool:
        """Whether it multiplies by weights."""
        return self.operation.kind in ("gemm", "grouped_gemm")


def _operations(
    architecture: Architecture, batch: Array, context: Array, shares: Shares
) -> list[tuple[float, Operation]]:
    found: list[tuple[float, Operation]] = []
    for block in architecture.blocks:
        if block.role == "prediction":
            continue
        layer = [
            *token_operations(architecture, block, tokens=batch, shares=shares),
            *decode_operations(block, sequences=batch, context=context, shares=shares),
        ]
        found += [(float(block.count), op) for op in layer]
    return found + [(1.0, op) for op in logits_operations(architecture, sequences=batch, shares=shares)]


def decode_work(
    architecture: Architecture, *, batch: ArrayLike = 1.0, context: ArrayLike = 512.0, tensor: float = 1.0
) -> tuple[Work, ...]:
    """Operations of one decode step on one of ``tensor`` chips, with the elements that each reads.

    The elements follow from the same operations in formats of two and of one byte: what shrinks is what was
    read in that format.

    Parameters
    ----------
    architecture : Architecture
        The model; modules that predict further tokens are left out.
    batch, context : array
        Sequences, ≥ 1, and the tokens behind each, ≥ 0.
    tensor : float
        Chips that share every matrix, ≥ 1.

    Raises
    ------
    InputError
        A batch or a number of chips below 1, a negative context.
    """
    b, seen = np.asarray(batch, dtype=float), np.asarray(context, dtype=float)
    for key, value, least in (("batch", b, 1.0), ("context", seen, 0.0), ("tensor", np.asarray(tensor), 1.0)):
        if not np.all(np.isfinite(value) & (value >= least)):
            raise InputError("out of range", key=key, given=str(value), allowed=f"{least:g} or more, finite")

    def run(
        *, weights: str = "bf16", multiply: str = "bf16", cache: str = "bf16"
    ) -> list[tuple[float, Operation]]:
        shares = Shares.of(tensor=tensor, weights=weights, multiply=multiply, cache=cache)
        return _operations(architecture, b, seen, shares)

    wide, weights, inputs, cache = run(), run(weights="fp8"), run(multiply="fp8"), run(cache="fp8")
    found: list[Work] = []
    for (count, op), (_, w), (_, x), (_, kv) in zip(wide, weights, inputs, cache, strict=True):
        read = op.bytes_read
        found.append(
            Work(
                op, count * float(op.launches), read - w.bytes_read, read - x.bytes_read, read - kv.bytes_read
            )
        )
    return tuple(_head(one) for one in found)


def _head(work: Work) -> Work:
    """A product that is kept in 16 bits whatever the format (head, router): its elements from its sizes."""
    op = work.operation
    if work.linear and not np.any(work.weights):
        return replace(work, weights=op.batch * op.n * op.k, inputs=op.batch * op.m * op.k, cache=ZERO)
    return work
