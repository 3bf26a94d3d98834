"""What the commands share: a console, a progress line, JSON on standard output."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["console", "number", "print_json", "progress", "table"]

#: Columns of a line where nobody says how wide the terminal is, so that a name stays whole in a pipe.
_WIDTH_OF_A_FILE = 200


def console(*, stderr: bool = False) -> Any:
    """A rich console; errors and progress go to standard error, answers to standard output."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_A_FILE
    return Console(stderr=stderr, highlight=False, soft_wrap=False, width=width)


def print_json(value: Any) -> None:
    """One JSON document and nothing else on standard output."""
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False) + "\n")


def number(value: float | str, digits: int = 4) -> str:
    """A number as a person reads it: four significant digits, thousands apart."""
    if isinstance(value, str):
        return value
    if value == 0:
        return "0"
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return f"{value:.{digits - 1}e}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def table(*heads: tuple[str, str], title: str = "") -> Any:
    """A bare table of (heading, justification) columns, to add rows to."""
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head, justify in heads:
        grid.add_column(head, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    if title:
        grid.title, grid.title_justify, grid.title_style = title, "left", "dim"
    return grid


@contextmanager
def progress(*, quiet: bool, after: float = 1.0) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error, shown only once the work has taken ``after`` seconds."""
    if quiet or not sys.stderr.isatty():
        yield lambda text, share: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )
    task = bar.add_task("", total=1.0)
    started, shown = time.monotonic(), False

    def report(text: str, share: float) -> None:
        nonlocal shown
        if not shown and time.monotonic() - started >= after:
            bar.start()
            shown = True
        bar.update(task, description=text[:60].ljust(60), completed=share)

    try:
        yield report
    finally:
        if shown:
            bar.stop()
