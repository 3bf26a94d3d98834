"""Units at the door, SI floats inside.

``parse("1.2 GW", "W")`` → ``1.2e9``. The registry is our own: pint's default one drops money, reads
``1 kt`` as knots and ``7 T`` as tesla, and does not know tokens or FLOP.

Conventions: a year is 8,760 hours; ``B`` is the byte, ``b`` the bit; ``T``, ``G``, ``M``, ``k`` are
decimal prefixes; ``USD`` (``$``) is the only currency inside; carbon is a mass of CO2 equivalent.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from gigawatt.core.errors import InputError

__all__ = ["HOURS_PER_YEAR", "compact", "factor", "finite_or_none", "parse", "show"]

HOURS_PER_YEAR = 8760.0

_DEFINITIONS = """
quecto- = 1e-30 = q-
femto- = 1e-15 = f-
pico- = 1e-12 = p-
nano- = 1e-9 = n-
micro- = 1e-6 = u- = µ-
milli- = 1e-3 = m-
centi- = 1e-2 = c-
kilo- = 1e3 = k-
mega- = 1e6 = M-
giga- = 1e9 = G-
tera- = 1e12 = T-
peta- = 1e15 = P-
exa- = 1e18 = E-
zetta- = 1e21 = Z-
yotta- = 1e24 = Y-
kibi- = 2**10 = Ki-
mebi- = 2**20 = Mi-
gibi- = 2**30 = Gi-
tebi- = 2**40 = Ti-
pebi- = 2**50 = Pi-
meter = [length] = m
second = [time] = s
kilogram = [mass] = kg
gram = 1e-3 kilogram = g
kelvin = [temperature] = K
ampere = [current] = A
byte = [information] = B
bit = byte / 8 = b
token = [token] = tokens
flop = [operation] = FLOP = FLOPs = OP
dollar = [currency] = USD
cent = 0.01 dollar = ct = cents
radian = []
minute = 60 second = min
hour = 3600 second = h = hr
day = 24 hour = d = days
week = 7 day
year = 8760 hour = yr = y = years
month = year / 12
hertz = 1 / second = Hz
newton = kilogram * meter / second ** 2 = N
pascal = newton / meter ** 2 = Pa
bar = 1e5 pascal
joule = newton * meter = J
watt = joule / second = W
watt_electric = watt = We
watt_thermal = watt = Wth
watt_hour = watt * hour = Wh
watt_hour_electric = watt * hour = Whe
watt_hour_thermal = watt * hour = Whth
britannica = 1055.05585262 joule = BTU = Btu = btu
million_btu = 1e6 britannica = MMBTU = MMBtu
electronvolt = 1.602176634e-19 joule = eV
volt = watt / ampere = V
tesla = volt * second / meter ** 2
liter = 1e-3 meter ** 3 = L = l = litre = liters = litres
gram_co2 = gram = gCO2 = gCO2e
tonne = 1e3 kilogram = t = tonnes
tonne_co2 = tonne = tCO2 = tCO2e
pound = 0.45359237 kilogram = lb
hectare = 1e4 meter ** 2 = ha
acre = 4046.8564224 meter ** 2 = acres
mile = 1609.344 meter = mi = miles
flops = flop / second = FLOPS = OPS
bits_per_second = bit / second = bps
percent = 0.01
ppm = 1e-6
pcm = 1e-5
degree = 0.017453292519943295 radian = deg
chip = [] = chips = gpu = gpus = GPU = GPUs = accelerator = accelerators
parameter = [] = parameters
sequence = [] = sequences
"""

_NUMBER = re.compile(r"^\s*([+-]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?(?:[eE][+-]?\d+)?")
# A unit as a person writes it: names, powers, products, quotients; no sum, no second number ("1.200,5 MW").
# A power stands once, with one digit: a tower such as W**99**99**99 would compute for ever.
_UNIT = re.compile(
    r"(?:1\s*/)?(?:(?:[^\W\d_²³]\d?|\))(?:\s*(?:\*\*|\^)\s*-?\d|[²³])?|\*(?!\*)|[_$€£¥¢%°/·(\s])*+"
)
_SCALE = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12, "P": 1e15}
_TOKENS = ("token", "tokens")
"""The count of which people write ``15T``."""
_WORDS = {
    "thousand": "k", "million": "M", "mln": "M", "billion": "G", "bn": "G", "trillion": "T", "tn": "T",
}  # fmt: skip
_WORDED = re.compile(rf"(?<=[\d.])\s*({'|'.join(_WORDS)})\b\s*(?:of\s+)?", re.IGNORECASE)
_NUMERALS = {
    "half a": 0.5, "half an": 0.5, "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
    "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "twenty": 20, "fifty": 50,
    "a hundred": 100, "one hundred": 100,
}  # fmt: skip
_SPELLED = re.compile(
    rf"^\s*({'|'.join(sorted(_NUMERALS, key=len, reverse=True))})\s+(?=[a-zA-Z$])", re.IGNORECASE
)
_OF_A_TIME = re.compile(r"\s+(?:per|an?|each|every)\s+(?=[A-Za-z])")
_CO2 = re.compile(r"\s*CO2(?:[ -]?eq?)?(?![A-Za-z])")
_DOLLARS_FIRST = re.compile(r"\s*(?:US)?(?:\$|USD\b)\s*([\d.,_]+(?:[eE][+-]?\d+)?)\s*([kKMGBT]?)\s*(/.*)?")
_OTHER_MONEY = re.compile(r"[€£¥₹]|\b(?:EUR|GBP|JPY|CNY|RMB|INR|euros?|pounds? sterling|yen|yuan)\b")
_COUNTED = re.compile(
    r"^([kKMBGTP])?\s*((?:tokens?|parameters?|sequences?|chips?|[gG][pP][uU]s?|accelerators?)\b.*)$"
)


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    lines: Any = _DEFINITIONS.strip().splitlines()  # pint takes lines as well as a file's name
    made: Any = pint.UnitRegistry
    return made(lines, on_redefinition="raise")


def _pintable(unit: str) -> str:
    text = unit.replace("$", "USD").replace("%", "percent").replace("°C", "degC").replace("·", "*")
    text = text.replace("²", "**2").replace("³", "**3").replace("^", "**")
    text = re.sub(r"\bm([23])\b", r"m**\1", text)
    text = re.sub(
        r"\b(k|M|G|T)?USD", lambda m: f"{_SCALE.get(m[1] or '', 1.0):g}*USD" if m[1] else "USD", text
    )
    return re.sub(r"\bB\*?USD", "1e9*USD", text)


@lru_cache(maxsize=4096)
def _unit(unit: str) -> tuple[float, float, Any]:
    """(factor, offset, dimensionality) of a unit in SI base units."""
    if not unit or unit == "1":
        return 1.0, 0.0, _registry().Quantity(1.0, "").dimensionality
    try:
        if unit in ("degC", "°C"):
            return 1.0, 273.15, _registry().Quantity(1.0, "kelvin").dimensionality
        quantity = _registry().parse_expression(_pintable(unit))
        if isinstance(quantity, int | float):
            quantity = _registry().Quantity(float(quantity), "")
        base = quantity.to_base_units()
    except Exception as error:
        raise InputError(
            "unknown unit", given=unit, allowed='for example "GW", "$/MWh", "gCO2/kWh", "TB/s", "tokens"'
        ) from error
    return float(base.magnitude), 0.0, base.dimensionality


def factor(unit: str) -> float:
    """SI value of one ``unit``: ``factor("GW")`` is ``1e9``. Temperature offsets are not included."""
    return _unit(unit)[0]


def same_dimension(unit: str, other: str) -> bool:
    """Whether two units measure the same kind of thing."""
    return _unit(unit)[2] == _unit(other)[2]


def to_si(value: float, unit: str) -> float:
    """``value`` in ``unit`` as an SI float (kelvin for degC, dollars for money, bytes for information)."""
    scale, offset, _ = _unit(unit)
    return value * scale + offset


def in_symbols(text: str) -> str:
    """A quantity as people say it, in symbols: ``1 M requests/day`` of ``a million requests a day``.

    ``$1.5 billion``, ``1.5bn $`` and ``USD 1.5 billion`` are ``1.5 G$``, ``$60 per MWh`` is ``60 $/MWh``,
    ``300 g CO2eq/kWh`` is ``300 gCO2/kWh``; what is in symbols stays as it is.
    """
    short = _SPELLED.sub(lambda word: f"{_NUMERALS[word[1].lower()]} ", text, count=1)
    short = _WORDED.sub(lambda word: f" {_WORDS[word[1].lower()]}", short)
    short = _CO2.sub("CO2", _OF_A_TIME.sub("/", short))
    match = _DOLLARS_FIRST.fullmatch(short)
    return short if match is None else f"{match[1]} {match[2].replace('K', 'k')}${match[3] or ''}"


def _in_other_case(written: str, unit: str) -> str | None:
    """The unit that ``written`` is but for its capitals: ``GW`` of ``gw`` where a power is due."""
    bare = unit.lstrip("kMGTP") or unit
    return next(
        (one for one in (f"{p}{bare}" for p in ("", *_SCALE)) if one.lower() == written.lower()), None
    )


def parse(text: object, unit: str, *, example: str | None = None) -> float:
    """Read a quantity that a person wrote, as an SI float.

    Parameters
    ----------
    text : str, int or float
        ``"1.2 GW"``, ``"15.6T tokens"``, ``"60 $/MWh"``, ``"$1.5 billion"``, ``"4 %"``. A bare
        number is accepted only where ``unit`` is dimensionless (``"1"``).
    unit : str
        A unit of the expected dimension; it is named in the error.
    example : str, optional
        What a right value looks like, for the error.

    Returns
    -------
    float
        In SI base units.

    Raises
    ------
    InputError
        Not a number, a missing unit, an unknown unit, a unit of another dimension, not finite.
    """
    allowed = f"a number with a unit such as {example or unit!r}" if unit != "1" else "a plain number"
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise InputError("not a quantity", given=str(text), allowed=allowed)
    match = _NUMBER.match(in_symbols(str(text)))
    if _OTHER_MONEY.search(str(text)):
        raise InputError("money is counted in US dollars", given=str(text), allowed=f"{allowed}, converted")
    if match is None:
        raise InputError(
            "not a number" if unit == "1" else "not a quantity", given=str(text), allowed=allowed
        )
    if "," in match[1] and not _GROUPED.fullmatch(match[1]):
        raise InputError(
            "a comma that could be a decimal one", given=str(text),
            allowed=f"{match[1].replace(',', '.', 1)} or {match[1].replace(',', '')}, groups of three digits",
        )  # fmt: skip
    number, written = float(match[1].replace(",", "").replace("_", "")), match[2]
    if not math.isfinite(number):
        raise InputError("not a finite number", given=str(text), allowed=allowed)
    counted = _COUNTED.match(written)
    if counted:
        number, written = number * _SCALE.get(counted[1] or "", 1.0), counted[2]
    elif written in _SCALE and (same_dimension(unit, "1") or unit in _TOKENS):
        number, written = number * _SCALE[written], unit if unit in _TOKENS else ""
    if not _UNIT.fullmatch(written):
        raise InputError("not a quantity", given=str(text), allowed=allowed)
    if not written and not same_dimension(unit, "1"):
        raise InputError("the unit is missing", given=str(text), allowed=allowed)
    try:
        fits = same_dimension(written, unit)
    except InputError as error:
        error.given, error.allowed, error.nearest = str(text), allowed, _in_other_case(written, unit)
        if written in _SCALE:  # "7 T" where watts are due
            error.message = "the unit is missing"
        raise
    if not fits and written in _SCALE:  # "70 B" where watts are due
        raise InputError("the unit is missing", given=str(text), allowed=allowed)
    if not fits:
        raise InputError(f"{written!r} is the wrong kind of unit here", given=str(text), allowed=allowed)
    value = to_si(number, written)
    if not math.isfinite(value):
        raise InputError("not a finite number", given=str(text), allowed=allowed)
    return value


_PREFIXES = (
    (1e24, "Y"),
    (1e21, "Z"),
    (1e18, "E"),
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
)


def finite_or_none(value: float) -> float | None:
    """A number as JSON has it: ``None`` for one that does not exist."""
    return float(value) if math.isfinite(value) else None


def compact(value: float, unit: str, digits: int = 4) -> str:
    """``value`` (in ``unit``) with a decimal prefix: ``compact(2.5e7, "W")`` is ``"25 MW"``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".strip()
    for scale, prefix in _PREFIXES:
        if abs(value) >= scale * 0.99999:
            return f"{value / scale:.{digits}g} {prefix}{unit}".strip()
    for scale, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p")):
        if abs(value) >= scale * 0.99999:
            return f"{value / scale:.{digits}g} {prefix}{unit}".strip()
    return f"{value:.{digits}g} {unit}".strip()


def several(number: float, noun: str, plural: str = "") -> str:
    """A whole number of things: ``several(1, "replica")`` is ``"1 replica"``, with 2 ``"2 replicas"``."""
    text = f"{number:,.0f}"
    return f"{text} {noun}" if text == "1" else f"{text} {plural or noun + 's'}"


def show(value: float, unit: str, digits: int = 4) -> str:
    """An SI ``value`` written in ``unit``: ``show(1.2e9, "GW")`` is ``"1.2 GW"``."""
    scale, offset, _ = _unit(unit)
    number = (value - offset) / scale
    text = f"{number:,.0f}" if abs(number) >= 10**digits else f"{number:.{digits}g}"
    return f"{text} {unit}".strip() if unit not in ("", "1") else text
