"""The one registry of compute technologies, and the substrates of the catalog that it checks.

A technology of this package is a folder beside this file whose package has a ``TECHNOLOGY``; another package
names its own as an entry point of the group :data:`GROUP`. Cost models, settings and functional faces are
imported when they are first asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from gigawatt.catalog.loader import entity
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError, MissingDataError, nearest
from gigawatt.technology.interface import Model, Technology
from gigawatt.technology.substrate import Bound, Substrate, check_settings

__all__ = ["GROUP", "load_substrate", "model_of", "registered", "settings_bounds", "technologies"]

GROUP = "gigawatt.technologies"
"""Entry points of other packages, each naming a ``Technology`` of this room's interface."""


def _by_name(candidates: Iterable[tuple[str, object]]) -> dict[str, Technology]:
    known: dict[str, Technology] = {}
    for where, technology in candidates:
        if not isinstance(technology, Technology):
            raise InputError(
                "not a technology", key=GROUP, given=where, allowed="an object of class Technology"
            )
        for name in (technology.name, *technology.names):
            if name in known and known[name] is not technology:
                raise InputError("two technologies of one name", key=GROUP, given=f"{name} of {where}")
            known[name] = technology
    return known


@lru_cache(maxsize=1)
def _folders() -> tuple[tuple[str, object], ...]:
    """(package, its technology) of the folders of this room."""
    names = [one.name for one in iter_modules([str(Path(__file__).parent)]) if one.ispkg]
    packages = [import_module(f"gigawatt.technology.{name}") for name in names]
    return tuple((one.__name__, one.TECHNOLOGY) for one in packages if hasattr(one, "TECHNOLOGY"))


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Technology]:
    return _by_name(_folders())


@lru_cache(maxsize=1)
def technologies() -> Mapping[str, Technology]:
    """Every technology by its name, those of other packages among them.

    Raises
    ------
    InputError
        Two of one name; an entry point that is no technology.
    """
    from importlib.metadata import entry_points

    others = [(point.value, point.load()) for point in entry_points(group=GROUP)]
    return _by_name([*_folders(), *others])


def registered(name: str) -> Technology:
    """The technology called ``name``, as substrates and chips write it.

    Raises
    ------
    MissingDataError
        No technology of that name is registered.
    """
    shipped = _shipped()
    known = shipped if name in shipped else technologies()
    if name not in known:
        raise MissingDataError(
            "no cost model for this compute technology yet",
            key="technology",
            given=name,
            allowed=tuple(known),
            nearest=nearest(name, known),
        )
    return known[name]


@lru_cache(maxsize=64)
def model_of(name: str, *, training: bool = False) -> Model:
    """The cost model of a technology; ``training``: as it trains.

    Raises
    ------
    MissingDataError
        As :func:`registered`.
    """
    return registered(name).model(training=training)


def settings_bounds(technology: str) -> Mapping[str, Bound]:
    """Settings of a technology with their ranges; empty where it has none or is not registered."""
    try:
        return registered(technology).bounds()
    except MissingDataError:
        return {}


def load_substrate(text: str) -> Substrate:
    """A substrate of the catalog, with changes behind it: ``nvfp4``, ``pcm:adc_bits=6,drift_time=86400``.

    Parameters
    ----------
    text : str
        Id or alias of a row of ``substrates``, a colon, then ``key=value`` with commas between. Settings are
        checked against :func:`settings_bounds` of its technology.

    Raises
    ------
    InputError
        No such substrate or setting; a value outside its physical range: named, with the range.
    """
    name, _, changes = text.partition(":")
    row = entity("substrates", name.strip())
    technology = row.text("technology")
    settings: dict[str, float | str] = {key: row.value(key) for key in row.numbers}
    for key in row.texts:
        if key not in ("id", "name", "technology", "aliases", "note") and row.text(key):
            settings[key] = row.text(key)
    known = settings_bounds(technology)
    for part in filter(None, (one.strip() for one in changes.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (equals and key and value):
            raise InputError("not a setting", key="substrate", given=part, allowed="key=value")
        options = set(settings) | set(known)
        check_word(row.id, key, sorted(options), "no such setting of this substrate")
        settings[key] = value
    return check_settings(Substrate(text.strip(), row.text("name", row.id), technology, settings), known)
