"""How a process gives memory back to the system."""

from __future__ import annotations

import sys
from contextlib import suppress

__all__ = ["keep_freed_memory"]

#: glibc's numbers of two settings, and the bytes below which arrays come from memory that was freed before.
_TRIM, _MAPPED, _LARGE = -1, -3, 32 * 2**20


def keep_freed_memory() -> None:
    """Let arrays of some megabytes take memory that was freed before, where the C library is glibc.

    By default it gives each back to the system and takes it again, page by page: a tenth of a plan's time.
    """
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(OSError, AttributeError, TypeError):  # another C library
        allocator = ctypes.CDLL(None).mallopt
        allocator(_MAPPED, _LARGE)
        allocator(_TRIM, 8 * _LARGE)
