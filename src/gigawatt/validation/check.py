"""One published number beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Check", "Told"]


@dataclass(frozen=True)
class Check:
    """``ours`` beside ``published``, both in ``unit``; it is ok within ``tolerance`` (a share of published).

    ``part`` is the group that it counts in; ``source`` names who published it, a document and a place in it,
    or a library with its version; ``fitted``: our number was made from it.
    """

    part: str
    what: str
    ours: float
    published: float
    unit: str
    tolerance: float
    source: str
    fitted: bool = False

    def __post_init__(self) -> None:
        for name in ("ours", "published", "tolerance"):  # numbers of numpy are no JSON
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def error(self) -> float:
        """Relative to the published number, signed; ours itself where nothing is the published number."""
        if self.published == 0.0:
            return self.ours
        return self.ours / self.published - 1.0

    @property
    def ok(self) -> bool:
        """Whether it is within its tolerance."""
        return abs(self.error) <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """The row of the scorecard's ``checks``; ``error`` is relative to the published number."""
        return {
            "part": self.part,
            "what": self.what,
            "ours": self.ours,
            "published": self.published,
            "unit": self.unit,
            "error": self.error,
            "tolerance": self.tolerance,
            "ok": self.ok,
            "fitted": self.fitted,
            "source": self.source,
        }


@dataclass(frozen=True)
class Told:
    """What a computation gives a check beside its value: words that follow ``what``, a note, a tolerance."""

    value: float
    words: str = ""
    note: str = ""
    tolerance: float | None = None
