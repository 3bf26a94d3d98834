"""The weight matrices of a block: the one list from which parameters and operations both follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gigawatt.workload.architecture import (
    Attention,
    Block,
    Experts,
    FeedForward,
    Parameters,
)
from gigawatt.workload.mixers import LinearAttention, Mixer, SelectiveScan, ShortConvolution, StateSpace

__all__ = ["Matrix", "block_matrices", "count_parameters", "matrices"]

Array = NDArray[np.float64]
Split = Literal["column", "row", "none"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One weight matrix (or ``groups`` equal ones), with how tensor parallelism splits it.

    ``outputs`` are segments of (width, heads): a rank holds max(heads / tensor, 1) heads of each, so
    that key-value heads are repeated where there are fewer of them than ranks. ``column`` splits the
    outputs, ``row`` the inputs, ``none`` keeps the whole matrix on every rank. ``part`` is the field of
    :class:`Parameters` it counts in. ``diagonal`` equal matrices each see a slice of the input
    (block-diagonal) and are divided over ranks by whole ones. ``wide``: multiplied in 16 bits at least.
    ``detached``: no gradient passes to its input (an indexer is trained beside the model).
    """

    name: str
    part: str
    inputs: int
    outputs: tuple[tuple[int, int], ...]
    split: Split
    bias: bool = False
    groups: int = 1
    diagonal: int = 1
    wide: bool = False
    detached: bool = False

    @property
    def width(self) -> int:
        """All outputs together (of one of ``diagonal``)."""
        return sum(width * heads for width, heads in self.outputs)

    @property
    def weights(self) -> int:
        """Weights of all groups, without bias."""
        return self.groups * self.diagonal * self.inputs * self.width

    @property
    def parameters(self) -> int:
        """Weights and biases of all groups."""
        return self.weights + (self.groups * self.width if self.bias else 0)

    def local_inputs(self, tensor: Array) -> Array:
        """Inputs on one of ``tensor`` ranks."""
        return self.inputs / tensor if self.split == "row" else np.asarray(float(self.inputs))

    def local_outputs(self, tensor: Array) -> Array:
        """Outputs on one of ``tensor`` ranks."""
        if self.split != "column" or self.diagonal > 1:
            return np.asarray(float(self.width))
        total: Array = np.zeros(())
        for width, heads in self.outputs:
            total = total + width * np.maximum(heads / tensor, 1.0)
        return total


def _attention(hidden: int, a: Attention) -> list[Matrix]:
    if not a.heads:
        return []
    part = "attention"
    inner = a.heads * a.value_dim
    out = [Matrix("attention.output", part, inner, ((hidden, 1),), "row", a.output_bias)]
    if a.output_rank:
        down, up = inner // a.output_groups, a.output_groups * a.output_rank
        out = [
            Matrix(
                "attention.output_down", part, down, ((a.output_rank, 1),), "column", diagonal=a.output_groups
            ),
            Matrix("attention.output", part, up, ((hidden, 1),), "row", a.output_bias),
        ]
    found: list[Matrix] = []
    if a.latent:
        key_value = a.key_value_rank + (0 if a.shared else a.rope_dim)
        down_to = ((a.query_rank + key_value, 1),)
        found += [
            Matrix("attention.latent_down", part, hidden, down_to, "none", a.bias),
            Matrix("attention.query_up", part, a.query_rank or hidden, ((a.head_dim, a.heads),), "column"),
        ]
        if not a.shared:
            expanded = ((a.head_dim - a.rope_dim + a.value_dim, a.heads),)
            found.append(Matrix("attention.key_value_up", part, a.key_value_rank, expanded, "column"))
    else:
        values = 0 if a.shared else a.value_dim
        heads = ((a.head_dim, a.heads), (a.head_dim + values, a.key_value_heads))
        if a.reuses:
            heads = ((a.head_dim, a.heads),)
        found.append(Matrix("attention.qkv", part, hidden, heads, "column", a.bias))
    if a.gate:
        found.append(Matrix("attention.gate", part, hidden, ((a.gate, a.heads),), "column", a.bias))
    if a.compression:
        # Keys (which are values too) and their weights within a pool, of both series.
        pooled = ((2 * a.overlap * a.head_dim, 1),)
        found.append(Matrix("attention.compress", part, hidden, pooled, "none"))
    return [*found, *_indexer(hidden, a), *out]


def _indexer(hidden: int, a: Attention) -> list[Matrix]:
    i = a.indexer
    if i is None or not i.runs:
        return []
    part = "attention"
    keys = (2 * a.overlap if a.compression else 1) * i.head_dim + (i.heads if i.weighted else 0)
    # Heads that are added up are needed on every rank; those that each serve their own heads are split.
    split: Split = "none" if i.weighted else "column"
    query = ((i.head_dim, i.heads),)
    return [
        Matrix("indexer.query", part, a.query_rank or hidden, query, split, detached=True),
        Matrix("indexer.key", part, hidden, ((keys, 1),), "none", detached=True),
    ]


def _mixer(hidden: int, m: Mixer) -> list[Matrix]:
    part = "attention"
    bias = m.bias if isinstance(m, StateSpace | SelectiveScan | ShortConvolution) else False
    out = Matrix("mixer.output", part, m.inner, ((hidden, 1),), "row", bias)
    if isinstance(m, ShortConvolution):
        return [Matrix("mixer.input", part, hidden, ((3, m.inner),), "column", bias), out]
    if isinstance(m, SelectiveScan):
        return [
            Matrix("mixer.input", part, hidden, ((2, m.inner),), "column", bias),
            # The step's rank, B and C: added up over ranks, each of which then needs them all.
            Matrix("mixer.selection", part, m.inner, ((m.rank + 2 * m.state, 1),), "row"),
            Matrix("mixer.step", part, m.rank, ((1, m.inner),), "column", True),
            out,
        ]
    if isinstance(m, LinearAttention):
        heads = ((2 * m.key_dim + m.value_dim * (2 if m.gate else 1), m.heads),)
        found = [Matrix("mixer.input", part, hidden, heads, "column")]
        if m.ranks:
            down = ((sum(rank for rank, _ in m.ranks), 1),)
            found.append(Matrix("mixer.ranks_down", part, hidden, down, "none"))
        for place, (rank, width) in enumerate(m.ranks):
            up = ((width // m.heads, m.heads),) if width % m.heads == 0 else ((1, width),)
            found.append(Matrix(f"mixer.rank_up_{place}", part, rank, up, "column"))
        return [*found, out]
    if isinstance(m, StateSpace):
        # Gate and x, then B and C of every group, then the step of every head.
        heads = ((2 * m.head_dim, m.heads), (2 * m.state, m.groups), (1, m.heads))
        return [Matrix("mixer.input", part, hidden, heads, "column", bias), out]
    gate = () if m.gate_rank else ((m.value_dim, m.value_heads),)
    decay = () if m.decay_rank else ((1, m.value_heads),)
    shared = ((2 * m.key_dim, m.key_heads), (m.value_dim + 1, m.value_heads))
    found = [Matrix("mixer.input", part, hidden, (*shared, *gate, *decay), "column")]
    if m.decay_rank or m.gate_rank:
        down = ((m.decay_rank + m.gate_rank, 1),)
        found.append(Matrix("mixer.gates_down", part, hidden, down, "none"))
    if m.decay_rank:
        up = ((m.key_dim, m.value_heads),)
        found.append(Matrix("mixer.decay_up", part, m.decay_rank, up, "column"))
    if m.gate_rank:
        up = ((m.value_dim, m.value_heads),)
        found.append(Matrix("mixer.gate_up", part, m.gate_rank, up, "column"))
    return [*found, out]


def _feed_forward(hidden: int, f: FeedForward) -> list[Matrix]:
    up = ((2 if f.gated else 1, f.width),)
    found = [
        Matrix("mlp.up", "feed_forward", hidden, up, "column", f.bias),
        Matrix("mlp.down", "feed_forward", f.width, ((hidden, 1),), "row", f.bias),
    ]
    if f.output_gate:
        found.append(Matrix("mlp.gate", "feed_forward", hidden, ((1, hidden),), "column"))
    return found


def _experts(hidden: int, e: Experts) -> list[Matrix]:
    factor, inner = 2 if e.gated else 1, e.inputs(hidden)
    found = [Matrix("router", "router", hidden, ((1, e.count),), "none", e.bias, wide=True)]
    if e.shared_width:
        found += [
            Matrix("shared.up", "feed_forward", hidden, ((factor, e.shared_width),), "column"),
            Matrix("shared.down", "feed_forward", e.shared_width, ((hidden, 1),), "row"),
        ]
    if e.shared_gate:
        found.append(Matrix("shared.gate", "router", hidden, ((1, 1),), "none", wide=True))
    if e.latent:
        found += [
            Matrix("experts.latent_down", "router", hidden, ((e.latent, 1),), "none"),
            Matrix("experts.latent_up", "router", e.latent, ((hidden, 1),), "none"),
        ]
    return [
        *found,
        Matrix("experts.up", "experts", inner, ((factor, e.width),), "column", e.bias, e.count),
        Matrix("experts.down", "experts", e.width, ((inner, 1),), "row", e.bias, e.count),
    ]


def _streams(hidden: int, streams: int) -> list[Matrix]:
    """Weights of reading, writing and mixing the streams, before attention and before the feed-forward."""
    if streams == 1:
        return []
    mixed = (((2 + streams) * streams, 1),)
    names = ("streams.attention", "streams.feed_forward")
    return [Matrix(name, "norms", streams * hidden, mixed, "none", wide=True) for name in names]


def block_matrices(
    hidden: int,
    attention: Attention,
    feed_forward: FeedForward | None,
    experts: Experts | None,
    role: str = "layer",
    mixer: Mixer | None = None,
    streams: int = 1,
    sides: tuple[tuple[str, int, int], ...] = (),
) -> tuple[Matrix, ...]:
    """Every weight matrix of one layer, in the order in which it is used."""
    found: list[Matrix] = []
    if role == "prediction":
        found.append(Matrix("prediction.projection", "feed_forward", 2 * hidden, ((1, hidden),), "column"))
    found += _streams(hidden, streams)
    found += _attention(hidden, attention)
    if mixer is not None:
        found += _mixer(hidden, mixer)
    if feed_forward is not None:
        found += _feed_forward(hidden, feed_forward)
    if experts is not None:
        found += _experts(hidden, experts)
    found += [Matrix(name, "router", inputs, ((outputs, 1),), "none") for name, inputs, outputs in sides]
    return tuple(found)


def matrices(hidden: int, block: Block) -> tuple[Matrix, ...]:
    """Every weight matrix of one layer of ``block``."""
    return block_matrices(
        hidden,
        block.attention,
        block.feed_forward,
        block.experts,
        block.role,
        block.mixer,
        block.streams,
        block.sides,
    )


def count_parameters(
    *,
    hidden: int,
    attention: Attention,
    feed_forward: FeedForward | None,
    experts: Experts | None,
    norms: int,
    norm_bias: bool,
    role: str,
    mixer: Mixer | None = None,
    streams: int = 1,
    scales: int = 0,
    sides: tuple[tuple[str, int, int], ...] = (),
    table: int = 0,
) -> Parameters:
    """Exact parameters of one layer: matrices with biases, norms, convolutions, sinks, scales."""
    parts: dict[str, int] = dict.fromkeys(("attention", "feed_forward", "experts", "router", "norms"), 0)
    replicated = 0
    for matrix in block_matrices(hidden, attention, feed_forward, experts, role, mixer, streams, sides):
        parts[matrix.part] += matrix.parameters
        if matrix.part == "attention" and matrix.split == "none":
            replicated += matrix.parameters
    parts["feed_forward"] += table
    if attention.sinks:
        parts["attention"] += attention.heads
    if mixer is not None:
        parts["attention"] += mixer.vectors
    parts["norms"] += norms * hidden * (2 if norm_bias else 1) + scales
    parts["norms"] += attention.norm_weights + attention.position_weights
    if streams > 1:
        parts["norms"] += 2 * ((2 + streams) * streams + 3)
    return Parameters(replicated=replicated, **parts)
