"""Rounding tensors to number formats and back, in torch: what :mod:`gigawatt.workload.formats` defines.

Floats are rounded by their own exponent (a power of two is taken from the bits, so the division is exact) to
nearest, ties to even; every result can be stored in the format's codes.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gigawatt.core.errors import InputError
from gigawatt.workload.formats import Element, Format, format_of, group_size

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["hadamard", "quantise", "rotate", "round_element", "scales"]

_MASK = 0x7F800000  # exponent bits of an fp32
_E8M0_LOW, _E8M0_HIGH = -127, 127
_FP16 = format_of("fp16").element.largest
_E4M3 = format_of("fp8_e4m3").element


def round_element(x: Tensor, element: Element) -> Tensor:
    """The nearest numbers of an element, ties to even, saturating; ``x`` fp32 of any shape, finite.

    References
    ----------
    Open Compute Project 2023, MX 1.0, section 5.3; IEEE 754-2019, section 4.3.1.
    """
    import torch

    if not element.exponent:
        return x.round().clamp_(-element.largest, element.largest)
    power = (x.view(torch.int32) & _MASK).view(torch.float32)
    step = power.clamp_(min=math.ldexp(1.0, max(element.lowest, -126))).mul_(2.0**-element.mantissa)
    return (x / step).round_().mul_(step).clamp_(-element.largest, element.largest)


def scales(largest: Tensor, form: Format, *, grouped: bool = False, whole: Tensor | None = None) -> Tensor:
    """Scale of numbers whose largest magnitude is ``largest``; 0 where all are zero (``e8m0``: 2^-127).

    ``grouped``: the scale is stored in fp16. ``whole``: the largest of the tensor, which NVFP4 needs.
    """
    import torch

    element = form.element
    if form.scale == "e8m0":
        exponent = torch.frexp(largest)[1] - 1 - element.highest
        exponent = torch.where(largest > 0.0, exponent, _E8M0_LOW).clamp_(_E8M0_LOW, _E8M0_HIGH)
        return torch.ldexp(torch.ones_like(largest), exponent)
    if form.scale == "e4m3":
        top = largest.amax() if whole is None else whole
        tensor = top / (_E4M3.largest * element.largest)
        tensor = torch.where(tensor > 0.0, tensor, torch.ones_like(tensor))
        return round_element((largest / element.largest / tensor).contiguous(), _E4M3) * tensor
    scale = largest / element.largest
    return scale.clamp(max=_FP16).half().float() if grouped else scale


def quantise(
    x: Tensor, form: str, group: str = "block", *, dim: int = -1, whole: Tensor | None = None
) -> Tensor:
    """Numbers rounded to a format and back.

    Parameters
    ----------
    x : tensor (…, n)
        fp32, finite.
    form, group : str
        Of :data:`~gigawatt.workload.formats.FORMATS` and ``GROUPS``. ``channel`` and ``token``: the scale of
        numbers along ``dim``; groups and blocks lie along it.
    dim : int
        The axis that scales are shared along.
    whole : tensor (), optional
        The largest magnitude that the tensor's scale of NVFP4 is made of; of ``x`` where left out.

    Raises
    ------
    InputError
        An unknown format or group, or a group that the format does not take.

    References
    ----------
    See :mod:`gigawatt.workload.formats`.
    """
    import torch

    found, size = format_of(form), group_size(form, group)
    if found.name == "fp32":
        return x
    if found.plain:
        kind = torch.bfloat16 if found.name == "bf16" else torch.float16
        top = found.element.largest
        return x.clamp(-top, top).to(kind).float()
    if dim not in (-1, x.dim() - 1):
        turned = quantise(x.transpose(dim, -1).contiguous(), form, group, whole=whole)
        return turned.transpose(dim, -1)
    x, width = x.contiguous(), x.shape[-1]
    shaped = x
    if size:
        short = -width % size
        padded = torch.nn.functional.pad(x, (0, short)) if short else x
        shaped = padded.unflatten(-1, (-1, size))
    largest = shaped.abs().amax() if group == "tensor" else shaped.abs().amax(dim=-1, keepdim=True)
    scale = scales(largest, found, grouped=bool(size) and not found.block, whole=whole)
    safe = torch.where(scale > 0.0, scale, torch.ones_like(scale))
    made = round_element(shaped / safe, found.element).mul_(scale)
    return made.flatten(-2)[..., :width] if size else made


def hadamard(size: int) -> Tensor:
    """The symmetric orthonormal Hadamard matrix (size, size).

    Raises
    ------
    InputError
        Not a power of two from 2 on.

    References
    ----------
    Sylvester 1867; Ashkboos et al. 2024, "QuaRot", arXiv:2404.00456 (rotations against outliers).
    """
    import torch

    if size < 2 or size & (size - 1):
        raise InputError(
            "a Hadamard matrix of this size is not made here",
            key="rotate",
            given=size,
            allowed="a power of two ≥ 2",
        )
    made = torch.ones(1, 1)
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    while made.shape[0] < size:
        made = torch.kron(made, pair)
    return made / math.sqrt(size)


def rotate(x: Tensor, matrix: Tensor) -> Tensor:
    """Blocks of the last axis times ``matrix`` (b, b).

    Raises
    ------
    InputError
        The last axis is not a multiple of b.
    """
    size = matrix.shape[0]
    if x.shape[-1] % size:
        raise InputError(
            "the width of a layer is not a multiple of the block of the rotation",
            key="rotate",
            given=size,
            allowed=f"a power of two that divides {x.shape[-1]}",
        )
    return (x.unflatten(-1, (-1, size)) @ matrix).flatten(-2)
