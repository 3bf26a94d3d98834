"""Fields of a scenario as typed after ``--set``: ``economics.chip_life=5 years``."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from gigawatt.schema.fields import field

__all__ = ["read_setting", "read_settings"]

_LISTS = ("names", "columns")
"""Kinds of fields that hold several names."""
_MAPPINGS = ("powers", "files", "prices", "settings")
"""Kinds of fields that hold values by name."""
_WORDS = ("name", "choice", "quantity", "path", "batch", "demand", "dates")
"""Kinds whose value is the text itself: to YAML ``2:4`` would be a number of minutes."""


def read_setting(key: str, text: str) -> object:
    """The value as a file has it; lists with ``+`` or commas between, ``null`` takes the field away."""
    found = field(key)
    kind = found.kind if found is not None else ""
    if kind in _LISTS:
        return [part.strip() for part in text.strip("[] ").replace(",", "+").split("+")]
    if kind == "path" and ":" in text:
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:  # no value of YAML: the field's own reader says what it is not
        return text
    if value is None or (kind in _MAPPINGS and isinstance(value, dict)):
        return value
    if kind in _WORDS and not isinstance(value, str):
        return value if _plain(value, text) else text
    return value if isinstance(value, int | float | str | list) else text


def _plain(value: object, text: str) -> bool:
    """Whether YAML's number is the one that is written."""
    try:
        return float(text) == value
    except ValueError:
        return False


def read_settings(pairs: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Values of some fields by name."""
    return {key: read_setting(key, text) for key, text in pairs}
