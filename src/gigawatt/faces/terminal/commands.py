"""Commands of the registry: each is imported when it is typed, none for the list of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from gigawatt.core.registry import commands, find_command, find_group
from gigawatt.core.study import Command, Group, resolve
from gigawatt.faces.terminal.grouped import Grouped

__all__ = ["OWN", "LateGroup", "built"]

OWN: Mapping[str, Command] = {
    one.name: one
    for one in (
        Command(
            name="web",
            target="gigawatt.faces.terminal.web:web_command",
            words="Serve the web app; it works offline and sends no data.",
            example="gigawatt web --port 8470 --open",
        ),
        Command(
            name="doctor",
            target="gigawatt.faces.terminal.doctor:doctor_command",
            words="Say what is installed, what is missing, and which feature needs it.",
            example="gigawatt doctor",
        ),
    )
}
"""Commands that ask no study."""


def built(command: Command) -> Any:
    """The command with its options, its module imported now."""
    info = CommandInfo(
        name=command.name.rpartition(" ")[2],
        callback=resolve(command.target),
        epilog=f"Example: {command.example}" if command.example else None,
        cls=Grouped if command.grouped else None,
    )
    return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode=None)


class _Late(Mapping[str, Any]):
    """Command or group by its word below ``first``, built when it is looked up."""

    def __init__(self, first: str) -> None:
        self._first = first
        self._built: dict[str, Any] = {}

    def words(self) -> dict[str, str]:
        """Word → what it does, of all, nothing built."""
        said: dict[str, str] = {}
        for name, command in {**commands(), **OWN}.items():
            first, _, second = name.partition(" ")
            if not self._first and second:
                group = find_group(first)
                said[first] = "" if group is None else group.words
            elif not self._first:
                said[name] = command.words
            elif first == self._first and second:
                said[second] = command.words
        return said

    def __getitem__(self, word: str) -> Any:
        """The command, or the group, of a word; raises ``KeyError``."""
        if word not in self._built:
            name = f"{self._first} {word}" if self._first else word
            command = OWN.get(name) or find_command(name)
            group = None if self._first or command is not None else find_group(word)
            if command is not None:
                self._built[word] = built(command)
            elif group is not None:
                self._built[word] = LateGroup.of(group)
            else:
                raise KeyError(word)
        return self._built[word]

    def __iter__(self) -> Iterator[str]:
        """Every word."""
        return iter(self.words())

    def __len__(self) -> int:
        """How many there are."""
        return len(self.words())


class LateGroup(TyperGroup):
    """A group whose commands are those of the registry; its default runs where the first word is none."""

    def __init__(self, *, first: str = "", default: str = "", **attributes: Any) -> None:
        attributes.pop("commands", None)
        super().__init__(**attributes)
        self.commands: Any = _Late(first)
        self.default = default

    @classmethod
    def of(cls, group: Group) -> LateGroup:
        """The commands below a first word."""
        return cls(
            name=group.name, first=group.name, default=group.default, help=group.words,
            epilog=f"Example: {group.example}" if group.example else None,
            no_args_is_help=True, rich_markup_mode=None,
        )  # fmt: skip

    def list_commands(self, ctx: Any) -> list[str]:
        """Every word, nothing built."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Words and what they do, each in a line, nothing built."""
        said = self.commands.words()
        room = formatter.width - 6 - max(map(len, said))
        with formatter.section("Commands"):
            formatter.write_dl([(word, _short(words, room)) for word, words in said.items()])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default first where no command stands there and no help is asked for."""
        if self.default and args and args[0] not in ("-h", "--help") and args[0] not in self.commands:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of the first word, or the default with all of them."""
        if self.default and args[0] not in self.commands:
            args = [self.default, *args]
        return super().resolve_command(ctx, args)


def _short(text: str, room: int) -> str:
    """As many whole words as a line has room for."""
    if len(text) <= room:
        return text.removesuffix(".")
    cut = text[: room - 3].rpartition(" ")[0]
    return f"{cut}..."
