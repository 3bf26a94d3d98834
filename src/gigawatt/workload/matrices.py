"""The weight matrices of a block: the one list from which parameters and operations both follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gigawatt.workload.architecture import Attention, Block, Experts, FeedForward, Parameters

__all__ = ["Matrix", "block_matrices", "count_parameters", "matrices"]

Array = NDArray[np.float64]
Split = Literal["column", "row", "none"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One weight matrix (or ``groups`` equal ones), with how tensor parallelism splits it.

    ``outputs`` are segments of (width, heads): a rank holds max(heads / tensor, 1) heads of each, so
    that key-value heads are repeated where there are fewer of them than ranks. ``column`` splits the
    outputs, ``row`` the inputs, ``none`` keeps the whole matrix on every rank. ``part`` is the field of
    :class:`Parameters` it counts in.
    """

    name: str
    part: str
    inputs: int
    outputs: tuple[tuple[int, int], ...]
    split: Split
    bias: bool = False
    groups: int = 1

    @property
    def width(self) -> int:
        """All outputs together."""
        return sum(width * heads for width, heads in self.outputs)

    @property
    def weights(self) -> int:
        """Weights of all groups, without bias."""
        return self.groups * self.inputs * self.width

    @property
    def parameters(self) -> int:
        """Weights and biases of all groups."""
        return self.weights + (self.groups * self.width if self.bias else 0)

    def local_inputs(self, tensor: Array) -> Array:
        """Inputs on one of ``tensor`` ranks."""
        return self.inputs / tensor if self.split == "row" else np.asarray(float(self.inputs))

    def local_outputs(self, tensor: Array) -> Array:
        """Outputs on one of ``tensor`` ranks."""
        if self.split != "column":
            return np.asarray(float(self.width))
        total: Array = np.zeros(())
        for width, heads in self.outputs:
            total = total + width * np.maximum(heads / tensor, 1.0)
        return total


def _attention(hidden: int, a: Attention) -> list[Matrix]:
    part = "attention"
    out = Matrix("attention.output", part, a.heads * a.value_dim, ((hidden, 1),), "row", a.output_bias)
    if not a.latent:
        heads = ((a.head_dim, a.heads), (a.head_dim + a.value_dim, a.key_value_heads))
        return [Matrix("attention.qkv", part, hidden, heads, "column", a.bias), out]
    key_value = a.key_value_rank + a.rope_dim
    down = ((a.query_rank + key_value, 1),)
    expanded = ((a.head_dim - a.rope_dim + a.value_dim, a.heads),)
    query_inputs = a.query_rank or hidden
    return [
        Matrix("attention.latent_down", part, hidden, down, "none", a.bias),
        Matrix("attention.query_up", part, query_inputs, ((a.head_dim, a.heads),), "column"),
        Matrix("attention.key_value_up", part, a.key_value_rank, expanded, "column"),
        out,
    ]


def _feed_forward(hidden: int, f: FeedForward) -> list[Matrix]:
    up = ((2 if f.gated else 1, f.width),)
    return [
        Matrix("mlp.up", "feed_forward", hidden, up, "column", f.bias),
        Matrix("mlp.down", "feed_forward", f.width, ((hidden, 1),), "row", f.bias),
    ]


def _experts(hidden: int, e: Experts) -> list[Matrix]:
    factor = 2 if e.gated else 1
    found = [Matrix("router", "router", hidden, ((1, e.count),), "none", e.bias)]
    if e.shared_width:
        found += [
            Matrix("shared.up", "feed_forward", hidden, ((factor, e.shared_width),), "column"),
            Matrix("shared.down", "feed_forward", e.shared_width, ((hidden, 1),), "row"),
        ]
    return [
        *found,
        Matrix("experts.up", "experts", hidden, ((factor, e.width),), "column", e.bias, e.count),
        Matrix("experts.down", "experts", e.width, ((hidden, 1),), "row", e.bias, e.count),
    ]


def block_matrices(
    hidden: int,
    attention: Attention,
    feed_forward: FeedForward | None,
    experts: Experts | None,
    role: str = "layer",
) -> tuple[Matrix, ...]:
    """Every weight matrix of one layer, in the order in which it is used."""
    found: list[Matrix] = []
    if role == "prediction":
        found.append(Matrix("prediction.projection", "feed_forward", 2 * hidden, ((1, hidden),), "column"))
    found += _attention(hidden, attention)
    if feed_forward is not None:
        found += _feed_forward(hidden, feed_forward)
    if experts is not None:
        found += _experts(hidden, experts)
    return tuple(found)


def matrices(hidden: int, block: Block) -> tuple[Matrix, ...]:
    """Every weight matrix of one layer of ``block``."""
    return block_matrices(hidden, block.attention, block.feed_forward, block.experts, block.role)


def count_parameters(
    *,
    hidden: int,
    attention: Attention,
    feed_forward: FeedForward | None,
    experts: Experts | None,
    norms: int,
    norm_bias: bool,
    role: str,
) -> Parameters:
    """Exact parameters of one layer: matrices with biases, norms, query-key norms, latent norms, sinks."""
    parts: dict[str, int] = dict.fromkeys(("attention", "feed_forward", "experts", "router"), 0)
    replicated = 0
    for matrix in block_matrices(hidden, attention, feed_forward, experts, role):
        parts[matrix.part] += matrix.parameters
        if matrix.part == "attention" and matrix.split == "none":
            replicated += matrix.parameters
    if attention.sinks:
        parts["attention"] += attention.heads
    vectors = norms * hidden * (2 if norm_bias else 1) + attention.query_rank + attention.key_value_rank
    if attention.query_key_norm:
        vectors += 2 * attention.head_dim
    return Parameters(norms=vectors, replicated=replicated, **parts)
