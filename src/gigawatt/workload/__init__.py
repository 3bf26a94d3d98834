"""What must be computed: architectures from ``config.json``, operations with FLOPs and bytes."""

from gigawatt.workload.architecture import (
    Architecture,
    Attention,
    Block,
    DeltaRule,
    Experts,
    FeedForward,
    Indexer,
    Parameters,
    StateSpace,
)
from gigawatt.workload.operations import (
    Operation,
    block_operations,
    embedding_operations,
    head_operations,
    model_flops_per_token,
)
from gigawatt.workload.reader import known_families, list_models, read_architecture

__all__ = [
    "Architecture",
    "Attention",
    "Block",
    "DeltaRule",
    "Experts",
    "FeedForward",
    "Indexer",
    "Operation",
    "Parameters",
    "StateSpace",
    "block_operations",
    "embedding_operations",
    "head_operations",
    "known_families",
    "list_models",
    "model_flops_per_token",
    "read_architecture",
]
