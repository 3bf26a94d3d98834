"""What may be changed in an inverse question: keys with their ranges, and limits on quantities."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gigawatt import catalog
from gigawatt.chain.asking import LAYERS, Asker
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError, nearest
from gigawatt.core.quantities import factor, parse, show
from gigawatt.schema.settings import read_setting
from gigawatt.workload.sized import scaled_architecture

__all__ = ["Axis", "Limit", "check_limits", "read_axis", "read_limit"]

_TABLES = {
    "site.name": "sites", "site.cooling": "cooling", "machine.chip": "chips", "model": "models",
    "machine.topology": "topologies", "training.optimizer": "optimizers",
}  # fmt: skip
_MOST = 4096
_BITS = 4
_STEP = re.compile(r"^(?P<ends>.*\S)\s+(?P<word>step|times)\s+(?P<by>\S.*)$")
_OPTION = "--limit"
_LIMIT = re.compile(r"^\s*(?P<name>[\w.\-]+)\s*(?P<sign><=|>=|==|=|<|>|≤|≥)\s*(?P<value>\S.*?)\s*$")
_RANGE = "LOW..HIGH, 'LOW..HIGH step 2', 'LOW..HIGH times 2', or values with a bar between: a|b"


@dataclass(frozen=True)
class Axis:
    """One unknown.

    ``values`` are what may stand for it, in order; empty where it is continuous between ``low`` and ``high``
    in ``unit``. ``ordered`` whether the values have an order (numbers) or are names; ``log`` whether it is
    scanned in equal ratios; ``shown`` the words of each value; ``note`` how the values were chosen;
    ``amounts`` what each is as a number, where it is written otherwise.
    """

    key: str
    values: tuple[object, ...]
    shown: tuple[str, ...] = ()
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    ordered: bool = True
    log: bool = False
    note: str = ""
    amounts: tuple[float, ...] = ()

    @property
    def continuous(self) -> bool:
        """Whether any number between two ends may stand for it."""
        return not self.values

    def at(self, share: float) -> object:
        """What a continuous unknown is at a ``share`` (0 to 1) of its range, as a scenario writes it."""
        if self.log:
            number = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            number = self.low + share * (self.high - self.low)
        number = min(max(number, self.low), self.high)
        return f"{number!r} {self.unit}" if self.unit else number

    def words(self, value: object) -> str:
        """A value as a person reads it."""
        if self.values:
            return self.shown[self.values.index(value)]
        number, _, unit = str(value).partition(" ")
        return f"{float(number):.6g} {unit}".strip()


@dataclass(frozen=True)
class Limit:
    """``quantity`` must not exceed (``most``) or fall below a value [SI]; ``unit`` is what it is shown in."""

    quantity: str
    most: bool
    value: float
    unit: str
    written: str

    def excess(self, value: float) -> float:
        """By how much of the limit a value misses it; negative where it keeps it."""
        gap = value - self.value if self.most else self.value - value
        return gap / abs(self.value) if self.value else gap / factor(self.unit or "1")

    def relaxed(self, share: float) -> Limit:
        """The same limit with a ``share`` more room."""
        room = abs(self.value) * share or factor(self.unit or "1") * share
        value = self.value + room if self.most else self.value - room
        sign = "<=" if self.most else ">="
        return Limit(self.quantity, self.most, value, self.unit, f"{self.quantity} {sign} {self.show(value)}")

    def show(self, value: float) -> str:
        """A value of its quantity, in its unit."""
        return show(value, self.unit or "1", 5)


def read_limit(asker: Asker, written: str) -> Limit:
    """A limit as a person writes it: ``"facility.power_peak <= 300 MW"``.

    Raises
    ------
    InputError
        Not such a sentence, an unknown quantity, a value in a wrong unit.
    """
    match = _LIMIT.match(written)
    if match is None or match["sign"] not in ("<=", ">=", "≤", "≥"):
        raise InputError(
            "not a limit",
            key=_OPTION,
            given=written,
            allowed="'QUANTITY <= VALUE unit' or 'QUANTITY >= VALUE unit'",
        )
    unit = asker.quantity(match["name"], _OPTION)
    try:
        value = parse(match["value"], unit)
    except InputError as error:
        error.key = f"{_OPTION} {match['name']}"
        raise
    return Limit(match["name"], match["sign"] in ("<=", "≤"), value, unit, " ".join(written.split()))


def check_limits(limits: Sequence[Limit]) -> None:
    """Refuse limits that contradict or repeat one another."""
    for i, one in enumerate(limits):
        for other in limits[:i]:
            if other.quantity != one.quantity:
                continue
            if other.most == one.most:
                raise InputError(
                    "this quantity has that limit twice",
                    key=_OPTION,
                    given=one.written,
                    allowed=f"one of them; {other.written} as well",
                )
            least, most = (one, other) if other.most else (other, one)
            if least.value > most.value:
                raise InputError(
                    "limits that contradict each other",
                    key=_OPTION,
                    given=f"{least.written} and {most.written}",
                    allowed="a least value below the most",
                )


def read_axis(asker: Asker, key: str, written: str) -> Axis:
    """An unknown with its range.

    Parameters
    ----------
    asker : Asker
        The scenario whose key it is.
    key : str
        A key of the scenario, or ``model.parameters``.
    written : str
        ``LOW..HIGH`` (``2026..2032``, ``100..300 MW``), with ``step 2`` or ``times 2`` behind it, ``a|b|c``,
        or ``all`` for a name of the catalog.

    Raises
    ------
    InputError
        An unknown key (with the nearest), a wrong unit, an empty range, a value that the scenario refuses.
    """
    flag = f"--find {key}"
    if key == LAYERS:
        return _sizes(asker, written, flag)
    if ".." not in written:
        return _choices(asker, key, written, flag)
    match = _STEP.match(written)
    ends = match["ends"] if match else written
    low, high, unit = _ends(ends, flag)
    if not low < high:
        raise InputError("an empty range", key=flag, given=written, allowed="LOW below HIGH")
    scale = factor(unit) if unit else 1.0
    for value in (low, high):
        _check(asker, key, _number(value / scale, unit, whole=False), flag)
    whole = _is_whole(asker, key, unit, high / scale)
    values, note = _grid(low / scale, high / scale, match, whole, unit, flag)
    log = low > 0.0 and high / low >= 10.0
    if not values:
        return Axis(key, (), (), low / scale, high / scale, unit, True, log, "any number between")
    made = tuple(_number(value, unit, whole=whole) for value in values)
    return Axis(key, made, tuple(_worded(one) for one in made), log=log, note=note)


def _worded(value: object) -> str:
    if isinstance(value, str):
        number, _, unit = value.partition(" ")
        try:
            return f"{float(number):.6g} {unit}".strip()
        except ValueError:
            return value
    if isinstance(value, list):
        return "+".join(str(one) for one in value)
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


def _number(value: float, unit: str, *, whole: bool) -> object:
    if whole:
        return round(value) if not unit else f"{round(value)} {unit}"
    return f"{value!r} {unit}" if unit else value


def _ends(text: str, flag: str) -> tuple[float, float, str]:
    """(low, high) in SI and the unit in which they are written back; the low end may leave it to the high."""
    first, _, last = (part.strip() for part in text.partition(".."))
    unit = re.sub(r"^[+-]?[\d.,_]+(?:[eE][+-]?\d+)?\s*", "", last)
    if re.fullmatch(r"[kKMBGTP]?", unit):
        kind = ""
    elif "token" in unit:
        kind = "tokens"
    elif "parameter" in unit:
        kind = ""
        first, last = (re.sub(r"\s*parameters?", "", one) for one in (first, last))
    else:
        kind = unit
    if first and re.fullmatch(r"[+-]?[\d.,_]+(?:[eE][+-]?\d+)?", first):
        first = f"{first} {unit}" if kind else first
    elif kind == "tokens" and re.fullmatch(r"[\d.,_]+\s*[kKMBGTP]", first):
        first = f"{first} tokens"
    try:
        ends = [parse(one, kind or "1") for one in (first, last)]
    except InputError as error:
        error.key = flag
        if error.message.startswith("not a"):
            error.allowed = _RANGE
        raise
    return ends[0], ends[1], kind


def _grid(
    low: float, high: float, match: re.Match[str] | None, whole: bool, unit: str, flag: str
) -> tuple[list[float], str]:
    """(values of a range, how they were chosen); none where it is continuous."""
    if match is None:
        if not whole:
            return [], ""
        first, last = math.ceil(low), math.floor(high)
        if last - first < _MOST:
            return [float(v) for v in range(first, last + 1)], "every whole number"
        found = sorted({float(_few_bits(v)) for v in _spread(first, last)})
        return found, f"whole numbers of at most {_BITS} significant binary digits"
    try:
        by = float(match["by"]) if match["word"] == "times" else parse(match["by"], unit or "1")
    except (InputError, ValueError):
        raise InputError(
            "not a step", key=flag, given=match["by"], allowed=f"a number in {unit or 'ones'}, or a factor"
        ) from None
    times = match["word"] == "times"
    by = by if times else by / (factor(unit) if unit else 1.0)
    if not (by > (1.0 if times else 0.0)) or (times and low <= 0.0):
        raise InputError("not a step", key=flag, given=match["by"], allowed="above 0, or a factor above 1")
    found, value = [], low
    while value <= high * (1.0 + 1e-12) + (0.0 if high else 1e-12):
        found.append(value)
        value = value * by if times else low + len(found) * by
        if len(found) > _MOST:
            raise InputError("too many values", key=flag, given=match[0], allowed=f"at most {_MOST}")
    return found, f"{match['word']} {match['by']}"


def _spread(first: int, last: int) -> list[int]:
    """Whole numbers of few binary digits from ``first`` to ``last``."""
    found: list[int] = []
    value = max(first, 1)
    value = _few_bits(value)
    while value <= last:
        if value >= first:
            found.append(value)
        step = 2 ** max(0, value.bit_length() - _BITS)
        value += step
    return found


def _few_bits(value: int) -> int:
    step = 2 ** max(0, value.bit_length() - _BITS)
    return value // step * step


def _is_whole(asker: Asker, key: str, unit: str, high: float) -> bool:
    """Whether the scenario's schema takes whole numbers only."""
    at: Any = asker.loaded({key: _number(float(math.floor(high)) or high, unit, whole=False)}).scenario
    for part in key.split("."):
        at = at.get(part) if isinstance(at, dict) else getattr(at, part, None)
    return isinstance(at, int) and not isinstance(at, bool)


def _choices(asker: Asker, key: str, written: str, flag: str) -> Axis:
    if written.strip() == "all" and key in _TABLES:
        texts = list(catalog.table(_TABLES[key]))
    else:
        texts = [part.strip() for part in written.split("|")]
    if not all(texts) or not texts:
        raise InputError("an empty range", key=flag, given=written, allowed=_RANGE)
    if len(set(texts)) < len(texts):
        raise InputError("a value stands twice", key=flag, given=written)
    values = tuple(read_setting(key, text) for text in texts)
    for value in values:
        _check(asker, key, value, flag, catalogued=written.strip() != "all")
    ordered = all(isinstance(one, int | float) for one in values)
    return Axis(key, values, tuple(_worded(one) for one in values), ordered=ordered, note="as given")


def _check(asker: Asker, key: str, value: object, flag: str, *, catalogued: bool = False) -> None:
    """Raise what the scenario (and the catalog, where ``catalogued``) has against a value."""
    try:
        asker.loaded({key: value})
        if catalogued:
            asker.leaves({key: value})
    except InfeasibleError:
        return  # no plant may be built there, say: the point is missed, and says so itself
    except GigawattError as error:
        options = _keys(asker)
        if error.message == "unknown key":
            error.nearest = error.nearest or nearest(key, options)
        error.key, error.file, error.line = flag, None, None
        raise


def _keys(asker: Asker) -> list[str]:
    return [*asker.base.lines, LAYERS]


def _sizes(asker: Asker, written: str, flag: str) -> Axis:
    """Models of the scenario's family by their number of layers, within a range of parameters."""
    if ".." not in written:
        raise InputError("not a range", key=flag, given=written, allowed="LOW..HIGH, such as 50B..2T")
    low, high, _ = _ends(written, flag)
    if not low < high:
        raise InputError("an empty range", key=flag, given=written, allowed="LOW below HIGH")
    leaf = asker.leaves({})["model.architecture"].value
    found: dict[int, int] = {}
    layers = 2
    while len(found) < _MOST:
        size = scaled_architecture(leaf, layers).parameters.total
        if size > high:
            break
        if size >= low:
            found[layers] = size
        layers += 2
    own = leaf.parameters.total
    if low <= own <= high:
        found[leaf.layers] = own
    if not found:
        raise InputError(
            "no model of this family in the range", key=flag, given=written,
            allowed=f"sizes around {own / 1e9:.4g}B, in steps of two layers",
        )  # fmt: skip
    layers_of = sorted(found)
    words = tuple(f"{found[n] / 1e9:.5g}B at {n} layers" for n in layers_of)
    note = f"{leaf.name} at every even number of layers, its width in proportion"
    return Axis(
        LAYERS,
        tuple(layers_of),
        words,
        log=high / low >= 10.0,
        note=note,
        amounts=tuple(float(found[n]) for n in layers_of),
    )
