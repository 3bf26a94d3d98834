"""A transformer as its configuration describes it: the frozen nouns of the workload room.

An :class:`Architecture` is a stack of :class:`Block` kinds, each with a count. Nothing here knows of
machines; sizes are those of the published configuration, parameters are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Architecture", "Attention", "Block", "Experts", "FeedForward", "Parameters"]


@dataclass(frozen=True, slots=True)
class Attention:
    """Multi-head, grouped-query or multi-head latent attention.

    ``head_dim`` is the width of a query/key head, ``value_dim`` that of a value head. ``window`` is the
    number of tokens a query can see, itself included (``None``: all before it); ``chunk`` cuts the
    sequence into chunks within which attention is causal. ``query_rank``, ``key_value_rank`` and
    ``rope_dim`` are those of latent attention (0 where it is not latent). ``rotary``: rotary position
    embedding; ``query_key_norm``: a norm with weights over each query and key head; ``sinks``: one
    learned sink logit a head.
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

    @property
    def latent(self) -> bool:
        """Whether keys and values are kept as one low-rank latent (MLA)."""
        return self.key_value_rank > 0


@dataclass(frozen=True, slots=True)
class FeedForward:
    """A dense feed-forward layer of ``width`` (gated: three matrices, else two)."""

    width: int
    gated: bool = True
    bias: bool = False


@dataclass(frozen=True, slots=True)
class Experts:
    """``count`` routed experts of ``width``, ``per_token`` of them used, one shared of ``shared_width``.

    Where the router is limited, the experts lie in ``groups`` and a token reaches those of
    ``groups_per_token`` groups only (0: no limit).
    """

    count: int
    per_token: int
    width: int
    shared_width: int = 0
    gated: bool = True
    bias: bool = False
    groups: int = 1
    groups_per_token: int = 0


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

    ``feed_forward`` is the dense part and ``experts`` the routed part (one of them, in some families
    both). ``norms`` counts norm vectors of width ``hidden``. ``parameters`` are of one such layer.
    ``role`` is ``"layer"`` or ``"prediction"`` (a multi-token-prediction module behind the last layer).
    ``parallel``: attention and feed-forward read the same input and are added together.
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


@dataclass(frozen=True, slots=True)
class Architecture:
    """A language model, read from a Hugging Face ``config.json``.

    ``order`` names the block kind of every layer from first to last (indices into ``blocks``), so
    that pipeline stages can be cut. ``parameters`` are those of the whole model as transformers builds
    it: without multi-token-prediction modules, which stand in ``blocks`` with the role
    ``"prediction"``, behind the last layer, outside ``layers`` and ``order`` (they share embedding and
    head). ``active_parameters`` are ``parameters`` less the routed experts that a token does not visit.
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

    @property
    def prediction_depth(self) -> int:
        """Number of multi-token-prediction modules, each of which runs the head once more."""
        return sum(block.count for block in self.blocks if block.role == "prediction")

    @property
    def prediction_parameters(self) -> int:
        """Parameters of those modules, not counted in ``parameters``."""
        return sum(
            block.count * block.parameters.total for block in self.blocks if block.role == "prediction"
        )
