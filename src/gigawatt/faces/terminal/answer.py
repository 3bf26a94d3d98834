"""What every command does: compute an answer, write its folder, print JSON or the document's head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError
from gigawatt.faces.terminal.console import console, print_json, progress
from gigawatt.faces.terminal.options import flagged
from gigawatt.faces.terminal.typed import typed

__all__ = ["check_folder", "give", "print_answer"]

Progress = Callable[[str, float], None]


def check_folder(output: str | Path | None) -> Path | None:
    """The folder of the answer, where files can be written into it; an error names the option."""
    if output is None:
        return None
    from gigawatt.core.store import writable

    try:
        return writable(output)
    except InputError as error:
        raise error.at(key="--output") from None


def give(
    ask: Callable[[Progress], Answer],
    command: Callable[..., Any] | None,
    *,
    output: str | Path | None = None,
    json: bool = False,
    quiet: bool = False,
    renamed: Mapping[str, str] | None = None,
) -> Answer:
    """Answer a command, and return the answer.

    Parameters
    ----------
    ask : callable
        Computes the answer; gets a function that reports progress.
    command : callable, optional
        Whose options an error names; without one the keys of errors are those of a file.
    output : path, optional
        Folder that is written.
    json, quiet : bool
        Whether to print JSON alone, or nothing.
    renamed : mapping, optional
        Key of an error → the option that it belongs to, where the two are not called alike.
    """
    folder = check_folder(output)
    written: tuple[str, ...] = ()
    with progress(quiet=quiet or json) as report:
        report("Reading the catalog", 0.0)
        answer = replace(flagged(lambda: ask(report), command, renamed), words=typed())
        if folder is not None:
            report("Writing the folder", 0.97)
            from gigawatt.faces.report.files import write_answer

            written = write_answer(folder, answer)
    print_answer(answer, json=json, quiet=quiet)
    if folder is not None and not (json or quiet):
        first, *rest = sorted(written, key=_rank)
        console().print(f"Written: {', '.join([str(folder / first), *rest])}", markup=False)
    return answer


def _rank(name: str) -> tuple[int, str]:
    """Reports first, then data, then tables."""
    order = (".html", ".md", ".json", ".csv", ".parquet")
    return next((i for i, end in enumerate(order) if name.endswith(end)), len(order)), name


def print_answer(answer: Answer, *, json: bool, quiet: bool) -> None:
    """Print an answer: JSON alone, or the head of its document, or nothing."""
    if json:
        print_json(answer.to_json())
    elif not quiet:
        from gigawatt.faces.terminal.document import write_document

        write_document(answer.document, console())
