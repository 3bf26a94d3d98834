"""The form of the page: fields with what stands in them now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from gigawatt.catalog import entity
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import parse
from gigawatt.faces.web.form.fields import SIZE, SIZES, FormField, Option, branch_of, fields_of, options
from gigawatt.faces.web.form.state import State
from gigawatt.faces.web.starts import BRANCHES, Start, starts
from gigawatt.faces.web.uploads.paths import MOST_BYTES, key_of
from gigawatt.facility import load_site
from gigawatt.schema.fields import allows

__all__ = ["Brought", "Control", "Form", "Section", "field_id", "form_of", "stop_of"]

_NEEDED = ("model", "machine.chip", "site.name")
_TABLES = {
    "machine.chip": "chips",
    "model": "models",
    "serving.objective": "objectives",
}


@dataclass(frozen=True)
class Control:
    """A field as it stands in the form."""

    key: str
    id: str
    label: str
    words: str
    kind: str
    text: str
    example: str
    options: tuple[Option, ...]
    groups: Mapping[str, tuple[Option, ...]]
    called: str
    listed: str
    chosen: tuple[str, ...]
    stops: tuple[str, ...]
    at: int
    may_be_empty: bool
    changed: bool
    error: str = ""


@dataclass(frozen=True)
class Section:
    """Fields under one heading, those that are rarely set apart."""

    title: str
    shown: tuple[Control, ...]
    more: tuple[Control, ...]

    @property
    def opened(self) -> bool:
        """Whether one of the rarely set ones is changed."""
        return any(one.changed or one.error for one in self.more)


@dataclass(frozen=True)
class Form:
    """Everything that the form shows."""

    start: str
    starts: Mapping[str, tuple[Start, ...]]
    sections: tuple[Section, ...]
    extra: tuple[tuple[str, str], ...]
    query: str
    uploads: tuple[Brought, ...]


@dataclass(frozen=True)
class Brought:
    """A file that may be brought, and an error of the last try."""

    kind: str
    words: str
    endings: str
    most_bytes: int
    error: str = ""


_BROUGHT = {
    "model": ("a model's config.json", ".json"),
    "scenario": ("a scenario", ".yaml,.yml"),
    "chip": ("a chip's design", ".yaml,.yml"),
    "trace": ("a trace of requests", ".csv"),
    "weather": ("a weather year", ".csv,.epw,.tmy3"),
    "hours": ("a year of load, by the hour", ".csv"),
}


def field_id(key: str) -> str:
    """The id of a key's field in the page."""
    return key.replace(".", "-").replace("_", "-")


def form_of(
    state: State, errors: Mapping[str, str] | None = None, labels: Mapping[str, str] | None = None
) -> Form:
    """The form of a state.

    Parameters
    ----------
    state : State
        What stands in it.
    errors : mapping of str to str, optional
        Lines by the key, or the kind of upload, that they belong to.
    labels : mapping of str to str, optional
        What uploads are called, by token.
    """
    said = dict(errors or {})
    controls = [
        (field, _control(field, state, said.get(field.key, ""), labels or {}))
        for field in fields_of(state.branch).values()
    ]
    titles = list(dict.fromkeys(field.section for field, _ in controls))
    sections = tuple(
        Section(
            title,
            tuple(c for f, c in controls if f.section == title and not f.more),
            tuple(c for f, c in controls if f.section == title and f.more),
        )
        for title in titles
    )
    listed = {
        words: tuple(one for one in starts().values() if one.branch == branch)
        for branch, words in BRANCHES.items()
    }
    there = (*fields_of(state.branch), *SIZES[state.branch])
    extra = tuple((key, text) for key, text in state.changes if key not in there)
    brought = tuple(
        Brought(kind, words, endings, MOST_BYTES[kind], said.get(kind, ""))
        for kind, (words, endings) in _BROUGHT.items()
        if (key := key_of(kind)) is None or allows(branch_of(key), state.branch)
    )
    return Form(state.start, listed, sections, extra, state.query(), brought)


def _control(field: FormField, state: State, error: str, labels: Mapping[str, str]) -> Control:
    text = state.written(field.key)
    choices = options(field.key)
    keys = SIZES[state.branch] if field.key == SIZE else (field.key,)
    return Control(
        key=field.key,
        id=field_id(field.key),
        label=field.label,
        words=field.sentence,
        kind=field.kind,
        text=text,
        example=field.example,
        options=choices,
        groups={group: tuple(items) for group, items in groupby(choices, key=lambda one: one.group)},
        called=labels.get(text, text),
        listed=_listed(field.key, text, choices),
        chosen=tuple(part for part in text.split(",") if part) if field.kind == "many" else (),
        stops=field.stops,
        at=stop_of(text, field.stops),
        may_be_empty=field.key not in _NEEDED,
        changed=any(key in keys for key, _ in state.changes),
        error=error,
    )


def _listed(key: str, text: str, choices: tuple[Option, ...]) -> str:
    """The name in the list that a text means: itself, or what the catalog knows it as an alias of."""
    if any(one.value == text for one in choices):
        return text
    table = _TABLES.get(key)
    if (table is None and key != "site.name") or not text:
        return ""
    try:
        found = load_site(text).id if table is None else entity(table, text).id
    except InputError:
        return ""
    return found if any(one.value == found for one in choices) else ""


def stop_of(text: str, stops: tuple[str, ...]) -> int:
    """The stop of a slider that is nearest to a text; the first where that is no number."""
    number = _number(text)
    numbers = [_number(stop) for stop in stops]
    if number is None or not stops:
        return 0
    far = [math.inf if one is None else abs(_scale(one) - _scale(number)) for one in numbers]
    return far.index(min(far))


def _scale(number: float) -> float:
    return math.log10(number) if number > 0 else -6.0


def _number(text: str) -> float | None:
    """The magnitude of a text, whatever its unit; ``None`` where it has none."""
    for unit in ("1", "W", "token", "kg/J", "$/kg", "$/J", "$", "s", "1/s"):
        try:
            return parse(text, unit)
        except InputError:
            continue
    try:
        return float(text.split()[0])
    except (ValueError, IndexError):
        return None
