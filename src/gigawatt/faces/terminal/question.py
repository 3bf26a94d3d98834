"""Options of a command that are fields of its question, made of the rows of the schema."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.terminal.options import read_settings
from gigawatt.schema.fields import FIELDS, Field, Option

__all__ = ["Asked", "asks", "panel_of"]

_WHOLE = ("count", "number", "year")
"""Kinds of fields that are whole numbers where they have no unit."""
_LISTS = ("names", "columns")
"""Kinds of fields that hold several names, with commas between them."""
_REPEATED = ("powers", "files")
"""Kinds of fields that are pairs, one an option."""
_PURE = "1"
_SET = "settings"
Made = tuple[Field, Option]


@dataclass(frozen=True)
class Asked:
    """What was typed of a question.

    Attributes
    ----------
    words : dict
        By the name of the option: ``{"tokens": "15.6T tokens"}``; what was left out is not there.
    fields : dict
        The same by dotted field: ``{"training.tokens": "15.6T tokens"}``.
    settings : dict
        Other fields, as ``--set KEY=VALUE`` gave them.
    typed : tuple of str
        Names of the options that were given.
    """

    words: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    typed: tuple[str, ...] = ()

    def under(self, section: str) -> dict[str, Any]:
        """Words of the fields of a section, which are taken out of :attr:`words`."""
        names = [key.rpartition(".")[2] for key in self.fields if key.startswith(f"{section}.")]
        return {name: self.words.pop(name) for name in names if name in self.words}


#: Kinds whose form has to be seen.
_LISTED = ("names", "powers", "files")


def asks(
    command: str, *needed: str, settings: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of the schema that name it.

    The command's parameter ``asked`` receives an :class:`Asked`; an error about a field names the option that
    gave it.

    Parameters
    ----------
    command : str
        Name of the command in the column ``options`` of ``fields.csv``.
    *needed : str
        Dotted fields without which the command does not run.
    settings : bool
        Whether ``--set KEY=VALUE`` gives the fields that have no option.
    """
    made: dict[str, Made] = {}
    for one in FIELDS:
        for option in one.options:
            if option.command == command and (one.kind in _REPEATED or _name(option) not in made):
                made[_name(option)] = (one, option)

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(function).parameters.values() if p.name != "asked"]
        hints = get_type_hints(function, include_extras=True)
        parameters = [
            *(_parameter(name, one, option, one.key in needed) for name, (one, option) in made.items()),
            *([_setting()] if settings else []),
            *(p.replace(kind=p.KEYWORD_ONLY, annotation=hints[p.name]) for p in own),
        ]

        @wraps(function)
        def run(**given: Any) -> None:
            asked = _asked(made, given)
            left = {p.name: given[p.name] for p in own}
            try:
                function(asked, **left)
            except GigawattError as error:
                if error.file is None and error.key in asked.fields:
                    error.key = next(
                        o.flag
                        for name, (one, o) in made.items()
                        if one.key == error.key and name in asked.typed
                    )
                raise

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


def panel_of(one: Field) -> str:
    """The group of the help: the field's section, or that of its first neighbour that has one."""
    room = one.key.rpartition(".")[0]
    beside = (other.section for other in FIELDS if other.section and other.key.rpartition(".")[0] == room)
    return one.section or next(beside, "Question")


def _name(option: Option) -> str:
    return option.flag.lstrip("-").replace("-", "_").lower()


def has_example(one: Field) -> bool:
    """Whether an example says more than the sentence: not of whole numbers, choices, rows of the catalog."""
    return one.kind in _LISTED or not (one.kind in (*_WHOLE, "flag", "choice", "number") or one.table)


def _kind(one: Field, option: Option) -> Any:
    if one.kind == "flag":
        return bool
    if one.kind in _REPEATED:
        return list[str]
    return int if one.kind in _WHOLE and not option.unit and not _counts(one, option) else str


def _counts(one: Field, option: Option) -> bool:
    """Whether a number of things is typed, which may have commas between thousands."""
    return one.kind == "count" and not option.unit


def _parameter(name: str, one: Field, option: Option, required: bool) -> inspect.Parameter:
    kind, shown = _kind(one, option), f"{one.sentence}{_choices(one, option)}"
    shown += f" ({_example(one)})." if has_example(one) else "."
    needed = required or not option.flag.startswith("--")
    default: Any = inspect.Parameter.empty if needed else None
    panel = panel_of(one)
    what = typer.Option if option.flag.startswith("--") else typer.Argument
    metavar = "<int>" if _counts(one, option) else None
    of_typer: Any = what(help=shown, show_default=False, rich_help_panel=panel, metavar=metavar)
    annotation = Annotated[kind if needed else kind | None, of_typer]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _example(one: Field) -> str:
    """The example as it is typed after an option: names with commas between, a pair with ``=``."""
    if one.kind == "names":
        return one.example.strip("[]").replace(", ", ",")
    return one.example.strip("{}").replace(": ", "=") if one.kind in _REPEATED else one.example


def _choices(one: Field, option: Option) -> str:
    """The only values, where the sentence does not list them."""
    choices = (*one.choices, *option.more)
    listed = all(choice in one.sentence for choice in choices)
    return "" if listed else f": {', '.join(choices)}"


def _setting() -> inspect.Parameter:
    shown = typer.Option(
        "--set", metavar="KEY=VALUE", show_default=False, rich_help_panel="Question",
        help="Any other field of the question, such as 'economics.chip_life=3 years': `gigawatt schema` "
        "lists them; as often as needed.",
    )  # fmt: skip
    return inspect.Parameter(
        _SET, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[list[str] | None, shown]
    )


def _asked(made: Mapping[str, Made], given: Mapping[str, Any]) -> Asked:
    words = {
        name: _value(one, option, given[name])
        for name, (one, option) in made.items()
        if given[name] is not None and given[name] != []
    }
    fields = {made[name][0].key: value for name, value in words.items()}
    settings = read_settings(given.get(_SET))
    for name in words:
        one, option = made[name]
        if one.key in settings:
            raise InputError(
                "given twice", key="--set", given=f"{one.key}={settings[one.key]}",
                allowed=f"one of it and {option.flag}",
            )  # fmt: skip
    return Asked(words, fields, settings, tuple(words))


def _value(one: Field, option: Option, typed: Any) -> Any:
    """A value as the reader of questions takes it: with its unit, a plain number, or a tuple of names."""
    if one.kind in _LISTS:
        names = tuple(dict.fromkeys(name.strip() for name in typed.split(",") if name.strip()))
        if not names and one.kind == "names":
            raise InputError("no name", key=option.flag, given=typed, allowed=f"such as {_example(one)}")
        return names
    if _counts(one, option):
        return _whole(option, typed)
    if option.unit == _PURE:
        from gigawatt.core.quantities import parse

        try:
            return parse(typed, _PURE)
        except InputError as error:
            raise error.at(key=option.flag) from None
    if option.unit:
        from gigawatt.chain.assumption_list import counted  # a catalog comes with it, which help does without

        return counted(typed, option.unit)
    return typed


def _whole(option: Option, typed: str) -> int:
    """A whole number such as ``10,000``."""
    from gigawatt.core.quantities import parse

    allowed = "a whole number such as 16384 or 10,000"
    try:
        number = parse(typed, _PURE)
    except InputError as error:
        raise InputError(error.message, key=option.flag, given=typed, allowed=allowed) from None
    if number != int(number):
        raise InputError("not a whole number", key=option.flag, given=typed, allowed=allowed)
    return int(number)
