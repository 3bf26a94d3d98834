"""Numbers as a person reads them: three significant digits, a sensible prefix, money and shares as words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from gigawatt.core.result import Quantity

__all__ = ["aligned", "between", "count", "label", "large", "shown", "significant", "unit_of", "with_unit"]

_WORDS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_PREFIXES = (
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
)
_SCALES = {
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
}
_PREFIXED = re.compile(r"^([nuµmkMGTPE]?)(Wh|W|FLOPS|FLOP|FLOP/s|J|B)((?:/\S+)?)$")
_NUMBER = re.compile(r"^[−-]?\$?[\d.,]+")
_MONEY = re.compile(r"^([kMGB]?)\$((?:/\S+)?)$")
_TIMES = {"d": 86400.0, "days": 86400.0, "day": 86400.0, "h": 3600.0, "yr": 31536000.0, "years": 31536000.0}
_UNSURE = "–"
_YEARLY = ("/yr", "/year")


def significant(value: float, digits: int = 3) -> str:
    """``value`` with ``digits`` significant digits, thousands apart, no exponent where it can be helped.

    >>> significant(12345.678), significant(0.01234567), significant(16384.0, 5)
    ('12,300', '0.0123', '16,384')
    """
    if not math.isfinite(value):
        return _UNSURE
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    if abs(rounded) < 1e-4:
        return f"{rounded:.{digits - 1}e}"
    text = f"{rounded:,.{max(0, places)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: float) -> str:
    """A whole number in full: ``16,384``."""
    return f"{value:,.0f}" if math.isfinite(value) else _UNSURE


def large(value: float, digits: int = 3) -> str:
    """A number with a word from a million on: ``15.6 trillion``."""
    for scale, word in _WORDS:
        if abs(value) >= scale * 0.9995:
            return f"{significant(value / scale, digits)} {word}"
    return count(value) if float(value).is_integer() else significant(value, digits)


def _prefixed(value: float, stem: str, digits: int) -> str:
    for scale, prefix in _PREFIXES:
        if abs(value) >= scale * 0.9995:
            return f"{significant(value / scale, digits)} {prefix}{stem}"
    return f"{significant(value, digits)} {stem}"


def _money(value: float, per: str, digits: int) -> str:
    sign, size = ("−" if value < 0 else ""), abs(value)
    if per in _YEARLY:
        per = " a year"
    for scale, word in _WORDS:
        if size >= scale * 0.9995:
            return f"{sign}${significant(size / scale, digits)} {word}{per}"
    return f"{sign}${significant(size, digits)}{per}"


def _time(seconds: float, digits: int) -> str:
    if seconds < 1.0:
        return _prefixed(seconds, "s", digits)
    for scale, word, least in (
        (31536000.0, "years", 2.0),
        (86400.0, "days", 2.0),
        (3600.0, "h", 2.0),
        (60.0, "min", 10.0),
    ):
        if seconds >= scale * least:
            return f"{significant(seconds / scale, digits)} {word}"
    return f"{significant(seconds, digits)} s"


def with_unit(value: float, unit: str, digits: int = 3) -> str:
    """``value``, which is in ``unit``, as a person reads it.

    >>> with_unit(1234.0, "MW"), with_unit(94.12, "M$"), with_unit(0.4123, ""), with_unit(41.2, "percent")
    ('1.23 GW', '$94.1 million', '0.412', '41.2 %')
    """
    if not math.isfinite(value):
        return _UNSURE
    if unit in ("", "1"):
        return large(value, digits)
    if unit in ("%", "percent"):
        return f"{significant(value, digits)} %"
    money = _MONEY.match(unit.replace("USD", "$"))
    if money:
        scale = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}[money[1]]
        return _money(value * scale, money[2], digits)
    match = _PREFIXED.match(unit)
    if match:
        per = " a year" if match[3] in _YEARLY else match[3]
        if match[3] not in ("", *_YEARLY):  # a ratio keeps the unit that its field uses: kWh/Mtoken
            return f"{significant(value, digits)} {unit}"
        return _prefixed(value * _SCALES.get(match[1], 1.0), match[2], digits) + per
    if unit in _TIMES or unit == "s":
        if unit == "h" and value >= 48.0:  # of accelerators or of a year: they are counted in hours
            return f"{large(value, digits)} hours"
        return _time(value * _TIMES.get(unit, 1.0), digits)
    if unit == "kg/MWh":
        unit = "g/kWh"
    pretty = unit.replace("^3", "³").replace("m3", "m³").replace("^2", "²").replace("degC", "°C")
    yearly = next((y for y in _YEARLY if pretty.endswith(y)), "")
    pretty = pretty.removesuffix(yearly) + (" a year" if yearly else "")
    return f"{large(value, digits) if abs(value) >= 1e6 else significant(value, digits)} {pretty}"


def aligned(values: Iterable[float], unit: str = "", most: int = 6) -> Callable[[float], str]:
    """How to write the numbers of one column: the same decimals for all (at most ``most``), four
    digits for the largest.

    >>> write = aligned([3.05, 0.0337], "s")
    >>> write(3.05), write(0.0337), write(0.0), write(1e-5)
    ('3.050 s', '0.034 s', '–', '<0.001 s')
    """
    listed = [v for v in values if math.isfinite(v)]
    largest = max(map(abs, listed), default=0.0)
    places = min(most, max(1, 3 - math.floor(math.log10(largest)))) if largest > 0 else 0
    while places and all(round(v, places) == round(v, places - 1) for v in listed):
        places -= 1  # no column of zeros
    least = 10.0**-places
    dollars = unit.endswith("$")

    def write(value: float) -> str:
        if value == 0 or not math.isfinite(value):
            return _UNSURE
        text = f"{value:,.{places}f}" if abs(value) >= 0.5 * least else f"<{least:.{places}f}"
        return f"${text} {unit[:-1]}".strip() if dollars else f"{text} {unit}".strip()

    return write


def shown(quantity: Quantity, digits: int = 3) -> str:
    """A quantity of a result: its text, its count in full, or value and unit."""
    value = quantity.shown
    if isinstance(value, str):
        return value
    if quantity.unit in ("", "1") and isinstance(quantity.value, int):
        return count(value) if abs(value) < 1e7 else large(value, digits)
    return with_unit(value, quantity.unit, digits)


def between(low: str, high: str) -> str:
    """Two values from low to high, with their unit once where it is the same.

    >>> between("$24 million", "$168 million"), between("$178/MWh", "$321/MWh"), between("36 h", "2 days")
    ('$24 to $168 million', '$178 to $321/MWh', '36 h to 2 days')
    """
    of_low, of_high = (_NUMBER.sub("", one) for one in (low, high))
    return f"{low.removesuffix(of_low) if of_low == of_high else low} to {high}"


def label(name: str) -> str:
    """A row or column name as words: ``memory_bandwidth`` → ``memory bandwidth``."""
    return str(name).replace("_", " ").replace("-", " ").strip()


def unit_of(name: str) -> str:
    """The unit in the brackets of a column name."""
    return name.rsplit(" [", 1)[1].rstrip("]") if " [" in name else ""
