"""Compilation by numba; switched off (``NUMBA_DISABLE_JIT=1``) the same functions run slower, just alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config
from numba.extending import register_jitable

__all__ = ["COMPILED", "compiled", "compiled_and_kept", "compiled_exact_sums", "digest"]

Function = TypeVar("Function", bound=Callable[..., Any])

#: Whether functions are compiled: ``NUMBA_DISABLE_JIT=1`` leaves them to a debugger.
COMPILED: bool = not getattr(config, "DISABLE_JIT", False)


#: Without reference counts, since the kernel makes no arrays: they would be most of what it does.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}


def _part(function: Function, **options: Any) -> Function:
    """Without what Python needs to call it, a third of the time of compiling a hundred functions."""
    parts: Any = register_jitable(**_OPTIONS, **options, no_cpython_wrapper=True, no_cfunc_wrapper=True)
    return cast(Function, parts(function))


def compiled(function: Function) -> Function:
    """Compile as a part of whatever calls it and is compiled; Python that calls it runs it as it is.

    The function must not make arrays.
    """
    return _part(function)


def compiled_exact_sums(function: Function) -> Function:
    """As :func:`compiled`, for sums of whole numbers, whose order does not matter: they may be vectorised."""
    return _part(function, fastmath={"reassoc", "nsz"})


def compiled_and_kept(function: Function) -> Function:
    """As :func:`compiled`, and keep the machine code: beside the source, else in the user's cache folder.

    The function must close over :func:`digest` of all files that it draws from, since numba looks only at the
    file of the function itself; where no folder can be written the code lives as long as the process.
    """
    njit: Any = numba.njit
    try:
        return cast(Function, njit(function, cache=True, **_OPTIONS))
    except RuntimeError:  # no folder to write to
        return cast(Function, njit(function, **_OPTIONS))


def digest(files: Iterable[Path]) -> int:
    """A number that changes with the text of ``files`` and of this one."""
    found = hashlib.sha256()
    for file in (Path(__file__), *files):
        found.update(file.read_bytes())
    return int.from_bytes(found.digest()[:4], "big") + 1
