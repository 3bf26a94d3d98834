"""A language model as its configuration describes it: the frozen nouns of the workload room.

An :class:`Architecture` is a stack of :class:`Block` kinds, each with a count. A block mixes tokens by
:class:`Attention`, by a mixer of :mod:`~gigawatt.workload.mixers` or by both side by side, and passes them
through a :class:`FeedForward`, :class:`Experts`, both or neither. Nothing here knows of machines; sizes are
those of the published configuration, parameters are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.workload.checkpoint import Checkpoint
from gigawatt.workload.mixers import (
    DeltaRule,
    LinearAttention,
    Mixer,
    SelectiveScan,
    ShortConvolution,
    StateSpace,
)
from gigawatt.workload.towers import Tower

__all__ = [
    "NO_ATTENTION",
    "Architecture",
    "Attention",
    "Block",
    "DeltaRule",
    "Experts",
    "FeedForward",
    "Indexer",
    "LinearAttention",
    "Mixer",
    "Parameters",
    "SelectiveScan",
    "ShortConvolution",
    "StateSpace",
]


@dataclass(frozen=True, slots=True)
class Indexer:
    """The small attention that selects which keys of sparse attention a query sees.

    ``heads`` query heads of ``head_dim`` score every key by one key head; the ``keys`` best are
    selected. ``weighted``: heads are added with weights from the layer's input (else each serves its own
    heads). ``runs``: false where a layer takes over the selection of a layer before it, without weights
    of its own. ``norms`` counts norm weights (and biases).

    References
    ----------
    DeepSeek-AI 2025, "DeepSeek-V3.2", section 2.1 (lightning indexer).
    """

    heads: int
    head_dim: int
    keys: int
    runs: bool = True
    weighted: bool = True
    norms: int = 0


@dataclass(frozen=True, slots=True)
class Attention:
    """Multi-head, grouped-query or multi-head latent attention.

    ``head_dim`` is the width of a query/key head, ``value_dim`` that of a value head. ``window`` is the
    number of tokens a query can see, itself included (``None``: all before it); ``chunk`` cuts the
    sequence into chunks within which attention is causal. ``query_rank``, ``key_value_rank`` and
    ``rope_dim`` are those of latent attention (0 where it is not latent). ``rotary``: rotary position
    embedding; ``query_key_norm``: a norm with weights over each query and key head, or, ``whole_norm``,
    over all heads together; ``sinks``: one learned sink logit a head.

    ``gate`` outputs a head of the layer's input gate what attention returns. ``shared``: keys are values
    too, from one projection (of latent attention: the latent itself is key and value, not expanded). The
    output passes ``output_groups`` separate projections to ``output_rank`` each before the last one.
    ``compression`` tokens are pooled into one further key outside the window, of which the indexer
    selects, and all are seen without one. An ``indexer`` without compression selects among tokens.
    ``reuses``: keys and values are those of an earlier layer (Gemma 3n), none are projected or kept.
    No heads (:data:`NO_ATTENTION`): the block has no attention.

    References
    ----------
    Shazeer 2019 (multi-query); DeepSeek-AI 2024, 2025 (latent and sparse attention), and "DeepSeek-V4",
    sections 2.2 and 2.3 (compressed attention, grouped output projection).
    """

    heads: int
    key_value_heads: int
    head_dim: int
    value_dim: int
    window: int | None = None
    query_rank: int = 0
    key_value_rank: int = 0
    rope_dim: int = 0
    bias: bool = False
    output_bias: bool = False
    chunk: int | None = None
    rotary: bool = True
    query_key_norm: bool = False
    sinks: bool = False
    whole_norm: bool = False
    gate: int = 0
    shared: bool = False
    output_groups: int = 1
    output_rank: int = 0
    compression: int = 0
    indexer: Indexer | None = None
    reuses: bool = False

    @property
    def latent(self) -> bool:
        """Whether keys and values are kept as one low-rank latent (MLA)."""
        return self.key_value_rank > 0

    @property
    def overlap(self) -> int:
        """Series of tokens that are pooled: two, a pool apart, where an indexer selects, else one."""
        return 2 if self.indexer is not None else 1

    @property
    def norm_weights(self) -> int:
        """Weights of the norms within attention (query and key heads, latents, pooled keys, indexer)."""
        found = self.query_rank + self.key_value_rank
        if self.query_key_norm:
            heads, groups = (self.heads, self.key_value_heads) if self.whole_norm else (1, 1)
            found += (heads + (0 if self.reuses else groups)) * self.head_dim
        if self.compression:
            found += self.head_dim
        if self.indexer is not None and self.indexer.runs:
            found += self.indexer.norms
        return found

    @property
    def position_weights(self) -> int:
        """Learned position weights within a pool of compressed keys."""
        if not self.compression:
            return 0
        widths = self.head_dim + (self.indexer.head_dim if self.indexer is not None else 0)
        return self.compression * self.overlap * widths


NO_ATTENTION = Attention(heads=0, key_value_heads=0, head_dim=0, value_dim=0, rotary=False)
"""The attention of a block that has none: every size and cost of it is zero."""


@dataclass(frozen=True, slots=True)
class FeedForward:
    """A dense feed-forward layer of ``width`` (gated: three matrices, else two).

    ``output_gate``: what it returns is multiplied by a gate from its input through a matrix of its own
    (RWKV-6).
    """

    width: int
    gated: bool = True
    bias: bool = False
    output_gate: bool = False


@dataclass(frozen=True, slots=True)
class Experts:
    """``count`` routed experts of ``width``, ``per_token`` of them used, one shared of ``shared_width``.

    Where the router is limited, the experts lie in ``groups`` and a token reaches those of
    ``groups_per_token`` groups only (0: no limit). ``latent``: routed experts work on a projection to this
    width, back-projected after they are added up (0: on the hidden state itself). ``shared_gate``: the
    shared expert is scaled by one output of the hidden state.
    """

    count: int
    per_token: int
    width: int
    shared_width: int = 0
    gated: bool = True
    bias: bool = False
    groups: int = 1
    groups_per_token: int = 0
    latent: int = 0
    shared_gate: bool = False

    def inputs(self, hidden: int) -> int:
        """Width of what is sent to the routed experts and comes back from them."""
        return self.latent or hidden


@dataclass(frozen=True, slots=True)
class Parameters:
    """Exact parameter counts of one block, or of a whole model, by how they are sharded.

    ``attention`` and ``feed_forward`` (dense layers, shared experts) are split by tensor parallelism;
    ``experts`` (routed ones) by expert and tensor parallelism; ``router`` and ``norms`` are on every
    rank; ``embedding`` and ``head`` (0 where tied to the embedding) are split along the vocabulary.
    ``replicated`` says how many of ``attention`` are nevertheless whole on every tensor rank (the
    down-projections of latent attention); it is part of ``attention``, not added to ``total``.
    """

    attention: int = 0
    feed_forward: int = 0
    experts: int = 0
    router: int = 0
    norms: int = 0
    embedding: int = 0
    head: int = 0
    replicated: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return (
            self.attention
            + self.feed_forward
            + self.experts
            + self.router
            + self.norms
            + self.embedding
            + self.head
        )


@dataclass(frozen=True, slots=True)
class Block:
    """One kind of layer and how many of it there are.

    ``feed_forward`` is the dense part and ``experts`` the routed part (one of them, in some families both).
    ``norms`` counts norm vectors of width ``hidden``. ``parameters`` are of one such layer. ``role`` is
    ``"layer"`` or ``"prediction"`` (a multi-token-prediction module behind the last layer). ``parallel``: the
    layer reads the residual stream once and adds to it once (attention and feed-forward side by side, or a
    layer that has only one of the two). ``mixer`` stands in the place of attention, which is then
    :data:`NO_ATTENTION`, or beside it (Falcon-H1), their outputs being added. ``streams``: width of the
    residual stream over ``hidden``; more than one are mixed before and after each part by hyper-connections
    (DeepSeek-V4, section 2.2). ``repeats``: times that a module runs in a training step, its weights shared.
    ``scales`` counts parameters that stand in no matrix and no norm. ``sides`` are further matrices (name,
    inputs, outputs); ``table`` the parameters of an embedding of this layer alone, gathered by token.
    """

    name: str
    count: int
    attention: Attention
    feed_forward: FeedForward | None
    experts: Experts | None
    norms: int
    parameters: Parameters
    role: str = "layer"
    parallel: bool = False
    mixer: Mixer | None = None
    streams: int = 1
    repeats: int = 1
    scales: int = 0
    sides: tuple[tuple[str, int, int], ...] = ()
    table: int = 0

    @property
    def sublayers(self) -> int:
        """Parts that read the residual stream: token mixer and feed-forward, one of them, or none."""
        mixes = self.mixer is not None or self.attention.heads > 0
        feeds = self.feed_forward is not None or self.experts is not None
        return int(mixes) + int(feeds)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A language model, read from a Hugging Face ``config.json``.

    ``order`` names the block kind of every layer from first to last (indices into ``blocks``), so
    that pipeline stages can be cut. ``parameters`` are those of the whole model as transformers builds
    it: without multi-token-prediction modules, which stand in ``blocks`` with the role
    ``"prediction"``, behind the last layer, outside ``layers`` and ``order`` (they share embedding and
    head). ``active_parameters`` are ``parameters`` less the routed experts that a token does not visit.
    ``checkpoint`` has the formats of its published weights, where its configuration says them. ``towers``
    stand beside the language part, in memory but in none of its parameters and blocks; ``uncounted`` says of
    which nothing is known.
    """

    name: str
    family: str
    hidden: int
    vocabulary: int
    layers: int
    blocks: tuple[Block, ...]
    order: tuple[int, ...]
    tied_embeddings: bool
    learned_positions: int
    max_sequence: int
    parameters: Parameters
    active_parameters: int
    file: str
    checkpoint: Checkpoint | None = None
    towers: tuple[Tower, ...] = ()
    uncounted: tuple[str, ...] = ()

    @property
    def attention(self) -> Attention:
        """Attention of the first block that has one (:data:`NO_ATTENTION` where none has)."""
        return next((block.attention for block in self.blocks if block.attention.heads), NO_ATTENTION)

    @property
    def tower_parameters(self) -> int:
        """Parameters of the towers, not counted in ``parameters``."""
        return sum(tower.parameters for tower in self.towers)

    @property
    def routed(self) -> bool:
        """Whether it is a mixture: tokens are sent to some of many experts."""
        return any(block.experts is not None for block in self.blocks)

    @property
    def streams(self) -> int:
        """Width of the residual stream over ``hidden``."""
        return max((block.streams for block in self.blocks), default=1)

    @property
    def prediction_depth(self) -> int:
        """Number of multi-token-prediction modules."""
        return sum(block.count for block in self.blocks if block.role == "prediction")

    @property
    def prediction_runs(self) -> int:
        """Times that a training step runs such a module, and the head behind it."""
        return sum(block.count * block.repeats for block in self.blocks if block.role == "prediction")

    @property
    def prediction_parameters(self) -> int:
        """Parameters of those modules, not counted in ``parameters``."""
        return sum(
            block.count * block.parameters.total for block in self.blocks if block.role == "prediction"
        )
