"""Kinds of sessions: turns, lengths and think times, as rows of the catalog's ``sessions`` or in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.catalog import entity, table
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.quantities import parse
from gigawatt.serving.lengths import Lengths, constant_lengths, read_lengths
from gigawatt.serving.requests import Requests
from gigawatt.serving.sessions import SESSION_BLOCK, Sessions, conversations, in_order, whole_sessions

__all__ = ["SessionKind", "draw_sessions", "list_session_kinds", "read_session_kind"]

_TEXTS = ("turns", "first", "new", "output", "think")
_NUMBERS = ("common", "block")
_EXAMPLE = (
    "such as 'codex-swe-bench', 'chat; think=30 s' or 'turns=5; first=1000; new=200; output=300; think=20 s'"
)


@dataclass(frozen=True)
class SessionKind:
    """A kind of session.

    Attributes
    ----------
    name : str
        Of the row, with what was changed.
    turns, first, new, output : Lengths
        Turns of a session; tokens of its first prompt, those that each later turn adds, those of answers.
    think : Lengths [s]
        From the last token of an answer to the next turn.
    common : int [token]
        That first prompts of all sessions begin with.
    block : int [token]
        Of a block of prefixes.
    row : str
        Of the catalog; empty where all is given in words.
    """

    name: str
    turns: Lengths
    first: Lengths
    new: Lengths
    output: Lengths
    think: Lengths
    common: int
    block: int
    row: str = ""


def list_session_kinds() -> tuple[str, ...]:
    """Ids of the kinds of sessions in the catalog."""
    return tuple(table("sessions"))


def read_session_kind(text: str) -> SessionKind:
    """A kind of sessions: a row of the catalog's ``sessions``, or words ``key=value`` between semicolons,
    which also replace values of a row: ``codex-swe-bench; turns=8; think=30 s``.

    Raises
    ------
    InputError
        No such row or key, a value that cannot be read, a key that is missing.
    """
    head, *rest = (part.strip() for part in text.split(";"))
    name = "" if "=" in head and "(" not in head.partition("=")[0] else head
    words = [part for part in (rest if name else [head, *rest]) if part]
    values: dict[str, str] = {}
    row = ""
    if name:
        found = _row(name)
        row = found.id
        values = {key: found.text(key) for key in _TEXTS}
        values |= {key: f"{found.value(key):.0f}" for key in _NUMBERS}
    for word in words:
        key, sign, value = (part.strip() for part in word.partition("="))
        if not sign or key not in (*_TEXTS, *_NUMBERS):
            known = (*_TEXTS, *_NUMBERS)
            raise InputError(
                "no such property of sessions", key="sessions", given=word, allowed=known,
                nearest=nearest(key, known),
            )  # fmt: skip
        values[key] = value
    missing = [key for key in _TEXTS if key not in values]
    if missing:
        raise InputError(f"{missing[0]} is missing", key="sessions", given=text, allowed=_EXAMPLE)
    drawn = {key: _lengths(key, values[key]) for key in _TEXTS}
    common, block = (
        _tokens(key, values[key]) if key in values else usual
        for key, usual in (("common", 0), ("block", SESSION_BLOCK))
    )
    name = "; ".join((row, *words)) if row else "; ".join(words)
    return SessionKind(name, **drawn, common=common, block=block, row=row)


def _row(name: str):
    try:
        return entity("sessions", name)
    except InputError:
        known = list_session_kinds()
        raise InputError(
            "no such kind of sessions",
            key="sessions",
            given=name,
            allowed=known,
            nearest=nearest(name, known),
        ) from None


def _lengths(key: str, text: str) -> Lengths:
    try:
        if key == "think" and "(" not in text:
            seconds = parse(text if any(c.isalpha() for c in text) else f"{text} s", "s", example="30 s")
            return _constant_time(seconds, text)
        return read_lengths(text)
    except InputError as error:
        raise error.at(key=f"sessions, {key}") from None


def _constant_time(seconds: float, text: str) -> Lengths:
    if not 0.0 <= seconds < np.inf:
        raise InputError("not a think time", given=text, allowed="0 s or more")
    return Lengths("lognormal", median=float(seconds), sigma=0.0)


def _tokens(key: str, text: str) -> int:
    try:
        return 0 if key == "common" and text.strip() == "0" else constant_lengths(tokens=int(text)).low
    except (ValueError, InputError):
        raise InputError(
            "not a number of tokens", key=f"sessions, {key}", given=text, allowed="a whole number from 1"
        ) from None


def draw_sessions(
    kind: SessionKind, *, arrival: NDArray[np.float64], longest: int | None = None, seed: int = 0
) -> tuple[Requests, int]:
    """(requests of sessions that start at ``arrival`` (S,) [s], turns left out).

    A turn whose prompt and output exceed ``longest`` tokens, and those after it, are left out. Turns,
    lengths and think times come from streams of their own.
    """
    streams = [np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(5)]
    count = kind.turns.draw(len(arrival), streams[0])
    number, ends = int(count.sum()), np.cumsum(count)
    start = np.repeat(ends - count, count)
    place = np.arange(number)
    turn = place - start
    first = np.repeat(np.maximum(kind.first.draw(len(arrival), streams[1]), 1), count)
    added = np.where(turn == 0, first, kind.new.draw(number, streams[2]))
    output = kind.output.draw(number, streams[3])
    think = np.where(turn == 0, 0.0, kind.think.sample(number, streams[4]))
    prompt = _within(added, start) + _within(output, start) - output
    previous = np.where(turn == 0, -1, place - 1)
    nominal = np.repeat(arrival, count) + _within(think, start)
    at, identities, common = conversations(
        previous, prompt, output, block_tokens=kind.block, common=kind.common
    )
    sessions = Sessions(previous, think, at, identities, kind.block, common)
    order, sessions = in_order(nominal, sessions)
    made = Requests(nominal[order], prompt[order], output[order], sessions=sessions)
    if longest is None:
        return made, 0
    kept = whole_sessions(sessions, made.prompt + made.output <= longest)
    return (made if len(kept) == number else made.turns(kept)), number - len(kept)


def _within(values: NDArray[Any], start: NDArray[np.int64]) -> NDArray[Any]:
    """Sums from the first turn of the session on, (N,)."""
    total = np.cumsum(values)
    return total - (total - values)[start]
