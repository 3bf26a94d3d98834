"""One published number of supply and building beside ours."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """``ours`` beside ``published``, both in ``unit``; it passes within ``tolerance`` (a share of published).

    ``part`` is ``resource``, ``plants``, ``costs``, ``PUE`` or ``plan``; ``source`` names who published it,
    a document and a place in it, or a library with its version; ``fitted``: our number was made from it.
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
        for name in ("ours", "published", "tolerance"):  # arrays' own numbers are no JSON
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def error(self) -> float:
        """Relative to the published number, signed."""
        if self.published == 0.0:
            return self.ours
        return self.ours / self.published - 1.0

    @property
    def passes(self) -> bool:
        """Whether it is within its tolerance."""
        return abs(self.error) <= self.tolerance
