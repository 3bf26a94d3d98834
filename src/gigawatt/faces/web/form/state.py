"""The state of the page: a scenario to start from, what is changed in it, what is shown. It is the address.

    /supply?start=llama-3.1-405b-texas&machine.count=8192&supply.carbon_limit=100+g/kWh&show.week=winter

An empty value takes a key away that the start has. Values that equal those of the start are left out, so that
one question has one address. Two readers stand here: a strict one for what is typed (:func:`read_form`, an
error names its field) and a lenient one for an address (:func:`read_address`, which drops what is not valid
and says so).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from gigawatt.core.checks import check_word
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.quantities import parse
from gigawatt.faces.web.form.fields import SIZE, SIZES, field_of, fields_of, options
from gigawatt.faces.web.starts import DEFAULT, start_of, starts
from gigawatt.faces.web.uploads.paths import file_keys, is_token, known, may_name_a_file
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.fields import LOAD, SERVING, TRAINING, belongs_to, fields, nearest_key
from gigawatt.schema.scenario import LoadedScenario

__all__ = ["MOST_KEYS", "SHOW", "Shown", "State", "placed", "read_address", "read_form", "read_values"]

Pairs = Iterable[tuple[str, str]]

SHOW = "show."
"""What the names of a view's own settings begin with."""
MOST_KEYS, _MOST_TEXT = 120, 400
"""Keys of an address, and characters of a value, that are read at all."""
_LISTS = ("supply.plants",)
_FREE = "supply.limits."
"""Keys without a field of their own that the address may hold: a limit by plant."""
_SHAPES = ("serving.shape",)
"""Keys that may hold a list of numbers."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_NOT_KEYS = ("view", "wait", "start", "item")


@dataclass(frozen=True)
class State:
    """One question: hashable, so that its answer can be kept.

    Attributes
    ----------
    start : str
        Id of the scenario that is changed.
    changes : tuple of (key, text)
        Sorted; an empty text takes the key away.
    """

    start: str = DEFAULT
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def branch(self) -> str:
        """The branch of the scenario, which is that of its start."""
        return start_of(self.start).branch

    def loaded(self) -> LoadedScenario:
        """The scenario, checked as a whole; raises ``InputError``, which names the key."""
        return _loaded(self)

    def written(self, key: str) -> str:
        """What stands in a field now: as it was typed, or as the start has it; empty if nothing does."""
        changes, base = dict(self.changes), start_of(self.start).loaded
        if key == SIZE:
            sizes = (self.written(one) for one in SIZES[self.branch] if one not in fields_of(self.branch))
            return next((size for size in sizes if size), "")
        if key in changes:
            return changes[key]
        if key in _LISTS and key in base.written:
            return ",".join(part.strip() for part in base.written[key].split(","))
        return base.written.get(key, "")

    def with_changes(self, changes: Mapping[str, str]) -> State:
        """The question with other texts for some keys, those of the start left out."""
        base = start_of(self.start).loaded
        merged = {**dict(self.changes), **changes}
        kept = {key: text for key, text in merged.items() if not _as_started(base, key, text)}
        return replace(self, changes=tuple(sorted(kept.items())))

    def with_text(self, key: str, text: str) -> State:
        """The question with another text in one field, checked; raises ``InputError``."""
        changed = self.with_changes(_size(text, self.branch) if key == SIZE else {key: text})
        changed.loaded()
        return changed

    def query(self, shown: Mapping[str, str] | None = None) -> str:
        """The address after the question mark; ``shown`` are settings of a view."""
        pairs = [] if self.start == DEFAULT else [("start", self.start)]
        pairs += self.changes
        pairs += [(f"{SHOW}{name}", text) for name, text in sorted((shown or {}).items())]
        return urlencode(pairs, quote_via=quote, safe="/:,@$")


@dataclass(frozen=True)
class Shown:
    """What an address says: the question, settings of views, and what was dropped, in words."""

    state: State
    settings: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()


@lru_cache(maxsize=512)
def _loaded(state: State) -> LoadedScenario:
    base = start_of(state.start).loaded
    return scenario_with(base, {key: _value(key, text) for key, text in state.changes})


def _value(key: str, text: str) -> object:
    """What a person would have written in YAML for a text."""
    if text == "":
        return None
    if key in _LISTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    if key in _SHAPES and "," in text:
        return [_scalar(part.strip()) for part in text.split(",")]
    return _scalar(text)


def _scalar(text: str) -> object:
    """A number or a truth where YAML would read one."""
    if text in ("true", "false"):
        return text == "true"
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def _size(text: str, branch: str) -> dict[str, str]:
    """The keys that a size means: the one that it is of, the others taken away."""
    text = text.strip()
    load = "load.hours" if is_token(text, "hours") else "load.peak"
    chosen = load if branch == LOAD else "machine.count"
    if branch == SERVING and ("/" in text or "token" in text or "request" in text):
        chosen = "serving.demand"
    elif branch != LOAD and text.rstrip().endswith(("W", "w")):
        chosen = "machine.power"
    return {key: text if key == chosen else "" for key in SIZES[branch]}


def _as_started(base: LoadedScenario, key: str, text: str) -> bool:
    there = base.written.get(key, "")
    if key in _LISTS:
        return [p.strip() for p in there.split(",")] == [p.strip() for p in text.split(",")]
    return there == text


def _allowed(key: str, branch: str) -> bool:
    free = key.startswith(_FREE) and key.count(".") == 2
    return key in fields_of(branch) or free or (key in fields() and fields()[key].allows(branch))


def _stranger(key: str, branch: str) -> InputError:
    """Why a key is not of a branch."""
    if key in fields():
        return InputError(belongs_to(fields()[key].branch, branch), key=key)
    section, _, word = key.rpartition(".")
    near = nearest(key, (*fields_of(branch), *SIZES[branch]))
    if near is None and (name := nearest_key(section, word)):
        near = f"{section}.{name}" if section else name
    return InputError("unknown key", key=key, nearest=near)


def _checked(key: str, text: str, uploads: Container[str]) -> str:
    """The text as it is kept; raises where it is too long, may not be chosen, or would name a file."""
    if len(text) > _MOST_TEXT:
        raise InputError("too long", key=key, given=f"{text[:40]}…", allowed=f"{_MOST_TEXT} characters")
    if not text.isprintable():
        raise InputError("not a text", key=key, given=ascii(text[:40]))
    if may_name_a_file(key) and text:
        return known(key, text, uploads)
    choices = [one.value for one in options(key)]
    # what the catalog has aliases for is looked up by the catalog itself
    if (
        choices
        and text
        and key in ("serving.weights", "serving.cache", "serving.sparsity")
        and text not in choices
    ):
        raise InputError(
            "unknown value", key=key, given=text, allowed=choices, nearest=nearest(text, choices)
        )
    return text


def _collected(pairs: Pairs) -> dict[str, str]:
    """Texts by key; a list's parts, each a pair of its own, joined by commas."""
    found: dict[str, str] = {}
    for key, text in pairs:
        joined = key in _LISTS and found.get(key)
        found[key] = f"{found[key]},{text.strip()}" if joined else text.strip()
    return found


def read_form(pairs: Pairs, uploads: Container[str] = ()) -> Shown:
    """What the form holds, strictly.

    Parameters
    ----------
    pairs : iterable of (str, str)
        Names and texts of all fields, those that nobody touched as well.
    uploads : container of str
        Tokens of uploads that are there.

    Raises
    ------
    InputError
        An unknown key or a value that cannot be: with the key of its field.
    """
    found = _collected(list(pairs)[: 4 * MOST_KEYS])
    start = found.get("start", DEFAULT)
    check_word("start", start, starts(), "no such scenario")
    state, branch = State(start), starts()[start].branch
    changes: dict[str, str] = {}
    settings: dict[str, str] = {}
    for key, text in found.items():
        if key in _NOT_KEYS:
            continue
        if key.startswith(SHOW):
            if text:  # an empty one is as if it were not there
                settings[key.removeprefix(SHOW)] = text[:_MOST_TEXT]
            continue
        if not _allowed(key, branch):
            raise _stranger(key, branch)
        checked = text if text == state.written(key) else _checked(key, text, uploads)
        if key != SIZE:
            changes[key] = checked
    if SIZE in found and found[SIZE] != state.written(SIZE):
        own = {key: changes[key] for key in SIZES[branch] if key in fields_of(branch) and changes.get(key)}
        if branch == LOAD and not found[SIZE] and not own:
            raise InputError("the size is needed", key=SIZE, allowed=fields_of(branch)[SIZE].example)
        changes |= _size(found[SIZE], branch) | own
    state = state.with_changes(changes)
    try:
        state.loaded()
    except InputError as error:
        raise placed(error, branch) from None
    return Shown(state, tuple(sorted(settings.items())))


def placed(error: GigawattError, branch: str) -> GigawattError:
    """The error at the field it belongs to, without file and line, which are nobody's here."""
    error.file, error.line = None, None
    if error.key in (*SIZES[branch], "machine", "serving") and error.key not in fields_of(branch):
        error.key = SIZE
    return error


def read_address(pairs: Pairs, uploads: Container[str] = ()) -> Shown:
    """The nearest valid state to an address, and what was dropped on the way.

    Parameters
    ----------
    pairs : iterable of (str, str)
        Of the query.
    uploads : container of str
        Tokens of uploads that are there.
    """
    dropped: list[str] = []
    listed = list(pairs)
    if len(listed) > MOST_KEYS:
        dropped.append(f"{len(listed) - MOST_KEYS} keys too many")
    found = _collected(listed[:MOST_KEYS])
    start = found.get("start", DEFAULT)
    if start not in starts():
        near = nearest(start, starts()) or DEFAULT
        dropped.append(f"start {_short(start)}: no such scenario, {near} is shown")
        start = near
    state = State(start)
    settings = {
        key.removeprefix(SHOW): text[:_MOST_TEXT]
        for key, text in found.items()
        if text and key.startswith(SHOW)
    }
    for key, text in _keys(found, state.branch, dropped):
        state = _tried(state, key, text, uploads, dropped)
    return Shown(state, tuple(sorted(settings.items())), tuple(dropped))


def _keys(found: Mapping[str, str], branch: str, dropped: list[str]) -> Iterator[tuple[str, str]]:
    """Keys that mean something; sizes first, since they exclude each other, those that are left out last."""
    sizes = (SIZE, *SIZES[branch])
    for key, text in sorted(found.items(), key=lambda pair: (pair[0] not in sizes, not pair[1])):
        if key in _NOT_KEYS or key.startswith(SHOW):
            continue
        if not _allowed(key, branch):
            error = _stranger(key, branch)
            near = f", did you mean {error.nearest}?" if error.nearest else ""
            dropped.append(f"{_short(key)}: {error.message}{near}")
            continue
        yield key, text


def _tried(state: State, key: str, text: str, uploads: Container[str], dropped: list[str]) -> State:
    """The state with one more change; with the nearest name where there is none such, or without it."""
    try:
        return _with(state, key, text, uploads)
    except GigawattError as error:
        said = str(placed(error, state.branch))
        if error.nearest is not None and text:
            try:
                found = _with(state, key, error.nearest, uploads)
            except GigawattError:
                pass
            else:
                dropped.append(f"{key} {_short(text)}: not known, {error.nearest} is shown")
                return found
        dropped.append(said)
        return state


def _with(state: State, key: str, text: str, uploads: Container[str]) -> State:
    text, sizes = _checked(key, text, uploads), SIZES[state.branch]
    if key == SIZE or (key in sizes and text):
        others = _size(text, state.branch) if key == SIZE else dict.fromkeys(sizes, "") | {key: text}
        changed = state.with_changes(others)
    else:
        changed = state.with_changes({key: text})
    loaded = changed.loaded()
    if text:
        _named(key, text, loaded)
    return changed


def _named(key: str, text: str, loaded: LoadedScenario) -> None:
    """Raise where a value has to be a name of the catalog and is none, which the scenario does not ask."""
    choices = options(key)
    field = field_of(key, loaded.branch)
    if not choices or field is None or field.kind == "text" or key in file_keys():
        return
    names = [one.value for one in choices]
    parts = [part.strip() for part in text.split(",")] if key in _LISTS else [text]
    for part in parts:
        if part.lower() in (name.lower() for name in names):
            continue
        try:
            parse(part, "1")
        except InputError:
            near = nearest(part, names)
            if len(parts) == 1 or near is None:
                raise InputError("no such name", key=key, given=part, nearest=near) from None
            raise InputError("no such name", key=key, given=part) from None


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def read_values(values: Mapping[str, Any]) -> Shown:
    """The state of an uploaded scenario: keys and values as its file has them, names checked before.

    Parameters
    ----------
    values : mapping of str to object
        By dotted key.
    """
    sections = {key.partition(".")[0] for key in values}
    branch = next((one for one in (SERVING, TRAINING) if one in sections), LOAD)
    start = next(one for one in starts().values() if one.branch == branch)
    texts = {key: _text(value) for key, value in values.items()}
    gone = {
        key: "" for key in start.loaded.written if key not in texts and not key.rpartition(".")[2].isdigit()
    }
    dropped: list[str] = []
    for key in [key for key in texts if not _allowed(key, branch)]:
        dropped.append(f"{_short(key)}: not a key that the page can set")
        del texts[key]
    state = State(start.id).with_changes({**gone, **texts})
    try:
        state.loaded()
    except InputError as error:
        raise placed(error, branch) from None
    return Shown(state, dropped=tuple(dropped))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value)
