"""Digital tensor machines: chips of the catalog, their kernels, number formats and zeros."""

from __future__ import annotations

from gigawatt.technology.interface import Technology
from gigawatt.technology.operations import ON_CHIP

__all__ = ["TECHNOLOGY"]

TECHNOLOGY = Technology(
    name="digital",
    title="digital tensor machine",
    names=("gpu",),
    operations=ON_CHIP,
    phases=("inference", "training"),
    cost="gigawatt.technology.digital.model:Digital",
    parts={
        "arithmetic": "arithmetic",
        "dequantise": "arithmetic",
        "rotate": "arithmetic",
        "sram": "sram",
        "weights": "weights",
        "cache": "cache",
        "memory": "memory",
    },
    settings="gigawatt.technology.digital.formats:SETTINGS",
    emulation="gigawatt.emulation.digital",
    alone=True,
    native=True,
)
"""GPUs, TPUs and their kin: the host of every other."""
