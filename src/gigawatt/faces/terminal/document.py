"""The head of a document in the terminal: title, sentences, key figures, tables, notices, assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from gigawatt.core.document import Card, Cell, Columns, Document, Grid, Points, Section, Text
from gigawatt.core.evidence import Grade

__all__ = ["grid_table", "write_document"]

_BAR = 24
"""Characters of a bar of 100 %."""
_MOST_NOTICES, _MOST_ASSUMED, _MOST_ROWS = 5, 4, 400
_WEAK = (Grade.guess.label, Grade.projected.label)
_HEAD = 14
"""Characters up to which the head of a narrow column stands in one line."""
_NARROW = 24
"""Characters from which on a column of words is broken where the terminal is narrow."""


def write_document(document: Document, console: Any) -> None:
    """Print a document's head.

    Parameters
    ----------
    document : Document
        Of any study.
    console : rich.console.Console
        Where to; markup in texts is not read.
    """
    from rich.text import Text as Line

    console.print(Line(document.title, style="bold"))
    if document.setting:
        console.print(Line(document.setting, style="dim"))
    for paragraph in document.lead or document.paragraphs:
        if paragraph:
            console.print(Line(paragraph))
    if document.main_cards:
        console.print()
        console.print(_cards(document.main_cards))
    for section in document.head:
        console.print()
        _section(section, console)
    if document.notices or document.assumptions is not None:
        console.print()
    for notice in document.notices[:_MOST_NOTICES]:
        console.print(Line(f"! {notice}", style="yellow"))
    if len(document.notices) > _MOST_NOTICES:
        more = len(document.notices) - _MOST_NOTICES
        console.print(Line(f"! and {more} more in the report", style="yellow"))
    _assumed(document, console)


def _section(section: Section, console: Any) -> None:
    from rich.text import Text as Line

    lists = [part for part in section.parts if isinstance(part, Points | Text)]
    if section.title and lists:
        console.print(Line(section.title, style="dim"))
    for number, part in enumerate(section.parts):
        if isinstance(part, Grid):
            if number:
                console.print()
            if part.caption:
                console.print(Line(part.caption, style="dim"))
            console.print(grid_table(part))
            if len(part.rows) > _MOST_ROWS:
                words = f"{len(part.rows) - _MOST_ROWS:,} more rows: --output FOLDER or --json has all"
                console.print(Line(words, style="dim"))
        elif isinstance(part, Columns):
            from rich.columns import Columns as Beside

            grids = Section("", "", (part,)).grids
            console.print()
            console.print(Beside([grid_table(grid) for grid in grids], padding=(0, 4)))
        elif isinstance(part, Points):
            for item in part.items:
                console.print(Line(f"  {item}", style="yellow" if part.warn else ""))
        elif isinstance(part, Text):
            console.print(Line(part.text))


def _graded(text: str) -> Any:
    from rich.text import Text as Line

    return Line(text, style="yellow" if text in _WEAK else "dim")


def _cell(cell: Cell) -> Any:
    from rich.text import Text as Line

    if cell.grade:
        return _graded(cell.grade)
    text = ", ".join(word for word, _ in cell.links) if cell.links else cell.text
    if cell.bar is not None:
        text = f"{text}  {'█' * round(_BAR * min(max(cell.bar, 0.0), 100.0) / 100.0)}"
    return Line(text)


def grid_table(grid: Grid) -> Any:
    """A table of a document for the terminal; columns of numbers are never broken."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.show_header = any(grid.head)
    for number, head in enumerate(grid.head):
        cells = [row[number] for row in grid.rows]
        bars = any(cell.bar is not None for cell in cells)
        width = max((len(cell.text) for cell in cells), default=0)
        right = grid.numeric[number] and not bars
        broken = fill(head, max(width, _HEAD), break_long_words=False)
        table.add_column(
            broken, justify="right" if right else "left", no_wrap=right or width < _NARROW, overflow="fold"
        )
    for row in grid.rows[:_MOST_ROWS]:
        table.add_row(*map(_cell, row))
    return table


def _cards(cards: Sequence[Card]) -> Any:
    """Key figures, in two columns where there are many."""
    graded = any(card.grade for card in cards)
    head = ("key figure", "", "grade") if graded else ("key figure", "")
    twice = len(cards) > 5
    half = (len(cards) + 1) // 2 if twice else len(cards)

    def cells(card: Card) -> tuple[Cell, ...]:
        value = f"{card.value} ({card.band})" if card.band and not twice else card.value
        return (Cell(card.title), Cell(value), Cell(card.grade, grade=card.grade))[: len(head)]

    empty = (Cell(""),) * len(head)
    rows = tuple(
        cells(cards[i]) + ((cells(cards[half + i]) if half + i < len(cards) else empty) if twice else ())
        for i in range(half)
    )
    times = 2 if twice else 1
    return grid_table(Grid("", head * times, (False, True, False)[: len(head)] * times, rows))


def _assumed(document: Document, console: Any) -> None:
    """Assumptions that the document states first, else the weakest, and how many more there are."""
    from rich.text import Text as Line

    rows = () if document.assumptions is None else document.assumptions.rows
    first = [row for row in rows if row[0].text in document.stated]
    if document.lead and not first:
        return  # the lead says how many, and how well they are known
    for row in first or rows[:_MOST_ASSUMED]:
        console.print(Line(f"assumed {row[0].text}: {row[1].text} ({row[3].text})", style="dim"))
    more = len(rows) - (len(first) or min(len(rows), _MOST_ASSUMED))
    if more:
        console.print(Line(f"and {more} more values that were not given: see --json", style="dim"))
