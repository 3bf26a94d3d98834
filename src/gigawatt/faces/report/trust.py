"""What an answer rests on, as tables: assumptions with their grades, sources with their links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from gigawatt import catalog
from gigawatt.core.document import Cell, Grid
from gigawatt.core.evidence import Assumption, Grade, Source
from gigawatt.core.result import Result

__all__ = ["assumption_grid", "read_assumptions", "result_sources", "source_grid", "trust_words"]


def read_assumptions(rows: Iterable[Mapping[str, Any]]) -> tuple[Assumption, ...]:
    """Assumptions as a study's JSON has them."""
    return tuple(
        Assumption(
            key=str(row["key"]),
            value=str(row["value"]),
            reason=str(row["reason"]),
            grade=Grade.read(str(row["grade"])),
            source=str(row.get("source") or ""),
        )
        for row in rows
    )


def trust_words(assumptions: Iterable[Assumption]) -> str:
    """How many values are assumed, and the grade of the weakest of them."""
    found = list(assumptions)
    number = len(found)
    if not number:
        return "Nothing is assumed."
    weakest = max(a.grade for a in found)
    if number == 1:
        what = "a guess" if weakest == Grade.guess else f"graded {weakest.label}"
        return f"1 value is assumed; it is {what}."
    guesses = sum(a.grade == Grade.guess for a in found)
    if guesses:
        what = "1 of them is a guess" if guesses == 1 else f"{guesses} of them are guesses"
        return f"{number} values are assumed; {what}."
    return f"{number} values are assumed; the weakest of them are graded {weakest.label}."


def assumption_grid(
    assumptions: Iterable[Assumption],
    caption: str = "Every value that the scenario does not say, weakest grade first.",
) -> Grid:
    """Every assumed value, weakest grade first, with its source."""
    known = dict(catalog.sources())
    rows = [
        (
            Cell(a.key),
            Cell(a.value.replace(" percent", " %")),
            Cell(a.reason),
            Cell(a.grade.label, grade=a.grade.label),
            _source_cell(a.source, known),
        )
        for a in sorted(assumptions, key=lambda a: (-int(a.grade), a.key))
    ]
    return Grid(caption, ("what", "value", "why", "grade", "source"), (False,) * 5, tuple(rows))


def _source_ids(text: str) -> list[str]:
    return [part for part in text.replace(";", ",").replace(" ", "").split(",") if part]


def _source_cell(source_id: str, known: Mapping[str, Source]) -> Cell:
    source = known.get(source_id)
    several = _source_ids(source_id)
    if source is None and len(several) > 1:
        links = tuple((word, _link(known[word].url) if word in known else "") for word in several)
        return Cell(", ".join(several), links=links)
    if source is None:
        return Cell(source_id or "–")
    return Cell(
        f"{source.title}, {source.publisher}{f' {source.year}' if source.year else ''}",
        link=_link(source.url),
    )


def _link(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""


def result_sources(result: Result) -> Grid:
    """Every source whose rows stand behind a quantity or an assumption, the most used first."""
    rows = {(e.where, e.quantity): e.source_id for q in result.quantities.values() for e in q.evidence}
    return source_grid(Counter(rows.values()), result.assumptions)


def source_grid(used: Mapping[str, int], assumptions: Iterable[Assumption] = ()) -> Grid:
    """Sources by the number of rows of theirs that were used, and those of assumptions."""
    known = dict(catalog.sources())
    counted = Counter(used)
    for item in assumptions:
        for source_id in _source_ids(item.source):
            counted.setdefault(source_id, 0)
    rowless = not any(counted.values())
    listed: list[tuple[Cell, ...]] = []
    for source_id, number in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])):
        source = known.get(source_id)
        if source is None:
            cells = (Cell(source_id), Cell("–"), Cell("–"), Cell("–"), Cell(str(number)))
        else:
            cells = (
                Cell(source.title, link=_link(source.url)),
                Cell(source.publisher),
                Cell(str(source.year or "–")),
                Cell(source.licence),
                Cell(f"{number:,}"),
            )
        listed.append(cells[:-1] if rowless else cells)
    head = ("title", "publisher", "year", "licence", "rows used")
    numeric = (False, False, True, False, True)
    most = 4 if rowless else 5
    return Grid("Sources of the numbers used.", head[:most], numeric[:most], tuple(listed))
