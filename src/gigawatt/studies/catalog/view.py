"""The catalog: every table, entry, number and source, and words found in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.core.errors import nearest
from gigawatt.core.evidence import Source
from gigawatt.faces.figures.readable import label
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.form.fields import field_of, options
from gigawatt.faces.web.names import Unknown
from gigawatt.faces.web.rendering import Plot, fragment, plot
from gigawatt.studies.catalog import document as grids
from gigawatt.studies.catalog.figures import is_series, series_figure

__all__ = ["show"]

SOURCES = "sources"
_PAGE, _MOST_FIGURES, _MOST_USED = 60, 8, 40
_SETS = {
    "chips": ("machine.chip",),
    "chip_designs": ("machine.chip",),
    "models": ("model",),
    "sites": ("site.name",),
    "places": ("site.name",),
    "cloud_regions": ("site.name",),
    "plants": ("supply.plants",),
    "nodes": ("machine.node",),
    "links": ("machine.scale_up", "machine.scale_out"),
    "topologies": ("machine.topology",),
    "software_frameworks": ("software.framework",),
    "engines": ("serving.engine",),
    "traces": ("serving.trace",),
    "traces_shapes": ("serving.shape",),
    "precisions": ("serving.precision",),
    "optimizers": ("training.optimizer",),
    "cooling": ("site.cooling",),
    "cooling_redundancy": ("site.redundancy",),
}
"""Fields that an entry of a table may stand in."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Use:
    """An entry put into a field of the question: in words, and the question's address then."""

    words: str
    query: str
    used: bool


@dataclass(frozen=True)
class Pages:
    """Which part of a long list is shown, and the addresses of the parts beside it."""

    number: int
    of: int
    before: str
    after: str


def show(asked: Asked) -> Fragment:
    """The tables, the sources, one table, one source or one entry, as the address says."""
    table, _, entry = asked.question.item.strip("/").partition("/")
    if not table:
        return _tables(asked)
    if table == SOURCES:
        return _source(asked, entry) if entry else _sources(asked)
    if table not in catalog.tables():
        near = nearest(table[:80], catalog.tables())
        raise Unknown("no such table", key="catalog", given=table[:80], nearest=near)
    rows = catalog.table(table)
    if not entry:
        return _table(asked, table, rows.values())
    if entry not in rows:
        raise Unknown("no such entry", key=table, given=entry[:80], nearest=nearest(entry[:80], rows))
    return _entry(asked, rows[entry])


def _link(asked: Asked, **settings: str) -> Callable[[str], str]:
    query = asked.state.query(settings)
    after = f"?{query}" if query else ""
    return lambda place: f"/catalog{f'/{place}' if place else ''}{after}"


def _words(asked: Asked) -> str:
    return " ".join(asked.settings.get("find", "").split())[:100]


def _part(asked: Asked, place: str, items: Sequence[Item]) -> tuple[Sequence[Item], Pages]:
    """The part of a list that the setting ``page`` names, the first where it names none."""
    of = max(1, -(-len(items) // _PAGE))
    number = int(asked.setting("page", tuple(str(one) for one in range(1, of + 1))))
    kept = {"find": words} if (words := _words(asked)) else {}

    def address(to: int) -> str:
        return _link(asked, **kept, page=str(to))(place) if 0 < to <= of else ""

    return items[(number - 1) * _PAGE : number * _PAGE], Pages(
        number, of, address(number - 1), address(number + 1)
    )


def _shown(asked: Asked, title: str, **context: Any) -> Fragment:
    empty: dict[str, Any] = {
        "grid": None, "pages": None, "plots": [], "uses": [], "texts": [], "lead": "", "source": None,
        "address": "", "above": [], "searched": True, "under": "", "tables": None,
    }  # fmt: skip
    made = {**empty, "heading": title, "find": _words(asked), "link": _link(asked), **context}
    return fragment("catalog.html.j2", title=title, **made)


def _tables(asked: Asked) -> Fragment:
    words, link = _words(asked), _link(asked)
    lead = (
        f"{len(catalog.tables())} tables, {sum(one.numbers for one in catalog.holdings()):,} numbers from "
        f"{len(catalog.sources())} sources. "
        "Every number stands in a row with its unit, range, grade and source."
    )
    if not words:
        return _shown(asked, "Tables", grid=grids.holdings_grid(link), lead=lead)
    found, many = catalog.find(words)
    near = "" if many else _nearest(words)
    said = f"Nothing has “{words}”{f'; did you mean {near}?' if near else '.'}"
    grid = grids.found_grid(found, many, words, link) if many else None
    return _shown(asked, "Found", grid=grid, lead=lead if many else said, tables=grids.holdings_grid(link))


def _nearest(words: str) -> str:
    names = [name for table in catalog.tables() for name in (table, *catalog.table(table))]
    return nearest(words, names) or ""


def _table(asked: Asked, name: str, entries: Any) -> Fragment:
    words, link = _words(asked), _link(asked)
    chosen: list[Entity] = list(entries)
    if words:
        named = {one.entry for one in catalog.find(words, name, most=len(chosen))[0]}
        chosen = [one for one in chosen if one.id in named]
    part, pages = _part(asked, grids.where(name), chosen)
    grid = grids.entries_grid(name, part, int(asked.state.written("year")), link) if part else None
    holding = next(one for one in catalog.holdings() if one.table == name)
    graded = ", ".join(f"{number} {grade.label}" for grade, number in holding.grades.items())
    lead = f"{holding.entries} entries, {holding.numbers} numbers{f': {graded}' if graded else ''}."
    if words:
        lead += f" {len(chosen)} of the entries have “{words}”."
    return _shown(asked, f"{label(name)}", grid=grid, pages=pages, lead=lead, above=_above(asked), under=name)


def _entry(asked: Asked, entry: Entity) -> Fragment:
    link = _link(asked)
    series = [name for name, rows in entry.numbers.items() if is_series(rows)]
    plots: list[Plot] = []
    for number, name in enumerate(series[:_MOST_FIGURES]):
        caption = f"{label(name)[:1].upper()}{label(name)[1:]} over the years, with the range of each row."
        plots.append(plot(f"series-{number}", series_figure(entry, name), caption))
    more = len(series) - len(plots)
    return _shown(
        asked,
        entry.text("name", entry.id),
        lead=f"{entry.id}, an entry of {entry.table}."
        + (f" {more} more of its quantities have several years: they are in the table." if more > 0 else ""),
        texts=grids.texts_of(entry),
        grid=grids.entry_grid(entry, link) if entry.rows() else None,
        plots=plots,
        uses=_uses(asked, entry),
        above=_above(asked, entry.table),
        searched=False,
        source=None if entry.rows() else catalog.sources().get(entry.text("source_id")),
    )


def _above(asked: Asked, *tables: str) -> list[tuple[str, str]]:
    link = _link(asked)
    return [("The catalog", link("")), *((label(name), link(grids.where(name))) for name in tables)]


def _uses(asked: Asked, entry: Entity) -> list[Use]:
    """The fields of the question that the entry can stand in."""
    found: list[Use] = []
    for key in _SETS.get(entry.table, ()):
        field = field_of(key, asked.state.branch)
        if field is None or all(one.value != entry.id for one in options(key)):
            continue
        now, what = asked.state.written(key), field.label.lower()
        if field.kind == "many":
            chosen = [part for part in now.split(",") if part]
            used = entry.id in chosen
            kept = [part for part in chosen if part != entry.id] if used else [*chosen, entry.id]
            words = f"Take it from the {what}" if used else f"Add it to the {what}"
            found.append(Use(words, asked.state.with_changes({key: ",".join(kept)}).query(), used=False))
        else:
            state = asked.state.with_changes({key: entry.id})
            found.append(Use(f"Use it as the {what}", state.query(), used=now == entry.id))
    return found


def _sources(asked: Asked) -> Fragment:
    words, link = _words(asked).lower(), _link(asked)
    chosen = [one for one in catalog.sources().values() if all(w in _told(one) for w in words.split())]
    part, pages = _part(asked, SOURCES, chosen)
    lead = f"{len(catalog.sources())} sources."
    if words:
        lead += f" {len(chosen)} of them have “{words}”."
    grid = grids.sources_grid(part, link) if part else None
    return _shown(asked, "Sources", grid=grid, pages=pages, lead=lead, above=_above(asked), under=SOURCES)


def _told(source: Source) -> str:
    return f"{source.id} {source.title} {source.publisher} {source.licence} {source.year or ''}".lower()


def _source(asked: Asked, key: str) -> Fragment:
    source = catalog.sources().get(key)
    if source is None:
        near = nearest(key[:80], catalog.sources())
        raise Unknown("no such source", key=SOURCES, given=key[:80], nearest=near)
    uses = catalog.source_uses().get(key, {})
    link = _link(asked, find=key)
    texts = [(f"numbers in {name}", f"{many}", link(grids.where(name))) for name, many in uses.items()]
    lead = f"{sum(uses.values())} numbers of the catalog come from it." if uses else (
        "No single number comes from it; it is cited for data in separate files."
    )  # fmt: skip
    return _shown(
        asked, source.title, lead=lead, texts=texts, source=source, address=grids.web_address(source),
        above=[*_above(asked), ("Sources", _link(asked)(SOURCES))], searched=False,
    )  # fmt: skip
