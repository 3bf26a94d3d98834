"""What a stored functional run says of a substrate: its quality, and what it counted, for the cost."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt import catalog
from gigawatt.catalog.loader import Entity, table
from gigawatt.technology.substrate import Statistics

__all__ = ["TABLE", "Measured", "carried", "measured"]

TABLE = "technologies_measured"
_SMALL = "smollm2-135m"
_QUALITY = frozenset(
    (
        "perplexity", "base", "low", "high", "ratio", "ratio_low", "ratio_high",
        "seeds", "windows", "length", "calibration", "processor_time",
    )
)  # fmt: skip
"""Numbers of a stored row that say what came out and how it was run; all others were counted in the run."""


@dataclass(frozen=True)
class Measured:
    """What a stored functional run says of a substrate: ``ratio`` of perplexities with its range.

    1: nothing lost. ``low`` and ``high`` bound the ratio.
    """

    model: str
    perplexity: float
    base: float
    ratio: float
    low: float
    high: float
    grade: str
    statistics: Statistics


def measured(substrate: str, model: str = _SMALL) -> Measured | None:
    """The stored run of a substrate on the small model, ``None`` where nobody ran it."""
    if TABLE not in catalog.tables():
        return None
    for row in table(TABLE).values():
        same = row.text("substrate", row.id) == substrate and row.text("model", _SMALL) == model
        if same and "perplexity" in row.numbers and "base" in row.numbers:
            return _measured(row)
    return None


def _measured(row: Entity) -> Measured:
    number, base = row.evidence("perplexity"), row.value("base")
    bounds = [row.get(name, number.value) or number.value for name in ("low", "high")]
    return Measured(
        model=row.text("model", _SMALL),
        perplexity=number.value,
        base=base,
        ratio=row.get("ratio") or number.value / base,
        low=row.get("ratio_low") or bounds[0] / base,
        high=row.get("ratio_high") or bounds[1] / base,
        grade=number.grade.label,
        statistics={name: row.value(name) for name in row.numbers if name not in _QUALITY},
    )


def carried(quality: Measured, model: str) -> Statistics:
    """What a run counted that holds for another model too: bits with scales follow its own widths instead."""
    if model == quality.model:
        return quality.statistics
    return {name: value for name, value in quality.statistics.items() if not name.endswith("_bits")}
