"""Names as people write them: without regard to case and marks, or by their beginning alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["begins_one", "plain_name"]


def begins_one(key: str, names: Mapping[str, str]) -> str | None:
    """The only entry one of whose ``names`` begins with the words of ``key``: ``qwen3-235b`` of
    ``qwen3-235b-a22b``; ``None`` where none or several do."""
    begun = _words(key)
    found = {name for alias, name in names.items() if _words(alias)[: len(begun)] == begun} if begun else ()
    return next(iter(found)) if len(found) == 1 else None


def _words(text: str) -> list[str]:
    """The words of a name, apart at blanks and marks; a point stays."""
    return re.findall(r"[a-z0-9.]+", text.lower())


def plain_name(text: str) -> str:
    """A name without case and marks, as aliases are compared; a point stays: 1.3b is not 13b."""
    return "".join(c for c in text.lower() if c.isalnum() or c == ".")
