"""Who computes what, where several processes fill one store: locks that end with their holder."""

from __future__ import annotations

import os
from pathlib import Path

from gigawatt.core.errors import InputError

__all__ = ["Claims"]


class Claims:
    """Claims of this process on pieces of work, by name.

    A claim is a locked file; the system unlocks it when the process ends, however it ends. Where locks are
    not known (or the folder's file system has none) everything is granted, and what two processes compute
    twice is one row of the store all the same.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def take(self, name: str) -> bool:
        """Whether the piece is this process's now."""
        try:
            import fcntl
        except ImportError:
            return True
        file = self._folder / name
        while True:
            try:
                self._folder.mkdir(exist_ok=True)
                handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o666)
            except OSError as error:
                raise InputError(f"cannot write here: {error.strerror}", given=str(self._folder)) from None
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            except OSError:  # a file system without locks
                os.close(handle)
                return True
            try:
                same = os.fstat(handle).st_ino == os.stat(file).st_ino
            except FileNotFoundError:
                same = False
            if same:
                self._held[name] = handle
                return True
            os.close(handle)  # its last holder took the file away in between

    def give(self, name: str) -> None:
        """Give a piece back."""
        handle = self._held.pop(name, None)
        if handle is not None:
            (self._folder / name).unlink(missing_ok=True)
            os.close(handle)

    def give_all(self) -> None:
        """Give everything back."""
        for name in list(self._held):
            self.give(name)
