"""The catalog as tables of text: its tables, the entries of one, the numbers of an entry, the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

from gigawatt import catalog
from gigawatt.catalog import Entity, Found
from gigawatt.core.document import Cell, Grid
from gigawatt.core.evidence import Evidence, Source, worst
from gigawatt.faces.figures.readable import count, label
from gigawatt.studies.catalog.figures import is_series, range_words, unit_words, value_words

__all__ = ["entries_grid", "entry_grid", "found_grid", "holdings_grid", "sources_grid", "texts_of", "where"]

Link = Callable[[str], str]
"""From a place in the catalog (``chips/H100-SXM5-80GB``) to an address."""

_ASIDE = ("id", "grade", "source_id", "locator", "note", "currency_year", "aliases")
_MOST_TEXT = 90


def where(*parts: str) -> str:
    """The place of a table, or of an entry, as it stands in an address."""
    return "/".join(quote(part) for part in parts)


def holdings_grid(link: Link) -> Grid:
    """Every table: entries, numbers, how they are graded, how many sources they come from."""
    rows = tuple(
        (
            Cell(one.table, link=link(where(one.table))),
            Cell(count(one.entries)),
            Cell(count(one.numbers) if one.numbers else "–"),
            Cell(
                ", ".join(f"{number} {grade.label}" for grade, number in one.grades.items()) or "texts only"
            ),
            Cell(count(one.sources) if one.sources else "–"),
        )
        for one in catalog.holdings()
    )
    head = ("table", "entries", "numbers", "how they are known", "sources")
    return Grid("Every table of the catalog.", head, (False, True, True, False, True), rows)


def found_grid(found: Sequence[Found], many: int, words: str, link: Link) -> Grid:
    """What a search found, and in what."""
    rows = tuple(
        (
            Cell(one.entry, link=link(where(one.table, one.entry))),
            Cell(_short(one.name)),
            Cell(one.table, link=link(where(one.table))),
            Cell("itself" if one.kind == "entry" else _short(f"{one.kind}: {', '.join(one.matched)}")),
        )
        for one in found
    )
    more = f", the first {len(found)} of them" if many > len(found) else ""
    said = f"{count(many)} {'entry has' if many == 1 else 'entries have'} “{_short(words)}”{more}."
    return Grid(said, ("entry", "name", "table", "found in"), (False,) * 4, rows)


def entries_grid(table: str, entries: Iterable[Entity], year: int, link: Link) -> Grid:
    """Entries of a table with its main quantities; of a series what holds in a year.

    Parameters
    ----------
    table : str
        Of the catalog.
    entries : iterable of Entity
        Those that are shown.
    year : int
        Of series the latest row not after it.
    link : callable
        Gives addresses.
    """
    listed = list(entries)
    names = catalog.main_quantities(table)
    units = {name: {unit_words(row) for e in listed for row in e.numbers.get(name, ())} for name in names}
    same = {name: next(iter(found)) for name, found in units.items() if len(found) == 1}
    heads = [f"{label(name)}{f' [{same[name]}]' if same.get(name) else ''}" for name in names]
    texts = () if names else _columns(listed)
    rows: list[tuple[Cell, ...]] = []
    for entry in listed:
        grade = worst(row.grade for row in entry.rows()).label if entry.rows() else ""
        rows.append(
            (
                Cell(entry.id, link=link(where(table, entry.id))),
                Cell(_short(entry.text("name", "–"))),
                *(_cell(entry, name, year, unit=name not in same) for name in names),
                *(Cell(_short(entry.text(name, "–"))) for name in texts),
                Cell(grade or "–", grade=grade),
            )
        )
    heads = ["entry", "name", *heads, *map(label, texts), "weakest grade"]
    numeric = (False, False, *(name in same for name in names), *(False for _ in texts), False)
    return Grid(f"Entries of {table}.", tuple(heads), numeric, tuple(rows))


def _columns(entries: Sequence[Entity], most: int = 4) -> tuple[str, ...]:
    """Columns of text that say something of entries without numbers."""
    found = dict.fromkeys(
        column for one in entries for column, text in one.texts.items() if text and column not in _ASIDE
    )
    return tuple(column for column in found if column != "name")[:most]


def _cell(entry: Entity, name: str, year: int, *, unit: bool) -> Cell:
    if name not in entry.numbers:
        return Cell("–")
    row = entry.evidence(name, year)
    told = f" ({row.year})" if is_series(entry.numbers[name]) else ""
    return Cell(f"{value_words(row)} {unit_words(row) if unit else ''}".strip() + told)


def entry_grid(entry: Entity, link: Link) -> Grid:
    """Every number of an entry: value, unit, range, year, grade, source, where it stands there, note."""
    known = catalog.sources()
    rows = tuple(_row(row, known.get(row.source_id), link) for row in entry.rows())
    head = ("quantity", "value", "unit", "range", "year", "grade", "source", "where in it, note", "row")
    numeric = (False, True, False, False, False, False, False, False, False)
    return Grid(f"Every number of {entry.id}.", head, numeric, rows)


def _row(row: Evidence, source: Source | None, link: Link) -> tuple[Cell, ...]:
    return (
        Cell(label(row.quantity)),
        Cell(value_words(row)),
        Cell(unit_words(row) or "–"),
        Cell(range_words(row) or "–"),
        Cell(str(row.year or "–")),
        Cell(row.grade.label, grade=row.grade.label),
        source_cell(row.source_id, source, link),
        Cell("; ".join(part for part in (row.locator, row.note) if part) or "–"),
        Cell(row.where.rpartition("/")[2] if not row.where.startswith("user/") else row.where),
    )


def source_cell(key: str, source: Source | None, link: Link) -> Cell:
    """A source: its title with a link to where it is, its id with one to what else comes from it."""
    if source is None:
        return Cell(key or "–")
    title = f"{source.title}, {source.publisher}{f' {source.year}' if source.year else ''}"
    return Cell(title, links=((title, web_address(source)), (key, link(where("sources", key)))))


def web_address(source: Source) -> str:
    """The address of a source, where it is one that a browser may open."""
    return source.url if source.url.startswith(("https://", "http://")) else ""


def sources_grid(sources: Iterable[Source], link: Link) -> Grid:
    """Sources with licence, and how many numbers of the catalog come from each."""
    uses = catalog.source_uses()
    rows = tuple(
        (
            Cell(one.id, link=link(where("sources", one.id))),
            Cell(one.title, link=web_address(one)),
            Cell(f"{one.publisher}{f' {one.year}' if one.year else ''}"),
            Cell(one.licence or "–"),
            Cell(count(sum(uses.get(one.id, {}).values()))),
        )
        for one in sources
    )
    head = ("source", "title", "publisher", "licence", "numbers")
    return Grid("Sources of the catalog.", head, (False, False, False, False, True), rows)


def texts_of(entry: Entity) -> tuple[tuple[str, str], ...]:
    """What an entry says of itself in words, by column."""
    return tuple((label(name), text) for name, text in entry.texts.items() if text and name not in _ASIDE)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1]}…"
