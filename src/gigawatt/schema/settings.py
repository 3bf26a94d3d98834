"""Fields of a question as they are typed after ``--set``: ``economics.chip_life=5 years``."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from gigawatt.schema.fields import field

__all__ = ["read_setting", "read_settings"]

_LISTS = ("names", "columns")
"""Kinds of fields that hold several names."""


def read_setting(key: str, text: str) -> object:
    """The value as YAML reads it; lists with ``+`` or commas between, ``null`` takes the field away."""
    found = field(key)
    if found is not None and found.kind in _LISTS:
        return [part.strip() for part in text.strip("[] ").replace(",", "+").split("+")]
    value = yaml.safe_load(text)
    return value if value is None or isinstance(value, int | float | str | list) else text


def read_settings(pairs: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Values of some fields by name."""
    return {key: read_setting(key, text) for key, text in pairs}
