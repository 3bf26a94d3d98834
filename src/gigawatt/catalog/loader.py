"""The one loader of every number that came from somewhere.

Two shapes of table, told apart by their header; both give the same :class:`Entity`.

*Wide*: one row an entity. ``id`` first; a numeric column names its unit in brackets
(``memory_bandwidth [TB/s]``, ``heads []``), any other column is text. ``grade``, ``source_id``,
``locator``, ``note``, ``currency_year`` apply to the whole row.

*Long*: one row a number: ``id, quantity, value, low, high, unit, year, currency_year, grade,
source_id, locator, note``. Several rows with the same id and quantity and different years are a
series. A long table named ``T.details.csv`` beside ``T.csv`` adds to or overrides its cells, so that
one doubtful cell of a wide row can carry its own source, range and grade.

Money is brought to dollars of :data:`CURRENCY_YEAR` when it is loaded (table ``price_index``), so that
years never mix. ``value`` is in SI base units throughout.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from gigawatt.errors import InputError, MissingDataError, nearest
from gigawatt.evidence import Evidence, Grade, Source
from gigawatt.quantities import to_si

__all__ = ["CURRENCY_YEAR", "Entity", "entity", "path", "source", "sources", "table", "tables", "version"]

CURRENCY_YEAR = 2024

_ROOT = Path(str(files("gigawatt.catalog"))) / "data"
_LONG = ("id", "quantity", "value", "unit")


@dataclass(frozen=True)
class Entity:
    """One row of reality: a chip, a link, a plant, a site. Numbers by name, each with its evidence."""

    id: str
    table: str
    numbers: Mapping[str, tuple[Evidence, ...]] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)

    def evidence(self, quantity: str, year: int | None = None) -> Evidence:
        """The row of ``quantity``; of a series the latest not after ``year`` (or the first).

        Raises
        ------
        MissingDataError
            The entity has no such number; names the table, the entity and where to add it.
        """
        rows = self.numbers.get(quantity)
        if not rows:
            raise MissingDataError(
                f"catalog table {self.table!r} has no {quantity!r} for {self.id!r}",
                allowed=f"add a row to {self.table}.csv or give the number in the scenario",
                nearest=nearest(quantity, self.numbers),
            )
        if year is None:
            return rows[0]
        past = [row for row in rows if row.year is not None and row.year <= year]
        return max(past, key=lambda row: row.year or 0, default=rows[0])

    def value(self, quantity: str) -> float:
        """The SI value of ``quantity`` (first row of a series); raises ``MissingDataError``."""
        return self.evidence(quantity).value

    def get(self, quantity: str, default: float | None = None) -> float | None:
        """The SI value of ``quantity`` or ``default`` where the catalog has none."""
        return self.evidence(quantity).value if quantity in self.numbers else default

    def at(self, quantity: str, year: float) -> tuple[float, float, float]:
        """(value, low, high) of a series at ``year``: linear between rows, constant outside them.

        A row without a range has low = high = value.
        """
        self.evidence(quantity)
        rows = sorted(self.numbers[quantity], key=lambda row: row.year or 0)
        years = [float(row.year or 0) for row in rows]

        def interpolate(values: list[float]) -> float:
            if year <= years[0] or len(years) == 1:
                return values[0]
            for i in range(1, len(years)):
                if year <= years[i]:
                    share = (year - years[i - 1]) / (years[i] - years[i - 1])
                    return values[i - 1] + share * (values[i] - values[i - 1])
            return values[-1]

        return (
            interpolate([row.value for row in rows]),
            interpolate([row.value if row.low is None else row.low for row in rows]),
            interpolate([row.value if row.high is None else row.high for row in rows]),
        )

    def text(self, name: str, default: str = "") -> str:
        """A text column, or ``default`` where it is empty."""
        return self.texts.get(name) or default

    def rows(self) -> tuple[Evidence, ...]:
        """Every evidence row of the entity."""
        return tuple(row for rows in self.numbers.values() for row in rows)


def path(name: str) -> Path:
    """The path of a data file of the catalog, such as ``weather/abilene.parquet``."""
    return _ROOT / name


def tables() -> list[str]:
    """Names of the catalog's tables."""
    return sorted(file.stem for file in _ROOT.glob("*.csv") if not file.stem.endswith(".details"))


@lru_cache(maxsize=1)
def version() -> str:
    """A short hash of every file of the catalog: same hash, same numbers."""
    digest = hashlib.sha256()
    for file in sorted(p for p in _ROOT.rglob("*") if p.is_file()):
        digest.update(file.relative_to(_ROOT).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def sources() -> Mapping[str, Source]:
    """Every source by id, from ``sources/*.csv`` (one file a room)."""
    found: dict[str, Source] = {}
    for file in sorted(path("sources").glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row["id"] in found:
                    raise InputError("this source stands twice", file=file.name, key=row["id"])
                year = int(row["year"]) if row["year"] else None
                found[row["id"]] = Source(
                    row["id"], row["title"], row["publisher"], year, row["url"], row["licence"]
                )
    return found


def source(source_id: str) -> Source:
    """One source; raises ``MissingDataError`` where it has no row."""
    if source_id not in sources():
        raise MissingDataError("no such source", given=source_id, nearest=nearest(source_id, sources()))
    return sources()[source_id]


@lru_cache(maxsize=1)
def _price_index() -> Mapping[int, float]:
    with path("price_index.csv").open(newline="", encoding="utf-8") as stream:
        return {int(row["year"]): float(row["value"]) for row in csv.DictReader(stream)}


def _is_money(unit: str) -> bool:
    return "$" in unit or "USD" in unit


def _inflate(unit: str, currency_year: int | None, where: str) -> float:
    if not _is_money(unit):
        return 1.0
    index = _price_index()
    if currency_year is None or currency_year not in index:
        raise InputError(
            "money needs a currency year",
            file=where,
            given=currency_year,
            allowed=f"{min(index)} to {max(index)}",
        )
    return index[CURRENCY_YEAR] / index[currency_year]


def _number(
    entity: str, quantity: str, written: str, unit: str, row: Mapping[str, str], where: str
) -> Evidence:
    try:
        currency_year = int(row["currency_year"]) if row.get("currency_year") else None
        scale = _inflate(unit, currency_year, where)
        low, high = row.get("low"), row.get("high")
        return Evidence(
            entity=entity,
            quantity=quantity,
            value=to_si(float(written), unit) * scale,
            low=to_si(float(low), unit) * scale if low else None,
            high=to_si(float(high), unit) * scale if high else None,
            unit=unit,
            written=written,
            year=int(float(row["year"])) if row.get("year") else None,
            currency_year=currency_year,
            grade=Grade.read(row["grade"]),
            source_id=row["source_id"],
            locator=row.get("locator") or "",
            note=row.get("note") or "",
            where=where,
        )
    except InputError as error:
        raise error.at(file=where, key=quantity) from None
    except (KeyError, ValueError) as error:
        raise InputError("cannot read this row", file=where, key=quantity, given=written) from error


def _read(name: str, file: Path) -> Iterator[tuple[str, dict[str, list[Evidence]], dict[str, str]]]:
    with file.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        header = reader.fieldnames or []
        long = all(column in header for column in _LONG)
        for row in reader:
            where = f"{file.name}:{reader.line_num}"
            if len(row) > len(header):  # DictReader keeps the surplus under None
                raise InputError(
                    "more cells than columns", file=where, allowed="quote a cell that has a comma"
                )
            numbers: dict[str, list[Evidence]] = {}
            texts: dict[str, str] = {}
            if long:
                if row["value"]:
                    made = _number(row["id"], row["quantity"], row["value"], row["unit"], row, where)
                    numbers[row["quantity"]] = [made]
            else:
                for column, written in row.items():
                    if column.endswith("]"):
                        quantity, unit = column[:-1].split(" [")
                        if written:
                            numbers[quantity] = [_number(row["id"], quantity, written, unit, row, where)]
                    else:
                        texts[column] = written
            yield row["id"], numbers, texts


@lru_cache(maxsize=64)
def table(name: str) -> Mapping[str, Entity]:
    """All entities of a table by id; raises ``MissingDataError`` for an unknown table."""
    file = path(f"{name}.csv")
    if not file.exists():
        raise MissingDataError(
            "no such catalog table", given=name, allowed=tables(), nearest=nearest(name, tables())
        )
    numbers: dict[str, dict[str, list[Evidence]]] = {}
    texts: dict[str, dict[str, str]] = {}
    for key, found, words in _read(name, file):
        mine = numbers.setdefault(key, {})
        for quantity, rows in found.items():
            mine.setdefault(quantity, []).extend(rows)
        texts.setdefault(key, {}).update(words)
    details = path(f"{name}.details.csv")
    if details.exists():
        overridden: dict[str, dict[str, list[Evidence]]] = {}
        for key, found, _ in _read(name, details):
            for quantity, rows in found.items():
                overridden.setdefault(key, {}).setdefault(quantity, []).extend(rows)
        for key, found_rows in overridden.items():
            if key not in numbers:
                raise InputError(
                    "details of an unknown row", file=details.name, given=key, nearest=nearest(key, numbers)
                )
            numbers[key].update(found_rows)
    return {
        key: Entity(key, name, {q: tuple(rows) for q, rows in mine.items()}, texts[key])
        for key, mine in numbers.items()
    }


def entity(name: str, key: str) -> Entity:
    """One entity; an unknown id is an error that names the nearest spelling.

    An id is matched exactly, then without regard to case and to ``-``, ``_`` and blanks, then among
    the ``aliases`` column (separated by ``|``) where the table has one.
    """
    rows = table(name)
    if key in rows:
        return rows[key]
    wanted = _plain(key)
    for candidate in rows.values():
        names = [candidate.id, *candidate.text("aliases").split("|")]
        if any(_plain(alias) == wanted for alias in names if alias):
            return candidate
    raise InputError(
        f"no such entry in the catalog's {name}",
        given=key,
        allowed=f"see `gigawatt catalog list {name}`",
        nearest=nearest(key, rows),
    )


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum() or c == ".")
