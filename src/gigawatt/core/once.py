"""What scenarios of one place read alike: weather, grid and model are loaded once for all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["Rows", "apart_from", "clear", "noting", "once", "stamp"]

T = TypeVar("T")
Rows = Mapping[tuple[str, str, str], Any]
"""Rows of the catalog by table, id and quantity."""
_MOST = 64


@dataclass(frozen=True)
class _Kept:
    value: Any
    rows: Rows | None
    """Catalog rows that the value was read from; ``None`` where they were not recorded."""


_shelf: OrderedDict[Hashable, _Kept] = OrderedDict()
_noters: list[tuple[Callable[[Callable[[], Any]], tuple[Any, Rows]], Callable[[Rows], None]]] = []


def once(key: Hashable, call: Callable[[], T]) -> T:
    """What ``call`` gives, from an earlier call of the same key where there is one; errors are not kept.

    ``key`` has to name all that ``call`` reads but the catalog. What is given must not be changed.
    """
    note, again = _noters[-1] if _noters else (None, None)
    kept = _shelf.get(key)
    if kept is not None and (note is None or kept.rows is not None):
        _shelf.move_to_end(key)
        if again is not None and kept.rows is not None:
            again(kept.rows)
        return kept.value
    found = _Kept(call(), None) if note is None else _Kept(*note(call))
    _shelf[key] = found
    if len(_shelf) > _MOST:
        _shelf.popitem(last=False)
    return found.value


@contextmanager
def noting(
    note: Callable[[Callable[[], Any]], tuple[Any, Rows]], again: Callable[[Rows], None]
) -> Generator[None]:
    """While the block runs, note the rows that values are read from.

    Parameters
    ----------
    note : callable
        Calls what it is given; returns its value and the rows that it read.
    again : callable
        Called with the rows of a value that is taken from the shelf.
    """
    _noters.append((note, again))
    try:
        yield
    finally:
        _noters.pop()


def clear(*, noted_too: bool) -> None:
    """Drop what is kept, as every cache of this package; ``noted_too``: also what has its rows noted."""
    for key in [key for key, kept in _shelf.items() if noted_too or kept.rows is None]:
        del _shelf[key]


@contextmanager
def apart_from(rows: Set[tuple[str, str, str]]) -> Generator[None]:
    """While the block runs, keep only what was read from none of these rows; the rest is there after it."""
    before = OrderedDict(_shelf)
    for key, kept in before.items():
        if kept.rows is None or not rows.isdisjoint(kept.rows):
            del _shelf[key]
    try:
        yield
    finally:
        _shelf.clear()
        _shelf.update((key, kept) for key, kept in before.items() if kept.rows is not None)


def stamp(source: str | Path) -> Hashable:
    """A name as it is; of a file its path, and the size and time of its last change."""
    path = Path(source)
    if not path.is_file():
        return str(source)
    found = path.stat()
    return str(path), found.st_size, found.st_mtime_ns
