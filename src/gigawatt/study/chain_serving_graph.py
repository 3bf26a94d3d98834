"""The whole serving chain: its own modules and those that it shares with training, registered and checked."""

from __future__ import annotations

from gigawatt.study import (
    chain_money,
    chain_serving,
    chain_serving_money,
    chain_serving_notices,
    chain_serving_power,
    chain_serving_waits,
    chain_supply,
    chain_training,
)
from gigawatt.study.names import CHAIN_SERVING

__all__ = ["CHAIN_SERVING"]

# imported for what they register
_ = (
    chain_training, chain_supply, chain_money, chain_serving, chain_serving_waits, chain_serving_power,
    chain_serving_money, chain_serving_notices,
)  # fmt: skip

CHAIN_SERVING.check(targets=["study.notices"])
