"""The head of a document in the terminal: title, sentences, key figures, tables, notices, assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from gigawatt.core.document import Branch, Card, Cell, Columns, Document, Grid, Points, Section, Text, Tree
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
_LONGEST = 48
"""Characters from which on a word is broken: longer than names, shorter than addresses."""
_GAP = 2
"""Characters between two columns."""
_FEW = 5
"""Key figures that stand in one column."""


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
        console.print(_cards(document.main_cards, console.width))
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
    captions = [part.caption for part in section.parts if isinstance(part, Grid)]
    if section.title and (lists or (captions and section.title not in captions)):
        console.print(Line(section.title, style="dim"))
    for number, part in enumerate(section.parts):
        if isinstance(part, Grid):
            if number:
                console.print()
            if part.caption:
                console.print(Line(part.caption, style="dim"))
            for place, grid in enumerate(_split(part, console.width)):
                if place:
                    console.print()
                console.print(grid_table(grid, console.width))
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
        elif isinstance(part, Tree):
            console.print(_tree(part.root))


def _tree(branch: Branch) -> Any:
    from rich.text import Text as Line
    from rich.tree import Tree as Drawn

    drawn = Drawn(Line.assemble((branch.head, "bold"), "  " if branch.words else "", (branch.words, "dim")))
    for line in branch.lines:
        drawn.add(Line(line, style="dim"))
    for inside in branch.inside:
        drawn.children.append(_tree(inside))
    return drawn


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
    return Line(text).append(f"\n{cell.band}", style="dim") if cell.band else Line(text)


def _full(head: str, cells: Sequence[Cell]) -> int:
    """Characters of a column that is not broken."""
    lines = head.split("\n")
    return max((*map(len, lines), *(line.cell_len for cell in cells for line in _cell(cell).split())))


def _fewest(head: str, cells: Sequence[Cell]) -> int:
    """Characters of a column of words at its narrowest: no name is broken, but an address is."""
    words = [word for cell in cells for word in cell.text.split()]
    longest = max((*map(len, head.split("\n")), *map(len, words), 1))
    return min(_full(head, cells), max(min(longest, _LONGEST), _NARROW))


def _layout(grid: Grid) -> tuple[list[str], list[int], list[int]]:
    """Heads as they are broken, widths, and the widths to which columns may be narrowed."""
    heads: list[str] = []
    full: list[int] = []
    fewest: list[int] = []
    for number, head in enumerate(grid.head):
        cells = [row[number] for row in grid.rows[:_MOST_ROWS]]
        widest = max((len(cell.text) for cell in cells), default=0)
        heads.append(fill(head, max(widest, _HEAD), break_long_words=False))
        full.append(_full(heads[-1], cells))
        whole = grid.numeric[number] or widest < _NARROW
        fewest.append(full[-1] if whole else _fewest(heads[-1], cells))
    return heads, full, fewest


def _split(grid: Grid, width: int) -> list[Grid]:
    """A table that is wider than the terminal as several, each with the first column."""
    fewest = _layout(grid)[2]
    groups: list[list[int]] = [[]]
    for number in range(1, len(fewest)):
        columns = [0, *groups[-1], number]
        if groups[-1] and sum(fewest[i] + _GAP for i in columns) - _GAP > width:
            groups.append([])
        groups[-1].append(number)
    if len(groups) == 1:
        return [grid]
    return [
        Grid(
            grid.caption if place == 0 else "",
            tuple(grid.head[i] for i in columns),
            tuple(grid.numeric[i] for i in columns),
            tuple(tuple(row[i] for i in columns) for row in grid.rows),
            grid.total,
        )
        for place, columns in enumerate([0, *group] for group in groups)
    ]


def _narrowed(full: Sequence[int], fewest: Sequence[int], width: int) -> list[int]:
    """Widths of columns that fit in ``width``: the widest that may be broken is narrowed first."""
    widths = list(full)
    while sum(widths) > width:
        free = [i for i, least in enumerate(fewest) if widths[i] > least]
        if not free:
            break
        widths[max(free, key=widths.__getitem__)] -= 1
    return widths


def grid_table(grid: Grid, width: int | None = None) -> Any:
    """A table of a document for the terminal; columns of numbers are never broken, names stay whole.

    Parameters
    ----------
    grid : Grid
        Of any document.
    width : int, optional
        Characters that it may be wide.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    table.show_header = any(grid.head)
    heads, full, fewest = _layout(grid)
    if width is not None and heads:
        room = width - _GAP * (len(heads) - 1)
        first = max(full[0], len(grid.head[0]))
        if first + sum(full[1:]) <= room:
            heads[0], full[0] = grid.head[0], first
        full = _narrowed(full, fewest, room)
    for number, head in enumerate(heads):
        cells = [row[number] for row in grid.rows]
        right = grid.numeric[number] and not any(cell.bar is not None for cell in cells)
        words = max((len(cell.text) for cell in cells), default=0) >= _NARROW
        table.add_column(
            head, justify="right" if right else "left", no_wrap=right or not words, overflow="fold",
            width=None if width is None else full[number],
        )  # fmt: skip
    for row in grid.rows[:_MOST_ROWS]:
        table.add_row(*map(_cell, row))
    return table


def _cards(cards: Sequence[Card], width: int) -> Any:
    """Key figures, in two columns where there are many and the terminal is wide enough."""
    guessed, graded = (any(getattr(card, name) for card in cards) for name in ("guesses", "grade"))
    if guessed or (any(card.band for card in cards) and not graded):
        head = ("key figure", "", "90 % interval", "from guesses")[: 4 if guessed else 3]
        made = ((one.title, one.value, one.band, one.guesses)[: len(head)] for one in cards)
        rows = tuple(tuple(map(Cell, one)) for one in made)
        return grid_table(Grid("", head, (False, True, True, True)[: len(head)], rows), width)
    head = ("key figure", "", "grade") if graded else ("key figure", "")

    def cells(card: Card, *, banded: bool) -> tuple[Cell, ...]:
        value = f"{card.value} ({card.band})" if card.band and banded else card.value
        return (Cell(card.title), Cell(value), Cell(card.grade, grade=card.grade))[: len(head)]

    def grid(times: int) -> Grid:
        made = [cells(card, banded=times == 1) for card in cards]
        half = -(-len(made) // times)
        made += [(Cell(""),) * len(head)] * (half * times - len(made))
        rows = tuple(sum((made[i + half * column] for column in range(times)), ()) for i in range(half))
        return Grid("", head * times, (False, True, False)[: len(head)] * times, rows)

    if len(cards) > _FEW:
        twice = grid(2)
        if sum(_layout(twice)[1]) + _GAP * (len(twice.head) - 1) <= width:
            return grid_table(twice, width)
    return grid_table(grid(1), width)


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
