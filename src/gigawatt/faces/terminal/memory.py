"""Memory that a command keeps for its next arrays, in place of giving it back and asking for it again."""

from __future__ import annotations

import ctypes
from contextlib import suppress

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_THRESHOLD`` of ``malloc.h`` (glibc)."""
_KEPT, _FROM_HEAP = 256 * 2**20, 32 * 2**20
"""Bytes that are kept, and of the largest array that is made of them."""


def keep_freed_memory() -> None:
    """Let the C library keep what arrays free.

    Hourly arrays are of some megabytes: glibc asks the system for each and returns it, which takes a sixth of
    the CPU time of a large plan. Where another C library is in use nothing happens.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _FROM_HEAP)
        mallopt(_TRIM_THRESHOLD, _KEPT)
