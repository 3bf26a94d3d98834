"""The cached functions of this package: all are emptied when the catalog is read again or a row is varied."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

__all__ = ["cached_functions", "pure"]

F = TypeVar("F", bound=Callable[..., Any])
_Cached: type[Any] = type(lru_cache(len))
_pure: list[Any] = []
_found: dict[tuple[int, str], Sequence[Any]] = {}


def pure(function: F) -> F:
    """Cache a function of its arguments alone, which reads neither rows nor files: it is never emptied."""
    _pure.append(cached := lru_cache(maxsize=64)(function))
    return cast(F, cached)


def cached_functions() -> Sequence[Any]:
    """Functions under ``lru_cache`` in all imported modules of this package, but units and :func:`pure` ones.

    They are looked for again once another module is imported.
    """
    known = (len(sys.modules), next(reversed(sys.modules)))
    if known not in _found:
        _found.clear()
        _found[known] = list(
            {
                id(member): member
                for name, module in list(sys.modules.items())
                if name.split(".")[0] == "gigawatt" and name != "gigawatt.core.quantities"
                for member in list(vars(module).values())
                if isinstance(member, _Cached) and member not in _pure
            }.values()
        )
    return _found[known]
