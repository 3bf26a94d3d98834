"""Which keys of a scenario may name a file, and what a visitor may write there: names and uploads, no path.

A scenario on disk may say ``model: my/config.json``. On the page nobody may name a file of the machine
that serves it: :func:`vetted` lets through a name that the catalog's table of a key has, and the token of an
upload of the right kind; anything else is one line of error, and nothing was looked up on the disk.

A token is the name of a file in the folder of uploads (:mod:`~.uploads.store`). Processes that
answer work in that folder, so that a token is all that they need.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from functools import lru_cache
from typing import Any

from gigawatt import catalog
from gigawatt.chain.site.load import PROFILES
from gigawatt.core.errors import InputError
from gigawatt.machine.chip.parts import is_design_file
from gigawatt.schema.fields import FIELDS, Field, field
from gigawatt.schema.scenario import LoadedScenario

__all__ = [
    "KINDS", "MOST_BYTES", "confirm", "file_keys", "is_token", "key_of", "known", "may_name_a_file", "vetted",
]  # fmt: skip

KINDS: Mapping[str, tuple[str, ...]] = {
    "model": (".json",),
    "chip": (".yaml",),
    "trace": (".csv",),
    "weather": (".csv", ".epw", ".tmy3"),
    "hours": (".csv",),
    "scenario": (".yaml",),
}
"""What can be uploaded, and the endings that its file is kept under; the first is the usual one."""
MOST_BYTES: Mapping[str, int] = {
    "model": 512 * 2**10,
    "chip": 64 * 2**10,  # YAML is read slowly
    "trace": 2_080_000,  # with the form around it within what a request may hold
    "weather": 2_080_000,
    "hours": 2_080_000,
    "scenario": 64 * 2**10,
}
"""The most that a file of a kind may hold."""
_ENDINGS = "|".join(
    f"{kind}-[0-9a-f]{{16}}(?:{'|'.join(map(re.escape, endings))})" for kind, endings in KINDS.items()
)
_MOST_NAME = 255
_TOKEN = re.compile(rf"(?:{_ENDINGS})\Z")


_MORE_TABLES: Mapping[str, tuple[str, ...]] = {
    "machine.chip": ("chip_designs",), "load.profile": ("traces_shapes",),
}  # fmt: skip
_WORDS: Mapping[str, tuple[str, ...]] = {"load.profile": PROFILES}


@lru_cache(maxsize=8)
def key_of(kind: str) -> str | None:
    """The key that an upload of a kind stands at, which is called like it; ``None`` of a scenario, which has
    all of them."""
    named = (one.key for one in FIELDS if one.file == kind and one.key.rpartition(".")[2] == kind)
    return next(named, None)


@lru_cache(maxsize=1)
def file_keys() -> frozenset[str]:
    """Dotted keys of a scenario whose value may be read as the path of a file."""
    return frozenset(one.key for one in FIELDS if one.file)


def _file_field(key: str) -> Field | None:
    """The field of a key that may name a file; a plant in ``supply.capacity_factors`` has the mapping's."""
    one = field(key)
    return one if one is not None and one.file else None


def may_name_a_file(key: str) -> bool:
    """Whether the value of a key, or of a key under a mapping of files, may be read as a path."""
    return _file_field(key) is not None


def is_token(value: object, kind: str | None = None) -> bool:
    """Whether something is written as the token of an upload (of one kind)."""
    return (
        isinstance(value, str)
        and _TOKEN.match(value) is not None
        and (kind is None or value.startswith(f"{kind}-"))
    )


def known(key: str, value: object, uploads: Container[str] = ()) -> str:
    """What may stand at a key that can name a file.

    Parameters
    ----------
    key : str
        One of :func:`file_keys`, or a key under one that is a mapping.
    value : object
        As the visitor wrote it: an id or alias of the catalog, or a token.
    uploads : container of str
        Tokens that are there.

    Returns
    -------
    str
        The id of the catalog's row, or the token: never what was written itself, so that a spelling that the
        catalog forgives (blanks, slashes) cannot reach the disk.

    Raises
    ------
    InputError
        No such name or upload: with the nearest name.
    """
    one = _file_field(key)
    assert one is not None, key
    if isinstance(value, str) and is_token(value, one.file):
        if value in uploads:
            return value
        raise InputError("this upload is not here any more", key=key, given=value, allowed="upload it again")
    text, near = value if isinstance(value, str) else "", None
    tables = (*filter(None, (one.table,)), *_MORE_TABLES.get(one.key, ()))
    words = _WORDS.get(one.key, ())
    if text in words:
        return text
    if 0 < len(text) <= _MOST_NAME and text.isprintable():
        for table in tables:
            try:
                row = catalog.entity(table, text)
            except InputError as error:
                near = near or error.nearest
                continue
            # a chip built here from a visitor's design is no name for others
            if not is_design_file(row.text("design")):
                return row.id
    named = [*words, *(["a name of the catalog"] if tables else [])]
    upload = f"an uploaded {one.file}" if one.file in KINDS else ""
    allowed = ", or ".join(filter(None, (", ".join(named), upload)))
    raise InputError(
        "no such name",
        key=key,
        given=value if isinstance(value, str | int | float) else type(value).__name__,
        allowed=allowed,
        nearest=near,
    )


def _flat(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def vetted(values: Mapping[str, Any], uploads: Container[str] = ()) -> dict[str, Any]:
    """Values of a scenario by dotted key, with every one that may name a file checked by :func:`known`.

    Sections within are taken apart, so that ``{"machine": {"chip": …}}`` is checked as ``machine.chip`` is;
    ``None`` (the key is taken away) stays.

    Raises
    ------
    InputError
        As :func:`known`.
    """
    found = dict(_flat(values))
    for key in filter(may_name_a_file, found):
        if found[key] is not None:
            found[key] = known(key, found[key], uploads)
    return found


def confirm(loaded: LoadedScenario, uploads: Container[str] = ()) -> LoadedScenario:
    """The scenario as it was read, if each file that it names is known; the last look before it is computed.

    :func:`vetted` looks at what was written, this at what it was read as.

    Raises
    ------
    InputError
        As :func:`known`, or where a value is not the id that stands for it.
    """
    for key in sorted(file_keys()):
        given: Any = loaded.scenario
        for name in key.split("."):
            given = getattr(given, name, None)
        for value in given.values() if isinstance(given, Mapping) else (given,):
            if value is not None and known(key, value, uploads) != value:
                near = known(key, value, uploads)
                raise InputError("not the name itself", key=key, given=value, nearest=near)
    return loaded
