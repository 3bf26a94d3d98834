"""What was typed after ``gigawatt``, for the report that says how it is made anew."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

__all__ = ["remember", "typed"]

_WORDS: ContextVar[tuple[str, ...]] = ContextVar("typed", default=())


def remember(words: Sequence[str]) -> None:
    """Keep the words of this call."""
    _WORDS.set(tuple(words))


def typed() -> tuple[str, ...]:
    """The words of this call; none where nothing was typed."""
    return _WORDS.get()
