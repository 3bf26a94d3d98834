"""The catalog as a person looks through it: what each table holds, words found in it, who uses a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gigawatt.catalog.entity import Entity
from gigawatt.catalog.loader import filed, sources, tables, user_catalog, user_folder
from gigawatt.core.evidence import Grade

__all__ = ["Found", "Holding", "find", "holdings", "main_quantities", "source_uses", "user_words"]

_KINDS = ("entry", "quantity", "source", "note")
_ASIDE = ("id", "grade", "source_id", "locator", "note")
"""Text columns that say of a row where it comes from, not what it is."""


@dataclass(frozen=True)
class Holding:
    """What a table holds: its entries, its numbers, how these are graded, how many sources they have."""

    table: str
    entries: int
    numbers: int
    grades: Mapping[Grade, int]
    sources: int


@dataclass(frozen=True)
class Found:
    """One entry in which all words stand, and where.

    Attributes
    ----------
    table, entry, name : str
        What was found; ``name`` is empty where the entry has none beside its id.
    kind : str
        Where the words stand: ``entry`` (its id, name or texts), ``quantity``, ``source``, ``note``.
    matched : tuple of str
        The quantities, ids of sources or notes in which they stand, a few of them.
    """

    table: str
    entry: str
    name: str
    kind: str
    matched: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def holdings() -> tuple[Holding, ...]:
    """Every table, in the order of its name."""
    return tuple(_holding(name) for name in tables())


def _holding(name: str) -> Holding:
    rows = [row for entry in filed(name).values() for row in entry.rows()]
    grades = Counter(row.grade for row in rows)
    ordered = {grade: grades[grade] for grade in Grade if grades[grade]}
    return Holding(name, len(filed(name)), len(rows), ordered, len({row.source_id for row in rows}))


@lru_cache(maxsize=256)
def main_quantities(name: str, most: int = 6) -> tuple[str, ...]:
    """The quantities of a table that most of its entries have, those that come first in it before others."""
    counts: Counter[str] = Counter()
    for entry in filed(name).values():
        counts.update(quantity for quantity in entry.numbers)
    order = {quantity: at for at, quantity in enumerate(counts)}
    chosen = sorted(counts, key=lambda quantity: (-counts[quantity], order[quantity]))[:most]
    return tuple(sorted(chosen, key=order.__getitem__))


@lru_cache(maxsize=1)
def source_uses() -> Mapping[str, Mapping[str, int]]:
    """How many numbers of each table come from a source, by the id of every source that there is."""
    found: dict[str, Counter[str]] = {one: Counter() for one in sources()}
    for name in tables():
        for entry in filed(name).values():
            for row in entry.rows():
                found.setdefault(row.source_id, Counter())[name] += 1
            cited = entry.text("source_id")  # of an entry that has texts only
            if cited and not entry.numbers:
                found.setdefault(cited, Counter())[name] += 1
    return found


@dataclass(frozen=True)
class _Line:
    """An entry as it is searched: what stands where, in small letters; sources and notes once each."""

    entry: Entity
    name: str
    own: str
    quantities: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@lru_cache(maxsize=1)
def _lines() -> tuple[_Line, ...]:
    return tuple(_line(entry) for name in tables() for entry in filed(name).values())


def _line(entry: Entity) -> _Line:
    known = sources()
    own = [entry.id, *(text for column, text in entry.texts.items() if column not in _ASIDE)]
    ids = dict.fromkeys([row.source_id for row in entry.rows()] or [entry.text("source_id")])
    told = tuple(
        (one, f"{one} {known[one].title} {known[one].publisher}".lower()) for one in ids if one in known
    )
    notes = tuple(dict.fromkeys(f"{row.locator} {row.note}".strip() for row in entry.rows()))
    name = entry.text("name")
    return _Line(
        entry, "" if name == entry.id else name, " ".join(own).lower(), tuple(entry.numbers), told, notes
    )


def find(words: str, within: str = "", most: int = 200) -> tuple[tuple[Found, ...], int]:
    """Entries in which all words stand: in names, in their own texts, in quantities, sources, notes.

    Parameters
    ----------
    words : str
        Separated by blanks; capitals do not matter, and ``_`` is a blank.
    within : str
        A table; every table where left out.
    most : int
        How many at most.

    Returns
    -------
    tuple of Found, int
        The first, and how many there are.
    """
    wanted = words.lower().replace("_", " ").split()
    if not wanted:
        return (), 0
    found = [
        hit
        for line in _lines()
        if not within or line.entry.table == within
        if (hit := _hit(line, wanted)) is not None
    ]
    found.sort(key=lambda hit: (_KINDS.index(hit.kind), not _names(hit, wanted)))
    return tuple(found[:most]), len(found)


def _names(hit: Found, wanted: list[str]) -> bool:
    """Whether the words stand in its id and name, rather than in what else it says of itself."""
    text = f"{hit.entry} {hit.name}".lower()
    return all(word in text for word in wanted)


def _hit(line: _Line, wanted: list[str]) -> Found | None:
    def make(kind: str, matched: Iterator[str] | tuple[str, ...] = ()) -> Found:
        return Found(line.entry.table, line.entry.id, line.name, kind, tuple(dict.fromkeys(matched))[:3])

    def told(text: str) -> bool:
        plain = text.lower().replace("_", " ")
        return all(word in plain for word in wanted)

    if told(line.own):
        return make("entry")
    # the words may name an entry and one of its quantities: "h100 bandwidth"
    for kind, texts in (
        ("quantity", [(one, f"{line.own} {one}") for one in line.quantities]),
        ("source", line.sources),
        ("note", [(one, one) for one in line.notes]),
    ):
        matched = tuple(one for one, text in texts if told(text))
        if matched:
            return make(kind, matched)
    return None


def user_words() -> str:
    """Which user catalog is in force, and what it holds."""
    folder, own = user_folder(), user_catalog()
    if folder is None:
        return "none, as GIGAWATT_CATALOG says"
    if not own:
        return f"none in {folder}"
    listed = "; ".join(f"{name}: {', '.join(ids)}" for name, ids in own.items())
    return f"{folder} ({listed})"
