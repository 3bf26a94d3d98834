"""Physical forms of kernels: what tiles, waves and bytes take before a fitted surface corrects it.

Every form is a pure function of an operation's sizes; the surface of a family of kernels is read at the
coordinates that :func:`coordinates` makes of the same sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.workload.operations import Array

__all__ = [
    "AXES",
    "Family",
    "attention_time",
    "coordinates",
    "family",
    "gemm_time",
    "memory_time",
    "overlap_loss",
]

Family = Literal["gemm", "grouped_gemm", "attention", "decode"]

AXES: Mapping[Family, tuple[str, ...]] = {
    "gemm": ("m", "n", "k"),
    "grouped_gemm": ("m", "batch", "edge"),
    "attention": ("m", "batch", "k", "reach"),
    "decode": ("n", "bytes", "intensity"),
}
"""Axes of the surface of each family, in the order of :func:`coordinates`."""


def family(kind: str, m: ArrayLike, n: ArrayLike) -> Family:
    """The family of kernels of an operation: attention of one query token over many keys is ``decode``."""
    if kind == "attention":
        return "decode" if bool(np.all(np.less_equal(m, 1.0)) and np.any(np.greater(n, 1.0))) else "attention"
    return "grouped_gemm" if kind == "grouped_gemm" else "gemm"


def coordinates(
    of: Family,
    *,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    batch: ArrayLike,
    flops: Array,
    moved: Array,
    tile: float,
    groups: ArrayLike | None = None,
) -> tuple[ArrayLike, ...]:
    """Where an operation stands on the axes :data:`AXES` of its family.

    ``edge`` is the geometric mean of n and k, ``reach`` the query tokens over the keys that a query reaches
    (1 without a window), ``intensity`` the FLOPs of a byte; the ``batch`` of attention counts heads that
    share a tile of ``tile`` query rows once.
    """
    if of == "gemm":
        return m, n, k
    if of == "grouped_gemm":
        return m, batch, np.sqrt(np.multiply(n, k))
    if of == "attention":
        if groups is not None:
            rows = np.maximum(m, 1.0)
            batch = groups * np.ceil(rows * np.divide(batch, groups) / tile) / np.ceil(rows / tile)
        return m, batch, k, np.divide(m, np.maximum(n, 1.0))
    return n, moved, flops / np.maximum(moved, 1.0)


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
    wave_share: float,
    tiles: tuple[tuple[float, float], ...],
) -> Array:
    """Arithmetic time of ``batch`` multiplications m × k by k × n, with tile and wave quantisation.

    Tiles of tm × tn are dealt to ``units`` in waves; each takes
    2·tm·tn·(k + k0)·(1 + c/tm + c/tn)·units/rate, and the quickest of the tile shapes is taken. A share
    ``wave_share`` of the work waits for whole waves, the rest is spread evenly (split and streamed tiles).

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
    wave_share : float
        0 to 1.
    tiles : tuple of (tm, tn)
        Candidates.

    Returns
    -------
    array [s]
        Of the broadcast shape; never below 2·m·n·k·batch/rate.

    References
    ----------
    NVIDIA, "Matrix Multiplication Background User's Guide" (tile and wave quantization).
    """
    found: list[Array] = []
    for tm, tn in tiles:
        blocks = np.ceil(np.divide(m, tm)) * np.ceil(np.divide(n, tn)) * np.asarray(batch, float) / units
        waves = wave_share * np.ceil(blocks) + (1.0 - wave_share) * blocks
        found.append(waves * (tm * tn * (1.0 + tile_offset / tm + tile_offset / tn)))
    best = reduce(np.minimum, found)
    return best * (np.add(k, depth_offset) * (2.0 * units / rate))


def attention_time(
    *,
    flops: ArrayLike,
    m: ArrayLike,
    batch: ArrayLike,
    groups: ArrayLike,
    units: float,
    rate: float,
    tile: float,
    wave_share: float,
) -> Array:
    """Arithmetic time of fused attention: tiles of ``tile`` query rows, dealt to ``units`` in waves.

    Query heads that share keys and values are packed into the same tiles.

    Parameters
    ----------
    flops : array [FLOP]
        What is computed (causal counted as such).
    m, batch : array [tokens, 1]
        Query tokens of a sequence, > 0, and sequences × heads.
    groups : array
        Sequences × key-value heads, at most ``batch``.
    units : float
        Processors that work on a tile each.
    rate : float [FLOP/s]
        Of long sequences and wide heads.
    tile : float [tokens]
        Query rows of a tile.
    wave_share : float
        0 to 1: share of the work that waits for whole waves.

    Returns
    -------
    array [s]
        Never below flops/rate.

    References
    ----------
    Shah et al. 2024, FlashAttention-3, arXiv:2407.08608, figures 5 and 6 (speed against sequence and width).
    """
    shared = np.asarray(groups, dtype=float)
    rows = np.maximum(m, 1.0) * np.divide(batch, shared)
    whole = np.ceil(rows / tile)
    blocks = whole * shared / units
    waves = wave_share * np.ceil(blocks) / blocks + (1.0 - wave_share)
    return np.asarray(flops, dtype=float) / rate * (whole * (tile / rows) * waves)


def memory_time(*, bytes_moved: ArrayLike, rate: float) -> Array:
    """Time to move ``bytes_moved`` [B] at ``rate`` [B/s] to or from device memory [s]."""
    return np.divide(bytes_moved, rate)


def overlap_loss(*, arithmetic: Array, memory: Array, power: float) -> Array:
    """Factor ≥ 1 on the longer of two times that overlap imperfectly: (1 + (short/long)^p)^(1/p).

    Parameters
    ----------
    arithmetic, memory : array [s]
        Each ≥ 0.
    power : float
        p ≥ 1: 1 adds the times, a large one hides the shorter.
    """
    longer = np.maximum(arithmetic, memory)
    ratio = np.minimum(arithmetic, memory) / np.maximum(longer, np.finfo(float).tiny)
    return (1.0 + ratio**power) ** (1.0 / power)
