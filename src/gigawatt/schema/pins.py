"""Words for the numbers in the columns of a layout, for scenarios and plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, nearest
from gigawatt.performance.layouts import COLUMNS, RECOMPUTE, SCHEDULES

__all__ = ["OFFLOAD", "RARE", "SHARD_ALL", "WORDS", "read_pins", "read_widen", "word_of"]

OFFLOAD = ("none", "optimizer", "all")
"""What lies in the host's memory, by the number that stands in a layout: nothing, the optimizer's state,
activations as well."""
SHARD_ALL = "all"
"""ZeRO shares over every rank of data · context: 0 in a layout."""
RARE = ("schedule", "shard", "offload")
"""Columns that are searched only on request."""

WORDS: Mapping[str, Mapping[str, int]] = {
    "recompute": {name: i for i, name in enumerate(RECOMPUTE)},
    "schedule": {name: i for i, name in enumerate(SCHEDULES)},
    "offload": {name: i for i, name in enumerate(OFFLOAD)},
    "shard": {SHARD_ALL: 0},
    "sequence_parallel": {"no": 0, "yes": 1, "false": 0, "true": 1},
}
"""Column → word → number; the columns that are not here are plain numbers."""


def read_pins(pins: Mapping[str, str | int]) -> dict[str, int]:
    """Layout columns pinned by words or numbers: ``{"recompute": "full", "tensor": 8}``.

    Raises
    ------
    InputError
        No such column, or no such word.
    """
    found: dict[str, int] = {}
    for key, value in pins.items():
        check_word("pin", key, COLUMNS, "no such layout column")
        words = WORDS.get(key, {})
        text = str(value).strip().lower()
        if text in words:
            found[key] = words[text]
            continue
        try:
            found[key] = int(text)
        except ValueError:
            names = [*words, *(["a whole number"] if key == "shard" or not words else [])]
            raise InputError(
                "not a degree" if not words or key == "shard" else "unknown value",
                key=key,
                given=text,
                allowed=names,
                nearest=nearest(text, words),
            ) from None
    return found


def read_widen(names: Iterable[str]) -> tuple[str, ...]:
    """Columns to search as well, by name; ``all`` is every rare one.

    Raises
    ------
    InputError
        A column that is always searched, or none.
    """
    given = tuple(name.strip().lower().replace("-", "_") for name in names)
    for name in given:
        if name not in (*RARE, "all"):
            always = "this column is always searched" if name in COLUMNS else "no such column to widen over"
            raise InputError(
                always, key="widen", given=name, allowed=(*RARE, "all"), nearest=nearest(name, RARE)
            )
    return RARE if "all" in given else tuple(name for name in RARE if name in given)


def word_of(column: str, number: int) -> str:
    """The word of a number in a column, or the number itself."""
    words = {value: word for word, value in reversed(list(WORDS.get(column, {}).items()))}
    return words.get(int(number), str(int(number)))
