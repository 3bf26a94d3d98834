"""Keys of earlier versions: ``machine.stack`` is ``software.framework`` and ``software.version`` now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from gigawatt.catalog import table
from gigawatt.core.errors import InputError, nearest

__all__ = ["OLD_STACK", "rename_keys"]

OLD_STACK = "machine.stack"
_NEW = ("framework", "version")


def rename_keys(data: dict[str, Any], lines: dict[str, int], written: dict[str, str], file: Path) -> None:
    """Write keys of earlier versions as those of today, in place; sections are copied.

    Raises
    ------
    InputError
        A stack that never was, with what to write; one beside the keys that replace it.
    """
    section, _, key = OLD_STACK.partition(".")
    machine = data.get(section)
    if not isinstance(machine, Mapping) or key not in machine:
        return
    rest = dict(cast("Mapping[str, Any]", machine))
    stack, line = str(rest.pop(key)), lines.get(OLD_STACK)
    rows = table("software_renamed")
    if stack not in rows:
        raise InputError(
            "no such stack; write software.framework and software.version",
            file=file, line=line, key=OLD_STACK, given=stack,
            allowed=table("software_frameworks"), nearest=nearest(stack, rows),
        )  # fmt: skip
    software = data.get("software") or {}
    if not isinstance(software, Mapping) or any(name in software for name in _NEW):
        raise InputError("the software is given twice", file=file, line=line, key=OLD_STACK, given=stack,
                         allowed="software.framework and software.version alone")  # fmt: skip
    new = {name: rows[stack].text(name) for name in _NEW}
    data[section], data["software"] = rest, {**cast("Mapping[str, Any]", software), **new}
    at = lines.pop(OLD_STACK, None)
    written.pop(OLD_STACK, None)
    if at is not None:
        lines.setdefault("software", at)
        for name, value in new.items():
            lines[f"software.{name}"], written[f"software.{name}"] = at, value
