"""The command line: the help of every command, as the program prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from gigawatt.faces.terminal.app import app

__all__ = ["cli_page"]

_WIDTH = 82


def _commands(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, str, bool]]:
    """(words, help, whether it holds other commands), depth first."""
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    inner = getattr(command, "commands", {})
    yield context.command_path, command.get_help(context), bool(inner)
    for key in sorted(inner):
        yield from _commands(inner[key], key, context)


def cli_page() -> str:
    """One heading a command."""
    lines = [
        "# Command line",
        "",
        "Every command with its options, as `--help` prints them. An input that is wrong gives one line that "
        "names the key, what was given, what is allowed and the nearest spelling, and exit code 2; an "
        "interrupt gives 130.",
        "",
    ]
    for words, text, group in _commands(typer.main.get_command(app), "gigawatt"):
        level = "##" if group or words.count(" ") < 2 else "###"
        lines += [f"{level} `{words}`", "", "```text", text.strip(), "```", ""]
    return "\n".join(lines)
