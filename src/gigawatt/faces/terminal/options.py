"""Reading options that commands write alike: pairs such as ``grid=300MW``, errors that name the option."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.schema.fields import fields

__all__ = [
    "SETTINGS", "AnswerJson", "AnswerQuiet", "Json", "Quiet", "flag", "flagged", "option", "read_pairs",
    "read_settings",
]  # fmt: skip

SETTINGS: Any = typer.Option(
    "--set",
    metavar="KEY=VALUE",
    show_default=False,
    help="Another value of a field of the scenario, such as 'economics.chip_life=3 years': `gigawatt schema` "
    "lists them; as often as needed.",
)
"""The option of commands that take a scenario."""


def option(help: str, panel: str | None = None, **more: Any) -> Any:
    """An option without a default, in a section of the help."""
    return typer.Option(help=help, show_default=False, rich_help_panel=panel, **more)


def flag(name: str, help: str, panel: str) -> Any:
    """A switch with its own name, in a section of the help."""
    return typer.Option(name, help=help, show_default=False, rich_help_panel=panel)


_JSON, _QUIET = "Print JSON alone on standard output.", "No progress, no summary."
Json = Annotated[bool, typer.Option("--json", help=_JSON)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help=_QUIET)]
AnswerJson = Annotated[bool, flag("--json", _JSON, "Answer")]
AnswerQuiet = Annotated[bool, typer.Option("--quiet", "-q", help=_QUIET, rich_help_panel="Answer")]

T = TypeVar("T")
_WORDS = ("load",)
"""Sections of a question whose fields a command has as one option of the section's name."""


def flagged(
    call: Callable[[], T], command: Callable[..., Any] | None, renamed: Mapping[str, str] | None = None
) -> T:
    """Call a room; an error of its names the option of ``command``, not what the room calls it.

    ``renamed`` has the options of keys that are called otherwise there; without a command they are all.
    """
    try:
        return call()
    except GigawattError as error:
        of_file = error.file is not None and error.key is not None and "." in error.key
        if error.key is not None and not of_file:  # a field of a file is called as it stands there
            key = error.key.removeprefix("cluster.")
            name = key.split(".")[0].replace("-", "_")
            of_section = key in fields() and key.split(".")[0] not in _WORDS  # carbon.leak is not of --carbon
            flag = (None if of_section else _flag(command, name)) or (error.key if command is None else key)
            error.key = (renamed or {}).get(error.key, flag)
        raise


def _flag(command: Callable[..., Any] | None, name: str) -> str | None:
    """What a command calls one of its parameters: ``--load``, or ``SITE`` of an argument."""
    known = {} if command is None else inspect.signature(command).parameters
    if name not in known:
        return None
    argument = any(type(one).__name__ == "ArgumentInfo" for one in _metadata(known[name].annotation))
    return name.upper() if argument else f"--{name.replace('_', '-')}"


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__metadata__", ())


def read_pairs(key: str, allowed: str, written: Sequence[str], *, split: bool = True) -> dict[str, str]:
    """``name=value`` as often as it was given, with commas between them where ``split``.

    Raises
    ------
    InputError
        Not a pair, or a name given twice.
    """
    pairs: dict[str, str] = {}
    for one in (part for text in written for part in (text.split(",") if split else (text,))):
        name, equals, value = (part.strip() for part in one.partition("="))
        if not (equals and name and value):
            raise InputError("not a pair", key=key, given=one, allowed=allowed)
        if name in pairs:
            raise InputError("given twice", key=key, given=one)
        pairs[name] = value
    return pairs


def read_settings(written: Sequence[str] | None) -> dict[str, object]:
    """Fields of a question as ``--set KEY=VALUE`` gives them; raises ``InputError`` for what is no pair."""
    if not written:
        return {}
    from gigawatt.schema.settings import read_settings as read_values

    return read_values(tuple(read_pairs("--set", "KEY=VALUE", written, split=False).items()))
