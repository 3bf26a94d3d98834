"""What the documents of studies are made of: rows of text as tables, numbers of any size as words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gigawatt.core.document import Again, Cell, Document, Grid, Section
from gigawatt.core.evidence import Assumption
from gigawatt.faces.figures.readable import between, significant, with_unit
from gigawatt.faces.report.trust import assumption_grid, source_grid

__all__ = [
    "amount",
    "facts_of",
    "few",
    "listed",
    "rows_document",
    "rows_grid",
    "spread",
    "trusted",
    "with_percent",
]  # fmt: skip

_NUMBER = re.compile(r"^(?:under )?[–−<>≤≥+×$ -]*[\d.,]+|^[–-]?$")
_HUGE = 1e15
"""From here on a number is written with a power of ten."""
_NOTHING = 1e-9
"""A share below this is what rounding leaves of none."""
_MONEY = re.compile(r"^[kMGB]?\$")


def rows_grid(
    caption: str, head: Sequence[object], rows: Iterable[Sequence[object]], *, grade: str = ""
) -> Grid:
    """A table of rows of text; columns of numbers stand right, the one called ``grade`` has badges."""
    heads = tuple(str(word) for word in head)
    cells = [tuple("" if value is None else str(value) for value in row) for row in rows]
    numeric = tuple(
        bool(cells)
        and any(row[i].strip("–") for row in cells)
        and all(_NUMBER.match(row[i]) for row in cells)
        for i in range(len(heads))
    )
    marked = heads.index(grade) if grade and grade in heads else -1
    made = tuple(
        tuple(Cell(text, grade=text if i == marked else "") for i, text in enumerate(row)) for row in cells
    )
    return Grid(caption, heads, numeric, made)


def amount(value: float | None, unit: str, digits: int = 3) -> str:
    """A value in ``unit`` as a person reads it, with a power of ten where it is huge.

    >>> amount(2.71e28, "FLOP"), amount(0.5, "1"), amount(1200.0, "MW"), amount(150.0, "TWh/yr")
    ('2.71e28 FLOP', '0.5', '1.2 GW', '150 TWh a year')
    """
    if value is None:
        return "–"
    if abs(value) >= _HUGE and not _MONEY.match(unit):
        words = f"{value:.{digits - 1}e}".replace("e+", "e")
        mantissa, _, power = words.partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(power)}{'' if unit in ('', '1') else f' {unit}'}"
    if unit.startswith("TWh"):  # what a world uses is told in it, however much
        return f"{significant(value, digits)} {unit.replace('/yr', ' a year')}"
    return with_unit(value, unit, digits)


def spread(low: float, high: float, unit: str, digits: int = 3) -> str:
    """Two ends of a band in one unit where both read alike: ``1.2 to 3.4 GW``."""
    return between(amount(low, unit, digits), amount(high, unit, digits))


def few(value: float, digits: int = 3) -> str:
    """A factor or a share as a person reads it."""
    return significant(value, digits)


def with_percent(share: float, digits: int = 0) -> str:
    """A share as a percentage; what is not nothing is not written as 0."""
    if _NOTHING < share < 0.5 * 10.0 ** -(digits + 2):
        return f"under {10.0**-digits:g} %"
    return f"{100.0 * share:.{digits}f} %"


def rows_document(
    title: str, again: Again, *grids: Grid, setting: str = "", paragraphs: tuple[str, ...] = (),
    notices: tuple[str, ...] = (),
) -> Document:  # fmt: skip
    """A document of tables alone, all of which a terminal shows."""
    sections = tuple(Section(f"table-{i}", grid.caption, (grid,)) for i, grid in enumerate(grids))
    return Document(
        title, setting, paragraphs, again, notices=notices, sections=sections, facts=facts_of(again),
        short=tuple(one.key for one in sections),
    )  # fmt: skip


def trusted(assumptions: tuple[Assumption, ...], caption: str = "") -> Mapping[str, Any]:
    """``assumptions`` and ``sources`` of a document."""
    words = caption or "Every value that was not given, weakest grade first."
    return {"assumptions": assumption_grid(assumptions, words), "sources": source_grid({}, assumptions)}


def facts_of(again: Again, *more: tuple[str, object]) -> tuple[tuple[str, str], ...]:
    """What stands at the foot of a study."""
    said = [(title, str(value)) for title, value in more if value not in (None, "")]
    return (*said, ("catalog version", again.catalog), ("gigawatt", again.gigawatt))


def listed(items: list[str]) -> str:
    """Items with commas and an ``and`` before the last."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
