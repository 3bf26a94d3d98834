"""Options of a command that are fields of its question, made of the schema, and ``--set`` for all others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.schema.fields import FIELDS, Field, Option, field, option_of, sections

__all__ = ["asks", "option_words"]

F = TypeVar("F", bound=Callable[..., Any])
_SET = "--set"


def _declared(command: str) -> list[tuple[Field, Option]]:
    return [(one, option) for one in FIELDS for option in one.options if option.command == command]


def _name(option: Option) -> str:
    return option.flag.lstrip("-").replace("-", "_").lower()


def _help(one: Field) -> str:
    choices = f": {', '.join(one.choices)}" if one.choices else ""
    return f"{one.sentence}{choices}. Example: {one.example}."


def _parameter(one: Field, option: Option, required: bool) -> inspect.Parameter:
    kind: Any = int if one.kind == "count" and one.unit == "1" else bool if one.kind == "flag" else str
    default: Any = inspect.Parameter.empty if required else None
    shown: Any
    if option.flag.startswith("--"):
        flag = f"{option.flag}/--no-{option.flag[2:]}" if one.kind == "flag" else option.flag
        shown = typer.Option(
            flag, help=_help(one), show_default=False, rich_help_panel=one.section or "Question"
        )
    else:
        shown = typer.Argument(metavar=option.flag, help=_help(one), show_default=False)
    return inspect.Parameter(
        _name(option), inspect.Parameter.KEYWORD_ONLY, default=default,
        annotation=Annotated[kind if required else kind | None, shown],
    )  # fmt: skip


def asks(command: str, *needed: str) -> Callable[[F], F]:
    """Give a command the options of the schema that name it, and ``--set KEY=VALUE`` for every other field.

    The command's parameter ``question`` receives a mapping of dotted field to what was typed; an error about
    a field names the option that set it. ``needed`` are options without which the command does not run.
    """
    declared = _declared(command)

    def decorate(function: F) -> F:
        own = [p for p in inspect.signature(function).parameters.values() if p.name != "question"]
        taken = {p.name for p in own}
        made = [_parameter(one, o, o.flag in needed) for one, o in declared if _name(o) not in taken]
        settings = inspect.Parameter(
            "settings", inspect.Parameter.KEYWORD_ONLY, default=None,
            annotation=Annotated[
                list[str] | None,
                typer.Option(
                    _SET, metavar="KEY=VALUE", show_default=False, rich_help_panel="Question",
                    help="Any other field of the question (`gigawatt schema`), as often as needed.",
                ),
            ],
        )  # fmt: skip

        @wraps(function)
        def run(**given: Any) -> Any:
            question = _question(declared, given, given.pop("settings", None) or [])
            left = {name: value for name, value in given.items() if name in taken}
            try:
                return function(question=question, **left)
            except GigawattError as error:
                if error.key is not None and error.file is None:
                    flag = option_of(command, error.key)
                    error.key = flag if flag and error.key not in _set_keys(given) else error.key
                raise

        hints = get_type_hints(function, include_extras=True)
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            *sorted(made, key=lambda p: p.default is not inspect.Parameter.empty), settings,
            *(p.replace(kind=keyword, annotation=hints[p.name]) for p in own),
        ]  # fmt: skip
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run  # type: ignore[return-value]

    return decorate


def _set_keys(given: Mapping[str, Any]) -> set[str]:
    return {one.partition("=")[0].strip() for one in given.get("settings") or []}


def _question(
    declared: list[tuple[Field, Option]], given: Mapping[str, Any], pairs: list[str]
) -> dict[str, Any]:
    from gigawatt.chain.asked import counted  # numpy comes with it, which help does without

    question: dict[str, Any] = {}
    for one, option in declared:
        value = given.get(_name(option))
        if value is not None:
            question[one.key] = counted(str(value), option.unit) if option.unit else value
    for pair in pairs:
        key, value = read_setting(pair)
        if key in question:
            raise InputError("given twice", key=_SET, given=pair, allowed=f"one of it and {question[key]}")
        question[key] = value
    return question


def read_setting(pair: str) -> tuple[str, str]:
    """(dotted field, value) of ``KEY=VALUE``; raises ``InputError`` for no pair or no such field."""
    key, equals, value = (part.strip() for part in pair.partition("="))
    if not (equals and key and value):
        raise InputError(
            "not a pair", key=_SET, given=pair, allowed="KEY=VALUE, such as economics.chip_life=5 years"
        )
    if field(key) is None:
        known = [one.key for one in FIELDS]
        inside = "a section, not a field" if key in sections() else "no such field"
        raise InputError(
            inside, key=_SET, given=key, allowed="a field of `gigawatt schema`", nearest=nearest(key, known)
        )
    return key, value


def option_words(command: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """A question under the names of a command's options: ``{"tokens": "15.6T tokens"}``."""
    return {_name(o): question[one.key] for one, o in _declared(command) if one.key in question}
