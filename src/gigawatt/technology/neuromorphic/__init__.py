"""Products by weights as spikes on event-driven cores."""

from __future__ import annotations

from gigawatt.technology.interface import Technology
from gigawatt.technology.operations import PRODUCTS, every

__all__ = ["TECHNOLOGY"]

TECHNOLOGY = Technology(
    name="neuromorphic",
    title="event-driven cores",
    operations=every(PRODUCTS, "product by weights that stay written"),
    cost="gigawatt.technology.neuromorphic.model:Neuromorphic",
    parts={
        "synapse": "arithmetic",
        "neuron": "arithmetic",
        "route": "arithmetic",
        "leakage": "arithmetic",
        "sram": "sram",
    },
    settings="gigawatt.technology.neuromorphic.cores:SETTINGS",
    emulation="gigawatt.emulation.neuromorphic",
)
"""Weights in memories of small cores."""
