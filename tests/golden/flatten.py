"""An answer as dotted paths: rows by their names, sentences by their numbers, long arrays by statistics."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

DIGITS = 12
"""Significant digits of a number."""
LONG = 16
"""Entries from which on an array is stored as length, sum, smallest, largest, first and last."""
COLUMNS = 12
"""Entries from which on a list of rows is stored column by column."""
REGISTER = 300
"""Rows up to which a longer list is keyed by the name of each row all the same, where every row has one."""

_IDENTITIES = (
    "name", "id", "key", "quantity", "resource", "metric", "method", "plant", "chip", "year", "part", "group",
    "what", "use", "kind", "label", "source", "cap", "count", "format", "substrate", "site", "step", "title",
    "where", "table", "phase", "column", "design", "stage", "field",
)  # fmt: skip
_REGISTERED = ("quantity", "name", "id", "key")
_PROSE_WORDS = 5
_NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")

Value = float | int | str | bool | None | list[Any] | dict[str, Any]
Flat = dict[str, Value]


def flatten(document: Any, before: str = "") -> Flat:
    """Dotted path → number, text, boolean or short array; long arrays as their statistics."""
    flat: Flat = {}
    for path, value in _leaves(document, before):
        if _is_echo(path, value):
            continue
        if path in flat:
            raise ValueError(f"two values at {path}")
        flat[path] = value
    return flat


def _is_echo(path: str, value: Value) -> bool:
    """Whether a value only repeats the name of its row, as ``rows[name=b].name`` does."""
    row, _, field = path.rpartition(".")
    return row.endswith("]") and f"{field}={value}" in row.rpartition("[")[2][:-1].split(",")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Value]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        yield from _of_list(value, path)
    elif isinstance(value, str) and _is_prose(value):
        numbers = prose_numbers(value)
        if numbers:
            yield path, {"prose": numbers}
    else:
        yield path, rounded(value)


def _of_list(values: list[Any], path: str) -> Iterator[tuple[str, Value]]:
    if all(not isinstance(one, list | Mapping) for one in values):
        if any(isinstance(one, str) and _is_prose(one) for one in values):
            numbers = prose_numbers(" ; ".join(str(one) for one in values))
            if numbers:
                yield path, {"prose": numbers}
        else:
            yield path, _column(values)
    elif len(values) > COLUMNS and not _is_register(values):
        columns: dict[str, list[Any]] = {}
        for one in values:
            for inner, leaf in _leaves(one, ""):
                for part, plain in _scalars(leaf, inner):
                    columns.setdefault(part, []).append(plain)
        for inner, column in columns.items():
            yield f"{path}[].{inner}" if inner else f"{path}[]", _column(column)
    else:
        for name, one in zip(_names(values), values, strict=True):
            yield from _leaves(one, f"{path}[{name}]")


def _scalars(leaf: Value, path: str) -> Iterator[tuple[str, Any]]:
    """The scalars of a leaf inside a long array."""
    if isinstance(leaf, list):
        for i, one in enumerate(leaf):
            yield f"{path}[{i}]", one
    elif isinstance(leaf, dict):
        if "prose" not in leaf:
            for key, one in leaf.items():
                yield f"{path}.{key}", one
    else:
        yield path, leaf


def _column(values: list[Any]) -> Value:
    return _statistics(values) if len(values) > LONG else [rounded(one) for one in values]


def _names(values: list[Any]) -> list[str]:
    """What tells the entries of a list apart: the fields that name them, else their places."""
    if all(isinstance(one, Mapping) for one in values):
        for size in (1, 2):
            for fields in itertools.combinations(_IDENTITIES, size):
                names = [_name(one, fields) for one in values]
                if all(name is not None for name in names) and len(set(names)) == len(names):
                    return [str(name) for name in names]
    return [str(i) for i in range(len(values))]


def _is_register(values: list[Any]) -> bool:
    """Whether rows are told apart by a text of their own, as quantities are, not by a year or a number."""
    if len(values) > REGISTER or not all(isinstance(one, Mapping) for one in values):
        return False
    return any(
        len({one[field] for one in values if isinstance(one.get(field), str)}) == len(values)
        and not any(_is_prose(one[field]) or one[field] == "" for one in values)
        for field in _REGISTERED
    )


def _name(entry: Mapping[str, Any], fields: Sequence[str]) -> str | None:
    parts: list[str] = []
    for field in fields:
        value = entry.get(field)
        if (
            isinstance(value, bool)
            or not isinstance(value, str | int)
            or value == ""
            or (isinstance(value, str) and _is_prose(value))
        ):
            return None
        parts.append(f"{field}={value}")
    return ",".join(parts)


def _is_prose(text: str) -> bool:
    return len(text.split()) >= _PROSE_WORDS or "\n" in text


def prose_numbers(text: str) -> list[float]:
    """The numbers of a sentence, smallest first; its words may change, they may not."""
    return sorted(float(one.replace(",", "").replace("−", "-")) for one in _NUMBER.findall(text))


def _statistics(values: list[Any]) -> dict[str, Any]:
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) < len(values) and not numbers:
        texts = [json.dumps(one) for one in values]
        counts = {text: texts.count(text) for text in sorted(set(texts))} if len(set(texts)) <= 12 else {}
        return {"length": len(values), "different": len(set(texts)), **({"counts": counts} if counts else {})}
    return {
        "length": len(values),
        "sum": rounded(math.fsum(numbers)),
        "min": rounded(min(numbers)),
        "max": rounded(max(numbers)),
        "first": rounded(numbers[0]),
        "last": rounded(numbers[-1]),
        **({"numbers": len(numbers)} if len(numbers) < len(values) else {}),
    }


def rounded(value: Any, digits: int = DIGITS) -> Any:
    """Floats with so few digits as a comparison needs, in arrays too."""
    if isinstance(value, list):
        return [rounded(one, digits) for one in value]
    if isinstance(value, dict):
        return {key: rounded(one, digits) for key, one in value.items()}
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
