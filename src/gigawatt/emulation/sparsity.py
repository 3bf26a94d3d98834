"""Which weights and inputs are left out: magnitude, Wanda, n of m, and thresholds of activations (TEAL).

Every function takes the weight (outputs, inputs) of a linear layer and gives a mask of the same shape, true
where a weight is kept.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.technology.digital.formats import SPARSITY

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PATTERNS", "keep_largest", "keep_pattern", "mask_of", "threshold", "wanda_score"]

"""Of the setting ``sparsity``; ``teal`` leaves out inputs, the others weights."""

PATTERNS = {"2:4": (2, 4), "4:8": (4, 8)}
"""Kept, and of how many inputs that follow one another."""


def wanda_score(weight: Tensor, norms: Tensor) -> Tensor:
    """|weight| times the norm of its input over calibration tokens, (outputs, inputs).

    References
    ----------
    Sun et al. 2024, "A simple and effective pruning approach for large language models", arXiv:2306.11695.
    """
    return weight.abs() * norms


def keep_largest(score: Tensor, keep: float, *, by_row: bool) -> Tensor:
    """The share ``keep`` with the largest score: of the whole layer, or of each output (``by_row``).

    Raises
    ------
    InputError
        A share outside (0, 1].
    """
    import torch

    check_range("keep", keep, 0.0, 1.0, open_low=True, message="a share of what is kept")
    flat = score if by_row else score.reshape(1, -1)
    count = max(1, round(keep * flat.shape[-1]))
    chosen = flat.topk(count, dim=-1, sorted=False).indices
    mask = torch.zeros_like(flat, dtype=torch.bool).scatter_(-1, chosen, True)
    return mask.reshape(score.shape)


def keep_pattern(score: Tensor, kept: int, of: int) -> Tensor:
    """The ``kept`` largest of every ``of`` inputs that follow one another.

    Raises
    ------
    InputError
        A width that is not a multiple of ``of``.

    References
    ----------
    Mishra et al. 2021, "Accelerating sparse deep neural networks", arXiv:2104.08378 (2:4).
    """
    import torch

    if score.shape[-1] % of:
        raise InputError(
            "the width of a layer is not a multiple of the pattern",
            key="sparsity",
            given=f"{kept}:{of}, width {score.shape[-1]}",
            allowed=f"a multiple of {of}",
        )
    groups = score.unflatten(-1, (-1, of))
    chosen = groups.topk(kept, dim=-1, sorted=False).indices
    return torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, chosen, True).flatten(-2)


def mask_of(method: str, weight: Tensor, keep: float, norms: Tensor | None) -> Tensor | None:
    """The mask of a method, ``None`` where no weight is left out.

    Parameters
    ----------
    method : str
        Of :data:`SPARSITY`.
    weight : tensor (outputs, inputs)
        Of the layer.
    keep : float
        Share kept by ``magnitude`` and ``wanda``; a pattern has its own.
    norms : tensor (inputs,), optional
        Root of the sum of squares of each input over calibration tokens, which Wanda needs.

    Raises
    ------
    InputError
        An unknown method; Wanda without norms.
    """
    check_word("sparsity", method, SPARSITY, "no such sparsity")
    if method in ("none", "teal"):
        return None
    pattern, _, rest = method.rpartition("-")
    score = weight.abs()
    if rest == "wanda":
        if norms is None:
            raise InputError("needs inputs of calibration", key="sparsity", given=method)
        score = wanda_score(weight, norms)
    if pattern:
        return keep_pattern(score, *PATTERNS[pattern])
    return keep_largest(score, keep, by_row=rest == "wanda")


def threshold(sizes: Tensor, keep: float) -> Tensor:
    """The magnitude that a share ``keep`` of calibration inputs reaches, (): smaller ones are left out.

    References
    ----------
    Liu et al. 2024, "Training-free activation sparsity in large language models" (TEAL), arXiv:2408.14690.
    """
    flat = sizes.reshape(-1)
    check_range("keep", keep, 0.0, 1.0, open_low=True, message="a share of what is kept")
    dropped = min(round((1.0 - keep) * flat.numel()), flat.numel() - 1)
    return flat.kthvalue(dropped + 1).values if dropped else flat.new_zeros(())
