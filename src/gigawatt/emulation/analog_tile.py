"""What a tile does to a product: converters, wires, noise of a read.

A tile is an array of cells with converters on its rows and columns. A read puts inputs on the rows and takes
from every column the sum of what its cells let through.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import math

import torch
from torch import Tensor

from gigawatt.core.errors import InputError

__all__ = ["best_range", "convert_range", "quantise", "tiles", "wire_transfer"]

_SHARES = tuple(
    0.5 ** (i / 4.0) for i in range(25)
)  # ranges tried, as shares of the largest value: 1 to 1/64


def tiles(length: int, most: float) -> int:
    """How many tiles of at most ``most`` rows (or columns) hold ``length``."""
    return max(1, math.ceil(length / max(1.0, most)))


def quantise(x: Tensor, bound: Tensor | float, bits: float) -> Tensor:
    """Clip to ±``bound`` and round to one of 2^bits − 1 evenly spaced values, zero among them.

    The gradient is that of clipping alone (a straight-through estimate).

    Parameters
    ----------
    x : tensor
        Any unit.
    bound : tensor or float
        Same unit, > 0, broadcastable.
    bits : float
        ≥ 2; 0 neither clips nor rounds (an ideal converter).

    Raises
    ------
    InputError
        One bit, or a negative number.
    """
    if bits == 0:
        return x
    if bits < 2:
        raise InputError(
            "too few bits for a signed converter", key="bits", given=bits, allowed="0, or 2 or more"
        )
    count = 2.0 ** (bits - 1.0) - 1.0
    inside = torch.clamp(x / bound, -1.0, 1.0)
    return (inside + (torch.round(inside * count) / count - inside).detach()) * bound


def best_range(samples: Tensor, bits: float) -> float:
    """The range of a converter that loses least of ``samples``: mean squared error of clipping and rounding.

    Parameters
    ----------
    samples : tensor
        Values that the converter will see.
    bits : float
        As in :func:`quantise`; with 0 the largest value is the range.

    Returns
    -------
    float
        > 0, at most the largest magnitude (1 where all are zero).

    References
    ----------
    Banner et al. 2019, "Post training 4-bit quantization", NeurIPS (clipping against rounding).
    """
    top = float(samples.abs().max()) if samples.numel() else 0.0
    if top == 0.0:
        return 1.0
    if bits == 0:
        return top
    losses = [float((quantise(samples, top * share, bits) - samples).square().mean()) for share in _SHARES]
    return top * _SHARES[losses.index(min(losses))]


def convert_range(y: Tensor, headroom: float) -> Tensor:
    """The range of each column's converter: ``headroom`` times the largest of its samples (samples, columns).

    Not the range of least squared error: tokens that no sample showed would be clipped, and a clipped token
    costs a language model more than half a bit does.
    """
    top = y.abs().amax(0)
    return torch.where(top > 0.0, top * headroom, torch.ones_like(top))


def wire_transfer(total: Tensor, ratio: float) -> Tensor:
    """What share of a cell's current reaches the sense end of its column, exactly.

    A column is a wire of equal segments from the sense amplifier (a virtual ground) past its cells. Cells are
    linear and rows are driven by ideal sources, so that the network is linear and reciprocal: the share that
    cell k delivers is the voltage on node k when the sense end is at 1 and all rows are at 0. One
    tridiagonal system for each column, solved from the far end.

    Parameters
    ----------
    total : tensor (columns, cells) [1]
        Conductance on each node (both cells of a pair), over the largest; cell 0 is next to the sense end.
    ratio : float [1]
        Largest conductance times the resistance of a segment, ≥ 0.

    Returns
    -------
    tensor (columns, cells) [1]
        0 to 1, falling with the distance; 1 without resistance.

    References
    ----------
    Rasch et al. 2019, "RAPA-ConvNets", Frontiers in Neuroscience 13, 753 (IR drop along a line of cells);
    Bell, "Practical Networks" (reciprocity).
    """
    if ratio == 0.0:
        return torch.ones_like(total)
    if ratio < 0.0:
        raise InputError("a negative resistance", key="ir_drop", given=ratio, allowed="0 or more")
    load = total * ratio
    # conductance seen from node k towards the far end, over that of a segment: a continued fraction
    beyond = torch.zeros_like(load)
    far = torch.zeros_like(load[:, 0])
    for k in range(load.shape[1] - 1, -1, -1):
        here = load[:, k] + far
        beyond[:, k] = here
        far = here / (1.0 + here)
    return torch.cumprod(1.0 / (1.0 + beyond), 1)
