"""Digital machines whose weights and keys lie in memories on the chips, without DRAM."""

from __future__ import annotations

from gigawatt.technology.interface import Technology
from gigawatt.technology.operations import ON_CHIP

__all__ = ["TECHNOLOGY"]

TECHNOLOGY = Technology(
    name="near_memory",
    title="digital near-memory machine",
    names=("near-memory",),
    operations=ON_CHIP,
    cost="gigawatt.technology.near_memory.model:NearMemory",
    parts={"arithmetic": "arithmetic", "sram": "sram"},
    settings="gigawatt.technology.near_memory.cards:SETTINGS",
    native=True,
)
"""A card a layer: a pipeline that is priced whole."""
