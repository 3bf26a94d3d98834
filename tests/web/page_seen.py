"""What stands in the HTML of a view: headings in order, figures with data and captions, tables, links."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

VOID = {"input", "br", "img", "meta", "link", "hr"}


@dataclass
class Table:
    """A table as a reader has it: the words over it, its head, its rows."""

    caption: str = ""
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    folded: bool = False


@dataclass
class Figure:
    """A place for a figure: what it is called for those who do not see it, its data, its caption."""

    label: str
    data: dict[str, Any] = field(default_factory=dict)
    caption: str = ""


@dataclass
class Choice:
    """A list to choose from: values with their words, and which is chosen."""

    options: dict[str, str] = field(default_factory=dict)
    chosen: str = ""


class Seen(HTMLParser):
    """Reads a fragment; every element that is opened has to be closed, every id be there once."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.headings: list[tuple[int, str]] = []
        self.figures: dict[str, Figure] = {}
        self.tables: list[Table] = []
        self.choices: dict[str, Choice] = {}
        self.links: list[tuple[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.ids: list[str] = []
        self.asked: list[str] = []
        self.paragraphs: list[str] = []
        self.picks: list[str] = []
        self._open: list[str] = []
        self._text = ""
        self._of = ""
        self._figure = ""
        self._select = ""
        self._value = ""
        self.feed(html)
        self.close()
        assert not self._open, self._open
        assert len(self.ids) == len(set(self.ids)), sorted(i for i in self.ids if self.ids.count(i) > 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        assert not any(name.startswith("on") for name in has), has
        if "id" in has:
            self.ids.append(has["id"])
        if "data-picks" in has:
            self.picks.append(has["data-picks"])
        if "hx-get" in has:
            self.asked.append(has["hx-get"])
        if tag not in VOID:
            self._open.append(tag)
        if tag in ("h2", "h3", "h4", "p", "caption", "figcaption", "th", "td", "option", "a"):
            self._text = "" if tag not in ("a",) or not self._in("td", "th", "p") else self._text
        if tag == "a":
            self.links.append((has.get("href", ""), ""))
        elif tag == "div" and has.get("class") == "plot":
            self.figures[has["id"].removeprefix("plot-")] = Figure(has["aria-label"])
        elif tag == "script":
            assert has["type"] == "application/json"
            self._figure, self._text = has["data-for"].removeprefix("plot-"), ""
        elif tag == "table":
            self.tables.append(Table(folded="details" in self._open))
        elif tag == "tr":
            self.tables[-1].rows.append([])
        elif tag == "select":
            self._select = has["name"]
            self.choices[self._select] = Choice()
        elif tag == "option":
            self._value = has["value"]
            if "selected" in has:
                self.choices[self._select].chosen = has["value"]
        elif tag == "form":
            self.forms.append(has)

    def _in(self, *tags: str) -> bool:
        return any(tag in self._open for tag in tags)

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        assert self._open, tag
        assert self._open.pop() == tag, tag
        text = " ".join(self._text.split())
        if tag in ("h2", "h3", "h4"):
            self.headings.append((int(tag[1]), text))
        elif tag == "p":
            self.paragraphs.append(text)
        elif tag == "a":
            self.links[-1] = (self.links[-1][0], text)
        elif tag == "script":
            self.figures[self._figure].data = json.loads(self._text)
        elif tag == "figcaption":
            self.figures[self._figure].caption = text
        elif tag == "caption":
            self.tables[-1].caption = text
        elif tag in ("th", "td"):
            self.tables[-1].rows[-1].append(text)
        elif tag == "thead":
            table = self.tables[-1]
            table.head = table.rows.pop()
        elif tag == "option":
            self.choices[self._select].options[self._value] = text

    def table(self, begin: str) -> Table:
        """The one table whose caption begins so."""
        (found,) = [table for table in self.tables if table.caption.startswith(begin)]
        return found

    def check(self) -> None:
        """What holds for every view: headings go down step by step, figures have data and words."""
        levels = [level for level, _ in self.headings]
        assert levels
        assert levels[0] in (2, 3)
        assert all(after <= before + 1 for before, after in pairwise(levels))
        for name, figure in self.figures.items():
            assert figure.data["data"], name
            assert figure.data["layout"], name
            assert figure.caption == figure.label
            assert len(figure.caption) > 20
        for table in self.tables:
            assert table.caption
            assert table.rows, table.caption
            assert {len(row) for row in table.rows} == {len(table.head)}, table.caption


def seen(html: str, most: int = 400_000) -> Seen:
    """The fragment, checked for what holds for every view."""
    assert len(html) <= most
    found = Seen(html)
    found.check()
    return found


def said(words: str, share: float) -> None:
    """Progress that no test looks at."""
