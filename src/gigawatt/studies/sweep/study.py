"""The file of a sweep: a base scenario, what is varied in it and how, and what is read off each point."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from gigawatt import catalog
from gigawatt.chain.graph import graph_of, refuse_sampling
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.graph import Graph
from gigawatt.core.keys import Keys, read_keys
from gigawatt.core.quantities import parse
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.fields import fields, keys_under, nearest_key, sections
from gigawatt.schema.renamed import OLD_STACK
from gigawatt.schema.scenario import LoadedScenario, read_scenario
from gigawatt.studies.sweep.axes import MOST_POINTS, Column, Reader, Taken, drawn, listed, read_axis
from gigawatt.studies.sweep.draws import DISTRIBUTIONS, METHODS, shares

__all__ = ["CATALOG", "Group", "SweepStudy", "default_reads", "read_study"]

T = TypeVar("T")
CatalogKey = tuple[str, str, str]

CATALOG = "catalog."
"""What the key of a row of the catalog begins with."""
_KEYS = ("name", "base", "seed", "set", "over", "zip", "sample", "read")
_SAMPLE = ("points", "method", "keys")

_BOTH = (
    "machine.count", "machine.power_it", "facility.power_peak", "facility.pue", "supply.electricity_cost",
    "supply.carbon_intensity", "supply.not_served", "ledger.total_capital", "ledger.annual_cost",
    "ledger.cost_per_mtoken", "ledger.energy_per_mtoken", "ledger.carbon_operational_per_mtoken",
    "ledger.water_per_mtoken",
)  # fmt: skip
_TRAINING = ("training.step_time", "training.mfu", "training.duration", "training.binding", "ledger.run_cost",
             "ledger.run_carbon")  # fmt: skip
_SERVING = (
    "serving.rate", "serving.replicas", "serving.binding", "serving.kept", "serving.utilisation",
    "economics.cost_million_prompt", "economics.cost_million_output", "economics.energy_million_output",
    "economics.carbon_operational_million_output", "economics.water_million_output", "ledger.annual_carbon",
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Keys that run together: row ``i`` has value ``i`` of each of its columns."""

    columns: tuple[Column, ...]

    def __len__(self) -> int:
        """Rows."""
        return len(self.columns[0])


@dataclass(frozen=True)
class SweepStudy:
    """A sweep that was read and checked.

    Attributes
    ----------
    file, name, text : path, str, str
        Where it was read, what it is called, what stands there.
    base : LoadedScenario
        With what ``set`` says.
    always : mapping
        What ``set`` says, and whether of the scenario or of the catalog.
    groups : tuple of Group
        Crossed with one another.
    read : tuple of str
        Quantities that are kept of each point.
    lines : mapping of str to int
        Line of each key that is varied.
    """

    file: Path
    name: str
    text: str = field(repr=False)
    base: LoadedScenario
    always: Mapping[str, object]
    fixed: Mapping[CatalogKey, float]
    groups: tuple[Group, ...] = field(repr=False)
    read: tuple[str, ...]
    lines: Mapping[str, int] = field(repr=False)

    def __len__(self) -> int:
        """Points: rows of the groups, multiplied."""
        return math.prod(len(group) for group in self.groups)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column."""
        return tuple(column for group in self.groups for column in group.columns)

    @property
    def hash(self) -> str:
        """Of the text of this file, of the base and of what is read."""
        parts = json.dumps([self.text, self.base.hash, list(self.read)])
        return hashlib.sha256(parts.encode()).hexdigest()[:12]

    def blame(self, error: GigawattError, key: str) -> GigawattError:
        """Put this file, the line and the key of an axis on an error of one of its values."""
        error.file, error.line = self.file, self.lines.get(key)
        error.key = key if error.key is None or error.key in key.split(".") else error.key
        return error


def default_reads(graph: Graph) -> tuple[str, ...]:
    """What is kept of each point where nobody says: size, power, supply, money, carbon, water."""
    names = (*_TRAINING, *_SERVING, *_BOTH)
    return tuple(name for name in names if name in graph.nodes)


def catalog_key(key: str) -> CatalogKey:
    """``catalog.chips.H100-SXM5-80GB.idle_power`` as (table, id, quantity); ids may have dots.

    Raises
    ------
    InputError
        No such table, id or number, with the nearest spelling.
    """
    parts = key.removeprefix(CATALOG).split(".")
    name = parts[0]
    if name not in catalog.tables():
        raise InputError(
            "no such table of the catalog", key=key, given=name, nearest=nearest(name, catalog.tables())
        )
    rows = catalog.table(name)
    for cut in range(2, len(parts)):
        entry, quantity = ".".join(parts[1:cut]), ".".join(parts[cut:])
        if entry in rows and quantity in rows[entry].numbers:
            return name, entry, quantity
    for cut in range(2, len(parts)):
        entry, quantity = ".".join(parts[1:cut]), ".".join(parts[cut:])
        if entry in rows:
            raise InputError(
                f"no such number of {entry}",
                key=key,
                given=quantity,
                nearest=nearest(quantity, rows[entry].numbers),
            )
    wanted = ".".join(parts[1:-1])
    raise InputError(
        f"no such row of {name}", key=key, given=wanted or key, nearest=nearest(wanted, rows),
        allowed=None if wanted else "catalog.table.id.quantity",
    )  # fmt: skip


def _catalog_reader(key: str) -> Reader:
    name, entry, quantity = catalog_key(key)
    unit = catalog.table(name)[entry].numbers[quantity][0].unit or "1"

    def read(value: object, row: int) -> Taken:
        return Taken(parse(value, unit))

    return read


def _scenario_reader(
    base: LoadedScenario,
    always: Mapping[str, object],
    key: str,
    beside: Callable[[int], Mapping[str, object]],
) -> Reader:
    """Reads a value by putting it into the scenario, so that its own rules hold.

    ``beside`` are values of the other axes that may stand with row i, since keys can need or exclude one
    another; where these are to blame for what is wrong, the value is read without them.
    """

    def read(value: object, row: int) -> Taken:
        try:
            loaded = scenario_with(base, {**always, **beside(row), key: value})
        except InputError as together:
            try:
                loaded = scenario_with(base, {**always, key: value})
            except InputError as alone:
                raise (alone if alone.key == key else together) from None
        return _taken(loaded.scenario, key)

    return read


def _taken(scenario: Any, key: str) -> Taken:
    """What a scenario has under a key."""
    found: Any = scenario
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else getattr(found, part)
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], float):
        found = found[1]  # 2048 sequences
    if isinstance(found, bool) or not isinstance(found, int | float):
        return Taken(None)
    return Taken(float(found), isinstance(found, int))


def _first(given: object, row: int = 0) -> object:
    """A value that an axis takes: that of a row of a list, where a grid begins, the middle of a draw."""
    if isinstance(given, list):
        return given[row] if row < len(given) else (given[0] if given else None)
    if isinstance(given, Mapping):
        inner = next((v for name, v in given.items() if name in DISTRIBUTIONS), given)
        if isinstance(inner, Mapping):
            return next((inner[name] for name in ("from", "mean", "median", "mode") if name in inner), None)
    return given


def read_study(file: str | Path, settings: Mapping[str, object] | None = None) -> SweepStudy:
    """A sweep that was read and checked; ``settings`` are other values of some fields of its base.

    Raises
    ------
    InputError
        No such file, an unknown key or quantity (with the nearest spelling), an empty grid, a value that the
        scenario or the catalog does not take: with file, line and key. A setting that the study varies.
    """
    keys = read_keys(file, "sweep", _KEYS)
    _known(keys, "", keys.data, _KEYS)
    if "base" not in keys.data:
        raise InputError(
            "this key is needed", file=keys.file, line=1, key="base", allowed="path of a scenario"
        )
    named = str(keys.data["base"])
    path = keys.file.parent / named
    if not path.is_file() and not Path(named).is_file():
        near = nearest(named, [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else [])
        raise InputError("no such scenario file", file=keys.file, line=keys.lines["base"], key="base",
                         given=named, nearest=near)  # fmt: skip
    other = settings or {}
    base = refuse_sampling(scenario_with(read_scenario(path if path.is_file() else named), other))
    always, fixed = _set(keys, base)
    groups, lines = _groups(keys, base, always)
    if base.scenario and not groups:
        raise InputError("nothing is varied", file=keys.file, line=1, allowed="over, zip or sample")
    varied = {*always, *(column.key for group in groups for column in group.columns)} & {*other}
    if varied:
        raise InputError(
            "the study gives this key",
            key="settings",
            given=sorted(varied)[0],
            allowed=f"a change of {keys.file}",
        )
    text = keys.text + "".join(f"\n# --set {key}={value}" for key, value in other.items())
    study = SweepStudy(
        keys.file, str(keys.data.get("name") or keys.file.stem), text, base, always, fixed, groups,
        _reads(keys, graph_of(base)), lines,
    )  # fmt: skip
    if len(study) > MOST_POINTS:
        raise InputError(
            "too many points", file=keys.file, given=f"{len(study):,}", allowed=f"{MOST_POINTS:,}"
        )
    return study


def _known(keys: Keys, section: str, given: Mapping[Any, Any], allowed: tuple[str, ...]) -> None:
    for name in given:
        if name not in allowed:
            key = f"{section}{name}"
            raise InputError("unknown key", file=keys.file, line=keys.lines.get(key), key=key,
                             allowed=allowed, nearest=nearest(str(name), allowed))  # fmt: skip


def _mapping(keys: Keys, key: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InputError("not a mapping of keys", file=keys.file, line=keys.lines.get(key), key=key,
                         given=str(given), allowed=f"{key.split('.')[0]}: {{machine.count: …}}")  # fmt: skip
    return {str(name): value for name, value in given.items()}


def _at(keys: Keys, place: str, key: str, call: Callable[[], T]) -> T:
    """Call something about a key that stands at ``place``; an error of its gets file, line and key."""
    try:
        return call()
    except GigawattError as error:
        error.file = keys.file
        error.line = keys.lines.get(place)
        if error.key is None or not error.key.startswith(key.split(".")[0]):
            error.key = key
        raise


def _set(keys: Keys, base: LoadedScenario) -> tuple[dict[str, object], dict[CatalogKey, float]]:
    always: dict[str, object] = {}
    fixed: dict[CatalogKey, float] = {}
    for key, value in _mapping(keys, "set", keys.data.get("set", {})).items():
        if key.startswith(CATALOG):
            taken = _at(keys, f"set.{key}", key, lambda k=key, v=value: _catalog_reader(k)(v, 0))
            assert taken.number is not None
            fixed[catalog_key(key)] = taken.number
        else:
            always[key] = value
            _at(keys, f"set.{key}", key, lambda k=key: _check_key(k))
    return always, fixed


def _check_key(key: str) -> None:
    """Raise where a key is none of a scenario's."""
    if key == OLD_STACK:
        raise InputError("this key is of an earlier version", key=key,
                         allowed="software.framework, software.version")  # fmt: skip
    parts = key.split(".")
    for depth in range(1, len(parts) + 1):
        whole = ".".join(parts[:depth])
        if whole in fields():
            return  # what follows is inside a mapping, such as supply.limits
        if whole not in sections():
            allowed = keys_under(".".join(parts[: depth - 1]))
            near = nearest_key(".".join(parts[: depth - 1]), parts[depth - 1])
            near = near and ".".join([*parts[: depth - 1], near, *parts[depth:]])
            raise InputError(
                "unknown key", key=key, given=whole if whole != key else None, allowed=allowed, nearest=near
            )


def _groups(
    keys: Keys, base: LoadedScenario, always: Mapping[str, object]
) -> tuple[tuple[Group, ...], dict[str, int]]:
    over = _mapping(keys, "over", keys.data.get("over", {}))
    zipped = keys.data.get("zip", [])
    if not isinstance(zipped, list):
        raise InputError("not a list of groups", file=keys.file, line=keys.lines.get("zip"), key="zip",
                         allowed="zip: [{site.name: […], supply.carbon_price: […]}]")  # fmt: skip
    together = [_mapping(keys, f"zip.{number}", one) for number, one in enumerate(zipped)]
    sample = _mapping(keys, "sample", keys.data.get("sample", {}))
    drawn_keys = _mapping(keys, "sample.keys", sample.get("keys", {}))
    firsts = {
        key: _first(given)
        for some in (over, *together, drawn_keys)
        for key, given in some.items()
        if not key.startswith(CATALOG)
    }
    lines: dict[str, int] = {}

    def reader(place: str, key: str, beside: Mapping[str, object] | None = None) -> Reader:
        if key in lines:
            raise InputError("varied twice", file=keys.file, line=keys.lines.get(place), key=key,
                             given=f"first in line {lines[key]}")  # fmt: skip
        lines[key] = keys.lines.get(place, 1)
        if key.startswith(CATALOG):
            return _at(keys, place, key, lambda: _catalog_reader(key))
        _at(keys, place, key, lambda: _check_key(key))
        others = {name: value for name, value in firsts.items() if name != key}

        def at(row: int) -> Mapping[str, object]:
            return others | {
                name: _first(given, row) for name, given in (beside or {}).items() if name != key
            }

        return _scenario_reader(base, always, key, at)

    groups: list[Group] = []
    for key, given in over.items():
        place = f"over.{key}"
        read = reader(place, key)
        groups.append(Group((_at(keys, place, key, lambda k=key, g=given, r=read: read_axis(k, g, r)),)))
    groups.extend(_zipped(keys, f"zip.{number}", one, reader) for number, one in enumerate(together))
    if "sample" in keys.data:
        groups.append(_sampled(keys, sample, reader))
    return tuple(groups), lines


def _zipped(keys: Keys, place: str, given: Mapping[str, Any], reader: Callable[..., Reader]) -> Group:
    if not given:
        raise InputError("an empty grid", file=keys.file, line=keys.lines.get(place), key=place)
    columns: list[Column] = []
    beside = {key: value for key, value in given.items() if not key.startswith(CATALOG)}
    for key, values in given.items():
        read = reader(f"{place}.{key}", key, beside)
        axis = listed if isinstance(values, list) else read_axis
        columns.append(_at(keys, f"{place}.{key}", key, lambda k=key, v=values, r=read, a=axis: a(k, v, r)))
    lengths = {column.key: len(column) for column in columns}
    if len(set(lengths.values())) > 1:
        raise InputError(
            "what runs together has one length", file=keys.file, line=keys.lines.get(place), key=place,
            given=", ".join(f"{key}: {length}" for key, length in lengths.items()),
        )  # fmt: skip
    return Group(tuple(columns))


def _sampled(keys: Keys, given: Mapping[str, Any], reader: Callable[..., Reader]) -> Group:
    _known(keys, "sample.", given, _SAMPLE)
    asked = _mapping(keys, "sample.keys", given.get("keys", {}))
    points, method, seed = given.get("points"), given.get("method", METHODS[0]), keys.data.get("seed", 0)
    allowed = "a whole number of one or more"
    for place, value, least in (("sample.points", points, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_POINTS:
            empty = place == "sample.points" and value == 0
            raise InputError("an empty grid" if empty else "not a count", file=keys.file, key=place,
                             line=keys.lines.get(place, keys.lines.get("sample")), given=str(value),
                             allowed=allowed)  # fmt: skip
    if method not in METHODS:
        raise InputError("unknown method", file=keys.file, line=keys.lines.get("sample.method"),
                         key="sample.method", given=str(method), allowed=METHODS,
                         nearest=nearest(str(method), METHODS))  # fmt: skip
    if not asked:
        raise InputError("an empty grid", file=keys.file, line=keys.lines.get("sample"), key="sample.keys",
                         allowed="keys: {year: {uniform: {from: 2026, to: 2030}}}")  # fmt: skip
    assert isinstance(points, int)
    at = shares(points, len(asked), method=str(method), seed=seed)
    columns: list[Column] = []
    for number, (key, value) in enumerate(asked.items()):
        place = f"sample.keys.{key}"
        read = reader(place, key)
        call = lambda k=key, v=value, r=read, n=number: drawn(k, v, at[:, n], r)  # noqa: E731
        columns.append(_at(keys, place, key, call))
    return Group(tuple(columns))


def _reads(keys: Keys, graph: Graph) -> tuple[str, ...]:
    given = keys.data.get("read")
    if given is None:
        return default_reads(graph)
    if not isinstance(given, list) or not given:
        raise InputError("not a list of quantities", file=keys.file, line=keys.lines.get("read"),
                         key="read", given=str(given), allowed="read: [ledger.annual_cost]")  # fmt: skip
    for number, name in enumerate(given):
        line = keys.lines.get(f"read.{number}")
        if name not in graph.nodes:
            raise InputError("no such quantity", file=keys.file, line=line, key="read", given=str(name),
                             nearest=nearest(str(name), graph.nodes))  # fmt: skip
        node = graph.nodes[name]
        kind = getattr(node.function, "__annotations__", {}).get("return", "")
        if node.function is not None and str(kind) not in ("float", "int", "str", "bool", "float | None"):
            raise InputError("not a single number", file=keys.file, line=line, key="read", given=name,
                             allowed=f"for example {', '.join(default_reads(graph)[:4])}")  # fmt: skip
    return tuple(dict.fromkeys(str(name) for name in given))
