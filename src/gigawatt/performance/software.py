"""Software of a training run as flags: what a framework of a date has on, and the parameters that follow.

A flag (``software_flags``) has values (``software_values``, fitted: ``software_fit``), each with parameters
of a :class:`~gigawatt.performance.stacks.Stack`, so that every flag acts once, where its physics acts. A
framework (``software_frameworks``) is rows of ``software_versions``: from a date on, a flag has a value
with a probability; a recipe that it ships for a model on a chip in a number format (``software_recipes``)
is likelier than these. Whatever is not known of a run is a distribution over flags: the answer takes the
likeliest value of each, and draws of the others say how far it may be off.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from gigawatt.catalog import Entity, table
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.core.evidence import Evidence
from gigawatt.machine.machine import Chip
from gigawatt.performance.stacks import RECOMPUTE, Stack

__all__ = [
    "Software", "default_stack", "flags_named_in", "framework_named_in", "load_software", "load_stack",
    "read_framework", "release_named_in",
]  # fmt: skip

OFFERED = ("sequence_parallel", "context", "interleave", "zero", "recompute")
"""Flags that say which values of a layout's columns a framework has."""
ANY, NONE = "any", "none"
MIDDLE, _LATE = 0.5, 0.999
"""Of a year, where only the year is known; its end, up to which what a layout needs may have come."""
_YEARS = (2010, 2050)
LONG = 5
"""Characters of a release (``26.02``) that are no other number; a shorter one follows a name, or a v."""
_COMMON = "all:software"
_NOT_NUMBERS = ("id", "framework", "year", "attention_kernel", "dispatcher", "schedule", "optimizer",
                "offers", "widens", "attention", "software")  # fmt: skip
_FIRST = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
          103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181)  # fmt: skip

Settings = Mapping[str, str]
Shares = Mapping[str, float]
Shape = tuple[str | None, str | None]
"""Model and number format of a run, as far as they are known."""


@dataclass(frozen=True)
class Software:
    """A framework at a date on a chip, with what is known of its flags.

    Attributes
    ----------
    framework : str
        A row of ``software_frameworks``; ``version`` as it was asked for (a release or a year).
    date : float
        Year and its fraction.
    given : mapping of flag to value
        Flags that are stated.
    shares : mapping of flag to (mapping of value to float)
        How likely each value of every flag is; 1 of the one that is given.
    others : ((Software, share), ...)
        Frameworks that it may be as well, where none is stated; shares with this one's make 1.
    stated : bool
        Whether the framework is.
    recipe : str
        The row of ``software_recipes`` that its shares are of, if any.
    """

    framework: str
    version: str
    date: float
    given: Settings
    shares: Mapping[str, Shares]
    others: tuple[tuple[Software, float], ...] = field(default=())
    stated: bool = False
    recipe: str = ""

    @property
    def label(self) -> str:
        """What an answer calls it: ``megatron-core 0.12, attention flash-3``."""
        flags = "".join(f", {name} {value}" for name, value in self.given.items())
        return f"{self.framework} {self.version}{flags}"

    @property
    def settings(self) -> dict[str, str]:
        """The likeliest value of every flag."""
        return {flag: max(of, key=lambda value: of[value]) for flag, of in self.shares.items()}

    @property
    def unsure(self) -> tuple[str, ...]:
        """Flags of which more than one value is likely."""
        return tuple(
            flag for flag, of in self.shares.items() if sum(share > 0.0 for share in of.values()) > 1
        )

    def stack(
        self, settings: Settings | None = None, numbers: Mapping[tuple[str, str], float] | None = None
    ) -> Stack:
        """The parameters of the likeliest flags, or of ``settings`` (a value for every flag).

        ``numbers`` [SI] stand in place of the catalog's, by (row of ``software_values``, quantity).
        """
        return _stack(self, self.settings if settings is None else settings, numbers or {})

    def rows(self) -> tuple[Evidence, ...]:
        """The catalog's rows that :meth:`stack` reads."""
        values, fitted = table("software_values"), table("software_fit")
        known = [_COMMON, *(f"{flag}:{value}" for flag, value in self.settings.items())]
        return tuple(
            fitted[one].evidence(row.quantity)
            if one in fitted and row.quantity in fitted[one].numbers
            else row
            for one in known
            if one in values
            for row in values[one].rows()
        )

    def drawn(self, count: int) -> list[Stack]:
        """Stacks of ``count`` draws of all that is not known: a Kronecker sequence, the same each time."""
        found: list[Stack] = []
        for number in range(1, count + 1):
            spots = ((MIDDLE + number * math.sqrt(prime)) % 1.0 for prime in _FIRST)
            one = _picked({self: 1.0 - sum(s for _, s in self.others), **dict(self.others)}, next(spots))
            settings = dict(one.settings)
            for flag, spot in zip(one.unsure, spots, strict=False):
                settings[flag] = _picked(one.shares[flag], spot)
            found.append(one.stack(settings))
        return found

    def __hash__(self) -> int:
        return hash((self.framework, self.version, self.date, tuple(self.given.items())))


def _picked(of: Mapping[Any, float], spot: float) -> Any:
    """The value at ``spot`` (0 to 1) of the cumulated shares."""
    reached = 0.0
    for value, share in of.items():
        reached += share
        if spot < reached:
            return value
    return max(of, key=lambda value: of[value])


def _stack(software: Software, settings: Settings, other: Mapping[tuple[str, str], float]) -> Stack:
    values, fitted = table("software_values"), table("software_fit")
    numbers: dict[str, float] = {}
    for one in (_COMMON, *(f"{flag}:{value}" for flag, value in settings.items())):
        if one in values:
            kept = fitted.get(one, values[one])
            numbers |= {
                name: other.get((one, name), (kept if name in kept.numbers else values[one]).value(name))
                for name in values[one].numbers
            }
    missing = [f.name for f in fields(Stack) if f.name not in (*numbers, *_NOT_NUMBERS)]
    if missing:
        raise MissingDataError("no flag of the software sets these", given=", ".join(missing),
                               allowed="a row in software_values.details.csv")  # fmt: skip
    known: dict[str, Any] = {f.name: numbers[f.name] for f in fields(Stack) if f.name in numbers}
    offers = tuple((name, _values(name, settings[name])) for name in OFFERED if settings[name] != ANY)
    return Stack(
        id=software.label,
        framework=software.framework,
        year=int(software.date),
        attention_kernel=settings["attention"],
        dispatcher=settings["dispatcher"],
        schedule=settings["schedule"],
        optimizer=settings["optimizer"],
        offers=offers,
        widens=() if settings["widen"] == NONE else tuple(settings["widen"].split("|")),
        software=software,
        **known,
    )


def _values(column: str, text: str) -> tuple[int, ...]:
    words = text.split("|")
    return tuple(RECOMPUTE.index(word) if column == "recompute" else int(word) for word in words)


def _fits(prefixes: str, chip: Chip | None) -> bool:
    """Whether a chip's id begins with one of the prefixes; behind ``!``, with none of them."""
    if not prefixes or chip is None:
        return True
    within = chip.id.startswith(tuple(prefixes.removeprefix("!").split("|")))
    return within is not prefixes.startswith("!")


@lru_cache(maxsize=64)
def _timeline(framework: str) -> Mapping[str, tuple[Entity, ...]]:
    """Rows of ``software_versions`` of a framework by flag, in the order of their dates."""
    found: dict[str, list[Entity]] = {flag: [] for flag in table("software_flags")}
    for row in table("software_versions").values():
        if row.text("framework") == framework:
            if row.text("flag") not in found:
                raise MissingDataError(
                    "no such flag", given=row.text("flag"), allowed="rows of software_flags.csv"
                )
            found[row.text("flag")].append(row)
    return {flag: tuple(sorted(rows, key=_since)) for flag, rows in found.items()}


def _is_of(row: Entity, form: str | None) -> bool:
    """Whether a row is of all number formats, or of this one."""
    return not row.text("formats") or form in row.text("formats").split("|")


def _since(row: Entity) -> float:
    return float(row.text("since"))


def _share_of(
    flag: str, rows: Iterable[Entity], date: float, chip: Chip | None, form: str | None
) -> dict[str, float]:
    """How likely each value of a flag is: rows of the chip before those of all, of these the latest."""
    past = [row for row in rows if _since(row) <= date and _is_of(row, form)]
    mine = [row for row in past if chip is not None and row.text("chips") and _fits(row.text("chips"), chip)]
    of = mine or [row for row in past if not row.text("chips")]
    latest = [row for row in of if _since(row) == _since(of[-1])]
    found = {row.text("value"): row.value("share") for row in latest}
    values = table("software_values")
    usual = table("software_flags")[flag].text("usual")
    if not _fits(values[f"{flag}:{usual}"].text("chips"), chip):  # what is usual of all, the chip lacks
        able = (row for row in values.values() if row.text("flag") == flag and _fits(row.text("chips"), chip))
        usual = next((row.text("value") for row in able), usual)
    found[usual] = found.get(usual, 0.0) + max(1.0 - sum(found.values()), 0.0)
    kept = {v: s for v, s in found.items() if s > 0.0 and _fits(values[f"{flag}:{v}"].text("chips"), chip)}
    whole = sum(kept.values())
    return {value: share / whole for value, share in kept.items()} if kept else {usual: 1.0}


def _by_recipe(
    shares: Mapping[str, Shares], framework: str, date: float, chip: Chip | None, of: Shape
) -> tuple[dict[str, Shares], str]:
    """(shares of flags with the framework's latest recipe for model, chip and number format, its id).

    In the middle of a year, which stands for one that is known alone, with its last of that year where there
    is none before.
    """
    model, form = of
    rows = [
        row
        for row in table("software_recipes").values()
        if row.text("framework") == framework and row.text("model") == model and _since(row) < int(date) + 1
        and chip is not None and _fits(row.text("chips"), chip) and _is_of(row, form)
    ]  # fmt: skip
    past = [row for row in rows if _since(row) <= date]
    if not rows or (not past and date != int(date) + MIDDLE):
        return dict(shares), ""
    latest = max(past or rows, key=_since)
    sure, found = latest.value("share"), dict(shares)
    for word in latest.text("settings").split():
        flag, _, value = word.partition("=")
        rest = {other: (1.0 - sure) * share for other, share in shares[flag].items()}
        found[flag] = rest | {value: rest.get(value, 0.0) + sure}
    return found, latest.id


def read_framework(name: str) -> Entity:
    """The framework of an id, or of a name that it is known by (``Megatron-LM``, ``NeMo``)."""
    rows = table("software_frameworks")
    if name in rows:
        return rows[name]
    for row in rows.values():
        if name.lower() in (word.lower() for word in row.text("words").split("|") if word):
            return row
    raise InputError("no such framework", given=name, allowed=rows, nearest=nearest(name, rows))


def framework_named_in(text: str, chip: Chip) -> str | None:
    """The framework of the chip whose name, the longest, stands in a text; ``None`` where none does."""
    found: list[tuple[int, str]] = []
    for row in table("software_frameworks").values():
        if _fits(row.text("chips"), chip):
            words = [word for word in row.text("words").split("|") if word]
            found += [
                (len(w), row.id) for w in words if re.search(rf"(?<!\w){re.escape(w)}(?!\w)", text, re.I)
            ]
    return max(found)[1] if found else None


def flags_named_in(text: str, chip: Chip) -> dict[str, str]:
    """Flags of the chip whose values a text names, each the value of the longest name; none behind a "no"."""
    found: dict[str, tuple[int, str]] = {}
    for row in table("software_values").values():
        if _fits(row.text("chips"), chip):
            for word in filter(None, row.text("words").split("|")):
                if re.search(rf"(?<!\w)(?<!\bno )(?<!\bnot ){re.escape(word)}(?!\w)", text, re.I):
                    flag = row.text("flag")
                    found[flag] = max(found.get(flag, (0, "")), (len(word), row.text("value")))
    return {flag: value for flag, (_, value) in found.items()}


def release_named_in(text: str, framework: str) -> str | None:
    """The longest release of a framework that a text names; ``None`` where it names none."""
    known = [
        r.text("version") for r in table("software_releases").values() if r.text("framework") == framework
    ]
    words = table("software_frameworks")[framework].text("words").split("|")
    before = "|".join(
        (*(rf"{re.escape(word)}[ -]" for word in words if word), r"\bv", "release ", "version ")
    )
    said = [
        one for one in known
        if re.search(
            rf"(?:{before if len(one) < LONG else ''})(?<![\d.]){re.escape(one)}(?![\d.]*\d)", text, re.I
        )
    ]  # fmt: skip
    return max(said, key=len) if said else _release_before(text, known)


def _release_before(text: str, known: Sequence[str]) -> str | None:
    """Of a framework that names its releases after their month, the last one of the year before a month that
    a text has as its own version, as a collection of recipes does ("recipes@v25.05.03")."""
    named = re.search(r"@v(\d\d\.(?:0[1-9]|1[0-2]))\.\d+\b", text)
    if named is None:
        return None
    year, month = named[1].split(".")
    first = f"{int(year) - 1}.{month}"
    months = [one for one in known if re.fullmatch(r"2\d\.(0[1-9]|1[0-2])", one)]
    return max((one for one in months if first < one <= named[1]), default=None)


def date_of(framework: Entity, version: str) -> float:
    """Year and fraction of a release, or the middle of a year.

    Raises
    ------
    InputError
        A version that the framework never had; a year before its first.
    """
    since = float(framework.text("since"))
    releases = {
        row.text("version"): _since(row)
        for row in table("software_releases").values()
        if row.text("framework") == framework.id
    }
    if version in releases:
        return releases[version]
    if re.fullmatch(r"\d{4}", version) and _YEARS[0] <= int(version) <= _YEARS[1]:
        if int(version) + 1.0 <= since:
            raise InputError("there was no such framework yet", key="software.version", given=version,
                             allowed=f"{framework.id} from {int(since)} on")  # fmt: skip
        return max(int(version) + MIDDLE, since)
    shown = f"{', '.join(releases)} (in quotes where it ends in 0), or " if releases else ""
    raise InputError("no such version", key="software.version", given=version,
                     allowed=f"{shown}a year from {int(since)} on",
                     nearest=nearest(version, releases))  # fmt: skip


def _checked(given: Mapping[str, str], chip: Chip | None) -> dict[str, str]:
    """Flags as they are given; unknown ones and those that the chip lacks are refused."""
    flags, values = table("software_flags"), table("software_values")
    found: dict[str, str] = {}
    for flag, value in given.items():
        key = f"software.flags.{flag}"
        check_word(key, flag, flags, "no such flag of software")
        known = {row.text("value"): row for row in values.values() if row.text("flag") == flag}
        word = {"True": "on", "False": "off"}.get(str(value), str(value))
        check_word(key, word, known, "no such value of this flag")
        if not _fits(known[word].text("chips"), chip):
            able = [v for v, row in known.items() if _fits(row.text("chips"), chip)]
            raise InputError(f"{chip.id if chip else ''} has no {word}", key=key, given=word, allowed=able)
        found[flag] = word
    return found


def load_software(
    *,
    chip: Chip | None = None,
    framework: str | None = None,
    version: str | None = None,
    flags: Mapping[str, str] | None = None,
    year: float = 2026,
    layout: Mapping[str, int] | None = None,
    model: str | None = None,
    number_format: str | None = None,
) -> Software:
    """The software of a run: as far as it is said, and as the catalog's rows have the rest.

    Parameters
    ----------
    chip : Chip, optional
        What it runs on; without one, rows that are for all chips.
    framework, version : str, optional
        An id or a name of ``software_frameworks``; a release, or a year. Left out: what is usual of
        the chip, ``year`` and ``model``.
    flags : mapping, optional
        Values of flags that are known.
    model, number_format : str, optional
        What is trained, by the id of ``models``, and in which format: frameworks ship recipes for some.
    year : float
        Of the run, where no version is given; its middle is taken of a whole one.
    layout : mapping of column to value, optional
        What is known of the layout (ZeRO stage, interleaving, recomputation and others that frameworks
        differ in): where no framework is named, those that do not have it are left out, unless none has.

    Raises
    ------
    InputError
        An unknown framework, version, flag or value, a version before the framework existed, a
        framework or a flag that the chip lacks.
    """
    stated, shape = _checked(flags or {}, chip), (model, number_format)
    if framework is None:
        if version is not None:
            year = _year_alone(version)
        rows, usual = table("software_frameworks"), default_frameworks(chip, int(year), model)
        late = year + _LATE if year == int(year) else year
        fitting = {
            name: share for name, share in usual.items()
            if layout and _offers(_software(rows[name], None, late, stated, chip, shape), layout)
        } or usual  # fmt: skip
        made = [
            (_software(rows[name], None, year, stated, chip, shape), share / sum(fitting.values()))
            for name, share in fitting.items()
        ]
        first, *others = sorted(made, key=lambda one: -one[1])
        one = first[0]
        return replace(one, others=tuple(others))
    row = read_framework(framework)
    if not _fits(row.text("chips"), chip):
        able = [r.id for r in table("software_frameworks").values() if _fits(r.text("chips"), chip)]
        raise InputError(f"{row.id} does not run on {chip.id if chip else ''}", key="software.framework",
                         given=framework, allowed=able)  # fmt: skip
    return replace(_software(row, version, year, stated, chip, shape), stated=True)


def _offers(software: Software, layout: Mapping[str, int]) -> bool:
    """Whether the likeliest flags of a framework have these values of a layout's columns."""
    offered = dict(software.stack().offers)
    return all(value in offered.get(name, (value,)) for name, value in layout.items())


def _year_alone(version: str) -> int:
    if re.fullmatch(r"\d{4}", version) and _YEARS[0] <= int(version) <= _YEARS[1]:
        return int(version)
    raise InputError("a version of which framework?", key="software.version", given=version,
                     allowed="software.framework beside it, or a year such as 2025")  # fmt: skip


def _software(
    row: Entity, version: str | None, year: float, stated: dict[str, str], chip: Chip | None, of: Shape
) -> Software:
    since = float(row.text("since"))
    date = date_of(row, version) if version else max(year + MIDDLE if year == int(year) else year, since)
    shares = {flag: _share_of(flag, rows, date, chip, of[1]) for flag, rows in _timeline(row.id).items()}
    shares, recipe = _by_recipe(shares, row.id, date, chip, of)
    shares |= {flag: {value: 1.0} for flag, value in stated.items()}
    return Software(row.id, version or str(int(date)), date, stated, shares, recipe=recipe)


def default_frameworks(chip: Chip | None, year: int, model: str | None = None) -> dict[str, float]:
    """How likely frameworks are on a chip in a year: rows of ``software_default`` with the longest prefix, of
    these the latest not after ``year``, or the earliest; those for ``model`` before those for all."""
    rows = [
        r for r in table("software_default").values()
        if (r.text("prefix") == "" if chip is None else chip.id.startswith(r.text("prefix")))
        and (not r.text("models") or model in r.text("models").split("|"))
    ]  # fmt: skip
    longest = max(len(row.text("prefix")) for row in rows)
    rows = [row for row in rows if len(row.text("prefix")) == longest]
    years = sorted({int(row.text("year")) for row in rows})
    at = max((one for one in years if one <= year), default=years[0])
    rows = [row for row in rows if int(row.text("year")) == at]
    rows = [row for row in rows if row.text("models")] or rows
    return {row.text("framework"): row.value("share") for row in rows}


def default_stack(chip: Chip, year: int) -> Stack:
    """The parameters of the likeliest software on a chip in a year."""
    return load_software(chip=chip, year=year).stack()


def load_stack(framework: str, version: str | int, *, chip: Chip | None = None, **flags: str) -> Stack:
    """The parameters of a framework's version with some flags stated, as of :func:`load_software`."""
    return load_software(chip=chip, framework=framework, version=str(version), flags=flags).stack()
