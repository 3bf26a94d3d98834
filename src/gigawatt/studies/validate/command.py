"""``gigawatt validate``: one printer for the scorecards of all tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gigawatt.faces.terminal.console import console, print_json, progress
from gigawatt.studies.validate.cells import cell

__all__ = ["print_card", "validate_command"]

_TABLES = (
    "Which scorecard: training, kernels, memory, power, collectives, serving, supply, technologies, outlook."
)
_FIGURES = ("n", "refused", "mape", "median_ape", "p90_ape", "bias", "coverage90")
_CHECK = ("part", "what", "ours", "published", "unit", "error", "tolerance", "ok")
_WORDS = frozenset(("part", "metric", "source", "accelerator", "use", "role", "counted", "what", "operation",
                    "device", "format", "part_of"))  # fmt: skip
"""Keys of groups whose words stand in the group's name already."""


def validate_command(
    table: Annotated[str, typer.Argument(help=_TABLES, show_default=False)],
    rows: Annotated[Path | None, typer.Option(help="Another file (or folder) of the same shape.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Predictions beside measurements: error by group, beside a naive baseline."""
    from gigawatt.studies.validate.door import validate

    with progress(quiet=quiet or json) as report:
        answer = validate(table, rows, progress=report)
    if json:
        print_json(answer.to_json())
    else:
        print_card(answer.data, titles=answer.found.titles, notes=answer.found.notes)


def print_card(
    answer: Mapping[str, Any], *, titles: Mapping[str, str] | None = None, notes: Sequence[str] = ()
) -> None:
    """A scorecard on the terminal: its checks, its groups with the whole last, what was refused and why.

    Parameters
    ----------
    answer : mapping
        As of ``Card.to_json``.
    titles : mapping, optional
        Headings of the keys that are tables to print as well.
    notes : sequence of str
        Lines below.
    """
    out = console()
    if "checks" in answer:
        _print(_CHECK, [tuple(_verdict(one) if key == "ok" else one[key] for key in _CHECK)
                        for one in answer["checks"]])  # fmt: skip
        out.print()
    groups = answer["groups"]
    names = [key for key in (groups[0] if groups else {}) if key not in _WORDS and key != "group"]
    columns = ("group", *[key for key in _FIGURES if key in names],
               *[key for key in names if key not in _FIGURES])  # fmt: skip
    columns = tuple(
        key for key in columns if key == "group" or any(one.get(key) is not None for one in groups)
    )
    total = {"group": "all", **answer["overall"], **{key: answer[key] for key in columns if key in answer}}
    _print(columns, [tuple(one.get(key) for key in columns) for one in (*groups, total)])
    for key, title in (titles or {}).items():
        lines = answer[key]
        if lines:
            out.print(f"\n{title}", markup=False)
            _print(list(lines[0]), [tuple(line.values()) for line in lines])
    fitted = answer["parameters_fitted"]
    out.print(
        f"{answer['rows']:,} rows: {answer['predicted']:,} predicted, {answer['refused']:,} refused"
        + (f"; {fitted:,} parameters fitted" if fitted is not None else "")
        + ("." if "checks" in answer else "; errors are (predicted - measured) / measured."),
        markup=False,
    )
    for note in notes:
        out.print(note, markup=False)
    for reason, count in answer["refused_reasons"].items():
        first = answer["refused_first"][reason]
        out.print(f"refused {count:>4}: {reason}" + (f" (first: {first})" if first else ""), markup=False)


def _verdict(check: Mapping[str, Any]) -> str:
    if not check["ok"]:
        return "no"
    return "yes, fitted" if check["fitted"] else "yes"


def _print(columns: Sequence[str], lines: Iterable[Sequence[str | int | float | None]]) -> None:
    from rich.table import Table

    shown = Table(*[name.replace("_", " ") for name in columns], box=None)
    for line in lines:
        shown.add_row(*[cell(name, value) for name, value in zip(columns, line, strict=True)])
    console().print(shown)
