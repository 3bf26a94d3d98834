"""Published numbers beside ours, as words and as a table, and the rows of the catalog that were read.

A command that writes such a report keeps the comparison in ``published.json`` beside the answer, so that a
report made anew from the folder computes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Grid, Section, Text
from gigawatt.core.evidence import Assumption
from gigawatt.faces.figures.readable import significant
from gigawatt.faces.report.parts import facts_of, rows_grid
from gigawatt.faces.report.trust import assumption_grid, read_assumptions, source_grid

__all__ = ["FILE", "held_section", "held_words", "published", "published_text", "rest", "rows_words"]

FILE = "published.json"
_ALIKE = 5e-4
"""Share below which two numbers read alike."""

_LEAST = 1e-5
"""Share below which a tolerance is only said to be small."""

Rows = Sequence[Mapping[str, Any]]


def published_text(rows: Rows) -> str:
    """What ``published.json`` holds."""
    return json.dumps(list(rows), indent=1, allow_nan=False) + "\n"


def published(folder: Path) -> Rows:
    """What a folder holds of it; rows of version 0.1 say ``passes`` for ``ok``."""
    rows = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return [{**row, "ok": row["ok"] if "ok" in row else row["passes"]} for row in rows]


def _judging(rows: Rows) -> list[Mapping[str, Any]]:
    return [row for row in rows if not row["fitted"]]


def _off(row: Mapping[str, Any]) -> str:
    """How far ours is off, as a share of the published number."""
    if row["published"] == 0.0:
        return "0 %" if row["ours"] == 0.0 else "above 0"
    share = row["error"]
    return "0 %" if abs(share) < _ALIKE else f"{'+' if share > 0 else '−'}{significant(100 * abs(share))} %"


def _number(value: float, unit: str) -> str:
    """Energies of molecules to the digits that are compared, the rest as a person reads it."""
    text = f"{value:.6f}" if unit == "Ha" else significant(value, 5)
    return text.replace("-", "−") if value < 0.0 else text


def _allowed(share: float) -> str:
    if not share:
        return "none"
    return "under 0.001 %" if share < _LEAST else f"{significant(100 * share)} %"


def held_words(rows: Rows, what: str) -> str:
    """How far off: how many published numbers of ``what`` ours are near to, and the one that is furthest."""
    judging = _judging(rows)
    if not judging:
        return ""
    passed = sum(bool(row["ok"]) for row in judging)
    text = (
        f"Uncertainty: of {len(judging)} published {'number' if len(judging) == 1 else 'numbers'} of {what} "
        f"that nothing here was made from, {passed} {'is' if passed == 1 else 'are'} met within "
        f"{'its' if passed == 1 else 'their'} tolerance"
    )
    furthest = max(judging, key=lambda row: abs(row["error"]))
    if abs(furthest["error"]) < _ALIKE or furthest["published"] == 0.0:
        return f"{text}."
    return f"{text}; the furthest off is {furthest['what']}, by {_off(furthest)}."


def held_section(rows: Rows, what: str, note: str = "") -> tuple[Section, ...]:
    """The same as a section with a table; nothing without rows."""
    if not rows:
        return ()
    judging = _judging(rows)
    passed = sum(bool(row["ok"]) for row in judging)
    caption = (
        f"Published numbers of {what} beside ours: {passed} of {len(judging)} that judge are met within "
        "their tolerance."
    )
    grid: Grid = rows_grid(
        caption,
        ("what", "ours", "published", "unit", "off by", "allowed", "verdict", "published by"),
        [
            (
                row["what"], _number(row["ours"], row["unit"]), _number(row["published"], row["unit"]),
                "" if row["unit"] == "1" else row["unit"], _off(row),
                _allowed(row["tolerance"]),
                "made from it" if row["fitted"] else "met" if row["ok"] else "fails", row["source"],
            )
            for row in rows
        ],
    )  # fmt: skip
    parts = (grid, Text(note)) if note else (grid,)
    return (Section("published", "Uncertainty", parts),)


def rows_words(answer: Mapping[str, Any]) -> str:
    """How many rows of the catalog were read, and how well the weakest of them are known."""
    rows = answer["rows"]
    read, guesses = rows["read"], rows["guesses"]
    if not read:
        return "No row of the catalog was read."
    if not guesses:
        end = f"the weakest of them {'is' if read == 1 else 'are'} graded {rows['weakest']}"
    elif guesses == 1:
        end = "1 of them is a guess"
    else:
        end = f"{guesses:,} of them are guesses"
    return f"It rests on {read:,} {'row' if read == 1 else 'rows'} of the catalog; {end}."


def rest(answer: Mapping[str, Any], again: Again) -> dict[str, Any]:
    """``assumptions``, ``sources`` and ``facts`` of a document whose answer says which rows were read."""
    assumptions: tuple[Assumption, ...] = read_assumptions(answer["assumptions"])
    rows = answer["rows"]
    caption = (
        f"Assumptions: values that were not given, and the guesses among the {rows['read']:,} rows of "
        f"the catalog that were read ({rows['guesses']:,} rows; those that say the same stand together)."
    )
    return {
        "assumptions": assumption_grid(assumptions, caption) if assumptions else None,
        "sources": source_grid(rows["sources"], assumptions),
        "facts": facts_of(
            again, ("rows of the catalog", f"{rows['read']:,}"), ("weakest grade", rows["weakest"])
        ),
    }
