"""The chains: every quantity from the model's configuration to the cost of a token, by name.

Two graphs, filled by the modules of this room in the order of the chain: model and machine, training or
serving, power and building, supply, money. Each registers pure functions on the training chain, on the
serving chain, or on both (:mod:`gigawatt.chain.registry`); a graph is checked when it is imported. The
serving chain is filled when it is first asked for, since a training run needs none of what it brings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.chain import machine as chain_machine
from gigawatt.chain import money as chain_money
from gigawatt.chain import notices as chain_notices
from gigawatt.chain import supply as chain_supply
from gigawatt.chain.registry import CHAIN_TRAINING, complete
from gigawatt.chain.training import quantities as chain_training

if TYPE_CHECKING:
    from gigawatt.chain.registry import CHAIN_SERVING

__all__ = ["CHAIN", "CHAIN_SERVING", "CHAIN_TRAINING"]

CHAIN = CHAIN_TRAINING
"""The chain of a training run."""

# imported for what they register
_ = (chain_machine, chain_training, chain_supply, chain_money, chain_notices)

complete(CHAIN_TRAINING)
CHAIN_TRAINING.check(targets=["study.notices"])


def __getattr__(name: str) -> Any:
    if name == "CHAIN_SERVING":
        from gigawatt.chain.serving.graph import CHAIN_SERVING

        return CHAIN_SERVING
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
