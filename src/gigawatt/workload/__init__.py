"""What must be computed: architectures from ``config.json``, operations with FLOPs and bytes."""

from gigawatt.workload.architecture import Architecture, Attention, Block, Experts, FeedForward, Parameters
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
    "Experts",
    "FeedForward",
    "Operation",
    "Parameters",
    "block_operations",
    "embedding_operations",
    "head_operations",
    "known_families",
    "list_models",
    "model_flops_per_token",
    "read_architecture",
]
