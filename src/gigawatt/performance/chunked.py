"""Kernels of linear attention, the delta rule and Mamba-2's scan, which run through a sequence in chunks.

Their multiplications are small (a chunk by a state, one a head), so that no library's kernel of a matrix says
what they take: published kernels are bound by what they move, at a share of the memory's rate. Mamba-2's own
reach about half of the share of flash-linear-attention's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gigawatt.machine.machine import Chip
from gigawatt.performance.stacks import Stack
from gigawatt.technology import Cost
from gigawatt.workload.operations import Operation
from gigawatt.workload.operations_mixers import CHUNKED, SCANS

__all__ = ["chunked", "is_chunked"]


def is_chunked(operation: Operation) -> bool:
    """Whether an operation is a kernel of linear attention, the delta rule or Mamba-2's scan."""
    return _kernel(operation) in CHUNKED | SCANS


def _kernel(operation: Operation) -> str:
    return operation.name.removesuffix(".gradient").removesuffix(".again")


def chunked(cost: Cost, operation: Operation, chip: Chip, stack: Stack) -> Cost:
    """Cost of one launch of such a kernel: its bytes at ``stack.chunked`` of the memory's rate [s], those
    of a scan at ``stack.scanned``.

    Its multiplications are no quicker than at the chip's peak. ``cost`` is what it would be as matrix
    multiplications, of which energy and launch are kept.

    References
    ----------
    Yang et al., "flash-linear-attention", README of 2026 (times of kernels on GB200), and its pull request 50
    (Mamba-2's scan beside its own kernel on the same shapes).
    """
    moved = operation.bytes_read + operation.bytes_written
    share = stack.scanned if _kernel(operation) in SCANS else stack.chunked
    memory = moved / (chip.memory_bandwidth * share)
    arithmetic = operation.flops / chip.peak[operation.number_format]
    time = np.maximum(arithmetic, memory) + cost.launch
    return replace(cost, arithmetic=arithmetic, memory=np.asarray(memory), time=time)
