"""Options that `plan-serving` and `simulate-serving` share and that are no field of a scenario."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.options import option

__all__ = ["outputs"]

WHO, MACHINE, ENGINE, LAYOUT, ANSWER = "Requests", "Machine", "Engine", "Layout", "Answer"

_LENGTHS = re.compile(r"\s*\d[\d_,]*\s*(tokens?)?\s*|\s*\w+\s*\(.*\)\s*")


Output = Annotated[
    list[str] | None,
    option("Output tokens, as --prompt; or the folder for JSON, tables and a page. May be given twice.", WHO),
]
TokenBudget = Annotated[int | None, option("Most tokens per iteration.", ENGINE)]
Sequences = Annotated[int | None, option("Most sequences per iteration.", ENGINE)]


def outputs(written: list[str] | None) -> tuple[str | None, Path | None]:
    """(output tokens, folder) of the values of ``--output``: what parses as lengths is lengths.

    Raises
    ------
    InputError
        Two of a kind, or a folder that cannot be written.
    """
    from gigawatt.faces.terminal.answer import check_folder

    lengths = [one for one in written or [] if _LENGTHS.fullmatch(one)]
    folders = [one for one in written or [] if not _LENGTHS.fullmatch(one)]
    for several in (lengths, folders):
        if len(several) > 1:
            raise InputError(
                "given twice", key="--output", given=several[1], allowed=f"one of it and {several[0]}"
            )
    return (lengths[0] if lengths else None), check_folder(folders[0] if folders else None)
