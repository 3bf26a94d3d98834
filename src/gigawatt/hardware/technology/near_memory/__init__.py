"""Digital machines whose weights and keys lie in memories on the chips, without DRAM."""

from __future__ import annotations

from gigawatt.hardware.technology.interface import Technology
from gigawatt.hardware.technology.operations import ELEMENTWISE, OPERATIONS, every

__all__ = ["TECHNOLOGY"]

TECHNOLOGY = Technology(
    name="near_memory",
    title="digital near-memory machine",
    names=("near-memory",),
    operations={
        **every(OPERATIONS, "multiplied on the chip itself"),
        **every(("head", "router"), "on the same chip, kept in 16 bits"),
        **every(ELEMENTWISE, "element by element, on the same chip"),
    },
    cost="gigawatt.hardware.technology.near_memory.model:NearMemory",
    parts={"arithmetic": "arithmetic", "sram": "sram"},
    settings="gigawatt.hardware.technology.near_memory.cards:SETTINGS",
    native=True,
)
"""A card a layer: a pipeline that is priced whole."""
