"""Two folders change places in one step, where the system can do that: no reader ever sees half of each."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["exchanged"]

_HERE = -100
_EXCHANGE = 2


@lru_cache(maxsize=1)
def _renameat2() -> Any:
    """The call of the C library, or ``None``: it is Linux's own."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def exchanged(made: Path, target: Path) -> bool:
    """Put ``made`` in the place of ``target`` in one step; files of ``target`` alone stay.

    Parameters
    ----------
    made, target : path
        Folders of one disk. Files of ``target`` that ``made`` lacks are linked into it first; ``made`` holds
        the old files afterwards.

    Returns
    -------
    bool
        Whether it was done. Not where the system has no such call, where one folder lies in the other, or
        where ``target`` holds folders: nothing has changed then but links in ``made``.

    References
    ----------
    rename(2) of Linux, ``RENAME_EXCHANGE``.
    """
    call = _renameat2()
    if call is None or target.resolve() in made.resolve().parents or target.is_symlink():
        return False
    try:
        _link(target, made)
        shutil.copymode(target, made)
    except OSError:
        return False
    if call(_HERE, os.fsencode(made), _HERE, os.fsencode(target), _EXCHANGE) != 0:
        return False
    _link(made, target)  # what somebody wrote meanwhile
    return True


def _link(source: Path, into: Path) -> None:
    for file in source.iterdir():
        if not (into / file.name).exists():
            os.link(file, into / file.name, follow_symlinks=False)
