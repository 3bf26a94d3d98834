"""A rate of requests as text: ``20/s``, ``72k/h``."""

from __future__ import annotations

import re

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import parse

__all__ = ["read_rate"]

_PER = re.compile(r"^\s*([+-]?[\d.,_]+(?:[eE][+-]?\d+)?)\s*([kM]?)\s*(?:req(?:uest)?s?)?\s*/\s*([a-z]+)\s*$")
_PREFIX = {"": 1.0, "k": 1e3, "M": 1e6}


def read_rate(text: str, key: str = "rate") -> float:
    """Requests a second from text: ``20/s``, ``20 requests/s``, ``72k/h``.

    Raises
    ------
    InputError
        Not a rate, or nothing a second.
    """
    match = _PER.match(text)
    example = "such as '20/s'"
    if match is None:
        bare = re.fullmatch(r"\s*[\d.,_]+\s*", text)
        message = "the unit is missing" if bare else "not a rate of requests"
        raise InputError(message, key=key, given=text, allowed=f"a number a second, {example}")
    try:
        found = parse(f"{match[1]} 1/{match[3]}", "1/s", example="20/s") * _PREFIX[match[2]]
    except InputError as error:
        error.given = text
        raise error.at(key=key) from None
    if not found > 0.0:
        raise InputError("out of range", key=key, given=text, allowed=f"more than 0, {example}")
    return found
