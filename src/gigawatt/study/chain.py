"""The chains: every quantity from the model's configuration to the cost of a token, by name.

Two graphs, filled by the modules of this room in the order of the chain: model and machine, training or
serving, power and building, supply, money. Each registers pure functions on the training chain, on the
serving chain, or on both (:mod:`gigawatt.study.names`); a graph is checked when it is imported. The serving
chain is filled when it is first asked for, since a training run needs none of what it brings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.study import chain_machine, chain_money, chain_notices, chain_supply, chain_training
from gigawatt.study.names import CHAIN_TRAINING

if TYPE_CHECKING:
    from gigawatt.study.names import CHAIN_SERVING

__all__ = ["CHAIN", "CHAIN_SERVING", "CHAIN_TRAINING"]

CHAIN = CHAIN_TRAINING
"""The chain of a training run."""

# imported for what they register
_ = (chain_machine, chain_training, chain_supply, chain_money, chain_notices)

CHAIN_TRAINING.check(targets=["study.notices"])


def __getattr__(name: str) -> Any:
    if name == "CHAIN_SERVING":
        from gigawatt.study.chain_serving_graph import CHAIN_SERVING

        return CHAIN_SERVING
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
