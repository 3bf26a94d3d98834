"""The fields of a question: each once, with unit, range, sentence, example, control, options and witness.

A field is a row of ``fields.csv``. The reader of scenarios, the options of commands, the keywords of Python
functions, the controls of the web app, the JSON schema for editors and the table of the docs are made of it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from gigawatt.core.errors import nearest

__all__ = [
    "FIELDS", "LOAD", "RUNNING", "SERVING", "TRAINING", "Field", "Option", "Witness", "allows", "belongs_to",
    "field", "fields", "keys_under", "nearest_key", "sections",
]  # fmt: skip


TRAINING, SERVING, LOAD = "training", "serving", "load"
"""Branches: a model is trained, is served, or the power that a site draws is given without one."""
RUNNING = "running"
"""What the branches with a model are called together."""


def allows(of: str, branch: str) -> bool:
    """Whether what belongs to ``of`` (a branch, :data:`RUNNING`, or empty: all) stands in a branch."""
    return of in ("", branch) or (of == RUNNING and branch != LOAD)


def belongs_to(of: str, branch: str) -> str:
    """Why it does not."""
    return "the scenario has a load and no machine" if (of, branch) == (RUNNING, LOAD) else f"belongs to {of}"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command that sets a field: ``--tokens`` of ``plan-training``.

    ``flag`` without dashes is an argument. A number typed without a unit has ``unit``. Written
    ``--tokens[tokens]``; ``--arrivals+diurnal`` has ``more`` choices than a scenario.
    """

    command: str
    flag: str
    unit: str = ""
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Witness:
    """Two values of a field that move ``quantity``; ``others`` are keys that both scenarios have besides."""

    values: tuple[str, str]
    quantity: str
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a question.

    Attributes
    ----------
    key : str
        Dotted name: ``training.tokens``.
    kind : str
        How it is read: ``quantity, count, name, names, choice, number, flag``, or a form of its own
        (``batch, demand, dates, shape, ranks, columns, powers, files, settings, path, prices, year``).
    unit : str
        SI unit of the value inside; of a ``quantity`` or ``count``.
    low, high : str
        Bounds in SI; ``>0`` excludes the bound itself. Empty: none.
    choices : tuple of str
        The only values, where they are few.
    table : str
        Table of the catalog that has the rows it may name.
    file : str
        What a path in its place is read as: ``model, chip, trace, weather, hours``. Empty: it names no file.
    default : str
        Value where it is left out, if that is the same in every question.
    needed : bool
        Whether a question of its branch has to give it.
    branch : str
        ``training`` or ``serving`` where it belongs to one branch of the chain alone, ``running`` where it
        belongs to both and not to a load without a model.
    sentence : str
        What it is.
    example : str
        What a person types.
    plausible : str
        ``low..high unit`` in which the world lies, where there is such a range.
    section, label, control, more
        Of the web app: heading, label, ``choice | many | stops | text`` (empty: none), folded away or not.
    stops : tuple of str
        Where a slider halts.
    options : tuple of Option
        Options of commands that set it.
    witness : Witness or None
        Two values that move a computed quantity.
    """

    key: str
    kind: str
    unit: str
    low: str
    high: str
    choices: tuple[str, ...]
    table: str
    file: str
    default: str
    needed: bool
    branch: str
    sentence: str
    example: str
    plausible: str
    section: str
    label: str
    control: str
    stops: tuple[str, ...]
    more: bool
    options: tuple[Option, ...]
    witness: Witness | None

    def allows(self, branch: str) -> bool:
        """Whether the field stands in a question of this branch."""
        return allows(self.branch, branch)

    @property
    def required(self) -> bool:
        """Whether every question has to give it, or every one that has its section."""
        return self.needed and self.branch != RUNNING


def _option(text: str) -> Option:
    command, _, flag = text.partition(":")
    flag, *more = flag.split("+")
    flag, _, unit = flag.partition("[")
    return Option(command, flag, unit.rstrip("]"), tuple(more))


def _parts(text: str, separator: str = "|") -> tuple[str, ...]:
    return tuple(part for part in text.split(separator) if part)


def _witness(row: dict[str, str]) -> Witness | None:
    first, second, quantity, others = (row.pop(f"witness_{n}") for n in ("a", "b", "quantity", "with"))
    if not quantity:
        return None
    pairs = tuple((key, value) for key, _, value in (one.partition("=") for one in _parts(others, ";")))
    return Witness((first, second), quantity, pairs)


def _read() -> tuple[Field, ...]:
    text = (files("gigawatt.schema") / "fields.csv").read_text(encoding="utf-8")
    rows: list[Field] = []
    for row in csv.DictReader(text.splitlines()):
        witness = _witness(row)
        lists = {name: _parts(row.pop(name)) for name in ("choices", "stops")}
        options = tuple(_option(one) for one in row.pop("options").split())
        marks = {name: bool(row.pop(name)) for name in ("needed", "more")}
        rows.append(Field(**row, **lists, **marks, options=options, witness=witness))  # type: ignore[arg-type]
    return tuple(rows)


FIELDS: tuple[Field, ...] = _read()
"""Every field, in the order of the file."""


@lru_cache(maxsize=1)
def fields() -> dict[str, Field]:
    """Every field by its dotted name."""
    return {one.key: one for one in FIELDS}


def field(key: str) -> Field | None:
    """The field of a dotted name; a plant under ``supply.limits`` has the field of the mapping."""
    while key:
        if key in fields():
            return fields()[key]
        key = key.rpartition(".")[0]
    return None


@lru_cache(maxsize=1)
def sections() -> frozenset[str]:
    """Dotted names of everything that holds fields: ``supply``, ``supply.grid``."""
    found: set[str] = set()
    for one in FIELDS:
        parts = one.key.split(".")[:-1]
        found |= {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return frozenset(found)


def nearest_key(section: str, word: str) -> str | None:
    """The key of a section that an unknown ``word`` most likely stands for; ``None`` where none is close.

    Synonyms (``other_words.csv``) go before keys of similar spelling, these before the same name or synonym
    in another section, given with that (``training.deadline``).
    """
    before, allowed = f"{section}." if section else "", keys_under(section)
    meant = _other_words().get(word.lower(), [])
    here = [key.removeprefix(before) for key in meant if key.startswith(before)]
    near = next((key for key in here if key in allowed), None) or nearest(word, allowed)
    if near is not None:
        return near
    everywhere = (*(one.key for one in FIELDS), *sorted(sections()))
    return next(iter([key for key in everywhere if key.endswith(f".{word.lower()}")] + meant), None)


@lru_cache(maxsize=1)
def _other_words() -> dict[str, list[str]]:
    """Word to the keys that it may mean."""
    found: dict[str, list[str]] = {}
    with files("gigawatt.schema").joinpath("other_words.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["word"], []).append(row["key"])
    return found


def keys_under(section: str) -> list[str]:
    """Names that may stand in a section, in the order of the file; ``""`` is the top."""
    before = f"{section}." if section else ""
    names = (one.key.removeprefix(before).split(".")[0] for one in FIELDS if one.key.startswith(before))
    return list(dict.fromkeys(names))
