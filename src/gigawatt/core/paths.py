"""Names that may be paths: what is no file, and never ends when it is read, is refused."""

from __future__ import annotations

import os
import stat

__all__ = ["is_device"]


def is_device(name: str) -> bool:
    """Whether a name is the path of a device, a pipe or a socket rather than of a file or a folder."""
    try:
        mode = os.stat(name).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
