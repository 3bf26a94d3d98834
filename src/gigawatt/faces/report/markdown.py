"""A document as GitHub-flavoured Markdown: words, tables, captions; no images are needed to read it."""

from __future__ import annotations

import re

from gigawatt.core.document import (
    Again,
    Branch,
    Cell,
    Code,
    Columns,
    Document,
    Drawing,
    Folded,
    Grid,
    Heading,
    Part,
    Points,
    Section,
    Text,
    Tree,
)

__all__ = ["escaped", "markdown"]

_MARKS = re.compile(r"([\\`*\[\]<>|~&$])")
_UNDERSCORE = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_START = re.compile(r"^(?:#|[+-](?=\s|$)|[=-]+$|\d+(?=[.)](?:\s|$)))")
_ADDRESS = re.compile(r"(?i)\b(https?|ftp)(?=://)|\b(www)(?=\.)")
_AT = re.compile(r"(?<=\w)@(?=\w)")


def escaped(text: str) -> str:
    r"""Text of one line that Markdown shows letter by letter.

    A dollar is escaped too: between two of them some readers set mathematics.

    >>> escaped("a|b *c* $5 <d> snake_case")
    'a\\|b \\*c\\* \\$5 \\<d\\> snake_case'
    """
    words = " ".join(text.split())
    words = _MARKS.sub(r"\\\1", words)
    words = _UNDERSCORE.sub(r"\\_", words)
    words = _ADDRESS.sub(lambda found: f"{found[0]}\\", words)
    words = _AT.sub(r"\\@", words)
    start = _START.match(words)
    if start is None:
        return words
    mark = start[0]
    return f"{mark}\\{words[len(mark) :]}" if mark.isdigit() else f"\\{words}"


def _linked(text: str, url: str) -> str:
    if not url.startswith(("https://", "http://")):
        return escaped(text)
    address = "".join(c if c.isprintable() and c not in "<>\\ |" else f"%{ord(c):02X}" for c in url)
    return f"[{escaped(text)}](<{address}>)"


def _cell(cell: Cell) -> str:
    if cell.links:
        return ", ".join(_linked(text, url) for text, url in cell.links)
    text = _linked(cell.text, cell.link)
    return f"{text} ({escaped(cell.band)})" if cell.band else text


def _grid(grid: Grid) -> list[str]:
    """Caption, head, a line below it, rows; a total in bold."""
    lines = ["| " + " | ".join(escaped(word) or " " for word in grid.head) + " |"]
    lines.append("|" + "|".join(" ---: " if number else " --- " for number in grid.numeric) + "|")
    for i, row in enumerate(grid.rows):
        words = [_cell(cell) for cell in row]
        if grid.total and i == len(grid.rows) - 1:
            words = [f"**{word}**" if word else word for word in words]
        lines.append("| " + " | ".join(word or " " for word in words) + " |")
    return [f"*{escaped(grid.caption)}*", "\n".join(lines)]


def _fenced(code: Code) -> str:
    longest = max((len(run) for run in re.findall(r"`+", code.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{code.language}\n{code.text.rstrip()}\n{fence}"


def _drawing(drawing: Drawing) -> list[str]:
    said = [f"*Figure: {escaped(drawing.words)}*"]
    return said if drawing.table is None else [*said, *_grid(drawing.table)]


def _branch(branch: Branch, depth: int = 0) -> list[str]:
    """A branch as a list that is indented by its depth."""
    indent = "  " * depth
    words = f" {escaped(branch.words)}" if branch.words else ""
    lines = [f"{indent}- **{escaped(branch.head)}**{words}"]
    lines += [f"{indent}  - {escaped(line)}" for line in branch.lines]
    return [*lines, *(line for one in branch.inside for line in _branch(one, depth + 1))]


def _part(part: Part) -> list[str]:
    match part:
        case Grid():
            return _grid(part)
        case Drawing():
            return _drawing(part) if part.captioned else []
        case Text():
            return [escaped(part.text)]
        case Heading():
            return [f"### {escaped(part.text)}"]
        case Points():
            return ["\n".join(f"- {escaped(item)}" for item in part.items)]
        case Code():
            return [_fenced(part)]
        case Folded():
            return _grid(part.grid)
        case Tree():
            return ["\n".join(_branch(part.root))]
        case Columns():
            return [line for one in (*part.left, *part.right) for line in _part(one)]


def _section(section: Section) -> list[str]:
    return [f"## {escaped(section.title)}", *(line for part in section.parts for line in _part(part))]


def markdown(document: Document) -> str:
    """The report as one Markdown file that ends with a line break."""
    lines = [f"# {escaped(document.title)}"]
    if document.setting:
        lines.append(escaped(document.setting))
    lines.append("## Summary")
    lines += [escaped(paragraph) for paragraph in document.paragraphs]
    if document.cards:
        drawn = any(card.guesses for card in document.cards)
        rows = tuple(
            (
                Cell(c.title),
                Cell(f"{c.value} ({c.band})" if c.band else c.value),
                Cell(c.guesses if drawn else c.grade),
            )
            for c in document.cards
        )
        graded = drawn or any(card.grade for card in document.cards)
        last = "variance from guesses" if drawn else "weakest grade on the way"
        head = ("figure", "value", last) if graded else ("figure", "value")
        cut = tuple(row[: len(head)] for row in rows)
        lines += _grid(Grid("Key figures.", head, (False, True, False)[: len(head)], cut))
    if document.notices:
        lines.append("## Notices")
        lines.append("\n".join(f"- {escaped(notice)}" for notice in document.notices))
    for section in document.sections:
        lines += _section(section)
    if document.assumptions is not None:
        lines.append("## Assumptions")
        lines += (
            _grid(document.assumptions) if document.assumptions.rows else ["Nothing: every value was given."]
        )
    if document.sources is not None and document.sources.rows:
        lines += ["## Sources", *_grid(document.sources)]
    lines += _again(document.again)
    for section in document.appendix:
        lines += _section(section)
    if document.facts:
        lines += ["---", " · ".join(f"{escaped(key)} {escaped(value)}" for key, value in document.facts)]
    return "\n\n".join(line for line in lines if line) + "\n"


def _again(again: Again) -> list[str]:
    lines = ["## Reproduce", escaped(again.words)]
    lines.append(_fenced(Code(again.command, "sh")))
    if again.inputs:
        lines += _grid(again.files)
    if again.scenario:
        lines += [escaped(again.where), _fenced(Code(again.scenario, "yaml"))]
    return lines
