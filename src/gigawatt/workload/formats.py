"""Number formats: what a stored number can be, how many bits it takes, and the reference of rounding to it.

A format is an :class:`Element` (a small float or a signed integer) and scales: one for a tensor, a row or a
group, or, of the microscaled formats, one for a block. This module is the slow, exact reference (numpy,
tables of codes); ``gigawatt.emulation.formats`` does the same in torch.

References
----------
Open Compute Project 2023, "OCP Microscaling Formats (MX) Specification", version 1.0; Micikevicius et al.
2022, "FP8 formats for deep learning", arXiv:2209.05433; NVIDIA 2025, "Pretraining large language models with
NVFP4", arXiv:2509.25149, appendix B (scales of NVFP4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.workload.operation import Array

__all__ = [
    "FORMATS",
    "GROUPS",
    "Element",
    "Encoded",
    "Format",
    "code_values",
    "decode",
    "encode",
    "format_of",
    "group_size",
    "quantise",
    "stored_bits",
]

Codes = NDArray[np.uint8]

GROUPS = ("tensor", "channel", "token", "g32", "g64", "g128", "block")
"""What shares a scale; ``block`` is the format's own: its block, or a row where it has none."""

_SCALE_BITS_WIDE, _SCALE_BITS_GROUP = 32, 16  # scales of tensors and rows are fp32, those of groups fp16
_E8M0_LOW, _E8M0_HIGH = -127, 127  # exponents that an E8M0 scale can hold


@dataclass(frozen=True, slots=True)
class Element:
    """One number without its scale.

    ``exponent`` and ``mantissa`` bits beside the sign; an integer has no exponent. ``largest`` is the largest
    magnitude, ``highest`` the exponent of its power of two (emax).
    """

    name: str
    exponent: int
    mantissa: int
    largest: float

    @property
    def bits(self) -> int:
        """Sign, exponent and mantissa."""
        return 1 + self.exponent + self.mantissa

    @property
    def bias(self) -> int:
        """Of the exponent."""
        return (1 << (self.exponent - 1)) - 1 if self.exponent else 0

    @property
    def lowest(self) -> int:
        """Exponent of the smallest normal number."""
        return 1 - self.bias

    @property
    def highest(self) -> int:
        """Exponent of the largest number: floor(log2(largest))."""
        return int(np.frexp(self.largest)[1]) - 1


@dataclass(frozen=True, slots=True)
class Format:
    """A stored format: its element, and for microscaled ones the ``block`` and the ``scale`` that it shares.

    ``scale`` is ``e8m0`` (a power of two) or ``e4m3`` (an FP8 number under an fp32 scale of the tensor),
    empty where scales are chosen by a group. ``plain``: stored as it is, without a scale (fp32, bf16, fp16).
    """

    name: str
    element: Element
    block: int = 0
    scale: str = ""
    plain: bool = False


def _integer(bits: int) -> Element:
    return Element(f"int{bits}", 0, bits - 1, float((1 << (bits - 1)) - 1))


_E4M3 = Element("e4m3", 4, 3, 448.0)
_E5M2 = Element("e5m2", 5, 2, 57344.0)
_E3M2 = Element("e3m2", 3, 2, 28.0)
_E2M3 = Element("e2m3", 2, 3, 7.5)
_E2M1 = Element("e2m1", 2, 1, 6.0)

FORMATS: Mapping[str, Format] = {
    "fp32": Format("fp32", Element("fp32", 8, 23, float(np.finfo(np.float32).max)), plain=True),
    "bf16": Format("bf16", Element("bf16", 8, 7, float(2.0**127 * (2.0 - 2.0**-7))), plain=True),
    "fp16": Format("fp16", Element("fp16", 5, 10, 65504.0), plain=True),
    **{f"int{bits}": Format(f"int{bits}", _integer(bits)) for bits in range(8, 1, -1)},
    "fp8_e4m3": Format("fp8_e4m3", _E4M3),
    "fp8_e5m2": Format("fp8_e5m2", _E5M2),
    "mxfp8": Format("mxfp8", _E4M3, 32, "e8m0"),
    "mxfp6_e3m2": Format("mxfp6_e3m2", _E3M2, 32, "e8m0"),
    "mxfp6_e2m3": Format("mxfp6_e2m3", _E2M3, 32, "e8m0"),
    "mxfp4": Format("mxfp4", _E2M1, 32, "e8m0"),
    "nvfp4": Format("nvfp4", _E2M1, 16, "e4m3"),
}
"""Every format by name; ``mxfp8`` has E4M3 elements."""


def format_of(name: str) -> Format:
    """The format of that name.

    Raises
    ------
    InputError
        No such format.
    """
    check_word("format", name, FORMATS, "this number format is not known")
    return FORMATS[name]


def group_size(form: str, group: str = "block") -> int:
    """Elements of a row that share a scale; 0 where a whole row, column or tensor does.

    Raises
    ------
    InputError
        An unknown group, or a group that is not the block of a microscaled format.
    """
    found = format_of(form)
    check_word("group", group, GROUPS, "no such group")
    if found.block:
        if group not in ("block", f"g{found.block}"):
            raise InputError(
                f"{form} has blocks of {found.block} of its own", key="group", given=group, allowed="block"
            )
        return found.block
    return int(group[1:]) if group.startswith("g") else 0


def stored_bits(form: str, group: str = "block", *, width: ArrayLike, rows: ArrayLike = 1.0) -> Array:
    """Bits that one number takes, its part of the scales included.

    Scales of a tensor, row or column are 32 bits, those of a group 16, of an MX block 8, of an NVFP4 block 8
    beside 32 of the tensor.

    Parameters
    ----------
    form, group : str
        Of :data:`FORMATS` and :data:`GROUPS`.
    width, rows : array [1]
        Numbers of a row, finite, and rows, each ≥ 1.

    Raises
    ------
    InputError
        As :func:`group_size`.
    """
    found, size = format_of(form), group_size(form, group)
    width, rows = np.asarray(width, dtype=float), np.asarray(rows, dtype=float)
    bits = float(found.element.bits)
    if found.plain:
        return np.asarray(bits)
    if found.block:
        tensor = _SCALE_BITS_WIDE / (width * rows) if found.scale == "e4m3" else 0.0
        return bits + np.ceil(width / size) / width * 8.0 + tensor
    if size:
        return bits + np.ceil(width / size) / width * _SCALE_BITS_GROUP
    return bits + _SCALE_BITS_WIDE / (width * rows if group == "tensor" else width)


def code_values(element: Element) -> Array:
    """Magnitudes of the codes 0, 1, 2, … of an element without its sign bit, ascending, finite ones alone.

    Raises
    ------
    InputError
        An element of more than 8 bits.
    """
    if element.bits > 8:
        raise InputError(
            "too many codes for a table", key="element", given=element.name, allowed="8 bits or fewer"
        )
    codes = np.arange(1 << (element.bits - 1))
    if not element.exponent:
        return codes.astype(float)
    power, fraction = codes >> element.mantissa, codes & ((1 << element.mantissa) - 1)
    part = fraction / float(1 << element.mantissa)
    values = np.where(
        power == 0, np.ldexp(part, element.lowest), np.ldexp(1.0 + part, np.maximum(power, 1) - element.bias)
    )
    return values[values <= element.largest]


def _to_codes(values: Array, element: Element) -> Codes:
    """Nearest codes, ties to the even one, saturating; the sign in the highest bit."""
    table = code_values(element)
    size = np.minimum(np.abs(values), element.largest)
    above = np.clip(np.searchsorted(table, size), 1, len(table) - 1)
    below = above - 1
    up, down = table[above] - size, size - table[below]
    code = np.where((up < down) | ((up == down) & (above % 2 == 0)), above, below)
    sign = np.signbit(values).astype(np.uint8) << (element.bits - 1)
    return (code.astype(np.uint8) | sign).astype(np.uint8)


def _from_codes(codes: Codes, element: Element) -> Array:
    table = code_values(element)
    size = codes & ((1 << (element.bits - 1)) - 1)
    return np.where(codes >> (element.bits - 1), -1.0, 1.0) * table[size]


@dataclass(frozen=True)
class Encoded:
    """Numbers in a microscaled format.

    Attributes
    ----------
    form : str
        ``mxfp8`` … ``nvfp4``.
    codes : array (…, n) of uint8
        One element each, the sign in its highest bit.
    scales : array (…, ceil(n / block)) of uint8
        E8M0 (exponent + 127), or E4M3 codes.
    tensor_scale : float
        The fp32 scale of the tensor; 1 without one.
    """

    form: str
    codes: Codes
    scales: Codes
    tensor_scale: float = 1.0


def _blocks(values: Array, block: int) -> Array:
    short = -values.shape[-1] % block
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, short)])
    return padded.reshape(*values.shape[:-1], -1, block)


def encode(values: ArrayLike, form: str) -> Encoded:
    """Numbers as codes of a microscaled format, blocks along the last axis.

    MX: the scale is 2^(floor(log2(largest of the block)) − emax of the element), held to what E8M0 can be;
    elements are rounded to nearest, ties to even, and saturate. NVFP4: the tensor's scale brings its largest
    to 448 · 6, a block's scale is its largest / 6 in E4M3 under it, elements as above.

    Parameters
    ----------
    values : array (…, n)
        Finite; a last block that is not full is filled with zeros.
    form : str
        A microscaled format.

    Raises
    ------
    InputError
        Another format; numbers that are not finite.

    References
    ----------
    OCP MX 1.0, sections 5.3 and 6.3; NVIDIA 2025, arXiv:2509.25149, appendix B.
    """
    found = format_of(form)
    if not found.block:
        raise InputError(
            "not a microscaled format",
            key="format",
            given=form,
            allowed=[name for name, one in FORMATS.items() if one.block],
        )
    numbers = np.atleast_1d(np.asarray(values, dtype=float))
    if not np.all(np.isfinite(numbers)):
        raise InputError("numbers that are not finite have no code", key="values", allowed="finite numbers")
    blocks = _blocks(numbers, found.block)
    largest = np.abs(blocks).max(axis=-1)
    element, tensor = found.element, 1.0
    if found.scale == "e8m0":
        floor = np.frexp(largest)[1] - 1
        exponent = np.clip(np.where(largest > 0.0, floor - element.highest, _E8M0_LOW), _E8M0_LOW, _E8M0_HIGH)
        scales = (exponent - _E8M0_LOW).astype(np.uint8)
        size = np.ldexp(1.0, exponent)
    else:
        whole = float(largest.max(initial=0.0))
        tensor = float(np.float32(whole / (_E4M3.largest * element.largest))) or 1.0  # 0: below fp32
        scales = _to_codes(largest / element.largest / tensor, _E4M3)
        size = _from_codes(scales, _E4M3) * tensor
    scaled = np.divide(blocks, size[..., None], out=np.zeros_like(blocks), where=size[..., None] > 0.0)
    codes = _to_codes(scaled, element).reshape(*numbers.shape[:-1], -1)[..., : numbers.shape[-1]]
    return Encoded(form, codes, scales, tensor)


def decode(encoded: Encoded) -> Array:
    """The numbers that :func:`encode`'s codes stand for, (…, n)."""
    found = format_of(encoded.form)
    values = _from_codes(encoded.codes, found.element)
    if found.scale == "e8m0":
        size = np.ldexp(1.0, encoded.scales.astype(int) + _E8M0_LOW)
    else:
        size = _from_codes(encoded.scales, _E4M3) * encoded.tensor_scale
    wide = np.repeat(size, found.block, axis=-1)[..., : values.shape[-1]]
    return values * wide


def quantise(values: ArrayLike, form: str, group: str = "block") -> Array:
    """Finite numbers rounded to a format and back, in double precision.

    Integers and FP8 have the scale largest / largest magnitude of the element over what ``group`` says: the
    tensor, a row (``channel`` and ``token``: the last axis) or groups of a row, whose scales are fp16.

    Raises
    ------
    InputError
        As :func:`encode` and :func:`group_size`.
    """
    found, size = format_of(form), group_size(form, group)
    numbers = np.atleast_1d(np.asarray(values, dtype=float))
    if found.block:
        return decode(encode(numbers, form))
    if not np.all(np.isfinite(numbers)):
        raise InputError("numbers that are not finite have no code", key="values", allowed="finite numbers")
    if found.plain:
        return _plain(numbers, found.element)
    shaped = _blocks(numbers, size) if size else numbers
    axis = None if group == "tensor" else -1
    scale = np.abs(shaped).max(axis=axis, keepdims=True, initial=0.0) / found.element.largest
    scale = np.minimum(scale, FORMATS["fp16"].element.largest).astype(np.float16) if size else scale
    scale = scale.astype(np.float32).astype(float)
    codes = np.divide(shaped, scale, out=np.zeros_like(shaped), where=scale > 0.0)
    rounded = _from_codes(_to_codes(codes, found.element), found.element) * scale
    return rounded.reshape(*numbers.shape[:-1], -1)[..., : numbers.shape[-1]]


def _plain(values: Array, element: Element) -> Array:
    """Nearest number of an unscaled float, ties to even, saturating."""
    exponent = np.maximum(np.frexp(values)[1] - 1, element.lowest)
    step = np.ldexp(1.0, exponent - element.mantissa)
    return np.clip(np.round(values / step) * step, -element.largest, element.largest)
