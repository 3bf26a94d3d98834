"""A scorecard as a document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gigawatt.core.document import Again, Document, Grid, Points, Section
from gigawatt.faces.report.parts import facts_of, rows_grid
from gigawatt.faces.terminal.console import number

__all__ = ["NOTES", "card_document", "read_notes"]

NOTES = "notes.json"
"""Its name in a folder: headings of the card's own tables, and lines that stand below the numbers."""
_FIGURES = ("n", "refused", "mape", "median_ape", "p90_ape", "bias", "coverage90", "coverage80")
_CHECK = ("part", "what", "ours", "published", "unit", "error", "tolerance", "ok")
_WORDS = frozenset(("part", "metric", "source", "accelerator", "use", "role", "counted", "what", "operation",
                    "device", "format", "part_of", "quantity", "kind", "boundary", "derived"))  # fmt: skip
"""Keys of groups whose words stand in the group's name already."""
_SHARES = frozenset(
    (
        "mape", "median_ape", "p90_ape", "bias", "coverage90", "baseline_mape", "median", "p90",
        "median_error", "median_as_used", "p90_as_used", "benchmark", "step", "measured", "kept", "error",
        "tolerance", "within25", "coverage80", "below5", "above95", "crps", "crps_point",
    )
)  # fmt: skip
_TENTH = re.compile("to_\\d+")
"""Columns of a histogram."""
Data = Mapping[str, Any]


def read_notes(folder: Path) -> dict[str, Any]:
    """``titles`` and ``notes`` of a stored card; raises ``OSError`` or ``ValueError`` where it has none."""
    return json.loads((folder / NOTES).read_text(encoding="utf-8"))


def card_document(answer: Data, again: Again, more: Any = None) -> Document:
    """The checks and groups of a scorecard with their errors, the whole last; what was refused and why.

    ``more`` has ``titles``: headings of the keys that are tables to show as well, and ``notes``.
    """
    about: Data = more or {}
    checks = "checks" in answer
    parts = (_checks(answer["checks"]), _groups(answer)) if checks else (_groups(answer),)
    parts += tuple(
        _grid(title, list(answer[key][0]), [tuple(line.values()) for line in answer[key]])
        for key, title in about.get("titles", {}).items()
        if answer[key]
    )
    sections = [Section("card", "Errors", parts)]
    if answer["refused_reasons"]:
        first = answer.get("refused_first", {})
        reasons = tuple(
            f"{count:>4} {reason}" + (f" (first: {first[reason]})" if first.get(reason) else "")
            for reason, count in answer["refused_reasons"].items()
        )
        sections.append(Section("refused", "Refused", (Points(reasons),)))
    return Document(
        f"Scorecard of {answer['table']}",
        "",
        (" ".join((_summary(answer), *about.get("notes", ()))),),
        again,
        sections=tuple(sections),
        facts=facts_of(again),
        short=tuple(one.key for one in sections),
    )


def _summary(answer: Data) -> str:
    fitted = answer["parameters_fitted"]
    counts = f"{answer['rows']:,} rows: {answer['predicted']:,} predicted, {answer['refused']:,} refused"
    counts += f"; {fitted:,} parameters fitted" if fitted is not None else ""
    return counts + ("." if "checks" in answer else "; errors are (predicted - measured) / measured.")


def _checks(checks: Sequence[Data]) -> Grid:
    rows = [tuple(_verdict(one) if key == "ok" else one[key] for key in _CHECK) for one in checks]
    return _grid("Checks against what was published.", _CHECK, rows)


def _verdict(check: Data) -> str:
    if not check["ok"]:
        return "no"
    return "yes, fitted" if check["fitted"] else "yes"


def _groups(answer: Data) -> Grid:
    groups = answer["groups"]
    names = [key for key in (groups[0] if groups else {}) if key not in _WORDS and key != "group"]
    columns = (
        "group",
        *(key for key in _FIGURES if key in names),
        *(key for key in names if key not in _FIGURES),
    )
    columns = tuple(
        key for key in columns if key == "group" or any(one.get(key) is not None for one in groups)
    )
    total = {"group": "all", **answer["overall"], **{key: answer[key] for key in columns if key in answer}}
    return _grid("By group.", columns, [tuple(one.get(key) for key in columns) for one in (*groups, total)])


def _grid(caption: str, columns: Sequence[str], lines: Sequence[Sequence[Any]]) -> Grid:
    rows = [[_cell(name, value) for name, value in zip(columns, line, strict=True)] for line in lines]
    return rows_grid(caption, [name.replace("_", " ") for name in columns], rows)


def _cell(name: str, value: str | int | float | None) -> str:
    """A value of a column: shares in percent, four digits, nothing for what is not known."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, (str, bool)):
        return str(value)
    return f"{100 * value:.1f} %" if name in _SHARES or _TENTH.fullmatch(name) else number(value)
