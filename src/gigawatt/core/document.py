"""What a study says, as plain data: terminal, HTML, Markdown, web app and notebook write it.

A study builds one :class:`Document` of its answer and formats nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

__all__ = [
    "Again",
    "Branch",
    "Card",
    "Cell",
    "Code",
    "Columns",
    "Document",
    "Drawing",
    "Folded",
    "Grid",
    "Heading",
    "Part",
    "Picture",
    "Points",
    "Section",
    "Text",
    "Tree",
]


@dataclass(frozen=True)
class Cell:
    """One cell: text, its link (or several texts with links), its grade as a badge, a bar's width in %.

    ``band`` is the interval of a number, which stands beside it.
    """

    text: str
    link: str = ""
    links: tuple[tuple[str, str], ...] = ()
    grade: str = ""
    bar: float | None = None
    band: str = ""


@dataclass(frozen=True)
class Grid:
    """A table ready to be written; ``numeric`` are the columns of numbers, ``total`` marks the last row."""

    kind: ClassVar[str] = "grid"
    caption: str
    head: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: bool = False


@dataclass(frozen=True)
class Picture:
    """What a figure shows: plotly's JSON, or SVG; pixels high; its title; its numbers as a table."""

    height: int
    plotly: str = field(default="", repr=False)
    svg: str = field(default="", repr=False)
    table: Grid | None = field(default=None, repr=False)
    title: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure with its caption; drawn when a writer first looks at it, which a terminal never does.

    ``name`` is unique in a document: it is the figure's place in the page.
    """

    kind: ClassVar[str] = "drawing"
    name: str
    caption: str
    draw: Callable[[], Picture] = field(repr=False, compare=False)
    captioned: bool = True

    @cached_property
    def picture(self) -> Picture:
        """The figure, drawn once."""
        return self.draw()

    @property
    def height(self) -> int:
        """Pixels."""
        return self.picture.height

    @property
    def plotly(self) -> str:
        """Plotly's JSON, empty where it is SVG."""
        return self.picture.plotly

    @property
    def svg(self) -> str:
        """SVG, empty where it is plotly's."""
        return self.picture.svg

    @property
    def table(self) -> Grid | None:
        """Its numbers, where no table beside has them."""
        return self.picture.table

    @property
    def title(self) -> str:
        """What stands before the caption."""
        return self.picture.title

    @property
    def words(self) -> str:
        """Title and caption: what the figure shows, to someone who does not see it."""
        return f"{self.title}: {self.caption}" if self.title else self.caption


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences; ``warn`` where a reader has to know them."""

    kind: ClassVar[str] = "points"
    items: tuple[str, ...]
    warn: bool = False


@dataclass(frozen=True)
class Code:
    """What stands in a file or is typed, letter by letter."""

    kind: ClassVar[str] = "code"
    text: str
    language: str = ""


@dataclass(frozen=True)
class Folded:
    """A table that a page shows when asked."""

    kind: ClassVar[str] = "folded"
    summary: str
    grid: Grid


@dataclass(frozen=True)
class Columns:
    """Two columns where there is room, the first half as wide again where ``uneven``."""

    kind: ClassVar[str] = "columns"
    left: tuple[Part, ...]
    right: tuple[Part, ...]
    uneven: bool = False


@dataclass(frozen=True)
class Branch:
    """A quantity or the like with what is said of it: words beside it, lines below, what it is made of."""

    head: str
    words: str = ""
    lines: tuple[str, ...] = ()
    inside: tuple[Branch, ...] = ()


@dataclass(frozen=True)
class Tree:
    """A walk from one thing down to what it is made of."""

    kind: ClassVar[str] = "tree"
    root: Branch


Part = Grid | Drawing | Text | Heading | Points | Code | Folded | Columns | Tree


def _flat(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts with those of columns one after the other."""
    found: list[Part] = []
    for part in parts:
        found += (*_flat(part.left), *_flat(part.right)) if isinstance(part, Columns) else (part,)
    return tuple(found)


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading; ``key`` is its place in the page."""

    key: str
    title: str
    parts: tuple[Part, ...]

    @property
    def grids(self) -> tuple[Grid, ...]:
        """Its tables, those of columns with them, in the order in which they stand."""
        return tuple(part for part in _flat(self.parts) if isinstance(part, Grid))


@dataclass(frozen=True)
class Card:
    """A key figure: what it is called, its value with unit, grade, dotted name, what it is, its band; and the
    variance share of guesses, which is shown in place of the grade.
    """

    title: str
    value: str
    grade: str = ""
    name: str = ""
    what: str = ""
    band: str = ""
    guesses: str = ""


@dataclass(frozen=True)
class Again:
    """How the same answer is made anew: the command, what with, and the files that it read.

    ``inputs`` are (file, the first twelve digits of its SHA-256), ``scenario`` the text of the one that a
    result is of, under the name by which the command calls it.
    """

    command: str
    gigawatt: str = ""
    catalog: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    file: str = ""
    scenario: str = field(default="", repr=False)

    @property
    def words(self) -> str:
        """With what the command gives the same answer."""
        version = f"gigawatt {self.gigawatt}" if self.gigawatt else "the same version of gigawatt"
        catalog = f" and catalog {self.catalog}" if self.catalog else ""
        return f"With {version}{catalog}, this command reproduces it:"

    @property
    def where(self) -> str:
        """What the scenario's text is to be saved as."""
        return f"where {self.file} holds the scenario below, and the files that it names lie beside it:"

    @property
    def files(self) -> Grid:
        """The files that were read, as a table."""
        rows = tuple((Cell(name), Cell(digest)) for name, digest in self.inputs)
        return Grid("Files that it read.", ("file", "SHA-256 begins with"), (False, False), rows)


@dataclass(frozen=True)
class Document:
    """A report.

    ``setting`` is the line under the title; ``paragraphs`` the answer in words; ``notices`` what a reader has
    to know; ``sections`` figures and tables; ``assumptions`` and ``sources`` a table each; ``appendix`` what
    comes after them; ``facts`` of the run stand at the foot.

    A terminal and a notebook show the head alone: of the cards those that ``main`` names, ``short`` (sections
    by key, or parts; without them the first table), of the assumptions ``stated`` by key before others, and
    a terminal ``lead`` in place of the paragraphs where there is one.
    """

    title: str
    setting: str
    paragraphs: tuple[str, ...]
    again: Again
    cards: tuple[Card, ...] = ()
    notices: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    assumptions: Grid | None = None
    sources: Grid | None = None
    appendix: tuple[Section, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    lead: tuple[str, ...] = ()
    main: tuple[str, ...] = ()
    short: tuple[str | Part, ...] = ()
    stated: tuple[str, ...] = ()

    @property
    def main_cards(self) -> tuple[Card, ...]:
        """The key figures of the short form."""
        return tuple(card for card in self.cards if not self.main or card.name in self.main)

    @property
    def head(self) -> tuple[Section, ...]:
        """The sections of the short form with their tables and lists; else the first table there is."""
        by_key = {one.key: one for one in self.sections}
        parts = tuple(part for part in self.short if not isinstance(part, str))
        if parts:
            return (Section("head", "", parts),)
        chosen = [by_key[key] for key in self.short if isinstance(key, str) and key in by_key]
        if chosen:
            return tuple(
                Section(
                    one.key,
                    one.title,
                    tuple(part for part in _flat(one.parts) if isinstance(part, Grid | Points | Text | Tree)),
                )
                for one in chosen
            )
        first = next((one for one in self.sections if one.grids), None)
        return () if first is None else (Section(first.key, first.title, first.grids[:1]),)

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """Every figure, in the order in which it stands."""
        sections = (*self.sections, *self.appendix)
        return tuple(part for one in sections for part in _flat(one.parts) if isinstance(part, Drawing))
