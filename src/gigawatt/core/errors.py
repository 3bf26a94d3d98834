"""Errors as an interface: one line with file, line, key, what was given, what is allowed, the mend.

Every error that a user can cause derives from :class:`GigawattError`. The command line prints its
text and exits with ``exit_code``; nothing else is printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

__all__ = ["GigawattError", "InfeasibleError", "InputError", "MissingDataError", "nearest"]


_MOST_GIVEN = 300
"""Characters of an offending value that a message repeats."""


class GigawattError(Exception):
    """Base of all errors that a user's input can cause.

    Parameters
    ----------
    message : str
        What is wrong, in a few words, without a trailing full stop.
    file, line, key : optional
        Where it stands: path, 1-based line, dotted key.
    given : optional
        The offending value as it was written.
    allowed : optional
        What would be accepted: a sentence, or the options.
    nearest : str, optional
        The closest allowed spelling.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        key: str | None = None,
        given: object = None,
        allowed: str | Iterable[str] | None = None,
        nearest: str | None = None,
    ) -> None:
        self.message, self.file, self.line, self.key = message, file, line, key
        self.given, self.nearest = given, nearest
        self.allowed = allowed if allowed is None or isinstance(allowed, str) else ", ".join(allowed)
        super().__init__(message)

    def at(
        self, *, file: str | Path | None = None, line: int | None = None, key: str | None = None
    ) -> GigawattError:
        """Fill in where the error stands, keeping what is already known; returns itself."""
        self.file, self.line, self.key = self.file or file, self.line or line, self.key or key
        return self

    def __str__(self) -> str:
        place = "" if self.file is None else str(self.file)
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
        key = None if self.key is None else _short(self.key)
        head = ": ".join(part for part in (place, key, self.message) if part)
        tail: list[str] = []
        if self.given is not None:
            tail.append(f"given {_short(_written(self.given))}")
        if self.allowed is not None:
            tail.append(f"allowed: {self.allowed}")
        if self.nearest is not None:
            tail.append(f"did you mean {self.nearest!r}?")
        return " ".join("; ".join([head, *tail]).split())


def _written(given: object) -> str:
    """What was given as text; a whole number of more digits than Python writes (0xfff…) by its length."""
    try:
        return repr(given) if isinstance(given, str) else str(given)
    except ValueError:
        return f"a whole number of {given.bit_length():,} bits" if isinstance(given, int) else "a value"


def _short(text: str) -> str:
    """What was given, cut where nobody would read on."""
    return text if len(text) <= _MOST_GIVEN else f"{text[:_MOST_GIVEN]}… ({len(text):,} characters)"


class InputError(GigawattError):
    """Something that was typed cannot be read: a key, a unit, a name, a file."""


class MissingDataError(GigawattError):
    """A number that the question needs has no row in the catalog and none in the scenario."""


class InfeasibleError(GigawattError):
    """The question has no answer inside the limits given; the message names the limit and by how much."""


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option closest in spelling to ``word`` (case ignored), or ``None`` where none is close."""
    by_lower = {option.lower(): option for option in options}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
