"""Which operation of a transformer's step runs on a substrate, which stays with its digital host, and why.

A substrate that keeps weights in its cells (analog tiles, meshes with slow phase shifters) multiplies by what
was written before the run: projections, feed-forward layers, experts. A photonic crossbar takes the same, and
products of two activations where ``attention`` says so: both of its operands are sent in. Products of two
activations (attention's scores and values) have no stationary operand, softmax, norms and gates are no
products at all, a router must rank its scores exactly, and the head is left in digital by the runs that
measured quality. What is not mapped pays a digital machine's price.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.core.errors import InputError
from gigawatt.technology import quantum
from gigawatt.technology.composition import HYBRID, group_of, parts
from gigawatt.technology.substrate import Substrate
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import Shares, decode_operations, logits_operations, token_operations
from gigawatt.workload.operation import ZERO
from gigawatt.workload.operations import Array, Operation

__all__ = [
    "STATIONARY",
    "Placed",
    "Work",
    "decode_work",
    "place",
    "places",
    "reason_of",
    "runs_on",
    "share_mapped",
]

STATIONARY = ("analog", "photonic", "neuromorphic")
"""Technologies that multiply by weights alone, or by what their settings say besides."""

_ROUTED = ("router", "experts.permute", "indexer")


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

    @property
    def linear(self) -> bool:
        """Whether it multiplies by weights."""
        return self.operation.kind in ("gemm", "grouped_gemm")


@dataclass(frozen=True)
class Placed:
    """A :class:`Work` with its place: the substrate that takes it, ``None`` for the digital host, and why."""

    work: Work
    by: Substrate | None
    reason: str

    @property
    def on_substrate(self) -> bool:
        """Whether the substrate takes it."""
        return self.by is not None


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

    def run(**formats: str) -> list[tuple[float, Operation]]:
        return _operations(architecture, b, seen, Shares.of(tensor=tensor, **formats))

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


def reason_of(substrate: Substrate, operation: Operation) -> tuple[bool, str]:
    """(whether the operation runs on the substrate, why)."""
    name, kind = operation.name, operation.kind
    if substrate.technology == "quantum":
        reason = quantum.lacks(operation)
        return reason is None, reason or "on the quantum machine"
    if substrate.technology not in STATIONARY:
        if kind == "memory":
            return True, "element by element, on the same chip"
        if name.startswith(("head", "router")):
            return True, "on the same chip, kept in 16 bits"
        return True, "multiplied on the chip itself"
    if name.startswith(_ROUTED):
        return False, "ranks scores exactly and moves tokens: no product by stored weights"
    if kind == "attention":
        if substrate.word("attention") == "gain-cell" and name.startswith("attention"):
            return True, "keys and values are written to gain cells token by token"
        if substrate.word("attention") == "photonic" and name.startswith("attention"):
            return True, "both operands are sent in as light"
        return False, "product of two activations: neither operand was written before the run"
    if kind == "memory":
        what = "softmax" if "sample" in name else "norm" if "norm" in name else "gate or position"
        return False, f"{what}: element by element, no matrix product"
    if name.startswith("head"):
        return False, "the run that measured quality left the head in digital"
    if substrate.word("design") == "crossbar":
        return True, "product by weights that are sent in for each use"
    return True, "product by weights that stay written"


def runs_on(substrate: Substrate, operation: Operation) -> tuple[Substrate | None, str]:
    """(the substrate that takes an operation, why); ``None``: the digital host does.

    Of a hybrid it is the part that has the operation's group, if that part can do it.

    Raises
    ------
    InputError
        A hybrid of unknown parts.
    """
    if substrate.technology != HYBRID:
        on, reason = reason_of(substrate, operation)
        return (substrate if on else None), reason
    group = group_of(operation)
    if group is None:
        return None, "no product by weights or keys: the host's"
    part = parts(substrate).get(group)
    if part is None:
        return None, f"{group.replace('_', ' ')} stay with the host in this machine"
    if group == "gate" and operation.kind == "gemm":  # named as part of the machine, it ranks what it gives
        operation = replace(operation, name="gate")
    on, reason = reason_of(part, operation)
    return (part if on else None), f"{part.id}: {reason}"


def place(substrate: Substrate, work: Work) -> Placed:
    """One operation with its place and the reason."""
    return Placed(work, *runs_on(substrate, work.operation))


def places(
    substrate: Substrate,
    architecture: Architecture,
    *,
    batch: ArrayLike = 1.0,
    context: ArrayLike = 512.0,
    tensor: float = 1.0,
) -> tuple[Placed, ...]:
    """Every operation of a decode step with its place; keywords as of :func:`decode_work`."""
    step = decode_work(architecture, batch=batch, context=context, tensor=tensor)
    return tuple(place(substrate, work) for work in step)


def share_mapped(placed: tuple[Placed, ...]) -> Array:
    """Share of a step's FLOPs that run on the substrate, 0 to 1."""
    total: Array = sum((one.work.operation.flops * one.work.count for one in placed), ZERO)
    mine: Array = sum((p.work.operation.flops * p.work.count for p in placed if p.on_substrate), ZERO)
    return mine / total
