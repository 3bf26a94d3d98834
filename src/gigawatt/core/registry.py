"""Every study that there is: those in the folders of ``gigawatt.studies``, and those of other packages.

Another package adds one through an entry point of the group ``gigawatt.studies``:

    [project.entry-points."gigawatt.studies"]
    my-study = "my_package.my_study:STUDY"

Reading the registrations imports no study's rooms. Entry points are looked up only where a name is not among
the studies of this package, or where all of them are listed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TypeVar

from gigawatt.core.errors import InputError, nearest
from gigawatt.core.study import Command, Group, Job, Study, View

__all__ = [
    "GROUP", "commands", "find_command", "find_function", "find_group", "find_study", "functions", "groups",
    "jobs", "own_studies", "studies", "views",
]  # fmt: skip

GROUP = "gigawatt.studies"
"""The package whose folders hold studies, and the group of entry points of other packages."""

T = TypeVar("T")


@cache
def own_studies() -> tuple[Study, ...]:
    """The studies of this package, in the order of their place."""
    found: list[Study] = []
    for module in pkgutil.iter_modules(import_module(GROUP).__path__):
        if module.ispkg:
            held = vars(import_module(f"{GROUP}.{module.name}")).values()
            found += [one for one in held if isinstance(one, Study)]
    return tuple(sorted(found, key=lambda one: (one.place, one.name)))


@cache
def studies() -> tuple[Study, ...]:
    """All studies: this package's, then those of other packages.

    Raises
    ------
    InputError
        An entry point that cannot be loaded or is no study; a name that is already taken.
    """
    from importlib.metadata import entry_points

    found = list(own_studies())
    for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            study = entry.load()
        except (ImportError, AttributeError) as error:
            raise InputError(
                "this study of another package cannot be loaded", key=entry.name, given=entry.value,
                allowed=f"module:STUDY ({error})",
            ) from None  # fmt: skip
        if not isinstance(study, Study):
            raise InputError(
                "this is no study", key=entry.name, given=entry.value, allowed="a gigawatt.core.study.Study"
            )
        for kind, names in _names(study).items():
            taken = {name for one in found for name in _names(one)[kind]} & set(names)
            if taken:
                raise InputError(
                    f"this name of a {kind} is taken", key=entry.name, given=", ".join(sorted(taken))
                )
        found.append(study)
    return tuple(found)


def _names(study: Study) -> dict[str, tuple[str, ...]]:
    """Names that no other study may have, by what they name."""
    return {
        "study": (study.name,),
        "command": tuple(one.name for one in study.commands),
        "function": tuple(one.function_name for one in study.commands if one.python),
        "view or job": tuple(one.name for one in (*study.views, *study.jobs)),
    }


def _of_all(pick: Callable[[Study], Iterable[T]]) -> Iterator[T]:
    for study in studies():
        yield from pick(study)


def commands() -> dict[str, Command]:
    """Every command by its words."""
    return {one.name: one for one in _of_all(lambda study: study.commands)}


def groups() -> dict[str, Group]:
    """Every first word of several commands."""
    return {one.name: one for one in _of_all(lambda study: study.groups)}


def functions() -> dict[str, str]:
    """Python function → ``module:function``."""
    return {one.function_name: one.python for one in commands().values() if one.python}


def views() -> tuple[View, ...]:
    """The views of the web app in the order of the navigation."""
    return tuple(sorted(_of_all(lambda study: study.views), key=lambda one: one.place))


def jobs() -> tuple[Job, ...]:
    """The long work of the web app."""
    return tuple(_of_all(lambda study: study.jobs))


def find_command(words: str) -> Command | None:
    """A command by its words; other packages are looked at where this one has none."""
    for study in own_studies():
        for command in study.commands:
            if command.name == words:
                return command
        if any(group.name == words for group in study.groups):
            return None
    return commands().get(words)


def find_group(name: str) -> Group | None:
    """A first word of several commands; other packages are looked at where this one has none."""
    for study in own_studies():
        for group in study.groups:
            if group.name == name:
                return group
    return groups().get(name)


def find_function(name: str) -> str | None:
    """``module:function`` of a Python function by name; ``None`` where no study has it."""
    for study in own_studies():
        for command in study.commands:
            if command.python and command.function_name == name:
                return command.python
    return functions().get(name)


def find_study(name: str) -> Study:
    """A study by the name of its stored form.

    Raises
    ------
    InputError
        No such study, with the nearest.
    """
    for study in own_studies():
        if study.name == name:
            return study
    known: Mapping[str, Study] = {study.name: study for study in studies()}
    if name not in known:
        raise InputError("no such study", given=name, nearest=nearest(name, known))
    return known[name]
