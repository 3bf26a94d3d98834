"""Operations: what must be computed, one row a kind, sizes as arrays over layouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Kind", "Operation", "Phase"]

Array = NDArray[np.float64]
Kind = Literal["gemm", "grouped_gemm", "attention", "memory"]
Phase = Literal["forward", "backward"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One kernel launch kind on one device for one microbatch, over an array of layouts.

    All arrays broadcast to the layouts' shape ``(L,)``.

    Attributes
    ----------
    name : str
        Such as ``attention.qkv``, ``mlp.up``, ``experts.down``, ``norm``, ``head.logits``, ``head.loss``.
    kind : str
        ``gemm``; ``grouped_gemm`` (``batch`` groups of m × n × k); ``attention`` (fused: ``batch``
        sequences × heads, m query tokens, n key tokens seen at most, k head width); ``memory``
        (element-wise, norms, gathers, softmax of the loss, permutation: bytes only).
    phase : str
        ``forward`` or ``backward``.
    m, n, k, batch : array
        Sizes of one launch.
    flops : array [FLOP]
        Multiply and add counted as two, causal attention counted at what is computed.
    bytes_read, bytes_written : array [B]
        Least traffic to device memory of one launch.
    launches : array
        Number of kernel launches of this row per microbatch and layer.
    number_format : str
        Of the multiplication: ``bf16``, ``fp16``, ``tf32``, ``fp32``, ``fp8``, ``fp4``, ``int8``.
    """

    name: str
    kind: Kind
    phase: Phase
    m: Array
    n: Array
    k: Array
    batch: Array
    flops: Array
    bytes_read: Array
    bytes_written: Array
    launches: Array
    number_format: str
