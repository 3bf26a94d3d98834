"""Stacks of memory beside a digital chip, with or without multipliers between their banks."""

from __future__ import annotations

from gigawatt.technology.interface import Technology
from gigawatt.technology.operations import ON_CHIP

__all__ = ["TECHNOLOGY"]

TECHNOLOGY = Technology(
    name="stacked_memory",
    title="stacked memory",
    names=("stacked-memory",),
    operations=ON_CHIP,
    cost="gigawatt.technology.stacked_memory.model:StackedMemory",
    parts={
        "arithmetic": "arithmetic",
        "dequantise": "arithmetic",
        "rotate": "arithmetic",
        "dram": "memory",
        "memory": "memory",
        "sram": "sram",
        "weights": "weights",
    },
    settings="gigawatt.technology.stacked_memory.products:SETTINGS",
    emulation="gigawatt.emulation.stacked_memory",
    native=True,
)
"""Other stacks in place of a chip's own."""
