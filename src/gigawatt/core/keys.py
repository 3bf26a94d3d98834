"""A file of keys in YAML as a person writes it, with the line of every key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError

from gigawatt.core.errors import InputError, nearest

__all__ = ["Keys", "read_keys"]

Place = dict[str, int]
_CUT = re.compile(r"\d+(?:[ .%$/A-Za-z]|$)")
"""How what follows a comma of thousands begins."""


@dataclass(frozen=True)
class Keys:
    """A mapping that was read, and for each dotted key its line and what stands there."""

    file: Path
    text: str = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)
    lines: Mapping[str, int] = field(repr=False)
    written: Mapping[str, str] = field(repr=False)


class _Loader(yaml.SafeLoader):
    """YAML without aliases: one that holds itself never ends, and nested ones fill any memory."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node; raises ``ComposerError`` at an alias."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise ComposerError(None, None, "an alias is not read here", event.start_mark)
        return super().compose_node(parent, index)


def _refuse_cut_numbers(node: yaml.MappingNode, prefix: str, file: Path) -> None:
    """Raise ``InputError`` of ``{count: 10,000}``, which YAML reads as ``count: 10`` and a key ``000``.

    And of a decimal comma, ``{power: 1,5 MW}``.
    """
    for (before, value), (key, nothing) in zip(node.value, node.value[1:], strict=False):
        cut = _CUT.match(str(key.value)) and not nothing.value
        if cut and isinstance(value, yaml.ScalarNode) and value.value[-1:].isdigit():
            name = f"{prefix}.{before.value}" if prefix else str(before.value)
            number = f"{value.value},{key.value}"
            thousands = re.match(r"\d{3}(?!\d)", str(key.value))
            allowed = f"without commas, or in quotes: '{number}'" if thousands else number.replace(",", ".")
            raise InputError(
                "a comma between braces begins a new key", file=file, line=key.start_mark.line + 1, key=name,
                given=number, allowed=allowed,
            )  # fmt: skip


def _places(node: yaml.Node, prefix: str, lines: Place, written: dict[str, str], file: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        _refuse_cut_numbers(node, prefix, file)
        for key_node, value_node in node.value:
            key = f"{prefix}.{key_node.value}" if prefix else str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in seen:
                raise InputError(
                    "this key stands twice", file=file, line=line, key=key, given=f"first in line {seen[key]}"
                )
            seen[key] = lines[key] = line
            _places(value_node, key, lines, written, file)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            key = f"{prefix}.{number}"
            lines[key] = item.start_mark.line + 1
            _places(item, key, lines, written, file)
        written[prefix] = ", ".join(str(item.value) for item in node.value)
    else:
        written[prefix] = str(node.value)


def read_keys(file: str | Path, what: str, allowed: Iterable[str]) -> Keys:
    """Read a file of keys.

    Parameters
    ----------
    file : path
        In UTF-8.
    what : str
        What the file is called in errors: ``scenario``.
    allowed : iterable of str
        Keys that it may have, for the error of a file that has none.

    Raises
    ------
    InputError
        No such file, not readable, not YAML, not a mapping, an alias, a key that stands twice.
    """
    path = Path(file)
    if not path.is_file():
        near = [str(p) for p in (path.parent if path.parent.is_dir() else Path()).glob("*.y*ml")]
        raise InputError(f"no such {what} file", given=str(file), nearest=nearest(str(path), near))
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except UnicodeDecodeError:
        raise InputError("not a UTF-8 text file", file=path) from None
    except OSError as error:
        raise InputError(f"cannot read this file: {error.strerror}", file=path) from None
    except RecursionError:
        raise InputError(f"not a {what}: it is nested too deeply", file=path) from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        raise InputError(f"not YAML: {getattr(error, 'problem', error)}", file=path, line=line) from None
    except (LookupError, AttributeError, TypeError, OverflowError):  # what a tag meets that does not fit
        raise InputError("not YAML: a tag that its value does not fit", file=path) from None
    if not isinstance(data, dict) or root is None:
        message = f"not a {what}: it should be a mapping of keys"
        raise InputError(message, file=path, line=1, allowed=allowed)
    lines: Place = {}
    written: dict[str, str] = {}
    _places(root, "", lines, written, path)
    return Keys(path, text, data, lines, written)
