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
from dataclasses import dataclass
from typing import Any

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.machine.chip.parts import is_design_file
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["MOST_BYTES", "FileKey", "confirm", "file_keys", "is_token", "known", "vetted"]

KINDS: Mapping[str, tuple[str, ...]] = {
    "model": (".json",),
    "chip": (".yaml",),
    "trace": (".csv",),
    "weather": (".csv", ".epw", ".tmy3"),
    "scenario": (".yaml",),
}
"""What can be uploaded, and the endings that its file is kept under; the first is the usual one."""
MOST_BYTES: Mapping[str, int] = {
    "model": 512 * 2**10,
    "chip": 64 * 2**10,  # YAML is read slowly
    "trace": 2_080_000,  # with the form around it within what a request may hold
    "weather": 2_080_000,
    "scenario": 64 * 2**10,
}
"""The most that a file of a kind may hold."""
_ENDINGS = "|".join(
    f"{kind}-[0-9a-f]{{16}}(?:{'|'.join(map(re.escape, endings))})" for kind, endings in KINDS.items()
)
_MOST_NAME = 255
_TOKEN = re.compile(rf"(?:{_ENDINGS})\Z")


@dataclass(frozen=True)
class FileKey:
    """A key whose value is read as a file: by whom, which tables hold its names, which upload it takes."""

    reader: str
    tables: tuple[str, ...]
    kind: str


_FILE_KEYS: Mapping[str, FileKey] = {
    "model": FileKey("chain.leaves.beside, workload.read_architecture", ("models",), "model"),
    "machine.chip": FileKey("chain.leaves.beside, machine.load_chip", ("chips", "chip_designs"), "chip"),
    "serving.trace": FileKey("chain.serving.leaves.beside, serving.read_trace", ("traces",), "trace"),
    "site.weather": FileKey("chain.leaves.beside, facility.load_weather", (), "weather"),
}


def file_keys() -> frozenset[str]:
    """Dotted keys of a scenario whose value may be read as the path of a file."""
    return frozenset(_FILE_KEYS)


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
        One of :func:`file_keys`.
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
    one = _FILE_KEYS[key]
    if isinstance(value, str) and is_token(value, one.kind):
        if value in uploads:
            return value
        raise InputError("this upload is not here any more", key=key, given=value, allowed="upload it again")
    text, near = value if isinstance(value, str) else "", None
    if 0 < len(text) <= _MOST_NAME and text.isprintable():
        for table in one.tables:
            try:
                row = catalog.entity(table, text)
            except InputError as error:
                near = near or error.nearest
                continue
            # a chip built here from a visitor's design is no name for others
            if not is_design_file(row.text("design")):
                return row.id
    names = [name for table in one.tables for name in catalog.table(table)]
    raise InputError(
        "no such name",
        key=key,
        given=value if isinstance(value, str | int | float) else type(value).__name__,
        allowed=f"a name of the catalog, or an uploaded {one.kind}" if names else f"an uploaded {one.kind}",
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
    for key in _FILE_KEYS.keys() & found.keys():
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
    for key in _FILE_KEYS:
        value: Any = loaded.scenario
        for name in key.split("."):
            value = getattr(value, name, None)
        if value is not None and known(key, value, uploads) != value:
            raise InputError("not the name itself", key=key, given=value, nearest=known(key, value, uploads))
    return loaded
