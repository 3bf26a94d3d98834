"""Digital tensor machines: GPUs, TPUs and their kin, by a quantised roofline.

One launch takes ``max(arithmetic, memory) + launch``. Matrix multiplications fill whole tiles and whole
waves of tiles over the chip's units; attention and memory-bound operations have their own shares of the
datasheet rates. Every share is a row of the catalog's ``kernels`` table, fitted to measured kernels for the
chips somebody measured and the median of those fits for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.errors import InputError
from gigawatt.hardware.machine import Chip
from gigawatt.hardware.technology.interface import Cost, Efficiency
from gigawatt.workload.operations import Array, Operation

__all__ = [
    "BITS",
    "Gpu",
    "Kernels",
    "attention_time",
    "gemm_time",
    "kernels",
    "memory_time",
    "on_chip_bytes",
]

BITS: Mapping[str, int] = {"fp32": 32, "tf32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "fp4": 4}
"""Bits of one stored element of each number format (exact)."""

_FITTED_AS = {"fp32": "bf16", "tf32": "bf16", "fp16": "bf16", "int8": "fp8"}


@dataclass(frozen=True, slots=True)
class Matmul:
    """Fit of one number format: share of the datasheet peak and what shallow and small tiles lose."""

    share: float
    depth_offset: float
    tile_offset: float


@dataclass(frozen=True, slots=True)
class Kernels:
    """What fitted kernels reach on a chip, read from the catalog's ``kernels`` table.

    ``gemm`` and ``grouped`` by fitted format, ``attention`` shares by format; launches in seconds.
    """

    gemm: Mapping[str, Matmul]
    grouped: Mapping[str, float]
    attention: Mapping[str, float]
    attention_query_offset: float
    attention_width_offset: float
    attention_backward: float
    memory: float
    launch: float
    attention_launch: float
    grouped_launch: float
    on_chip_traffic: float


@lru_cache(maxsize=1)
def _tiles() -> tuple[tuple[float, float], ...]:
    return tuple((row.value("m"), row.value("n")) for row in table("kernels_tiles").values())


@lru_cache(maxsize=128)
def kernels(fit: str = "default") -> Kernels:
    """The kernel fit named ``fit``; a number that it lacks is taken from ``default``."""
    default = entity("kernels", "default")
    own: Entity = entity("kernels", fit) if fit else default

    def read(quantity: str) -> float:
        value = own.get(quantity)
        return default.value(quantity) if value is None else value

    formats = ("bf16", "fp8", "fp4")
    return Kernels(
        gemm={
            f: Matmul(read(f"gemm_share_{f}"), read(f"gemm_depth_offset_{f}"), read(f"gemm_tile_offset_{f}"))
            for f in formats
        },
        grouped={f: read(f"grouped_share_{f}") for f in formats},
        attention={f: read(f"attention_share_{f}") for f in ("bf16", "fp8")},
        attention_query_offset=read("attention_query_offset"),
        attention_width_offset=read("attention_width_offset"),
        attention_backward=read("attention_backward"),
        memory=read("memory_share"),
        launch=read("launch"),
        attention_launch=read("attention_launch"),
        grouped_launch=read("grouped_launch"),
        on_chip_traffic=read("on_chip_traffic"),
    )


def gemm_time(
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    batch: ArrayLike,
    units: float,
    rate: float,
    depth_offset: float,
    tile_offset: float,
    tiles: tuple[tuple[float, float], ...] | None = None,
) -> Array:
    """Arithmetic time of ``batch`` multiplications m × k by k × n, with tile and wave quantisation.

    Tiles of tm × tn are dealt to ``units`` in whole waves; each takes
    2·tm·tn·(k + k0)·(1 + c/tm + c/tn)·units/rate, and the quickest of the tile shapes is taken.

    Parameters
    ----------
    m, n, k, batch : array [elements, elements, elements, 1]
        Broadcastable sizes, each ≥ 0.
    units : float
        Processors that work on a tile each (streaming multiprocessors).
    rate : float [FLOP/s]
        Reached by a deep, large multiplication.
    depth_offset : float [elements]
        k0: prologue and epilogue of a tile as so many elements of depth.
    tile_offset : float [elements]
        c: operand traffic of a small tile as so many elements of its edge.
    tiles : tuple of (tm, tn), optional
        Candidates; the catalog's ``kernels_tiles`` if left out.

    Returns
    -------
    array [s]
        Of the broadcast shape; never below 2·m·n·k·batch/rate.

    References
    ----------
    NVIDIA, "Matrix Multiplication Background User's Guide" (tile and wave quantization).
    """
    best: Array | None = None
    for tm, tn in _tiles() if tiles is None else tiles:
        blocks = np.ceil(np.divide(m, tm)) * np.ceil(np.divide(n, tn)) * batch
        waves = np.ceil(blocks / units) * (tm * tn * (1.0 + tile_offset / tm + tile_offset / tn))
        best = waves if best is None else np.minimum(best, waves)
    assert best is not None
    return best * (np.add(k, depth_offset) * (2.0 * units / rate))


def attention_time(
    *, flops: ArrayLike, m: ArrayLike, k: ArrayLike, rate: float, query_offset: float, width_offset: float
) -> Array:
    """Arithmetic time of fused attention: flops/rate · (1 + m0/m) · (1 + d0/k).

    Parameters
    ----------
    flops : array [FLOP]
        What is computed (causal counted as such).
    m, k : array [elements]
        Query tokens and head width, > 0.
    rate : float [FLOP/s]
        Of long sequences and wide heads.
    query_offset, width_offset : float [elements]
        m0 and d0: what short sequences and narrow heads lose.

    Returns
    -------
    array [s]

    References
    ----------
    Shah et al. 2024, FlashAttention-3, arXiv:2407.08608, figures 5 and 6 (speed against sequence and width).
    """
    return (
        np.divide(flops, rate) * (1.0 + query_offset / np.asarray(m)) * (1.0 + width_offset / np.asarray(k))
    )


def memory_time(*, bytes_moved: ArrayLike, rate: float) -> Array:
    """Time to move ``bytes_moved`` [B] at ``rate`` [B/s] to or from device memory [s]."""
    return np.divide(bytes_moved, rate)


def on_chip_bytes(*, flops: Array, traffic: float, bits: int) -> Array:
    """Operand bytes that the tiles of a multiplication take from on-chip memory [B].

    ``traffic`` [B/FLOP] is that of a 16-bit format; it scales with ``bits``. What passes from device memory
    is not counted again: its effective energy is that of the whole path.
    """
    return flops * (traffic * bits / BITS["bf16"])


class Gpu:
    """A digital tensor machine behind the ``Technology`` seam of ``interface.py``."""

    name = "gpu"

    def lacks(self, operation: Operation, chip: Chip) -> str | None:
        """Names the number format that the chip cannot multiply in, or ``None``."""
        if operation.kind == "memory" or operation.number_format in chip.peak:
            return None
        return f"{chip.id} has no {operation.number_format} rate (it has {', '.join(chip.peak)})"

    def rate(self, operation: Operation, chip: Chip) -> float:
        """What a large multiplication of this kind and format reaches on the chip [FLOP/s]."""
        lacking = self.lacks(operation, chip)
        if lacking is not None:
            raise InputError(
                lacking, key=operation.name, given=operation.number_format, allowed=list(chip.peak)
            )
        fit, written = kernels(chip.kernels), operation.number_format
        form = _FITTED_AS.get(written, written)
        if operation.kind == "attention":
            share = fit.attention.get(form, fit.attention["fp8"])
            share *= fit.attention_backward if operation.phase == "backward" else 1.0
        elif operation.kind == "grouped_gemm":
            share = fit.grouped[form]
        else:
            share = fit.gemm[form].share
        return chip.peak[written] * share

    def cost(self, operation: Operation, chip: Chip, efficiency: Efficiency) -> Cost:
        """Time and energy by component of one launch.

        ``launch`` is the larger of the stack's exposed launch time and the kernel's own fixed time.

        Raises
        ------
        InputError
            The chip lacks the number format, or the format is unknown.
        """
        fit, op = kernels(chip.kernels), operation
        moved = op.bytes_read + op.bytes_written
        memory = memory_time(
            bytes_moved=moved, rate=chip.memory_bandwidth * min(fit.memory * efficiency.memory, 1.0)
        )
        fixed = fit.launch
        if op.kind == "memory":
            arithmetic: Array = np.zeros_like(memory)
        elif op.kind == "attention":
            fixed = fit.attention_launch
            arithmetic = attention_time(
                flops=op.flops,
                m=op.m,
                k=op.k,
                rate=min(self.rate(op, chip) * efficiency.attention, chip.peak[op.number_format]),
                query_offset=fit.attention_query_offset,
                width_offset=fit.attention_width_offset,
            )
        else:
            matmul = fit.gemm[_FITTED_AS.get(op.number_format, op.number_format)]
            fixed = fit.grouped_launch if op.kind == "grouped_gemm" else fixed
            arithmetic = gemm_time(
                m=op.m,
                n=op.n,
                k=op.k,
                batch=op.batch,
                units=chip.units,
                rate=min(self.rate(op, chip) * efficiency.arithmetic, chip.peak[op.number_format]),
                depth_offset=matmul.depth_offset,
                tile_offset=matmul.tile_offset,
            )
        launch = np.asarray(max(efficiency.launch, fixed))
        return Cost(
            arithmetic=arithmetic,
            memory=memory,
            launch=launch,
            time=np.maximum(arithmetic, memory) + launch,
            energy=self.energy(op, chip, moved),
        )

    def energy(self, operation: Operation, chip: Chip, moved: Array) -> dict[str, Array]:
        """Energy of one launch by component above the chip's idle power [J]."""
        if operation.kind == "memory":
            arithmetic: Array = np.zeros_like(moved)
            on_chip = arithmetic
        else:
            arithmetic = operation.flops * chip.energy_flop[operation.number_format]
            on_chip = on_chip_bytes(
                flops=operation.flops,
                traffic=kernels(chip.kernels).on_chip_traffic,
                bits=BITS[operation.number_format],
            )
        return {
            "arithmetic": arithmetic,
            "dram": moved * chip.energy_byte["dram"],
            "sram": on_chip * chip.energy_byte["sram"],
        }

    def area(self, chip: Chip) -> float:
        """Silicon area of the compute dies [m²]."""
        return chip.die_area

    def money(self, chip: Chip) -> float:
        """Price of one chip [$ of the catalog's currency year]."""
        return chip.price
