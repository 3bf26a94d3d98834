"""What a report says, as plain data: the HTML page and the Markdown file are both made of it.

A face of a result or of a study builds one :class:`Document` and formats nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

__all__ = [
    "Again",
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
    "Points",
    "Section",
    "Text",
]


@dataclass(frozen=True)
class Cell:
    """One cell: text, its link (or several texts with links), its grade as a badge, a bar's width in %."""

    text: str
    link: str = ""
    links: tuple[tuple[str, str], ...] = ()
    grade: str = ""
    bar: float | None = None


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
class Drawing:
    """A figure: plotly's JSON, or SVG; its caption; its numbers, where no table beside has them.

    ``name`` is unique in a document: it is the figure's place in the page. ``height`` is in pixels.
    """

    kind: ClassVar[str] = "drawing"
    name: str
    caption: str
    height: int
    plotly: str = field(default="", repr=False)
    svg: str = field(default="", repr=False)
    table: Grid | None = field(default=None, repr=False)
    captioned: bool = True
    title: str = ""

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
    """Two columns where there is room, the first twice as wide where ``uneven``."""

    kind: ClassVar[str] = "columns"
    left: tuple[Part, ...]
    right: tuple[Part, ...]
    uneven: bool = False


Part = Grid | Drawing | Text | Heading | Points | Code | Folded | Columns


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading; ``key`` is its place in the page."""

    key: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Card:
    """A key figure: what it is called, its value with unit, grade, dotted name, what it is, its band."""

    title: str
    value: str
    grade: str = ""
    name: str = ""
    what: str = ""
    band: str = ""


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
        return f"With {version}{f' and catalog {self.catalog}' if self.catalog else ''}, this gives it anew:"

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

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """Every figure, in the order in which it stands."""

        def walk(parts: tuple[Part, ...]) -> list[Drawing]:
            found: list[Drawing] = []
            for part in parts:
                if isinstance(part, Drawing):
                    found.append(part)
                elif isinstance(part, Columns):
                    found += walk(part.left) + walk(part.right)
            return found

        return tuple(one for section in (*self.sections, *self.appendix) for one in walk(section.parts))
