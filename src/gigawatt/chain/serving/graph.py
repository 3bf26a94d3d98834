"""The whole serving chain: its own modules and those that it shares with training, registered and checked."""

from __future__ import annotations

from gigawatt.chain import money as chain_money
from gigawatt.chain import supply as chain_supply
from gigawatt.chain.registry import CHAIN_SERVING, complete
from gigawatt.chain.serving import money as chain_serving_money
from gigawatt.chain.serving import notices as chain_serving_notices
from gigawatt.chain.serving import power as chain_serving_power
from gigawatt.chain.serving import service as chain_serving
from gigawatt.chain.serving import waits as chain_serving_waits
from gigawatt.chain.training import quantities as chain_training

__all__ = ["CHAIN_SERVING"]

# imported for what they register
_ = (
    chain_training, chain_supply, chain_money, chain_serving, chain_serving_waits, chain_serving_power,
    chain_serving_money, chain_serving_notices,
)  # fmt: skip

complete(CHAIN_SERVING)
CHAIN_SERVING.check(targets=["study.notices"])
