"""The demand of a service as text: requests (``20/s``, ``72k/h``), output tokens (``1M tokens/s``), users."""

from __future__ import annotations

import re

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import in_symbols, parse

__all__ = ["read_demand", "read_rate"]

_NUMBER = r"^\s*([+-]?[\d.,_]+(?:[eE][+-]?\d+)?)\s*([kKMGBT]?)\s*"
_PER = re.compile(
    _NUMBER + r"(?:req(?:uest)?s?|quer(?:y|ies)|prompts?|calls?)?\s*(?:/\s*([a-z]+)|[rq]p([sm]))\s*$"
)
_USERS = re.compile(_NUMBER + r"(?:daily\s+)?users?(?:\s+(?:at|x|×)\s+(.+?))?\s*$")
_PREFIX = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}
_OF_A_RATE = {"s": "s", "m": "min"}
"""``rps``, ``qps``, ``rpm``."""
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

    ``20 requests/s``, ``20/s``, ``50 rps``, ``10 million requests a day``, or output tokens:
    ``1M tokens/s``, ``1 billion tokens a day``, or users: ``100k users``, each with the usual requests,
    ``100k users at 5 requests a day``.

    Raises
    ------
    InputError
        None of them, nothing a second or more than 1e15.
    """
    users = _USERS.match(in_symbols(text))
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
    match = _PER.match(in_symbols(text))
    if match is None:
        bare = re.fullmatch(_NUMBER + "$", in_symbols(text))
        message = "the unit is missing" if bare else "not a rate of requests"
        raise InputError(message, key=key, given=text, allowed=f"a number a second, {_EXAMPLE}")
    try:
        return (
            parse(f"{match[1]} 1/{match[3] or _OF_A_RATE[match[4]]}", "1/s", example="20/s")
            * _PREFIX[match[2]]
        )
    except InputError as error:
        error.given = text
        raise error.at(key=key) from None
