"""Low-rank adapters (LoRA) of a served model: many of them on one copy of the weights, one for each request.

Each request names one of ``number`` adapters. An iteration gathers the adapters of its requests: every matrix
x·W has x·A·B added to what it gives, with A (k × r) and B (r × n) of the request's adapter, so that an
iteration reads the weights of each distinct adapter once (Punica's SGMV kernels; Chen et al. 2023,
arXiv:2310.18547). Adapters lie in host memory; those of running requests are loaded into the accelerators'
memory, where they share the room of keys and values (unified paging; Sheng et al. 2023, S-LoRA,
arXiv:2311.03285), or have ``slots`` of their own whose least recently used is replaced (vLLM, SGLang).

Unlike :mod:`gigawatt.workload.adapters`, which trains one A beside each fused matrix as Megatron does, the
projections of a fused matrix (query, key and value; gate and up) have an A each, as in checkpoints of PEFT
that engines load. Routed experts, router, embedding and head have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.workload.architecture import Architecture, Block
from gigawatt.workload.inference import Shares
from gigawatt.workload.matrices import Matrix, matrices
from gigawatt.workload.operation import FORMAT_BYTES, ONE, Array, Operation

__all__ = [
    "MATRICES",
    "Adapters",
    "adapted_operations",
    "adapter_bytes",
    "check_adapters",
    "served_parameters",
]

MATRICES = {"attention": ("attention.",), "all": ("attention.", "mixer.", "mlp.", "shared.")}
"""Matrices that have adapters, by the beginnings of their names."""

_WIDE = FORMAT_BYTES["bf16"]
_FIRST, _BINS = 100, 400
"""Ranks of popularity that are looked at one by one, and bins of those behind them."""
_REQUESTS = np.concatenate([[0.0], np.geomspace(1e-3, 1e6, 1600)])
"""Requests at which distinct adapters are tabulated."""


@dataclass(frozen=True)
class Adapters:
    """Adapters of a service.

    Attributes
    ----------
    number, rank : int
        Adapters of the service, and r of each.
    matrices : str
        A key of :data:`MATRICES`.
    exponent : float
        s of Zipf's law: the i-th most popular adapter has requests ∝ i^−s; 0: all alike.
    slots : int or None
        Adapters for which each attention group has memory set aside; ``None``: those of running requests
        share the memory of keys and values.
    bandwidth, latency : float [B/s], [s]
        From host memory to one accelerator.
    """

    number: int
    rank: int
    matrices: str = "all"
    exponent: float = 0.0
    slots: int | None = None
    bandwidth: float = np.inf
    latency: float = 0.0

    @property
    def name(self) -> str:
        """Number, rank, matrices and popularity: ``1000 of rank 16 (all), zipf(1)``."""
        popularity = f"zipf({self.exponent:g})" if self.exponent else "uniform"
        slots = "" if self.slots is None else f", {self.slots} slots"
        return f"{self.number} of rank {self.rank} ({self.matrices}), {popularity}{slots}"

    def distinct(self, requests: ArrayLike) -> Array:
        """Distinct adapters among ``requests`` (L,) that run together, in the mean: Σ 1 − (1 − p)^n.

        No more than there are slots.
        """
        table = _distinct(self.number, self.exponent)
        found = np.interp(np.asarray(requests, dtype=float), _REQUESTS, table)
        return found if self.slots is None else np.minimum(found, float(self.slots))

    @property
    def most_requests(self) -> float:
        """Requests of an attention group whose adapters fill the slots, in the mean."""
        if self.slots is None or self.slots >= self.number:
            return np.inf
        table = _distinct(self.number, self.exponent)
        return float(np.interp(float(self.slots), table, _REQUESTS))

    def missing(self, requests: ArrayLike) -> Array:
        """Share of requests (L,) whose adapter has to be loaded, where ``requests`` (L,) run in the group.

        With slots, misses of a cache that replaces the least recently used (Che's approximation: Che et al.
        2002, doi:10.1109/JSAC.2002.801752); without, the chance that no running request has the adapter.
        """
        n = np.asarray(requests, dtype=float)
        if self.slots is not None:
            return np.full(n.shape, _missed(self.number, self.exponent, self.slots))
        p, count = _popularity(self.number, self.exponent)
        return np.interp(n, _REQUESTS, _sum(p * count, p, _REQUESTS))


@lru_cache(maxsize=32)
def _popularity(number: int, exponent: float) -> tuple[Array, Array]:
    """(chance that a request has an adapter, adapters with this chance), in bins of ranks."""
    edges = np.arange(1.0, min(number, _FIRST) + 2.0)
    if number > _FIRST:
        edges = np.concatenate([edges[:-1], np.geomspace(_FIRST + 1.0, number + 1.0, _BINS)])
        edges = np.unique(np.round(edges))
    count = np.diff(edges)
    middle = np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    weight = middle**-exponent
    return weight / float(np.sum(weight * count)), count


def _sum(weight: Array, p: Array, requests: Array) -> Array:
    """Σ weight · (1 − p)^n for n of ``requests`` (L,)."""
    kept = np.log1p(-np.minimum(p, 1.0 - 1e-12))
    return np.exp(np.multiply.outer(requests, kept)) @ weight


@lru_cache(maxsize=32)
def _distinct(number: int, exponent: float) -> Array:
    p, count = _popularity(number, exponent)
    return float(number) - _sum(count, p, _REQUESTS)


@lru_cache(maxsize=32)
def _missed(number: int, exponent: float, slots: int) -> float:
    if slots >= number:
        return 0.0
    p, count = _popularity(number, exponent)
    low, high = 0.0, 1.0
    while float(np.sum(count * -np.expm1(-p * high))) < slots:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        filled = float(np.sum(count * -np.expm1(-p * middle)))
        low, high = (middle, high) if filled < slots else (low, middle)
    return float(np.sum(count * p * np.exp(-p * high)))


def _adapted(architecture: Architecture, block: Block, adapters: Adapters) -> list[tuple[Matrix, float]]:
    """(matrices of a layer that have adapters, projections of each)."""
    names = MATRICES[adapters.matrices]
    return [
        (matrix, _projections(block, matrix))
        for matrix in matrices(architecture.hidden, block)
        if matrix.name.startswith(names) and matrix.groups == 1 and matrix.diagonal == 1 and not matrix.wide
    ]


def _projections(block: Block, matrix: Matrix) -> float:
    """Projections that are fused in a matrix, each with an A of its own."""
    if matrix.name == "attention.qkv":
        return 1.0 if block.attention.reuses else 2.0 if block.attention.shared else 3.0
    if matrix.name in ("mlp.up", "shared.up"):
        return float(matrix.outputs[0][0])  # gate and up are segments of one width
    return 1.0


def _local(matrix: Matrix, projections: float, rank: int, tensor: ArrayLike) -> Array:
    """Parameters of one matrix's adapter on one of ``tensor`` ranks: A is cut as the inputs, B as outputs."""
    t = np.asarray(tensor, dtype=float)
    return rank * (projections * matrix.local_inputs(t) + matrix.local_outputs(t))


def served_parameters(architecture: Architecture, adapters: Adapters) -> float:
    """Parameters of one adapter, all layers: r · (projections · k + n) of each matrix."""
    return float(adapter_bytes(architecture, adapters, tensor=1.0)) / _WIDE


def adapter_bytes(architecture: Architecture, adapters: Adapters, *, tensor: ArrayLike) -> Array:
    """Bytes of one adapter in 16 bits on one of ``tensor`` (L,) ranks, all layers."""
    total: Array = np.zeros(())
    for block in architecture.blocks:
        if block.role == "prediction":
            continue
        for matrix, projections in _adapted(architecture, block, adapters):
            total = total + block.count * _local(matrix, projections, adapters.rank, tensor) * _WIDE
    return total


def adapted_operations(
    architecture: Architecture, block: Block, adapters: Adapters, *, tokens: ArrayLike, shares: Shares
) -> tuple[Operation, ...]:
    """A and B of one layer's matrices on one accelerator, without their weights' bytes, which go by requests.

    ``tokens`` (L,) are those of the replica, as of :func:`~gigawatt.workload.inference.group_operations`. One
    launch each for the A and the B of a matrix; B adds to what the matrix gave.
    """
    rows = np.asarray(tokens, dtype=float) / shares.data
    rank = np.asarray(float(adapters.rank))
    found: list[Operation] = []
    for matrix, projections in _adapted(architecture, block, adapters):
        k, n = matrix.local_inputs(shares.tensor), matrix.local_outputs(shares.tensor)
        wide = projections * rank
        for name, inner, to, read, written in (
            ("adapter_a", k, wide, k, wide), ("adapter_b", rank, n, wide + n, n),
        ):  # fmt: skip
            found.append(Operation(
                f"{matrix.name}.{name}", "gemm", "forward", rows, to, inner, ONE, 2.0 * rows * inner * to,
                rows * read * _WIDE, rows * written * _WIDE, ONE, "bf16",
            ))  # fmt: skip
    return tuple(found)


def check_adapters(architecture: Architecture, adapters: Adapters) -> None:
    """Raise where there are no such matrices, or numbers that are none.

    Raises
    ------
    InputError
        Names what is given and allowed.
    """
    check_word("adapters", adapters.matrices, MATRICES, "no such matrices")
    for name, value, most in (("number", adapters.number, 10**7), ("rank", adapters.rank, 4096)):
        if not 1 <= value <= most:
            raise InputError(f"{name} of adapters", key="adapters", given=value, allowed=f"1 to {most}")
    if not served_parameters(architecture, adapters) > 0.0:
        raise InputError(f"{architecture.name} has no such matrices", key="adapters",
                         given=adapters.matrices, allowed=MATRICES)  # fmt: skip
