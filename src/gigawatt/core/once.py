"""What scenarios of one place read alike: weather, grid and model are loaded once for all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["once", "stamp"]

T = TypeVar("T")
_MOST = 64


@lru_cache(maxsize=1)
def _shelf() -> OrderedDict[Hashable, Any]:
    """Emptied, as every cache of this package, when the catalog is read anew or varied."""
    return OrderedDict()


def once(key: Hashable, call: Callable[[], T]) -> T:
    """What ``call`` gives, from an earlier call of the same key where there is one; errors are not kept.

    ``key`` has to name all that ``call`` reads but the catalog. What is given must not be changed.
    """
    shelf = _shelf()
    if key in shelf:
        shelf.move_to_end(key)
        return shelf[key]
    found = shelf[key] = call()
    if len(shelf) > _MOST:
        shelf.popitem(last=False)
    return found


def stamp(source: str | Path) -> Hashable:
    """A name as it is; of a file its path, and the size and time of its last change."""
    path = Path(source)
    if not path.is_file():
        return str(source)
    found = path.stat()
    return str(path), found.st_size, found.st_mtime_ns
