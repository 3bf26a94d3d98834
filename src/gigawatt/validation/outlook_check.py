"""Checks of the outlook whose target is a range, or a side, rather than a number."""

from __future__ import annotations

from gigawatt.catalog import entity
from gigawatt.evidence import Evidence
from gigawatt.validation.check import Check

__all__ = ["PUBLISHED", "at_least", "at_most", "beside", "published", "within"]

PUBLISHED = "hindcast_published"


def published(case: str, quantity: str) -> Evidence:
    """The row of a published number or target."""
    return entity(PUBLISHED, case).evidence(quantity)


def _source(row: Evidence, note: str) -> str:
    return ", ".join(part for part in (row.source_id, row.locator, row.note, note) if part)


def beside(
    part: str, what: str, ours: float, row: Evidence, *, tolerance: float, unit: str = "1", scale: float =
    1.0, note: str = "", fitted: bool = False,
) -> Check:  # fmt: skip
    """Ours beside a published number, within a share ``tolerance``; ``scale`` brings the row to ``unit``."""
    return Check(part, what, ours, row.value / scale, unit, tolerance, _source(row, note), fitted)


def within(
    part: str, what: str, ours: float, row: Evidence, *, unit: str = "1", note: str = "", fitted: bool = False
) -> Check:
    """Ours beside a published range: it passes between the row's ``low`` and ``high``."""
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    reach = high - row.value if ours >= row.value else row.value - low
    told = f"passes from {low:.4g} to {high:.4g}"
    return Check(
        part,
        what,
        ours,
        row.value,
        unit,
        reach / row.value,
        _source(row, f"{told}; {note}".rstrip("; ")),
        fitted,
    )


def at_least(part: str, what: str, ours: float, limit: float, source: str, *, unit: str = "1") -> Check:
    """By how much ours lacks ``limit``: passes at 0."""
    return Check(
        part,
        f"{what}: lacking to {limit:.4g} (ours {ours:.3g})",
        max(0.0, limit - ours),
        0.0,
        unit,
        0.0,
        source,
    )


def at_most(part: str, what: str, ours: float, limit: float, source: str, *, unit: str = "1") -> Check:
    """By how much ours exceeds ``limit``: passes at 0."""
    return Check(
        part, f"{what}: above {limit:.4g} (ours {ours:.3g})", max(0.0, ours - limit), 0.0, unit, 0.0, source
    )
