"""Values of a scenario: quantities read in their unit, counts, names, demands; an impossible one says why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from gigawatt.core.errors import InputError
from gigawatt.core.paths import is_device
from gigawatt.core.quantities import factor, parse
from gigawatt.schema.fields import Field
from gigawatt.schema.pins import RARE, SHARD_ALL, read_widen
from gigawatt.schema.request_rate import read_demand

__all__ = ["YEAR", "YEARS", "ByYear", "annotation", "at_year", "count", "quantity", "starting"]

YEAR = 2026
"""Default year of prices, plants and software."""
YEARS = (2010, 2050)
"""The first and the last allowed year."""

ByYear = float | tuple[tuple[float, float], ...]
"""A value [SI], or (year, value) in order of the years: linear between them, constant outside."""

#: Above any sense in SI units, and low enough for every product to stay finite.
_MOST, _MOST_THINGS = 1e30, 2**31 - 1
_MOST_NAME = 255
"""Bytes of a file's name on the systems there are."""
_MOST_BATCH = {"token": 1e15, "sequence": _MOST_THINGS}


def quantity(
    unit: str, example: str | None = None, *, low: float = 0.0, open_low: bool = False, high: float = _MOST
) -> BeforeValidator:
    """A validator that reads a quantity in ``unit`` and checks its bounds (SI)."""

    def read(value: object) -> float:
        if isinstance(value, float) and value != value:
            raise PydanticCustomError("quantity", "not a number", {"given": value, "allowed": "a number"})
        try:
            number = parse(value, unit, example=example)
        except InputError as error:
            context = {"given": error.given, "allowed": error.allowed}
            raise PydanticCustomError("quantity", "{text}", {"text": error.message, **context}) from None
        if number < low or (open_low and number == low):
            least = _as_given(low, value, unit)
            allowed = f"more than {least}" if open_low else f"{least} or more"
            raise PydanticCustomError("quantity", "out of range", {"given": str(value), "allowed": allowed})
        if number > high:
            allowed = f"at most {_as_given(high, value, unit)}"
            raise PydanticCustomError("quantity", "out of range", {"given": str(value), "allowed": allowed})
        return number

    return BeforeValidator(read)


def _as_given(bound: float, value: object, unit: str) -> str:
    """A bound [SI] in the unit that a value was given in; as a number where it had none."""
    written = str(value).strip().lstrip("+-0123456789.,eE_ ")
    if bound in (0.0, _MOST) or not written or unit == "K":  # degrees have other zeros
        return f"{bound:g}"
    try:
        return f"{bound / factor(written):g} {written}"
    except InputError:  # words, as in $1.5 billion
        return f"{bound:g}"


def at_year(value: ByYear | None, year: float) -> float | None:
    """The value in a year [SI]; ``None`` where there is none."""
    if value is None or not isinstance(value, tuple):
        return value
    for (first, low), (last, high) in pairwise(value):
        if first <= year <= last:
            return low + (high - low) * (year - first) / (last - first)
    return value[0][1] if year < value[0][0] else value[-1][1]


def by_year(read: BeforeValidator, unit: str) -> BeforeValidator:
    """A validator of one value that ``read`` reads, or of ``2025: 200 MW, 2030: 1 GW``."""
    one: Any = read.func

    def values(given: object) -> ByYear:
        parts = given if isinstance(given, Mapping) else _by_colon(given)
        if parts is None:
            return one(given)
        found: list[tuple[float, float]] = []
        for year, value in parts.items():
            if not str(year).strip().isdigit():
                allowed = f"a year of four digits, such as 2030: 1 {unit}"
                raise PydanticCustomError("quantity", "not a year", {"given": str(year), "allowed": allowed})
            found.append((float(str(year)), one(value)))
        if any(later <= earlier for (earlier, _), (later, _) in pairwise(found)):
            context = {"given": str(given), "allowed": f"such as 2025: 1 {unit}, 2030: 2 {unit}"}
            raise PydanticCustomError("quantity", "the years are not in order", context)
        return tuple(found)

    return BeforeValidator(values)


def _by_colon(given: object) -> dict[str, str] | None:
    """``2025: 200 MW, 2030: 1 GW`` as a mapping; ``None`` of a text without a colon."""
    if not isinstance(given, str) or ":" not in given:
        return None
    pairs = [part.partition(":") for part in given.split(",")]
    return {year.strip(): value.strip() for year, _, value in pairs}


def count(unit: str = "1", least: int = 1) -> BeforeValidator:
    """A validator for a whole number of things, at least one, or none where ``least`` is 0."""

    def read(value: object) -> int:
        allowed = "a whole number of one or more" if least else "a whole number from 0"
        try:
            number = parse(value, unit)
        except InputError as error:
            raise PydanticCustomError(
                "quantity", "{text}", {"text": error.message, "given": error.given, "allowed": allowed}
            ) from None
        if number < least or number != int(number):
            raise PydanticCustomError("quantity", "not a count", {"given": str(value), "allowed": allowed})
        if number > _MOST_THINGS:
            most = f"at most {_MOST_THINGS}"
            raise PydanticCustomError("quantity", "out of range", {"given": str(value), "allowed": most})
        return int(number)

    return BeforeValidator(read)


def as_name(value: object) -> object:
    """A name or the path of a file; a number counts as a name, an impossible file name does not."""
    text = str(value) if isinstance(value, int | float) else value
    if isinstance(text, str) and any(
        len(part.encode("utf-8", "replace")) > _MOST_NAME for part in text.split("/")
    ):
        allowed = f"at most {_MOST_NAME} bytes"
        raise PydanticCustomError("quantity", "too long for a name", {"given": text, "allowed": allowed})
    if isinstance(text, str) and "/" in text and is_device(text):
        allowed = "a regular file"
        raise PydanticCustomError("quantity", "a device, not a file", {"given": text, "allowed": allowed})
    return text


def as_dates(value: object) -> object:
    """Dates as text: a date, a year, text, a mapping of plants to dates (``all``: the others) or of dates."""
    if isinstance(value, Mapping):
        return ", ".join(str(when) if name == "all" else f"{name}: {when}" for name, when in value.items())
    return value if isinstance(value, str) else str(value) if isinstance(value, int | date) else value


def as_batch(value: object) -> tuple[str, float]:
    """``16M tokens`` or ``2048 sequences``: (what is counted, how many)."""
    text = str(value)
    for unit, word in (("sequence", "seq"), ("token", "tok")):
        if word in text:
            try:
                number = parse(text, unit)
            except InputError:
                break
            if 1 <= number <= _MOST_BATCH[unit] and (unit == "token" or number == int(number)):
                return unit, number
    raise PydanticCustomError(
        "quantity", "not a batch", {"given": text, "allowed": '"16M tokens" or "2048 sequences"'}
    )


def as_shard(value: object) -> int:
    """Ranks that ZeRO shares over, or ``all`` of them (0)."""
    if value == SHARD_ALL:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_THINGS:
        allowed = f'a whole number of one or more, or "{SHARD_ALL}"'
        raise PydanticCustomError(
            "quantity", "not a number of ranks", {"given": str(value), "allowed": allowed}
        )
    return value


def as_runs(value: object) -> int:
    """Runs side by side, or ``auto``: as many as pay (0)."""
    if value == "auto":
        return 0
    try:
        return count().func(value)  # type: ignore[call-arg]
    except PydanticCustomError as error:
        told = {**(error.context or {}), "allowed": 'a whole number of one or more, or "auto"'}
        raise PydanticCustomError("quantity", "not a number of runs", told) from None


def as_resale(value: object) -> float | str:
    """A share of the price, or ``market``: as the catalog's rows of used chips have it by age."""
    if value == "market":
        return "market"
    try:
        return quantity("1", "20 %", low=0.0, high=1.0).func(value)  # type: ignore[call-arg]
    except PydanticCustomError as error:
        told = {**(error.context or {}), "allowed": 'a share of the price from 0 to 100 %, or "market"'}
        raise PydanticCustomError("quantity", "not a resale value", told) from None


def as_widen(value: object) -> tuple[str, ...]:
    """Rare columns to search: a list of names, names with commas, or ``all``."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        allowed = [*RARE, "all"]
        raise PydanticCustomError(
            "quantity", "not a list of columns", {"given": str(value), "allowed": allowed}
        )
    try:
        return read_widen(str(name) for name in names)
    except InputError as error:
        context = {"given": error.given, "allowed": error.allowed, "nearest": error.nearest}
        raise PydanticCustomError("quantity", "{text}", {"text": error.message, **context}) from None


def as_names(value: object) -> object:
    """A list of names, or names with commas between them."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


_HOURS_OF_A_DAY = 24


def as_demand(value: object) -> tuple[str, float]:
    """``2000 requests/s``, ``1M tokens/s`` (output tokens) or ``100k users``: (what is counted, how many)."""
    try:
        return read_demand(str(value))
    except InputError as error:
        told = {"text": error.message, "given": error.given, "allowed": error.allowed}
        raise PydanticCustomError("quantity", "{text}", told) from None


def as_shape(value: object) -> str | float | tuple[float, ...]:
    """A daily shape: a name, the share that the least hour is of the largest, or 24 relative rates."""
    numbers = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, str):
        return value
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in numbers):
        allowed = "a name, the trough over the peak from 0 to 1, or 24 rates"
        raise PydanticCustomError("quantity", "not a daily shape", {"given": str(value), "allowed": allowed})
    if len(numbers) not in (1, _HOURS_OF_A_DAY):
        given = f"{len(numbers)} numbers"
        raise PydanticCustomError(
            "quantity", "not a daily shape", {"given": given, "allowed": "24 rates, one an hour"}
        )
    found = tuple(float(v) for v in numbers)  # type: ignore[arg-type]
    return found[0] if len(found) == 1 else found


def _bounds(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if field.low:
        found["low"], found["open_low"] = float(field.low.lstrip(">")), field.low.startswith(">")
    if field.high:
        found["high"] = float(field.high)
    return found


_FORMS: dict[str, tuple[Any, Any]] = {
    "name": (str, as_name),
    "batch": (tuple[str, float], as_batch),
    "demand": (tuple[str, float], as_demand),
    "dates": (str, as_dates),
    "shape": (str | float | tuple[float, ...], as_shape),
    "ranks": (int, as_shard),
    "runs": (int, as_runs),
    "resale": (float | str, as_resale),
    "columns": (tuple[str, ...], as_widen),
}


def _shown_unit(field: Field) -> str:
    """The unit of a field's example."""
    return field.example.rstrip("}").rpartition(" ")[2]


def annotation(field: Field) -> Any:
    """The type of a field's value with the reader that checks it (pydantic)."""
    if field.kind == "quantity":
        return Annotated[float, quantity(field.unit, field.example or None, **_bounds(field))]
    if field.kind in ("path", "prices"):
        read = quantity(field.unit, field.example if field.kind == "path" else None, **_bounds(field))
        value = Annotated[ByYear, by_year(read, _shown_unit(field))]
        return value if field.kind == "path" else dict[str, value]
    if field.kind in ("files", "settings"):
        return dict[str, Annotated[str, BeforeValidator(as_name)]]
    if field.kind == "count":
        return Annotated[int, count(field.unit, int(field.low or 1))]
    if field.kind in _FORMS:
        kind, read = _FORMS[field.kind]
        return Annotated[kind, BeforeValidator(read)]
    if field.kind == "names":
        return Annotated[tuple[Annotated[str, BeforeValidator(as_name)], ...], BeforeValidator(as_names)]
    if field.kind == "powers":
        return dict[str, Annotated[float, quantity("W", "300 MW")]]
    if field.kind == "choice":
        return Literal[field.choices]  # type: ignore[valid-type]
    if field.kind == "number":
        return Literal[tuple(int(one) for one in field.choices)]  # type: ignore[valid-type]
    return {"flag": bool, "year": int}[field.kind]


def starting(field: Field) -> Any:
    """The value of a field that is left out: its default, nothing of what is a list or mapping, else
    ``None``.
    """
    if field.kind in ("powers", "files", "prices", "settings"):
        return {}
    if field.kind == "columns":
        return ()
    if field.kind == "choice":
        return field.default or None
    return int(field.default) if field.default else None
