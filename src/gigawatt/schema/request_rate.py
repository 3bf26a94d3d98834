"""The demand of a service as text: requests (``20/s``, ``72k/h``), output tokens (``1M tokens/s``), users."""

from __future__ import annotations

import re

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import parse

__all__ = ["read_demand", "read_rate"]

_PER = re.compile(r"^\s*([+-]?[\d.,_]+(?:[eE][+-]?\d+)?)\s*([kM]?)\s*(?:req(?:uest)?s?)?\s*/\s*([a-z]+)\s*$")
_USERS = re.compile(
    r"^\s*([\d.,_]+(?:[eE][+-]?\d+)?)\s*(k|K|M|thousand|million|billion)?\s*users?(?:\s+(?:at|x|×)\s+(.+?))?\s*$"
)
_PREFIX = {
    "": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "thousand": 1e3, "million": 1e6, "billion": 1e9,
}  # fmt: skip
_EXAMPLE = "such as '20/s'"
_MOST = 1e15
"""Requests or tokens a second of a demand at most."""
_PEOPLE = 1e10
"""Users at most: more than there are people."""


def read_rate(text: str, key: str = "rate") -> float:
    """Requests a second from text: ``20/s``, ``20 requests/s``, ``72k/h``.

    Raises
    ------
    InputError
        Not a rate, or nothing a second.
    """
    found = _rate(text, key)
    if not found > 0.0:
        raise InputError("out of range", key=key, given=text, allowed=f"more than 0, {_EXAMPLE}")
    return found


def read_demand(text: str, key: str = "demand") -> tuple[str, float]:
    """A demand from text: (``"request"`` or ``"token"``, how many a second), or (``"user"``, how many).

    ``20 requests/s``, ``20/s``, ``72k/h``, or output tokens: ``1M tokens/s``, ``1G tokens/day``, or users:
    ``100k users``, each with the usual requests, ``100k users at 5 requests/day``.

    Raises
    ------
    InputError
        None of them, nothing a second or more than 1e15.
    """
    users = _USERS.match(text)
    if users is not None:
        try:
            number = parse(f"{users[1]} 1/s", "1/s", example="100k users") * _PREFIX[users[2] or ""]
        except InputError as error:
            error.given = text
            raise error.at(key=key) from None
        if not 0.0 < number <= _PEOPLE:
            raise InputError("out of range", key=key, given=text, allowed="above 0, at most 1e10 users")
        return ("user", number) if users[3] is None else ("request", number * read_rate(users[3], key))
    counted = "token" if "token" in text else "request"
    try:
        found = parse(text, "token/s", example="1M tokens/s") if counted == "token" else _rate(text, key)
    except InputError as error:
        allowed = '"2000 requests/s", "1M tokens/s" (output) or "100k users"'
        raise InputError(error.message, key=key, given=text, allowed=allowed) from None
    if not 0.0 < found <= _MOST:
        raise InputError("out of range", key=key, given=text, allowed=f"above 0, at most {_MOST:g}")
    return counted, found


def _rate(text: str, key: str) -> float:
    match = _PER.match(text)
    if match is None:
        bare = re.fullmatch(r"\s*[\d.,_]+\s*[kM]?\s*", text)
        message = "the unit is missing" if bare else "not a rate of requests"
        raise InputError(message, key=key, given=text, allowed=f"a number a second, {_EXAMPLE}")
    try:
        return parse(f"{match[1]} 1/{match[3]}", "1/s", example="20/s") * _PREFIX[match[2]]
    except InputError as error:
        error.given = text
        raise error.at(key=key) from None
