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

A *user catalog* is a folder with tables of the same names and shapes (``chips.csv``, ``chips.details.csv``,
``kernels.csv``, ``sources/….csv`` …) and, in folders of their own, the series that rows name (a plant's
``profile``). Its rows are laid over the shipped ones, cell by cell, and are marked:
the ``where`` of each starts with :data:`USER`. Where it lies: :func:`use_user_catalog`, else the
environment's :data:`USER_CATALOG` (empty: none), else the user's data folder. A broken one is refused with
file and line.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from gigawatt.catalog.entity import Change, Entity, Key
from gigawatt.catalog.lines import check_units, lines
from gigawatt.catalog.names import begins_one, plain_name
from gigawatt.core import once
from gigawatt.core.caches import cached_functions
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.core.evidence import Evidence, Grade, Source
from gigawatt.core.quantities import to_si

__all__ = [
    "CURRENCY_YEAR",
    "USER",
    "USER_CATALOG",
    "Entity",
    "begun_with",
    "entity",
    "filed",
    "forget",
    "keep_made",
    "path",
    "read_once",
    "source",
    "sources",
    "table",
    "tables",
    "use_user_catalog",
    "user_catalog",
    "user_folder",
    "varied",
    "version",
]

T = TypeVar("T")

CURRENCY_YEAR = 2024
USER_CATALOG, USER = "GIGAWATT_CATALOG", "user/"
"""Environment variable of the user catalog's folder (empty: none); what ``where`` of its rows starts with."""

_ROOT = Path(str(files("gigawatt.catalog"))) / "data"
_LONG = ("id", "quantity", "value", "unit")
_SOURCE = ("id", "title", "publisher", "year", "url", "licence")
_DETAILS = ".details"
_SHIPPED_ONLY = {
    "price_index": "money is of one year for everybody",
    "models": "give the model's config.json instead",
}
_chosen: list[Path | None] = []  # the folder that use_user_catalog named; empty: nobody did
_changed: dict[Key, Change] = {}  # what `varied` lays over the tables
_of_files: list[Any] = []  # cached functions that read files and no rows
_made: dict[str, dict[str, Entity]] = {}  # rows computed in this process, by table: chips built from parts


def path(name: str) -> Path:
    """The path of a data file of the shipped catalog, such as ``weather/abilene.parquet``."""
    return _ROOT / name


def tables() -> list[str]:
    """Names of the catalog's tables."""
    return sorted(file.stem for file in _ROOT.glob("*.csv") if not file.stem.endswith(_DETAILS))


def read_once(function: Callable[[str], T]) -> Callable[[str], T]:
    """Cache a function that reads catalog files and no rows; callers must not change its results."""
    _of_files.append(cached := lru_cache(maxsize=8)(function))
    return cached


def use_user_catalog(folder: Path | None) -> None:
    """Read ``folder`` as the user catalog from now on (``None``: none); it need not be there yet."""
    _chosen[:] = [folder]
    forget()


def forget(*, tables_too: bool = True) -> None:
    """Read the catalog anew: drop what this package's cached functions keep of earlier tables.

    ``tables_too`` false: tables themselves are kept, and rows computed in this process, whose makers may not
    be asked again; only what else was made of them goes.
    """
    kept = (filed, _price_index, _user_files, user_folder, sources, version, *_of_files)
    if tables_too:
        _made.clear()
    once.clear(noted_too=tables_too)
    for cached in cached_functions():
        if tables_too or cached not in kept:
            cached.cache_clear()


@lru_cache(maxsize=1)
def user_folder() -> Path | None:
    """Where the user catalog lies or would lie; ``None`` where there shall be none.

    Raises
    ------
    InputError
        :data:`USER_CATALOG` names a folder that is not there.
    """
    if _chosen:
        return _chosen[0]
    named = os.environ.get(USER_CATALOG)
    if named is not None:
        folder = Path(named).expanduser() if named.strip() else None
        if folder is not None and not folder.is_dir():
            raise InputError(
                "no such folder",
                key=USER_CATALOG,
                given=named,
                allowed="a folder of catalog tables; empty for none",
            )
        return folder
    from platformdirs import user_data_dir

    return Path(user_data_dir("gigawatt", appauthor=False)) / "catalog"


@lru_cache(maxsize=1)
def _user_files() -> Mapping[str, Path]:
    """Tables of the user catalog by stem (``chips``, ``chips.details``); an unknown name is refused."""
    folder = user_folder()
    if folder is None or not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    known = [name for name in tables() if name not in _SHIPPED_ONLY]
    for file in sorted(folder.glob("*.csv")):
        name = file.stem.removesuffix(_DETAILS)
        if name not in known:
            reason = _SHIPPED_ONLY.get(name)
            raise InputError(
                "this table cannot be the user's" if reason else "no such catalog table",
                file=file,
                allowed=reason or f"{', '.join(known)}; series of hours in a folder, such as profiles/",
                nearest=None if reason else nearest(name, known),
            )
        found[file.stem] = file
    return found


def user_catalog() -> Mapping[str, tuple[str, ...]]:
    """Ids with a row in the user catalog, by table; empty where none is in force."""
    names = sorted({stem.removesuffix(_DETAILS) for stem in _user_files()})
    found = {
        name: tuple(
            entry.id
            for entry in table(name).values()
            if any(row.where.startswith(USER) for row in entry.rows())
        )
        for name in names
    }
    return {name: ids for name, ids in found.items() if ids}


@lru_cache(maxsize=1)
def version() -> str:
    """A short hash of every file of the catalog: same hash, same numbers.

    Where a user catalog is in force, ``+`` and the hash of its tables follow, with the series in its folders
    (hours of a plant's ``profile``).
    """

    def digest(root: Path, found: list[Path]) -> str:
        sha = hashlib.sha256()
        for file in sorted(found):
            sha.update(file.relative_to(root).as_posix().encode())
            sha.update(file.read_bytes())
        return sha.hexdigest()[:12]

    shipped = digest(_ROOT, [p for p in _ROOT.rglob("*") if p.is_file()])
    folder, own = user_folder(), [*_user_files().values()]
    if folder is not None and own:
        own += [file for file in folder.glob("*/**/*.csv") if file.parent != folder / "sources"]
    return f"{shipped}+{digest(folder, own)}" if folder is not None and own else shipped


@lru_cache(maxsize=1)
def sources() -> Mapping[str, Source]:
    """Every source by id, from ``sources/*.csv`` (one file a room), the user's among them."""
    found: dict[str, Source] = {}
    own, folder = path("sources"), user_folder()
    read = [*sorted(own.glob("*.csv")), *(sorted((folder / "sources").glob("*.csv")) if folder else ())]
    for file in read:
        shown = file if file.parent != own else file.name
        for line, row in lines(file, shown, _SOURCE):
            if row["id"] in found:
                raise InputError("this source stands twice", file=shown, line=line, key=row["id"])
            try:
                year = int(row["year"]) if row["year"] else None
            except ValueError:
                raise InputError(
                    "not a year", file=shown, line=line, key=row["id"], given=row["year"]
                ) from None
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


@lru_cache(maxsize=128)
def _is_long(name: str) -> bool:
    """Whether the shipped file of this name has one row a number; all details have."""
    if name.endswith(f"{_DETAILS}.csv"):
        return True
    shipped = _ROOT / name
    if not shipped.exists():
        return False
    with shipped.open(newline="", encoding="utf-8") as stream:
        return set(_LONG) <= set(next(csv.reader(stream), ()))


def _read(file: Path) -> Iterator[tuple[int, str, dict[str, list[Evidence]], dict[str, str]]]:
    user = file.parent != _ROOT
    shown: str | Path = file if user else file.name
    needed = _LONG if user and _is_long(file.name) else _LONG[:1]
    for line, row in lines(file, shown, needed):
        where, place = f"{USER if user else ''}{file.name}:{line}", f"{shown}:{line}"
        if not row["id"]:
            raise InputError("the id is missing", file=place)
        numbers: dict[str, list[Evidence]] = {}
        texts: dict[str, str] = {}
        if all(column in row for column in _LONG):
            if row["value"]:
                made = _number(row["id"], row["quantity"], row["value"], row["unit"], row, place)
                numbers[row["quantity"]] = [made]
        else:
            if user:
                check_units(row, _ROOT / file.name, place)
            for column, written in row.items():
                if column.endswith("]"):
                    quantity, _, unit = column[:-1].partition(" [")
                    if written:
                        numbers[quantity] = [_number(row["id"], quantity, written, unit, row, place)]
                else:
                    texts[column] = written
        if user:
            numbers = {q: [_users(one, where, place) for one in rows] for q, rows in numbers.items()}
        yield line, row["id"], numbers, texts


def _users(row: Evidence, where: str, place: str) -> Evidence:
    """A row of the user catalog, marked; its source must be known and its number finite."""
    if row.source_id not in sources():
        raise InputError(
            "no such source",
            file=place,
            key=row.quantity,
            given=row.source_id,
            allowed="a row in sources/*.csv of the user catalog",
            nearest=nearest(row.source_id, sources()),
        )
    bounds = (
        row.value,
        row.value if row.low is None else row.low,
        row.value if row.high is None else row.high,
    )
    if not all(math.isfinite(x) for x in bounds) or not bounds[1] <= bounds[0] <= bounds[2]:
        raise InputError(
            "not a finite number within its own range", file=place, key=row.quantity, given=row.written,
            allowed="low ≤ value ≤ high, all in the row's unit",
        )  # fmt: skip
    return replace(row, where=where)


class _Rows:
    """Cells of a table while its files are laid over one another."""

    def __init__(self) -> None:
        self.numbers: dict[str, dict[str, list[Evidence]]] = {}
        self.texts: dict[str, dict[str, str]] = {}

    def lay(self, file: Path, *, known: bool) -> None:
        """Lay a file's cells over what stands; with ``known``, an id without a row is refused."""
        numbers: dict[str, dict[str, list[Evidence]]] = {}
        for line, key, found, words in _read(file):
            if known and key not in self.numbers:
                shipped = file.parent == _ROOT
                raise InputError(
                    "details of an unknown row",
                    file=file.name if shipped else file,
                    line=None if shipped else line,
                    given=key,
                    nearest=nearest(key, self.numbers),
                )
            mine = numbers.setdefault(key, {})
            for quantity, rows in found.items():
                mine.setdefault(quantity, []).extend(rows)
            kept = self.texts.setdefault(key, {})
            kept.update(words if not kept else {name: word for name, word in words.items() if word})
        for key, mine in numbers.items():
            self.numbers.setdefault(key, {}).update(mine)


def keep_made(name: str, row: Entity) -> None:
    """Let a computed row stand in a table until :func:`forget`, in place of one with its id."""
    if table(name).get(row.id) != row:
        _made.setdefault(name, {})[row.id] = row
        table.cache_clear()


@contextmanager
def varied(changes: Mapping[Key, Change]) -> Generator[None]:
    """Other values, in SI, for rows of the catalog while the block runs: what would follow if they held.

    Parameters
    ----------
    changes : mapping of (table, id, quantity) to float or callable
        Every row of that quantity takes the value, or what the callable makes of it, its range shrunk to
        it; unknown rows are left out.
    """
    before, made = dict(_changed), {name: dict(rows) for name, rows in _made.items()}
    _changed.update(changes)
    forget(tables_too=False)
    try:
        with once.apart_from(_changed.keys()):
            yield
    finally:
        _changed.clear()
        _changed.update(before)
        _made.clear()
        _made.update(made)
        forget(tables_too=False)


def _vary(name: str, rows: Mapping[str, Entity]) -> Mapping[str, Entity]:
    found = dict(rows)
    for (of, key, quantity), change in _changed.items():
        if of == name and key in found and quantity in found[key].numbers:
            one = found[key]
            made = tuple(_with(row, change) for row in one.numbers[quantity])
            found[key] = replace(one, numbers={**one.numbers, quantity: made})
    return found


def _with(row: Evidence, change: Change) -> Evidence:
    value = change(row) if callable(change) else change
    low, high = (None if end is None else value for end in (row.low, row.high))
    return replace(row, value=value, low=low, high=high)


@lru_cache(maxsize=128)
def table(name: str) -> Mapping[str, Entity]:
    """All entities of a table by id; raises ``MissingDataError`` for an unknown table."""
    rows = {**filed(name), **_made[name]} if name in _made else filed(name)
    return _vary(name, rows) if _changed else rows


@lru_cache(maxsize=128)
def filed(name: str) -> Mapping[str, Entity]:
    """Those of a table that stand in its files: none that was computed in this process."""
    if not path(f"{name}.csv").exists():
        raise MissingDataError(
            "no such catalog table", given=name, allowed=tables(), nearest=nearest(name, tables())
        )
    rows, details = _Rows(), f"{name}{_DETAILS}"
    own: Mapping[str, Path] = {} if name in _SHIPPED_ONLY else _user_files()
    layers = (path(f"{name}.csv"), path(f"{details}.csv"), own.get(name), own.get(details))
    for file, known in zip(layers, (False, True, False, True), strict=True):
        if file is not None and file.exists():
            rows.lay(file, known=known)
    return {
        key: Entity(key, name, {q: tuple(found) for q, found in mine.items()}, rows.texts[key])
        for key, mine in rows.numbers.items()
    }


def entity(name: str, key: str) -> Entity:
    """One entity; an unknown id is an error that names the nearest spelling.

    An id is matched exactly, then without regard to case and to ``-``, ``_`` and blanks, then among
    the ``aliases`` column (separated by ``|``) and the ``name`` with its vendor where the table has them,
    then, of chips and models, as the beginning of one entry alone.
    """
    rows = table(name)
    if key in rows:
        return rows[key]
    wanted = plain_name(key)
    for candidate in rows.values():
        if any(plain_name(alias) == wanted for alias in _names_of(candidate)):
            return candidate
    begun = begun_with(name, key)
    if begun is not None:
        return rows[begun]
    raise InputError(
        f"no such entry in the catalog's {name}",
        given=key,
        allowed=f"see `gigawatt catalog list {name}`",
        nearest=nearest(key, rows),
    )


def begun_with(name: str, key: str) -> str | None:
    """The chip or model that ``key`` alone begins and is no name of; else ``None``."""
    if name not in ("chips", "models"):
        return None
    rows, own = table(name), key.rpartition("/")[2]
    names = {alias: one.id for one in rows.values() for alias in _names_of(one)}
    return None if plain_name(own) in map(plain_name, names) else begins_one(own, names)


def _names_of(one: Entity) -> list[str]:
    """What an entity may be called: its id, its aliases, each with its vendor before it."""
    names = [one.id, *(alias for alias in one.text("aliases").split("|") if alias)]
    return [*names, *(f"{one.text('vendor')} {alias}" for alias in names if one.text("vendor"))]
