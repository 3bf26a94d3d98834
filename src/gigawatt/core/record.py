"""How a study was made: its command, versions, and the files that it read, kept beside its answer."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.core.document import Again
from gigawatt.core.errors import InputError

__all__ = ["FILE", "again_of", "read_record", "study_record"]

FILE = "study.json"
"""Its name in the folder of a study."""
_SAME = frozenset({"-q", "--quiet", "--json"})
"""What only changes what is printed."""
_DIGITS = 12


def study_record(study: str, words: Sequence[str]) -> dict[str, Any]:
    """What makes an answer anew.

    Parameters
    ----------
    study : str
        Its name, such as ``outlook``.
    words : sequence of str
        What was typed after ``gigawatt``; empty where nobody typed.

    Returns
    -------
    dict
        ``study``, ``command`` (quoted as a shell reads it), ``gigawatt``, ``catalog``, ``python``, and
        ``inputs``: file → the first twelve digits of the SHA-256 of its text, of a result its scenario's.
    """
    kept = [word for word in words if word not in _SAME]
    inputs: dict[str, str] = {}
    for word in kept:
        for name in (word, word.partition("=")[2]):
            digest = _digest(Path(name)) if name else ""
            if digest:
                inputs[name] = digest
    return {
        "study": study,
        "command": shlex.join(["gigawatt", *(kept or [study])]),
        "gigawatt": __version__,
        "catalog": catalog.version(),
        "python": platform.python_version(),
        "inputs": inputs,
    }


def again_of(record: Mapping[str, Any]) -> Again:
    """How a study is reproduced, from its record."""
    return Again(
        command=record["command"],
        gigawatt=record["gigawatt"],
        catalog=record["catalog"],
        inputs=tuple(record["inputs"].items()),
    )


def _digest(path: Path) -> str:
    """Of a file's text, or the hash of a result's scenario; empty where it is neither."""
    try:
        if path.is_file():
            return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
        run = path / "run.json"
        if (path / "result.json").is_file() and run.is_file():
            return str(json.loads(run.read_text(encoding="utf-8")).get("scenario_hash", ""))
    except (OSError, ValueError, AttributeError):
        return ""
    return ""


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of a study's folder; ``None`` where there is none.

    Raises
    ------
    InputError
        One that is no such record.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        texts = [found[key] for key in ("study", "command", "gigawatt", "catalog", "python")]
        inputs = found["inputs"]
        if not all(isinstance(text, str) for text in [*texts, *inputs, *inputs.values()]):
            raise TypeError("a text is missing")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
        raise InputError("this record of a study cannot be read", file=file, given=str(error)) from None
    return found
