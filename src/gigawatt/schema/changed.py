"""A scenario with other values for some of its keys, read as strictly as if they stood in the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gigawatt.core.errors import InputError
from gigawatt.schema.renamed import rename_keys
from gigawatt.schema.scenario import LoadedScenario, check_scenario, field_of_value

__all__ = ["scenario_of", "scenario_with"]


def scenario_with(base: LoadedScenario, changes: Mapping[str, object]) -> LoadedScenario:
    """The scenario ``base`` with other values for some keys.

    Parameters
    ----------
    base : LoadedScenario
        As :func:`gigawatt.schema.scenario.read_scenario` gives it.
    changes : mapping of str to object
        Dotted key → value as a person writes it in YAML: ``{"machine.count": 8192,
        "supply.carbon_limit": "100 g/kWh", "supply.limits.wind": "200 MW"}``. ``None`` removes a key,
        so that ``{"machine.count": None, "machine.power": "1 GW"}`` says the size otherwise.

    Returns
    -------
    LoadedScenario
        Checked as a whole. Paths stay relative to the file of ``base``; a key that was not written there
        has the line of the section that it would stand in. ``hash`` is of the keys and values, so that
        equal changes of equal files have equal ones.

    Raises
    ------
    InputError
        An unknown key (with the nearest spelling), a wrong unit or value, keys that exclude each other: with
        the file of ``base`` and the key.
    """
    if not changes:
        return base
    return _read(changes, base.file, dict(base.data), dict(base.lines), dict(base.written))


def scenario_of(values: Mapping[str, object], file: Path, *, sized: bool = True) -> LoadedScenario:
    """The scenario of dotted keys and values, checked as :func:`scenario_with` checks it.

    ``file`` is where an error says that they stand, every key in line 1. Without ``sized`` a run needs no
    number of accelerators: a question that is asked before it is known.
    """
    return _read(values, file, {}, {}, {}, sized)


def _read(
    changes: Mapping[str, object],
    file: Path,
    data: dict[str, Any],
    lines: dict[str, int],
    written: dict[str, str],
    sized: bool = True,
) -> LoadedScenario:
    base = dict(lines)
    for name, value in changes.items():
        key = name if value is None or isinstance(value, Mapping) else field_of_value(name, value)
        _drop(key, lines, written)
        if value is None:
            _remove(data, key)
            continue
        plain = _plain(value)
        parts = key.split(".")
        for depth in range(1, len(parts) + 1):  # sections that the base lacks stand there from now on
            lines.setdefault(".".join(parts[:depth]), _line(base, key))
        _put(file, base, data, key, plain)
        _note(key, plain, lines, written)
    rename_keys(data, lines, written, file)
    scenario = check_scenario(data, file, lines, sized=sized)
    text = json.dumps(data, sort_keys=True, default=str)
    return LoadedScenario(
        scenario, file, lines, written, hashlib.sha256(text.encode()).hexdigest()[:12], data
    )


def _plain(value: Any) -> Any:
    """A value as YAML would give it: arrays and their scalars as lists and numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _line(base: Mapping[str, int], key: str) -> int:
    """The line of a key in the base, or of the section that it belongs to."""
    while key:
        if key in base:
            return base[key]
        key = key.rpartition(".")[0]
    return 1


def _drop(key: str, lines: dict[str, int], written: dict[str, str]) -> None:
    """Drop the lines of a key and of the keys inside it."""
    inside = f"{key}."
    for name in [name for name in lines if name == key or name.startswith(inside)]:
        del lines[name]
        written.pop(name, None)


def _remove(data: dict[str, Any], key: str) -> None:
    at = data
    *sections, last = key.split(".")
    for name in sections:
        if not isinstance(at.get(name), Mapping):
            return
        at[name] = at = dict(at[name])
    at.pop(last, None)


def _put(file: Path, base: Mapping[str, int], data: dict[str, Any], key: str, value: Any) -> None:
    """Set a value; sections on the way are copied, so that the base stays as it is."""
    at, (*sections, last) = data, key.split(".")
    for depth, name in enumerate(sections, start=1):
        inner = at.get(name)
        if inner is not None and not isinstance(inner, Mapping):
            raise InputError(
                "this is a value, not a section",
                file=file,
                line=base.get(".".join(sections[:depth])),
                key=key,
                given=str(inner),
                allowed=".".join(sections[:depth]),
            )
        at[name] = at = dict(inner or {})
    at[last] = value


def _note(key: str, value: Any, lines: dict[str, int], written: dict[str, str]) -> None:
    """The keys as the reader of a file would note them."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            lines[f"{key}.{name}"] = lines[key]
            _note(f"{key}.{name}", one, lines, written)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            lines[f"{key}.{number}"] = lines[key]
            _note(f"{key}.{number}", one, lines, written)
        written[key] = ", ".join(str(one) for one in value)
    else:
        written[key] = str(value)
