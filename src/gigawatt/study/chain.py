"""The chain: every quantity from the model's configuration to the cost of a token, by name.

One graph, filled by the modules of this room in the order of the chain: model and machine, training,
power and building, supply, money. Each registers pure functions on :data:`CHAIN`; the graph is checked
when this module is imported.
"""

from __future__ import annotations

from gigawatt.study import chain_money, chain_notices, chain_supply, chain_training
from gigawatt.study.names import CHAIN

__all__ = ["CHAIN"]

_ = (chain_training, chain_supply, chain_money, chain_notices)  # imported for what they register

CHAIN.check(targets=["study.notices"])
