"""Tariffs of the catalog, and of a user's file with the same parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from gigawatt.catalog import CURRENCY_YEAR, entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.delimited import read_cells
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Grade
from gigawatt.core.quantities import HOURS_PER_YEAR, factor
from gigawatt.power.tariff.clock import DAYS, MONTHS, coincident_rule
from gigawatt.power.tariff.parts import DETERMINANTS, KINDS, PERIODS, Part, Tariff

__all__ = ["COLUMNS", "KEY", "list_tariffs", "read_tariff", "tariff_of"]

KEY = "supply.grid.tariff"
COLUMNS = (
    "line",
    "kind",
    "price",
    "unit",
    "determinant",
    "months",
    "days",
    "hours",
    "from_kWh",
    "to_kWh",
    "ratchet",
    "ratchet_months",
    "minimum",
    "scale",
    "off",
)
"""Columns of ``tariffs_parts.csv`` that say what a part is; the first four are needed."""
_NEEDED = 4
_HOUR, _YEAR_SECONDS = 3600.0, HOURS_PER_YEAR * 3600.0
_DOLLAR, _KWH, _ROOM = "$", 3.6e6, 1e-9
_PER = {
    "kWh": (1.0 / _KWH, "J"),
    "MWh": (1e-3 / _KWH, "J"),
    "kW/month": (1e-3, "month"),
    "kW/year": (1e-3, "year"),
    "MW/day": (1e-6, "day"),
    "month": (1.0, "month"),
    "year": (1.0, "year"),
    "day": (1.0, "day"),
    "kW": (1e-3, "once"),
}
"""(SI price for a price of 1, what it is by)."""


def list_tariffs() -> list[str]:
    """Every tariff of the catalog."""
    return list(table("tariffs"))


def read_tariff(name: str) -> Tariff:
    """A tariff of the catalog by its id, or of a CSV file of parts (a name that ends in ``.csv``).

    Parameters
    ----------
    name : str
        Id, or file.

    Raises
    ------
    InputError
        No such tariff or file; a part that is none, with its line; no energy price in some hour, or two.
    """
    if name.lower().endswith(".csv"):
        return _of_file(Path(name))
    known = table("tariffs")
    if name not in known:
        raise InputError(
            "no such tariff",
            key=KEY,
            given=name,
            nearest=nearest(name, known),
            allowed="a row of `gigawatt catalog list tariffs`, or a CSV file of parts",
        )
    return tariff_of(name)


@lru_cache(maxsize=64)
def tariff_of(name: str) -> Tariff:
    """The tariff of a row of ``tariffs.csv`` and its rows of ``tariffs_parts.csv``."""
    row = table("tariffs")[name]
    parts = [one for one in table("tariffs_parts").values() if one.text("tariff") == name]
    written = [({**one.texts}, f"tariffs_parts.csv, {one.id}") for one in parts]
    year = int(row.text("year"))
    return _tariff(
        written,
        file=None,
        id=name,
        name=row.text("name", name),
        year=year,
        currency=row.text("currency"),
        dollars=_dollars(row.text("currency"), year),
        utility=row.text("utility"),
        market=row.text("market"),
        minimum_power=row.get("minimum_power", 0.0) or 0.0,
        term=row.get("term", 0.0) or 0.0,
    )


def _dollars(currency: str, year: int) -> float:
    """$ of the catalog's currency year for one unit of a currency in a year."""
    index = entity("price_index", "usd")
    rate = 1.0 if currency == _DOLLAR else entity("currencies", currency).value("rate")
    return rate * index.evidence("index", CURRENCY_YEAR).value / index.evidence("index", year).value


def _of_file(file: Path) -> Tariff:
    rows = read_cells(file, key=KEY, what="this tariff")
    header = rows[0][1] if rows else []
    missing = [name for name in COLUMNS[:_NEEDED] if name not in header]
    extra = [name for name in header if name not in (*COLUMNS, "id", "grade", "source_id", "locator", "note")]
    if missing or extra:
        raise InputError(
            "not the columns of a tariff",
            file=file,
            line=1,
            given=", ".join(extra) or "",
            allowed=", ".join(COLUMNS),
            nearest=nearest(extra[0], COLUMNS) if extra else None,
        )
    written: list[tuple[dict[str, Any], int]] = []
    for number, cells in rows[1:]:
        if len(cells) != len(header):
            raise InputError("not as many cells as columns", file=file, line=number)
        written.append((dict(zip(header, cells, strict=True)), number))
    currency = next(
        (c for row, _ in written if (c := row["unit"].partition("/")[0]) not in ("", "%")), _DOLLAR
    )
    if currency != _DOLLAR and currency not in table("currencies"):
        raise InputError(
            "no such currency",
            file=file,
            given=currency,
            nearest=nearest(currency, table("currencies")),
            allowed=f"$, {', '.join(table('currencies'))}",
        )
    rate = 1.0 if currency == _DOLLAR else entity("currencies", currency).value("rate")
    return _tariff(written, file=file, id=file.stem, name=file.stem, currency=currency, dollars=rate)


def _tariff(
    written: Sequence[tuple[Mapping[str, str], Any]], *, file: Path | None, currency: str, **about: Any
) -> Tariff:
    parts: list[Part] = []
    for row, place in written:
        where: dict[str, Any] = {"file": file, "line": place} if file is not None else {"file": place}
        try:
            parts.append(_part({name: (cell or "").strip() for name, cell in row.items()}, currency))
        except InputError as error:
            raise error.at(**where) from None
    tariff = Tariff(currency=currency, parts=tuple(parts), **about)
    _check_energy(tariff, file)
    return tariff


def _part(row: Mapping[str, str], currency: str) -> Part:
    kind = row["kind"]
    check_word("kind", kind, KINDS, "no such kind of part")
    given: dict[str, Any] = {}
    if kind == "tax":
        given["price"] = _share(row, "price", row["unit"])
    elif kind != "hours":
        given["price"], given["per"] = _price(row, kind, currency)
    if kind == "demand":
        given["determinant"] = _determinant(row.get("determinant", ""))
        given["scale"] = _number(row, "scale", 1.0)
        given["minimum"] = _share(row, "minimum", "%")
        given["ratchet"] = _share(row, "ratchet", "%")
        given["ratchet_months"] = _months(row.get("ratchet_months", ""), "ratchet_months")
        _check_demand(given)
    elif row.get("determinant"):
        raise InputError(
            "a determinant belongs to demand",
            key="determinant",
            given=row["determinant"],
            allowed="an empty cell",
        )
    if kind == "nonfirm":
        given["off"] = _number(row, "off", 0.0)
    low, high = _number(row, "from_kWh", 0.0), _number(row, "to_kWh", math.inf)
    if not low < high or (kind != "energy" and (low, high) != (0.0, math.inf)):
        raise InputError(
            "not a block of a month's energy",
            key="from_kWh",
            given=f"{low:g} to {high:g}",
            allowed="from below to, of a part of kind energy",
        )
    grade = Grade.read(row["grade"]) if row.get("grade") else Grade.guess
    return Part(
        line=row["line"] or kind,
        kind=kind,
        months=_months(row.get("months", ""), "months"),
        days=_days(row.get("days", "")),
        hours=_hours(row.get("hours", "")),
        block=(low * _KWH, high * _KWH),
        grade=grade,
        source_id=row.get("source_id", ""),
        **given,
    )


def _check_demand(given: Mapping[str, Any]) -> None:
    monthly, held = given["determinant"] == "month", {name: given[name] for name in ("ratchet", "minimum")}
    for name, share in held.items():
        if share > 1.0 or (
            share > 0.0 and not monthly and (name, given["determinant"]) != ("minimum", "year")
        ):
            raise InputError(
                f"not a {name} of this demand",
                key=name,
                given=f"{share * 100:g} %",
                allowed="at most 100 %, of the determinant month (a minimum also of year)",
            )


def _price(row: Mapping[str, str], kind: str, currency: str) -> tuple[float, str]:
    """(SI price, what it is by)."""
    money, _, per = row["unit"].partition("/")
    allowed = ", ".join(f"{currency}/{one}" for one in PERIODS[kind])
    if money != currency or per not in PERIODS[kind]:
        raise InputError("not the unit of such a price", key="unit", given=row["unit"], allowed=allowed)
    scale, by = _PER[per]
    price = _number(row, "price", None)
    if price < 0.0 and kind in ("demand", "connection"):
        raise InputError(f"a {kind} charge below zero", key="tariff.price", given=row["price"],
                         allowed="0 or more; what is given back is of kind rider or fixed")  # fmt: skip
    return price * scale, by


def _number(row: Mapping[str, str], name: str, default: float | None) -> float:
    text = row.get(name, "")
    if not text and default is not None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (name not in ("price",) and value < 0.0):
        raise InputError(
            "not a number",
            key=name if name != "price" else "tariff.price",  # a command has a price of its own
            given=text or "nothing",
            allowed="a number, 0 or more" if name != "price" else "a number",
        )
    return value


def _share(row: Mapping[str, str], name: str, unit: str) -> float:
    """A share written in per cent."""
    if unit != "%":
        raise InputError("a share is written in per cent", key="unit", given=unit, allowed="%")
    return _number(row, name, 0.0) * factor("%")


def _determinant(text: str) -> str:
    if text in DETERMINANTS:
        return text
    try:
        return str(coincident_rule(text, key="determinant"))
    except InputError:
        raise InputError(
            "no such determinant of demand",
            key="determinant",
            given=text,
            allowed=DETERMINANTS,
            nearest=nearest(text, DETERMINANTS),
        ) from None


def _months(text: str, key: str) -> tuple[int, ...]:
    """``6-9``, ``jun-sep``, ``11-2 7``; empty is every month."""
    found: list[int] = []
    for run in text.lower().split():
        first, _, last = run.partition("-")
        a, b = (_month(one, key) for one in (first, last or first))
        found += [(a + k) % 12 for k in range((b - a) % 12 + 1)]
    return tuple(sorted(set(found))) if found else tuple(range(12))


def _month(text: str, key: str) -> int:
    number = MONTHS.index(text[:3]) + 1 if text[:3] in MONTHS else int(text) if text.isdigit() else 0
    if not 1 <= number <= 12:
        raise InputError(
            "not a month",
            key=key,
            given=text,
            allowed="1 to 12, or jan to dec",
            nearest=nearest(text, MONTHS),
        )
    return number - 1


def _days(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for word in text.lower().split():
        check_word("days", word, DAYS, "not a type of day")
        found |= set(DAYS[word])
    return tuple(sorted(found or DAYS["all"]))


def _hours(text: str) -> tuple[int, ...]:
    """``8-21`` (8:00 to 21:00), ``22-6`` over midnight, ``6-9 17-19``; empty is every hour."""
    found: list[int] = []
    for run in text.split():
        first, dash, last = run.partition("-")
        if (
            not (dash and first.isdigit() and last.isdigit() and int(first) <= 24 and int(last) <= 24)
            or first == last
        ):
            raise InputError(
                "not hours of a day", key="hours", given=run, allowed="0 to 24, such as 8-21 or 22-6"
            )
        a, b = int(first) % 24, int(last)
        found += [(a + k) % 24 for k in range((b - a - 1) % 24 + 1)]
    if len(set(found)) < len(found):
        raise InputError("hours that overlap", key="hours", given=text, allowed="each hour once")
    return tuple(sorted(found)) if found else tuple(range(24))


def _check_energy(tariff: Tariff, file: Path | None) -> None:
    """Raise ``InputError`` where some hour of a week has no price of energy, or two."""
    where: dict[str, Any] = {"file": file} if file is not None else {}
    parts = tariff.of("energy", "hours")
    if not parts:
        raise InputError(
            "a tariff without a price of energy",
            key=f"{KEY} {tariff.id}",
            **where,
            allowed="a part of kind energy, or hours for the grid's price of the hour",
        )
    for month in range(12):
        for day in range(7):
            for hour in range(24):
                here = [p for p in parts if month in p.months and day in p.days and hour in p.hours]
                fault = _fault(here)
                if fault:
                    raise InputError(
                        f"{fault} in {MONTHS[month]}, {_day(day)}, hour {hour}",
                        key=f"{KEY} {tariff.id}",
                        **where,
                        given=" and ".join(p.line for p in here) or None,
                        allowed="one price of energy in every hour of every month",
                    )


def _fault(here: Iterable[Part]) -> str:
    """What is wrong with the prices of energy of an hour; empty where they tile a month's energy."""
    blocks = sorted(part.block for part in here)
    if not blocks:
        return "no price of energy"
    at = 0.0
    for low, high in blocks:
        if low < at * (1.0 - _ROOM):
            return "two prices of energy"
        if low > at * (1.0 + _ROOM):
            return "no price of a block of energy"
        at = high
    return "" if math.isinf(at) else "no price of a block of energy"


def _day(day: int) -> str:
    return ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")[day]
