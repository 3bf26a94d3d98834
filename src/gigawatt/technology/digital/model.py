"""Digital tensor machines behind the protocol of technologies: themselves, and the host of every other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gigawatt.machine.machine import Chip
from gigawatt.technology.digital import formats
from gigawatt.technology.digital.gpu import Gpu
from gigawatt.technology.interface import Efficiency, ModelDefaults, Product
from gigawatt.technology.substrate import Statistics, Substrate
from gigawatt.technology.work import Work
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.operation import FORMAT_BYTES, ZERO
from gigawatt.workload.operations import Operation

__all__ = ["BASE", "Digital", "host_product"]

BASE = Substrate("bf16", "bf16", "digital", {"weights": "bf16", "activations": "bf16", "cache": "bf16"})
"""A digital machine in 16 bits throughout: what a host does."""

_GPU = Gpu()
_BYTE = 8.0


def host_product(work: Work, substrate: Substrate, chip: Chip, statistics: Statistics) -> Product:
    """One launch on a digital chip, its energy by component and its time by what binds it."""
    op, byte = work.operation, chip.energy_byte["dram"]
    notes: tuple[str, ...] = ()
    if work.linear:
        wide = op.name.startswith(("head", "router"))
        linear = formats.linear(
            op,
            substrate=BASE if wide else substrate,
            chip=chip,
            weights=work.weights,
            inputs=work.inputs,
            statistics={} if wide else statistics,
        )
        cost, joules = linear.cost, linear.cost.energy
        weights = linear.weight_bytes * byte
        energy = {
            "arithmetic": joules["arithmetic"] + joules["dequantise"] + joules["rotate"],
            "sram": joules["sram"],
            "weights": weights,
            "memory": joules["dram"] - weights,
        }
        notes, bound = (() if wide else linear.reasons), "weights"
    else:
        kept = ZERO
        if np.any(work.cache):
            bits = formats.cache_bits(substrate, statistics)
            kept = work.cache * bits / _BYTE
            op = replace(op, bytes_read=op.bytes_read - work.cache * FORMAT_BYTES["bf16"] + kept)
        cost = _GPU.cost(op, chip, Efficiency())
        energy = {
            "arithmetic": cost.energy["arithmetic"],
            "sram": cost.energy["sram"],
            "cache": kept * byte,
            "memory": cost.energy["dram"] - kept * byte,
        }
        bound = "cache" if op.kind == "attention" else "memory"
    busy = np.maximum(cost.arithmetic, cost.memory)
    if float(np.sum(cost.arithmetic)) > float(np.sum(cost.memory)):
        bound = "arithmetic"
    launch = np.asarray(cost.launch, dtype=float)
    bounds = {bound: float(np.sum(busy)), "launch": float(np.sum(launch))}
    return Product(energy, busy + launch, bounds, notes)


class Digital(ModelDefaults, Gpu):
    """A chip of the catalog in a number format."""

    def product(self, work: Work, substrate: Substrate, statistics: Statistics, *, chip: Chip) -> Product:
        """As :func:`host_product`."""
        return host_product(work, substrate, chip, statistics)

    def silicon(self, substrate: Substrate, operation: Operation, statistics: Statistics) -> float:
        """Nothing beside the chip."""
        del substrate, operation, statistics
        return 0.0

    def standing_power(self, substrate: Substrate, operation: Operation) -> float:
        """Nothing beside the chip's idle power."""
        del substrate, operation
        return 0.0

    def stays(self, substrate: Substrate) -> bool:
        """Weights come from memory for every use."""
        del substrate
        return False

    def stored(
        self, substrate: Substrate, architecture: Architecture, statistics: Statistics
    ) -> tuple[float, float]:
        """In the substrate's formats."""
        p = architecture.parameters
        bits = formats.stored_weight_bits(substrate, statistics, length=float(architecture.hidden))
        inner = float(p.attention + p.feed_forward + p.experts)
        kept = float(formats.cache_bits(substrate, statistics)) / (_BYTE * FORMAT_BYTES["bf16"])
        return inner * float(bits) / _BYTE, kept
