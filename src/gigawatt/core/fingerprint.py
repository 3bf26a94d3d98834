"""Content keys: equal keys for values that hold the same, whatever object they are.

A key is a hash of a value's type and everything in it, to the last bit of its floats, so that two values of
one key may stand for each other in a computation that reads nothing else.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import struct
from collections import OrderedDict
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.core.evidence import Evidence

__all__ = ["BYTES", "Fingerprint", "Opaque", "fingerprint"]

BYTES = 16
"""Length of a key."""
_SMALL = 96
"""Bytes that a small Python object takes, roughly, for the bound of a memory."""
_LARGE = 4096
"""Values that take more are remembered by the object, so that it is read once."""
_MOST_KNOWN, _MOST_ROWS = 128, 65536


class Opaque(Exception):
    """A value of a kind whose content cannot be read."""


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """A content key of :data:`BYTES` bytes, and about how many bytes the value takes."""

    key: bytes
    size: int


# Both hold the object too, so that its address names no other while it stands here.
_known: OrderedDict[int, tuple[Any, Fingerprint]] = OrderedDict()
_rows: dict[int, tuple[Evidence, bytes]] = {}


def fingerprint(value: Any) -> Fingerprint:
    """The content key of a value, and about what it takes.

    Parameters
    ----------
    value : object
        Numbers, texts, dates, paths, arrays, enumerations, classes, and dataclasses, mappings, sequences and
        sets of such. Dataclasses and arrays of more than some kilobytes are read once for each object: they
        must not be changed afterwards, as nothing that a graph passes on may be.

    Raises
    ------
    Opaque
        Something in it is of another kind.
    """
    sha = hashlib.blake2b(digest_size=BYTES)
    size = _feed(sha, value)
    return Fingerprint(sha.digest(), size)


def _feed(sha: Any, value: Any) -> int:
    """Write a value into a hash; returns about how many bytes it takes."""
    if value is None or isinstance(value, bool):
        sha.update(b"N" if value is None else b"T" if value else b"F")
        return 8
    if type(value) is float:
        sha.update(b"d" + struct.pack("<d", value))
        return 24
    if isinstance(value, Enum):
        _feed_type(sha, b"e", type(value))
        return _feed(sha, value.name)
    if isinstance(value, int | str | bytes) and not isinstance(value, np.generic):
        text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        mark = b"i" if isinstance(value, int) else b"s" if isinstance(value, str) else b"b"
        sha.update(mark + struct.pack("<q", len(text)) + text)
        return _SMALL + len(text)
    if isinstance(value, np.ndarray):
        return _remembered(sha, value, _feed_array) if value.nbytes > _LARGE else _feed_array(sha, value)
    if isinstance(value, Evidence):
        sha.update(_row(value))
        return 16  # the catalog holds it anyway
    if isinstance(value, list | tuple):
        sha.update((b"l" if isinstance(value, list) else b"t") + struct.pack("<q", len(value)))
        return _SMALL + sum(_feed(sha, one) for one in value)
    if isinstance(value, Mapping):
        sha.update(b"m" + struct.pack("<q", len(value)))
        return _SMALL + sum(_feed(sha, key) + _feed(sha, one) for key, one in value.items())
    return _feed_rare(sha, value)


def _feed_rare(sha: Any, value: Any) -> int:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _remembered(sha, value, _feed_fields)
    if isinstance(value, np.generic):
        sha.update(b"g")
        return _feed_array(sha, np.asarray(value))
    if isinstance(value, float):
        _feed_type(sha, b"r", type(value))
        return _feed(sha, float(value))
    if isinstance(value, type):
        _feed_type(sha, b"c", value)
        return 8
    if isinstance(value, Path | datetime.date | datetime.timedelta | complex):
        _feed_type(sha, b"r", type(value))
        return _feed(sha, str(value))
    if isinstance(value, set | frozenset):
        sha.update(b"S" + struct.pack("<q", len(value)))
        made = [fingerprint(one) for one in value]
        sha.update(b"".join(sorted(one.key for one in made)))
        return _SMALL + sum(one.size for one in made)
    raise Opaque(type(value).__qualname__)


def _feed_type(sha: Any, mark: bytes, kind: type) -> None:
    sha.update(mark + f"{kind.__module__}.{kind.__qualname__}".encode() + b"\0")


def _feed_array(sha: Any, value: np.ndarray) -> int:
    if value.dtype.hasobject:
        sha.update(b"o" + str(value.shape).encode())
        return _SMALL + sum(_feed(sha, one) for one in value.ravel().tolist())
    sha.update(b"a" + f"{value.dtype.str}{value.shape}".encode() + b"\0")
    sha.update(np.ascontiguousarray(value).data.cast("B") if value.size else b"")
    return _SMALL + value.nbytes


def _feed_fields(sha: Any, value: Any) -> int:
    _feed_type(sha, b"f", type(value))
    return _SMALL + sum(_feed(sha, getattr(value, one.name)) for one in dataclasses.fields(value))


def _remembered(sha: Any, value: Any, feed: Any) -> int:
    """The key of an object rather than all that is in it; of large ones kept for the next time."""
    found = _known.get(id(value))
    if found is not None and found[0] is value:
        _known.move_to_end(id(value))
        sha.update(b"k" + found[1].key)
        return found[1].size
    inner = hashlib.blake2b(digest_size=BYTES)
    size = feed(inner, value)
    made = Fingerprint(inner.digest(), size)
    if size > _LARGE:
        _known[id(value)] = (value, made)
        if len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    sha.update(b"k" + made.key)
    return size


def _row(row: Evidence) -> bytes:
    found = _rows.get(id(row))
    if found is None or found[0] is not row:
        inner = hashlib.blake2b(digest_size=BYTES)
        _feed_fields(inner, row)
        if len(_rows) >= _MOST_ROWS:
            _rows.clear()
        found = _rows[id(row)] = (row, inner.digest())
    return found[1]
