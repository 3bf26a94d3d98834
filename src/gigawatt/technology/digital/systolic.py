"""Systolic arrays and their vector units: TPUs, Trainium, Gaudi.

A matrix unit is a square of A × A multipliers. One operand is held in it, A × A elements at a time; the other
streams through, a row a cycle. So both sizes of the held operand are padded to A, and fewer than A rows take
the time of A, in which the next weights are loaded behind the present ones. Operands come from a memory that
the compiler manages (VMEM): tiles as large as fit in half of it bound how often an operand is read again, and
the first tile and the last result are waited for, which is what small multiplications lose. Whatever is not a
multiplication is the vector unit's: element-wise work beside its bytes, and the scores of attention between
its two multiplications (maximum, subtraction, exponential, sum, conversion).

References
----------
Jouppi et al., "In-Datacenter Performance Analysis of a Tensor Processing Unit", ISCA 2017 (held weights,
double-buffered). Jouppi et al., "TPU v4", ISCA 2023. Hong and Kung, "I/O Complexity", STOC 1981 (tiles).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gigawatt.catalog.loader import entity, table
from gigawatt.technology.digital.forms import overlap_loss
from gigawatt.workload.operations import Array

__all__ = [
    "ARRAYS",
    "ArrayKernels",
    "Arrays",
    "array_kernels",
    "attention_seconds",
    "element_seconds",
    "product_seconds",
    "tiled_bytes",
    "unhidden_bytes",
]

ARRAYS = "arrays"
"""The row of ``kernels`` for arrays without measurements."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """What the matrix and vector units of a chip are.

    ``edge`` [elements] of one square array and its ``clock`` [Hz]; ``memory`` [B] of operands and results on
    the chip; ``vector`` [1/s] element-wise operations of its vector units, ``exponentials`` [1/s] of them.
    The rate of multiplications is the datasheet's peak of the chip.
    """

    edge: float
    clock: float
    memory: float
    vector: float
    exponentials: float

    def quicker(self, factor: float) -> Arrays:
        """The same with ``factor`` times the rate of everything that is not memory."""
        return replace(
            self,
            clock=self.clock * factor,
            vector=self.vector * factor,
            exponentials=self.exponentials * factor,
        )


@dataclass(frozen=True, slots=True)
class ArrayKernels:
    """What compiled kernels reach on arrays, read from the catalog's ``kernels`` table.

    ``share`` of the peak by number format, with full arrays; ``memory`` of the bandwidth; ``launch`` [s].
    ``element_operations`` of one element moved, ``score_operations`` of one score beside its exponential;
    ``attention_block`` [tokens] and ``grouped_tile`` [tokens]: steps in which keys and an expert's tokens are
    computed; ``overlap_power`` of :func:`~gigawatt.technology.digital.forms.overlap_loss`.
    """

    share: Mapping[str, float]
    memory: float
    launch: float
    element_operations: float
    score_operations: float
    attention_block: float
    grouped_tile: float
    overlap_power: float


@lru_cache(maxsize=64)
def array_kernels(fit: str) -> ArrayKernels:
    """The row ``fit`` of ``kernels``; a number that it lacks is taken from ``arrays``."""
    common = entity("kernels", ARRAYS)
    own = table("kernels").get(fit, common)

    def read(quantity: str) -> float:
        value = own.get(quantity)
        return common.value(quantity) if value is None else value

    wide = read("gemm_share_bf16")
    narrow = own.get("gemm_share_fp8")
    return ArrayKernels(
        share={"bf16": wide, "fp8": wide if narrow is None else narrow},
        memory=read("memory_share"),
        launch=read("launch"),
        element_operations=read("element_operations"),
        score_operations=read("score_operations"),
        attention_block=read("attention_block"),
        grouped_tile=read("grouped_tile"),
        overlap_power=read("overlap_power"),
    )


def _whole(size: ArrayLike, edge: float) -> Array:
    return np.ceil(np.divide(size, edge)) * edge


def product_seconds(
    *, m: ArrayLike, n: ArrayLike, k: ArrayLike, batch: ArrayLike, edge: float, clock: float, rate: float
) -> Array:
    """Seconds of ``batch`` multiplications m × k by k × n on arrays.

    Held n, streamed m: 2·⌈k⌉·⌈n⌉·max(m, A)/R with ⌈x⌉ the next multiple of A; or held m, streamed n,
    whichever is quicker. Filling and draining the last array takes 2·A cycles.

    Parameters
    ----------
    m, n, k, batch : array [elements, elements, elements, 1]
        Broadcastable sizes, each ≥ 0.
    edge, clock, rate : float [elements, Hz, FLOP/s]
        A, its clock, and R of full arrays, all together; each > 0.

    Returns
    -------
    array [s]
        Never below 2·m·n·k·batch/rate.
    """
    held_n = _whole(n, edge) * np.maximum(m, edge)
    held_m = _whole(m, edge) * np.maximum(n, edge)
    work = 2.0 * _whole(k, edge) * np.minimum(held_n, held_m) * np.asarray(batch, dtype=float)
    return work / rate + 2.0 * edge / clock


def tiled_bytes(
    *, m: ArrayLike, n: ArrayLike, k: ArrayLike, batch: ArrayLike, width: float, memory: float
) -> Array:
    """Operand bytes that square tiles in half of the on-chip ``memory`` [B] read from device memory [B].

    A tile of b × b results in 4 bytes beside its operands, b² = memory / 2 / (4 + 2·width): each operand is
    read once for every tile of the other, 2·m·n·k·width/b in all.

    Parameters
    ----------
    m, n, k, batch : array
        As of :func:`product_seconds`.
    width, memory : float [B]
        Of one element of the operands, > 0; of the on-chip memory, > 0.
    """
    tile = np.sqrt(memory / 2.0 / (4.0 + 2.0 * width))
    edges = 1.0 / np.maximum(np.minimum(m, tile), 1.0) + 1.0 / np.maximum(np.minimum(n, tile), 1.0)
    return np.multiply(m, n) * np.multiply(k, batch) * (width * edges)


def unhidden_bytes(moved: ArrayLike, memory: float) -> Array:
    """Bytes of the first tile in and the last out, beside which nothing is computed: a quarter of ``memory``
    [B], since two tiles share half of it in turns; at most all that is ``moved`` [B]."""
    return np.minimum(moved, memory / 4.0)


def attention_seconds(
    *,
    flops: ArrayLike,
    pairs: ArrayLike,
    m: ArrayLike,
    n: ArrayLike,
    k: ArrayLike,
    batch: ArrayLike,
    arrays: Arrays,
    fit: ArrayKernels,
    rate: float,
) -> Array:
    """Seconds of fused attention: multiplications of scores on arrays, everything between on the vector unit.

    Every multiplication has the head's width as one of the held sizes, so it is padded to A. Keys are
    computed in blocks: a query takes half a block more than it sees, up to all keys.

    Parameters
    ----------
    flops, pairs : array [FLOP, 1]
        What is counted (causal as such), and the scores of it; 0 where they are not counted (decoding): every
        query then sees all keys.
    m, n, k, batch : array [tokens, tokens, elements, 1]
        Query and key tokens, head width, sequences × heads.
    arrays, fit : Arrays, ArrayKernels
        Of the chip.
    rate : float [FLOP/s]
        That full arrays reach, > 0.

    Returns
    -------
    array [s]
        Never below flops/rate.
    """
    rows = np.multiply(m, batch)
    counted = np.asarray(pairs, dtype=float)
    seen = np.maximum(np.where(counted > 0.0, counted, rows * n), 1.0)
    computed = np.minimum(seen + rows * (fit.attention_block / 2.0), np.maximum(rows * n, seen))
    padded = _whole(k, arrays.edge) / np.maximum(k, 1.0)
    product = np.asarray(flops, dtype=float) * (computed / seen) * padded / rate
    vector = computed * (fit.score_operations / arrays.vector + 1.0 / arrays.exponentials)
    return np.maximum(product, vector) * overlap_loss(
        arithmetic=product, memory=vector, power=fit.overlap_power
    )


def element_seconds(*, moved: ArrayLike, width: float, operations: float, vector: float) -> Array:
    """Seconds of element-wise work on the vector unit: ``operations`` for each element of ``width`` [B] of
    ``moved`` [B], at ``vector`` [1/s]."""
    return np.divide(moved, width) * (operations / vector)
