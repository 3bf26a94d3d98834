"""Rounding weights one input after the other, each error made good by the inputs that follow (GPTQ)."""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.emulation.formats import quantise, round_element, scales
from gigawatt.workload.formats import Format, format_of, group_size

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["gptq"]

_DAMPING = 0.01  # of the mean diagonal, as published
_BLOCK = 128  # inputs whose later ones are updated together, as published; every group divides it


def gptq(weight: Tensor, hessian: Tensor, form: str, group: str, mask: Tensor | None = None) -> Tensor:
    """Weights rounded to a format so that the layer's output changes least.

    Input j is rounded, and its error times the row j of the Cholesky factor of the inverse Hessian is taken
    from the inputs after it. The scale of a group is chosen when its first input is reached.

    Parameters
    ----------
    weight : tensor (outputs, inputs)
        Of the layer.
    hessian : tensor (inputs, inputs)
        Sum over calibration tokens of x xᵀ.
    form, group : str
        As :func:`~gigawatt.emulation.formats.quantise`.
    mask : tensor (outputs, inputs), optional
        False where a weight is left out: it is set to zero, and its loss made good too.

    References
    ----------
    Frantar et al. 2023, "GPTQ", arXiv:2210.17323, algorithm 1; Frantar and Alistarh 2023, "SparseGPT",
    arXiv:2301.00774 (the mask).
    """
    import torch

    found, size = format_of(form), group_size(form, group)
    if found.plain:
        rounded = quantise(weight, form)
        return rounded if mask is None else rounded * mask
    w, width = weight.clone(), weight.shape[1]
    h = hessian.clone()
    dead = h.diagonal() == 0.0
    h.diagonal()[dead] = 1.0
    w[:, dead] = 0.0
    h.diagonal().add_(_DAMPING * h.diagonal().mean())
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(h))
    upper = torch.linalg.cholesky(inverse, upper=True)
    whole = weight.abs().amax()
    scale = _scale(w if group != "tensor" else w.reshape(1, -1), found, grouped=False, whole=whole)
    made = torch.zeros_like(w)
    for first in range(0, width, _BLOCK):
        last = min(first + _BLOCK, width)
        errors = torch.zeros(w.shape[0], last - first)
        for j in range(first, last):
            if size and j % size == 0:
                scale = _scale(w[:, j : j + size], found, grouped=not found.block, whole=whole)
            column = w[:, j : j + 1]
            rounded = round_element((column / scale).contiguous(), found.element) * scale
            if mask is not None:
                rounded = rounded * mask[:, j : j + 1]
            made[:, j : j + 1] = rounded
            error = (column - rounded) / upper[j, j]
            w[:, j:last] -= error * upper[j, j:last]
            errors[:, j - first] = error[:, 0]
        w[:, last:] -= errors @ upper[first:last, last:]
    return made


def _scale(part: Tensor, form: Format, *, grouped: bool, whole: Tensor) -> Tensor:
    import torch

    made = scales(part.abs().amax(dim=-1, keepdim=True), form, grouped=grouped, whole=whole)
    return torch.where(made > 0.0, made, torch.ones_like(made))
