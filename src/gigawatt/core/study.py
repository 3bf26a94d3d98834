"""What a study registers of itself: its commands, functions, stored form, report, views and jobs.

``studies/KIND/__init__.py`` holds one :class:`Study` (two where a folder answers two questions). It imports
nothing but this module: whatever it names is ``module:object`` and imported when it is used. Everything that
lists studies (command line, ``gigawatt.NAME``, web app, reports, docs) reads :mod:`gigawatt.core.registry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

__all__ = ["Command", "Group", "Job", "Study", "View", "resolve"]


def resolve(target: str) -> Any:
    """The object that ``module:name`` names, imported now."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class Command:
    """One command, and the Python function that it calls.

    Attributes
    ----------
    name : str
        What is typed after ``gigawatt``: ``plan-supply``, ``quantum vqe``.
    target : str
        ``module:function`` whose signature has the options.
    words : str
        What it does, in a line: the first line of the function's docstring.
    example : str
        A call that works, shown below the help.
    python : str
        ``module:function`` that takes the same options and returns an answer; empty where there is none.
    function : str
        Its name in ``gigawatt``; the command's name with underscores where left out.
    grouped : bool
        Whether the help shows the options in groups.
    """

    name: str
    target: str
    words: str
    example: str = ""
    python: str = ""
    function: str = ""
    grouped: bool = False

    @property
    def function_name(self) -> str:
        """The name of the Python function in ``gigawatt``."""
        return self.function or self.name.replace(" ", "_").replace("-", "_")


@dataclass(frozen=True)
class Group:
    """Commands that share their first word; ``default`` runs where the second word is none of them."""

    name: str
    words: str
    default: str = ""
    example: str = ""


@dataclass(frozen=True)
class View:
    """A view of the web app.

    Attributes
    ----------
    name, title, words : str
        Part of the address, heading, one sentence that says what it shows.
    target : str
        ``module:function`` of an ``Asked`` that returns a ``Fragment``.
    place : int
        Where it stands in the navigation: lower is further left.
    asks : bool
        Whether it shows the scenario of the controls; else they are folded away.
    listed : bool
        Whether it stands in the navigation.
    items : bool
        Whether the address may name something in it: ``/catalog/chips/H100``.
    branch : str
        What scenarios it is of, as a field of the schema says: ``running`` needs a model on a machine.
    """

    name: str
    title: str
    words: str
    target: str
    place: int = 1000
    asks: bool = True
    listed: bool = True
    items: bool = False
    branch: str = ""


@dataclass(frozen=True)
class Job:
    """Work that takes longer than a page waits: its name, title, and the ``module:function`` that does it.

    Answers are stored by name, so that no job may have the name of a view. ``branch`` is that of a view.
    ``alone``: a new one of who asks takes the place of the one that is not done.
    """

    name: str
    title: str
    target: str
    branch: str = ""
    alone: bool = False


@dataclass(frozen=True)
class Study:
    """One registration.

    Attributes
    ----------
    name : str
        Of its stored form: ``study.json`` in a folder of it says so.
    title, words : str
        Heading, and one sentence that says what it answers.
    commands : tuple of Command
        Those that answer it.
    groups : tuple of Group
        First words of commands that it introduces.
    place : int
        Where its commands stand in the list of all: lower is further up.
    answer_file, report_stem : str
        The JSON in its folder, and the name of its report without an ending; empty where nothing is stored.
    document : str
        ``module:function(answer, again, more) -> Document``.
    documents : mapping of str to str
        Documents of answers of another kind (``Answer.kind``), likewise.
    more : str
        ``module:function(folder)``: what the document reads beside the answer; empty where that suffices.
    views, jobs : tuple
        Of the web app.
    docs : str
        Page of the docs.
    services : mapping of str to str
        What other rooms may ask of it by name: ``module:function``.
    """

    name: str
    title: str
    words: str
    commands: tuple[Command, ...] = ()
    groups: tuple[Group, ...] = ()
    place: int = 1000
    answer_file: str = ""
    report_stem: str = ""
    document: str = ""
    documents: Mapping[str, str] = field(default_factory=dict[str, str])
    more: str = ""
    views: tuple[View, ...] = ()
    jobs: tuple[Job, ...] = ()
    docs: str = ""
    services: Mapping[str, str] = field(default_factory=dict[str, str])

    def service(self, name: str) -> Callable[..., Any]:
        """What other rooms may ask of this study, imported now."""
        return resolve(self.services[name])
