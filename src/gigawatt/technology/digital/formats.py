"""What a number format and sparsity save on a digital tensor machine, and where they save nothing.

A format has two effects. Stored in fewer bits, weights and keys take less memory and fewer bytes a step, on
every chip. Multiplied in fewer bits, they also take less time and energy of arithmetic, but only where the
chip multiplies the format that both operands fit in without loss (:func:`multiplied`); elsewhere the weights
are brought back to 16 bits on the way and only bytes are saved.

Sparsity likewise. A 2:4 pattern halves the multiplications where the chip has units for it. Unstructured
zeros save no multiplication, and bytes only where a bitmap pays for itself. Zeros of activations (TEAL) save
the rows of weights that they would have met: at batch 1; of a batch, only those that are zero in every token.

Times and energies are those of :class:`~gigawatt.technology.digital.gpu.Gpu`, with bytes, format
and rate changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.machine.load import load_chip
from gigawatt.machine.machine import Chip
from gigawatt.technology.digital.gpu import Gpu
from gigawatt.technology.interface import Cost, Efficiency
from gigawatt.technology.substrate import Bound, Statistics, Substrate
from gigawatt.workload.formats import FORMATS, GROUPS, format_of, stored_bits
from gigawatt.workload.operation import FORMAT_BYTES, ONE
from gigawatt.workload.operations import Array, Operation

__all__ = [
    "CHIP",
    "SETTINGS",
    "SPARSITY",
    "WIDE",
    "Linear",
    "area",
    "cache_bits",
    "cost",
    "format_bits",
    "kept_share",
    "linear",
    "multiplied",
    "number_formats",
    "read_share",
    "saving",
    "sparse_gain",
    "stored_weight_bits",
    "time",
]

CHIP = "nvidia-h100-sxm"
"""The chip that is meant where nobody names one."""

SPARSITY = ("none", "magnitude", "wanda", "2:4-magnitude", "2:4-wanda", "4:8-wanda", "teal")
"""What may be left out, and by what it is chosen."""
_UNSTRUCTURED = ("magnitude", "wanda")

SETTINGS: Mapping[str, Bound] = {
    "weights": ("", "format in which weights are stored", tuple(FORMATS)),
    "activations": ("", "format of the inputs of multiplications by weights", tuple(FORMATS)),
    "cache": ("", "format of keys and values", tuple(FORMATS)),
    "weight_group": ("", "what shares a scale among weights", GROUPS),
    "activation_group": ("", "what shares a scale among activations", GROUPS),
    "cache_group": ("", "what shares a scale among keys and values", GROUPS),
    "rotate": ("", "width of the Hadamard blocks that rotate activations (0: none)", 0.0, 65536.0),
    "smooth": ("", "exponent of SmoothQuant's shift of scales to weights (0: none)", 0.0, 1.0),
    "rounding": ("", "how weights are rounded", ("nearest", "gptq")),
    "sparsity": ("", "which zeros are made", SPARSITY),
    "keep": ("", "share of weights or activations that is kept", 1e-6, 1.0),
}

_LONG = 2.0**30  # a row without an end: its scale is nothing
_GPU = Gpu()
WIDE = "bf16"
"""What is multiplied where nobody asks for anything narrower, or a chip has nothing narrower."""


@lru_cache(maxsize=1)
def number_formats() -> Mapping[str, Entity]:
    """The rows of ``number_formats`` by id: what kind they are, the chip's format for them."""
    return table("number_formats")


def _format(name: str, key: str) -> Entity:
    found = number_formats()
    check_word(key, name, found, "no such number format")
    return found[name]


def format_bits(name: str, *, group: str = "channel", length: ArrayLike = np.inf) -> Array:
    """Bits of one stored number with its share of the scales.

    Parameters
    ----------
    name : str
        Of :data:`gigawatt.workload.formats.FORMATS`.
    group : str
        What shares a scale: ``tensor`` (none to speak of), ``channel`` or ``token`` (``length`` numbers, so
        too ``block`` of a format without blocks), ``g32``, ``g64``, ``g128``. Block formats have their own.
    length : array
        Numbers of a channel or token, > 0.

    Returns
    -------
    array
        Bits, ≥ those of the format.

    Raises
    ------
    InputError
        An unknown format or group.

    References
    ----------
    Open Compute Project 2023, "OCP Microscaling Formats (MX) Specification", section 5.
    """
    group = "block" if format_of(name).block and group in GROUPS else group
    width = np.minimum(np.asarray(length, dtype=float), _LONG)
    return stored_bits(name, group, width=width, rows=np.inf)


def _word(substrate: Substrate, key: str, default: str) -> str:
    return substrate.word(key) or default


def kept_share(substrate: Substrate, statistics: Statistics) -> float:
    """Share of the weights that is not zero: what the run counted, else what the substrate keeps."""
    pattern = _word(substrate, "sparsity", "none")
    if pattern in ("none", "teal"):
        return 1.0
    if ":" in pattern:
        kept, of = pattern.split("-")[0].split(":")
        return float(kept) / float(of)
    zeros = statistics.get("weight_zeros")
    return float(substrate.settings.get("keep", 1.0)) if zeros is None else 1.0 - zeros


def stored_weight_bits(
    substrate: Substrate, statistics: Statistics | None = None, *, length: ArrayLike = np.inf
) -> Array:
    """Bits of memory that one weight of the dense matrix takes, scales and mask counted.

    Unstructured zeros are left out only where a bitmap pays for itself: kept · bits + 1 < bits.

    Parameters
    ----------
    substrate : Substrate
        Of the technology ``digital``.
    statistics : mapping, optional
        ``weight_bits`` and ``weight_zeros`` as a run counted them take the place of what settings say.
    length : array
        Inputs of the matrix, which share a scale where the group is a channel.
    """
    counted = statistics or {}
    name = _word(substrate, "weights", WIDE)
    bits = counted.get("weight_bits")
    dense = (
        format_bits(name, group=_word(substrate, "weight_group", "channel"), length=length)
        if bits is None
        else np.asarray(float(bits))
    )
    kept = kept_share(substrate, counted)
    if kept >= 1.0:
        return dense
    mask = entity("technologies_digital", "sparsity").value("mask")
    return np.minimum(kept * dense + mask, dense)


def cache_bits(
    substrate: Substrate, statistics: Statistics | None = None, *, length: ArrayLike = 128
) -> Array:
    """Bits of one kept key or value with its share of the scales; of ``length`` numbers a head."""
    counted = (statistics or {}).get("cache_bits")
    if counted is not None:
        return np.asarray(float(counted))
    name, group = _word(substrate, "cache", WIDE), _word(substrate, "cache_group", "token")
    return format_bits(name, group=group, length=length)


def multiplied(substrate: Substrate, chip: Chip) -> tuple[str, str]:
    """(format in which the chip multiplies, why): the narrowest of its formats that holds both operands.

    Two integers of at most 8 bits are products of ``int8``, two floating formats of at most 8 bits of
    ``fp8``, two block formats of 4 bits of ``fp4``. Blocks smaller than 128 need units that apply their
    scales (chips with a rate for FP4 have them). Everything else is brought to ``bf16``.
    """
    pair = [_format(_word(substrate, key, WIDE), key) for key in ("weights", "activations")]
    names = " × ".join(one.id for one in pair)
    wide = max(format_of(one.id).element.bits for one in pair)
    if wide > 16.0:
        form = "tf32" if "tf32" in chip.peak else "fp32"
        return form, f"{names}: one operand has 32 bits"
    if wide > 8.0:
        form = "fp16" if all(one.text("multiplied") == "fp16" for one in pair) else WIDE
        stored = format_of(pair[0].id).element.bits <= 8
        return form, f"{names}: " + ("weights are brought to 16 bits" if stored else "16 bits")
    kinds = {one.text("kind") for one in pair}
    blocks = "block" in kinds
    if kinds == {"integer"}:
        form = "int8"
    elif "integer" in kinds:
        return WIDE, f"{names}: no chip multiplies integers by floating numbers"
    else:
        form = "fp4" if {one.text("multiplied") for one in pair} == {"fp4"} else "fp8"
    if blocks and "fp4" not in chip.peak:
        return WIDE, f"{names}: {chip.id} has no units for scales of small blocks"
    if form not in chip.peak:
        return WIDE, f"{names}: {chip.id} has no {form} rate"
    return form, f"{names}: multiplied in {form}"


def sparse_gain(substrate: Substrate, chip: Chip) -> tuple[float, str]:
    """(how much quicker the chip multiplies this pattern of weights, why); at most its datasheet's factor."""
    pattern = _word(substrate, "sparsity", "none")
    if pattern in ("none", "teal"):
        return 1.0, ""
    rows = table("technologies_sparse")
    if not pattern.startswith("2:4"):
        return 1.0, f"no chip skips the multiplications of {pattern.split('-')[0]} zeros; bytes alone"
    if chip.id not in rows:
        return 1.0, f"{chip.id} has no units for 2:4 patterns; bytes alone"
    row = rows[chip.id]
    return min(row.value("sparse_reached"), row.value("sparse_rate")), "2:4 units"


def read_share(substrate: Substrate, statistics: Statistics, tokens: ArrayLike) -> Array:
    """Share of the weights that must be read for ``tokens`` together, where zero inputs are skipped.

    1 − z^tokens with z the share of zeros, if they fall independently in every token (worst case).

    References
    ----------
    Liu et al. 2024, "Training-Free Activation Sparsity in Large Language Models" (TEAL), arXiv:2408.14690.
    """
    m = np.asarray(tokens, dtype=float)
    if _word(substrate, "sparsity", "none") != "teal":
        return np.ones_like(m)
    zeros = statistics.get("activation_zeros")
    z = 1.0 - float(substrate.settings.get("keep", 1.0)) if zeros is None else float(zeros)
    check_range("activation_zeros", z, 0.0, 1.0, message="not a share")
    return 1.0 - z**m


@dataclass(frozen=True)
class Linear:
    """One multiplication by weights on a chip: its :class:`Cost`, the weights' bytes, format and reasons."""

    cost: Cost
    weight_bytes: Array
    number_format: str
    reasons: tuple[str, ...]


def _vector(chip: Chip) -> str:
    """The format in which what is not a matrix multiplication is done."""
    for form in ("fp32", WIDE, "fp16"):
        if form in chip.energy_flop and form in chip.peak:
            return form
    raise InputError(
        "the chip has no rate of 16 or 32 bits, in which norms and rotations are done",
        key="chip", given=chip.id, allowed="a chip with peak_bf16, peak_fp16 or peak_fp32",
    )  # fmt: skip


def linear(
    operation: Operation,
    *,
    substrate: Substrate,
    chip: Chip,
    weights: Array,
    inputs: Array,
    statistics: Statistics | None = None,
) -> Linear:
    """Time and energy of one launch of a multiplication by weights.

    Parameters
    ----------
    operation : Operation
        Of kind ``gemm`` or ``grouped_gemm``; ``k`` numbers share a channel's scale.
    substrate : Substrate
        Of the technology ``digital``.
    chip : Chip
        That computes it.
    weights, inputs : array
        Elements of weights and of inputs that it reads.
    statistics : mapping, optional
        What a run of the model counted.

    Returns
    -------
    Linear
        Energy by component: ``arithmetic``, ``sram``, ``dram``, ``dequantise``, ``rotate`` [J].
    """
    counted = statistics or {}
    form, why = multiplied(substrate, chip)
    row = entity("technologies_digital", "dequantise")
    stored = stored_weight_bits(substrate, counted, length=operation.k)
    share = read_share(substrate, counted, operation.m)
    weight_bytes = weights * share * stored / 8.0
    narrow = format_of(_word(substrate, "weights", WIDE)).element.bits < 8.0 * FORMAT_BYTES[form]
    gain, gain_why = sparse_gain(substrate, chip)
    pattern = _word(substrate, "sparsity", "none")
    reached = row.value("share") if narrow else 1.0
    whole = replace(substrate, settings={**substrate.settings, "sparsity": "none"})
    dense = stored_weight_bits(whole, counted, length=operation.k)
    if pattern in _UNSTRUCTURED and bool(np.all(stored < dense)):
        reached *= entity("technologies_digital", "unstructured").value("share")
    changed = replace(
        operation,
        flops=operation.flops * share,
        bytes_read=weight_bytes + inputs * FORMAT_BYTES[form],
        number_format=form,
    )
    made = _GPU.cost(changed, chip, Efficiency(memory=reached))
    energy = dict(made.energy)
    arithmetic = made.arithmetic / gain
    if gain > 1.0:
        energy["arithmetic"] = energy["arithmetic"] * entity("technologies_digital", "sparsity").value(
            "energy"
        )
    energy["dequantise"] = weights * share * (row.value("energy") if narrow else 0.0)
    block = float(substrate.settings.get("rotate", 0.0))
    turned = inputs * (np.log2(block) if block > 1.0 else 0.0)
    vector = _vector(chip)
    energy["rotate"] = turned * chip.energy_flop[vector]
    arithmetic = arithmetic + turned / chip.peak[vector]
    finished = Cost(
        arithmetic=arithmetic,
        memory=made.memory,
        launch=made.launch,
        time=np.maximum(arithmetic, made.memory) + made.launch,
        energy=energy,
    )
    return Linear(finished, weight_bytes, form, tuple(filter(None, (why, gain_why))))


def _product(m: ArrayLike, n: ArrayLike, k: ArrayLike) -> tuple[Operation, Array, Array]:
    rows, outputs, depth = (np.asarray(x, dtype=float) for x in (m, n, k))
    for name, size in (("m", rows), ("n", outputs), ("k", depth)):
        check_range(name, size, 0.0, open_low=True, message="not a size")
    weights, inputs = outputs * depth, rows * depth
    flops = 2.0 * rows * weights
    read = (weights + inputs) * FORMAT_BYTES[WIDE]
    written = rows * outputs * FORMAT_BYTES[WIDE]
    made = Operation("linear", "gemm", "forward", rows, outputs, depth, ONE, flops, read, written, ONE, WIDE)
    return made, weights, inputs


def _one(
    substrate: Substrate, m: ArrayLike, n: ArrayLike, k: ArrayLike, statistics: Statistics, chip: str | Chip
) -> Linear:
    operation, weights, inputs = _product(m, n, k)
    machine = load_chip(chip) if isinstance(chip, str) else chip
    return linear(
        operation, substrate=substrate, chip=machine, weights=weights, inputs=inputs, statistics=statistics
    )


def cost(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics,
    chip: str | Chip = CHIP,
) -> dict[str, Array]:
    """Energy by component [J] of m tokens through a matrix of k inputs and n outputs, above idle power.

    Raises
    ------
    InputError
        A size that is not above 0; an unknown chip or format.
    """
    return dict(_one(substrate, m, n, k, statistics, chip).cost.energy)


def time(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics,
    chip: str | Chip = CHIP,
) -> Array:
    """Seconds of the same multiplication: the larger of arithmetic and memory, and its launch."""
    return _one(substrate, m, n, k, statistics, chip).cost.time


def area(substrate: Substrate, *, chip: str | Chip = CHIP) -> float:
    """Silicon of the chip that computes it [m²]."""
    machine = load_chip(chip) if isinstance(chip, str) else chip
    return machine.die_area


def saving(
    substrate: Substrate,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    statistics: Statistics | None = None,
    chip: str | Chip = CHIP,
) -> dict[str, Array]:
    """How many times less than in bf16 one matrix takes, by what is saved.

    ``capacity`` counts what is stored, ``bytes`` what is read, ``arithmetic`` seconds of multiplication,
    ``energy`` joules above idle power. 1: nothing saved; below 1: it costs more.
    """
    base = Substrate("bf16", "bf16", "digital", {"weights": WIDE, "activations": WIDE, "cache": WIDE})
    counted = statistics or {}
    mine, theirs = (_one(one, m, n, k, some, chip) for one, some in ((substrate, counted), (base, {})))
    joules = [sum(one.cost.energy.values(), np.zeros(())) for one in (mine, theirs)]
    bits = stored_weight_bits(substrate, counted, length=k)
    return {
        "capacity": 8.0 * FORMAT_BYTES[WIDE] / bits,
        "bytes": theirs.weight_bytes / mine.weight_bytes,
        "arithmetic": theirs.cost.arithmetic / mine.cost.arithmetic,
        "time": theirs.cost.time / mine.cost.time,
        "energy": joules[1] / joules[0],
    }
