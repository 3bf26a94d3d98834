"""Digital tensor machines: GPUs, TPUs and their kin.

One launch takes ``max(arithmetic, memory) + launch``. Both times come from a physical form (tiles, waves,
bytes: ``forms.py``), lengthened where they overlap imperfectly, and are corrected by a fitted surface of the
operation's sizes (``surfaces.py``). Shares of the datasheet rates and surfaces are rows of the catalog,
fitted to measured kernels for the chips that somebody measured, and the median of those fits for all others.
Arithmetic is never quicker than the datasheet's peak; bytes beyond what the chip holds in its own memory
never pass more quickly than the datasheet's bandwidth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.errors import InputError
from gigawatt.technology.digital.forms import (
    Family,
    attention_time,
    coordinates,
    family,
    gemm_time,
    memory_time,
    overlap_loss,
)
from gigawatt.technology.digital.surfaces import DEFAULT, surface, surface_row
from gigawatt.technology.digital.systolic import (
    array_kernels,
    attention_seconds,
    element_seconds,
    product_seconds,
    tiled_bytes,
    unhidden_bytes,
)
from gigawatt.technology.interface import Cost, Efficiency
from gigawatt.workload.operations import Array, Operation

if TYPE_CHECKING:
    from gigawatt.machine.machine import Chip
    from gigawatt.technology.digital.systolic import Arrays

__all__ = [
    "BITS",
    "FITTED_FORMATS",
    "Gpu",
    "Kernels",
    "best_shape",
    "fitted_as",
    "kernels",
    "multiplied_as",
    "narrow_or_wide",
    "on_chip_bytes",
    "physical",
]

BITS: Mapping[str, int] = {
    "fp32": 32,
    "tf32": 32,
    "bf16": 16,
    "fp16": 16,
    "fp8": 8,
    "fp8_block": 8,
    "int8": 8,
    "fp4": 4,
}
"""Bits of one stored element of each number format (exact)."""

FITTED_FORMATS = ("bf16", "fp8", "fp4")
"""Formats that have shares in the ``kernels`` table."""

BLOCK = "fp8_block"
"""FP8 with a scale for every block: multiplied at the rate of FP8 by kernels that have fits of their own."""

_MOST = 0.9
"""Share of the time of attention that exponentials can take at most."""

_LARGE = np.array([4096.0, 8192.0, 16384.0])
"""Edges of the matrices among which the best shape is looked for [elements]."""

_FITTED_AS = {"fp32": "bf16", "tf32": "bf16", "fp16": "bf16", "int8": "fp8"}


def fitted_as(form: str) -> str:
    """The format whose fit stands for ``form``."""
    return _FITTED_AS.get(form, form)


def multiplied_as(form: str) -> str:
    """The format whose datasheet rate and energy ``form`` has."""
    return "fp8" if form == BLOCK else form


def narrow_or_wide(form: str) -> str:
    """``fp8`` for formats of a byte or less, else ``bf16``: the format whose share on arrays ``form`` has."""
    return "fp8" if BITS[form] <= 8 else "bf16"


@dataclass(frozen=True, slots=True)
class Kernels:
    """What fitted kernels reach on a chip, read from the catalog's ``kernels`` table.

    ``share`` of the datasheet peak by family and fitted format (that of grouped multiplications, where only
    plain ones were measured, as their ratio on the measured chips), ``launch`` by family and of ``memory``
    operations [s]; the rest are the constants of the physical forms.
    """

    share: Mapping[tuple[str, str], float]
    launch: Mapping[str, float]
    memory: float
    attention_backward: float
    attention_tile: float
    depth_offset: float
    tile_offset: float
    wave_share: float
    overlap_power: float
    on_chip_traffic: float


@lru_cache(maxsize=1)
def tiles() -> tuple[tuple[float, float], ...]:
    """Tile shapes that a multiplication may use."""
    return tuple((row.value("m"), row.value("n")) for row in table("kernels_tiles").values())


@lru_cache(maxsize=128)
def kernels(fit: str = DEFAULT) -> Kernels:
    """The kernel fit named ``fit``; a number that it lacks is taken from ``default``."""
    default = entity("kernels", DEFAULT)
    own: Entity = entity("kernels", fit) if fit else default

    def read(quantity: str) -> float:
        value = own.get(quantity)
        return default.value(quantity) if value is None else value

    share = {
        (of, form): read(f"{name}_share_{form}")
        for of, name in (("gemm", "gemm"), ("grouped_gemm", "grouped"), ("attention", "attention"))
        for form in FITTED_FORMATS
        if not (of == "attention" and form == "fp4")
    }
    for form in FITTED_FORMATS:
        if own.get(f"gemm_share_{form}") is not None and own.get(f"grouped_share_{form}") is None:
            known = share["gemm", form] / default.value(f"gemm_share_{form}")
            share["grouped_gemm", form] *= known
    share |= {("attention", "fp4"): share["attention", "fp8"]}
    share |= {("decode", form): share["attention", form] for form in FITTED_FORMATS}
    blocks = {of: surface_row(fit, of, BLOCK) for of in ("gemm", "grouped_gemm")}
    fixed: dict[str, float] = {}
    for of, row in blocks.items():
        own_share = None if row is None else row.get("share")
        own_fixed = None if row is None else row.get("fixed")
        share[of, BLOCK] = share[of, "fp8"] if own_share is None else own_share
        if own_fixed is not None:
            fixed[of + BLOCK] = own_fixed
    timed = own.get("gemm_block_launch")  # of chips whose kernels of block scales are known, and no surface
    if timed is not None:
        fixed["gemm" + BLOCK] = timed
    return Kernels(
        share=share,
        launch={
            **fixed,
            "memory": read("launch"),
            "gemm": read("launch"),
            "grouped_gemm": read("grouped_launch"),
            "attention": read("attention_launch"),
            "decode": read("decode_launch"),
        },
        memory=read("memory_share"),
        attention_backward=read("attention_backward"),
        attention_tile=read("attention_tile"),
        depth_offset=read("gemm_depth_offset"),
        tile_offset=read("gemm_tile_offset"),
        wave_share=read("gemm_wave_share"),
        overlap_power=read("overlap_power"),
        on_chip_traffic=read("on_chip_traffic"),
    )


@lru_cache(maxsize=64)
def best_shape(name: str, form: str, units: float) -> float:
    """How much of a share the quickest shape reaches by a surface that was measured on other chips.

    A share of the catalog without a surface of its own is that of the best measured shape, so the
    borrowed surface is scaled to reach it there and nowhere more. 1 for fits with a surface of their own.

    Parameters
    ----------
    name, form : str
        Id of the ``kernels`` table; fitted format.
    units : float
        Processors of the chip, > 0.
    """
    row, found = table("kernels").get(name), surface(name, "gemm", form)
    borrowed = surface_row(name, "gemm", form)
    if row is None or row.get(f"gemm_share_{form}") is None or found is None or borrowed is None:
        return 1.0
    if borrowed.text("chip") == name:
        return 1.0
    m, n, k = (size.ravel() for size in np.meshgrid(_LARGE, _LARGE, _LARGE))
    fit = kernels(name)
    time = gemm_time(
        m=m, n=n, k=k, batch=1.0, units=units, rate=1.0, depth_offset=fit.depth_offset,
        tile_offset=fit.tile_offset, wave_share=fit.wave_share, tiles=tiles(),
    )  # fmt: skip
    return float(np.median(2.0 * m * n * k / (time * found.at(m, n, k))))


def physical(
    of: Family,
    fit: Kernels,
    *,
    m: Array,
    n: Array,
    k: Array,
    batch: Array,
    flops: Array,
    moved: Array,
    units: float,
    rate: float,
    bandwidth: float,
    groups: Array | None = None,
) -> tuple[Array, Array]:
    """(arithmetic, memory) times of the physical form, lengthened by what does not overlap [s].

    Parameters
    ----------
    of : str
        Family of kernels.
    fit : Kernels
        Whose constants of the forms are taken.
    m, n, k, batch, flops, moved : array
        Sizes, FLOPs and bytes of one launch.
    units, rate, bandwidth : float [1, FLOP/s, B/s]
        Processors, reached rate of large operations, reached bandwidth.
    groups : array, optional
        Sequences × key-value heads of attention; ``batch`` if left out, which matters only where few query
        tokens leave room in a tile.
    """
    if of == "decode":
        arithmetic = flops / rate
    elif of == "attention":
        arithmetic = attention_time(
            flops=flops,
            m=m,
            batch=batch,
            groups=batch if groups is None else groups,
            units=units,
            rate=rate,
            tile=fit.attention_tile,
            wave_share=fit.wave_share,
        )
    else:
        arithmetic = gemm_time(
            m=m,
            n=n,
            k=k,
            batch=batch,
            units=units,
            rate=rate,
            depth_offset=fit.depth_offset,
            tile_offset=fit.tile_offset,
            wave_share=fit.wave_share,
            tiles=tiles(),
        )
    memory = memory_time(bytes_moved=moved, rate=bandwidth)
    loss = overlap_loss(arithmetic=arithmetic, memory=memory, power=fit.overlap_power)
    return arithmetic * loss, memory * loss


def on_chip_bytes(*, flops: Array, traffic: float, bits: int) -> Array:
    """Operand bytes that the tiles of a multiplication take from on-chip memory [B].

    ``traffic`` [B/FLOP] is that of a 16-bit format; it scales with ``bits``. What passes from device memory
    is not counted again: its effective energy is that of the whole path.
    """
    return flops * (traffic * bits / BITS["bf16"])


def with_own_exponentials(arithmetic: Array, operation: Operation, chip: Chip) -> Array:
    """Seconds of attention on a chip whose kernels were measured on another with other special functions.

    A fused kernel multiplies, takes exponentials of the scores and multiplies again. On the measured chip
    exponentials are x / E of the time; what is left follows the peak rate, they follow the chip's own E:
    t' = t − x/E·(P/P') + x/E', with t already scaled by the peaks P, P'. Exponentials are at most
    :data:`_MOST` of the measured time. Nothing changes where either E is unknown.

    Parameters
    ----------
    arithmetic : array [s]
        By the kernels of ``chip.kernels`` at the peak of this chip.
    operation : Operation
        Of attention.
    chip : Chip
        On which it runs.

    References
    ----------
    Zadouri et al. 2026, "FlashAttention-4" (exponentials beside multiplications on Blackwell).
    """
    kin = table("chips").get(chip.kernels)
    if kin is None or kin.id == chip.id or chip.exponentials is None:
        return arithmetic
    rate, form = kin.get("exponentials"), multiplied_as(operation.number_format)
    peak = kin.get(f"peak_{form}")
    if rate is None or peak is None:
        return arithmetic
    scale = peak / chip.peak[form]
    special = np.minimum(operation.exponentials / rate, _MOST * arithmetic / scale)
    return arithmetic - special * scale + special * (rate / chip.exponentials)


class Gpu:
    """A digital tensor machine behind the ``Technology`` seam of ``interface.py``."""

    name = "gpu"

    def lacks(self, operation: Operation, chip: Chip) -> str | None:
        """Names the number format that the chip cannot multiply in, or ``None``."""
        if operation.kind == "memory" or multiplied_as(operation.number_format) in chip.peak:
            return None
        return f"{chip.id} has no {operation.number_format} rate (it has {', '.join(chip.peak)})"

    def cost(self, operation: Operation, chip: Chip, efficiency: Efficiency) -> Cost:
        """Time and energy by component of one launch.

        ``launch`` is the larger of the stack's exposed launch time and the kernel's own fixed time.

        Raises
        ------
        InputError
            The chip lacks the number format, or the format is unknown.
        """
        if chip.arrays is not None:
            return self._on_arrays(operation, chip, chip.arrays, efficiency)
        fit, op = kernels(chip.kernels), operation
        moved = op.bytes_read + op.bytes_written
        bandwidth = chip.memory_bandwidth * min(fit.memory * efficiency.memory, 1.0)
        if op.kind == "memory":
            of = "memory"
            memory = memory_time(bytes_moved=moved, rate=bandwidth)
            arithmetic: Array = np.zeros_like(memory)
        else:
            of = family(op.kind, op.m, op.n)
            arithmetic, memory = self._multiply(of, op, chip, efficiency, moved, bandwidth)
        own = fit.launch.get(of + op.number_format, fit.launch[of])
        launch = np.asarray(max(efficiency.launch, own))
        return Cost(
            arithmetic=arithmetic,
            memory=memory,
            launch=launch,
            time=np.maximum(arithmetic, memory) + launch,
            energy=self.energy(op, chip, moved, efficiency.voltage),
        )

    def _on_arrays(self, op: Operation, chip: Chip, arrays: Arrays, efficiency: Efficiency) -> Cost:
        """As :meth:`cost` of a chip that multiplies on systolic arrays (``systolic.py``)."""
        fit = array_kernels(chip.kernels)
        moved = op.bytes_read + op.bytes_written
        bandwidth = chip.memory_bandwidth * min(fit.memory * efficiency.memory, 1.0)
        memory, waited = moved / bandwidth, np.zeros_like(moved)
        if op.kind == "memory":
            arithmetic = element_seconds(
                moved=moved, width=BITS["bf16"] / 8.0, operations=fit.element_operations, vector=arrays.vector
            )
        else:
            self._check(op, chip)
            share = efficiency.attention if op.kind == "attention" else efficiency.arithmetic
            rate = chip.peak[multiplied_as(op.number_format)] * min(
                fit.share[narrow_or_wide(op.number_format)] * share, 1.0
            )
            if op.kind == "attention":
                arithmetic = attention_seconds(
                    flops=op.flops, pairs=op.exponentials, m=op.m, n=op.n, k=op.k, batch=op.batch,
                    arrays=arrays, fit=fit, rate=rate,
                )  # fmt: skip
            else:
                rows = op.m + fit.grouped_tile if op.kind == "grouped_gemm" else op.m
                arithmetic = product_seconds(
                    m=rows, n=op.n, k=op.k, batch=op.batch, edge=arrays.edge, clock=arrays.clock, rate=rate
                )
                width = BITS[op.number_format] / 8.0
                tiled = tiled_bytes(m=op.m, n=op.n, k=op.k, batch=op.batch, width=width, memory=arrays.memory)
                memory = np.maximum(moved, tiled + op.bytes_written) / bandwidth
                waited = unhidden_bytes(moved, arrays.memory) / bandwidth
        launch = max(efficiency.launch, fit.launch) + waited
        return Cost(
            arithmetic=arithmetic,
            memory=memory,
            launch=launch,
            time=np.maximum(arithmetic, memory) + launch,
            energy=self.energy(op, chip, moved),
        )

    def _check(self, op: Operation, chip: Chip) -> None:
        lacking = self.lacks(op, chip)
        if lacking is not None:
            raise InputError(lacking, key=op.name, given=op.number_format, allowed=list(chip.peak))

    def _multiply(
        self,
        of: Family,
        op: Operation,
        chip: Chip,
        efficiency: Efficiency,
        moved: Array,
        bandwidth: float,
    ) -> tuple[Array, Array]:
        self._check(op, chip)
        fit, form = kernels(chip.kernels), fitted_as(op.number_format)
        peak = chip.peak[multiplied_as(op.number_format)]
        share = fit.share[of, form]
        if op.kind == "attention":
            share *= efficiency.attention * (fit.attention_backward if op.phase == "backward" else 1.0)
        else:
            share *= efficiency.arithmetic
        if of == "gemm":
            share /= best_shape(chip.kernels, form, chip.units)
        sizes = {"m": op.m, "n": op.n, "k": op.k, "batch": op.batch, "flops": op.flops, "moved": moved}
        rate = peak * min(share, 1.0)
        arithmetic, memory = physical(of, fit, **sizes, units=chip.units, rate=rate, bandwidth=bandwidth)
        found = surface(chip.kernels, of, form)
        if found is not None:
            factor = found.at(*coordinates(of, **sizes, tile=fit.attention_tile))
            arithmetic, memory = arithmetic * factor, memory * factor
        if of == "attention":
            arithmetic = with_own_exponentials(arithmetic, op, chip)
        held = np.maximum(moved - chip.sram_bytes, 0.0)
        return np.maximum(arithmetic, op.flops / peak), np.maximum(memory, held / chip.memory_bandwidth)

    def energy(
        self, operation: Operation, chip: Chip, moved: Array, voltage: float = 1.0
    ) -> dict[str, Array]:
        """Energy of one launch by component above the chip's idle power [J], at a relative core voltage."""
        if operation.kind == "memory":
            arithmetic: Array = np.zeros_like(moved)
            on_chip = arithmetic
        else:
            core = operation.flops * voltage**2
            arithmetic = core * chip.energy_flop[multiplied_as(operation.number_format)]
            on_chip = on_chip_bytes(
                flops=core,
                traffic=kernels(chip.kernels).on_chip_traffic,
                bits=BITS[operation.number_format],
            )
        return {
            "arithmetic": arithmetic,
            "dram": moved * chip.energy_byte["dram"],
            "sram": on_chip * chip.energy_byte["sram"],
        }
